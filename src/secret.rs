//! Secrets: newtypes that are wiped on drop and cannot be printed, compared or copied by accident.

mod redacted;

pub use redacted::{Hidden, Redacted};

use std::fmt;
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

/// `N` secret bytes in one place on the heap, wiped when dropped.
///
/// On the heap, because moving an inline array leaves copies on the stack that nobody wipes.
pub(crate) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Builds the secret in place; `fill` is handed `N` zero bytes.
    pub(crate) fn fill_with<E>(
        fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0)?;
        Ok(secret)
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The plaintext data key of one item: 32 bytes that KMS never sees.
pub(crate) struct DataKey(pub(crate) Secret<32>);

/// The HMAC key of one recipient's tag.
pub(crate) struct SymmetricSigningKey(pub(crate) Secret<32>);

/// A key that a keyring made, or recovered, for one recipient of one item.
///
/// The data key is wrapped under it, and the recipient's tag is made with a key derived from it.
/// Keyrings hand these out and never see a data key (MPL, "intermediate key wrapping"). Clones share
/// one copy, which is wiped when the last of them is dropped.
#[derive(Clone)]
pub struct IntermediateKey(Arc<Zeroizing<[u8; Self::LEN]>>);

impl IntermediateKey {
    /// Bytes in an intermediate key.
    pub const LEN: usize = 32;

    /// Builds a key in place: `fill` is handed 32 zero bytes.
    ///
    /// # Errors
    ///
    /// Whatever `fill` returns.
    ///
    /// ```
    /// use dynaseal::keyring::IntermediateKey;
    /// let key = IntermediateKey::fill_with(|bytes| {
    ///     bytes.copy_from_slice(&[7; 32]);
    ///     Ok::<_, std::convert::Infallible>(())
    /// })?;
    /// assert_eq!(format!("{key:?}"), "IntermediateKey([redacted])");
    /// # Ok::<_, std::convert::Infallible>(())
    /// ```
    pub fn fill_with<E>(
        fill: impl FnOnce(&mut [u8; Self::LEN]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut key = Arc::new(Zeroizing::new([0; Self::LEN]));
        if let Some(bytes) = Arc::get_mut(&mut key) {
            fill(bytes)?;
        }
        Ok(Self(key))
    }

    /// Copies a key out of bytes that somebody else owns, if there are exactly 32 of them.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Self::fill_with(|key| {
            if bytes.len() != key.len() {
                return Err(());
            }
            key.copy_from_slice(bytes);
            Ok(())
        })
        .ok()
    }

    /// The bytes, for keyrings that wrap them.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// The plaintext of a key that KMS made or opened: 32 bytes. Clones share one copy, which is wiped when
/// the last of them is dropped.
#[derive(Clone)]
pub(crate) struct KmsPlaintext(IntermediateKey);

impl KmsPlaintext {
    /// Copies a key out of an answer, if it has exactly 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        IntermediateKey::from_slice(bytes).map(Self)
    }

    pub(crate) fn expose(&self) -> &[u8; IntermediateKey::LEN] {
        self.0.expose()
    }

    /// The same key, to be used as an intermediate key.
    pub(crate) fn into_intermediate_key(self) -> IntermediateKey {
        self.0
    }
}

impl fmt::Debug for IntermediateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntermediateKey([redacted])")
    }
}
