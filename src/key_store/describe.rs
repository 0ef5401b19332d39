//! What can be told of a branch key.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::record::Facts;
use super::{BranchKey, BranchKeyVersion, KeyStore, KeyStoreError};
use crate::kms::Allowance;

/// What the record of a branch key says, which KMS has authenticated.
#[derive(Clone)]
pub struct BranchKeyDescription(BranchKey);

impl BranchKeyDescription {
    /// The id of the branch key.
    #[must_use]
    pub fn branch_key_id(&self) -> &str {
        self.0.id()
    }

    /// Which version it is.
    #[must_use]
    pub fn version(&self) -> BranchKeyVersion {
        self.0.version()
    }

    /// When the version was made, by the clock of whoever made it.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        self.0.created()
    }

    /// The custom encryption context of the branch key, by name.
    pub fn encryption_context(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.custom_context().iter();
        entries.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Shows the names of the context, and no value.
impl fmt::Debug for BranchKeyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.encryption_context().map(|(name, _)| name).collect();
        f.debug_struct("BranchKeyDescription")
            .field("version", &self.version())
            .field("created", &self.created())
            .field("encryption_context", &names)
            .finish()
    }
}

/// What the record of a beacon key says, which KMS has authenticated.
#[derive(Clone)]
pub struct BeaconKeyDescription(Facts);

impl BeaconKeyDescription {
    /// The id of the branch key that it belongs to.
    #[must_use]
    pub fn branch_key_id(&self) -> &str {
        &self.0.id
    }

    /// When it was made, by the clock of whoever made it. It is never rotated.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        self.0.created.to_system_time()
    }

    /// The custom encryption context of the branch key, by name.
    pub fn encryption_context(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.custom.iter();
        entries.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Shows the names of the context, and no value.
impl fmt::Debug for BeaconKeyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.encryption_context().map(|(name, _)| name).collect();
        f.debug_struct("BeaconKeyDescription")
            .field("branch_key_id", &self.branch_key_id())
            .field("created", &self.created())
            .field("encryption_context", &names)
            .finish()
    }
}

impl KeyStore {
    /// Reads the active version of a branch key, has KMS open it, and says what it is.
    ///
    /// It goes the way of a keyring that seals: who gets an answer could seal under this branch key.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`]: see its kinds.
    pub async fn describe_active(
        &self,
        branch_key_id: impl AsRef<str>,
    ) -> Result<BranchKeyDescription, KeyStoreError> {
        let allowance = Arc::new(Allowance::new(None));
        let key = self.active(branch_key_id.as_ref(), &allowance).await?;
        Ok(BranchKeyDescription(key))
    }

    /// Reads a version of a branch key, has KMS open it, and says what it is.
    ///
    /// It goes the way of a keyring that opens: who gets an answer could open what was sealed under this
    /// version.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`]: see its kinds.
    pub async fn describe_version(
        &self,
        branch_key_id: impl AsRef<str>,
        version: BranchKeyVersion,
    ) -> Result<BranchKeyDescription, KeyStoreError> {
        let allowance = Arc::new(Allowance::new(None));
        let key = self.version(branch_key_id.as_ref(), version, &allowance);
        Ok(BranchKeyDescription(key.await?))
    }

    /// Reads the beacon key of a branch key, has KMS open it, and says what it is.
    ///
    /// DB-ESDK's searchable encryption makes beacons with it. Here it is made and erased with its branch key, and
    /// not used.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`]: see its kinds.
    pub async fn describe_beacon(
        &self,
        branch_key_id: impl AsRef<str>,
    ) -> Result<BeaconKeyDescription, KeyStoreError> {
        let id = branch_key_id.as_ref();
        let facts = self.beacon_facts(id).await;
        facts
            .map(BeaconKeyDescription)
            .map_err(|error| error.of_branch_key(id))
    }
}
