//! Whatever opens an item drops the three attributes, and they change nothing about it.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::StreamViewType;
use dynaseal::item::Model as _;
use dynaseal::records::export::ExportReader;
use dynaseal::records::{Record, open_record};
use dynaseal::table::{Found, PlaintextPolicy, TransactGet};
use futures_util::{StreamExt as _, stream};

use super::*;

#[track_caller]
fn assert_invisible(item: &Item) {
    assert_eq!(Parcel::from_item(item.clone()).unwrap(), parcel());
    for name in REPLICATION {
        assert!(!item.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn an_item_opens_by_every_read_of_a_table() {
    let (_stack, table) = start().await;
    assert_eq!(table.get("p-1").send().await.unwrap(), Some(parcel()));
    let opened = table.get("p-1").send_opened().await.unwrap().unwrap();
    assert_invisible(opened.item());

    let pages = [
        table.query("p-1").opened_page().await.unwrap(),
        table
            .query("sent")
            .index("by-state")
            .opened_page()
            .await
            .unwrap(),
        table.scan().opened_page().await.unwrap(),
    ];
    for page in pages {
        let [Ok(opened)] = page.items() else {
            panic!("{page:?}")
        };
        assert_invisible(opened.item());
    }

    let found = table.batch_get(["p-1"]).send().await.unwrap().found();
    assert_eq!(found.unwrap(), [parcel()]);
    let mut reads = TransactGet::new();
    let slot = reads.get(&table, "p-1");
    let mut found = reads.send().await.unwrap();
    assert_invisible(found.take_opened(slot).unwrap().unwrap().item());
}

#[tokio::test]
async fn an_item_that_comes_back_with_a_write_opens() {
    let (_stack, table) = start().await;
    let gone = dynaseal::expression::attribute("state").eq("gone");
    let error = table.put(&parcel()).condition(gone).send().await;
    let error = error.unwrap_err();
    assert_invisible(error.item().unwrap().as_ref().unwrap().item());
    let deleted = table.delete("p-1").return_old().send().await.unwrap();
    assert_invisible(deleted.old().unwrap().as_ref().unwrap().item());
}

#[tokio::test]
async fn an_item_opens_out_of_streams_and_exports() {
    let (stack, table) = start().await;
    let stored = stack.stored(US, &key()).await.unwrap();
    assert_replicated(&stored);
    let change = aws_sdk_dynamodbstreams::types::StreamRecord::builder()
        .set_keys(Some(to_stream(&key())))
        .set_new_image(Some(to_stream(&stored)))
        .stream_view_type(StreamViewType::NewImage.as_str().into());
    let record = aws_sdk_dynamodbstreams::types::Record::builder();
    let record: Record = record.dynamodb(change.build()).build().into();
    let opened = open_record(table.encryptor(), record).await;
    assert_invisible(opened.new_image().unwrap().unwrap().item());

    let line = serde_json::to_value(serde_dynamo::Item::from(stored)).unwrap();
    let line = serde_json::json!({ "Item": line }).to_string();
    let reader = ExportReader::new(table.encryptor());
    let chunks = stream::iter([Ok::<_, std::convert::Infallible>(line.into_bytes())]);
    let lines: Vec<_> = reader.open(chunks).collect().await;
    let [Ok(line)] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_invisible(line.clone().into_item().unwrap().item());
}

fn to_stream(item: &Item) -> aws_item::Item {
    aws_item::of(item)
}

/// The SDK of streams has values of its own; the types that are stored here suffice.
mod aws_item {
    use aws_sdk_dynamodb::types::AttributeValue as Stored;
    use aws_sdk_dynamodbstreams::types::AttributeValue as Streamed;

    #[expect(clippy::disallowed_types, reason = "the SDK fixes this type")]
    pub(super) type Item = std::collections::HashMap<String, Streamed>;

    pub(super) fn of(item: &dynaseal::Item) -> Item {
        let value = |value: &Stored| match value.clone() {
            Stored::S(text) => Streamed::S(text),
            Stored::N(number) => Streamed::N(number),
            Stored::B(bytes) => Streamed::B(bytes),
            Stored::Bool(truth) => Streamed::Bool(truth),
            other => panic!("{other:?}"),
        };
        item.iter()
            .map(|(name, v)| (name.clone(), value(v)))
            .collect()
    }
}

#[tokio::test]
async fn a_description_does_not_show_them() {
    let (stack, table) = start().await;
    let stored = stack.stored(US, &key()).await.unwrap();
    let description = table.encryptor().describe(stored).unwrap();
    let names: Vec<_> = description
        .unauthenticated()
        .actions()
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["content", "id", "note", "state"]);
}

#[tokio::test]
async fn an_item_that_is_still_plaintext_comes_without_them() {
    let (stack, _) = start().await;
    let plain = parcel().to_item().unwrap();
    stack.store(US, &replicated(plain)).await;
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX));
    let policy = PlaintextPolicy::allow_partition_key_prefix("p-", until);
    let table = SealedTable::<Parcel>::builder("parcels", stack.keyring(US), &stack.regions(US));
    let table = table.plaintext_policy(policy).build().unwrap();
    let found = table.get("p-1").allow_plaintext().send_opened().await;
    let Some(Found::Plaintext(item)) = found.unwrap() else {
        panic!("plaintext")
    };
    assert_invisible(item.unauthenticated());
    let sealed = Parcel::from_item(item.into_unauthenticated()).unwrap();
    table.put(&sealed).send().await.expect("can be migrated");
}

#[tokio::test]
async fn another_attribute_with_the_prefix_breaks_the_signature_as_ever() {
    for name in [
        "aws:rep:x",
        "aws:rep:",
        "aws:rep:deleting2",
        "aws:rep",
        "AWS:REP:deleting",
    ] {
        let (stack, table) = start().await;
        let mut stored = stack.stored(US, &key()).await.unwrap();
        stored.insert(name.to_owned(), s("x"));
        stack.store(US, &stored).await;
        let error = table.get("p-1").send().await.unwrap_err();
        assert!(
            matches!(
                error,
                dynaseal::OperationError::Open(OpenError::SchemaChanged(_))
            ),
            "{name}: {error:?}"
        );
    }
}
