//! The branch key store of the AWS Database Encryption SDK: branch keys in a DynamoDB table, each version
//! wrapped by KMS.
//!
//! Items are sealed under intermediate keys, those under branch keys, and branch keys under KMS: so KMS is
//! asked once per branch key and not once per item. A branch key has an active version, under which is
//! sealed, and all versions that it had before.
//!
//! * **Format:** table, records, encryption contexts and requests are those of DB-ESDK, which reads what is
//!   made here and the other way round. Two things are stricter: an active record is replaced only if nobody
//!   else has, and a row of type `dynaseal:erased` stops all making, rotating and sealing.
//! * **Global tables:** replicas lag. A version that the local region has not yet is looked for in the other
//!   regions of the set, and KMS is asked where it is asked anyway. Make and rotate branch keys in one home
//!   region: the last writer wins. What tables of the version of 2017 have added to each row is passed over.
//!   A strongly consistent table (MRSC) takes no transactions, and so no key store.
//! * **Rollback:** whoever can write to the table can put back an active version that was retired. A process
//!   refuses one that is older than what it has seen; one that starts afterwards cannot know.
//! * **Who can read the table** learns no key. Who can delete from it makes items unreadable: give it another
//!   owner than the tables of items, deletion protection and backups.

mod branch_key;
mod builder;
mod call;
mod create;
mod describe;
mod erase;
mod kms;
mod memory;
pub(crate) mod names;
mod read;
mod record;
mod rotate;
mod table;
mod time;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

pub(crate) use self::branch_key::BranchKey;
pub use self::branch_key::BranchKeyVersion;
pub use self::builder::KeyStoreBuilder;
pub use self::create::CreateKey;
pub use self::describe::{BeaconKeyDescription, BranchKeyDescription};
pub use self::erase::{EraseBranchKey, ErasedBranchKey};
pub use self::kms::KeyStoreKms;
pub(crate) use self::kms::Keys;
use self::memory::{Absent, Newest};
pub use crate::error::{KeyStoreError, KeyStoreErrorKind};
use crate::kms::{GrantTokens, KmsRequests, Replicas};
use crate::region::{Member, RegionSet};

/// Branch keys in a DynamoDB table, as DB-ESDK keeps them.
///
/// Clones share one key store, with what it remembers.
///
/// ```
/// use dynaseal::RegionSet;
/// use dynaseal::key_store::{KeyStore, KeyStoreErrorKind, KeyStoreKms};
/// use dynaseal::testkit::Cloud;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cloud = Cloud::start(["eu-west-1"]).await?;
/// let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
/// let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
///
/// let kms = KeyStoreKms::mrk_arn(key.arn("eu-west-1"));
/// let store = KeyStore::builder("branch-keys", "branch-keys", kms, &regions).build()?;
/// store.create_key_store().await?;
///
/// let tenant = store.create_key().send().await?;
/// let first = store.describe_active(&tenant).await?.version();
/// let second = store.version_key(&tenant).await?;
/// assert_eq!(store.describe_active(&tenant).await?.version(), second);
/// assert!(store.describe_version(&tenant, first).await.is_ok());
///
/// let error = store.describe_active("nobody").await.unwrap_err();
/// assert_eq!(error.kind(), KeyStoreErrorKind::NotFound);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeyStore(Arc<Inner>);

struct Inner {
    table_name: String,
    logical_name: String,
    keys: Keys,
    requests: KmsRequests,
    regions: RegionSet,
    /// Where is written.
    home: String,
    absent: Absent,
    newest: Newest,
}

impl KeyStore {
    const NAME: &str = "key-store";

    /// Starts a key store on a table, the same name in every region, and under a logical name.
    ///
    /// The logical name is in the encryption context of every branch key, and so cannot change. With it a
    /// table can be restored under another name.
    pub fn builder(
        table_name: impl Into<String>,
        logical_key_store_name: impl Into<String>,
        kms: KeyStoreKms,
        regions: &RegionSet,
    ) -> KeyStoreBuilder {
        KeyStoreBuilder::new(
            table_name.into(),
            logical_key_store_name.into(),
            kms,
            regions,
        )
    }

    /// The name of the table.
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.0.table_name
    }

    /// The name that is in the encryption context of every branch key.
    #[must_use]
    pub fn logical_name(&self) -> &str {
        &self.0.logical_name
    }

    /// The region in which branch keys are made and rotated.
    #[must_use]
    pub fn home_region(&self) -> &str {
        &self.0.home
    }

    /// The regions that it is read in.
    pub(crate) fn regions(&self) -> &RegionSet {
        &self.0.regions
    }

    /// The KMS keys that branch keys lie under.
    pub(crate) fn kms_keys(&self) -> &Keys {
        &self.0.keys
    }

    /// What requests to KMS carry.
    pub(crate) fn grant_tokens(&self) -> &GrantTokens {
        &self.0.requests.grant_tokens
    }

    fn home_member(&self) -> Result<&Member, KeyStoreError> {
        let home = self.0.regions.member(&self.0.home);
        home.ok_or_else(|| KeyStoreError::new(KeyStoreErrorKind::Caller))
    }

    /// Whom to ask for the KMS key that a record names, if it may be asked for.
    fn replicas(&self, kms_arn: &str) -> Result<Replicas, KeyStoreError> {
        let inner = &*self.0;
        let replicas = inner.keys.replicas(kms_arn, &inner.requests);
        replicas.map_err(KeyStoreError::new)
    }

    fn now(&self) -> SystemTime {
        self.0.regions.local_member().now()
    }
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore")
            .field("table_name", &self.0.table_name)
            .field("logical_name", &self.0.logical_name)
            .field("regions", &self.0.regions)
            .finish_non_exhaustive()
    }
}
