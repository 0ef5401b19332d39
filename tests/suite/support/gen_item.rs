//! Random items and their schemas, for properties.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::{CryptoAction, Item, ItemSchema};
use proptest::collection::{btree_set, hash_map, vec};
use proptest::prelude::*;

pub(crate) const PARTITION_KEY: &str = "pk";

/// Any value that DynamoDB and the format accept, a few levels deep.
pub(crate) fn value() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        Just(AttributeValue::Null(true)),
        any::<bool>().prop_map(AttributeValue::Bool),
        text().prop_map(AttributeValue::S),
        number().prop_map(AttributeValue::N),
        vec(any::<u8>(), 0..40).prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
        btree_set(text(), 1..5).prop_map(|set| AttributeValue::Ss(set.into_iter().rev().collect())),
        btree_set(any::<i32>(), 1..5)
            .prop_map(|set| AttributeValue::Ns(set.iter().map(ToString::to_string).collect())),
        btree_set(vec(any::<u8>(), 0..8), 1..5)
            .prop_map(|set| AttributeValue::Bs(set.into_iter().rev().map(Blob::new).collect())),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(AttributeValue::L),
            hash_map(name(), inner, 0..5).prop_map(AttributeValue::M),
        ]
    })
}

/// Text of all planes, since order and length differ by encoding outside the first.
fn text() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![any::<char>(), prop::char::range('a', 'z')],
        0..12,
    )
    .prop_map(String::from_iter)
}

fn number() -> impl Strategy<Value = String> {
    (any::<i64>(), -60_i32..60, any::<bool>()).prop_map(|(digits, exponent, plain)| {
        if plain {
            digits.to_string()
        } else {
            format!("{digits}e{exponent}")
        }
    })
}

fn name() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![any::<char>(), prop::char::range('a', 'z')],
        1..8,
    )
    .prop_map(String::from_iter)
    .prop_filter("not a name of the format, a key or unsigned", |name| {
        !name.starts_with("aws_dbe_")
            && !name.starts_with("aws-crypto-")
            && !name.starts_with(':')
            && name != PARTITION_KEY
    })
}

pub(crate) fn action() -> impl Strategy<Value = CryptoAction> {
    prop_oneof![
        3 => Just(CryptoAction::EncryptAndSign),
        2 => Just(CryptoAction::SignOnly),
        1 => Just(CryptoAction::SignAndIncludeInEncryptionContext),
    ]
}

/// An item with a partition key `pk`, and the action of every other attribute.
pub(crate) fn item() -> impl Strategy<Value = (Item, Vec<(String, CryptoAction)>)> {
    let key = "[a-z0-9]{1,20}".prop_map(AttributeValue::S);
    (key, hash_map(name(), (value(), action()), 0..8)).prop_map(|(key, attributes)| {
        let actions = attributes
            .iter()
            .map(|(name, (_, action))| (name.clone(), *action))
            .collect();
        let mut item: Item = attributes
            .into_iter()
            .map(|(name, (value, _))| (name, value))
            .collect();
        item.insert(PARTITION_KEY.to_owned(), key);
        (item, actions)
    })
}

/// The schema of such an item; `None` if two context attributes differ in case only.
pub(crate) fn schema(
    actions: &[(String, CryptoAction)],
) -> Option<dynaseal::item::ItemSchemaBuilder> {
    let builder = actions.iter().fold(
        ItemSchema::builder("table", PARTITION_KEY).allowed_unsigned_attribute_prefix(":"),
        |builder, (name, action)| builder.action(name, *action),
    );
    builder.clone().build().ok().map(|_| builder)
}
