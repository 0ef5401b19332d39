//! The encryption context: what KMS and the footer bind an item to.

mod attribute;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(crate) const TABLE_NAME: &str = "aws-crypto-table-name";
pub(crate) const PARTITION_NAME: &str = "aws-crypto-partition-name";
pub(crate) const SORT_NAME: &str = "aws-crypto-sort-name";
pub(crate) const LEGEND: &str = "aws-crypto-legend";
pub(crate) const PUBLIC_KEY: &str = "aws-crypto-public-key";
pub(crate) const ATTRIBUTE_PREFIX: &str = "aws-crypto-attr.";

/// Entries before they are fixed: sorted by the UTF-8 bytes of the key, which is the wire's order.
pub(crate) type Entries = BTreeMap<Arc<str>, Arc<str>>;

/// The encryption context of one item: string pairs, ascending by the UTF-8 bytes of the key.
///
/// It holds the logical table name, the names and values of the keys, and in header version 2 every
/// attribute marked for it. KMS sees it and CloudTrail logs it, so its `Debug` shows keys only.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionContext {
    entries: Entries,
    serialized: Vec<u8>,
}

/// An entry, or the number of entries, has more bytes than its 16-bit length can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContextTooLong;

impl EncryptionContext {
    pub(crate) fn new(entries: Entries) -> Result<Self, ContextTooLong> {
        let serialized = serialize(&entries)?;
        Ok(Self {
            entries,
            serialized,
        })
    }

    /// The value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(AsRef::as_ref)
    }

    /// All pairs in the wire's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// The bytes that keyrings authenticate: nothing at all for an empty context.
    #[must_use]
    pub fn as_keyring_aad(&self) -> &[u8] {
        if self.entries.is_empty() {
            &[]
        } else {
            &self.serialized
        }
    }

    /// The bytes of header and footer: `00 00` for an empty context.
    pub(crate) fn as_serialized(&self) -> &[u8] {
        &self.serialized
    }

    pub(crate) fn entries(&self) -> &Entries {
        &self.entries
    }
}

/// `u16 count ‖ (u16 len ‖ key ‖ u16 len ‖ value)*`.
pub(crate) fn serialize(entries: &Entries) -> Result<Vec<u8>, ContextTooLong> {
    let len = entries
        .iter()
        .map(|(key, value)| 4 + key.len() + value.len())
        .sum::<usize>();
    let mut out = Vec::with_capacity(2 + len);
    let count = u16::try_from(entries.len()).map_err(|_| ContextTooLong)?;
    out.extend_from_slice(&count.to_be_bytes());
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        let len = u16::try_from(text.len()).map_err(|_| ContextTooLong)?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    Ok(out)
}

impl fmt::Debug for EncryptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        let entries = pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        EncryptionContext::new(entries).unwrap()
    }

    #[test]
    fn spells_the_empty_context_in_two_ways() {
        let empty = context(&[]);
        assert_eq!(empty.as_keyring_aad(), b"");
        assert_eq!(empty.as_serialized(), [0, 0]);
    }

    #[test]
    fn orders_by_bytes_and_prefixes_lengths() {
        let bytes = context(&[("b", ""), ("a", "xy")]).as_keyring_aad().to_vec();
        assert_eq!(bytes, b"\0\x02\0\x01a\0\x02xy\0\x01b\0\0");
    }

    #[test]
    fn refuses_a_value_over_65535_bytes() {
        let entries = Entries::from([("k".into(), "x".repeat(65536).into())]);
        assert!(EncryptionContext::new(entries).is_err());
    }

    #[test]
    fn prints_no_value() {
        assert_eq!(
            format!("{:?}", context(&[("tenant", "acme")])),
            r#"{"tenant"}"#
        );
    }
}
