//! Branch keys of a key store, kept for a while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::HierarchicalKeyring;
use crate::cache::{Cache, Cached, Clock, Limits, Loaded};
use crate::error::{KeyStoreError, KeyringError, KeyringErrorKind};
use crate::key_store::{BranchKey, BranchKeyVersion, KeyStore};
use crate::kms::Allowance;

/// Events call the caches so.
const CACHE: &str = "branch_key";

/// How often a lookup that somebody else began, and had no calls left for, is begun anew.
const TAKEOVERS: usize = 3;

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
        let mut takeovers = 0..TAKEOVERS;
        loop {
            let mut is_own = false;
            let load = || {
                is_own = true;
                let (store, id, allowance) = self.owned(id, allowance);
                async move { loaded(store.version(&id, version, &allowance).await) }
            };
            let found = self.to_open.get_or_load(&key, load).await;
            // Whoever began the lookup may be an item that has used up its calls, so that it says nothing
            // about what this one may do.
            let is_foreign = !is_own && found.as_ref().is_err_and(is_not_tried);
            if !is_foreign || takeovers.next().is_none() {
                return found;
            }
        }
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

fn is_not_tried(error: &KeyringError) -> bool {
    error.last_attempt().kind() == KeyringErrorKind::NotTried
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
