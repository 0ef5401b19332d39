//! Building a hierarchical keyring.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::HierarchicalKeyring;
use super::branch_keys::BranchKeys;
use super::choice::{BranchKeyIdSupplier, Choice};
use crate::cache::{Clock, Limits};
use crate::error::ConfigError;
use crate::key_store::KeyStore;

const TTLS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(24 * 60 * 60);

/// Builds a [`HierarchicalKeyring`]. Made by [`HierarchicalKeyring::builder`].
///
/// It has to be said which branch key an item has, in exactly one of three ways:
/// [`branch_key_id`](Self::branch_key_id), [`branch_key_per_tenant`](Self::branch_key_per_tenant) or
/// [`branch_key_id_supplier`](Self::branch_key_id_supplier).
#[derive(Debug)]
#[must_use = "nothing is built before `build()`"]
pub struct HierarchicalKeyringBuilder {
    key_store: KeyStore,
    choices: Vec<Choice>,
    ttl: Duration,
    max_cached_keys: usize,
}

impl HierarchicalKeyringBuilder {
    pub(super) fn new(key_store: &KeyStore) -> Self {
        Self {
            key_store: key_store.clone(),
            choices: Vec::new(),
            ttl: Duration::from_secs(5 * 60),
            max_cached_keys: 1000,
        }
    }

    /// One branch key for all items.
    pub fn branch_key_id(self, id: impl Into<String>) -> Self {
        self.choose(Choice::Fixed(id.into()))
    }

    /// A branch key for each tenant: its id is the value of this attribute of the item.
    ///
    /// The attribute must be a string that is in the encryption context: of action
    /// [`SignAndIncludeInEncryptionContext`](crate::CryptoAction::SignAndIncludeInEncryptionContext), or a
    /// key of the table. Make it the
    /// [tenant attribute](crate::item::ItemSchemaBuilder::tenant_attribute) of the schema, so that a table
    /// can be limited to one tenant; then that is compared here, too. Items without the attribute are neither
    /// sealed nor opened.
    pub fn branch_key_per_tenant(self, attribute: impl Into<String>) -> Self {
        self.choose(Choice::PerTenant(attribute.into()))
    }

    /// Whatever branch key a [supplier](BranchKeyIdSupplier) says.
    pub fn branch_key_id_supplier(self, supplier: impl BranchKeyIdSupplier + 'static) -> Self {
        self.choose(Choice::Supplier(Arc::new(supplier)))
    }

    fn choose(mut self, choice: Choice) -> Self {
        self.choices.push(choice);
        self
    }

    /// How long a branch key is used without asking again, and so how long a revocation takes, or a rotation
    /// until it is sealed under the new version. Default: 5 min; between 10 s and 24 h.
    ///
    /// Counted from before the key store was asked, by the clock of the region set and by the machine's: what
    /// comes first.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How many branch keys are kept to seal with, and how many versions to open with. Default: 1,000. The
    /// one that was not used for longest goes first.
    pub fn max_cached_keys(mut self, keys: usize) -> Self {
        self.max_cached_keys = keys;
        self
    }

    /// The keyring. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it was not said in exactly one way which branch key an item has, if an id or an
    /// attribute is empty, if the TTL is not between 10 s and 24 h, or if no keys may be kept.
    pub fn build(self) -> Result<HierarchicalKeyring, ConfigError> {
        let clock = self.key_store.regions().clock();
        self.build_with(&clock)
    }

    pub(super) fn build_with(mut self, clock: &Clock) -> Result<HierarchicalKeyring, ConfigError> {
        let (Some(choice), true) = (self.choices.pop(), self.choices.is_empty()) else {
            return Err(ConfigError::new(
                "a hierarchical keyring needs exactly one of `.branch_key_id(…)`, \
                 `.branch_key_per_tenant(…)` and `.branch_key_id_supplier(…)`",
            ));
        };
        match &choice {
            Choice::Fixed(name) | Choice::PerTenant(name) if name.is_empty() => {
                return Err(ConfigError::new(
                    "the id of a branch key, or the attribute that has it, is not empty",
                ));
            }
            _ => {}
        }
        if !TTLS.contains(&self.ttl) {
            return Err(ConfigError::new(
                "the TTL of a hierarchical keyring is between 10 s and 24 h",
            ));
        }
        if self.max_cached_keys == 0 {
            return Err(ConfigError::new(
                "a hierarchical keyring keeps at least one branch key",
            ));
        }
        let limits = Limits::new(self.max_cached_keys, self.ttl);
        let branch_keys = BranchKeys::new(self.key_store, limits, clock);
        Ok(HierarchicalKeyring::new(choice, branch_keys))
    }
}
