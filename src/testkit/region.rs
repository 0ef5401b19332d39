//! One region of a cloud: its faults, its replication, its keys' states.

use std::fmt;

use aws_sdk_kms::types::KeyState;

use crate::testkit::cloud::Cloud;
use crate::testkit::error::TestkitError;
use crate::testkit::fault::{Fault, FaultRule};
use crate::testkit::traffic::Service;

/// A region of a [`Cloud`], from [`Cloud::region`].
#[derive(Clone, Copy)]
pub struct RegionHandle<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) name: &'a str,
}

impl RegionHandle<'_> {
    /// The region's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name
    }

    /// Makes attempts at a service fail until the region [recovers](Self::recover).
    ///
    /// A bare [`Fault`] strikes every attempt; [`Fault::on`] and [`Fault::times`] narrow it. Where
    /// several rules apply, the oldest that is not spent strikes.
    pub fn fail(&self, service: Service, fault: impl Into<FaultRule>) {
        self.cloud
            .routes
            .faults
            .add((self.name.to_owned(), service), fault.into());
    }

    /// Makes the next `n` attempts at a service fail.
    pub fn fail_times(&self, service: Service, fault: Fault, n: usize) {
        self.fail(service, fault.times(n));
    }

    /// Takes back all faults of this region. It stays cut off if it is.
    pub fn recover(&self) {
        self.cloud.routes.faults.clear(self.name);
    }

    /// Cuts the region off from replication: its writes stay here, and those of others wait.
    pub fn cut(&self) {
        self.cloud.replication.cut(self.name);
    }

    /// Connects the region to replication again. The next [`Cloud::replicate`] catches up.
    pub fn heal(&self) {
        self.cloud.replication.heal(self.name);
    }

    /// Puts a key of this region in any state, for example `Creating` or `Updating`, which AWS shows for
    /// a while after `ReplicateKey` and `UpdatePrimaryRegion` and the double does not.
    ///
    /// `key` is a key id, key ARN or alias of this region.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if the region has no such key.
    pub fn set_key_state(&self, key: impl AsRef<str>, state: KeyState) -> Result<(), TestkitError> {
        self.cloud.kms.set_key_state(self.name, key.as_ref(), state)
    }

    /// Removes the replica of a multi-Region key from this region at once, where AWS takes a week.
    ///
    /// Its aliases and grants go with it. Here the key is a `NotFoundException` from now on; in other regions it
    /// works as before, also for what was encrypted here. `key` is a key id, key ARN or alias of this region.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if the region has no such key, or it is the primary key or no multi-Region key.
    pub fn remove_replica(&self, key: impl AsRef<str>) -> Result<(), TestkitError> {
        self.cloud.kms.remove_replica(self.name, key.as_ref())
    }

    /// Makes a replica of a multi-Region key in this region: again, or for the first time.
    ///
    /// It has the policy and description of the primary key, and is enabled at once. `key` is the key id, or
    /// the key ARN that the replica has in this region.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if the region is not one of the cloud or has the key, or if there is no such key.
    pub fn restore_replica(&self, key: impl AsRef<str>) -> Result<(), TestkitError> {
        self.cloud.expect_region(self.name)?;
        self.cloud.kms.restore_replica(self.name, key.as_ref())
    }

    /// Removes a table from this region, with its items and what was not replicated from here.
    ///
    /// Here it is a `ResourceNotFoundException` from now on. Replication goes on between the others.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if no global table of this name has a replica here, or the cloud is
    /// [strongly consistent](Cloud::start_strongly_consistent): such a table has all of its replicas or none.
    pub fn remove_table(&self, name: impl AsRef<str>) -> Result<(), TestkitError> {
        self.cloud
            .replication
            .remove_replica(name.as_ref(), self.name)
    }
}

impl fmt::Debug for RegionHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegionHandle").field(&self.name).finish()
    }
}
