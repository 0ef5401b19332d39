//! Why a key is in an invalid state: `DescribeKey` tells, and is not asked more often than every 30 s.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_kms::types::KeyState;
use aws_smithy_async::time::SharedTimeSource;

use super::fault::of_codes;
use super::health::Health;
use crate::cache::flight::Flights;
use crate::error::FaultClass;
use crate::observe::{CacheEvent, CallOutcome, Event, Observers};

/// How long an answer holds.
const TTL: Duration = Duration::from_secs(30);

/// A discovery keyring meets keys by the items it reads, so their number is bounded here.
const MAX_KEYS: usize = 1000;

/// What `KMSInvalidStateException` means for each key of a region: it says neither whether the key is
/// still being made nor whether somebody is deleting it.
pub(crate) struct KeyStates {
    clock: SharedTimeSource,
    observers: Observers,
    known: Mutex<BTreeMap<String, Known>>,
    asking: Flights<String, Option<FaultClass>>,
}

#[derive(Clone, Copy)]
struct Known {
    class: FaultClass,
    since: SystemTime,
}

impl Known {
    /// A clock that went backwards makes it old, too.
    fn holds(&self, now: SystemTime) -> bool {
        now.duration_since(self.since).is_ok_and(|age| age < TTL)
    }
}

impl KeyStates {
    pub(super) fn new(clock: SharedTimeSource, observers: Observers) -> Self {
        Self {
            clock,
            observers,
            known: Mutex::default(),
            asking: Flights::new(),
        }
    }

    /// The class of an invalid state: `ReplicaCreating`, or else `Disabled`, which is the safe reading,
    /// also where `DescribeKey` does not tell.
    pub(crate) async fn class_of(
        &self,
        client: &aws_sdk_kms::Client,
        health: &Arc<Health>,
        arn: &str,
    ) -> FaultClass {
        let now = self.clock.now();
        let known = self.lock().get(arn).copied();
        let known = known.filter(|known| known.holds(now));
        if let Some(known) = known {
            self.tell(true);
            return known.class;
        }
        let ask = || describe(client.clone(), Arc::clone(health), arn.to_owned());
        let (class, joined) = self.asking.join(arn.to_owned(), ask).await;
        self.tell(joined);
        if let (Some(class), false) = (class, joined) {
            self.remember(arn, Known { class, since: now });
        }
        class.unwrap_or(FaultClass::Disabled)
    }

    fn tell(&self, hit: bool) {
        self.observers.emit(&Event::Cache(CacheEvent {
            cache: "key_state",
            hit,
        }));
    }

    fn remember(&self, arn: &str, known: Known) {
        let mut all = self.lock();
        if all.len() >= MAX_KEYS {
            all.retain(|_, other| other.holds(known.since));
        }
        if all.len() < MAX_KEYS {
            all.insert(arn.to_owned(), known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the state of a key means for whoever wants to use it; `None` if the region does not tell now, so
/// that the next one asks again.
async fn describe(
    client: aws_sdk_kms::Client,
    health: Arc<Health>,
    arn: String,
) -> Option<FaultClass> {
    let attempt = health.begin("DescribeKey").ok()?;
    let described = Box::pin(client.describe_key().key_id(arn).send()).await;
    let outcome = described.as_ref().map_or_else(
        |error| CallOutcome::Fault(of_codes(error)),
        |_| CallOutcome::Ok,
    );
    attempt.end(outcome);
    match described {
        Ok(described) => Some(class_of_state(
            described.key_metadata.and_then(|key| key.key_state),
        )),
        Err(_) if outcome == CallOutcome::Fault(FaultClass::Unavailable) => None,
        Err(_) if outcome == CallOutcome::Fault(FaultClass::Throttled) => None,
        Err(_) => Some(FaultClass::Disabled),
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
    use super::*;

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

    #[test]
    fn forgets_after_thirty_seconds_and_when_the_clock_goes_back() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let known = Known {
            class: FaultClass::Disabled,
            since,
        };
        assert!(known.holds(since) && known.holds(since + Duration::from_secs(29)));
        assert!(!known.holds(since + TTL));
        assert!(!known.holds(since - Duration::from_secs(1)));
    }
}
