//! The KMS keys of a key store.

use super::KeyStoreErrorKind;
use crate::error::ConfigError;
use crate::kms::{DiscoveryFilter, KmsKeyArn, KmsRequests, Replicas};
use crate::region::RegionSet;

/// Under which KMS keys the branch keys of a key store lie.
///
/// Those with one key make, rotate and read branch keys. Those of discovery read alone: under what key
/// a branch key would be made, no record says.
///
/// ```
/// use dynaseal::key_store::KeyStoreKms;
/// use dynaseal::keyring::DiscoveryFilter;
///
/// let key = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
/// let one = KeyStoreKms::mrk_arn(key);
/// let ours = KeyStoreKms::mrk_discovery(DiscoveryFilter::new("aws", ["111122223333"])?);
/// # Ok::<_, dynaseal::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyStoreKms(Configured);

#[derive(Clone, Debug)]
enum Configured {
    KeyArn(String),
    MrkArn(String),
    Discovery(DiscoveryFilter),
    MrkDiscovery(DiscoveryFilter),
}

impl KeyStoreKms {
    /// The key with this ARN, in the region that the ARN names. A record that names another one, also a
    /// replica of it, is refused.
    #[must_use]
    pub fn key_arn(arn: impl Into<String>) -> Self {
        Self(Configured::KeyArn(arn.into()))
    }

    /// The multi-Region key of which this is the ARN of the primary or of any replica. The replica in the
    /// local region is asked, whichever a record names. What is made here names it by this ARN.
    #[must_use]
    pub fn mrk_arn(arn: impl Into<String>) -> Self {
        Self(Configured::MrkArn(arn.into()))
    }

    /// The key that a record names, in the region that it names, if the filter admits its account and the
    /// region is in the region set.
    #[must_use]
    pub fn discovery(filter: DiscoveryFilter) -> Self {
        Self(Configured::Discovery(filter))
    }

    /// The key that a record names, if the filter admits its account: of a multi-Region key, the replica in
    /// the local region; any other only in the local region.
    #[must_use]
    pub fn mrk_discovery(filter: DiscoveryFilter) -> Self {
        Self(Configured::MrkDiscovery(filter))
    }

    pub(super) fn check(self, regions: &RegionSet) -> Result<Keys, ConfigError> {
        match self.0 {
            Configured::KeyArn(arn) => KmsKeyArn::in_set(&arn, regions).map(Keys::One),
            Configured::MrkArn(arn) => {
                let otherwise = ": use `KeyStoreKms::key_arn`";
                KmsKeyArn::multi_region(&arn, regions, otherwise).map(Keys::Mrk)
            }
            Configured::Discovery(filter) => {
                filter.check(regions)?;
                Ok(Keys::Discovery(filter))
            }
            Configured::MrkDiscovery(filter) => {
                filter.check(regions)?;
                Ok(Keys::MrkDiscovery(filter))
            }
        }
    }
}

/// The same, checked.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    One(KmsKeyArn),
    Mrk(KmsKeyArn),
    Discovery(DiscoveryFilter),
    MrkDiscovery(DiscoveryFilter),
}

impl Keys {
    /// The key under which branch keys are made, if it is configured.
    pub(super) fn own(&self) -> Option<&KmsKeyArn> {
        match self {
            Self::One(key) | Self::Mrk(key) => Some(key),
            Self::Discovery(_) | Self::MrkDiscovery(_) => None,
        }
    }

    /// Whom to ask for the key that a record names, if it may be asked for.
    pub(super) fn replicas(
        &self,
        stored: &str,
        requests: &KmsRequests,
    ) -> Result<Replicas, KeyStoreErrorKind> {
        let stored = KmsKeyArn::parse(stored).map_err(|_| KeyStoreErrorKind::InvalidRecord)?;
        let replicas = match self {
            Self::One(key) => (stored == *key).then(|| Replicas::only(key)),
            Self::Mrk(key) => stored.matches(key).then(|| requests.replicas(key)),
            Self::Discovery(filter) => requests.discovered(filter, &stored),
            Self::MrkDiscovery(filter) => requests.discovered_locally(filter, &stored),
        };
        replicas.ok_or(KeyStoreErrorKind::ForeignKey)
    }
}
