//! The keyring of branch keys in a key store.

mod branch_keys;
mod builder;
mod choice;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use self::branch_keys::BranchKeys;
pub use self::builder::HierarchicalKeyringBuilder;
pub use self::choice::BranchKeyIdSupplier;
use self::choice::Choice;
use super::branch_key::{PROVIDER_ID, WrappedUnderBranchKey, Wrapping as _};
use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, KeyBinding, KeyStoreUse, Keyring};
use super::{KeyringError, KeyringErrorKind, KmsKeyUse, Opened, TenantKeys};
use super::{Unwrapped, WrappedKey, future, unopened};
use crate::crypto::random::{Random, SystemRandom};
use crate::key_store::KeyStore;
use crate::kms::Allowance;

/// Wraps and unwraps under branch keys, which lie in a [key store](KeyStore), wrapped by KMS, and are kept in
/// memory for a while.
///
/// KMS is asked once per branch key and [`ttl`](HierarchicalKeyringBuilder::ttl) and not once per item. Items
/// are sealed under the active version, and opened under the version that they name, however often the branch
/// key was rotated since. Which branch key an item has follows from the program, or from what the item itself
/// says under its signature, such as its tenant: never from the encrypted data key, which is compared with it
/// before the key store or KMS is asked for anything.
///
/// Whoever may use a branch key can open every item under it, and forge one: KMS does not see items. So the
/// default suite is 0x6700, without signatures. Who loses access to the KMS key, or to the key store, stops
/// within the TTL, in each region by itself: sooner, if a refresh is refused.
///
/// Readable by the hierarchical keyrings of DB-ESDK, and reads theirs.
///
/// ```
/// use std::time::Duration;
///
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use dynaseal::key_store::{KeyStore, KeyStoreKms};
/// use dynaseal::keyring::HierarchicalKeyring;
/// use dynaseal::{Item, ItemEncryptor, ItemSchema, RegionSet};
/// # use dynaseal::testkit::Cloud;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
/// # let key_arn = key.arn("eu-west-1");
/// # let config = cloud.sdk_config("eu-west-1");
/// let regions = RegionSet::builder(&config).local("eu-west-1").build()?;
/// let kms = KeyStoreKms::mrk_arn(key_arn);
/// let key_store = KeyStore::builder("branch-keys", "branch-keys", kms, &regions).build()?;
/// # key_store.create_key_store().await?;
///
/// // Once for each tenant.
/// let create = key_store.create_key().branch_key_id("acme");
/// create.encryption_context([("purpose", "orders")]).send().await?;
///
/// // Each tenant's items under the branch key that has its name.
/// let keyring = HierarchicalKeyring::builder(&key_store)
///     .branch_key_per_tenant("tenant")
///     .ttl(Duration::from_secs(60))
///     .build()?;
/// let schema = ItemSchema::builder("orders", "id").tenant_attribute("tenant").build()?;
/// let orders = ItemEncryptor::new(schema, keyring);
/// let order = Item::from([
///     ("id".into(), AttributeValue::S("o-1".into())),
///     ("tenant".into(), AttributeValue::S("acme".into())),
/// ]);
/// let sealed = orders.seal(order).await?;
/// let opened = orders.tenant("acme")?.open(sealed).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct HierarchicalKeyring {
    choice: Arc<Choice>,
    branch_keys: BranchKeys,
    random: Arc<dyn Random>,
}

impl HierarchicalKeyring {
    const NAME: &str = "hierarchical";

    /// Starts a keyring that takes its branch keys from a key store.
    pub fn builder(key_store: &KeyStore) -> HierarchicalKeyringBuilder {
        HierarchicalKeyringBuilder::new(key_store)
    }

    fn new(choice: Choice, branch_keys: BranchKeys) -> Self {
        Self {
            choice: Arc::new(choice),
            branch_keys,
            random: Arc::new(SystemRandom),
        }
    }

    /// Forgets every branch key. Those that are in use at this moment are still used.
    pub fn flush(&self) {
        self.branch_keys.flush();
    }

    async fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let context = request.context();
        let id = self.choice.branch_key_id(context, request.tenant());
        let id = id.map_err(|error| error.in_keyring(Self::NAME))?;
        let allowance = Arc::new(Allowance::new(None));
        let branch_key = self.branch_keys.active(&id, &allowance).await?;
        let wrapped = branch_key.value.wrap(context, &*self.random);
        let version = branch_key.value.version();
        let wrapped = wrapped.map_err(|kind| failed(kind, &id).with_key(version.record_type()))?;
        Ok(vec![wrapped])
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let edks = request.encrypted_data_keys().iter();
        let mut ours = edks.filter(|edk| edk.provider_id() == PROVIDER_ID);
        if ours.clone().next().is_none() {
            return Ok(Unwrapped::NotMine);
        }
        let id = self
            .choice
            .branch_key_id(request.context(), request.tenant());
        let id = id.map_err(|error| error.in_keyring(Self::NAME))?;
        let allowance = Arc::new(Allowance::new(request.budget()));
        let mut attempts = Vec::new();
        while let Some(edk) = ours.find(|edk| edk.provider_info() == id.as_bytes()) {
            match self.open(request, edk, &id, &allowance).await {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        unopened(attempts, Self::NAME)
    }

    async fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
        id: &str,
        allowance: &Arc<Allowance>,
    ) -> Result<Opened, KeyringError> {
        let invalid = || failed(KeyringErrorKind::InvalidEncryptedDataKey, id);
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        let wrapped = WrappedUnderBranchKey::parse(wrapped).ok_or_else(invalid)?;
        let version = wrapped.version();
        let invalid = || invalid().with_key(version.record_type());
        let branch_key = self.branch_keys.version(id, version, allowance).await?;
        let key = branch_key.value.unwrap(request.context(), &wrapped);
        let key = key.map_err(|_| invalid())?;
        let opened = request.open(edk, &key).map_err(|_| invalid())?;
        let opened = opened
            .in_keyring(Self::NAME)
            .with_key(version.record_type());
        Ok(opened.valid_for(branch_key.valid_for))
    }
}

fn failed(kind: KeyringErrorKind, id: &str) -> KeyringError {
    KeyringError::new(kind)
        .in_keyring(HierarchicalKeyring::NAME)
        .of_branch_key(id)
}

impl Keyring for HierarchicalKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        let tenant_attribute = self.choice.tenant_attribute();
        let key_store = self.branch_keys.key_store();
        let used = KmsKeyUse::of_key_store(Self::NAME, key_store, tenant_attribute);
        vec![match self.choice.fixed() {
            Some(id) => used.branch_key_id(id),
            None => used,
        }]
    }

    fn key_stores(&self) -> Vec<KeyStoreUse> {
        let key_store = self.branch_keys.key_store();
        vec![KeyStoreUse::new(
            key_store.table_name(),
            key_store.logical_name(),
            key_store.regions().regions(),
        )]
    }

    fn tenant_keys(&self) -> Option<TenantKeys<'_>> {
        let attribute = self.choice.tenant_attribute()?;
        let branch_keys = &self.branch_keys;
        let (key_store, ttl) = (branch_keys.key_store(), branch_keys.ttl());
        Some(TenantKeys::new(key_store, attribute, ttl))
    }
}

impl fmt::Debug for HierarchicalKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HierarchicalKeyring")
            .field("branch_key", &self.choice)
            .field("branch_keys", &self.branch_keys)
            .finish_non_exhaustive()
    }
}
