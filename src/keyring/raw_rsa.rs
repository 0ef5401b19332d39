//! The keyring of an RSA key pair, or of half of one.

use std::fmt;
use std::sync::Arc;

use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, IntermediateKey, KeyBinding};
use super::{
    Keyring, KeyringError, KeyringErrorKind, Opened, Unwrapped, WrappedKey, future, unopened,
};
use super::{RsaPadding, encoded_key};
use crate::crypto::random::{Random, RandomFailure, SystemRandom};
use crate::crypto::rsa::{RsaPrivateKey, RsaPublicKey};
use crate::error::ConfigError;

/// Wraps under an RSA public key, and unwraps under its private key.
///
/// With the public key alone it seals and cannot open; with the private key alone it opens and cannot
/// seal. **Everybody who has the public key can forge whole items**, whatever the suite: an item that
/// opens says that it was not mixed up with another one, and nothing of who made it.
///
/// ```no_run
/// # fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::keyring::{RawRsaKeyring, RsaPadding};
///
/// let padding = RsaPadding::OaepSha256;
/// let public = std::fs::read("intake.pub.pem")?;
/// let intake = RawRsaKeyring::from_public_key("forms", "2026", padding, public)?;
///
/// let private = std::fs::read("intake.pem")?;
/// let reader = RawRsaKeyring::from_private_key("forms", "2026", padding, private)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RawRsaKeyring(Arc<Inner>);

struct Inner {
    key_namespace: String,
    key_name: String,
    padding: RsaPadding,
    public_key: Option<RsaPublicKey>,
    private_key: Option<RsaPrivateKey>,
}

impl RawRsaKeyring {
    const NAME: &str = "raw-rsa";

    /// A keyring that seals and cannot open: a public key, X.509 in DER or PEM, of 2048 to 8192 bits.
    ///
    /// Items carry namespace and name in clear; they say which key to use.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if `public_key` is no such key, for a namespace that begins with `aws-kms`,
    /// which is reserved for KMS keyrings, and for names over 65,535 bytes.
    pub fn from_public_key(
        key_namespace: impl Into<String>,
        key_name: impl Into<String>,
        padding: RsaPadding,
        public_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let public_key = parse_public_key(public_key.as_ref())?;
        Self::new(key_namespace, key_name, padding, Some(public_key), None)
    }

    /// A keyring that opens and cannot seal: a private key, PKCS #8 in DER or PEM and not encrypted, of
    /// 2048 to 8192 bits. The caller's copy of the key is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// As [`from_public_key`](Self::from_public_key).
    pub fn from_private_key(
        key_namespace: impl Into<String>,
        key_name: impl Into<String>,
        padding: RsaPadding,
        private_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let private_key = parse_private_key(private_key.as_ref())?;
        Self::new(key_namespace, key_name, padding, None, Some(private_key))
    }

    /// A keyring that seals and opens: both halves, each as above.
    ///
    /// # Errors
    ///
    /// As [`from_public_key`](Self::from_public_key), and for halves that do not belong together.
    pub fn from_key_pair(
        key_namespace: impl Into<String>,
        key_name: impl Into<String>,
        padding: RsaPadding,
        public_key: impl AsRef<[u8]>,
        private_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let public_key = parse_public_key(public_key.as_ref())?;
        let private_key = parse_private_key(private_key.as_ref())?;
        if !private_key.belongs_to(&public_key) {
            return Err(ConfigError::new(
                "the RSA public key is not that of the private key",
            ));
        }
        let (public_key, private_key) = (Some(public_key), Some(private_key));
        Self::new(key_namespace, key_name, padding, public_key, private_key)
    }

    fn new(
        key_namespace: impl Into<String>,
        key_name: impl Into<String>,
        padding: RsaPadding,
        public_key: Option<RsaPublicKey>,
        private_key: Option<RsaPrivateKey>,
    ) -> Result<Self, ConfigError> {
        let (key_namespace, key_name) = (key_namespace.into(), key_name.into());
        super::raw_aes::check_namespace(&key_namespace)?;
        if key_namespace.len().max(key_name.len()) > usize::from(u16::MAX) {
            return Err(ConfigError::new(
                "key namespace and key name have at most 65,535 bytes",
            ));
        }
        Ok(Self(Arc::new(Inner {
            key_namespace,
            key_name,
            padding,
            public_key,
            private_key,
        })))
    }

    /// The context is not bound here: RSA takes none. It is where the data key is wrapped.
    fn wrap(&self) -> Result<Vec<WrappedKey>, KeyringError> {
        let public_key = self.0.public_key.as_ref();
        let public_key = public_key.ok_or_else(|| self.error(KeyringErrorKind::CannotEncrypt))?;
        let no_random = |_| self.error(KeyringErrorKind::Randomness);
        let key = IntermediateKey::fill_with(|key| SystemRandom.fill(key)).map_err(no_random)?;
        let wrapped = public_key.encrypt(self.0.padding, key.expose());
        let wrapped = wrapped.map_err(no_random)?;
        let (namespace, name) = (&*self.0.key_namespace, &*self.0.key_name);
        Ok(vec![WrappedKey::new(namespace, name, wrapped, key)])
    }

    fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        let edks = request.encrypted_data_keys().iter();
        for edk in edks.filter(|edk| self.names_us(edk)) {
            match self.open(request, edk) {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        unopened(attempts, Self::NAME)
    }

    fn names_us(&self, edk: &EncryptedDataKey) -> bool {
        edk.provider_id() == self.0.key_namespace
            && edk.provider_info() == self.0.key_name.as_bytes()
    }

    fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
    ) -> Result<Opened, KeyringError> {
        let private_key = self.0.private_key.as_ref();
        let private_key = private_key.ok_or_else(|| self.error(KeyringErrorKind::CannotDecrypt))?;
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        let key = IntermediateKey::fill_with(|key| {
            // A random key stands in for what does not unpad, or has another length. So there is one
            // place to fail, after the same work, and whoever sends ciphertexts learns nothing of paddings.
            SystemRandom.fill(key)?;
            private_key.decrypt(self.0.padding, wrapped, key).ok();
            Ok(())
        });
        let key = key.map_err(|_: RandomFailure| self.error(KeyringErrorKind::Randomness))?;
        let opened = request.open(edk, &key).map_err(|error| self.place(error))?;
        Ok(opened.in_keyring(Self::NAME).with_key(&*self.0.key_name))
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        error.in_keyring(Self::NAME).with_key(&*self.0.key_name)
    }
}

/// An RSA public key in DER or PEM.
pub(super) fn parse_public_key(encoded: &[u8]) -> Result<RsaPublicKey, ConfigError> {
    let key = encoded_key::public_key(encoded).and_then(|der| RsaPublicKey::from_der(&der));
    key.ok_or_else(|| {
        ConfigError::new(
            "this is no RSA public key of 2048 to 8192 bits, X.509 in DER or PEM (`BEGIN PUBLIC KEY`)",
        )
    })
}

fn parse_private_key(encoded: &[u8]) -> Result<RsaPrivateKey, ConfigError> {
    let key = encoded_key::private_key(encoded).and_then(|der| RsaPrivateKey::from_pkcs8(&der));
    key.ok_or_else(|| {
        ConfigError::new(
            "this is no RSA private key of 2048 to 8192 bits, PKCS #8 in DER or PEM (`BEGIN PRIVATE KEY`)",
        )
    })
}

impl Keyring for RawRsaKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::PublicKey
    }

    fn on_encrypt<'a>(&'a self, _: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::ready(self.wrap())
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::ready(self.unwrap(request))
    }
}

impl fmt::Debug for RawRsaKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRsaKeyring")
            .field("key_namespace", &self.0.key_namespace)
            .field("key_name", &self.0.key_name)
            .field("padding", &self.0.padding)
            .field("can_encrypt", &self.0.public_key.is_some())
            .field("can_decrypt", &self.0.private_key.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rsa::tests::{FIRST, KeyPair, PADDINGS, SECOND};
    use crate::keyring::test_support::{Sealed, seal, seal_with};

    const OAEP: RsaPadding = RsaPadding::OaepSha256;

    fn pair_with(padding: RsaPadding, keys: &KeyPair) -> RawRsaKeyring {
        let KeyPair { private, public } = keys;
        RawRsaKeyring::from_key_pair("ns", "name", padding, public, private).unwrap()
    }

    fn pair() -> RawRsaKeyring {
        pair_with(OAEP, &FIRST)
    }

    async fn attempt(sealed: &Sealed, keyring: &RawRsaKeyring) -> KeyringErrorKind {
        let error = sealed.refusal(keyring).await;
        assert_eq!(error.attempts().len(), 1, "{error}");
        error.attempts()[0].kind()
    }

    #[tokio::test]
    async fn writes_the_layout_of_the_specification() {
        let sealed = seal(&pair()).await.unwrap();
        let [edk] = &sealed.edks[..] else {
            panic!("one recipient")
        };
        assert_eq!(edk.provider_id(), "ns");
        assert_eq!(edk.provider_info(), b"name");
        assert_eq!(edk.wrapped_intermediate_key().unwrap().len(), 256);
    }

    #[tokio::test]
    async fn opens_what_it_sealed_under_every_padding() {
        for padding in PADDINGS {
            let keyring = pair_with(padding, &FIRST);
            seal(&keyring).await.unwrap().assert_opens(&keyring).await;
            let empty = seal_with(&keyring, [].into()).await.unwrap();
            empty.assert_opens(&keyring).await;
        }
    }

    #[tokio::test]
    async fn does_with_half_a_key_half_of_the_work() {
        let public = RawRsaKeyring::from_public_key("ns", "name", OAEP, &FIRST.public).unwrap();
        let private = RawRsaKeyring::from_private_key("ns", "name", OAEP, &FIRST.private).unwrap();
        let sealed = seal(&public).await.unwrap();
        sealed.assert_opens(&private).await;
        let error = seal(&private).await.err().unwrap();
        assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
        let kind = attempt(&sealed, &public).await;
        assert_eq!(kind, KeyringErrorKind::CannotDecrypt);
        let other = RawRsaKeyring::from_public_key("ns", "other", OAEP, &FIRST.public).unwrap();
        sealed.assert_not_mine(&other).await;
    }

    #[tokio::test]
    async fn does_not_recognise_another_namespace_or_name() {
        let sealed = seal(&pair()).await.unwrap();
        for (namespace, name) in [("ns2", "name"), ("ns", "name2"), ("ns", "nam"), ("ns", "")] {
            let other = RawRsaKeyring::from_private_key(namespace, name, OAEP, &FIRST.private);
            sealed.assert_not_mine(&other.unwrap()).await;
        }
    }

    /// Another key, another padding, another length of the ciphertext and of what is in it: one answer.
    #[tokio::test]
    async fn gives_one_answer_to_whatever_does_not_open() {
        for padding in PADDINGS {
            let keyring = pair_with(padding, &FIRST);
            let mut broken = vec![seal(&pair_with(padding, &SECOND)).await.unwrap()];
            let changes: [fn(&mut Vec<u8>); 5] = [
                |wrapped| wrapped[200] ^= 1,
                |wrapped| wrapped.push(0),
                |wrapped| wrapped.truncate(255),
                |wrapped| wrapped.fill(0xff),
                Vec::clear,
            ];
            for change in changes {
                broken.push(seal(&keyring).await.unwrap().with_wrapped(0, change));
            }
            for other in PADDINGS.into_iter().filter(|other| *other != padding) {
                broken.push(seal(&pair_with(other, &FIRST)).await.unwrap());
            }
            let public = RsaPublicKey::from_der(&FIRST.public).unwrap();
            for len in [0, 31, 33] {
                let short = public.encrypt(padding, &vec![7; len]).unwrap();
                let change = |wrapped: &mut Vec<u8>| *wrapped = short;
                broken.push(seal(&keyring).await.unwrap().with_wrapped(0, change));
            }
            for sealed in broken {
                let error = sealed.refusal(&keyring).await;
                assert_eq!(
                    format!("{error:?}"),
                    format!("{:?}", expected_refusal()),
                    "{padding:?}"
                );
            }
        }
    }

    fn expected_refusal() -> KeyringError {
        let kind = KeyringErrorKind::InvalidEncryptedDataKey;
        let attempt = KeyringError::new(kind)
            .in_keyring("raw-rsa")
            .with_key("name");
        KeyringError::from_attempts(vec![attempt]).in_keyring("raw-rsa")
    }

    /// Wraps nothing, and says that it wrapped a key of zeros.
    #[derive(Debug)]
    struct Zeros;

    impl Keyring for Zeros {
        fn name(&self) -> &str {
            "zeros"
        }

        fn binding(&self) -> KeyBinding {
            KeyBinding::PublicKey
        }

        fn on_encrypt<'a>(&'a self, _: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
            let key = IntermediateKey::from_slice(&[0; 32]).unwrap();
            let wrapped = WrappedKey::new("ns", "name", vec![0; 256], key);
            future::OnEncrypt::ready(Ok(vec![wrapped]))
        }

        fn on_decrypt<'a>(&'a self, _: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
            future::OnDecrypt::ready(Ok(Unwrapped::NotMine))
        }
    }

    #[tokio::test]
    async fn takes_no_known_key_for_one_that_does_not_unpad() {
        let sealed = seal(&Zeros).await.unwrap();
        for padding in PADDINGS {
            let kind = attempt(&sealed, &pair_with(padding, &FIRST)).await;
            assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
        }
    }

    #[tokio::test]
    async fn refuses_another_context() {
        let mut sealed = seal(&pair()).await.unwrap();
        sealed.context = seal_with(&pair(), [].into()).await.unwrap().context;
        let kind = attempt(&sealed, &pair()).await;
        assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
    }

    #[tokio::test]
    async fn goes_on_behind_foreign_and_broken_encrypted_data_keys() {
        let mut sealed = seal(&pair()).await.unwrap();
        let broken = seal(&pair_with(OAEP, &SECOND)).await.unwrap();
        let foreign = seal(&pair()).await.unwrap().with_info(0, "name2");
        sealed.edks.splice(0..0, broken.edks);
        sealed.edks.splice(0..0, foreign.edks);
        assert_eq!(sealed.assert_opens(&pair()).await, 2);
    }

    #[test]
    fn refuses_keys_and_names_that_do_not_fit() {
        let public = |namespace: &str, name: &str, key: &[u8]| {
            RawRsaKeyring::from_public_key(namespace, name, OAEP, key).map(drop)
        };
        for namespace in ["aws-kms", "aws-kms-rsa"] {
            assert!(public(namespace, "name", &FIRST.public).is_err());
        }
        assert!(public("ns", &"n".repeat(65_535), &FIRST.public).is_ok());
        assert!(public("ns", &"n".repeat(65_536), &FIRST.public).is_err());
        assert!(public("ns", "name", &FIRST.private).is_err());
        assert!(public("ns", "name", b"").is_err());
        assert!(RawRsaKeyring::from_private_key("ns", "n", OAEP, &FIRST.public).is_err());
        let KeyPair { private, public } = &*FIRST;
        let mixed = RawRsaKeyring::from_key_pair("ns", "n", OAEP, &SECOND.public, private);
        assert!(mixed.unwrap_err().to_string().contains("not that of"));
        assert!(RawRsaKeyring::from_key_pair("ns", "n", OAEP, public, private).is_ok());
    }

    #[test]
    fn prints_no_key() {
        assert_eq!(
            format!("{:?}", pair()),
            r#"RawRsaKeyring { key_namespace: "ns", key_name: "name", padding: OaepSha256, can_encrypt: true, can_decrypt: true, .. }"#
        );
        assert_eq!(pair().binding(), KeyBinding::PublicKey);
    }
}
