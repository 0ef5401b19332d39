//! Wrapping of the data key under an intermediate key (MPL, "intermediate key wrapping").

use std::convert::Infallible;

use crate::crypto::Unauthentic;
use crate::crypto::aead::{AeadKey, NONCE_LEN};
use crate::crypto::kdf::HkdfSha512;
use crate::format::encrypted_data_key::WRAPPED_DATA_KEY_LEN;
use crate::secret::{DataKey, IntermediateKey, Secret, SymmetricSigningKey};

const MAC_LABEL: &[u8] = b"AWS_MPL_INTERMEDIATE_KEYWRAP_MAC";
const ENC_LABEL: &[u8] = b"AWS_MPL_INTERMEDIATE_KEYWRAP_ENC";

/// Fixed by the format. Sound, because a key encryption key is derived from an intermediate key
/// that is made for one item and used once.
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// The two keys that an intermediate key stands for.
pub(super) struct DerivedKeys {
    pub(super) symmetric_signing_key: SymmetricSigningKey,
    key_encryption_key: Secret<32>,
}

impl DerivedKeys {
    pub(super) fn derive(intermediate_key: &IntermediateKey) -> Self {
        let hkdf = HkdfSha512::extract(intermediate_key.expose());
        let expand = |label| {
            let Ok(key) = Secret::fill_with(|key| {
                hkdf.expand(&[label], key);
                Ok::<_, Infallible>(())
            });
            key
        };
        Self {
            symmetric_signing_key: SymmetricSigningKey(expand(MAC_LABEL)),
            key_encryption_key: expand(ENC_LABEL),
        }
    }

    /// Expanded where it is used: a key schedule that moves may leave itself behind on the stack.
    fn cipher(&self) -> AeadKey {
        AeadKey::aes256(self.key_encryption_key.expose())
    }

    /// Appends ciphertext and tag of the data key to `out`.
    pub(super) fn wrap(
        &self,
        data_key: &DataKey,
        aad: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Unauthentic> {
        // Encrypted in place after the copy, so the plaintext does not stay behind.
        self.cipher().seal_to(&NONCE, aad, data_key.0.expose(), out)
    }

    pub(super) fn unwrap(
        &self,
        wrapped: &[u8; WRAPPED_DATA_KEY_LEN],
        aad: &[u8],
    ) -> Result<DataKey, Unauthentic> {
        Secret::fill_with(|key| self.cipher().open_to(&NONCE, aad, wrapped, key)).map(DataKey)
    }
}
