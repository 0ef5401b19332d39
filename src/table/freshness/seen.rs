//! What is kept of an item: which it is, its version, and which of the writes of that version.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::crypto::hash::Sha384Hasher;
use crate::table::key_bytes::KeyBytes;

/// Separates these digests from all others.
const ITEM_DOMAIN: &[u8] = b"dynaseal-freshness-item/1\0";
const FOOTER_DOMAIN: &[u8] = b"dynaseal-freshness-footer/1\0";

const DIGEST_LEN: usize = 32;

/// Which item: a digest of the logical table name and the key.
///
/// The same in every process, so a shared store can have it for its key. It shows no key value, but who
/// guesses a key can check the guess. `Debug` shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId([u8; DIGEST_LEN]);

impl ItemId {
    pub(in crate::table) fn new(logical_table_name: &str, key: &KeyBytes) -> Self {
        let mut hasher = Sha384Hasher::new();
        hasher.update(ITEM_DOMAIN);
        let mut update = |bytes: &[u8]| {
            hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(bytes);
        };
        update(logical_table_name.as_bytes());
        for (type_id, value) in key.parts() {
            update(type_id);
            update(value);
        }
        Self(shortened(hasher))
    }

    /// A digest of your own, to try a store with.
    #[must_use]
    pub fn from_bytes(digest: [u8; DIGEST_LEN]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DIGEST_LEN] {
        &self.0
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ItemId(..)")
    }
}

/// The digest of an item's footer, which is another one after every write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FooterDigest([u8; DIGEST_LEN]);

impl FooterDigest {
    /// A digest that was stored.
    #[must_use]
    pub fn from_bytes(digest: [u8; DIGEST_LEN]) -> Self {
        Self(digest)
    }

    /// The digest, to be stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DIGEST_LEN] {
        &self.0
    }

    /// The digest of a footer, which is of type B.
    pub(in crate::table) fn of(footer: &AttributeValue) -> Option<Self> {
        let mut hasher = Sha384Hasher::new();
        hasher.update(FOOTER_DOMAIN);
        hasher.update(footer.as_b().ok()?.as_ref());
        Some(Self(shortened(hasher)))
    }
}

impl fmt::Debug for FooterDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FooterDigest(..)")
    }
}

fn shortened(hasher: Sha384Hasher) -> [u8; DIGEST_LEN] {
    let digest = hasher.finish();
    let (digest, _) = digest
        .split_first_chunk()
        .expect("SHA-384 has more than 32 bytes");
    *digest
}

/// What was seen of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    version: u64,
    footer: FooterDigest,
}

impl Seen {
    /// This version, by the write that left this footer.
    #[must_use]
    pub fn new(version: u64, footer: FooterDigest) -> Self {
        Self { version, footer }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Which of the writes of this version it was.
    #[must_use]
    pub fn footer(&self) -> FooterDigest {
        self.footer
    }

    /// How this compares with what was seen before.
    ///
    /// ```
    /// use dynaseal::table::freshness::{FooterDigest, Seen, Verdict};
    ///
    /// let seen = |version, footer| Seen::new(version, FooterDigest::from_bytes([footer; 32]));
    /// assert_eq!(seen(1, b'a').after(None), Verdict::Fresh);
    /// assert_eq!(seen(7, b'a').after(Some(seen(7, b'a'))), Verdict::Fresh);
    /// assert_eq!(seen(8, b'b').after(Some(seen(7, b'a'))), Verdict::Fresh);
    /// assert_eq!(seen(6, b'c').after(Some(seen(7, b'a'))), Verdict::Stale { newest: 7 });
    /// assert_eq!(seen(7, b'b').after(Some(seen(7, b'a'))), Verdict::Diverged);
    /// ```
    #[must_use]
    pub fn after(&self, before: Option<Self>) -> Verdict {
        match before {
            Some(before) if before.version > self.version => Verdict::Stale {
                newest: before.version,
            },
            Some(before) if before.version == self.version && before.footer != self.footer => {
                Verdict::Diverged
            }
            _ => Verdict::Fresh,
        }
    }
}

/// How an item compares with what was seen of it before.
#[expect(
    clippy::exhaustive_enums,
    reason = "versions are lower, equal or higher, and whoever decides must say which"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the newest that was seen, or newer.
    Fresh,
    /// A newer one was seen.
    Stale {
        /// The version of the newest.
        newest: u64,
    },
    /// Another one of the same version was seen: two writers did not know of each other, and one of the
    /// two writes is lost.
    Diverged,
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;
    use crate::item::{Item, ItemSchema};

    fn id(table: &str, partition: &str, sort: AttributeValue) -> ItemId {
        let schema = ItemSchema::builder(table, "p").sort_key_name("s").build();
        let partition = AttributeValue::S(partition.to_owned());
        let item = Item::from([("p".to_owned(), partition), ("s".to_owned(), sort)]);
        ItemId::new(table, &KeyBytes::of(&schema.unwrap(), &item).unwrap())
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Shared stores keep these: they never change.
    #[test]
    fn makes_the_same_digests_as_ever() {
        let id = id("accounts", "c-1", AttributeValue::N("7.0".to_owned()));
        assert_eq!(
            hex(id.as_bytes()),
            "b2419de279e0cc23f69dd97698b29e4d3f043e37df66e4b2978098c1fde36889"
        );
        let footer = AttributeValue::B(Blob::new(b"footer".to_vec()));
        assert_eq!(
            hex(FooterDigest::of(&footer).unwrap().as_bytes()),
            "aa3f6a32d69d2f399aaca5036e2831d562ba8c927905e12eea5a04d59ea36c25"
        );
    }

    #[test]
    fn tells_items_apart_by_table_key_and_type_and_not_by_spelling() {
        let seven = || AttributeValue::N("7".to_owned());
        let one = id("t", "ab", seven());
        assert_eq!(one, id("t", "ab", AttributeValue::N("70e-1".to_owned())));
        for other in [
            id("u", "ab", seven()),
            id("ta", "b", seven()),
            id("t", "a", seven()),
            id("t", "ab", text("7")),
            id("t", "ab", AttributeValue::N("8".to_owned())),
        ] {
            assert_ne!(one, other);
        }
        assert_ne!(id("t", "ab", text("c")), id("t", "a", text("bc")));
        assert_ne!(id("t", "", text("")), id("t", "", text("\0")));
    }

    #[test]
    fn shows_no_digest() {
        let footer = FooterDigest::from_bytes([7; 32]);
        let shown = format!("{:?} {:?}", id("t", "a", text("b")), Seen::new(3, footer));
        assert_eq!(
            shown,
            "ItemId(..) Seen { version: 3, footer: FooterDigest(..) }"
        );
    }

    #[test]
    fn digests_no_footer_of_another_type() {
        assert_eq!(FooterDigest::of(&text("x")), None);
    }
}
