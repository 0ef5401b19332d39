//! All calls of a run: what the wire saw, and what processes say they sent.

use std::collections::BTreeMap;

use dynaseal::observe::{CallOutcome, Service};
use dynaseal::testkit::{self, Cloud};

use super::invariants::Did;
use super::schedule::{BYSTANDER, region_of};
use super::watch::{Call, Place, Watch};

#[derive(Default)]
pub(super) struct Ledger {
    seen: BTreeMap<Place, usize>,
    /// Sent; and given up, perhaps before they were on their way.
    told: BTreeMap<Place, (usize, usize)>,
    /// Of those who are gone, or are no process: what they began may still be under way.
    others: Vec<Watch>,
}

impl Ledger {
    pub(super) fn follow(&mut self, other: Watch) {
        self.others.push(other);
    }

    /// Takes down what the wire saw since the last time. The auditor's requests are nobody's.
    pub(super) fn take_down(&mut self, cloud: &Cloud) -> Result<(), String> {
        let attempts = cloud.attempts();
        cloud.reset_calls();
        for attempt in attempts {
            if attempt.region() == Some(BYSTANDER) {
                continue;
            }
            let service = match attempt.service() {
                Some(testkit::Service::Kms) => Service::Kms,
                _ => Service::DynamoDb,
            };
            let region = attempt.region().and_then(region_of);
            let region = region.ok_or_else(|| format!("{attempt:?} is of no set"))?;
            *self.seen.entry((service, region.to_owned())).or_default() += 1;
        }
        Ok(())
    }

    pub(super) fn told(&mut self, all: &[Did]) {
        let others: Vec<Call> = self
            .others
            .iter()
            .flat_map(|other| other.take().0)
            .collect();
        for call in all.iter().flat_map(|did| &did.calls).chain(&others) {
            let place = (call.service, call.region.clone());
            let (sent, perhaps) = self.told.entry(place).or_default();
            match call.outcome {
                CallOutcome::Abandoned => *perhaps += 1,
                _ => *sent += 1,
            }
        }
    }

    /// Processes tell of what they sent, neither more nor less, and send to no other hosts. While something
    /// may be under way, it is not told of yet.
    pub(super) fn every_call_is_told(&self, is_at_rest: bool) -> Result<(), String> {
        for place in self.seen.keys().chain(self.told.keys()) {
            let seen = self.seen.get(place).copied().unwrap_or_default();
            let (sent, perhaps) = self.told.get(place).copied().unwrap_or_default();
            if seen < sent || is_at_rest && seen > sent + perhaps {
                return Err(format!(
                    "{seen} calls to {place:?}, of which {sent} or {perhaps} more were told"
                ));
            }
        }
        Ok(())
    }
}
