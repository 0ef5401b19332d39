//! Counts as they were at one time: what there is, and the difference of two.

mod ask;
mod show;

use super::event::BreakerState;
use super::histogram::Histogram;
use super::sample::{Kind, Sample, Value};
use super::series::{Labels, Rows, Series};

/// The counts of a [`Counters`](super::Counters) as they were at one time.
///
/// Ask it by the name of what you look for, go through its [`rows`](Self::rows), print it as a table,
/// or serialize it: an object with an array for each counter, whose elements hold the row's labels by
/// name, `count` (of a breaker `state` and `changes`), and `latency` where it is measured.
///
/// A count that is asked for by names is 0 if nothing was counted under them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    series: Series<Tally>,
}

impl Snapshot {
    /// What was counted after `earlier`, a snapshot of the same counters.
    ///
    /// Rows in which nothing happened are left out, but for breakers, which stay with their state of
    /// now. Of latencies, [`max`](Histogram::max) is that of all time.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let series = self.series.filter_map(|kind, labels, tally| {
            let rows = earlier.series.rows(kind);
            let before = rows.and_then(|rows| rows.get(labels));
            let after = before.map_or_else(|| tally.clone(), |before| tally.since(before));
            (after.count > 0 || after.state.is_some()).then_some(after)
        });
        Self { series }
    }

    /// Every count, sorted by counter and labels.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        Kind::ALL.into_iter().flat_map(|kind| self.rows_of(kind))
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows().next().is_none()
    }

    fn rows_of(&self, kind: Kind) -> impl Iterator<Item = Row<'_>> {
        let rows = self.series.rows(kind).into_iter().flat_map(Rows::iter);
        rows.map(move |(labels, tally)| Row {
            kind,
            labels,
            tally,
        })
    }

    pub(super) fn add(&mut self, sample: &Sample<'_>) {
        let slot = self
            .series
            .slot(sample.kind, sample.labels, |_| Tally::default());
        if let Some(tally) = slot {
            tally.add(sample.value);
        }
    }
}

/// One count of a [`Snapshot`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    kind: Kind,
    labels: &'a Labels,
    tally: &'a Tally,
}

impl<'a> Row<'a> {
    /// What is counted: `calls`, `retries`, `fallbacks`, `breakers` (their changes), `hedges`,
    /// `cache_lookups`, `verbs`, `verification_failures`, `freshness_findings`, `plaintext_reads`,
    /// `audit_events`.
    #[must_use]
    pub fn counter(&self) -> &'static str {
        self.kind.name()
    }

    /// Names and values of the labels.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, &'a str)> + use<'a> {
        let names = self.kind.labels().iter().copied();
        names.zip(self.labels.iter().map(AsRef::as_ref))
    }

    /// The value of a label, if this counter has it.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&'a str> {
        let found = self.labels().find(|(have, _)| *have == name);
        found.map(|(_, value)| value)
    }

    /// How often it happened.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tally.count
    }

    /// How long it took, of calls and verbs.
    #[must_use]
    pub fn latency(&self) -> Option<&'a Histogram> {
        self.tally.latency.as_deref()
    }

    /// The state that a breaker has now.
    #[must_use]
    pub fn state(&self) -> Option<BreakerState> {
        self.tally.state
    }
}

/// What is known of a set of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    count: u64,
    // Ten times as large as the rest, and most counters have none.
    latency: Option<Box<Histogram>>,
    state: Option<BreakerState>,
}

impl Tally {
    fn add(&mut self, value: Value) {
        self.count = self.count.saturating_add(1);
        match value {
            Value::Nothing => {}
            Value::Latency(latency) => self.latency.get_or_insert_default().record(latency),
            Value::State(state) => self.state = Some(state),
        }
    }

    fn since(&self, earlier: &Self) -> Self {
        let latency = self.latency.as_ref().map(|latency| {
            let earlier = earlier.latency.as_deref();
            earlier.map_or_else(|| latency.clone(), |earlier| latency.since(earlier).into())
        });
        Self {
            count: self.count.saturating_sub(earlier.count),
            latency,
            state: self.state,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::observe::test_support::{call, counted, one_of_each};
    use crate::observe::{BreakerEvent, Counters, Event, Observer, RetryEvent, Service};

    fn breaker(state: BreakerState) -> Event<'static> {
        Event::Breaker(BreakerEvent {
            service: Service::Kms,
            region: "eu-west-1",
            state,
        })
    }

    #[test]
    fn has_a_row_with_every_label_of_every_kind_of_event() {
        let snapshot = counted(&one_of_each());
        let counters: Vec<_> = snapshot.rows().map(|row| row.counter()).collect();
        assert_eq!(counters, Kind::ALL.map(Kind::name));
        for row in snapshot.rows() {
            assert_eq!(row.count(), 1, "{row:?}");
            assert!(row.labels().all(|(_, value)| !value.is_empty()), "{row:?}");
            let mut unnamed = row.labels.iter().skip(row.kind.labels().len());
            assert!(unnamed.all(|value| value.is_empty()), "{row:?}");
        }
    }

    #[test]
    fn shares_counts_between_clones_and_not_with_snapshots() {
        let counters = Counters::new();
        let observer: Arc<dyn Observer> = Arc::new(counters.clone());
        observer.on_event(&call(Service::Kms, "eu-west-1", "Decrypt"));
        let snapshot = counters.snapshot();
        counters.on_event(&call(Service::Kms, "eu-west-1", "Decrypt"));
        assert_eq!(snapshot.kms_calls("eu-west-1"), 1);
        assert_eq!(counters.snapshot().kms_calls("eu-west-1"), 2);
        assert_eq!(format!("{counters:?}"), "Counters { .. }");
    }

    #[test]
    fn subtracts_an_earlier_snapshot() {
        let counters = Counters::new();
        for event in one_of_each() {
            counters.on_event(&event);
        }
        let earlier = counters.snapshot();
        counters.on_event(&call(Service::Kms, "eu-west-1", "Decrypt"));
        counters.on_event(&call(Service::Kms, "us-east-1", "Decrypt"));
        let between = counters.snapshot().since(&earlier);
        let counted: Vec<_> = between
            .rows()
            .map(|row| (row.counter(), row.count()))
            .collect();
        assert_eq!(counted, [("calls", 1), ("calls", 1), ("breakers", 0)]);
        let latency = between.latency(Service::Kms, "eu-west-1");
        assert_eq!(
            (latency.count(), latency.sum()),
            (1, Duration::from_millis(3))
        );
    }

    #[test]
    fn keeps_what_happened_before_an_unrelated_snapshot_from_going_below_nothing() {
        let more = counted(&[call(Service::Kms, "eu-west-1", "Decrypt"); 3]);
        let fewer = counted(&[call(Service::Kms, "eu-west-1", "Decrypt")]);
        assert!(fewer.since(&more).is_empty());
    }

    #[test]
    fn shows_the_last_state_of_a_breaker_and_how_often_it_changed() {
        let states = [
            BreakerState::Open,
            BreakerState::HalfOpen,
            BreakerState::Open,
        ];
        let snapshot = counted(&states.map(breaker));
        let rows: Vec<_> = snapshot
            .rows()
            .map(|row| (row.count(), row.state()))
            .collect();
        assert_eq!(rows, [(3, Some(BreakerState::Open))]);
        assert_eq!(
            snapshot.since(&snapshot).breaker(Service::Kms, "eu-west-1"),
            BreakerState::Open
        );
    }

    #[test]
    fn finds_a_label_by_its_name() {
        let snapshot = counted(&[Event::Retry(RetryEvent {
            service: Service::DynamoDb,
            region: "eu-west-1",
            granted: false,
        })]);
        let row = snapshot.rows().next().expect("a row");
        assert_eq!(row.label("result"), Some("refused"));
        assert_eq!(row.label("table"), None);
    }
}
