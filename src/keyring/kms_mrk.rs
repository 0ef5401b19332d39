//! The keyring of one multi-Region key, asked for in the local region.

use std::fmt;

use super::kms::{key_of, open_first, wrap};
use super::kms_key_use::{KmsKeyUse, UsedKey};
use super::{DecryptRequest, EncryptRequest, KeyBinding, Keyring, KeyringError};
use super::{Unwrapped, WrappedKey, future};
use crate::error::ConfigError;
use crate::kms::{GrantTokens, KmsKeyArn, KmsRequests, Replicas};
use crate::region::{KmsFallback, RegionSet};

/// Wraps and unwraps under one multi-Region KMS key, by way of its replica in the local region.
///
/// One `GenerateDataKey` per item sealed, one `Decrypt` per item opened. Both name the local
/// replica's key ARN, and an answer for any other key is refused. An item that another region wrote
/// opens through the local replica too: the region in its encrypted data key is not asked. Where the
/// local region fails, another one is asked only if [`fallback`](Self::fallback) says so.
///
/// ```no_run
/// # async fn run() -> Result<(), dynaseal::ConfigError> {
/// use dynaseal::{KmsMrkKeyring, RegionSet};
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").build()?;
/// let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
/// let keyring = KmsMrkKeyring::new(arn, &regions)?;
/// assert!(keyring.key_arn().starts_with("arn:aws:kms:eu-west-1:"));
///
/// let error = KmsMrkKeyring::new("alias/customers", &regions).unwrap_err();
/// assert!(error.to_string().contains("use the key ARN"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KmsMrkKeyring {
    /// The local replica. Any replica's ARN names the key; this is the one that is asked.
    replica: KmsKeyArn,
    requests: KmsRequests,
}

impl KmsMrkKeyring {
    const NAME: &str = "kms-mrk";

    /// A keyring for the multi-Region key of which `key_arn` is the primary or any replica.
    ///
    /// The region in `key_arn` need not be in the region set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `key_arn` is not a key ARN (an alias can be pointed at another key), if
    /// the key is not a multi-Region key, or if it lies in another partition than the region set.
    pub fn new(key_arn: impl AsRef<str>, regions: &RegionSet) -> Result<Self, ConfigError> {
        let key = KmsKeyArn::multi_region(key_arn.as_ref(), regions, ": use `KmsKeyring`")?;
        Ok(Self {
            replica: key.in_region(regions.local()),
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

    /// When to ask the key's replica in the next region of the set, to seal as well as to open. Default:
    /// never.
    ///
    /// ```no_run
    /// # fn f(keyring: dynaseal::KmsMrkKeyring) {
    /// use dynaseal::region::KmsFallback;
    ///
    /// let keyring = keyring.fallback(KmsFallback::on_unavailable());
    /// # }
    /// ```
    #[must_use]
    pub fn fallback(mut self, policy: KmsFallback) -> Self {
        self.requests = self.requests.with_fallback(policy);
        self
    }

    /// The ARN that requests carry: the local replica's, unless a [fallback](Self::fallback) is asked.
    #[must_use]
    pub fn key_arn(&self) -> String {
        self.replica.to_string()
    }

    fn replicas(&self) -> Replicas {
        self.requests.replicas(&self.replica)
    }

    async fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let wrapped = wrap(&self.requests, request, &self.replicas()).await?;
        Ok(vec![wrapped])
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let edks = request.encrypted_data_keys().iter();
        let mine = edks.filter(|edk| key_of(edk).is_some_and(|key| key.matches(&self.replica)));
        let mine = mine.map(|edk| (edk, self.replicas()));
        open_first(&self.requests, request, mine).await
    }
}

impl Keyring for KmsMrkKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::KmsContext
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        let key = UsedKey::MultiRegion(self.replica.clone());
        let used = KmsKeyUse::in_set(Self::NAME, key, &self.requests.regions);
        vec![used.with_grant_tokens(self.requests.grant_tokens())]
    }
}

impl fmt::Debug for KmsMrkKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsMrkKeyring")
            .field("key_arn", &self.key_arn())
            .field("regions", &self.requests.regions)
            .finish_non_exhaustive()
    }
}
