//! Ciphertexts of symmetric keys.
//!
//! ```text
//! 1 | length of key id: 1 | key id | key version: 2 | nonce: 12 | AES-256-GCM ciphertext and tag
//! ```
//!
//! Everything before the nonce is authenticated, and so is the encryption context, each string with its
//! length before it: `{ab: c}` and `{a: bc}` are two contexts.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::error::KmsError;
use super::request::EncryptionContext;
use super::state::{Keys, Secret};

/// Encrypts with the newest version of a key.
pub(super) fn seal(
    keys: &Keys,
    id: &str,
    plaintext: &[u8],
    context: &EncryptionContext,
) -> Result<Vec<u8>, KmsError> {
    let versions = symmetric(keys, id)?;
    let newest = versions.last().ok_or_else(KmsError::internal)?;
    let version = u16::try_from(versions.len() - 1).map_err(|_| KmsError::internal())?;
    let mut blob = header(id, version)?;

    let mut sealed = plaintext.to_vec();
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, newest)
        .and_then(|key| key.seal_in_place_append_tag(aad(&blob, context), &mut sealed))
        .map_err(|_| KmsError::internal())?;
    blob.extend(nonce.as_ref());
    blob.extend(sealed);
    Ok(blob)
}

/// A ciphertext taken apart; nothing of it is authentic yet.
pub(super) struct Ciphertext<'a> {
    pub(super) key_id: &'a str,
    version: u16,
    header: &'a [u8],
    nonce: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> Ciphertext<'a> {
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, KmsError> {
        Self::split(blob).ok_or_else(KmsError::invalid_ciphertext)
    }

    fn split(blob: &'a [u8]) -> Option<Self> {
        let (&[format, id_len], rest) = blob.split_first_chunk::<2>()?;
        if format != FORMAT {
            return None;
        }
        let (id, rest) = rest.split_at_checked(usize::from(id_len))?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let (header, _) = blob.split_at_checked(blob.len() - rest.len())?;
        let key_id = std::str::from_utf8(id).ok()?;
        Some(Self {
            key_id,
            version: u16::from_be_bytes(*version),
            header,
            nonce,
            sealed,
        })
    }

    /// Decrypts with the version of the key that made it.
    pub(super) fn open(
        &self,
        keys: &Keys,
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, KmsError> {
        let version = symmetric(keys, self.key_id)?
            .get(usize::from(self.version))
            .ok_or_else(KmsError::invalid_ciphertext)?;
        let nonce = Nonce::try_assume_unique_for_key(self.nonce)
            .map_err(|_| KmsError::invalid_ciphertext())?;
        let mut buffer = self.sealed.to_vec();
        let plaintext = RandomizedNonceKey::new(&AES_256_GCM, version)
            .and_then(|key| {
                let opened = key.open_in_place(nonce, aad(self.header, context), &mut buffer)?;
                Ok(opened.to_vec())
            })
            .map_err(|_| KmsError::invalid_ciphertext())?;
        Ok(plaintext)
    }
}

fn symmetric<'a>(keys: &'a Keys, id: &str) -> Result<&'a [[u8; 32]], KmsError> {
    match &keys.material(id)?.secret {
        Secret::Aes(versions) => Ok(versions),
        _ => Err(KmsError::invalid_key_usage(
            "the key is not a symmetric encryption key",
        )),
    }
}

fn header(id: &str, version: u16) -> Result<Vec<u8>, KmsError> {
    let id_len = u8::try_from(id.len()).map_err(|_| KmsError::internal())?;
    let mut header = vec![FORMAT, id_len];
    header.extend(id.as_bytes());
    header.extend(version.to_be_bytes());
    Ok(header)
}

fn aad(header: &[u8], context: &EncryptionContext) -> Aad<Vec<u8>> {
    let mut bytes = header.to_vec();
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    Aad::from(bytes)
}

const FORMAT: u8 = 1;
