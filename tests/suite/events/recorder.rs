//! From a table to the recorder of the `metrics` crate.

use std::collections::BTreeMap;

use dynaseal::observe::MetricsObserver;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use super::*;

/// How often each metric was recorded, by name and labels.
#[derive(Clone, Debug, Default)]
struct Recorded(Arc<Mutex<BTreeMap<String, u64>>>);

struct Handle(Recorded, String);

impl Recorded {
    fn handle(&self, key: &Key) -> Arc<Handle> {
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let labels = labels.collect::<Vec<_>>().join(",");
        Arc::new(Handle(self.clone(), format!("{}{{{labels}}}", key.name())))
    }
}

impl Handle {
    fn count(&self, value: u64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }
}

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        self.count(value);
    }
    fn absolute(&self, _: u64) {
        unreachable!("counters are incremented");
    }
}

impl HistogramFn for Handle {
    fn record(&self, _: f64) {
        self.count(1);
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key))
    }
}

async fn work() {
    let World { stack, .. } = World::with_notes().await;
    let stack = stack.watched_by(MetricsObserver::new());
    let table = stack.table::<Note>(US).audited_as("somebody");
    table.put(&note("eve", 1)).send().await.unwrap();
    table.get(ADA).send().await.unwrap();
    let mut stored = stack.stored(US, &key(ADA)).await.unwrap();
    stored.insert("state".to_owned(), s("paid"));
    stack.store(US, &stored).await;
    table.get(ADA).send().await.unwrap_err();
}

#[test]
fn the_recorder_counts_what_a_table_does() {
    let recorded = Recorded::default();
    metrics::with_local_recorder(&recorded, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(work());
    });
    let call = |service, operation| {
        format!("{{service={service},region=us-east-1,operation={operation},outcome=ok}}")
    };
    let verb =
        |operation, outcome| format!("{{operation={operation},table=notes,outcome={outcome}}}");
    let mut expected = BTreeMap::from([
        (
            "dynaseal_audit_events_total{table=notes,outcome=authentication}".to_owned(),
            1,
        ),
        (
            "dynaseal_audit_events_total{table=notes,outcome=opened}".to_owned(),
            1,
        ),
        (
            "dynaseal_cache_lookups_total{cache=single_flight,result=miss}".to_owned(),
            2,
        ),
        (
            "dynaseal_verification_failures_total{table=notes,kind=authentication}".to_owned(),
            1,
        ),
    ]);
    for (service, operation, times) in [
        ("kms", "GenerateDataKey", 1),
        ("kms", "Decrypt", 2),
        ("dynamodb", "PutItem", 1),
        ("dynamodb", "GetItem", 2),
    ] {
        let labels = call(service, operation);
        expected.insert(format!("dynaseal_calls_total{labels}"), times);
        expected.insert(format!("dynaseal_call_duration_seconds{labels}"), times);
    }
    for (operation, outcome) in [
        ("PutItem", "ok"),
        ("GetItem", "ok"),
        ("GetItem", "not opened"),
    ] {
        let labels = verb(operation, outcome);
        expected.insert(format!("dynaseal_verbs_total{labels}"), 1);
        expected.insert(format!("dynaseal_verb_duration_seconds{labels}"), 1);
    }
    assert_eq!(*recorded.0.lock().unwrap(), expected);
}
