//! Global tables of the version of 2017: DynamoDB adds three attributes to every item, which nobody
//! signs, nobody sees, and nobody writes.

mod names;
mod reads;
mod writes;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Item, OpenError, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

use crate::support::stack::{Stack, US, item, n, s};

const REPLICATION: [&str; 3] = [
    "aws:rep:deleting",
    "aws:rep:updatetime",
    "aws:rep:updateregion",
];

/// A model that takes every attribute that it does not know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "parcels", default = "encrypt")]
struct Parcel {
    #[seal(partition_key)]
    id: String,
    content: String,
    #[seal(sign)]
    state: String,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
    #[seal(others = "sign")]
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

fn parcel() -> Parcel {
    Parcel {
        id: "p-1".to_owned(),
        content: "a book".to_owned(),
        state: "sent".to_owned(),
        views: Unsigned::new(3),
        others: BTreeMap::from([("note".to_owned(), "fragile".to_owned())]),
    }
}

fn key() -> Item {
    item([("id", s("p-1"))])
}

/// As DynamoDB writes them.
fn replicated(mut item: Item) -> Item {
    item.insert(REPLICATION[0].to_owned(), AttributeValue::Bool(false));
    item.insert(REPLICATION[1].to_owned(), n("1700000000.123456"));
    item.insert(REPLICATION[2].to_owned(), s("us-east-1"));
    item
}

/// Whether all three are there, as [`replicated`] made them.
fn assert_replicated(item: &Item) {
    assert_eq!(*item, replicated(item.clone()));
}

/// A parcel that was put by us, and was replicated since.
async fn start() -> (Stack, SealedTable<Parcel>) {
    use dynaseal::testkit::SecondaryIndex;

    let by_state = SecondaryIndex::new("by-state").partition_key("state", KeyType::S);
    let definition = TableDefinition::new("parcels")
        .partition_key("id", KeyType::S)
        .secondary_index(by_state);
    let stack = Stack::start(&definition).await;
    let table = stack.table::<Parcel>(US);
    table.put(&parcel()).send().await.unwrap();
    let stored = stack.stored(US, &key()).await.unwrap();
    stack.store(US, &replicated(stored)).await;
    stack.cloud.reset_calls();
    (stack, table)
}
