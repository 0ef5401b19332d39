//! What an opened item says about itself.

use std::fmt;

use super::Item;
use super::entities::EntityTag;
use crate::context::EncryptionContext;
use crate::error::{AttributeIssue, InvalidAttribute, OpenError};
use crate::format::header::Version;
use crate::suite::{AlgorithmSuite, Authenticity};
use crate::value::Terminal;

/// The version of an item's header.
#[expect(clippy::exhaustive_enums, reason = "the item format closes this list")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderVersion {
    /// Only the keys are in the encryption context, base64-encoded.
    V1,
    /// Keys and included attributes are in the encryption context, readable.
    V2,
}

impl From<Version> for HeaderVersion {
    fn from(version: Version) -> Self {
        match version {
            Version::V1 => Self::V1,
            Version::V2 => Self::V2,
        }
    }
}

/// Whether an item is the newest that was seen; see [`freshness`](crate::table::freshness).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FreshnessState {
    /// Nobody compared it: it has no version, or came with a write, out of a stream or an export.
    #[default]
    Unchecked,
    /// No newer one was seen.
    Fresh,
    /// A newer one was seen. Only an item of a secondary index is handed out like this.
    Stale,
    /// Another item of the same version was seen. Only an item of a secondary index is handed out like
    /// this.
    Diverged,
}

/// An item that was verified and decrypted, and what is known about how.
///
/// Its `Debug` shows attribute names, never values.
#[derive(Clone, PartialEq)]
pub struct OpenedItem {
    pub(super) item: Item,
    pub(super) header_version: HeaderVersion,
    pub(super) suite: AlgorithmSuite,
    pub(super) authenticity: Authenticity,
    pub(super) context: EncryptionContext,
    pub(super) keyring: String,
    pub(super) key: Option<String>,
    pub(super) region: Option<String>,
    pub(super) table_region: Option<String>,
    pub(super) entity: Option<EntityTag>,
    pub(super) freshness: FreshnessState,
}

impl OpenedItem {
    /// The attributes in clear. Unsigned ones are as anybody may have left them.
    #[must_use]
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The attributes in clear, by value.
    #[must_use]
    pub fn into_item(self) -> Item {
        self.item
    }

    /// The same facts about an item that was changed since.
    pub(crate) fn changed(mut self, item: Item, entity: Option<EntityTag>) -> Self {
        self.item = item;
        self.entity = entity;
        self
    }

    /// The version of the header that was read.
    #[must_use]
    pub fn header_version(&self) -> HeaderVersion {
        self.header_version
    }

    /// The suite that the item was sealed under.
    #[must_use]
    pub fn suite(&self) -> AlgorithmSuite {
        self.suite
    }

    /// Who could have made this item.
    #[must_use]
    pub fn authenticity(&self) -> Authenticity {
        self.authenticity
    }

    /// The complete encryption context, verified.
    #[must_use]
    pub fn context(&self) -> &EncryptionContext {
        &self.context
    }

    /// Which of the entity types of its table it is; `None` where a table has only one.
    #[must_use]
    pub fn entity(&self) -> Option<&str> {
        self.entity.as_ref().map(|entity| &*entity.name)
    }

    /// The keyring that opened the data key.
    #[must_use]
    pub fn keyring(&self) -> &str {
        &self.keyring
    }

    /// The key that opened it: the ARN that was asked, under KMS keyrings; of a branch key its version, as its
    /// record's type: `branch:version:…`. The id of a branch key may be a tenant, and is not told here.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The same item, which was read in this region.
    pub(crate) fn out_of_table(mut self, region: &str) -> Self {
        self.table_region = Some(region.to_owned());
        self
    }

    /// The region whose replica of the table the item was read in; `None` if it did not come out of a
    /// table.
    #[must_use]
    pub fn table_region(&self) -> Option<&str> {
        self.table_region.as_deref()
    }

    /// The region whose KMS answered, under KMS keyrings; see also
    /// [`table_region`](Self::table_region).
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Whether the item is the newest that its table has seen, where items have versions.
    #[must_use]
    pub fn freshness(&self) -> FreshnessState {
        self.freshness
    }

    /// The same item, compared.
    pub(crate) fn with_freshness(mut self, freshness: FreshnessState) -> Self {
        self.freshness = freshness;
        self
    }

    /// A store that hands out another item than the one under this key, however validly sealed, is
    /// caught here.
    pub(crate) fn check_key(&self, key: &Item) -> Result<(), OpenError> {
        check_key(&self.item, key)
    }
}

/// Refuses an item that is not the one under a key. Keys are in clear in every item.
pub(crate) fn check_key(item: &Item, key: &Item) -> Result<(), OpenError> {
    let differs = |name: &&String| {
        let [found, asked] = [item.get(*name), key.get(*name)].map(|v| v.map(Terminal::of));
        !matches!((found, asked), (Some(Ok(found)), Some(Ok(asked))) if found == asked)
    };
    match key.keys().filter(differs).min() {
        Some(name) => Err(InvalidAttribute::new(name, AttributeIssue::AnotherKey).into()),
        None => Ok(()),
    }
}

impl fmt::Debug for OpenedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.item.keys().collect();
        names.sort_unstable();
        f.debug_struct("OpenedItem")
            .field("attributes", &names)
            .field("entity", &self.entity())
            .field("header_version", &self.header_version)
            .field("suite", &self.suite)
            .field("authenticity", &self.authenticity)
            .field("keyring", &self.keyring)
            .field("key", &self.key)
            .field("region", &self.region)
            .field("table_region", &self.table_region)
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}
