//! What a store can do to the images of a record, and what happens then.

use dynaseal::error::{AttributeIssue, ValueError};
use dynaseal::records::{OpenedRecord, Record, open_record};

use super::*;

async fn open(record: Value) -> OpenedRecord {
    let record: Record = serde_json::from_value(record).unwrap();
    open_record(&encryptor(), record).await
}

#[track_caller]
fn attribute_issue(error: &OpenError) -> (&str, AttributeIssue) {
    match error {
        OpenError::Attribute(error) => (error.name(), error.issue()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_corrupt_image_does_not_hide_the_other() {
    let (old, new) = (sealed("o-1", 10).await, sealed("o-1", 20).await);
    let record = as_record(&keys("o-1"), Some(&tampered(&old)), Some(&new));
    let opened = open(record).await;
    assert_authentication(opened.old_image());
    assert_eq!(opened.new_image_as::<Order>().unwrap().unwrap().total, 20);
    assert!(matches!(opened.error(), Some(OpenError::Authentication(_))));

    let record = as_record(&keys("o-1"), Some(&old), Some(&tampered(&new)));
    let opened = open(record).await;
    assert_authentication(opened.new_image());
    assert_eq!(opened.old_image_as::<Order>().unwrap().unwrap().total, 10);
    assert!(opened.error().is_some());
    assert!(opened.clone().into_old_image().unwrap().is_ok());
    assert!(opened.into_new_image().unwrap().is_err());
}

#[tokio::test]
async fn the_image_of_another_item_is_refused_however_well_it_is_sealed() {
    let (own, other) = (sealed("o-1", 10).await, sealed("o-2", 20).await);
    let opened = open(as_record(&keys("o-1"), Some(&own), Some(&other))).await;
    assert!(opened.old_image().unwrap().is_ok());
    let error = opened.new_image().unwrap().unwrap_err();
    assert_eq!(attribute_issue(error), ("id", AttributeIssue::AnotherKey));
}

#[tokio::test]
async fn keys_that_are_equal_numbers_are_equal() {
    let keys = item([("id", s("o-1")), ("part", n("1.0"))]);
    let opened = open(as_record(&keys, None, Some(&sealed("o-1", 10).await))).await;
    assert!(opened.new_image().unwrap().is_ok());
}

#[tokio::test]
async fn a_record_without_its_complete_key_opens_nothing() {
    let image = sealed("o-1", 10).await;
    let part = item([("id", s("o-1"))]);
    for (keys, missing) in [(part, "part"), (Item::default(), "id")] {
        let opened = open(as_record(&keys, None, Some(&image))).await;
        let expected = (missing, AttributeIssue::Missing);
        assert_eq!(attribute_issue(opened.keys().unwrap_err()), expected);
        assert_eq!(attribute_issue(opened.error().unwrap()), expected);
        let error = opened.new_image().unwrap().unwrap_err();
        assert_eq!(attribute_issue(error), expected);
    }
    let mut absent = as_record(&keys("o-1"), None, Some(&image));
    absent["dynamodb"].as_object_mut().unwrap().remove("Keys");
    assert!(open(absent).await.keys().is_err());
}

#[tokio::test]
async fn an_attribute_that_the_keys_have_and_the_image_has_not_is_refused() {
    let mut keys = keys("o-1");
    keys.insert("role".to_owned(), s("admin"));
    let opened = open(as_record(&keys, None, Some(&sealed("o-1", 10).await))).await;
    let error = opened.new_image().unwrap().unwrap_err();
    assert_eq!(attribute_issue(error), ("role", AttributeIssue::AnotherKey));
}

#[tokio::test]
async fn plaintext_is_not_sealed() {
    let plain = item([("id", s("o-1")), ("part", n("1")), ("total", n("1"))]);
    let opened = open(as_record(&keys("o-1"), None, Some(&plain))).await;
    let Some(Err(OpenError::NotSealed(error))) = opened.new_image() else {
        panic!("{opened:?}");
    };
    assert!(error.is_plaintext());
}

#[tokio::test]
async fn what_is_no_attribute_value_spoils_its_image_alone() {
    let image = sealed("o-1", 10).await;
    for (value, expected) in [
        (json!({"X": "1"}), ValueError::UnknownType),
        (json!({"B": "not base64!"}), ValueError::NotDynamoDbJson),
        (json!({"N": 1}), ValueError::NotDynamoDbJson),
        (json!({"S": "a", "N": "1"}), ValueError::NotDynamoDbJson),
        (json!({}), ValueError::NotDynamoDbJson),
        (json!("text"), ValueError::NotDynamoDbJson),
        (json!({"SS": ["a", 1]}), ValueError::NotDynamoDbJson),
        (
            json!({"L": [{"S": "a"}, {"Y": 1}]}),
            ValueError::UnknownType,
        ),
        (
            json!({"M": {"a": {"NULL": 1}}}),
            ValueError::NotDynamoDbJson,
        ),
    ] {
        let mut record = as_record(&keys("o-1"), Some(&image), Some(&image));
        record["dynamodb"]["NewImage"]["card"] = value.clone();
        let opened = open(record).await;
        assert!(opened.old_image().unwrap().is_ok(), "{value}");
        let error = opened.new_image().unwrap().unwrap_err();
        let expected = ("card", AttributeIssue::Value(expected));
        assert_eq!(attribute_issue(error), expected, "{value}");
    }
}

/// Another reader could take the other one, and see another item than was verified.
#[tokio::test]
async fn a_name_that_is_there_twice_spoils_its_image() {
    let sealed = dynamodb_json(&sealed("o-1", 10).await);
    let total = r#""total":{"N":"10"}"#;
    let more = r#""more":{"M":{"a":{"NULL":true},"a":{"NULL":true}}}"#;
    for (name, twice) in [
        ("total", format!("{total},{total}")),
        ("more", format!("{total},{more}")),
    ] {
        let image = sealed.to_string();
        assert_eq!(image.matches(total).count(), 1);
        let image = image.replace(total, &twice);
        let keys = dynamodb_json(&keys("o-1"));
        let record = format!(r#"{{"dynamodb": {{"Keys": {keys}, "NewImage": {image}}}}}"#);
        let record: Record = serde_json::from_str(&record).unwrap();
        let opened = open_record(&encryptor(), record).await;
        let error = opened.new_image().unwrap().unwrap_err();
        let expected = (name, AttributeIssue::Value(ValueError::NotDynamoDbJson));
        assert_eq!(attribute_issue(error), expected);
    }
}

#[tokio::test]
async fn an_image_that_is_no_object_is_malformed() {
    let mut record = as_record(&keys("o-1"), Some(&sealed("o-1", 10).await), None);
    record["dynamodb"]["NewImage"] = json!("card");
    let opened = open(record).await;
    assert!(opened.old_image().unwrap().is_ok());
    let error = opened.new_image().unwrap().unwrap_err();
    assert!(matches!(error, OpenError::Malformed(_)), "{error:?}");
}

#[tokio::test]
async fn nesting_is_bounded_as_it_is_in_a_table() {
    let nested =
        |levels: usize| (1..levels).fold(json!({"NULL": true}), |inner, _| json!({"L": [inner]}));
    for (levels, too_deep) in [(32, false), (33, true)] {
        let mut record = as_record(&keys("o-1"), None, Some(&sealed("o-1", 10).await));
        record["dynamodb"]["NewImage"]["more"] = nested(levels);
        let opened = open(record).await;
        let error = opened.new_image().unwrap().unwrap_err();
        let is_too_deep = matches!(
            error,
            OpenError::Attribute(error)
                if error.issue() == AttributeIssue::Value(ValueError::TooDeep)
        );
        assert_eq!(is_too_deep, too_deep, "{levels} levels: {error:?}");
    }
}

/// An older version of the same item is a valid image; only the store's word says that it is old.
#[tokio::test]
async fn a_replayed_image_opens_as_documented() {
    let old = sealed("o-1", 10).await;
    let opened = open(as_record(&keys("o-1"), None, Some(&old))).await;
    assert_eq!(opened.new_image_as::<Order>().unwrap().unwrap().total, 10);
}
