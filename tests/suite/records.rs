//! Items out of streams, Lambda events and exports.

mod agreement;
mod export;
mod files;
mod images;
mod lambda;
mod streams;

use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Item, ItemEncryptor, ItemSchema, OpenError, RawAesKeyring, Redacted, Seal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::stack::{Stack, item, n, s};

const TABLE: &str = "orders";

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "orders", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    part: u64,
    card: Redacted<String>,
    #[seal(sign)]
    total: u32,
}

fn order(id: &str, total: u32) -> Order {
    Order {
        id: id.to_owned(),
        part: 1,
        card: "4111 1111".to_owned().into(),
        total,
    }
}

fn keys(id: &str) -> Item {
    item([("id", s(id)), ("part", n("1"))])
}

fn definition() -> TableDefinition {
    TableDefinition::new(TABLE)
        .partition_key("id", KeyType::S)
        .sort_key("part", KeyType::N)
}

/// Without KMS, for what does not depend on it.
fn encryptor() -> ItemEncryptor {
    let schema = ItemSchema::of_model(Order::SCHEMA, None).unwrap();
    let keyring = RawAesKeyring::new("records", "key", [3; 32]).unwrap();
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

async fn sealed(id: &str, total: u32) -> Item {
    use dynaseal::item::Model as _;

    let item = order(id, total).to_item().unwrap();
    encryptor().seal(item).await.unwrap()
}

/// An item with another total than was signed.
fn tampered(sealed: &Item) -> Item {
    let mut tampered = sealed.clone();
    assert_ne!(tampered.insert("total".to_owned(), n("0")), Some(n("0")));
    tampered
}

/// DynamoDB JSON, written by a crate that shares nothing with our reader.
fn dynamodb_json(item: &Item) -> Value {
    let entries = item.iter();
    entries
        .map(|(name, value)| {
            let value = serde_dynamo::AttributeValue::from(value.clone());
            (name.clone(), serde_json::to_value(value).unwrap())
        })
        .collect()
}

#[track_caller]
fn assert_authentication<T: std::fmt::Debug>(image: Option<Result<T, &OpenError>>) {
    let error = image.expect("an image").expect_err("refused");
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
}

fn as_record(keys: &Item, old: Option<&Item>, new: Option<&Item>) -> Value {
    let mut change = json!({"Keys": dynamodb_json(keys), "SequenceNumber": "111"});
    for (name, image) in [("OldImage", old), ("NewImage", new)] {
        if let Some(image) = image {
            change[name] = dynamodb_json(image);
        }
    }
    json!({"eventID": "e-1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": change})
}
