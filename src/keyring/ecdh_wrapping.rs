//! How ECDH keyrings wrap an intermediate key under a secret that two parties agreed on.

use super::{EncryptedDataKey, IntermediateKey, KeyringErrorKind, WrappedKey};
use crate::context::EncryptionContext;
use crate::crypto::Unauthentic;
use crate::crypto::aead::{AeadKey, NONCE_LEN, TAG_LEN};
use crate::crypto::ecdh::{EcdhCurve, EcdhPublicKey, SharedSecret};
use crate::crypto::kdf::kdf_counter_sha384;
use crate::crypto::mac::verify_equal;
use crate::crypto::random::{Random, RandomFailure};
use crate::cursor::Cursor;
use crate::secret::Secret;

/// The provider id of keys that were agreed on with a local private key.
pub(crate) const RAW_PROVIDER_ID: &str = "raw-ecdh";
/// The provider id of keys that KMS agreed on.
pub(crate) const KMS_PROVIDER_ID: &str = "aws-kms-ecdh";

const VERSION: u8 = 1;
const SALT_LEN: usize = 32;
const COMMITMENT_LEN: usize = 32;
const CIPHERTEXT_LEN: usize = IntermediateKey::LEN + TAG_LEN;
const WRAPPED_LEN: usize = SALT_LEN + COMMITMENT_LEN + CIPHERTEXT_LEN;

/// Each derived key encrypts one intermediate key, once.
const NONCE: [u8; NONCE_LEN] = [0; NONCE_LEN];

/// The compressed points of those who agreed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Parties<'a> {
    pub(super) sender: &'a [u8],
    pub(super) recipient: &'a [u8],
}

impl<'a> Parties<'a> {
    pub(super) fn new(sender: &'a EcdhPublicKey, recipient: &'a EcdhPublicKey) -> Self {
        Self {
            sender: sender.compressed(),
            recipient: recipient.compressed(),
        }
    }

    /// Who an encrypted data key says its parties are, if an ECDH keyring of either kind made it: one
    /// party may have its key in KMS, and the other one not.
    pub(super) fn of(encrypted_data_key: &'a EncryptedDataKey) -> Option<Self> {
        match encrypted_data_key.provider_id() {
            RAW_PROVIDER_ID | KMS_PROVIDER_ID => Self::parse(encrypted_data_key.provider_info()),
            _ => None,
        }
    }

    fn parse(info: &'a [u8]) -> Option<Self> {
        let mut info = Cursor::new("provider info", info);
        if info.u8().ok()? != VERSION {
            return None;
        }
        let recipient = info.u32_prefixed().ok()?;
        let sender = info.u32_prefixed().ok()?;
        info.finish().ok()?;
        Some(Self { sender, recipient })
    }

    /// The same with sender and recipient exchanged.
    pub(super) fn turned(self) -> Self {
        Self {
            sender: self.recipient,
            recipient: self.sender,
        }
    }

    /// The sender's point, if it is one on this curve, and compressed.
    pub(super) fn sender_key(self, curve: EcdhCurve) -> Result<EcdhPublicKey, Unauthentic> {
        let key = EcdhPublicKey::parse(curve, self.sender);
        let key = key.filter(|key| key.compressed() == self.sender);
        key.ok_or(Unauthentic)
    }

    /// `version ‖ u32 length ‖ recipient ‖ u32 length ‖ sender`.
    fn provider_info(self) -> Vec<u8> {
        let mut info = vec![VERSION];
        for point in [self.recipient, self.sender] {
            let len = u32::try_from(point.len()).expect("a point has at most 67 bytes");
            info.extend_from_slice(&len.to_be_bytes());
            info.extend_from_slice(point);
        }
        info
    }

    /// What the wrapping binds: curve, parties and context.
    fn fixed_info(self, curve: EcdhCurve, context: &EncryptionContext) -> Vec<u8> {
        [
            b"ecdh-key-derivation\0",
            curve.name().as_bytes(),
            b"\0HMAC_SHA384\0",
            self.sender,
            self.recipient,
            &[0, VERSION, 0],
            context.as_keyring_aad(),
        ]
        .concat()
    }
}

/// What is derived from the secret for one intermediate key.
struct Derived {
    commitment: [u8; COMMITMENT_LEN],
    wrapping_key: AeadKey,
}

impl Derived {
    fn new(secret: &SharedSecret, fixed_info: &[u8], salt: &[u8; SALT_LEN]) -> Self {
        let Ok(keys) = Secret::<64>::fill_with(|keys| {
            kdf_counter_sha384(secret.expose(), fixed_info, salt, keys);
            Ok::<_, std::convert::Infallible>(())
        });
        let (commitment, wrapping_key) = halves(keys.expose());
        Self {
            commitment: *commitment,
            wrapping_key: AeadKey::aes256(wrapping_key),
        }
    }
}

fn halves(bytes: &[u8; 64]) -> (&[u8; 32], &[u8; 32]) {
    let first = bytes.first_chunk().expect("64 bytes have 32 first ones");
    let last = bytes.last_chunk().expect("64 bytes have 32 last ones");
    (first, last)
}

/// Makes an intermediate key and its wrapped form. Random bytes are drawn in this order: key, salt.
pub(super) fn wrap(
    provider_id: &'static str,
    curve: EcdhCurve,
    parties: Parties<'_>,
    secret: &SharedSecret,
    context: &EncryptionContext,
    random: &dyn Random,
) -> Result<WrappedKey, KeyringErrorKind> {
    let no_random = |RandomFailure| KeyringErrorKind::Randomness;
    let key = IntermediateKey::fill_with(|key| random.fill(key)).map_err(no_random)?;
    let mut salt = [0; SALT_LEN];
    random.fill(&mut salt).map_err(no_random)?;

    let fixed_info = parties.fixed_info(curve, context);
    let derived = Derived::new(secret, &fixed_info, &salt);
    let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
    wrapped.extend_from_slice(&salt);
    wrapped.extend_from_slice(&derived.commitment);
    derived
        .wrapping_key
        .seal_to(&NONCE, &fixed_info, key.expose(), &mut wrapped)
        .map_err(|Unauthentic| KeyringErrorKind::Other)?;
    let info = parties.provider_info();
    Ok(WrappedKey::new(provider_id, info, wrapped, key))
}

/// Whether this can be a wrapped intermediate key at all: to be asked before KMS is.
pub(super) fn check_len(wrapped: &[u8]) -> Result<(), Unauthentic> {
    if wrapped.len() == WRAPPED_LEN {
        Ok(())
    } else {
        Err(Unauthentic)
    }
}

/// Recovers an intermediate key; the parties are those that the encrypted data key names.
pub(super) fn unwrap(
    curve: EcdhCurve,
    parties: Parties<'_>,
    secret: &SharedSecret,
    context: &EncryptionContext,
    wrapped: &[u8],
) -> Result<IntermediateKey, Unauthentic> {
    let (salt, rest) = wrapped.split_first_chunk().ok_or(Unauthentic)?;
    let (commitment, sealed) = rest.split_first_chunk().ok_or(Unauthentic)?;
    let fixed_info = parties.fixed_info(curve, context);
    let derived = Derived::new(secret, &fixed_info, salt);
    verify_equal(&derived.commitment, commitment)?;
    // A ciphertext of another length fails as one that does not authenticate.
    IntermediateKey::fill_with(|key| {
        derived
            .wrapping_key
            .open_to(&NONCE, &fixed_info, sealed, key)
    })
}
