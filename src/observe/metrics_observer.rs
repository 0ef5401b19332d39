//! Counts for whatever recorder of the `metrics` crate is installed.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use metrics::{Key, Label, Level, Metadata, Recorder, SharedString, Unit};

use super::Observer;
use super::event::{BreakerState, Event};
use super::sample::{Kind, Sample, Value};
use super::series::{Labels, Series};

/// Hands everything that happens to the recorder of the [`metrics`](https://docs.rs/metrics) crate that
/// is installed in the process.
///
/// | metric | type | labels | unit |
/// | --- | --- | --- | --- |
/// | `dynaseal_calls_total` | counter | `service`, `region`, `operation`, `outcome` | count |
/// | `dynaseal_call_duration_seconds` | histogram | `service`, `region`, `operation`, `outcome` | seconds |
/// | `dynaseal_retries_total` | counter | `service`, `region`, `result` | count |
/// | `dynaseal_fallbacks_total` | counter | `service`, `from`, `to`, `cause` | count |
/// | `dynaseal_breaker_changes_total` | counter | `service`, `region` | count |
/// | `dynaseal_breaker_state` | gauge | `service`, `region` | none |
/// | `dynaseal_hedges_total` | counter | `operation`, `first`, `second`, `result` | count |
/// | `dynaseal_cache_lookups_total` | counter | `cache`, `result` | count |
/// | `dynaseal_verbs_total` | counter | `operation`, `table`, `outcome` | count |
/// | `dynaseal_verb_duration_seconds` | histogram | `operation`, `table`, `outcome` | seconds |
/// | `dynaseal_verification_failures_total` | counter | `table`, `kind` | count |
/// | `dynaseal_freshness_findings_total` | counter | `table`, `kind` | count |
/// | `dynaseal_plaintext_reads_total` | counter | `table` | count |
/// | `dynaseal_audit_events_total` | counter | `table`, `outcome` | count |
///
/// `service` is `kms` or `dynamodb`; `outcome` of a call and `cause` are the words of
/// [`CallOutcome`](super::CallOutcome) and [`FaultClass`](crate::error::FaultClass), and `cause` is
/// `breaker_open` where the region was not asked; `result` is `granted` or `refused`, `won` or
/// `lost`, `hit` or `miss`; all other words are those of the [events](super::Event). A breaker's state is
/// 0 closed, 1 half open, 2 open; one that never changed has none, and is closed.
///
/// Cardinality is bounded as in [`Counters`](super::Counters): names that are too long or too many become
/// `(other)`. No label holds a key of an item or any value, nor the caller and the key of an audit
/// event.
///
/// ```
/// use dynaseal::observe::MetricsObserver;
///
/// // Once the recorder is installed.
/// let observer = MetricsObserver::new();
/// # let _: &dyn dynaseal::observe::Observer = &observer;
/// ```
pub struct MetricsObserver {
    // Keys hold names and labels in the form that recorders want, so an event that was seen before
    // allocates nothing here. What they keep for a key is theirs: a handle would tie the observer to
    // the recorder of the time at which it was made.
    keys: Mutex<Series<Keys>>,
}

impl MetricsObserver {
    /// Describes all metrics to the installed recorder, so it is made after that was installed. Made
    /// before, it loses the descriptions, and nothing else.
    #[must_use]
    pub fn new() -> Self {
        metrics::with_recorder(|recorder| {
            for kind in Kind::ALL {
                describe(kind, recorder);
            }
        });
        Self {
            keys: Mutex::new(Series::default()),
        }
    }

    fn keys(&self, sample: &Sample<'_>) -> Option<Keys> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let new = |labels: &Labels| Keys::new(sample.kind, labels);
        keys.slot(sample.kind, sample.labels, new).cloned()
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for MetricsObserver {
    fn on_event(&self, event: &Event<'_>) {
        let sample = Sample::of(event);
        // A recorder is foreign code, so it runs after the lock is released.
        if let Some(keys) = self.keys(&sample) {
            metrics::with_recorder(|recorder| keys.record(sample.value, recorder));
        }
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsObserver").finish_non_exhaustive()
    }
}

/// The metrics of one set of labels. Clones share them.
#[derive(Clone)]
struct Keys {
    count: Key,
    measure: Option<Key>,
}

impl Keys {
    fn new(kind: Kind, labels: &Labels) -> Self {
        let named = kind.labels().iter().zip(labels);
        let labels: Vec<_> = named
            .map(|(name, value)| Label::new(*name, SharedString::from(value.clone())))
            .collect();
        let key = |name: &'static str| Key::from_parts(name, labels.clone()).to_retained();
        Self {
            count: key(count_name(kind)),
            measure: measure_name(kind).map(key),
        }
    }

    fn record(&self, value: Value, recorder: &dyn Recorder) {
        recorder
            .register_counter(&self.count, &METADATA)
            .increment(1);
        match (value, &self.measure) {
            (Value::Latency(latency), Some(key)) => {
                recorder.register_histogram(key, &METADATA).record(latency);
            }
            (Value::State(state), Some(key)) => {
                recorder.register_gauge(key, &METADATA).set(number(state));
            }
            _ => {}
        }
    }
}

fn describe(kind: Kind, recorder: &dyn Recorder) {
    let count = count_name(kind).into();
    recorder.describe_counter(count, Some(Unit::Count), description(kind).into());
    let Some(measure) = measure_name(kind) else {
        return;
    };
    if kind == Kind::Breaker {
        let states = "state of the circuit breaker: 0 closed, 1 half open, 2 open";
        recorder.describe_gauge(measure.into(), None, states.into());
    } else {
        recorder.describe_histogram(
            measure.into(),
            Some(Unit::Seconds),
            "how long it took".into(),
        );
    }
}

fn count_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "dynaseal_calls_total",
        Kind::Retry => "dynaseal_retries_total",
        Kind::Fallback => "dynaseal_fallbacks_total",
        Kind::Breaker => "dynaseal_breaker_changes_total",
        Kind::Hedge => "dynaseal_hedges_total",
        Kind::Cache => "dynaseal_cache_lookups_total",
        Kind::Verb => "dynaseal_verbs_total",
        Kind::Verification => "dynaseal_verification_failures_total",
        Kind::Freshness => "dynaseal_freshness_findings_total",
        Kind::Plaintext => "dynaseal_plaintext_reads_total",
        Kind::Audit => "dynaseal_audit_events_total",
    }
}

/// What is measured besides the count.
fn measure_name(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Call => Some("dynaseal_call_duration_seconds"),
        Kind::Verb => Some("dynaseal_verb_duration_seconds"),
        Kind::Breaker => Some("dynaseal_breaker_state"),
        _ => None,
    }
}

fn description(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "attempts at a service that reached the wire",
        Kind::Retry => "failed attempts, by whether the retry budget granted a repetition",
        Kind::Fallback => "another region was asked instead",
        Kind::Breaker => "a circuit breaker changed its state",
        Kind::Hedge => "a read was sent to a second region before the first had answered",
        Kind::Cache => "lookups in a cache, by whether they saved a call",
        Kind::Verb => "operations of a table",
        Kind::Verification => "items that were not opened",
        Kind::Freshness => "stored items that were not the newest seen",
        Kind::Plaintext => "items that a plaintext policy let through unsealed",
        Kind::Audit => "items that somebody opened, or tried to",
    }
}

fn number(state: BreakerState) -> f64 {
    match state {
        BreakerState::Closed => 0.0,
        BreakerState::HalfOpen => 1.0,
        BreakerState::Open => 2.0,
    }
}

static METADATA: Metadata<'static> =
    Metadata::new("dynaseal", Level::INFO, Some("dynaseal::observe"));

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, KeyName};

    use super::*;
    use crate::observe::test_support::{call, one_of_each};
    use crate::observe::{BreakerEvent, Service};

    /// Every value that was recorded, by metric with its labels, and every description.
    #[derive(Clone, Default)]
    struct Recorded(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        values: BTreeMap<String, Vec<f64>>,
        /// By name: type and unit.
        described: BTreeMap<String, (&'static str, Option<Unit>)>,
    }

    /// Where one metric's values go.
    struct Handle(Recorded, String);

    impl Recorded {
        fn handle(&self, key: &Key) -> Arc<Handle> {
            let labels = key.labels().map(|l| format!("{}={}", l.key(), l.value()));
            let labels = labels.collect::<Vec<_>>().join(",");
            Arc::new(Handle(self.clone(), format!("{}{{{labels}}}", key.name())))
        }

        fn describe(&self, key: &KeyName, kind: &'static str, unit: Option<Unit>) {
            let mut state = self.0.lock().unwrap();
            state
                .described
                .insert(key.as_str().to_owned(), (kind, unit));
        }

        fn values(&self) -> BTreeMap<String, Vec<f64>> {
            self.0.lock().unwrap().values.clone()
        }
    }

    impl Handle {
        fn push(&self, value: f64) {
            let mut state = self.0.0.lock().unwrap();
            state.values.entry(self.1.clone()).or_default().push(value);
        }
    }

    impl CounterFn for Handle {
        fn increment(&self, value: u64) {
            self.push(value as f64);
        }
        fn absolute(&self, _: u64) {
            unreachable!("counters are incremented");
        }
    }

    impl GaugeFn for Handle {
        fn increment(&self, _: f64) {
            unreachable!("gauges are set");
        }
        fn decrement(&self, _: f64) {
            unreachable!("gauges are set");
        }
        fn set(&self, value: f64) {
            self.push(value);
        }
    }

    impl HistogramFn for Handle {
        fn record(&self, value: f64) {
            self.push(value);
        }
    }

    impl Recorder for Recorded {
        fn describe_counter(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
            self.describe(&key, "counter", unit);
        }
        fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
            self.describe(&key, "gauge", unit);
        }
        fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
            self.describe(&key, "histogram", unit);
        }
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.handle(key))
        }
        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.handle(key))
        }
        fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(self.handle(key))
        }
    }

    fn recorded(events: &[Event<'_>]) -> Recorded {
        let recorded = Recorded::default();
        metrics::with_local_recorder(&recorded, || {
            let observer = MetricsObserver::new();
            events.iter().for_each(|event| observer.on_event(event));
        });
        recorded
    }

    #[test]
    fn records_every_kind_of_event() {
        let recorded = recorded(&one_of_each()).values();
        let recorded: Vec<_> = recorded
            .iter()
            .map(|(metric, values)| format!("{metric} {values:?}"))
            .collect();
        let expected = [
            "dynaseal_audit_events_total{table=orders,outcome=opened} [1.0]",
            "dynaseal_breaker_changes_total{service=kms,region=eu-west-1} [1.0]",
            "dynaseal_breaker_state{service=kms,region=eu-west-1} [2.0]",
            "dynaseal_cache_lookups_total{cache=key_state,result=hit} [1.0]",
            "dynaseal_call_duration_seconds{service=kms,region=eu-west-1,operation=Decrypt,outcome=ok} [0.003]",
            "dynaseal_calls_total{service=kms,region=eu-west-1,operation=Decrypt,outcome=ok} [1.0]",
            "dynaseal_fallbacks_total{service=kms,from=eu-west-1,to=us-east-1,cause=unavailable} [1.0]",
            "dynaseal_freshness_findings_total{table=orders,kind=stale} [1.0]",
            "dynaseal_hedges_total{operation=GetItem,first=eu-west-1,second=us-east-1,result=won} [1.0]",
            "dynaseal_plaintext_reads_total{table=orders} [1.0]",
            "dynaseal_retries_total{service=kms,region=eu-west-1,result=granted} [1.0]",
            "dynaseal_verb_duration_seconds{operation=GetItem,table=orders,outcome=ok} [0.005]",
            "dynaseal_verbs_total{operation=GetItem,table=orders,outcome=ok} [1.0]",
            "dynaseal_verification_failures_total{table=orders,kind=authentication} [1.0]",
        ];
        assert_eq!(recorded, expected);
    }

    #[test]
    fn records_every_state_of_a_breaker() {
        let states = [
            BreakerState::Open,
            BreakerState::HalfOpen,
            BreakerState::Closed,
        ];
        let events = states.map(|state| {
            Event::Breaker(BreakerEvent {
                service: Service::DynamoDb,
                region: "eu-west-1",
                state,
            })
        });
        let values = recorded(&events).values();
        let gauge = &values["dynaseal_breaker_state{service=dynamodb,region=eu-west-1}"];
        assert_eq!(gauge, &[2.0, 1.0, 0.0]);
    }

    #[test]
    fn bounds_the_number_of_metrics() {
        let names: Vec<_> = (0..5_000).map(|n| n.to_string()).collect();
        let calls = names.iter().map(|name| call(Service::Kms, name, "Decrypt"));
        let values = recorded(&calls.collect::<Vec<_>>()).values();
        // A counter and a histogram for each row.
        assert_eq!(values.len(), 2 * 1_025);
        let other = "dynaseal_calls_total{service=kms,region=(other),operation=(other),outcome=ok}";
        assert_eq!(values[other].len(), 5_000 - 1_024);
    }

    #[test]
    fn goes_to_the_recorder_of_the_moment() {
        let observer = MetricsObserver::new();
        let event = call(Service::Kms, "eu-west-1", "Decrypt");
        observer.on_event(&event);
        let later = Recorded::default();
        metrics::with_local_recorder(&later, || observer.on_event(&event));
        assert_eq!(later.values().len(), 2);
    }

    #[test]
    fn describes_what_the_documentation_lists_and_nothing_else() {
        let described = std::mem::take(&mut recorded(&[]).0.lock().unwrap().described);
        let kinds = Kind::ALL.into_iter().flat_map(|kind| {
            let names = [Some(count_name(kind)), measure_name(kind)];
            names.into_iter().flatten().map(move |name| (name, kind))
        });
        let lines: BTreeSet<_> = kinds
            .map(|(name, kind)| {
                let (metric_type, unit) = described[name];
                let labels = kind.labels().iter().map(|label| format!("`{label}`"));
                let labels = labels.collect::<Vec<_>>().join(", ");
                let unit = unit.map_or("none", |unit| unit.as_str());
                format!("/// | `{name}` | {metric_type} | {labels} | {unit} |")
            })
            .collect();
        let source = include_str!("metrics_observer.rs").lines();
        let documented: BTreeSet<_> = source
            .filter(|line| line.starts_with("/// | `"))
            .map(str::to_owned)
            .collect();
        assert_eq!(documented, lines);
        assert_eq!(described.len(), lines.len());
    }

    #[test]
    fn prints_no_names() {
        assert_eq!(
            format!("{:?}", MetricsObserver::new()),
            "MetricsObserver { .. }"
        );
    }
}
