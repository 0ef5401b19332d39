//! Branch keys: how the hierarchical keyring wraps an intermediate key.

use zeroize::Zeroizing;

use super::{EncryptedDataKey, IntermediateKey, KeyringErrorKind, WrappedKey};
use crate::context::EncryptionContext;
use crate::crypto::Unauthentic;
use crate::crypto::aead::{AeadKey, NONCE_LEN, TAG_LEN};
use crate::crypto::kdf::kdf_counter_sha256;
use crate::crypto::random::{Random, RandomFailure};
use crate::key_store::{BranchKey, BranchKeyVersion};

/// Provider id, KDF label and first part of the AAD.
pub(crate) const PROVIDER_ID: &str = "aws-kms-hierarchy";

const SALT_LEN: usize = 16;
const VERSION_LEN: usize = BranchKeyVersion::LEN;
const CIPHERTEXT_LEN: usize = IntermediateKey::LEN + TAG_LEN;
const WRAPPED_LEN: usize = SALT_LEN + NONCE_LEN + VERSION_LEN + CIPHERTEXT_LEN;

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
            version: BranchKeyVersion::from_bytes(*version),
            sealed,
        })
    }

    /// Which version to fetch.
    pub(super) fn version(&self) -> BranchKeyVersion {
        self.version
    }
}

/// The version of a branch key that an encrypted data key names, if it is one of this provider's. Nobody has
/// authenticated it.
pub(crate) fn branch_key_version(
    encrypted_data_key: &EncryptedDataKey,
) -> Option<BranchKeyVersion> {
    if encrypted_data_key.provider_id() != PROVIDER_ID {
        return None;
    }
    let wrapped = encrypted_data_key.wrapped_intermediate_key()?;
    Some(WrappedUnderBranchKey::parse(wrapped)?.version())
}

/// What the hierarchical keyring does with a branch key.
pub(super) trait Wrapping {
    /// Makes an intermediate key and its wrapped form. Random bytes are drawn in this order: key,
    /// salt, nonce.
    fn wrap(
        &self,
        context: &EncryptionContext,
        random: &dyn Random,
    ) -> Result<WrappedKey, KeyringErrorKind>;

    /// Recovers the intermediate key; `wrapped` must be of this version.
    fn unwrap(
        &self,
        context: &EncryptionContext,
        wrapped: &WrappedUnderBranchKey<'_>,
    ) -> Result<IntermediateKey, Unauthentic>;
}

impl Wrapping for BranchKey {
    fn wrap(
        &self,
        context: &EncryptionContext,
        random: &dyn Random,
    ) -> Result<WrappedKey, KeyringErrorKind> {
        let no_random = |RandomFailure| KeyringErrorKind::Randomness;
        let key = IntermediateKey::fill_with(|key| random.fill(key)).map_err(no_random)?;
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt).map_err(no_random)?;
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce).map_err(no_random)?;

        let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
        wrapped.extend_from_slice(&salt);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(self.version().as_bytes());
        derive(self, &salt)
            .seal_to(&nonce, &aad(self, context), key.expose(), &mut wrapped)
            .map_err(|Unauthentic| KeyringErrorKind::Other)?;
        Ok(WrappedKey::new(PROVIDER_ID, self.id(), wrapped, key))
    }

    fn unwrap(
        &self,
        context: &EncryptionContext,
        wrapped: &WrappedUnderBranchKey<'_>,
    ) -> Result<IntermediateKey, Unauthentic> {
        let wrapping_key = derive(self, wrapped.salt);
        let aad = aad(self, context);
        IntermediateKey::fill_with(|key| {
            wrapping_key.open_to(wrapped.nonce, &aad, wrapped.sealed, key)
        })
    }
}

fn derive(branch_key: &BranchKey, salt: &[u8; SALT_LEN]) -> AeadKey {
    let mut key = Zeroizing::new([0; 32]);
    kdf_counter_sha256(branch_key.expose(), PROVIDER_ID.as_bytes(), salt, &mut key);
    AeadKey::aes256(&key)
}

/// `"aws-kms-hierarchy" ‖ id ‖ version ‖ encryption context`.
fn aad(branch_key: &BranchKey, context: &EncryptionContext) -> Vec<u8> {
    let version = branch_key.version();
    let parts = [
        PROVIDER_ID.as_bytes(),
        branch_key.id().as_bytes(),
        version.as_bytes(),
        context.as_keyring_aad(),
    ];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Entries;
    use crate::secret::KmsPlaintext;

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        let digits: Vec<u8> = text
            .chars()
            .map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap())
            .collect();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        bytes.try_into().unwrap()
    }

    /// `decrypt_java_32.json`, test 7.
    fn worked_example() -> (BranchKey, EncryptionContext, [u8; WRAPPED_LEN]) {
        let key: [u8; 32] =
            unhex("b49c1feb97a962f52de4732242c97fea396f2f14b4b6076322ebc5cb604b2308");
        let key = KmsPlaintext::from_slice(&key).unwrap();
        let version = BranchKeyVersion::parse("e9ce18a3-edb5-4272-9f86-1cacb7997ff6").unwrap();
        let id = "bd3842ff-3076-4092-9918-4395730050b8";
        let entries = [
            ("aws-crypto-attr.RecNum", "AAIx"),
            ("aws-crypto-partition-name", "RecNum"),
            ("aws-crypto-table-name", "GazelleVectorTable"),
        ];
        let entries: Entries = entries.map(|(k, v)| (k.into(), v.into())).into();
        let wrapped = unhex(concat!(
            "0316c56124b80bf5e890d91cc5ee629f",
            "9125663de6e25def84986772",
            "e9ce18a3edb542729f861cacb7997ff6",
            "5eff943313293abd5e386d929daf73c9cac8d4ad030ed42db438b1d3687fdb09",
            "4e9f0185f7a5d345b0b1666cac2f92f8",
        ));
        (
            BranchKey::new(id.into(), version, key),
            EncryptionContext::new(entries).unwrap(),
            wrapped,
        )
    }

    const INTERMEDIATE_KEY: &str =
        "3b5074178364bef48b3db28dc0441470c1d7ea36e8cfd6f2292fdbf8ecced47c";

    #[test]
    fn derives_the_wrapping_key_of_the_worked_example() {
        let (branch_key, _, wrapped) = worked_example();
        let mut derived = [0; 32];
        let salt = &wrapped[..SALT_LEN];
        kdf_counter_sha256(
            branch_key.expose(),
            PROVIDER_ID.as_bytes(),
            salt,
            &mut derived,
        );
        let expected = unhex("a3559e1bb37dc806ede2bf471149959eff6195c930e7bf1c97ec19e87e60982f");
        assert_eq!(derived, expected);
    }

    #[test]
    fn unwraps_the_intermediate_key_of_the_worked_example() {
        let (branch_key, context, wrapped) = worked_example();
        let wrapped = WrappedUnderBranchKey::parse(&wrapped).unwrap();
        assert_eq!(wrapped.version(), branch_key.version());
        let key = branch_key.unwrap(&context, &wrapped).unwrap();
        assert_eq!(*key.expose(), unhex::<32>(INTERMEDIATE_KEY));
    }

    /// Random bytes that say what the worked example drew.
    #[derive(Debug)]
    struct Script(std::sync::Mutex<Vec<u8>>);

    impl Random for Script {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailure> {
            let mut script = self.0.lock().unwrap();
            let drawn: Vec<u8> = script.drain(..bytes.len()).collect();
            bytes.copy_from_slice(&drawn);
            Ok(())
        }
    }

    #[test]
    fn wraps_to_the_bytes_of_the_worked_example() {
        let (branch_key, context, wrapped) = worked_example();
        let drawn = [&unhex::<32>(INTERMEDIATE_KEY)[..], &wrapped[..28]].concat();
        let made = branch_key.wrap(&context, &Script(drawn.into())).unwrap();
        assert_eq!(made.wrapped(), wrapped);
    }

    #[test]
    fn refuses_every_changed_byte_and_another_context() {
        let (branch_key, context, wrapped) = worked_example();
        for n in 0..WRAPPED_LEN {
            // The version chooses the key; the other bytes are authenticated under it.
            if (28..44).contains(&n) {
                continue;
            }
            let mut changed = wrapped;
            changed[n] ^= 1;
            let changed = WrappedUnderBranchKey::parse(&changed).unwrap();
            assert!(branch_key.unwrap(&context, &changed).is_err(), "byte {n}");
        }
        let other = EncryptionContext::new(Entries::new()).unwrap();
        let wrapped = WrappedUnderBranchKey::parse(&wrapped).unwrap();
        assert!(branch_key.unwrap(&other, &wrapped).is_err());
    }

    #[test]
    fn parses_the_fixed_length_only() {
        assert!(WrappedUnderBranchKey::parse(&[0; 91]).is_none());
        assert!(WrappedUnderBranchKey::parse(&[0; 93]).is_none());
    }
}
