//! Many items at once: queries, scans, batches, and what is reported of each item.

mod batch_get;
mod batch_write;
mod failures;
mod indexes;
mod kms_calls;
mod properties;
mod query;
mod refused;
mod scan;
mod shared_keys;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::testkit::{KeyType, Service, TableDefinition};
use dynaseal::{Item, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, calls, item, n, s};

const TABLE: &str = "orders";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "orders", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    customer: String,
    #[seal(sort_key)]
    number: u32,
    #[seal(sign)]
    state: String,
    #[seal(sign)]
    total: u32,
    card: String,
    address: BTreeMap<String, String>,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

fn order(customer: &str, number: u32) -> Order {
    Order {
        customer: customer.to_owned(),
        number,
        state: if number.is_multiple_of(2) {
            "open"
        } else {
            "paid"
        }
        .to_owned(),
        total: number * 100,
        card: "4111 1111".to_owned(),
        address: BTreeMap::from([("city".to_owned(), "Springwood".to_owned())]),
        views: Unsigned::new(3),
    }
}

fn definition() -> TableDefinition {
    use dynaseal::testkit::SecondaryIndex;
    let index = |name: &str| {
        let index = SecondaryIndex::new(name).partition_key("state", KeyType::S);
        index.sort_key("total", KeyType::N)
    };
    TableDefinition::new(TABLE)
        .partition_key("customer", KeyType::S)
        .sort_key("number", KeyType::N)
        .secondary_index(index("by-state"))
        .secondary_index(index("keys-by-state").keys_only())
        .secondary_index(index("some-by-state").include([":views"]))
        .secondary_index(SecondaryIndex::new("by-card").partition_key("card", KeyType::B))
}

/// Orders 1 to `count` of customer `c-1`, and one of somebody else.
async fn start(count: u32) -> Stack {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    let orders: Vec<_> = (1..=count).map(|number| order("c-1", number)).collect();
    let batch = table.batch_write().puts(&orders).put(&order("c-2", 1));
    batch.send().await.unwrap();
    stack.cloud.reset_calls();
    stack
}

fn key(customer: &str, number: u32) -> Item {
    item([
        ("customer", s(customer)),
        ("number", n(&number.to_string())),
    ])
}

/// Changes one signed attribute, as an administrator of the table can.
async fn corrupt(stack: &Stack, customer: &str, number: u32) {
    let mut stored = stack.stored(US, &key(customer, number)).await.unwrap();
    let card = stored["card"].as_b().unwrap().as_ref();
    let mut changed = card.to_vec();
    changed[0] ^= 1;
    stored.insert("card".to_owned(), AttributeValue::B(Blob::new(changed)));
    stack.store(US, &stored).await;
}

/// The keys that a batch asks for.
fn asked(input: &mut BatchGetItemInput) -> &mut Vec<Item> {
    let tables = input.request_items.as_mut().unwrap();
    &mut tables.get_mut(TABLE).unwrap().keys
}

fn numbers(orders: &[Order]) -> Vec<u32> {
    orders.iter().map(|order| order.number).collect()
}

/// Nothing was sent, to nobody.
fn assert_silent(stack: &Stack) {
    for region in [US, EU] {
        assert_eq!(stack.cloud.calls(region, Service::DynamoDb), 0);
        assert_eq!(stack.cloud.calls(region, Service::Kms), 0);
    }
}
