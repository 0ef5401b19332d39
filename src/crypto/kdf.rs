//! Key derivation: HKDF-SHA-512 (RFC 5869), the field key stream, and the KDF of branch keys.

use std::sync::LazyLock;

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// HMAC under the absent salt: two compressions that need not be done again for every key.
static NO_SALT: LazyLock<Hmac<Sha512>> = LazyLock::new(|| {
    <Hmac<Sha512>>::new_from_slice(&[0; 64]).expect("HMAC takes a key of any length")
});

/// The extracted half of HKDF-SHA-512, from which any number of keys are expanded.
pub(crate) struct HkdfSha512(Hkdf<Sha512>);

impl HkdfSha512 {
    /// Extracts with no salt, which RFC 5869 makes 64 zero bytes.
    ///
    /// By hand: `Hkdf::new` leaves the pseudorandom key in an array that it does not wipe.
    pub(crate) fn extract(input_key_material: &[u8]) -> Self {
        let mut mac = NO_SALT.clone();
        mac.update(input_key_material);
        let pseudorandom_key: Zeroizing<[u8; 64]> =
            Zeroizing::new(mac.finalize().into_bytes().into());
        Self(Hkdf::from_prk(&*pseudorandom_key).expect("64 bytes are one SHA-512 output"))
    }

    /// What [`extract_sha512`] left, to expand from.
    pub(crate) fn of_extracted(pseudorandom_key: &[u8; 64]) -> Self {
        Self(Hkdf::from_prk(pseudorandom_key).expect("64 bytes are one SHA-512 output"))
    }

    /// Expands with `info` being the concatenation of the parts.
    pub(crate) fn expand<const N: usize>(&self, info: &[&[u8]], out: &mut [u8; N]) {
        const { assert!(N <= 255 * 64, "RFC 5869 limits the output") };
        self.0
            .expand_multi_info(info, out)
            .expect("the length was checked at compile time");
    }
}

/// The extraction of HKDF-SHA-512 alone, for keys that are kept: only what is extracted stays, in the
/// place where the caller keeps it.
pub(crate) fn extract_sha512(
    salt: &[u8],
    input_key_material: &[u8; 32],
    pseudorandom_key: &mut [u8; 64],
) {
    let mut mac = <Hmac<Sha512>>::new_from_slice(salt).expect("HMAC takes a key of any length");
    mac.update(input_key_material);
    let extracted: Zeroizing<[u8; 64]> = Zeroizing::new(mac.finalize().into_bytes().into());
    pseudorandom_key.copy_from_slice(&*extracted);
}

/// The AES-256 key stream out of which every encrypted field takes its key and nonce: counter mode
/// over `"AwsDbeField" ‖ 0x2C ‖ u32(3 * ordinal)` (DB-ESDK, "Calculating cipherkey and nonce").
pub(crate) struct FieldKeyStream(Aes256);

impl FieldKeyStream {
    const LABEL: [u8; 12] = *b"AwsDbeField\x2C";
    /// Three blocks a field, and the counter has 32 bits.
    pub(crate) const MAX_FIELDS: u32 = u32::MAX / 3;

    pub(crate) fn new(field_root: &[u8; 32]) -> Self {
        Self(Aes256::new(field_root.into()))
    }

    /// The 48 bytes at `ordinal`, of which the first 44 are used; `None` past the last ordinal.
    pub(crate) fn blocks(&self, ordinal: u32) -> Option<Zeroizing<[[u8; 16]; 3]>> {
        if ordinal >= Self::MAX_FIELDS {
            return None;
        }
        let mut blocks = Zeroizing::new([[0; 16]; 3]);
        // The blocks first: a counter past the third may not exist.
        for (block, counter) in blocks.iter_mut().zip(3 * ordinal..) {
            let (label, number) = block.split_at_mut(Self::LABEL.len());
            label.copy_from_slice(&Self::LABEL);
            number.copy_from_slice(&counter.to_be_bytes());
            self.0.encrypt_block((&mut *block).into());
        }
        Some(blocks)
    }
}

/// NIST SP 800-108 in counter mode with HMAC-SHA-256, for one 32-byte output.
pub(crate) fn kdf_counter_sha256(key: &[u8; 32], label: &[u8], context: &[u8], out: &mut [u8; 32]) {
    kdf_counter::<Hmac<Sha256>, 32>(key, label, context, out);
}

/// NIST SP 800-108 in counter mode with HMAC-SHA-384: a commitment and a wrapping key, 32 bytes each.
pub(crate) fn kdf_counter_sha384(key: &[u8], label: &[u8], context: &[u8], out: &mut [u8; 64]) {
    kdf_counter::<Hmac<Sha384>, 64>(key, label, context, out);
}

/// Blocks of `PRF(key, u32(i) ‖ label ‖ 00 ‖ context ‖ u32(bits of output))`, for i from 1.
fn kdf_counter<M: Mac + KeyInit, const N: usize>(
    key: &[u8],
    label: &[u8],
    context: &[u8],
    out: &mut [u8; N],
) {
    const {
        assert!(
            N <= 1024,
            "the number of bits has 32 bits, and so has the counter"
        );
    };
    let bits = u32::try_from(N * 8).expect("checked at compile time");
    for (number, block) in (1_u32..).zip(out.chunks_mut(M::output_size())) {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
        for part in [
            &number.to_be_bytes()[..],
            label,
            &[0],
            context,
            &bits.to_be_bytes()[..],
        ] {
            mac.update(part);
        }
        let mut derived = mac.finalize().into_bytes();
        for (out, derived) in block.iter_mut().zip(&derived) {
            *out = *derived;
        }
        derived.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same stream from `hkdf`'s own extract, which we avoid only because it does not wipe.
    #[test]
    fn extracts_like_the_library_does() {
        let mut ours = [0; 42];
        HkdfSha512::extract(&[0x0b; 22]).expand(&[b"in", b"fo"], &mut ours);
        let mut theirs = [0; 42];
        Hkdf::<Sha512>::new(None, &[0x0b; 22])
            .expand(b"info", &mut theirs)
            .unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn extracts_under_a_salt_like_the_library_does() {
        let (mut extracted, mut ours) = ([0; 64], [0; 42]);
        extract_sha512(b"salt", &[0x0b; 32], &mut extracted);
        let (theirs, library) = Hkdf::<Sha512>::extract(Some(b"salt"), &[0x0b; 32]);
        assert_eq!(extracted[..], theirs[..]);
        HkdfSha512::of_extracted(&extracted).expand(&[b"info"], &mut ours);
        let mut theirs = [0; 42];
        library.expand(b"info", &mut theirs).unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn ends_the_key_stream_before_its_counter_wraps() {
        let stream = FieldKeyStream::new(&[1; 32]);
        assert!(stream.blocks(1_431_655_764).is_some());
        assert!(stream.blocks(1_431_655_765).is_none());
        assert_ne!(*stream.blocks(0).unwrap(), *stream.blocks(1).unwrap());
    }
}
