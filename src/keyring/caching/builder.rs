//! How much a caching keyring remembers, and for how long.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::CachingKeyring;
use crate::cache::{Cache, Clock, Limits};
use crate::error::ConfigError;
use crate::keyring::Keyring;
use crate::region::RegionSet;

const MAX_AGES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);

/// Builds a [`CachingKeyring`].
#[must_use = "nothing is built before `build()`"]
pub struct CachingKeyringBuilder {
    inner: Arc<dyn Keyring>,
    regions: RegionSet,
    max_entries: usize,
    max_age: Duration,
    max_uses: Option<u64>,
    max_bytes: Option<usize>,
}

impl CachingKeyringBuilder {
    pub(super) fn new(inner: Arc<dyn Keyring>, regions: &RegionSet) -> Self {
        Self {
            inner,
            regions: regions.clone(),
            max_entries: 1000,
            max_age: Duration::from_secs(60),
            max_uses: None,
            max_bytes: None,
        }
    }

    /// How many items it remembers. Default: 1,000. The one that was not read for longest goes first.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// How long an item is opened without asking again, and so how long a revocation takes. Default: 60 s;
    /// between 1 s and 24 h.
    ///
    /// Counted from before the keyring inside was asked, by the clock of the region set and by the
    /// machine's: what comes first.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// How often an item is opened without asking again. Default: no bound.
    pub fn max_uses(mut self, uses: u64) -> Self {
        self.max_uses = Some(uses);
        self
    }

    /// How much memory it may take, about half a kilobyte for an item. Default: no bound.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Makes the keyring.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the age is not between 1 s and 24 h, or if another bound is 0.
    pub fn build(self) -> Result<CachingKeyring, ConfigError> {
        let clock = self.regions.clock();
        self.build_with(clock)
    }

    pub(super) fn build_with(self, clock: Clock) -> Result<CachingKeyring, ConfigError> {
        let limits = self.limits()?;
        let observers = self.regions.observers().clone();
        Ok(CachingKeyring {
            inner: self.inner,
            region: self.regions.local().into(),
            cache: Cache::new("opened_item", limits, clock, observers),
        })
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        if !MAX_AGES.contains(&self.max_age) {
            return Err(ConfigError::new(
                "the maximum age of a caching keyring is between 1 s and 24 h",
            ));
        }
        if self.max_entries == 0 || self.max_uses == Some(0) || self.max_bytes == Some(0) {
            return Err(ConfigError::new(
                "a caching keyring that may remember nothing is of no use: leave it out",
            ));
        }
        let mut limits = Limits::new(self.max_entries, self.max_age);
        if let Some(bytes) = self.max_bytes {
            limits = limits.bytes(bytes);
        }
        if let Some(uses) = self.max_uses {
            limits = limits.uses(uses);
        }
        Ok(limits)
    }
}

impl fmt::Debug for CachingKeyringBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingKeyringBuilder")
            .field("keyring", &self.inner)
            .field("max_entries", &self.max_entries)
            .field("max_age", &self.max_age)
            .field("max_uses", &self.max_uses)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
