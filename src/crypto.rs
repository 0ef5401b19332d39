//! The only room that names a crypto crate.
//!
//! Everything here works on fixed-size keys and byte slices and knows nothing of items. Failures to
//! authenticate are [`Unauthentic`], which carries nothing.

pub(crate) mod aead;
pub(crate) mod ecdh;
pub(crate) mod hash;
pub(crate) mod kdf;
pub(crate) mod mac;
pub(crate) mod random;
pub(crate) mod rsa;
pub(crate) mod signature;

/// A tag, a signature or a commitment did not match. There is nothing more to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unauthentic;
