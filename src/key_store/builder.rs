//! Building a key store.

use std::sync::Arc;

use super::kms::KeyStoreKms;
use super::memory::{Absent, Newest};
use super::{Inner, KeyStore};
use crate::error::ConfigError;
use crate::kms::{GrantTokens, KmsRequests};
use crate::region::{KmsFallback, RegionSet};

/// Builds a [`KeyStore`]. Made by [`KeyStore::builder`].
#[derive(Debug)]
#[must_use]
pub struct KeyStoreBuilder {
    table_name: String,
    logical_name: String,
    kms: KeyStoreKms,
    regions: RegionSet,
    home_region: Option<String>,
    grant_tokens: Vec<Hidden>,
    fallback: KmsFallback,
}

/// A grant token, which nothing prints.
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl KeyStoreBuilder {
    pub(super) fn new(
        table_name: String,
        logical_name: String,
        kms: KeyStoreKms,
        regions: &RegionSet,
    ) -> Self {
        Self {
            table_name,
            logical_name,
            kms,
            regions: regions.clone(),
            home_region: None,
            grant_tokens: Vec::new(),
            fallback: KmsFallback::never(),
        }
    }

    /// The region in whose replica of the table branch keys are made and rotated. Default: the local one.
    ///
    /// Replicas take the last writer's word. If all who rotate do so in one region, no rotation undoes
    /// another.
    pub fn home_region(mut self, region: impl Into<String>) -> Self {
        self.home_region = Some(region.into());
        self
    }

    /// Sends these grant tokens with every request to KMS: at most 10, of 1 to 8192 characters each.
    /// Default: none.
    pub fn grant_tokens(mut self, tokens: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.grant_tokens = tokens
            .into_iter()
            .map(|token| Hidden(token.into()))
            .collect();
        self
    }

    /// When to ask a multi-Region key's replica in the next region of the set. Default: never.
    pub fn fallback(mut self, policy: KmsFallback) -> Self {
        self.fallback = policy;
        self
    }

    /// The key store. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a name is empty, a KMS key is no key ARN or lies outside of the region set or its
    /// partition, the home region is not in the set, or for too many, too long or empty grant tokens.
    pub fn build(self) -> Result<KeyStore, ConfigError> {
        if self.table_name.is_empty() || self.logical_name.is_empty() {
            return Err(ConfigError::new(
                "a key store needs the name of its table and its logical name",
            ));
        }
        let home = self
            .home_region
            .unwrap_or_else(|| self.regions.local().to_owned());
        if self.regions.member(&home).is_none() {
            return Err(ConfigError::new(format!(
                "home region {home} is not in the region set {:?}",
                self.regions
            )));
        }
        let mut requests = KmsRequests::new(KeyStore::NAME, &self.regions);
        requests.grant_tokens =
            GrantTokens::new(self.grant_tokens.into_iter().map(|token| token.0))?;
        requests.fallback = self.fallback;
        Ok(KeyStore(Arc::new(Inner {
            table_name: self.table_name,
            logical_name: self.logical_name,
            keys: self.kms.check(&self.regions)?,
            requests,
            home,
            absent: Absent::new(self.regions.clock()),
            newest: Newest::new(),
            regions: self.regions,
        })))
    }
}
