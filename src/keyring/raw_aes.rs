//! The keyring of an AES key that the caller holds.

use std::fmt;
use std::sync::Arc;

use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, IntermediateKey, KeyBinding};
use super::{
    Keyring, KeyringError, KeyringErrorKind, Opened, Unwrapped, WrappedKey, future, unopened,
};
use crate::crypto::aead::{AeadKey, NONCE_LEN, TAG_LEN};
use crate::crypto::random::{Random, SystemRandom};
use crate::error::ConfigError;

/// Wraps and unwraps under a local AES key of 128, 192 or 256 bits.
///
/// Whoever holds the key can open items, and forge them. For tests, vectors and programs without
/// KMS.
///
/// ```
/// use dynaseal::RawAesKeyring;
///
/// let keyring = RawAesKeyring::new("my-namespace", "my-key", [7; 32])?;
/// assert!(RawAesKeyring::new("my-namespace", "my-key", [7; 31]).is_err());
/// # Ok::<_, dynaseal::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RawAesKeyring {
    // One shared key schedule: expanded once, and not copied by clones.
    inner: Arc<Inner>,
    random: Arc<dyn Random>,
}

struct Inner {
    key_namespace: String,
    key_name: String,
    /// The provider info but for the nonce at its end.
    info: Vec<u8>,
    wrapping_key: AeadKey,
}

impl RawAesKeyring {
    const NAME: &str = "raw-aes";
    /// Ciphertext and tag of an intermediate key.
    const WRAPPED_LEN: usize = IntermediateKey::LEN + TAG_LEN;

    /// A keyring for a key of 16, 24 or 32 bytes.
    ///
    /// Items carry namespace and name in clear; they say which key to use. The caller's copy of the
    /// key is the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for another key length, for a namespace that begins with `aws-kms`, which is
    /// reserved for KMS keyrings, and for names too long to be stored.
    pub fn new(
        key_namespace: impl Into<String>,
        key_name: impl Into<String>,
        wrapping_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let (key_namespace, key_name) = (key_namespace.into(), key_name.into());
        check_namespace(&key_namespace)?;
        let info = provider_info(&key_name);
        let longest = key_namespace.len().max(info.len() + NONCE_LEN);
        if longest > usize::from(u16::MAX) {
            return Err(ConfigError::new(
                "key namespace and key name must be shorter than 65,500 bytes",
            ));
        }
        let wrapping_key = AeadKey::from_slice(wrapping_key.as_ref()).ok_or_else(|| {
            ConfigError::new("an AES wrapping key has 16, 24 or 32 bytes, and this one does not")
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                key_namespace,
                key_name,
                info,
                wrapping_key,
            }),
            random: Arc::new(SystemRandom),
        })
    }

    /// Fixes the random bytes, so that a vector can be frozen: first the key, then the nonce.
    #[cfg(test)]
    pub(crate) fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let Inner {
            key_namespace,
            info,
            wrapping_key,
            ..
        } = &*self.inner;
        let no_random = |_| self.error(KeyringErrorKind::Randomness);
        let key = IntermediateKey::fill_with(|key| self.random.fill(key)).map_err(no_random)?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(no_random)?;

        let aad = request.context().as_keyring_aad();
        let mut wrapped = Vec::with_capacity(Self::WRAPPED_LEN);
        wrapping_key
            .seal_to(&nonce, aad, key.expose(), &mut wrapped)
            .map_err(|_| self.error(KeyringErrorKind::Other))?;
        let mut provider_info = Vec::with_capacity(info.len() + NONCE_LEN);
        provider_info.extend_from_slice(info);
        provider_info.extend_from_slice(&nonce);
        let wrapped = WrappedKey::new(key_namespace, provider_info, wrapped, key);
        Ok(vec![wrapped])
    }

    fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        for edk in request.encrypted_data_keys() {
            let Some(nonce) = self.nonce_of(edk) else {
                continue;
            };
            match self.open(request, edk, nonce) {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        unopened(attempts, Self::NAME)
    }

    /// The nonce in the provider info, if this key made the encrypted data key.
    fn nonce_of<'a>(&self, edk: &'a EncryptedDataKey) -> Option<&'a [u8; NONCE_LEN]> {
        if edk.provider_id() != self.inner.key_namespace {
            return None;
        }
        let nonce = edk.provider_info().strip_prefix(&*self.inner.info)?;
        nonce.try_into().ok()
    }

    fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
        nonce: &[u8; NONCE_LEN],
    ) -> Result<Opened, KeyringError> {
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        let aad = request.context().as_keyring_aad();
        // A ciphertext of another length fails as one that does not authenticate.
        let key = IntermediateKey::fill_with(|key| {
            self.inner.wrapping_key.open_to(nonce, aad, wrapped, key)
        });
        let key = key.map_err(|_| self.error(KeyringErrorKind::InvalidEncryptedDataKey))?;
        let opened = request.open(edk, &key).map_err(|error| self.place(error))?;
        Ok(opened
            .in_keyring(Self::NAME)
            .with_key(&*self.inner.key_name))
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        error.in_keyring(Self::NAME).with_key(&*self.inner.key_name)
    }
}

/// KMS keyrings take an encrypted data key for theirs by its provider id.
pub(super) fn check_namespace(key_namespace: &str) -> Result<(), ConfigError> {
    if key_namespace.starts_with("aws-kms") {
        return Err(ConfigError::new(
            "key namespaces that begin with `aws-kms` are reserved for KMS keyrings",
        ));
    }
    Ok(())
}

/// `name ‖ u32(tag length in bits) ‖ u32(nonce length in bytes)`; the nonce follows.
fn provider_info(key_name: &str) -> Vec<u8> {
    const TAG_BITS: u32 = 128;
    const NONCE_BYTES: u32 = 12;
    const { assert!(TAG_LEN == 16 && NONCE_LEN == 12) };
    let mut info = key_name.as_bytes().to_vec();
    info.extend_from_slice(&TAG_BITS.to_be_bytes());
    info.extend_from_slice(&NONCE_BYTES.to_be_bytes());
    info
}

impl Keyring for RawAesKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::ready(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::ready(self.unwrap(request))
    }
}

impl fmt::Debug for RawAesKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawAesKeyring")
            .field("key_namespace", &self.inner.key_namespace)
            .field("key_name", &self.inner.key_name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::FixedRandom;
    use crate::keyring::test_support::{seal, seal_with};

    fn keyring(namespace: &str, name: &str, key: u8) -> RawAesKeyring {
        RawAesKeyring::new(namespace, name, [key; 32]).unwrap()
    }

    #[tokio::test]
    async fn writes_the_layout_of_the_specification() {
        let keyring = keyring("ns", "name", 1).with_random(Arc::new(FixedRandom::new(0)));
        let sealed = seal(&keyring).await.unwrap();
        let [edk] = &sealed.edks[..] else {
            panic!("one recipient")
        };
        assert_eq!(edk.provider_id(), "ns");
        let (info, nonce) = edk.provider_info().split_at(12);
        assert_eq!(info, b"name\0\0\0\x80\0\0\0\x0c");
        let mut expected = [0; 12];
        let random = FixedRandom::new(0);
        random.fill(&mut [0; 32]).unwrap();
        random.fill(&mut expected).unwrap();
        assert_eq!(nonce, expected, "the key is drawn first");
        assert_eq!(edk.wrapped_intermediate_key().unwrap().len(), 48);
    }

    #[tokio::test]
    async fn opens_what_it_sealed_with_keys_of_every_size() {
        for len in [16, 24, 32] {
            let keyring = RawAesKeyring::new("ns", "name", vec![5; len]).unwrap();
            seal(&keyring).await.unwrap().assert_opens(&keyring).await;
            let empty = seal_with(&keyring, [].into()).await.unwrap();
            empty.assert_opens(&keyring).await;
        }
    }

    #[tokio::test]
    async fn does_not_recognise_another_namespace_or_name() {
        let sealed = seal(&keyring("ns", "name", 1)).await.unwrap();
        for (namespace, name) in [("ns2", "name"), ("ns", "name2"), ("ns", "nam"), ("ns", "")] {
            sealed.assert_not_mine(&keyring(namespace, name, 1)).await;
        }
    }

    #[tokio::test]
    async fn reports_another_key_of_the_same_name_as_invalid() {
        let sealed = seal(&keyring("ns", "name", 1)).await.unwrap();
        let error = sealed.refusal(&keyring("ns", "name", 2)).await;
        assert_eq!(
            error.to_string(),
            "raw-aes: every attempt failed: raw-aes name: encrypted data key is malformed or does not authenticate"
        );
    }

    #[tokio::test]
    async fn refuses_changed_and_cut_ciphertexts() {
        let keyring = keyring("ns", "name", 1);
        let changes: [fn(&mut Vec<u8>); 4] = [
            |wrapped| wrapped[0] ^= 1,
            |wrapped| wrapped.push(0),
            |wrapped| wrapped.truncate(47),
            Vec::clear,
        ];
        for change in changes {
            let sealed = seal(&keyring).await.unwrap().with_wrapped(0, change);
            let error = sealed.refusal(&keyring).await;
            let kind = error.attempts()[0].kind();
            assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
        }
    }

    #[tokio::test]
    async fn tries_every_key_of_its_name() {
        let ours = keyring("ns", "name", 1);
        let mut sealed = seal(&ours).await.unwrap();
        let other = seal(&keyring("ns", "name", 2)).await.unwrap();
        sealed.edks.splice(0..0, other.edks);
        assert_eq!(sealed.assert_opens(&ours).await, 1);
    }

    #[test]
    fn refuses_reserved_namespaces_and_lengths_that_do_not_fit() {
        for namespace in ["aws-kms", "aws-kms-hierarchy"] {
            assert!(RawAesKeyring::new(namespace, "n", [0; 32]).is_err());
        }
        let long = "n".repeat(65_535);
        assert!(RawAesKeyring::new(&long, "n", [0; 32]).is_ok());
        assert!(RawAesKeyring::new("ns", &long[..65_515], [0; 32]).is_ok());
        assert!(RawAesKeyring::new("ns", &long[..65_516], [0; 32]).is_err());
        assert!(RawAesKeyring::new("ns", "n", [0; 20]).is_err());
    }

    #[test]
    fn prints_no_key() {
        let keyring = keyring("ns", "name", 0xab);
        assert_eq!(
            format!("{keyring:?}"),
            r#"RawAesKeyring { key_namespace: "ns", key_name: "name", .. }"#
        );
    }
}
