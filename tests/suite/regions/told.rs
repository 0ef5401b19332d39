//! What is told of operations: to observers, and in spans.

use std::fmt::{Debug, Write as _};

use tracing::dispatcher::DefaultGuard;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::*;

#[tokio::test]
async fn a_read_and_a_write_are_told_from_the_wire_to_the_verb() {
    let world = World::with_notes(1).await;
    let table = world.table().audited_as("test");
    world.run(Verb::Get, &table).await.0.unwrap();
    world.run(Verb::Put, &table).await.0.unwrap();
    assert_eq!(
        world.events.take(),
        [
            "call dynamodb eu-west-1 GetItem ok",
            "call kms eu-west-1 Decrypt ok",
            "audit test kms-mrk eu-west-1 opened",
            "verb GetItem notes ok",
            "call kms eu-west-1 GenerateDataKey ok",
            "call dynamodb eu-west-1 PutItem ok",
            "verb PutItem notes ok",
        ]
    );
}

#[tokio::test]
async fn what_does_not_open_is_told_once_with_its_kind() {
    let world = World::with_notes(1).await;
    let table = world.table();
    let dynamodb = world.cloud.dynamodb(EU);
    let stored = dynamodb.scan().table_name("notes").send().await.unwrap();
    let mut item = stored.items.unwrap().remove(0);
    let paid = aws_sdk_dynamodb::types::AttributeValue::S("paid".into());
    item.insert("state".into(), paid);
    let forged = dynamodb.put_item().table_name("notes").set_item(Some(item));
    forged.send().await.unwrap();
    world.run(Verb::Get, &table).await.0.unwrap_err();
    let mut told = world.events.take();
    told.retain(|line| !line.starts_with("call"));
    assert_eq!(
        told,
        [
            "audit - kms-mrk - authentication",
            "verification notes authentication",
            "verb GetItem notes not opened",
        ]
    );
}

#[tokio::test]
async fn what_was_given_up_is_told_as_well() {
    let world = World::with_notes(1).await;
    world.cloud.region(EU).fail(Service::Kms, Fault::Hang);
    let get = world.table().get("n-0").deadline(Duration::from_secs(1));
    world.time.run(get.send()).await.unwrap_err();
    let mut expected = vec![
        "call dynamodb eu-west-1 GetItem ok",
        "call kms eu-west-1 Decrypt abandoned",
        "audit - kms-mrk - keyring",
        "verification notes keyring",
        "verb GetItem notes deadline exceeded",
    ];
    assert_eq!(world.events.take(), expected);

    let mut get = Box::pin(world.table().get("n-0").send());
    let slept = world.time.sleep(Duration::from_secs(1));
    world
        .time
        .run(futures_util::future::select(&mut get, slept))
        .await;
    drop(get);
    expected[4] = "verb GetItem notes abandoned";
    assert_eq!(world.events.take(), expected, "by whoever dropped it");
}

#[tokio::test]
async fn every_verb_is_told_once_however_it_ends() {
    for verb in Verb::all() {
        let world = World::with_notes(1).await;
        let table = world.unbroken();
        world.run(verb, &table).await.0.unwrap();
        assert_eq!(world.events.of("verb").len(), 1, "{verb:?}");
        world.forget();
        world.fail(EU, Fault::Status(400, "AccessDeniedException"));
        world.run(verb, &table).await.0.unwrap_err();
        let told = world.events.of("verb");
        assert!(
            matches!(&told[..], [one] if one.ends_with("sdk error")),
            "{told:?}"
        );
    }
}

/// Spans as they come, with the fields that are recorded.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

impl Spans {
    /// Listens until both guards go. While there is one subscriber in the process, `tracing` lets whichever
    /// thread comes first decide whether anybody listens; so there are two.
    fn listen() -> (Self, (DefaultGuard, Dispatch)) {
        let spans = Self::default();
        let listener = Dispatch::new(tracing_subscriber::registry().with(spans.clone()));
        let second = Dispatch::new(tracing_subscriber::registry());
        let guard = tracing::dispatcher::set_default(&listener);
        (spans, (guard, second))
    }

    /// What was recorded in spans of this name.
    fn of(&self, name: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let lines = all.iter().filter_map(|line| line.strip_prefix(name));
        lines.map(|line| line.trim_start().to_owned()).collect()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        if attributes.metadata().target().starts_with("dynaseal") {
            assert!(*attributes.metadata().level() >= Level::DEBUG);
            let mut line = Line(attributes.metadata().name().to_owned());
            attributes.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        if span.metadata().target().starts_with("dynaseal") {
            let mut line = Line(span.metadata().name().to_owned());
            values.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

#[tokio::test]
async fn spans_say_which_region_was_asked_in_the_end() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    let (spans, _guard) = Spans::listen();
    world.run(Verb::Get, &table).await.0.unwrap();
    let key = world.key.arn(EU);
    assert_eq!(
        spans.of("GetItem"),
        [
            r#"table="notes" region="eu-west-1""#,
            r#"keyring="kms-mrk""#,
            &format!("key={key:?}"),
            "attributes=4",
            r#"outcome="ok""#,
            "duration=0ns",
        ]
    );
    world.fail(EU, Fault::Unavailable);
    world.run(Verb::Query, &table).await.0.unwrap();
    let told = spans.of("Query");
    assert_eq!(
        told[..2],
        [
            r#"table="notes" region="eu-west-1""#,
            r#"region="us-east-1""#
        ]
    );

    let regions = world.regions(|config| config, HealthPolicy::new());
    let table = world.table_in(&regions, |builder| builder.home_region(AP));
    world.run(Verb::Put, &table).await.0.unwrap();
    assert_eq!(
        spans.of("PutItem")[0],
        r#"table="notes" region="ap-south-1""#
    );
}
