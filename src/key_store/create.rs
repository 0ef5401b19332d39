//! Making a branch key.

use std::collections::BTreeMap;
use std::fmt;

use super::record::{Facts, Kind, is_id};
use super::time::CreateTime;
use super::write::{Condition, Transaction};
use super::{BranchKeyVersion, KeyStore, KeyStoreError, KeyStoreErrorKind};
use crate::crypto::random::SystemRandom;

/// Makes a branch key. Made by [`KeyStore::create_key`].
#[must_use = "nothing is made until it is sent"]
pub struct CreateKey {
    store: KeyStore,
    id: Option<String>,
    custom: BTreeMap<String, String>,
}

impl KeyStore {
    /// Makes a branch key, with its first version and a beacon key. KMS makes them and nobody sees them.
    ///
    /// ```
    /// # use dynaseal::RegionSet;
    /// # use dynaseal::key_store::{KeyStore, KeyStoreKms};
    /// # use dynaseal::testkit::Cloud;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cloud = Cloud::start(["eu-west-1"]).await?;
    /// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
    /// # let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
    /// # let kms = KeyStoreKms::mrk_arn(key.arn("eu-west-1"));
    /// # let store = KeyStore::builder("branch-keys", "branch-keys", kms, &regions).build()?;
    /// store.create_key_store().await?;
    /// let create = store.create_key().branch_key_id("tenant-7");
    /// let id = create.encryption_context([("department", "sales")]).send().await?;
    /// assert_eq!(id, "tenant-7");
    ///
    /// let random = store.create_key().send().await?;
    /// assert_eq!(random.len(), 36);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_key(&self) -> CreateKey {
        CreateKey {
            store: self.clone(),
            id: None,
            custom: BTreeMap::new(),
        }
    }

    pub(super) fn new_version() -> Result<BranchKeyVersion, KeyStoreError> {
        let version = BranchKeyVersion::random(&SystemRandom);
        version.map_err(|_| KeyStoreError::new(KeyStoreErrorKind::Randomness))
    }
}

impl CreateKey {
    /// The id, of 1 to 2048 bytes, for a branch key that also has an
    /// [`encryption_context`](Self::encryption_context). Default: a random UUID.
    pub fn branch_key_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds entries to the encryption context of the branch key, which say what it is for: KMS binds the
    /// branch key to them, and key policies can ask for them. They cannot change. CloudTrail shows them.
    pub fn encryption_context(
        mut self,
        entries: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let entries = entries.into_iter();
        self.custom
            .extend(entries.map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Makes the branch key, and answers its id.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError`]: above all [`AlreadyExists`](KeyStoreErrorKind::AlreadyExists),
    /// [`Erased`](KeyStoreErrorKind::Erased) if a branch key of this id was,
    /// [`InvalidRequest`](KeyStoreErrorKind::InvalidRequest) for an id without a context,
    /// [`CannotCreate`](KeyStoreErrorKind::CannotCreate) with discovery, and
    /// [`OutcomeUnknown`](KeyStoreErrorKind::OutcomeUnknown) if an answer was lost.
    pub async fn send(self) -> Result<String, KeyStoreError> {
        let id = self.check()?;
        let create = Box::pin(self.create(&id));
        create.await.map_err(|error| error.of_branch_key(&id))?;
        Ok(id)
    }

    fn check(&self) -> Result<String, KeyStoreError> {
        let invalid = |problem: &'static str| {
            KeyStoreError::new(KeyStoreErrorKind::InvalidRequest).with_source(problem)
        };
        if self.custom.contains_key("") {
            return Err(invalid("an entry of the context has no name"));
        }
        match &self.id {
            None => Ok(KeyStore::new_version()?.to_string()),
            Some(id) if !is_id(id) => Err(invalid("an id has between 1 and 2048 bytes")),
            Some(_) if self.custom.is_empty() => Err(invalid(
                "a branch key of a given id needs an encryption context",
            )),
            Some(id) => Ok(id.clone()),
        }
    }

    async fn create(&self, id: &str) -> Result<(), KeyStoreError> {
        let (store, inner) = (&self.store, &*self.store.0);
        let cannot = || KeyStoreError::new(KeyStoreErrorKind::CannotCreate);
        let kms_arn = inner.keys.own().ok_or_else(cannot)?.to_string();
        let (requests, replicas) = (&inner.requests, store.replicas(&kms_arn)?);
        let created = CreateTime::of(store.now());
        let version = KeyStore::new_version()?;
        let kind = Kind::Version(version);
        let new = Facts::new(id, kind, kms_arn, created, self.custom.clone());
        let active = new.with_kind(Kind::Active(version));
        let beacon = new.with_kind(Kind::Beacon);

        let context = new.context(&inner.logical_name)?;
        let active_context = active.context(&inner.logical_name)?;
        let beacon_context = beacon.context(&inner.logical_name)?;
        let generate = |context| requests.generate_without_plaintext(context, &replicas);
        let enc = generate(&context).await?;
        let re_encrypt = requests.re_encrypt(&enc, &context, &active_context, &replicas);
        let active_enc = re_encrypt.await?;
        let beacon_enc = generate(&beacon_context).await?;

        let new = new.with_enc(enc);
        let writes = Transaction::new(store, id, version, &new)?
            .put(&active.with_enc(active_enc), &Condition::Absent)?
            .put(&beacon.with_enc(beacon_enc), &Condition::Absent)?;
        writes.send(KeyStoreErrorKind::AlreadyExists).await
    }
}

impl fmt::Debug for CreateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateKey")
            .field("encryption_context", &self.custom.keys())
            .finish_non_exhaustive()
    }
}
