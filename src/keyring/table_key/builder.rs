//! Builds a keyring of table keys.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::{Inner, Settings, TableKeyKeyring};
use crate::cache::{Cache, Limits};
use crate::crypto::random::{Random, SystemRandom};
use crate::error::ConfigError;
use crate::kms::{GrantTokens, KmsKeyArn, KmsRequests};
use crate::region::{KmsFallback, RegionSet};

const TIMES: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(24 * 60 * 60);
const ITEMS: RangeInclusive<u64> = 1..=1 << 32;

/// Scopes in which a process seals at the same time. A key that is crowded out is made anew, so this bounds
/// memory and nothing else.
const MAX_SCOPES: usize = 10_000;

/// Builds a [`TableKeyKeyring`].
#[derive(Clone)]
pub struct TableKeyKeyringBuilder {
    key_arn: String,
    regions: RegionSet,
    settings: Settings,
    grant_tokens: Vec<String>,
    fallback: KmsFallback,
    random: Arc<dyn Random>,
}

impl TableKeyKeyringBuilder {
    pub(super) fn new(key_arn: &str, regions: &RegionSet) -> Self {
        Self {
            key_arn: key_arn.to_owned(),
            regions: regions.clone(),
            settings: Settings {
                tenant_attribute: None,
                write_period: Duration::from_secs(5 * 60),
                max_items_per_key: 1 << 20,
                read_ttl: Duration::from_secs(5 * 60),
                max_cached_keys: 1000,
            },
            grant_tokens: Vec::new(),
            fallback: KmsFallback::never(),
            random: Arc::new(SystemRandom),
        }
    }

    /// Gives each tenant table keys of its own, which KMS binds to the tenant: policies can name it, as
    /// `kms:EncryptionContext:dynaseal-tenant`, and whoever holds one tenant's table key can forge no item
    /// of another. Default: none, and all items of a table share their keys.
    ///
    /// The attribute must be a string that is not empty and is marked for the encryption context (header
    /// version 2). Other items are refused, with [`NoTenant`](crate::error::KeyringErrorKind::NoTenant), to
    /// seal as well as to open: a keyring without the attribute cannot open what one with it sealed, nor the
    /// other way round.
    #[must_use]
    pub fn tenant_attribute(mut self, name: impl Into<String>) -> Self {
        self.settings.tenant_attribute = Some(name.into());
        self
    }

    /// How long a table key is sealed under: 10 seconds to 24 hours. Default: 5 minutes.
    ///
    /// A key that is switched off in KMS is sealed under for so long at most.
    #[must_use]
    pub fn write_period(mut self, period: Duration) -> Self {
        self.settings.write_period = period;
        self
    }

    /// How many items a table key seals: 1 to 2^32. Default: 2^20.
    ///
    /// It bounds how much one leaked table key opens. Cryptography asks for no bound: each item is wrapped
    /// under a key of its own.
    #[must_use]
    pub fn max_items_per_key(mut self, items: u64) -> Self {
        self.settings.max_items_per_key = items;
        self
    }

    /// How long a table key that was met in an item is kept to open more: 10 seconds to 24 hours. Default:
    /// 5 minutes.
    ///
    /// A key that is switched off in KMS opens for so long at most.
    #[must_use]
    pub fn read_ttl(mut self, ttl: Duration) -> Self {
        self.settings.read_ttl = ttl;
        self
    }

    /// How many table keys are kept to open with: at least 1. Default: 1,000.
    ///
    /// Those used least recently go first.
    #[must_use]
    pub fn max_cached_keys(mut self, keys: usize) -> Self {
        self.settings.max_cached_keys = keys;
        self
    }

    /// Sends these grant tokens with every request: at most 10, of 1 to 8192 characters each. Default: none.
    #[must_use]
    pub fn grant_tokens(mut self, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grant_tokens = tokens.into_iter().map(Into::into).collect();
        self
    }

    /// When to ask the key's replica in the next region of the set, to seal as well as to open. Default:
    /// never.
    #[must_use]
    pub fn fallback(mut self, policy: KmsFallback) -> Self {
        self.fallback = policy;
        self
    }

    /// Fixes the random bytes.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Builds the keyring. It asks KMS with the first item.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the key is none that [`KmsMrkKeyring`](crate::KmsMrkKeyring) takes: not a key ARN,
    /// not a multi-Region key, in another partition than the region set. And for a time, a count, a name or
    /// grant tokens outside of what the methods above say.
    pub fn build(self) -> Result<TableKeyKeyring, ConfigError> {
        let key = self.local_replica()?;
        let settings = self.settings;
        settings.check()?;
        let requests = KmsRequests::new(TableKeyKeyring::NAME, &self.regions)
            .with_grant_tokens(GrantTokens::new(self.grant_tokens)?)
            .with_fallback(self.fallback);
        let clock = self.regions.local_member().clock();
        let observers = self.regions.observers();
        let sealing = Limits::new(MAX_SCOPES, settings.write_period);
        let sealing = sealing.uses(settings.max_items_per_key);
        let opening = Limits::new(settings.max_cached_keys, settings.read_ttl);
        Ok(TableKeyKeyring(Arc::new(Inner {
            key,
            requests,
            random: self.random,
            sealing: Cache::new("table_key_seal", sealing, clock.clone(), observers.clone()),
            opening: Cache::new("table_key_open", opening, clock, observers.clone()),
            settings,
        })))
    }

    fn local_replica(&self) -> Result<KmsKeyArn, ConfigError> {
        let otherwise = ", which a table key is wrapped under";
        let key = KmsKeyArn::multi_region(&self.key_arn, &self.regions, otherwise)?;
        Ok(key.in_region(self.regions.local()))
    }
}

impl Settings {
    fn check(&self) -> Result<(), ConfigError> {
        let problem = if !TIMES.contains(&self.write_period) {
            "a table key is sealed under for 10 seconds to 24 hours"
        } else if !TIMES.contains(&self.read_ttl) {
            "a table key is kept to open with for 10 seconds to 24 hours"
        } else if !ITEMS.contains(&self.max_items_per_key) {
            "a table key seals between 1 and 2^32 items"
        } else if self.max_cached_keys == 0 {
            "at least 1 table key is kept to open with"
        } else if self.tenant_attribute.as_deref() == Some("") {
            "the name of the tenant attribute is empty"
        } else {
            return Ok(());
        };
        Err(ConfigError::new(problem))
    }
}

impl fmt::Debug for TableKeyKeyringBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableKeyKeyringBuilder")
            .field("key_arn", &self.key_arn)
            .field("regions", &self.regions)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
