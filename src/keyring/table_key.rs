//! The keyring of table keys: one data key of KMS wraps the keys of many items.

mod body;
mod builder;
#[cfg(test)]
pub(crate) mod fixed;
mod open;
mod scope;
mod seal;
#[cfg(test)]
mod tests;
mod wrap;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::body::TableKeyId;
pub use self::builder::TableKeyKeyringBuilder;
use self::open::OpeningKey;
pub(crate) use self::open::table_key_id;
use self::scope::Scope;
pub(crate) use self::scope::context_keys;
use self::seal::SealingKey;
use super::kms_key_use::{KmsKeyUse, UsedKey};
use super::{DecryptRequest, EncryptRequest, KeyBinding, Keyring, KeyringError, KeyringErrorKind};
use super::{WrappedKey, future};
use crate::cache::Cache;
use crate::context::EncryptionContext;
use crate::crypto::random::Random;
use crate::error::ConfigError;
use crate::kms::{KmsKeyArn, KmsRequests, Replicas};
use crate::region::RegionSet;

pub(crate) const PROVIDER_ID: &str = "dynaseal-table-key";

/// Wraps the keys of many items under one data key of KMS, a *table key*, for a bounded time and count.
///
/// Sealing costs one `GenerateDataKey` for each [period](TableKeyKeyringBuilder::write_period) and
/// process, for each logical table and, where the keyring names a
/// [tenant attribute](TableKeyKeyringBuilder::tenant_attribute), each tenant. Opening costs one `Decrypt`
/// for each *distinct table key met*, and no more than one in its
/// [time](TableKeyKeyringBuilder::read_ttl). That is few where few processes write much; processes that
/// write one item each save nothing. [`Description`](crate::item::Description) tells the table key of an
/// item, for counting them.
///
/// A table key travels in every item that it wraps, itself wrapped under one multi-Region KMS key. There is
/// no key store, and the replica of any region opens it. The AWS Database Encryption SDK cannot; put a
/// [`KmsMrkKeyring`](super::KmsMrkKeyring) beside it in a [`MultiKeyring`](super::MultiKeyring) where it
/// must, at one call for each item; readers that have only the latter say `accept_suite(SymsigHmacSha384)`,
/// since such items are not signed by default. The bytes are in `docs/table-key-format.md`.
///
/// What is given up: KMS, its log and its policies see the table, the tenant and the table key instead of
/// the item; whoever can open items of a table and tenant can forge them, under every suite; and a key that
/// is disabled, or denied, goes on being used until its period and its time are over. That is at most the
/// write period for sealing and the read time for opening, in each region.
///
/// Clones share the keys.
///
/// ```no_run
/// # async fn run() -> Result<(), dynaseal::ConfigError> {
/// use dynaseal::RegionSet;
/// use dynaseal::keyring::TableKeyKeyring;
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").build()?;
/// let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
/// let keyring = TableKeyKeyring::builder(arn, &regions)
///     .tenant_attribute("tenant")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TableKeyKeyring(Arc<Inner>);

struct Inner {
    /// The local replica. Any replica's ARN names the key; this is the one that is asked.
    key: KmsKeyArn,
    requests: KmsRequests,
    settings: Settings,
    random: Arc<dyn Random>,
    sealing: Cache<Vec<u8>, Arc<SealingKey>, KeyringError>,
    opening: Cache<Vec<u8>, Arc<OpeningKey>, KeyringError>,
}

/// What a builder decided.
#[derive(Clone, Debug)]
struct Settings {
    tenant_attribute: Option<String>,
    write_period: Duration,
    max_items_per_key: u64,
    read_ttl: Duration,
    max_cached_keys: usize,
}

impl TableKeyKeyring {
    const NAME: &str = "table-key";

    /// A keyring with the defaults of its [builder](Self::builder), and without tenants.
    ///
    /// # Errors
    ///
    /// As of [`TableKeyKeyringBuilder::build`].
    pub fn new(key_arn: impl AsRef<str>, regions: &RegionSet) -> Result<Self, ConfigError> {
        Self::builder(key_arn, regions).build()
    }

    /// Starts a keyring for the multi-Region key of which `key_arn` is the primary or any replica.
    ///
    /// The region in `key_arn` need not be in the region set.
    #[must_use]
    pub fn builder(key_arn: impl AsRef<str>, regions: &RegionSet) -> TableKeyKeyringBuilder {
        TableKeyKeyringBuilder::new(key_arn.as_ref(), regions)
    }

    /// The ARN that requests carry: the local replica's, unless a
    /// [fallback](TableKeyKeyringBuilder::fallback) is asked.
    #[must_use]
    pub fn key_arn(&self) -> String {
        self.0.key.to_string()
    }

    /// Forgets every table key, of sealing and of opening. The next item of each asks KMS again, whatever
    /// is under way.
    pub fn flush(&self) {
        self.0.sealing.flush();
        self.0.opening.flush();
    }

    async fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let wrapped = self.0.seal(request).await?;
        Ok(vec![wrapped])
    }
}

impl Inner {
    fn region(&self) -> &str {
        self.requests.regions.local()
    }

    fn replicas(&self) -> Replicas {
        self.requests.replicas(&self.key)
    }

    fn scope(&self, item: &EncryptionContext, tenant: Option<&str>) -> Result<Scope, KeyringError> {
        let attribute = self.settings.tenant_attribute.as_deref();
        Scope::of(item, attribute, tenant).map_err(|kind| self.error(kind))
    }

    fn error(&self, kind: impl Into<KeyringErrorKind>) -> KeyringError {
        self.place(KeyringError::new(kind.into()))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        self.requests.place(error, &self.key)
    }
}

impl Keyring for TableKeyKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// KMS sees the table key, and not the item: whoever holds one can wrap what he likes.
    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    /// A table key comes from `GenerateDataKey`, and opens what this very process sealed under it: a table key
    /// of another process needs `Decrypt`.
    fn can_seal_without_opening(&self) -> bool {
        true
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.0.open_first(request))
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        let requests = &self.0.requests;
        let key = UsedKey::MultiRegion(self.0.key.clone());
        let used = KmsKeyUse::in_set(Self::NAME, key, &requests.regions);
        let tenant_attribute = self.0.settings.tenant_attribute.as_deref();
        let used = used.for_table_keys(tenant_attribute);
        vec![used.with_grant_tokens(requests.grant_tokens())]
    }
}

impl fmt::Debug for TableKeyKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableKeyKeyring")
            .field("key_arn", &self.key_arn())
            .field("regions", &self.0.requests.regions)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
