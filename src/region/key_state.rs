//! Why a key is in an invalid state: `DescribeKey` tells, and is not asked more often than every 30 s.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kms::types::KeyState;

use super::fault::of_codes;
use super::health::Health;
use crate::cache::{Cache, Clock, Limits, Loaded, Refusal};
use crate::error::FaultClass;
use crate::observe::{CallOutcome, Observers};

/// Events call the cache so.
const CACHE: &str = "key_state";

/// How long an answer holds.
const TTL: Duration = Duration::from_secs(30);

/// A discovery keyring meets keys by the items it reads, so their number is bounded here.
const MAX_KEYS: usize = 1000;

/// What `KMSInvalidStateException` means for each key of a region: it says neither whether the key is
/// still being made nor whether somebody is deleting it.
pub(crate) struct KeyStates(Cache<String, FaultClass, Untold>);

/// The region does not tell now, so that the next one asks again.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Untold;

impl Refusal for Untold {
    fn refuses(&self) -> bool {
        false
    }
}

impl KeyStates {
    pub(super) fn new(clock: Clock, observers: Observers) -> Self {
        // Asked ahead of time, an answer would be nobody's who waits for it.
        let limits = Limits::new(MAX_KEYS, TTL).without_refresh();
        Self(Cache::new(CACHE, limits, clock, observers))
    }

    /// The class of an invalid state: `ReplicaCreating`, or else `Disabled`, which is the safe reading,
    /// also where `DescribeKey` does not tell.
    pub(crate) async fn class_of(
        &self,
        client: &aws_sdk_kms::Client,
        health: &Arc<Health>,
        arn: &str,
    ) -> FaultClass {
        let ask = || describe(client.clone(), Arc::clone(health), arn.to_owned());
        self.known_or(arn, ask).await
    }

    async fn known_or<F>(&self, arn: &str, ask: impl FnOnce() -> F) -> FaultClass
    where
        F: Future<Output = Result<FaultClass, Untold>> + Send + 'static,
    {
        let load = || {
            let asking = ask();
            async move { asking.await.map(loaded) }
        };
        let known = self.0.get_or_load(&arn.to_owned(), load).await;
        known.map_or(FaultClass::Disabled, |known| known.value)
    }
}

fn loaded(class: FaultClass) -> Loaded<FaultClass> {
    Loaded {
        value: class,
        valid_for: None,
        bytes: 0,
    }
}

/// What the state of a key means for whoever wants to use it.
async fn describe(
    client: aws_sdk_kms::Client,
    health: Arc<Health>,
    arn: String,
) -> Result<FaultClass, Untold> {
    let attempt = health.begin("DescribeKey").map_err(|_| Untold)?;
    let described = Box::pin(client.describe_key().key_id(arn).send()).await;
    let outcome = described.as_ref().map_or_else(
        |error| CallOutcome::Fault(of_codes(error)),
        |_| CallOutcome::Ok,
    );
    attempt.end(outcome);
    match described {
        Ok(described) => Ok(class_of_state(
            described.key_metadata.and_then(|key| key.key_state),
        )),
        Err(_) if outcome == CallOutcome::Fault(FaultClass::Unavailable) => Err(Untold),
        Err(_) if outcome == CallOutcome::Fault(FaultClass::Throttled) => Err(Untold),
        Err(_) => Ok(FaultClass::Disabled),
    }
}

fn class_of_state(state: Option<KeyState>) -> FaultClass {
    match state {
        // Enabled meanwhile: what made the state invalid is over.
        Some(KeyState::Creating | KeyState::Updating | KeyState::Enabled) => {
            FaultClass::ReplicaCreating
        }
        _ => FaultClass::Disabled,
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::cache::test_support::TestClock;

    #[test]
    fn takes_every_state_but_creating_and_updating_for_somebodys_intention() {
        for state in [KeyState::Creating, KeyState::Updating, KeyState::Enabled] {
            assert_eq!(class_of_state(Some(state)), FaultClass::ReplicaCreating);
        }
        for state in [
            KeyState::Disabled,
            KeyState::PendingDeletion,
            KeyState::PendingReplicaDeletion,
            KeyState::PendingImport,
            KeyState::Unavailable,
            KeyState::from("SomethingNew"),
        ] {
            assert_eq!(class_of_state(Some(state)), FaultClass::Disabled);
        }
        assert_eq!(class_of_state(None), FaultClass::Disabled);
    }

    /// Whether it was asked, and what it said.
    async fn asked(states: &KeyStates, answer: Result<FaultClass, Untold>) -> (bool, FaultClass) {
        let mut asked = false;
        let ask = || {
            asked = true;
            ready(answer)
        };
        let class = states.known_or("arn", ask).await;
        (asked, class)
    }

    #[tokio::test]
    async fn asks_again_after_thirty_seconds_and_not_before() {
        let clock = TestClock::new();
        let states = KeyStates::new(clock.clock(), Observers::default());
        for _ in 0..2 {
            for second in 0..30 {
                let found = asked(&states, Ok(FaultClass::ReplicaCreating)).await;
                assert_eq!(found, (second == 0, FaultClass::ReplicaCreating));
                tokio::task::yield_now().await;
                clock.advance(Duration::from_secs(1));
            }
        }
        clock.set_back(Duration::from_secs(2));
        let found = asked(&states, Ok(FaultClass::Disabled)).await;
        assert_eq!(
            found,
            (true, FaultClass::Disabled),
            "the clock was set back"
        );
    }

    #[tokio::test]
    async fn takes_the_safe_reading_and_asks_again_where_nobody_tells() {
        let clock = TestClock::new();
        let states = KeyStates::new(clock.clock(), Observers::default());
        for _ in 0..2 {
            let found = asked(&states, Err(Untold)).await;
            assert_eq!(found, (true, FaultClass::Disabled));
        }
        let found = asked(&states, Ok(FaultClass::ReplicaCreating)).await;
        assert_eq!(found, (true, FaultClass::ReplicaCreating));
    }

    #[tokio::test]
    async fn remembers_a_bounded_number_of_keys() {
        let states = KeyStates::new(TestClock::new().clock(), Observers::default());
        let ask = || ready(Ok(FaultClass::Disabled));
        for nth in 0..=MAX_KEYS {
            states.known_or(&nth.to_string(), ask).await;
        }
        let kept = (0..=MAX_KEYS).filter(|nth| states.0.get(&nth.to_string()).is_some());
        assert_eq!(kept.count(), MAX_KEYS);
    }
}
