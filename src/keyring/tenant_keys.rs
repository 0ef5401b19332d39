//! What a keyring with a branch key for each tenant says of it.

use std::time::Duration;

use crate::key_store::KeyStore;

/// The branch keys of tenants: where they are, which attribute chooses one, and how long they are kept.
///
/// What [`Keyring::tenant_keys`](super::Keyring::tenant_keys) answers. It is how
/// [`SealedTable::erase_tenant`](crate::SealedTable::erase_tenant) knows what to erase.
#[derive(Clone, Copy, Debug)]
pub struct TenantKeys<'a> {
    key_store: &'a KeyStore,
    tenant_attribute: &'a str,
    ttl: Duration,
}

impl<'a> TenantKeys<'a> {
    pub(super) fn new(key_store: &'a KeyStore, tenant_attribute: &'a str, ttl: Duration) -> Self {
        Self {
            key_store,
            tenant_attribute,
            ttl,
        }
    }

    /// The key store.
    #[must_use]
    pub fn key_store(&self) -> &'a KeyStore {
        self.key_store
    }

    /// The attribute whose value is the id of an item's branch key.
    #[must_use]
    pub fn tenant_attribute(&self) -> &'a str {
        self.tenant_attribute
    }

    /// How long a branch key is kept in memory.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
    }
}
