//! The branch key store of the AWS Database Encryption SDK: branch keys in a DynamoDB table, each version
//! wrapped by KMS.
//!
//! Items are sealed under intermediate keys, those under branch keys, and branch keys under KMS: so KMS is
//! asked once per branch key and not once per item. A branch key has an active version, under which is
//! sealed, and all versions that it had before.
//!
//! The table can be a global one. A version that one region has not yet is looked for in the others.

mod branch_key;
mod builder;
mod call;
mod create;
mod describe;
mod kms;
mod memory;
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
pub use self::describe::BranchKeyDescription;
pub use self::kms::KeyStoreKms;
pub(crate) use self::kms::Keys;
use self::memory::{Absent, Newest};
pub use crate::error::{KeyStoreError, KeyStoreErrorKind};
use crate::kms::{GrantTokens, KmsRequests};
use crate::region::{Member, RegionSet};

/// Branch keys in a DynamoDB table, as DB-ESDK keeps them.
///
/// Clones share one key store, with what it remembers.
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
