//! Records from the stream of a table, through the SDK's client.

use std::time::Duration;

use aws_sdk_dynamodbstreams::types::{
    AttributeValue, Identity, Record, ShardIteratorType, StreamRecord,
};
use dynaseal::error::{AttributeIssue, ValueError};
use dynaseal::records::{EventName, OpenedRecord, open_record, open_records};
use dynaseal::testkit::{Fault, Service};
use futures_util::StreamExt as _;

use super::*;
use crate::support::stack::US;

/// Everything in the stream, oldest first.
async fn records(stack: &Stack) -> Vec<Record> {
    let described = stack.cloud.dynamodb(US).describe_table();
    let described = described.table_name(TABLE).send().await.unwrap();
    let arn = described.table.unwrap().latest_stream_arn.unwrap();
    let streams = stack.cloud.dynamodb_streams(US);
    let described = streams.describe_stream().stream_arn(&arn).send().await;
    let shards = described.unwrap().stream_description.unwrap().shards;
    let mut records = Vec::new();
    for shard in shards.unwrap() {
        let iterator = streams
            .get_shard_iterator()
            .stream_arn(&arn)
            .shard_id(shard.shard_id.unwrap())
            .shard_iterator_type(ShardIteratorType::TrimHorizon);
        let iterator = iterator.send().await.unwrap().shard_iterator.unwrap();
        let page = streams.get_records().shard_iterator(iterator).send().await;
        records.extend(page.unwrap().records.unwrap());
    }
    records
}

async fn opened(stack: &Stack, records: Vec<Record>) -> Vec<OpenedRecord> {
    let table = stack.table::<Order>(US);
    open_records(table.encryptor(), records, 4).collect().await
}

#[tokio::test]
async fn opens_what_the_stream_of_a_table_says() {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    table.put(&order("o-1", 10)).send().await.unwrap();
    table.put(&order("o-1", 20)).send().await.unwrap();
    table.delete(("o-1", 1)).send().await.unwrap();

    let records = records(&stack).await;
    assert_eq!(
        stack.cloud.calls_of(US, Service::DynamoDb, "GetRecords"),
        1,
        "streams are counted with DynamoDB"
    );
    let opened = opened(&stack, records.clone()).await;
    let [inserted, changed, removed] = &opened[..] else {
        panic!("{opened:?}");
    };
    let names = opened.iter().map(|record| record.event_name().unwrap());
    let expected = [EventName::Insert, EventName::Modify, EventName::Remove];
    assert!(names.eq(expected));
    for (record, raw) in opened.iter().zip(&records) {
        assert_eq!(record.keys().unwrap(), &keys("o-1"));
        assert_eq!(record.event_id(), raw.event_id());
        assert!(record.event_id().is_some());
        let change = raw.dynamodb().unwrap();
        assert_eq!(record.sequence_number(), change.sequence_number());
        assert!(record.sequence_number().is_some());
        let created = change.approximate_creation_date_time().unwrap();
        let since = record.approximate_creation_time().unwrap();
        let since = since.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), u64::try_from(created.secs()).unwrap());
        assert!(!record.is_time_to_live_delete());
        assert!(record.error().is_none());
    }

    assert!(inserted.old_image().is_none());
    let new: Order = inserted.new_image_as().unwrap().unwrap();
    assert_eq!((new.total, new.card.expose().as_str()), (10, "4111 1111"));
    assert_eq!(changed.old_image_as::<Order>().unwrap().unwrap().total, 10);
    assert_eq!(changed.new_image_as::<Order>().unwrap().unwrap().total, 20);
    assert_eq!(removed.old_image_as::<Order>().unwrap().unwrap().total, 20);
    assert!(removed.new_image().is_none());
}

#[tokio::test]
async fn a_view_without_images_says_which_item_changed_and_asks_no_key() {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    table.put(&order("o-1", 10)).send().await.unwrap();
    let mut records = records(&stack).await;
    let change = records[0].dynamodb.as_mut().unwrap();
    change.new_image = None;
    let opened = opened(&stack, records).await;
    assert_eq!(opened[0].keys().unwrap(), &keys("o-1"));
    assert!(opened[0].new_image().is_none() && opened[0].old_image().is_none());
    assert!(opened[0].new_image_as::<Order>().is_none());
    assert!(opened[0].error().is_none());
    assert_eq!(stack.decrypts(US), 0);
}

#[tokio::test]
async fn opens_so_many_at_a_time_and_keeps_their_order() {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    for total in 0..12 {
        let order = order(&format!("o-{total}"), total);
        table.put(&order).send().await.unwrap();
    }
    let records = records(&stack).await;
    stack.cloud.reset_calls();
    let slow = Fault::Latency(Duration::from_millis(100)).on("Decrypt");
    stack.cloud.region(US).fail(Service::Kms, slow);
    let opened = opened(&stack, records).await;
    let totals = opened
        .iter()
        .map(|record| record.new_image_as::<Order>().unwrap().unwrap().total);
    assert!(totals.eq(0..12));
    assert_eq!(stack.decrypts(US), 12);
    assert_eq!(stack.cloud.max_in_flight(US, Service::Kms), 4);
}

#[tokio::test]
async fn a_record_that_takes_longer_keeps_its_place() {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    for (id, total) in [("o-0", 0), ("o-1", 1), ("o-2", 2)] {
        table.put(&order(id, total)).send().await.unwrap();
    }
    let records = records(&stack).await;
    let first_alone = Fault::Latency(Duration::from_millis(200)).times(1);
    stack.cloud.region(US).fail(Service::Kms, first_alone);
    let opened = opened(&stack, records).await;
    let totals = opened
        .iter()
        .map(|record| record.new_image_as::<Order>().unwrap().unwrap().total);
    assert!(totals.eq(0..3));
}

#[tokio::test]
async fn nesting_is_bounded_as_it_is_in_a_table() {
    for (levels, too_deep) in [(32, false), (33, true)] {
        let value = (1..levels).fold(AttributeValue::Null(true), |inner, level| {
            if level % 2 == 0 {
                AttributeValue::L(vec![inner])
            } else {
                AttributeValue::M([("inner".to_owned(), inner)].into())
            }
        });
        let change = StreamRecord::builder()
            .keys("id", AttributeValue::S("o-1".to_owned()))
            .keys("part", AttributeValue::N("1".to_owned()))
            .new_image("deep", value);
        let record = Record::builder().dynamodb(change.build()).build();
        let opened = open_record(&encryptor(), record).await;
        let is_too_deep = matches!(
            opened.new_image(),
            Some(Err(OpenError::Attribute(error)))
                if error.issue() == AttributeIssue::Value(ValueError::TooDeep)
        );
        assert_eq!(is_too_deep, too_deep, "{levels} levels: {opened:?}");
    }
}

#[tokio::test]
async fn none_at_a_time_is_one_at_a_time() {
    let record = Record::builder().build();
    let opened = open_records(&encryptor(), [record.clone(), record], 0);
    assert_eq!(opened.collect::<Vec<_>>().await.len(), 2);
}

#[tokio::test]
async fn an_outage_is_told_apart_from_what_never_opens() {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    table.put(&order("o-1", 10)).send().await.unwrap();
    let records = records(&stack).await;
    stack
        .cloud
        .region(US)
        .fail(Service::Kms, Fault::Unavailable);
    let record = opened(&stack, records.clone()).await.remove(0);
    assert!(record.error().unwrap().is_retryable());
    assert!(
        record
            .new_image_as::<Order>()
            .unwrap()
            .unwrap_err()
            .is_retryable()
    );

    stack.cloud.region(US).recover();
    let mut changed = records;
    let change = changed[0].dynamodb.as_mut().unwrap();
    change.new_image.as_mut().unwrap().remove("total");
    let record = opened(&stack, changed).await.remove(0);
    assert!(!record.error().unwrap().is_retryable());
    assert!(
        !record
            .new_image_as::<Order>()
            .unwrap()
            .unwrap_err()
            .is_retryable()
    );
}

#[tokio::test]
async fn a_record_that_says_nothing_is_an_error() {
    for record in [
        Record::builder().build(),
        Record::builder()
            .dynamodb(StreamRecord::builder().build())
            .build(),
    ] {
        let opened = open_record(&encryptor(), record).await;
        let Err(OpenError::Attribute(error)) = opened.keys() else {
            panic!("{opened:?}");
        };
        assert_eq!(error.name(), "id");
        assert!(opened.error().is_some());
    }
}

#[tokio::test]
async fn deletes_by_time_to_live_are_told_apart() {
    let by = |kind: &str, principal: &str| {
        let identity = Identity::builder().r#type(kind).principal_id(principal);
        Record::builder().user_identity(identity.build()).build()
    };
    for (record, expected) in [
        (by("Service", "dynamodb.amazonaws.com"), true),
        (by("Service", "replication.dynamodb.amazonaws.com"), false),
        (by("User", "dynamodb.amazonaws.com"), false),
    ] {
        let opened = open_record(&encryptor(), record).await;
        assert_eq!(opened.is_time_to_live_delete(), expected);
    }
}

#[tokio::test]
async fn opens_records_of_every_entity_type_of_a_table() {
    use dynaseal::item::{Discriminator, Entities, Entity};

    let stack = Stack::start(&definition()).await;
    let note = ItemSchema::builder(TABLE, "id").sort_key_name("part");
    let note = note.others(dynaseal::CryptoAction::EncryptAndSign);
    let entities = Entities::builder()
        .entity::<Order>("order", Discriminator::partition_key_prefix("o-"))
        .untyped_entity(
            "note",
            Discriminator::partition_key_prefix("n-"),
            note.build().unwrap(),
        )
        .build()
        .unwrap();
    let (keyring, regions) = (stack.keyring(US), stack.regions(US));
    let table = dynaseal::SealedTable::<Entity>::builder(TABLE, keyring, &regions);
    let table = table.entities(&entities).build().unwrap();
    let orders = table.typed().unwrap();
    orders.put(&order("o-1", 10)).send().await.unwrap();
    let note = item([("id", s("n-1")), ("part", n("1")), ("text", s("fragile"))]);
    table.untyped().put(&note).send().await.unwrap();

    let records = records(&stack).await;
    let opened: Vec<_> = open_records(table.encryptor(), records.clone(), 4)
        .collect()
        .await;
    let images: Vec<_> = opened
        .iter()
        .map(|record| record.new_image().unwrap().unwrap())
        .collect();
    let names: Vec<_> = images.iter().map(|image| image.entity()).collect();
    assert_eq!(names, [Some("order"), Some("note")]);
    for (record, name) in opened.iter().zip(names) {
        let entity = record.new_image_as::<Entity>().unwrap().unwrap();
        assert_eq!(entity.name(), name);
    }
    assert_eq!(images[1].item(), &note);
    let of_orders: Vec<_> = open_records(orders.encryptor(), records, 4).collect().await;
    assert!(of_orders[0].new_image().unwrap().is_ok());
    let refused = of_orders[1].new_image().unwrap().unwrap_err();
    assert!(matches!(refused, OpenError::Entity(_)), "{refused:?}");
}
