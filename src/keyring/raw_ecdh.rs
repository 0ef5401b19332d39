//! The keyring of an elliptic-curve key that the caller holds, and of somebody else's public key.

use std::fmt;
use std::sync::Arc;

use super::ecdh_wrapping::{self, Parties, RAW_PROVIDER_ID};
use super::{DecryptRequest, EcdhCurve, EncryptRequest, EncryptedDataKey, KeyBinding, Keyring};
use super::{
    KeyringError, KeyringErrorKind, Opened, Unwrapped, WrappedKey, encoded_key, future, unopened,
};
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
        unopened(attempts, Self::NAME)
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
                let sender = parties.sender_key(self.curve);
                Ok(sender.and_then(|sender| own.agree(&sender)))
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

fn parse_private_key(curve: EcdhCurve, encoded: &[u8]) -> Result<Arc<EcdhPrivateKey>, ConfigError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ecdh::tests::{CURVES, KeyPair, generate};
    use crate::crypto::random::FixedRandom;
    use crate::keyring::test_support::{Sealed, seal, seal_with};

    const P256: EcdhCurve = EcdhCurve::P256;

    fn fixed(curve: EcdhCurve, own: &KeyPair, peer: &KeyPair) -> RawEcdhKeyring {
        let (own, peer) = (&own.private, &peer.public);
        RawEcdhKeyring::raw_private_key_to_static_public_key(curve, own, peer).unwrap()
    }

    fn ephemeral(curve: EcdhCurve, recipient: &KeyPair) -> RawEcdhKeyring {
        let recipient = &recipient.public;
        RawEcdhKeyring::ephemeral_private_key_to_static_public_key(curve, recipient).unwrap()
    }

    fn discovery(curve: EcdhCurve, own: &KeyPair) -> RawEcdhKeyring {
        RawEcdhKeyring::public_key_discovery(curve, &own.private).unwrap()
    }

    async fn attempt(sealed: &Sealed, keyring: &RawEcdhKeyring) -> KeyringErrorKind {
        let error = sealed.refusal(keyring).await;
        assert_eq!(error.attempts().len(), 1, "{error}");
        error.attempts()[0].kind()
    }

    #[tokio::test]
    async fn writes_the_layout_of_the_specification() {
        for (curve, len) in CURVES.into_iter().zip([75, 107, 143]) {
            let (alice, bob) = (generate(curve), generate(curve));
            let random = Arc::new(FixedRandom::new(0));
            let keyring = fixed(curve, &alice, &bob).with_random(random);
            let sealed = seal(&keyring).await.unwrap();
            let edk = &sealed.edks[0];
            assert_eq!(edk.provider_id(), "raw-ecdh");
            let [own, peer] = [&alice, &bob].map(|keys| {
                let key = EcdhPublicKey::parse(curve, &keys.public).unwrap();
                key.compressed().to_vec()
            });
            let point_len = u32::try_from(own.len()).unwrap().to_be_bytes();
            let info = [&[1], &point_len[..], &peer, &point_len, &own].concat();
            assert_eq!(edk.provider_info(), info);
            assert_eq!(info.len(), len);
            let wrapped = edk.wrapped_intermediate_key().unwrap();
            assert_eq!(wrapped.len(), 112);
            let mut salt = [0; 32];
            let random = FixedRandom::new(0);
            random.fill(&mut [0; 32]).unwrap();
            random.fill(&mut salt).unwrap();
            assert_eq!(wrapped[..32], salt, "the key is drawn first");
        }
    }

    #[tokio::test]
    async fn either_of_two_static_parties_opens_what_either_sealed() {
        for curve in CURVES {
            let (alice, bob, eve) = (generate(curve), generate(curve), generate(curve));
            let (a, b) = (fixed(curve, &alice, &bob), fixed(curve, &bob, &alice));
            for sealed in [
                seal(&a).await.unwrap(),
                seal_with(&b, [].into()).await.unwrap(),
            ] {
                sealed.assert_opens(&a).await;
                sealed.assert_opens(&b).await;
                sealed.assert_not_mine(&fixed(curve, &eve, &bob)).await;
                sealed.assert_not_mine(&fixed(curve, &alice, &eve)).await;
            }
            assert_eq!(a.binding(), KeyBinding::SharedSecret);
        }
    }

    #[tokio::test]
    async fn the_recipient_alone_opens_what_an_ephemeral_key_sealed() {
        for curve in CURVES {
            let (alice, bob) = (generate(curve), generate(curve));
            let sealed = seal(&ephemeral(curve, &bob)).await.unwrap();
            sealed.assert_opens(&discovery(curve, &bob)).await;
            sealed.assert_not_mine(&discovery(curve, &alice)).await;
            sealed.assert_not_mine(&fixed(curve, &bob, &alice)).await;
            sealed.assert_not_mine(&ephemeral(curve, &alice)).await;
            let kind = attempt(&sealed, &ephemeral(curve, &bob)).await;
            assert_eq!(kind, KeyringErrorKind::CannotDecrypt);
            let again = seal(&ephemeral(curve, &bob)).await.unwrap();
            assert_ne!(
                again.edks[0].provider_info(),
                sealed.edks[0].provider_info()
            );
        }
    }

    #[tokio::test]
    async fn discovery_opens_for_any_sender_and_never_seals() {
        let (alice, bob) = (generate(P256), generate(P256));
        let sealed = seal(&fixed(P256, &alice, &bob)).await.unwrap();
        sealed.assert_opens(&discovery(P256, &bob)).await;
        sealed.assert_not_mine(&discovery(P256, &alice)).await;
        let error = seal(&discovery(P256, &bob)).await.err().unwrap();
        assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
        for keyring in [discovery(P256, &bob), ephemeral(P256, &bob)] {
            assert_eq!(keyring.binding(), KeyBinding::PublicKey);
        }
    }

    #[tokio::test]
    async fn opens_what_kms_agreed_on_for_the_other_party() {
        let (alice, bob) = (generate(P256), generate(P256));
        let mut sealed = seal(&fixed(P256, &alice, &bob)).await.unwrap();
        let edk = sealed.edks.remove(0);
        let wrapped = edk.wrapped_intermediate_key().unwrap();
        let ciphertext = [&edk.wrapped_data_key().unwrap()[..], wrapped].concat();
        let info = edk.provider_info().to_vec();
        let renamed = |id: &str| EncryptedDataKey::new(id.into(), info.clone(), ciphertext.clone());
        sealed.edks = vec![renamed("raw-ecdhx"), renamed("aws-kms-ecdh")];
        assert_eq!(sealed.assert_opens(&discovery(P256, &bob)).await, 1);
    }

    #[tokio::test]
    async fn refuses_every_changed_byte_and_every_other_length() {
        let (alice, bob) = (generate(P256), generate(P256));
        let keyring = fixed(P256, &alice, &bob);
        for at in 0..112 {
            let sealed = seal(&keyring).await.unwrap();
            let sealed = sealed.with_wrapped(0, |wrapped| wrapped[at] ^= 0x80);
            let kind = attempt(&sealed, &keyring).await;
            assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey, "byte {at}");
        }
        for len in [0, 1, 31, 32, 63, 64, 79, 80, 95, 111, 113, 144] {
            let sealed = seal(&keyring).await.unwrap();
            let sealed = sealed.with_wrapped(0, |wrapped| wrapped.resize(len, 0));
            let kind = attempt(&sealed, &keyring).await;
            assert_eq!(
                kind,
                KeyringErrorKind::InvalidEncryptedDataKey,
                "{len} bytes"
            );
        }
        let mut sealed = seal(&keyring).await.unwrap();
        sealed.context = seal_with(&keyring, [].into()).await.unwrap().context;
        let kind = attempt(&sealed, &keyring).await;
        assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
    }

    /// What says to be for somebody else, or for nobody, is not ours; a sender of ours must be a point.
    #[tokio::test]
    async fn reads_the_provider_info_to_the_byte() {
        let (alice, bob) = (generate(P256), generate(P256));
        let (keyring, reader) = (fixed(P256, &alice, &bob), discovery(P256, &bob));
        let changes: [fn(&mut Vec<u8>); 6] = [
            |info| info[0] = 2,
            |info| info.push(0),
            |info| info.truncate(74),
            |info| info[4] = 34,
            |info| info[1] = 1,
            Vec::clear,
        ];
        for change in changes {
            let sealed = seal(&keyring).await.unwrap();
            let mut info = sealed.edks[0].provider_info().to_vec();
            change(&mut info);
            sealed.with_info(0, info).assert_not_mine(&reader).await;
        }
        let sealed = seal(&keyring).await.unwrap();
        let info = sealed.edks[0].provider_info().to_vec();
        let with_sender = |sender: &[u8]| {
            let len = u32::try_from(sender.len()).unwrap().to_be_bytes();
            [&info[..38], &len, sender].concat()
        };
        let x_without_y = [&[2][..], &[0xff; 32]].concat();
        for sender in [
            &x_without_y[..],
            &[],
            &[2; 32],
            &alice.public,
            &alice.public[26..],
        ] {
            let sealed = seal(&keyring)
                .await
                .unwrap()
                .with_info(0, with_sender(sender));
            let kind = attempt(&sealed, &reader).await;
            assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
        }
    }

    #[tokio::test]
    async fn goes_on_behind_foreign_and_broken_encrypted_data_keys() {
        let (alice, bob) = (generate(P256), generate(P256));
        let (keyring, reader) = (fixed(P256, &alice, &bob), discovery(P256, &bob));
        let mut sealed = seal(&keyring).await.unwrap();
        let broken = seal(&keyring).await.unwrap();
        let broken = broken.with_wrapped(0, |wrapped| wrapped[40] ^= 1);
        let p521 = generate(EcdhCurve::P521);
        let foreign = seal(&ephemeral(EcdhCurve::P521, &p521)).await.unwrap();
        sealed.edks.splice(0..0, broken.edks);
        sealed.edks.splice(0..0, foreign.edks);
        assert_eq!(sealed.assert_opens(&reader).await, 2);
    }

    #[test]
    fn refuses_keys_of_another_curve_or_kind() {
        let (p256, p384) = (generate(P256), generate(EcdhCurve::P384));
        let new = RawEcdhKeyring::raw_private_key_to_static_public_key;
        assert!(new(P256, &p256.private, &p256.public).is_ok());
        assert!(new(P256, &p384.private, &p256.public).is_err());
        assert!(new(P256, &p256.private, &p384.public).is_err());
        assert!(new(P256, &p256.public, &p256.private).is_err());
        assert!(RawEcdhKeyring::public_key_discovery(P256, []).is_err());
    }

    #[test]
    fn prints_no_key() {
        let keys = generate(P256);
        assert_eq!(
            format!("{:?}", discovery(P256, &keys)),
            r#"RawEcdhKeyring { curve: P256, scheme: "PublicKeyDiscovery", .. }"#
        );
    }
}
