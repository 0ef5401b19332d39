//! Encrypted data keys: one per recipient.

use std::fmt;

use crate::cursor::{Cursor, put_u16_prefixed};
use crate::error::Malformed;

/// The data key of one item, wrapped for one recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedDataKey {
    provider_id: String,
    provider_info: Vec<u8>,
    ciphertext: Vec<u8>,
}

/// Ciphertext and tag of the data key under the intermediate key.
pub(crate) const WRAPPED_DATA_KEY_LEN: usize = 48;

impl EncryptedDataKey {
    pub(crate) fn new(provider_id: String, provider_info: Vec<u8>, ciphertext: Vec<u8>) -> Self {
        Self {
            provider_id,
            provider_info,
            ciphertext,
        }
    }

    /// Which kind of keyring made it: `aws-kms`, or the namespace of a raw keyring.
    #[must_use]
    pub fn provider_id(&self) -> &str {
        &self.provider_id
    }

    /// Which key: a key ARN under KMS keyrings.
    #[must_use]
    pub fn provider_info(&self) -> &[u8] {
        &self.provider_info
    }

    /// The wrapped data key, and what the keyring wrapped.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// What the keyring itself wrapped: the intermediate key. `None` if the bytes are too few to
    /// hold a wrapped data key before it.
    #[must_use]
    pub fn wrapped_intermediate_key(&self) -> Option<&[u8]> {
        self.ciphertext.get(WRAPPED_DATA_KEY_LEN..)
    }

    /// The data key under the intermediate key: ciphertext and tag.
    pub(crate) fn wrapped_data_key(&self) -> Option<&[u8; WRAPPED_DATA_KEY_LEN]> {
        self.ciphertext.first_chunk()
    }

    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, Malformed> {
        let provider_id = cursor.u16_prefixed_text()?.to_owned();
        let provider_info = cursor.u16_prefixed()?.to_vec();
        let ciphertext = cursor.u16_prefixed()?.to_vec();
        Ok(Self {
            provider_id,
            provider_info,
            ciphertext,
        })
    }

    pub(crate) fn write_to(&self, out: &mut Vec<u8>) -> Option<()> {
        put_u16_prefixed(out, self.provider_id.as_bytes())?;
        put_u16_prefixed(out, &self.provider_info)?;
        put_u16_prefixed(out, &self.ciphertext)
    }

    pub(crate) fn serialized_len(&self) -> usize {
        6 + self.provider_id.len() + self.provider_info.len() + self.ciphertext.len()
    }
}

/// Shows no name of a key: that of a branch key may be a tenant.
impl fmt::Debug for EncryptedDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedDataKey")
            .field("provider_id", &self.provider_id)
            .finish_non_exhaustive()
    }
}
