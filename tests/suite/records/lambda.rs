//! Lambda's events and what a function answers.

use std::time::{Duration, UNIX_EPOCH};

use dynaseal::records::lambda::{BatchItemFailures, DynamoDbEvent};
use dynaseal::records::{EventName, OpenedRecord};

use super::*;

/// An event as AWS documents it, with two sealed images and one delete.
async fn event() -> String {
    let [old, new] = [sealed("o-1", 10).await, sealed("o-1", 20).await]
        .map(|item| dynamodb_json(&item).to_string());
    format!(
        r#"{{
  "Records": [
    {{
      "eventID": "c4ca4238a0b923820dcc509a6f75849b",
      "eventName": "MODIFY",
      "eventVersion": "1.1",
      "eventSource": "aws:dynamodb",
      "awsRegion": "us-east-1",
      "dynamodb": {{
        "ApproximateCreationDateTime": 1479499740.25,
        "Keys": {{"id": {{"S": "o-1"}}, "part": {{"N": "1"}}}},
        "NewImage": {new},
        "OldImage": {old},
        "SequenceNumber": "4421584500000000017450439091",
        "SizeBytes": 590,
        "StreamViewType": "NEW_AND_OLD_IMAGES"
      }},
      "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2024-06-10T19:26:16.525"
    }},
    {{
      "eventID": "c81e728d9d4c2f636f067f89cc14862c",
      "eventName": "REMOVE",
      "eventVersion": "1.1",
      "eventSource": "aws:dynamodb",
      "awsRegion": "us-east-1",
      "userIdentity": {{"type": "Service", "principalId": "dynamodb.amazonaws.com"}},
      "dynamodb": {{
        "ApproximateCreationDateTime": 1479499741,
        "Keys": {{"id": {{"S": "o-1"}}, "part": {{"N": "1"}}}},
        "NewImage": null,
        "OldImage": {new},
        "SequenceNumber": "4421584500000000017450439092",
        "SizeBytes": 38,
        "StreamViewType": "NEW_AND_OLD_IMAGES"
      }},
      "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2024-06-10T19:26:16.525"
    }}
  ]
}}"#
    )
}

async fn open(event: &str) -> Vec<OpenedRecord> {
    let event: DynamoDbEvent = serde_json::from_str(event).unwrap();
    event.open(&encryptor()).await
}

#[tokio::test]
async fn opens_an_event_as_aws_documents_it() {
    let opened = open(&event().await).await;
    let [changed, removed] = &opened[..] else {
        panic!("{opened:?}");
    };
    assert_eq!(changed.event_name(), Some(EventName::Modify));
    assert_eq!(changed.event_id(), Some("c4ca4238a0b923820dcc509a6f75849b"));
    assert_eq!(
        changed.sequence_number(),
        Some("4421584500000000017450439091")
    );
    let created = UNIX_EPOCH + Duration::from_millis(1_479_499_740_250);
    assert_eq!(changed.approximate_creation_time(), Some(created));
    assert!(!changed.is_time_to_live_delete());
    assert_eq!(changed.keys().unwrap(), &keys("o-1"));
    assert_eq!(changed.old_image_as::<Order>().unwrap().unwrap().total, 10);
    let new: Order = changed.new_image_as().unwrap().unwrap();
    assert_eq!((new.total, new.card.expose().as_str()), (20, "4111 1111"));

    assert_eq!(removed.event_name(), Some(EventName::Remove));
    let removed_at = UNIX_EPOCH + Duration::from_secs(1_479_499_741);
    assert_eq!(removed.approximate_creation_time(), Some(removed_at));
    assert!(removed.is_time_to_live_delete());
    assert!(removed.new_image().is_none(), "null is no image");
    assert_eq!(removed.old_image_as::<Order>().unwrap().unwrap().total, 20);
}

#[tokio::test]
async fn a_value_and_its_text_are_read_alike() {
    let value: Value = serde_json::from_str(&event().await).unwrap();
    let event: DynamoDbEvent = serde_json::from_value(value).unwrap();
    assert_eq!(event.into_records().len(), 2);
}

#[test]
fn refuses_what_is_no_event_of_a_stream() {
    let record = json!({"eventSource": "aws:dynamodb", "dynamodb": {"Keys": {}}});
    let with = |name: &str, value: Value| {
        let mut changed = record.clone();
        changed[name] = value;
        json!({ "Records": [record.clone(), changed] })
    };
    for (event, expected) in [
        (json!({}), "the event has no list of `Records`"),
        (json!([]), "the event has no list of `Records`"),
        (json!({"Records": {}}), "the event has no list of `Records`"),
        (
            json!({"Records": ["x"]}),
            "record 0 says nothing under `dynamodb`",
        ),
        (
            with("eventSource", json!("aws:kinesis")),
            "record 1 is not one of DynamoDB Streams",
        ),
        (
            with("dynamodb", json!("x")),
            "record 1 says nothing under `dynamodb`",
        ),
        (
            with("dynamodb", json!({"SequenceNumber": 1})),
            "record 1 has something else than text where an identifier belongs",
        ),
        (
            with("eventID", json!(7)),
            "record 1 has something else than text where an identifier belongs",
        ),
    ] {
        let error = serde_json::from_value::<DynamoDbEvent>(event).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let good = json!({ "Records": [record] });
    assert!(serde_json::from_value::<DynamoDbEvent>(good).is_ok());
}

#[tokio::test]
async fn reports_failures_in_the_words_of_lambda() {
    let opened = open(&event().await).await;
    let json = |failures: &BatchItemFailures| serde_json::to_value(failures).unwrap();
    let mut failures = BatchItemFailures::none();
    assert!(failures.is_empty());
    assert_eq!(json(&failures), json!({"batchItemFailures": []}));
    failures.push(&opened[1]);
    assert!(!failures.is_empty());
    let second = json!({"itemIdentifier": "4421584500000000017450439092"});
    assert_eq!(json(&failures), json!({ "batchItemFailures": [second] }));
    let all: BatchItemFailures = opened.iter().collect();
    let first = json!({"itemIdentifier": "4421584500000000017450439091"});
    assert_eq!(json(&all), json!({ "batchItemFailures": [first, second] }));
}

/// Lambda takes an empty identifier for a batch that failed as a whole.
#[tokio::test]
async fn a_failed_record_without_a_place_fails_the_whole_batch() {
    let opened = open(r#"{"Records": [{"dynamodb": {}}]}"#).await;
    let failures: BatchItemFailures = opened.iter().collect();
    assert_eq!(
        serde_json::to_string(&failures).unwrap(),
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#
    );
}
