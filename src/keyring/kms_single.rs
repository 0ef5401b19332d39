//! The keyring of one KMS key in one region, taken literally.

use std::fmt;

use super::kms::{key_of, open_first, wrap};
use super::kms_key_use::KmsKeyUse;
use super::{DecryptRequest, EncryptRequest, KeyBinding, Keyring, KeyringError};
use super::{Unwrapped, WrappedKey, future};
use crate::error::ConfigError;
use crate::kms::{GrantTokens, KmsKeyArn, KmsRequests, Replicas};
use crate::region::RegionSet;

/// Wraps and unwraps under exactly one KMS key, in the region that its ARN names.
///
/// For keys that are not multi-Region. In a global table the other regions reach across for every
/// item; [`KmsMrkKeyring`](super::KmsMrkKeyring) does not. Given one replica of a multi-Region key,
/// it opens what that replica wrapped and nothing that another one did.
///
/// ```no_run
/// # async fn run() -> Result<(), dynaseal::ConfigError> {
/// use dynaseal::RegionSet;
/// use dynaseal::keyring::KmsKeyring;
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").build()?;
/// let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// let keyring = KmsKeyring::new(arn, &regions)?;
///
/// let elsewhere = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// assert!(KmsKeyring::new(elsewhere, &regions).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KmsKeyring {
    key: KmsKeyArn,
    requests: KmsRequests,
}

impl KmsKeyring {
    const NAME: &str = "kms";

    /// A keyring for the key with this ARN.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `key_arn` is not a key ARN (an alias can be pointed at another key), or if
    /// its region is not in the region set.
    pub fn new(key_arn: impl AsRef<str>, regions: &RegionSet) -> Result<Self, ConfigError> {
        Ok(Self {
            key: KmsKeyArn::in_set(key_arn.as_ref(), regions)?,
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

    /// The ARN that requests carry.
    #[must_use]
    pub fn key_arn(&self) -> String {
        self.key.to_string()
    }

    fn replicas(&self) -> Replicas {
        Replicas::only(&self.key)
    }

    async fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let wrapped = wrap(&self.requests, request, &self.replicas()).await?;
        Ok(vec![wrapped])
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let edks = request.encrypted_data_keys().iter();
        let mine = edks.filter(|edk| key_of(edk).as_ref() == Some(&self.key));
        let mine = mine.map(|edk| (edk, self.replicas()));
        open_first(&self.requests, request, mine).await
    }
}

impl Keyring for KmsKeyring {
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
        let used = KmsKeyUse::of_one(Self::NAME, &self.key);
        vec![used.with_grant_tokens(self.requests.grant_tokens())]
    }
}

impl fmt::Debug for KmsKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsKeyring")
            .field("key_arn", &self.key_arn())
            .finish_non_exhaustive()
    }
}
