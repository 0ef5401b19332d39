//! The keyring of a key-agreement key in KMS, and of somebody else's public key.

use std::fmt;

use super::ecdh_wrapping::{self, KMS_PROVIDER_ID, Parties};
use super::raw_ecdh::parse_public_key;
use super::{DecryptRequest, EcdhCurve, EncryptRequest, EncryptedDataKey, KeyBinding, Keyring};
use super::{KeyringError, KeyringErrorKind, Opened, Unwrapped, WrappedKey, future, unopened};
use crate::crypto::Unauthentic;
use crate::crypto::ecdh::{EcdhPublicKey, SharedSecret};
use crate::crypto::random::SystemRandom;
use crate::error::ConfigError;
use crate::kms::{Allowance, GrantTokens, KmsKeyArn, KmsRequests};
use crate::region::RegionSet;

/// Wraps and unwraps under a key that KMS agrees on: its key of one party and the public key of the
/// other one, by `DeriveSharedSecret`.
///
/// Between two static keys either party seals and opens, and either can forge, but nobody else.
/// A keyring by [`kms_public_key_discovery`](Self::kms_public_key_discovery) opens for any sender:
/// **whoever has the recipient's public key can forge whole items for it**. KMS sees no encryption context,
/// so policies cannot look at it.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::RegionSet;
/// use dynaseal::keyring::{EcdhCurve, KmsEcdhKeyring};
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").build()?;
/// let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// // As `aws kms get-public-key` gives them.
/// let (ours, theirs) = (std::fs::read("ours.pub.der")?, std::fs::read("theirs.pub.der")?);
/// let keyring = KmsEcdhKeyring::kms_private_key_to_static_public_key(
///     EcdhCurve::P256,
///     arn,
///     ours,
///     theirs,
///     &regions,
/// )?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KmsEcdhKeyring {
    curve: EcdhCurve,
    key: KmsKeyArn,
    /// The public half of `key`.
    own: EcdhPublicKey,
    /// `None` if any sender will do.
    peer: Option<EcdhPublicKey>,
    requests: KmsRequests,
}

impl KmsEcdhKeyring {
    const NAME: &str = "kms-ecdh";

    /// A keyring that seals for `recipient_public_key` with the key of this ARN, and opens what either
    /// party sealed for the other, in the region that the ARN names.
    ///
    /// `sender_public_key` is the public half of the key in KMS. Public keys are X.509 in DER or PEM, as
    /// `GetPublicKey` answers, or points, compressed or not. That of the sender is not compared with
    /// the key in KMS: with another one, nothing sealed here opens.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `key_arn` is not a key ARN, if its region is not in the region set, or if a
    /// public key is none on `curve`.
    pub fn kms_private_key_to_static_public_key(
        curve: EcdhCurve,
        key_arn: impl AsRef<str>,
        sender_public_key: impl AsRef<[u8]>,
        recipient_public_key: impl AsRef<[u8]>,
        regions: &RegionSet,
    ) -> Result<Self, ConfigError> {
        let peer = parse_public_key(curve, recipient_public_key.as_ref())?;
        let own = sender_public_key.as_ref();
        Self::new(curve, key_arn.as_ref(), own, Some(peer), regions)
    }

    /// A keyring that opens what was sealed for the key of this ARN, by whomever, and cannot seal.
    ///
    /// `recipient_public_key` is the public half of the key in KMS, in the forms above.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn kms_public_key_discovery(
        curve: EcdhCurve,
        key_arn: impl AsRef<str>,
        recipient_public_key: impl AsRef<[u8]>,
        regions: &RegionSet,
    ) -> Result<Self, ConfigError> {
        let own = recipient_public_key.as_ref();
        Self::new(curve, key_arn.as_ref(), own, None, regions)
    }

    fn new(
        curve: EcdhCurve,
        key_arn: &str,
        own: &[u8],
        peer: Option<EcdhPublicKey>,
        regions: &RegionSet,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            curve,
            key: KmsKeyArn::in_set(key_arn, regions)?,
            own: parse_public_key(curve, own)?,
            peer,
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

    async fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let peer = self.peer.as_ref();
        let peer = peer.ok_or_else(|| self.error(KeyringErrorKind::CannotEncrypt))?;
        let secret = self.agree(peer, &Allowance::new(None)).await?;
        let wrapped = ecdh_wrapping::wrap(
            KMS_PROVIDER_ID,
            self.curve,
            Parties::new(&self.own, peer),
            &secret,
            request.context(),
            &SystemRandom,
        );
        Ok(vec![wrapped.map_err(|kind| self.error(kind))?])
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        let allowance = Allowance::new(request.budget());
        for edk in request.encrypted_data_keys() {
            let Some(parties) = Parties::of(edk).filter(|parties| self.is_party(*parties)) else {
                continue;
            };
            match self.open(request, edk, parties, &allowance).await {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        unopened(attempts, Self::NAME)
    }

    /// Whether a key that these parties agreed on is for this keyring.
    fn is_party(&self, parties: Parties<'_>) -> bool {
        match &self.peer {
            Some(peer) => {
                let ours = Parties::new(&self.own, peer);
                parties == ours || parties == ours.turned()
            }
            None => parties.recipient == self.own.compressed(),
        }
    }

    async fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
        parties: Parties<'_>,
        allowance: &Allowance,
    ) -> Result<Opened, KeyringError> {
        let invalid = |Unauthentic| self.error(KeyringErrorKind::InvalidEncryptedDataKey);
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        ecdh_wrapping::check_len(wrapped).map_err(invalid)?;
        let peer = match &self.peer {
            Some(peer) => peer.clone(),
            None => parties.sender_key(self.curve).map_err(invalid)?,
        };
        let secret = self.agree(&peer, allowance).await?;
        let key = ecdh_wrapping::unwrap(self.curve, parties, &secret, request.context(), wrapped);
        let opened = request.open(edk, &key.map_err(invalid)?);
        let opened = opened.map_err(|error| self.place(error))?;
        Ok(opened
            .in_keyring(Self::NAME)
            .with_key(self.key_arn())
            .in_region(self.key.region()))
    }

    /// The secret of the key in KMS and of `peer`.
    async fn agree(
        &self,
        peer: &EcdhPublicKey,
        allowance: &Allowance,
    ) -> Result<SharedSecret, KeyringError> {
        let peer = peer.to_spki();
        let peer = peer.ok_or_else(|| self.error(KeyringErrorKind::Other))?;
        let secret = self
            .requests
            .derive_shared_secret(&peer, &self.key, allowance);
        let secret = SharedSecret::agreed_elsewhere(self.curve, secret.await?);
        secret.ok_or_else(|| self.error(KeyringErrorKind::InvalidResponse))
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        self.requests.place(error, &self.key)
    }
}

impl Keyring for KmsEcdhKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        match self.peer {
            Some(_) => KeyBinding::SharedSecret,
            None => KeyBinding::PublicKey,
        }
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }
}

impl fmt::Debug for KmsEcdhKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.peer {
            Some(_) => "KmsPrivateKeyToStaticPublicKey",
            None => "KmsPublicKeyDiscovery",
        };
        f.debug_struct("KmsEcdhKeyring")
            .field("curve", &self.curve)
            .field("scheme", &scheme)
            .field("key_arn", &self.key_arn())
            .finish_non_exhaustive()
    }
}
