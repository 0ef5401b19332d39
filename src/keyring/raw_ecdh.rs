//! The keyring of an elliptic-curve key that the caller holds, and of somebody else's public key.

use std::fmt;
use std::sync::Arc;

use super::ecdh_wrapping::{self, Parties, RAW_PROVIDER_ID};
use super::{DecryptRequest, EcdhCurve, EncryptRequest, EncryptedDataKey, KeyBinding, Keyring};
use super::{KeyringError, KeyringErrorKind, Opened, Unwrapped, WrappedKey, encoded_key, future};
use crate::crypto::Unauthentic;
use crate::crypto::ecdh::{EcdhPrivateKey, EcdhPublicKey, SharedSecret};
use crate::crypto::random::{Random, RandomFailure, SystemRandom};
use crate::error::ConfigError;

/// Wraps and unwraps under a key that two parties agree on: ECDH over P-256, P-384 or P-521.
///
/// What it does depends on whose keys it has. Between two static keys either party seals and opens,
/// and either can forge, but nobody else. **Whoever has the public key of a recipient can forge whole
/// items** where the sender's key is ephemeral, and that is so for a keyring by
/// [`public_key_discovery`](Self::public_key_discovery), which opens for any sender.
///
/// ```no_run
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::keyring::{EcdhCurve, RawEcdhKeyring};
///
/// let ours = std::fs::read("ours.pem")?;
/// let theirs = std::fs::read("theirs.pub.pem")?;
/// let keyring =
///     RawEcdhKeyring::raw_private_key_to_static_public_key(EcdhCurve::P384, ours, theirs)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RawEcdhKeyring {
    curve: EcdhCurve,
    scheme: Scheme,
    random: Arc<dyn Random>,
}

/// Upstream's key agreement schemes.
#[derive(Clone)]
enum Scheme {
    Static {
        own: Arc<EcdhPrivateKey>,
        peer: EcdhPublicKey,
    },
    Ephemeral {
        recipient: EcdhPublicKey,
    },
    Discovery {
        own: Arc<EcdhPrivateKey>,
    },
}

impl RawEcdhKeyring {
    const NAME: &str = "raw-ecdh";

    /// A keyring that seals for `recipient_public_key`, and opens what either party sealed for the
    /// other.
    ///
    /// The private key is PKCS #8 in DER or PEM, not encrypted; the public key X.509 in DER or PEM, or a
    /// point, compressed or not. The caller's copy of the key is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if one of them is no such key on `curve`.
    pub fn raw_private_key_to_static_public_key(
        curve: EcdhCurve,
        private_key: impl AsRef<[u8]>,
        recipient_public_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let own = parse_private_key(curve, private_key.as_ref())?;
        let peer = parse_public_key(curve, recipient_public_key.as_ref())?;
        Ok(Self::new(curve, Scheme::Static { own, peer }))
    }

    /// A keyring that seals for `recipient_public_key` under a new key pair each time. It cannot open
    /// what it sealed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the public key is none on `curve`, in the forms above.
    pub fn ephemeral_private_key_to_static_public_key(
        curve: EcdhCurve,
        recipient_public_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let recipient = parse_public_key(curve, recipient_public_key.as_ref())?;
        Ok(Self::new(curve, Scheme::Ephemeral { recipient }))
    }

    /// A keyring that opens what was sealed for the public key of `private_key`, by whomever, and
    /// cannot seal.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the private key is none on `curve`, in the forms above.
    pub fn public_key_discovery(
        curve: EcdhCurve,
        private_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let own = parse_private_key(curve, private_key.as_ref())?;
        Ok(Self::new(curve, Scheme::Discovery { own }))
    }

    fn new(curve: EcdhCurve, scheme: Scheme) -> Self {
        Self {
            curve,
            scheme,
            random: Arc::new(SystemRandom),
        }
    }

    /// Fixes the random bytes but for ephemeral keys, so that a vector can be frozen.
    #[cfg(test)]
    pub(crate) fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let ephemeral;
        let (own, peer) = match &self.scheme {
            Scheme::Static { own, peer } => (&**own, peer),
            Scheme::Ephemeral { recipient } => {
                ephemeral = EcdhPrivateKey::generate(self.curve)
                    .map_err(|RandomFailure| error(KeyringErrorKind::Randomness))?;
                (&ephemeral, recipient)
            }
            Scheme::Discovery { .. } => return Err(error(KeyringErrorKind::CannotEncrypt)),
        };
        let secret = own.agree(peer);
        let secret = secret.map_err(|Unauthentic| error(KeyringErrorKind::Other))?;
        let wrapped = ecdh_wrapping::wrap(
            RAW_PROVIDER_ID,
            self.curve,
            Parties::new(own.public_key(), peer),
            &secret,
            request.context(),
            &*self.random,
        );
        Ok(vec![wrapped.map_err(error)?])
    }

    fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        for edk in request.encrypted_data_keys() {
            let Some(parties) = Parties::of(edk).filter(|parties| self.is_party(*parties)) else {
                continue;
            };
            match self.open(request, edk, parties) {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        if attempts.is_empty() {
            return Ok(Unwrapped::NotMine);
        }
        Err(KeyringError::from_attempts(attempts).in_keyring(Self::NAME))
    }

    /// Whether a key that these parties agreed on is for this keyring.
    fn is_party(&self, parties: Parties<'_>) -> bool {
        match &self.scheme {
            Scheme::Static { own, peer } => {
                let ours = Parties::new(own.public_key(), peer);
                parties == ours || parties == ours.turned()
            }
            Scheme::Ephemeral { recipient } => parties.recipient == recipient.compressed(),
            Scheme::Discovery { own } => parties.recipient == own.public_key().compressed(),
        }
    }

    fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
        parties: Parties<'_>,
    ) -> Result<Opened, KeyringError> {
        let invalid = |Unauthentic| error(KeyringErrorKind::InvalidEncryptedDataKey);
        let secret = self.secret(parties)?.map_err(invalid)?;
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        let key = ecdh_wrapping::unwrap(self.curve, parties, &secret, request.context(), wrapped);
        let opened = request.open(edk, &key.map_err(invalid)?);
        Ok(opened.map_err(place)?.in_keyring(Self::NAME))
    }

    /// The secret of the parties, of whom this keyring is one; the inner error is that of the data.
    fn secret(
        &self,
        parties: Parties<'_>,
    ) -> Result<Result<SharedSecret, Unauthentic>, KeyringError> {
        match &self.scheme {
            Scheme::Static { own, peer } => Ok(own.agree(peer)),
            Scheme::Discovery { own } => {
                let sender = EcdhPublicKey::parse(self.curve, parties.sender);
                Ok(sender.ok_or(Unauthentic).and_then(|sender| own.agree(&sender)))
            }
            Scheme::Ephemeral { .. } => Err(error(KeyringErrorKind::CannotDecrypt)),
        }
    }
}

fn error(kind: KeyringErrorKind) -> KeyringError {
    place(KeyringError::new(kind))
}

fn place(error: KeyringError) -> KeyringError {
    error.in_keyring(RawEcdhKeyring::NAME)
}

/// A public key on `curve`, in DER or PEM, or as a point.
pub(super) fn parse_public_key(
    curve: EcdhCurve,
    encoded: &[u8],
) -> Result<EcdhPublicKey, ConfigError> {
    let key = encoded_key::public_key(encoded).and_then(|der| EcdhPublicKey::parse(curve, &der));
    key.ok_or_else(|| {
        ConfigError::new(format!(
            "this is no public key on {curve:?}, X.509 in DER or PEM (`BEGIN PUBLIC KEY`) or a point"
        ))
    })
}

fn parse_private_key(
    curve: EcdhCurve,
    encoded: &[u8],
) -> Result<Arc<EcdhPrivateKey>, ConfigError> {
    let key = encoded_key::private_key(encoded);
    let key = key.and_then(|der| EcdhPrivateKey::from_pkcs8(curve, &der));
    key.map(Arc::new).ok_or_else(|| {
        ConfigError::new(format!(
            "this is no private key on {curve:?}, PKCS #8 in DER or PEM (`BEGIN PRIVATE KEY`)"
        ))
    })
}

impl Keyring for RawEcdhKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        match self.scheme {
            Scheme::Static { .. } => KeyBinding::SharedSecret,
            Scheme::Ephemeral { .. } | Scheme::Discovery { .. } => KeyBinding::PublicKey,
        }
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::ready(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::ready(self.unwrap(request))
    }
}

impl fmt::Debug for RawEcdhKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Static { .. } => "RawPrivateKeyToStaticPublicKey",
            Scheme::Ephemeral { .. } => "EphemeralPrivateKeyToStaticPublicKey",
            Scheme::Discovery { .. } => "PublicKeyDiscovery",
        };
        f.debug_struct("RawEcdhKeyring")
            .field("curve", &self.curve)
            .field("scheme", &scheme)
            .finish_non_exhaustive()
    }
}
