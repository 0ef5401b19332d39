//! Branch keys: how the hierarchical keyring wraps an intermediate key.

use std::fmt;

use zeroize::Zeroizing;

use super::{IntermediateKey, WrappedKey};
use crate::context::EncryptionContext;
use crate::crypto::Unauthentic;
use crate::crypto::aead::{AeadKey, NONCE_LEN, TAG_LEN};
use crate::crypto::kdf::kdf_counter_sha256;
use crate::crypto::random::{Random, RandomFailure};
use crate::secret::Secret;

/// Provider id, KDF label and first part of the AAD.
pub(super) const PROVIDER_ID: &str = "aws-kms-hierarchy";

const SALT_LEN: usize = 16;
const VERSION_LEN: usize = 16;
const CIPHERTEXT_LEN: usize = IntermediateKey::LEN + TAG_LEN;
const WRAPPED_LEN: usize = SALT_LEN + NONCE_LEN + VERSION_LEN + CIPHERTEXT_LEN;

/// A version of a branch key: the 16 bytes of its UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BranchKeyVersion([u8; VERSION_LEN]);

impl BranchKeyVersion {
    /// Parses the text form: 32 hex digits in groups of 8, 4, 4, 4 and 12.
    pub(super) fn parse(text: &str) -> Option<Self> {
        const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
        let groups: Vec<&str> = text.split('-').collect();
        let lengths = groups.iter().map(|group| group.len());
        if !lengths.eq(GROUPS) {
            return None;
        }
        let digits: Option<Vec<u8>> = groups.concat().chars().map(hex_digit).collect();
        let digits = digits?;
        let mut version = [0; VERSION_LEN];
        for (byte, pair) in version.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Some(Self(version))
    }
}

fn hex_digit(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|digit| digit.try_into().ok())
}

impl fmt::Display for BranchKeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, byte) in self.0.iter().enumerate() {
            let dash = if matches!(n, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// The fixed layout of a wrapped intermediate key, 92 bytes.
pub(super) struct WrappedUnderBranchKey<'a> {
    salt: &'a [u8; SALT_LEN],
    nonce: &'a [u8; NONCE_LEN],
    version: BranchKeyVersion,
    /// Ciphertext and tag.
    sealed: &'a [u8],
}

impl<'a> WrappedUnderBranchKey<'a> {
    pub(super) fn parse(wrapped: &'a [u8]) -> Option<Self> {
        if wrapped.len() != WRAPPED_LEN {
            return None;
        }
        let (salt, rest) = wrapped.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (version, sealed) = rest.split_first_chunk()?;
        Some(Self {
            salt,
            nonce,
            version: BranchKeyVersion(*version),
            sealed,
        })
    }

    /// Which version to fetch.
    pub(super) fn version(&self) -> BranchKeyVersion {
        self.version
    }
}

/// One version of a branch key, in clear.
pub(super) struct BranchKey {
    id: String,
    version: BranchKeyVersion,
    key: Secret<32>,
}

impl BranchKey {
    pub(super) fn new(id: String, version: BranchKeyVersion, key: Secret<32>) -> Self {
        Self { id, version, key }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn version(&self) -> BranchKeyVersion {
        self.version
    }

    /// Makes an intermediate key and its wrapped form. Random bytes are drawn in this order: key,
    /// salt, nonce.
    pub(super) fn wrap(
        &self,
        context: &EncryptionContext,
        random: &dyn Random,
    ) -> Result<WrappedKey, RandomFailure> {
        let key = IntermediateKey::fill_with(|key| random.fill(key))?;
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt)?;
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;

        let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
        wrapped.extend_from_slice(&salt);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(&self.version.0);
        self.derive(&salt)
            .seal_to(&nonce, &self.aad(context), key.expose(), &mut wrapped)
            .expect("32 bytes are far below the limit of AES-GCM");
        Ok(WrappedKey::new(PROVIDER_ID, self.id.as_str(), wrapped, key))
    }

    /// Recovers the intermediate key; `wrapped` must be of this version.
    pub(super) fn unwrap(
        &self,
        context: &EncryptionContext,
        wrapped: &WrappedUnderBranchKey<'_>,
    ) -> Result<IntermediateKey, Unauthentic> {
        let wrapping_key = self.derive(wrapped.salt);
        let aad = self.aad(context);
        IntermediateKey::fill_with(|key| {
            wrapping_key.open_to(wrapped.nonce, &aad, wrapped.sealed, key)
        })
    }

    fn derive(&self, salt: &[u8; SALT_LEN]) -> AeadKey {
        let mut key = Zeroizing::new([0; 32]);
        kdf_counter_sha256(self.key.expose(), PROVIDER_ID.as_bytes(), salt, &mut key);
        AeadKey::aes256(&key)
    }

    /// `"aws-kms-hierarchy" ‖ id ‖ version ‖ encryption context`.
    fn aad(&self, context: &EncryptionContext) -> Vec<u8> {
        let parts = [
            PROVIDER_ID.as_bytes(),
            self.id.as_bytes(),
            &self.version.0,
            context.as_keyring_aad(),
        ];
        parts.concat()
    }
}
