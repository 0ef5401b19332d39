//! Items of 409,600 bytes by our count are stored, and those with one more are not.

use aws_sdk_dynamodb::primitives::Blob;
use proptest::collection::{btree_set, hash_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::testkit::{Cloud, KeyType, TableDefinition};

const REGION: &str = "us-east-1";
const TABLE: &str = "sizes";
/// The attribute that fills an item up.
const PADDING: &str = "padding";

fn number() -> impl Strategy<Value = String> {
    (any::<i64>(), -60_i32..60).prop_map(|(digits, exponent)| format!("{digits}e{exponent}"))
}

fn value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        Just(AttributeValue::Null(true)),
        any::<bool>().prop_map(AttributeValue::Bool),
        any::<String>().prop_map(AttributeValue::S),
        number().prop_map(AttributeValue::N),
        vec(any::<u8>(), 0..40).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
        btree_set(any::<String>(), 1..5)
            .prop_map(|set| AttributeValue::Ss(set.into_iter().collect())),
        btree_set(any::<i64>(), 1..5)
            .prop_map(|set| AttributeValue::Ns(set.iter().map(ToString::to_string).collect())),
        btree_set(vec(any::<u8>(), 0..8), 1..5)
            .prop_map(|set| AttributeValue::Bs(set.into_iter().map(Blob::new).collect())),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(AttributeValue::L),
            hash_map(name(), inner, 0..5).prop_map(AttributeValue::M),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    "\\PC{1,8}"
}

/// The item, filled up to this size.
fn padded(mut item: Item, size: usize) -> Item {
    item.insert(PADDING.to_owned(), AttributeValue::S(String::new()));
    let padding = "x".repeat(size - item_size(&item));
    item.insert(PADDING.to_owned(), AttributeValue::S(padding));
    item
}

#[test]
fn is_what_dynamodb_counts() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cloud = runtime.block_on(async {
        let cloud = Cloud::start([REGION]).await.unwrap();
        let definition = TableDefinition::new(TABLE).partition_key("id", KeyType::S);
        cloud.create_global_table(&definition).await.unwrap();
        cloud
    });
    let client = cloud.dynamodb(REGION);
    let is_stored = |item: Item| {
        let put = client.put_item().table_name(TABLE).set_item(Some(item));
        runtime.block_on(put.send()).is_ok()
    };
    let mut runner = TestRunner::new(Config::with_cases(24));
    let items = hash_map(name(), value(), 0..8);
    let outcome = runner.run(&items, |attributes| {
        let mut item: Item = attributes.into_iter().collect();
        item.insert("id".to_owned(), AttributeValue::S("i-1".to_owned()));
        prop_assert!(is_stored(padded(item.clone(), MAX_ITEM_SIZE)));
        prop_assert!(!is_stored(padded(item, MAX_ITEM_SIZE + 1)));
        Ok(())
    });
    outcome.unwrap();
}
