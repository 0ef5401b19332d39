//! Keys that can be compared: whatever spelling of a number, equal keys have equal bytes.

use super::core::Core;
use super::error::Refused;
use crate::error::{AttributeIssue, InvalidAttribute};
use crate::item::{Item, ItemSchema, Key};
use crate::value::{TYPE_ID_LEN, Terminal};

/// The canonical bytes of an item's key: partition key, then sort key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyBytes(Vec<([u8; TYPE_ID_LEN], Vec<u8>)>);

impl KeyBytes {
    /// The key of an item or of key attributes.
    pub(super) fn of(schema: &ItemSchema, item: &Item) -> Result<Self, InvalidAttribute> {
        let bytes = |name| {
            let issue = |issue| InvalidAttribute::new(name, issue);
            let value = item.get(name);
            let value = value.ok_or_else(|| issue(AttributeIssue::Missing))?;
            let value = Terminal::of(value);
            let value = value.map_err(|cause| issue(AttributeIssue::Value(cause)))?;
            Ok((value.type_id.to_bytes(), value.bytes.into_owned()))
        };
        let key: Result<Vec<_>, _> = schema.key_names().map(bytes).collect();
        key.map(Self)
    }

    /// Type and value of the partition key, then of the sort key.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&[u8; TYPE_ID_LEN], &[u8])> {
        self.0.iter().map(|(type_id, value)| (type_id, &**value))
    }

    /// A key that the caller gave, as DynamoDB takes it, and as it compares.
    pub(super) fn of_key(core: &Core, key: Key) -> Result<(Item, Self), Refused> {
        let attributes = core.key_attributes(key)?;
        let bytes = Self::of(core.schema(), &attributes);
        let bytes = bytes.map_err(|invalid| Refused::new(invalid.to_string()))?;
        Ok((attributes, bytes))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue as V;

    use super::*;

    fn of(record: V) -> Result<KeyBytes, InvalidAttribute> {
        let schema = ItemSchema::builder("t", "id").sort_key_name("record");
        let item = [
            ("id", V::S("a".into())),
            ("record", record),
            ("x", V::Bool(true)),
        ];
        let item = item.map(|(name, value)| (name.to_owned(), value));
        KeyBytes::of(&schema.build().unwrap(), &Item::from(item))
    }

    #[test]
    fn tells_keys_apart_by_type_and_value_and_not_by_spelling() {
        let seven = of(V::N("7".into())).unwrap();
        assert!(seven == of(V::N("7.0".into())).unwrap());
        assert!(seven == of(V::N("0.7e1".into())).unwrap());
        assert!(seven != of(V::N("8".into())).unwrap());
        assert!(seven != of(V::S("7".into())).unwrap());
    }

    #[test]
    fn an_item_without_its_key_has_none() {
        let schema = ItemSchema::builder("t", "id").build().unwrap();
        let error = KeyBytes::of(&schema, &Item::new()).err().unwrap();
        assert_eq!(
            (error.name(), error.issue()),
            ("id", AttributeIssue::Missing)
        );
        let error = of(V::N("seven".into())).err().unwrap();
        assert_eq!(error.name(), "record");
    }
}
