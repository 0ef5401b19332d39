//! Whether a process may still have the keys that it used, and how often it asked for them.

use std::time::Duration;

use dynaseal::observe::{CallOutcome, Service};

use super::invariants::Did;
use super::keyrings::{KeyringChoice, Kind, TENANTS};
use super::outcome::Outcome;
use super::schedule::KeyCondition;
use super::story::{Change, Found, Told};
use super::subject::Which;

/// What KMS gave to a process, from its start on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Custody {
    since: Duration,
    /// When the last request began that KMS answered with a key to seal with; to open with.
    sealing: Option<Duration>,
    opening: Option<Duration>,
    /// How many keys it answered with.
    made: u32,
    opened: u32,
    /// How many items were sealed and opened at most.
    items: u32,
    /// When it last went to another region's KMS.
    left: Option<Duration>,
}

/// What a step was like for one process.
pub(super) struct Situation {
    pub(super) begun: Duration,
    pub(super) now: Duration,
    /// Since when its region's key is disabled, if it was during all of the step.
    pub(super) disabled_since: Option<Duration>,
    /// Table keys that were ever made, or versions of branch keys, by anybody.
    pub(super) keys: u32,
}

impl Custody {
    pub(super) fn since(since: Duration) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// How many keys KMS made for the process.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Whether it went to another region's KMS with a request that may still go on.
    pub(super) fn has_left(&self, now: Duration) -> bool {
        self.left.is_some_and(|left| left + LONGEST_REQUEST >= now)
    }

    pub(super) fn note(&mut self, choice: &KeyringChoice, did: &Did, now: Duration) {
        let both = choice.has_key_store();
        for call in did.calls.iter().filter(|call| call.is_for_an_item()) {
            if call.outcome != CallOutcome::Ok {
                continue;
            }
            let seals = call.operation == "GenerateDataKey";
            self.made += u32::from(seals);
            self.opened += u32::from(!seals);
            if seals || both {
                self.sealing = self.sealing.max(Some(call.begun));
            }
            if !seals {
                self.opening = self.opening.max(Some(call.begun));
            }
        }
        let mut fallbacks = did.fallbacks.iter();
        if fallbacks.any(|fallback| fallback.service == Service::Kms) {
            self.left = Some(now);
        }
    }

    /// No key is used longer than its time after KMS gave it, whatever failed since; and none in a region
    /// where it was disabled for as long. Answers whether one was used while it was disabled.
    pub(super) fn is_not_overdrawn(
        &self,
        choice: &KeyringChoice,
        is: &Situation,
        outcome: &Outcome,
    ) -> Result<bool, String> {
        let seals = outcome.effects.iter().any(|effect| {
            let is_done = effect.told == Told::Done;
            is_done && seals(&effect.change)
        });
        let sights = &outcome.sights;
        let opens = sights
            .iter()
            .any(|sight| matches!(sight.found, Found::Value(_)));
        for (does, verb, given, time) in [
            (seals, "sealed", self.sealing, choice.seals_for()),
            (opens, "opened", self.opening, choice.opens_for()),
        ] {
            if !does {
                continue;
            }
            let (op, begun) = (outcome.op, is.begun);
            if given.is_none_or(|given| given + time + SLACK < begun) {
                return Err(format!(
                    "operation {op} {verb} at {begun:?}, more than {time:?} after {given:?}"
                ));
            }
            let stayed = |since: &Duration| self.left.is_none_or(|left| left < *since);
            if let Some(since) = is.disabled_since.filter(stayed)
                && since + time + SLACK < begun
            {
                return Err(format!(
                    "operation {op} {verb} at {begun:?}, with a key disabled since {since:?}"
                ));
            }
        }
        Ok(is.disabled_since.is_some() && (seals || opens))
    }

    /// KMS gives few keys in each period, however many items there are.
    pub(super) fn keys_are_few(
        &mut self,
        choice: &KeyringChoice,
        is: &Situation,
        items: usize,
    ) -> Result<(), String> {
        self.items += u32::try_from(items).unwrap();
        // An early renewal comes after four fifths at least.
        let periods = |period: Duration| {
            let elapsed = (is.now - self.since).as_secs_f64();
            1.0 + elapsed / (0.8 * period.as_secs_f64())
        };
        let tenants = u32::try_from(TENANTS).unwrap();
        let (made, opened) = match choice.kind {
            Kind::KmsMrk => return Ok(()),
            Kind::TableKey {
                write_period,
                read_ttl,
                max_items,
            } => {
                let tables = u32::try_from(Which::ALL.len()).unwrap();
                let used_up = f64::from(self.items) / f64::from(max_items);
                let made = f64::from(tenants * tables) * periods(write_period) + used_up;
                (made, f64::from(is.keys) * periods(read_ttl))
            }
            Kind::Hierarchical { ttl } => (0.0, f64::from(tenants + is.keys) * periods(ttl)),
        };
        let within = f64::from(self.made) <= made && f64::from(self.opened) <= opened;
        if within {
            return Ok(());
        }
        Err(format!(
            "{self:?}, and no more than {made:.1} and {opened:.1} keys"
        ))
    }
}

fn seals(change: &Change) -> bool {
    match change {
        Change::Put(_) | Change::PutOver(..) | Change::PutOverAny(_) | Change::Append(_) => true,
        Change::View(_) | Change::Delete(_) | Change::DeleteAny(_) => false,
        Change::Together(all) => all.iter().any(seals),
    }
}

/// Of all attempts in all regions, with the waits between them.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// The processes' clock ticks at each reading.
const SLACK: Duration = Duration::from_millis(200);

/// Since when a key is disabled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Disabled(pub(super) Option<Duration>);

impl Disabled {
    pub(super) fn becomes(&mut self, condition: KeyCondition, now: Duration) {
        self.0 = match condition {
            KeyCondition::Disabled => self.0.or(Some(now)),
            _ => None,
        };
    }
}
