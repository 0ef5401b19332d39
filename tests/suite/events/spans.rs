//! What spans hold: a closed list of fields, and the words of the events.

use std::collections::BTreeMap;
use std::fmt::Debug;

use dynaseal::table::{TransactGet, TransactWrite};
use tracing::dispatcher::DefaultGuard;
use tracing::field::{Empty, Field, Visit};
use tracing::instrument::Instrument as _;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Subscriber, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::*;

type Fields = BTreeMap<&'static str, String>;

/// The spans that began, with their fields.
///
/// When they close is no matter: a connection of the HTTP client keeps the span open that it began in.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Begun>>>);

struct Begun {
    id: u64,
    name: &'static str,
    fields: Fields,
}

impl Visit for Begun {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let before = self.fields.insert(field.name(), format!("{value:?}"));
        assert_eq!(before, None, "{field} is recorded once");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut begun = Begun {
            id: id.into_u64(),
            name: attributes.metadata().name(),
            fields: Fields::new(),
        };
        attributes.record(&mut begun);
        self.0.lock().unwrap().push(begun);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        let span = spans.iter_mut().find(|span| span.id == id.into_u64());
        values.record(span.expect("it began"));
    }
}

impl Spans {
    /// Keeps the spans of this thread under this target, until both guards go. While there is one
    /// subscriber in the process, `tracing` lets whichever thread comes first decide whether anybody
    /// listens; so there are two.
    fn listen(target: &'static str) -> (Self, (DefaultGuard, Dispatch)) {
        let spans = Self::default();
        let only = Targets::new().with_target(target, LevelFilter::TRACE);
        // For all layers, since the filter of one keeps state in its thread, and may miss a span.
        let listener = tracing_subscriber::registry()
            .with(only)
            .with(spans.clone());
        let (listener, second) = (
            Dispatch::new(listener),
            Dispatch::new(tracing_subscriber::registry()),
        );
        let guard = tracing::dispatcher::set_default(&listener);
        (spans, (guard, second))
    }

    /// The one span that began since the last time, without its duration.
    #[track_caller]
    fn take_one(&self) -> (&'static str, Fields) {
        let mut spans = std::mem::take(&mut *self.0.lock().unwrap());
        let mut one = spans.pop().unwrap();
        assert!(spans.is_empty(), "before {}", one.name);
        assert!(one.fields.remove("duration").is_some(), "{}", one.name);
        (one.name, one.fields)
    }

    #[track_caller]
    fn assert_one(&self, name: &str, fields: &[(&'static str, &str)]) {
        let fields = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        assert_eq!(self.take_one(), (name, fields.collect()));
    }
}

const OF_TABLE: [(&str, &str); 3] = [("table", TABLE), ("region", US), ("outcome", "ok")];

#[tokio::test]
async fn an_operation_on_one_item_says_by_which_key() {
    let world = World::start().await;
    // Whose words are in no field.
    let table = world.table.audited_as("report-42");
    let (spans, _guard) = Spans::listen("dynaseal");
    let arn = world.stack.key.arn(US);
    let by_key = [("keyring", "kms-mrk"), ("key", &*arn), ("attributes", "5")];
    let fields = [&OF_TABLE[..], &by_key].concat();
    table.put(&note("ada", 1)).send().await.unwrap();
    spans.assert_one("PutItem", &fields);
    // What it replaces was sealed by its own key, which is another matter.
    table
        .put(&note("ada", 1))
        .return_old()
        .send()
        .await
        .unwrap();
    spans.assert_one("PutItem", &fields);
    table.get(ADA).send().await.unwrap();
    spans.assert_one("GetItem", &fields);
    table
        .update(ADA, |note| note.text = "bye".to_owned())
        .send()
        .await
        .unwrap();
    spans.assert_one("Update", &fields);
}

#[tokio::test]
async fn an_operation_on_several_items_names_no_key() {
    let world = World::with_notes().await;
    let table = &world.table;
    let (spans, _guard) = Spans::listen("dynaseal");
    table.query("ada").page().await.unwrap();
    spans.assert_one("Query", &OF_TABLE);
    table
        .query("ada")
        .page_size(1)
        .items()
        .collect()
        .await
        .unwrap();
    spans.assert_one("Query", &OF_TABLE);
    table.scan().segments(3).items().collect().await.unwrap();
    spans.assert_one("Scan", &OF_TABLE);
    table.batch_get([ADA]).send().await.unwrap();
    spans.assert_one("BatchGetItem", &OF_TABLE);
    let batch = table.batch_write().put(&note("ada", 1));
    batch.send().await.unwrap();
    spans.assert_one("BatchWriteItem", &OF_TABLE);
    let mut get = TransactGet::new();
    let slot = get.get(table, ADA);
    get.send().await.unwrap().take(slot).unwrap();
    spans.assert_one("TransactGetItems", &OF_TABLE);
    let write = TransactWrite::new().put(table, &note("ada", 1));
    write.send().await.unwrap();
    spans.assert_one("TransactWriteItems", &OF_TABLE);
    table.delete(ADA).return_old().send().await.unwrap();
    spans.assert_one("DeleteItem", &OF_TABLE);
}

#[tokio::test]
async fn a_failure_and_the_region_that_was_named_are_in_the_span() {
    let world = World::with_notes().await;
    world
        .tamper(ADA, |stored| {
            _ = stored.insert("state".to_owned(), s("paid"));
        })
        .await;
    let regions = dynaseal::RegionSet::builder(&world.stack.config(US)).local(US);
    let regions = regions.fallback(EU).build().unwrap();
    let table = SealedTable::<Note>::builder(TABLE, world.stack.keyring(US), &regions);
    let table = table.build().unwrap();
    let (spans, _guard) = Spans::listen("dynaseal");
    table.get(ADA).send().await.unwrap_err();
    let not_opened = [OF_TABLE[0], OF_TABLE[1], ("outcome", "not opened")];
    spans.assert_one("GetItem", &not_opened);
    let elsewhere = [OF_TABLE[0], ("region", EU), OF_TABLE[2]];
    table.get(("nobody", 1)).in_region(EU).send().await.unwrap();
    spans.assert_one("GetItem", &elsewhere);
    table
        .query("nobody")
        .in_region(EU)
        .items()
        .collect()
        .await
        .unwrap();
    spans.assert_one("Query", &elsewhere);
}

/// Somebody who does not listen to ours may have a span with fields of the same names.
#[tokio::test]
async fn the_span_of_a_caller_is_left_alone() {
    let world = World::with_notes().await;
    let (spans, _guard) = Spans::listen("app");
    let span = info_span!(
        target: "app", "request", keyring = Empty, key = Empty, attributes = Empty,
        outcome = Empty, duration = "mine"
    );
    let handle = async {
        world.table.get(ADA).send().await.unwrap();
        world.table.put(&note("ada", 1)).send().await.unwrap();
        world.table.update(ADA, |_| ()).send().await.unwrap();
    };
    handle.instrument(span).await;
    spans.assert_one("request", &[]);
}
