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
}

impl fmt::Debug for RegionHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RegionHandle").field(&self.name).finish()
    }
}
