//! Where random bytes come from, so that a vector can fix them.

use std::fmt;

/// The random source failed; nothing may be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RandomFailure;

/// A source of random bytes. Production code has one: [`SystemRandom`].
pub(crate) trait Random: fmt::Debug + Send + Sync {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailure>;
}

/// The operating system's generator, by way of AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailure> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| RandomFailure)
    }
}

/// Counts up from a seed, for vectors that fix every random byte.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct FixedRandom(std::sync::atomic::AtomicU64);

#[cfg(test)]
impl FixedRandom {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.into())
    }
}

#[cfg(test)]
impl Random for FixedRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomFailure> {
        use sha2::{Digest, Sha512};
        for chunk in bytes.chunks_mut(64) {
            let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            chunk.copy_from_slice(&Sha512::digest(n.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}
