//! Which keys may be asked for within a region set: those that a configuration names, and those that only
//! data does.

use super::{DiscoveryFilter, KmsKeyArn, KmsRequests, Replicas};
use crate::error::ConfigError;
use crate::region::{RegionSet, partition_of};

impl KmsKeyArn {
    /// The key with this ARN, to be taken literally, in a region of the set.
    pub(crate) fn in_set(text: &str, regions: &RegionSet) -> Result<Self, ConfigError> {
        let key = Self::configured(text)?;
        if regions.member(key.region()).is_none() {
            return Err(ConfigError::new(format!(
                "{key} is in a region outside the region set {regions:?}"
            )));
        }
        Ok(key)
    }

    /// The multi-Region key of which this is the ARN of any replica, in the partition of the set.
    /// `otherwise` says what is to be done with a key that is none.
    pub(crate) fn multi_region(
        text: &str,
        regions: &RegionSet,
        otherwise: &str,
    ) -> Result<Self, ConfigError> {
        let key = Self::configured(text)?;
        let local = regions.local();
        if !key.is_mrk() {
            return Err(ConfigError::new(format!(
                "{key} is not a multi-Region key{otherwise}"
            )));
        }
        if key.partition() != partition_of(local) {
            return Err(ConfigError::new(format!(
                "{key} is in another partition than region {local}"
            )));
        }
        Ok(key)
    }
}

impl DiscoveryFilter {
    /// Refuses a filter that admits no key of the set.
    pub(crate) fn check(&self, regions: &RegionSet) -> Result<(), ConfigError> {
        let local = regions.local();
        if self.partition() == partition_of(local) {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "the discovery filter's partition {} is not that of region {local}",
            self.partition()
        )))
    }
}

impl KmsRequests {
    /// Whom to ask for a key that only data names: itself, if the filter admits it and its region is in the
    /// set.
    pub(crate) fn discovered(&self, filter: &DiscoveryFilter, key: &KmsKeyArn) -> Option<Replicas> {
        let is_allowed = filter.admits(key) && self.regions.member(key.region()).is_some();
        is_allowed.then(|| Replicas::only(key))
    }

    /// The same, for those who stay in the local region: of a multi-Region key the replica there, and any
    /// other key only there.
    pub(crate) fn discovered_locally(
        &self,
        filter: &DiscoveryFilter,
        key: &KmsKeyArn,
    ) -> Option<Replicas> {
        if filter.admits(key) && key.is_mrk() {
            return Some(self.replicas(key));
        }
        let is_local = key.region() == self.regions.local();
        self.discovered(filter, key).filter(|_| is_local)
    }
}
