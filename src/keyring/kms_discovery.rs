//! The keyring that opens under whatever KMS key the item names, taken literally.

use std::fmt;

use super::kms::{key_of, open_first};
use super::kms_key_use::{KmsKeyUse, UsedKey};
use super::{DecryptRequest, DiscoveryFilter, EncryptRequest, KeyBinding, Keyring, KeyringError};
use super::{KeyringErrorKind, Unwrapped, future};
use crate::error::ConfigError;
use crate::kms::{GrantTokens, KmsRequests};
use crate::region::RegionSet;

/// Opens items under the KMS key that each one names, in the region that it names, if the filter
/// admits its account and the region set has that region.
///
/// For readers and auditors of keys in several regions; it seals nothing. No item makes it ask a
/// region outside of the set. [`KmsMrkDiscoveryKeyring`](super::KmsMrkDiscoveryKeyring) asks for
/// multi-Region keys in the local region instead, which is what readers of global tables want.
///
/// ```no_run
/// # async fn run() -> Result<(), dynaseal::ConfigError> {
/// use dynaseal::RegionSet;
/// use dynaseal::keyring::{DiscoveryFilter, KmsDiscoveryKeyring};
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").fallback("us-east-1").build()?;
/// let filter = DiscoveryFilter::new("aws", ["111122223333", "444455556666"])?;
/// let keyring = KmsDiscoveryKeyring::new(filter, &regions)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KmsDiscoveryKeyring {
    filter: DiscoveryFilter,
    requests: KmsRequests,
}

impl KmsDiscoveryKeyring {
    const NAME: &str = "kms-discovery";

    /// A keyring that opens under the keys that `filter` admits, in the regions of the set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the filter's partition is not the region set's.
    pub fn new(filter: DiscoveryFilter, regions: &RegionSet) -> Result<Self, ConfigError> {
        filter.check(regions)?;
        Ok(Self {
            filter,
            requests: KmsRequests::new(Self::NAME, regions),
        })
    }

    /// Sends these grant tokens with every request: at most 10, of 1 to 8192 characters each.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for more tokens, or longer or empty ones.
    pub fn grant_tokens(
        mut self,
        tokens: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, ConfigError> {
        let tokens = GrantTokens::new(tokens)?;
        self.requests = self.requests.with_grant_tokens(tokens);
        Ok(self)
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let edks = request.encrypted_data_keys().iter();
        let mine = edks.filter_map(|edk| {
            let replicas = self.requests.discovered(&self.filter, &key_of(edk)?)?;
            Some((edk, replicas))
        });
        open_first(&self.requests, request, mine).await
    }
}

impl Keyring for KmsDiscoveryKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::KmsContext
    }

    /// Fails: there is no key to seal under.
    fn on_encrypt<'a>(&'a self, _: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        let error = KeyringError::new(KeyringErrorKind::CannotEncrypt).in_keyring(Self::NAME);
        future::OnEncrypt::ready(Err(error))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        let keys = UsedKey::Discovered(self.filter.clone());
        let used = KmsKeyUse::in_set(Self::NAME, keys, &self.requests.regions).decrypt_only();
        vec![used.with_grant_tokens(self.requests.grant_tokens())]
    }
}

impl fmt::Debug for KmsDiscoveryKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsDiscoveryKeyring")
            .field("filter", &self.filter)
            .field("regions", &self.requests.regions)
            .finish_non_exhaustive()
    }
}
