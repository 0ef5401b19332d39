//! Branch keys of a key store, kept for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::HierarchicalKeyring;
use crate::cache::{Cache, Cached, Clock, Limits, Loaded};
use crate::error::{KeyStoreError, KeyringError};
use crate::key_store::{BranchKey, BranchKeyVersion, KeyStore};
use crate::kms::Allowance;

/// Events call the caches so.
const CACHE: &str = "branch_key";

type Kept<K> = Cache<K, Arc<BranchKey>, KeyringError>;

/// The branch keys of a key store. Clones share them.
///
/// What was read to seal with never opens anything. It comes from another record, with another context: so a
/// version whose own record is gone, or which KMS may not open any more, does not live on by the active one.
#[derive(Clone)]
pub(super) struct BranchKeys {
    key_store: KeyStore,
    ttl: Duration,
    to_seal: Kept<String>,
    to_open: Kept<(String, BranchKeyVersion)>,
}

impl BranchKeys {
    /// `limits` are those of each kind.
    pub(super) fn new(key_store: KeyStore, limits: Limits, clock: &Clock) -> Self {
        let ttl = limits.ttl();
        let observers = key_store.regions().observers().clone();
        Self {
            to_seal: Cache::new(CACHE, limits, clock.clone(), observers.clone()),
            to_open: Cache::new(CACHE, limits, clock.clone(), observers),
            key_store,
            ttl,
        }
    }

    pub(super) fn key_store(&self) -> &KeyStore {
        &self.key_store
    }

    /// How long they are kept.
    pub(super) fn ttl(&self) -> Duration {
        self.ttl
    }

    pub(super) fn flush(&self) {
        self.to_seal.flush();
        self.to_open.flush();
    }

    /// The active version, to seal under.
    pub(super) async fn active(
        &self,
        id: &str,
        allowance: &Arc<Allowance>,
    ) -> Result<Cached<Arc<BranchKey>>, KeyringError> {
        let key = id.to_owned();
        let load = || {
            let (store, id, allowance) = self.owned(id, allowance);
            async move { loaded(store.active(&id, &allowance).await) }
        };
        self.to_seal.get_or_load(&key, load).await
    }

    /// A version, to open with.
    pub(super) async fn version(
        &self,
        id: &str,
        version: BranchKeyVersion,
        allowance: &Arc<Allowance>,
    ) -> Result<Cached<Arc<BranchKey>>, KeyringError> {
        let key = (id.to_owned(), version);
        let load = || {
            let (store, id, allowance) = self.owned(id, allowance);
            async move { loaded(store.version(&id, version, &allowance).await) }
        };
        self.to_open.get_or_load(&key, load).await
    }

    fn owned(&self, id: &str, allowance: &Arc<Allowance>) -> (KeyStore, String, Arc<Allowance>) {
        (self.key_store.clone(), id.to_owned(), Arc::clone(allowance))
    }
}

fn loaded(found: Result<BranchKey, KeyStoreError>) -> Result<Loaded<Arc<BranchKey>>, KeyringError> {
    // Named here: errors that several wait for cannot be added to.
    let named = |error| KeyringError::from(error).in_keyring(HierarchicalKeyring::NAME);
    Ok(Loaded {
        value: Arc::new(found.map_err(named)?),
        valid_for: None,
        bytes: 0,
    })
}

impl fmt::Debug for BranchKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchKeys")
            .field("key_store", &self.key_store)
            .field("to_seal", &self.to_seal)
            .field("to_open", &self.to_open)
            .finish()
    }
}
