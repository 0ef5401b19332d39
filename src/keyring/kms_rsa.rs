//! The keyring of an RSA key in KMS: sealed here, opened there.

use std::fmt;

use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use zeroize::Zeroizing;

use super::raw_rsa::parse_public_key;
use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, IntermediateKey, KeyBinding};
use super::{
    Keyring, KeyringError, KeyringErrorKind, Opened, Unwrapped, WrappedKey, future, unopened,
};
use crate::context::EncryptionContext;
use crate::crypto::hash::sha384;
use crate::crypto::random::{Random, SystemRandom};
use crate::crypto::rsa::{RsaPadding, RsaPublicKey};
use crate::error::ConfigError;
use crate::kms::{Allowance, GrantTokens, KmsKeyArn, KmsRequests};
use crate::region::RegionSet;
use crate::suite::AlgorithmSuite;

pub(crate) const PROVIDER_ID: &str = "aws-kms-rsa";

/// Wraps under the public key of an RSA key in KMS, without a call, and has KMS unwrap.
///
/// For programs that seal without credentials. **Everybody who has the public key can forge whole
/// items**: what opens was not mixed up with another item, and says nothing of who made it. KMS sees
/// no encryption context, so policies cannot look at it. Under a signing suite it neither seals nor
/// opens: the format does not have it.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::RegionSet;
/// use dynaseal::keyring::{KmsRsaKeyring, RsaPadding};
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").build()?;
/// let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// // As `aws kms get-public-key` gives it.
/// let public = std::fs::read("intake.pub.der")?;
/// let keyring = KmsRsaKeyring::new(arn, RsaPadding::OaepSha256, &regions)?.public_key(public)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KmsRsaKeyring {
    key: KmsKeyArn,
    padding: RsaPadding,
    algorithm: EncryptionAlgorithmSpec,
    public_key: Option<RsaPublicKey>,
    requests: KmsRequests,
}

impl KmsRsaKeyring {
    const NAME: &str = "kms-rsa";
    /// Of the digest of the context, before the intermediate key.
    const DIGEST_LEN: usize = 48;
    const PLAINTEXT_LEN: usize = Self::DIGEST_LEN + IntermediateKey::LEN;

    /// A keyring that opens under the key with this ARN, in the region that the ARN names. It seals
    /// once it has the [`public_key`](Self::public_key).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `key_arn` is not a key ARN, if its region is not in the region set, and for
    /// paddings other than OAEP with SHA-1 or SHA-256, which KMS does not do.
    pub fn new(
        key_arn: impl AsRef<str>,
        padding: RsaPadding,
        regions: &RegionSet,
    ) -> Result<Self, ConfigError> {
        let algorithm = match padding {
            RsaPadding::OaepSha1 => EncryptionAlgorithmSpec::RsaesOaepSha1,
            RsaPadding::OaepSha256 => EncryptionAlgorithmSpec::RsaesOaepSha256,
            RsaPadding::Pkcs1 | RsaPadding::OaepSha384 | RsaPadding::OaepSha512 => {
                return Err(ConfigError::new(format!(
                    "KMS does not do {padding:?}; use OaepSha256, or OaepSha1"
                )));
            }
        };
        Ok(Self {
            key: KmsKeyArn::in_set(key_arn.as_ref(), regions)?,
            padding,
            algorithm,
            public_key: None,
            requests: KmsRequests::new(Self::NAME, regions),
        })
    }

    /// Seals under this public key: X.509 in DER or PEM, of 2048 bits or more, as `GetPublicKey`
    /// answers. It is not compared with the key in KMS: with another one, nothing sealed here opens.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no such key.
    pub fn public_key(mut self, public_key: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.public_key = Some(parse_public_key(public_key.as_ref())?);
        Ok(self)
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

    fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        self.check_suite(request.suite())?;
        let public_key = self.public_key.as_ref();
        let public_key = public_key.ok_or_else(|| self.error(KeyringErrorKind::CannotEncrypt))?;
        let no_random = |_| self.error(KeyringErrorKind::Randomness);
        let key = IntermediateKey::fill_with(|key| SystemRandom.fill(key)).map_err(no_random)?;
        let mut plaintext = Zeroizing::new(Vec::with_capacity(Self::PLAINTEXT_LEN));
        plaintext.extend_from_slice(&digest(request.context()));
        plaintext.extend_from_slice(key.expose());
        let wrapped = public_key.encrypt(self.padding, &plaintext);
        let wrapped = wrapped.map_err(no_random)?;
        Ok(vec![WrappedKey::new(
            PROVIDER_ID,
            self.key_arn(),
            wrapped,
            key,
        )])
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        let allowance = Allowance::new(request.budget());
        let arn = self.key_arn();
        let edks = request.encrypted_data_keys().iter();
        for edk in edks.filter(|edk| is_of(edk, &arn)) {
            match self.open(request, edk, &allowance).await {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        unopened(attempts, Self::NAME)
    }

    async fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
        allowance: &Allowance,
    ) -> Result<Opened, KeyringError> {
        self.check_suite(request.suite())?;
        let invalid = || self.error(KeyringErrorKind::InvalidEncryptedDataKey);
        let wrapped = edk.wrapped_intermediate_key();
        let wrapped = wrapped.filter(|wrapped| !wrapped.is_empty());
        let wrapped = wrapped.ok_or_else(invalid)?;
        let plaintext =
            self.requests
                .decrypt_rsa(self.algorithm.clone(), wrapped, &self.key, allowance);
        let plaintext = plaintext.await?;
        // Whoever has the public key chooses what is in there, and how long it is.
        let key = plaintext.strip_prefix(&digest(request.context()));
        let key = key.and_then(IntermediateKey::from_slice);
        let opened = request.open(edk, &key.ok_or_else(invalid)?);
        let opened = opened.map_err(|error| self.place(error))?;
        Ok(opened
            .in_keyring(Self::NAME)
            .with_key(self.key_arn())
            .in_region(self.key.region()))
    }

    fn check_suite(&self, suite: AlgorithmSuite) -> Result<(), KeyringError> {
        if suite.is_signing() {
            Err(self.error(KeyringErrorKind::UnsupportedSuite))
        } else {
            Ok(())
        }
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        self.requests.place(error, &self.key)
    }
}

fn is_of(edk: &EncryptedDataKey, arn: &str) -> bool {
    edk.provider_id() == PROVIDER_ID && edk.provider_info() == arn.as_bytes()
}

/// What ties the key to its item, since KMS does not.
fn digest(context: &EncryptionContext) -> [u8; KmsRsaKeyring::DIGEST_LEN] {
    sha384(context.as_keyring_aad())
}

impl Keyring for KmsRsaKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::PublicKey
    }

    /// Sealing takes the public key, and opening `kms:Decrypt`.
    fn can_seal_without_opening(&self) -> bool {
        true
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::ready(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }
}

impl fmt::Debug for KmsRsaKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KmsRsaKeyring")
            .field("key_arn", &self.key_arn())
            .field("padding", &self.padding)
            .field("can_encrypt", &self.public_key.is_some())
            .finish_non_exhaustive()
    }
}
