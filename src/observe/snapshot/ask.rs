//! Counts by name.

use super::{Row, Snapshot};
use crate::observe::event::{BreakerState, CallOutcome, Service};
use crate::observe::histogram::Histogram;
use crate::observe::sample::{GRANTED, HIT, Kind, MISS, REFUSED, WON};

/// Calls: every attempt that reached the wire, whatever came of it.
impl Snapshot {
    /// Calls of KMS in a region.
    #[must_use]
    pub fn kms_calls(&self, region: &str) -> u64 {
        self.calls(Service::Kms, region)
    }

    /// Calls of a service in a region.
    #[must_use]
    pub fn calls(&self, service: Service, region: &str) -> u64 {
        self.sum(Kind::Call, &[Some(service.as_str()), Some(region)])
    }

    /// Calls of a service, in all regions.
    #[must_use]
    pub fn calls_everywhere(&self, service: Service) -> u64 {
        self.sum(Kind::Call, &[Some(service.as_str())])
    }

    /// Calls of an operation, by its name in the API.
    #[must_use]
    pub fn calls_of(&self, service: Service, region: &str, operation: &str) -> u64 {
        let wanted = [Some(service.as_str()), Some(region), Some(operation)];
        self.sum(Kind::Call, &wanted)
    }

    /// Calls that ended in one way.
    #[must_use]
    pub fn calls_ended(&self, service: Service, region: &str, outcome: CallOutcome) -> u64 {
        let outcome = Some(outcome.as_str());
        let wanted = [Some(service.as_str()), Some(region), None, outcome];
        self.sum(Kind::Call, &wanted)
    }

    /// How long the calls of a service in a region took.
    #[must_use]
    pub fn latency(&self, service: Service, region: &str) -> Histogram {
        self.merged(Kind::Call, &[Some(service.as_str()), Some(region)])
    }

    /// How long the calls of an operation took.
    #[must_use]
    pub fn latency_of(&self, service: Service, region: &str, operation: &str) -> Histogram {
        let wanted = [Some(service.as_str()), Some(region), Some(operation)];
        self.merged(Kind::Call, &wanted)
    }
}

/// What became of failed and slow calls.
impl Snapshot {
    /// Failed attempts that were repeated.
    #[must_use]
    pub fn retries_granted(&self, service: Service, region: &str) -> u64 {
        let wanted = [Some(service.as_str()), Some(region), Some(GRANTED)];
        self.sum(Kind::Retry, &wanted)
    }

    /// Failed attempts that were not repeated because the retry budget was used up.
    #[must_use]
    pub fn retries_refused(&self, service: Service, region: &str) -> u64 {
        let wanted = [Some(service.as_str()), Some(region), Some(REFUSED)];
        self.sum(Kind::Retry, &wanted)
    }

    /// How often another region was asked instead, of any service.
    #[must_use]
    pub fn fallbacks(&self) -> u64 {
        self.sum(Kind::Fallback, &[])
    }

    /// How often another region was asked instead of `from`.
    #[must_use]
    pub fn fallbacks_from(&self, service: Service, from: &str) -> u64 {
        self.sum(Kind::Fallback, &[Some(service.as_str()), Some(from)])
    }

    /// How often `to` was asked instead of `from`.
    #[must_use]
    pub fn fallbacks_between(&self, service: Service, from: &str, to: &str) -> u64 {
        let wanted = [Some(service.as_str()), Some(from), Some(to)];
        self.sum(Kind::Fallback, &wanted)
    }

    /// The state of a circuit breaker. One that never changed is closed.
    #[must_use]
    pub fn breaker(&self, service: Service, region: &str) -> BreakerState {
        let wanted = [Some(service.as_str()), Some(region)];
        let state = self
            .matching(Kind::Breaker, &wanted)
            .find_map(|row| row.state());
        state.unwrap_or(BreakerState::Closed)
    }

    /// How often a circuit breaker changed its state.
    #[must_use]
    pub fn breaker_changes(&self, service: Service, region: &str) -> u64 {
        self.sum(Kind::Breaker, &[Some(service.as_str()), Some(region)])
    }

    /// Reads that were sent to a second region before the first had answered.
    #[must_use]
    pub fn hedges(&self) -> u64 {
        self.sum(Kind::Hedge, &[])
    }

    /// Those of them that the second region answered first.
    #[must_use]
    pub fn hedges_won(&self) -> u64 {
        self.sum(Kind::Hedge, &[None, None, None, Some(WON)])
    }

    /// How often a cache saved a call.
    #[must_use]
    pub fn cache_hits(&self, cache: &str) -> u64 {
        self.sum(Kind::Cache, &[Some(cache), Some(HIT)])
    }

    /// How often a cache saved none.
    #[must_use]
    pub fn cache_misses(&self, cache: &str) -> u64 {
        self.sum(Kind::Cache, &[Some(cache), Some(MISS)])
    }
}

/// What happened to tables, by logical name, and their items.
impl Snapshot {
    /// Operations of a table, by the name of their span.
    #[must_use]
    pub fn verbs(&self, operation: &str, table: &str) -> u64 {
        self.sum(Kind::Verb, &[Some(operation), Some(table)])
    }

    /// Operations of a table that ended in one way, in the words of their span.
    #[must_use]
    pub fn verbs_ended(&self, operation: &str, table: &str, outcome: &str) -> u64 {
        let wanted = [Some(operation), Some(table), Some(outcome)];
        self.sum(Kind::Verb, &wanted)
    }

    /// How long operations of a table took, with everything that they sent.
    #[must_use]
    pub fn verb_latency(&self, operation: &str, table: &str) -> Histogram {
        self.merged(Kind::Verb, &[Some(operation), Some(table)])
    }

    /// Items that were not opened.
    #[must_use]
    pub fn verification_failures(&self, table: &str) -> u64 {
        self.sum(Kind::Verification, &[Some(table)])
    }

    /// Items that were not opened for one reason, in the words of
    /// [`VerificationEvent::kind`](crate::observe::VerificationEvent::kind).
    #[must_use]
    pub fn verification_failures_of(&self, table: &str, kind: &str) -> u64 {
        self.sum(Kind::Verification, &[Some(table), Some(kind)])
    }

    /// Stored items that were not the newest seen: `stale` or `diverged`.
    #[must_use]
    pub fn freshness_findings(&self, table: &str, kind: &str) -> u64 {
        self.sum(Kind::Freshness, &[Some(table), Some(kind)])
    }

    /// Items that a plaintext policy let through although nobody sealed them.
    #[must_use]
    pub fn plaintext_reads(&self, table: &str) -> u64 {
        self.sum(Kind::Plaintext, &[Some(table)])
    }

    /// Audit events with one outcome, in the words of
    /// [`AuditEvent::outcome`](crate::observe::AuditEvent::outcome).
    #[must_use]
    pub fn audit_events(&self, table: &str, outcome: &str) -> u64 {
        self.sum(Kind::Audit, &[Some(table), Some(outcome)])
    }
}

impl Snapshot {
    fn sum(&self, kind: Kind, wanted: &[Option<&str>]) -> u64 {
        let counts = self.matching(kind, wanted).map(|row| row.count());
        counts.fold(0, u64::saturating_add)
    }

    fn merged(&self, kind: Kind, wanted: &[Option<&str>]) -> Histogram {
        let mut merged = Histogram::default();
        let latencies = self.matching(kind, wanted).filter_map(|row| row.latency());
        latencies.for_each(|latency| merged.merge(latency));
        merged
    }

    /// The rows whose first labels are these; `None` stands for any.
    fn matching(&self, kind: Kind, wanted: &[Option<&str>]) -> impl Iterator<Item = Row<'_>> {
        self.rows_of(kind).filter(move |row| {
            let mut pairs = row.labels.iter().zip(wanted);
            pairs.all(|(have, wanted)| wanted.is_none_or(|wanted| have == wanted))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::FaultClass;
    use crate::observe::test_support::{counted, one_of_each};
    use crate::observe::{CallEvent, Event, HedgeEvent};

    /// Two calls of each: services, regions, operations, outcomes; each took a millisecond.
    fn calls() -> Snapshot {
        let mut events = Vec::new();
        for service in [Service::Kms, Service::DynamoDb] {
            for region in ["eu-west-1", "us-east-1"] {
                for operation in ["A", "B"] {
                    for outcome in [CallOutcome::Ok, CallOutcome::Fault(FaultClass::Throttled)] {
                        let call = CallEvent {
                            service,
                            region,
                            operation,
                            outcome,
                            latency: Duration::from_millis(1),
                        };
                        events.extend([Event::Call(call); 2]);
                    }
                }
            }
        }
        counted(&events)
    }

    #[test]
    fn sums_the_calls_that_were_asked_for() {
        let snapshot = calls();
        assert_eq!(snapshot.calls_everywhere(Service::Kms), 16);
        assert_eq!(snapshot.calls(Service::DynamoDb, "eu-west-1"), 8);
        assert_eq!(snapshot.kms_calls("us-east-1"), 8);
        assert_eq!(snapshot.calls_of(Service::Kms, "eu-west-1", "A"), 4);
        let throttled = CallOutcome::Fault(FaultClass::Throttled);
        assert_eq!(
            snapshot.calls_ended(Service::Kms, "eu-west-1", throttled),
            4
        );
        let denied = CallOutcome::Fault(FaultClass::Denied);
        assert_eq!(snapshot.calls_ended(Service::Kms, "eu-west-1", denied), 0);
        assert_eq!(snapshot.kms_calls("ap-south-1"), 0);
    }

    #[test]
    fn merges_the_latencies_that_were_asked_for() {
        let snapshot = calls();
        let all = snapshot.latency(Service::Kms, "eu-west-1");
        assert_eq!((all.count(), all.sum()), (8, Duration::from_millis(8)));
        assert_eq!(
            snapshot.latency_of(Service::Kms, "eu-west-1", "B").count(),
            4
        );
        assert_eq!(
            snapshot.latency_of(Service::Kms, "eu-west-1", "C").count(),
            0
        );
    }

    #[test]
    fn finds_one_of_each() {
        let snapshot = counted(&one_of_each());
        let (kms, home, away, table) = (Service::Kms, "eu-west-1", "us-east-1", "orders");
        assert_eq!(snapshot.retries_granted(kms, home), 1);
        assert_eq!(snapshot.retries_refused(kms, home), 0);
        assert_eq!(snapshot.fallbacks(), 1);
        assert_eq!(snapshot.fallbacks_from(kms, home), 1);
        assert_eq!(snapshot.fallbacks_between(kms, home, away), 1);
        assert_eq!(snapshot.fallbacks_between(kms, away, home), 0);
        assert_eq!(snapshot.breaker(kms, home), BreakerState::Open);
        assert_eq!(snapshot.breaker(kms, away), BreakerState::Closed);
        assert_eq!(snapshot.breaker_changes(kms, home), 1);
        assert_eq!((snapshot.hedges(), snapshot.hedges_won()), (1, 1));
        assert_eq!(snapshot.cache_hits("key_state"), 1);
        assert_eq!(snapshot.cache_misses("key_state"), 0);
        assert_eq!(snapshot.verbs("GetItem", table), 1);
        assert_eq!(snapshot.verbs_ended("GetItem", table, "ok"), 1);
        assert_eq!(snapshot.verb_latency("GetItem", table).count(), 1);
        assert_eq!(snapshot.verification_failures(table), 1);
        assert_eq!(
            snapshot.verification_failures_of(table, "authentication"),
            1
        );
        assert_eq!(snapshot.verification_failures_of(table, "malformed"), 0);
        assert_eq!(snapshot.freshness_findings(table, "stale"), 1);
        assert_eq!(snapshot.plaintext_reads(table), 1);
        assert_eq!(snapshot.audit_events(table, "opened"), 1);
    }

    #[test]
    fn counts_a_hedge_that_lost_as_sent_alone() {
        let snapshot = counted(&[Event::Hedge(HedgeEvent {
            operation: "GetItem",
            first: "eu-west-1",
            second: "us-east-1",
            won: false,
        })]);
        assert_eq!((snapshot.hedges(), snapshot.hedges_won()), (1, 0));
    }
}
