//! HMAC: the header commitment (SHA-512, truncated) and recipient tags (SHA-384).

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::{Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::Unauthentic;

/// The first 32 bytes of HMAC-SHA-512.
pub(crate) fn hmac_sha512_256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha512>>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    let full: [u8; 64] = mac.finalize().into_bytes().into();
    *full.first_chunk().expect("64 bytes have 32 first ones")
}

/// Compares in constant time.
pub(crate) fn verify_equal(expected: &[u8; 32], received: &[u8; 32]) -> Result<(), Unauthentic> {
    if bool::from(expected.ct_eq(received)) {
        Ok(())
    } else {
        Err(Unauthentic)
    }
}

pub(crate) fn hmac_sha384(key: &[u8; 32], message: &[u8]) -> [u8; 48] {
    keyed_sha384(key, message).finalize().into_bytes().into()
}

/// Verifies in constant time.
pub(crate) fn verify_hmac_sha384(
    key: &[u8; 32],
    message: &[u8],
    tag: &[u8; 48],
) -> Result<(), Unauthentic> {
    keyed_sha384(key, message)
        .verify(tag.into())
        .map_err(|_| Unauthentic)
}

fn keyed_sha384(key: &[u8; 32], message: &[u8]) -> Hmac<Sha384> {
    let mut mac = <Hmac<Sha384>>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
}
