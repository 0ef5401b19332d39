//! What a sealed item says of itself, to whoever has no key.

use std::collections::BTreeMap;
use std::fmt;

use super::Item;
use super::entities::Schemas;
use super::fields::{Attributes, check_reserved, to_open};
use super::opened::HeaderVersion;
use crate::action::CryptoAction;
use crate::context::EncryptionContext;
use crate::error::{Malformed, OpenError};
use crate::format::header::Header;
use crate::format::{EncryptedDataKey, HEADER_ATTRIBUTE};
use crate::key_store::BranchKeyVersion;
use crate::keyring::{branch_key_version, table_key_id};
use crate::suite::AlgorithmSuite;

/// Something that nobody has authenticated: whoever can write to the table may have made it up.
#[derive(Clone, PartialEq, Eq)]
pub struct Unverified<T>(T);

impl<T> Unverified<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// The claim, for uses that do not depend on its truth, such as finding items to look at.
    #[must_use]
    pub fn unauthenticated(&self) -> &T {
        &self.0
    }

    /// The claim by value. From here on nothing reminds of who vouches for it: nobody.
    #[must_use]
    pub fn into_unauthenticated(self) -> T {
        self.0
    }

    /// Reads the claim as something else, which is as unverified.
    pub(crate) fn try_map<U, E>(
        self,
        map: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<Unverified<U>, E> {
        map(self.0).map(Unverified)
    }
}

/// Shows nothing: it may be an item. What it holds has a `Debug` of its own.
impl<T> fmt::Debug for Unverified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").finish_non_exhaustive()
    }
}

/// What header and attributes of a sealed item say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    header_version: HeaderVersion,
    suite: AlgorithmSuite,
    actions: BTreeMap<String, CryptoAction>,
    encrypted_data_keys: Vec<EncryptedDataKeyDescription>,
    context: EncryptionContext,
}

impl Description {
    pub(super) fn of(schemas: &Schemas, mut item: Item) -> Result<Self, OpenError> {
        let (head, _foot) = super::encryptor::take_parts(&mut item)?;
        let schema = schemas.choose(&item)?.schema;
        let header = Header::parse(head.as_ref())?;
        let attributes = Attributes::split(schema, item);
        check_reserved(&attributes)?;
        let fields = to_open(schema, &attributes, &header)?;
        let mut entries = super::encryptor::rebuild_context(schema, header.version, &fields)?;
        entries.extend(header.stored_context);
        let context = EncryptionContext::new(entries)
            .map_err(|_| Malformed::new("encryption context", "an entry is over 65535 bytes"))?;
        Ok(Self {
            header_version: header.version.into(),
            suite: header.suite,
            actions: fields
                .iter()
                .map(|field| (field.path.name().to_owned(), field.legend.action()))
                .collect(),
            encrypted_data_keys: header.encrypted_data_keys.iter().map(Into::into).collect(),
            context,
        })
    }

    /// The version of the header.
    #[must_use]
    pub fn header_version(&self) -> HeaderVersion {
        self.header_version
    }

    /// The suite.
    #[must_use]
    pub fn suite(&self) -> AlgorithmSuite {
        self.suite
    }

    /// The encrypt legend by attribute name: what was done to each signed attribute.
    #[must_use]
    pub fn actions(&self) -> &BTreeMap<String, CryptoAction> {
        &self.actions
    }

    /// The recipients, in the header's order.
    #[must_use]
    pub fn encrypted_data_keys(&self) -> &[EncryptedDataKeyDescription] {
        &self.encrypted_data_keys
    }

    /// The encryption context that opening would use.
    #[must_use]
    pub fn context(&self) -> &EncryptionContext {
        &self.context
    }
}

/// The name of the key of an item's first recipient, if it may be shown: an ARN, or the version of a branch key.
pub(crate) fn first_key(sealed: &Item) -> Option<String> {
    let head = sealed.get(HEADER_ATTRIBUTE)?.as_b().ok()?;
    let header = Header::parse(head.as_ref()).ok()?;
    let key = header.encrypted_data_keys.first()?;
    if let Some(version) = branch_key_version(key) {
        return Some(version.record_type());
    }
    let info = std::str::from_utf8(key.provider_info()).ok()?;
    info.starts_with("arn:").then(|| info.to_owned())
}

/// One recipient of an item.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedDataKeyDescription {
    provider_id: String,
    key: String,
    table_key_id: Option<String>,
    branch_key_version: Option<BranchKeyVersion>,
}

impl EncryptedDataKeyDescription {
    /// The kind of keyring, such as `aws-kms`.
    #[must_use]
    pub fn provider_id(&self) -> &str {
        &self.provider_id
    }

    /// The key ARN, or whatever text else names the key; of a raw key its name and parameters, with
    /// bytes that are not text replaced; of a branch key its id, which may be a tenant. `Debug` does not
    /// show it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Which table key wrapped it, under a [`TableKeyKeyring`](crate::keyring::TableKeyKeyring): 32
    /// hexadecimal digits, as they are in the log of KMS under `dynaseal-table-key-id`. `None` under any
    /// other keyring.
    ///
    /// Opening costs one call to KMS for each distinct one, so their number among a thousand items tells
    /// what that keyring saves, and when to seal items again.
    #[must_use]
    pub fn table_key_id(&self) -> Option<&str> {
        self.table_key_id.as_deref()
    }

    /// Which version of its branch key wrapped it, under a hierarchical keyring. `None` under any other.
    #[must_use]
    pub fn branch_key_version(&self) -> Option<BranchKeyVersion> {
        self.branch_key_version
    }
}

impl From<&EncryptedDataKey> for EncryptedDataKeyDescription {
    fn from(key: &EncryptedDataKey) -> Self {
        Self {
            provider_id: key.provider_id().to_owned(),
            key: String::from_utf8_lossy(key.provider_info()).into_owned(),
            table_key_id: table_key_id(key).map(|id| id.to_string()),
            branch_key_version: branch_key_version(key),
        }
    }
}

impl fmt::Debug for EncryptedDataKeyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedDataKeyDescription")
            .field("provider_id", &self.provider_id)
            .field("table_key_id", &self.table_key_id)
            .field("branch_key_version", &self.branch_key_version)
            .finish_non_exhaustive()
    }
}
