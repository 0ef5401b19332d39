//! Keys: what identifies one item, and what may stand for it in a call.

use std::fmt;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// The key shape of a table without a sort key.
#[derive(Debug)]
#[non_exhaustive]
pub struct PartitionKeyOnly;

/// The key shape of a table with a sort key.
#[derive(Debug)]
#[non_exhaustive]
pub struct PartitionAndSortKey;

/// The key shape of an untyped [`Item`](crate::Item): one value or two.
#[derive(Debug)]
#[non_exhaustive]
pub struct AnyKey;

/// The key shape of a struct that is only ever flattened into others: no key fits it.
#[derive(Debug)]
#[non_exhaustive]
pub struct NoKey;

/// The key of one item: the partition key's value, and the sort key's if the table has one.
///
/// Key values may identify people, so `Debug` shows none.
#[derive(Clone, PartialEq)]
pub struct Key {
    partition: AttributeValue,
    sort: Option<AttributeValue>,
}

impl Key {
    /// Makes a key for a table without a sort key.
    ///
    /// ```
    /// use dynaseal::item::Key;
    /// assert_eq!(format!("{:?}", Key::new("c-1")), "Key { .. }");
    /// ```
    pub fn new(partition: impl KeyValue) -> Self {
        Self {
            partition: partition.into_key_value(),
            sort: None,
        }
    }

    /// Makes a key for a table with a sort key.
    pub fn with_sort(partition: impl KeyValue, sort: impl KeyValue) -> Self {
        Self {
            partition: partition.into_key_value(),
            sort: Some(sort.into_key_value()),
        }
    }

    /// The value of the partition key.
    #[must_use]
    pub const fn partition_value(&self) -> &AttributeValue {
        &self.partition
    }

    /// The value of the sort key.
    #[must_use]
    pub const fn sort_value(&self) -> Option<&AttributeValue> {
        self.sort.as_ref()
    }

    /// Hands both values out.
    #[must_use]
    pub fn into_parts(self) -> (AttributeValue, Option<AttributeValue>) {
        (self.partition, self.sort)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

/// What can be the value of one key attribute: strings, numbers, bytes.
///
/// Integers become N, byte slices, vectors and arrays B.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the value of one key attribute",
    label = "expected a string, an integer or bytes",
    note = "a table without a sort key takes one value, as in `get(\"c-1\")`",
    note = "a table with a sort key takes a pair, as in `get((\"c-1\", \"profile\"))`"
)]
pub trait KeyValue {
    /// Turns the value into what DynamoDB takes.
    fn into_key_value(self) -> AttributeValue;
}

/// What can be the key of a model whose keys have the given shape.
///
/// ```
/// use dynaseal::item::{AnyKey, IntoKey, PartitionAndSortKey};
///
/// let key = IntoKey::<PartitionAndSortKey>::into_key(("c-1", 7));
/// assert_eq!(key.sort_value().unwrap().as_n(), Ok(&"7".to_owned()));
/// assert!(IntoKey::<AnyKey>::into_key("c-1").sort_value().is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key of this model",
    label = "this key does not have the shape `{Shape}`",
    note = "a model without a sort key takes one value, as in `get(\"c-1\")`",
    note = "a model with a sort key takes a pair, as in `get((\"c-1\", \"profile\"))`"
)]
pub trait IntoKey<Shape> {
    /// Turns the value into a key.
    fn into_key(self) -> Key;
}

impl<V: KeyValue> IntoKey<PartitionKeyOnly> for V {
    fn into_key(self) -> Key {
        Key::new(self)
    }
}

impl<P: KeyValue, S: KeyValue> IntoKey<PartitionAndSortKey> for (P, S) {
    fn into_key(self) -> Key {
        Key::with_sort(self.0, self.1)
    }
}

impl<V: KeyValue> IntoKey<AnyKey> for V {
    fn into_key(self) -> Key {
        Key::new(self)
    }
}

impl<P: KeyValue, S: KeyValue> IntoKey<AnyKey> for (P, S) {
    fn into_key(self) -> Key {
        Key::with_sort(self.0, self.1)
    }
}

/// A key that came from an item or an error fits the table it came from; that is not checked.
impl<Shape> IntoKey<Shape> for Key {
    fn into_key(self) -> Key {
        self
    }
}

impl KeyValue for AttributeValue {
    fn into_key_value(self) -> AttributeValue {
        self
    }
}

impl KeyValue for String {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::S(self)
    }
}

impl KeyValue for &String {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::S(self.clone())
    }
}

impl KeyValue for &str {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::S(self.to_owned())
    }
}

impl KeyValue for Blob {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::B(self)
    }
}

impl KeyValue for Vec<u8> {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(self))
    }
}

impl KeyValue for &[u8] {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(self))
    }
}

impl<const N: usize> KeyValue for [u8; N] {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(self))
    }
}

impl<const N: usize> KeyValue for &[u8; N] {
    fn into_key_value(self) -> AttributeValue {
        AttributeValue::B(Blob::new(*self))
    }
}

macro_rules! number_keys {
    ($($number:ty),+) => {$(
        impl KeyValue for $number {
            fn into_key_value(self) -> AttributeValue {
                AttributeValue::N(self.to_string())
            }
        }
    )+};
}

// No floats: DynamoDB compares keys as decimals. No 128 bits: a number has 38 digits.
number_keys!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_integers_into_numbers_and_bytes_into_binary() {
        assert_eq!(
            (-7_i64).into_key_value(),
            AttributeValue::N("-7".to_owned())
        );
        assert_eq!(
            u64::MAX.into_key_value(),
            AttributeValue::N(u64::MAX.to_string())
        );
        let binary = AttributeValue::B(Blob::new([1, 2]));
        assert_eq!([1_u8, 2].into_key_value(), binary);
        assert_eq!(vec![1_u8, 2].into_key_value(), binary);
        assert_eq!([1_u8, 2].as_slice().into_key_value(), binary);
    }

    #[test]
    fn takes_one_value_or_two_for_an_untyped_item() {
        assert_eq!(IntoKey::<AnyKey>::into_key("a"), Key::new("a"));
        assert_eq!(
            IntoKey::<AnyKey>::into_key(("a", 1)),
            Key::with_sort("a", 1)
        );
    }

    #[test]
    fn shows_no_value_in_debug() {
        let shown = format!("{:?}", Key::with_sort("secret-partition", "secret-sort"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
