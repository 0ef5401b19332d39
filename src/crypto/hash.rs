//! SHA-384, fed in place.

use sha2::{Digest, Sha384};

/// A running SHA-384.
pub(crate) struct Sha384Hasher(Sha384);

impl Sha384Hasher {
    pub(crate) fn new() -> Self {
        Self(Sha384::new())
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 48] {
        self.0.finalize().into()
    }
}
