//! The keyring of one branch key that never changes.

use std::fmt;
use std::sync::Arc;

use super::branch_key::{BranchKey, BranchKeyVersion, PROVIDER_ID, WrappedUnderBranchKey};
use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, KeyBinding, Keyring, KeyringError};
use super::{KeyringErrorKind, Opened, Unwrapped, WrappedKey, future};
use crate::crypto::random::{Random, SystemRandom};
use crate::error::ConfigError;
use crate::secret::Secret;

/// Wraps and unwraps under one version of one branch key, given in clear.
///
/// It reads and writes what a hierarchical keyring would with that branch key, without a key store
/// and without KMS: the key never rotates and nobody can revoke it. For vectors and tests. Most
/// users do not need this.
///
/// ```
/// use dynaseal::keyring::StaticBranchKeyKeyring;
///
/// let version = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
/// let keyring = StaticBranchKeyKeyring::new("tenant-7", version, [7; 32])?;
/// assert!(StaticBranchKeyKeyring::new("tenant-7", "1", [7; 32]).is_err());
/// # Ok::<_, dynaseal::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct StaticBranchKeyKeyring {
    branch_key: Arc<BranchKey>,
    random: Arc<dyn Random>,
}

impl StaticBranchKeyKeyring {
    const NAME: &str = "static-branch-key";

    /// A keyring for the branch key `branch_key_id` in the version with this UUID.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the id is empty or over 65,535 bytes, if the version is not a UUID, or if
    /// the key has not 32 bytes.
    pub fn new(
        branch_key_id: impl Into<String>,
        version: impl AsRef<str>,
        branch_key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let id = branch_key_id.into();
        if id.is_empty() || id.len() > usize::from(u16::MAX) {
            return Err(ConfigError::new(
                "a branch key id has between 1 and 65,535 bytes",
            ));
        }
        let version = BranchKeyVersion::parse(version.as_ref())
            .ok_or_else(|| ConfigError::new("the version of a branch key is a UUID"))?;
        let given: &[u8; 32] = branch_key
            .as_ref()
            .try_into()
            .map_err(|_| ConfigError::new("a branch key has 32 bytes"))?;
        let Ok(key) = Secret::fill_with(|key| {
            key.copy_from_slice(given);
            Ok::<_, std::convert::Infallible>(())
        });
        Ok(Self {
            branch_key: Arc::new(BranchKey::new(id, version, key)),
            random: Arc::new(SystemRandom),
        })
    }

    /// Fixes the random bytes, so that a vector can be frozen.
    #[cfg(test)]
    pub(crate) fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let wrapped = self.branch_key.wrap(request.context(), &*self.random);
        let wrapped = wrapped.map_err(|_| self.error(KeyringErrorKind::Randomness))?;
        Ok(vec![wrapped])
    }

    fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        let edks = request.encrypted_data_keys().iter();
        for edk in edks.filter(|edk| self.names_us(edk)) {
            match self.open(request, edk) {
                None => {}
                Some(Ok(opened)) => return Ok(Unwrapped::Opened(opened)),
                Some(Err(error)) => attempts.push(error),
            }
        }
        if attempts.is_empty() {
            return Ok(Unwrapped::NotMine);
        }
        Err(KeyringError::from_attempts(attempts).in_keyring(Self::NAME))
    }

    fn names_us(&self, edk: &EncryptedDataKey) -> bool {
        edk.provider_id() == PROVIDER_ID && edk.provider_info() == self.branch_key.id().as_bytes()
    }

    /// `None` if another version wrapped it: not ours, and not broken.
    fn open(
        &self,
        request: DecryptRequest<'_>,
        edk: &EncryptedDataKey,
    ) -> Option<Result<Opened, KeyringError>> {
        let invalid = || self.error(KeyringErrorKind::InvalidEncryptedDataKey);
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        let Some(wrapped) = WrappedUnderBranchKey::parse(wrapped) else {
            return Some(Err(invalid()));
        };
        if wrapped.version() != self.branch_key.version() {
            return None;
        }
        let key = self.branch_key.unwrap(request.context(), &wrapped);
        let opened = key.map_err(|_| invalid());
        let opened = opened.and_then(|key| request.open(edk, &key).map_err(|e| self.place(e)));
        Some(opened.map(|opened| opened.in_keyring(Self::NAME).with_key(self.branch_key.id())))
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        error.in_keyring(Self::NAME).with_key(self.branch_key.id())
    }
}

impl Keyring for StaticBranchKeyKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::ready(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::ready(self.unwrap(request))
    }
}

impl fmt::Debug for StaticBranchKeyKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticBranchKeyKeyring")
            .field("branch_key_id", &self.branch_key.id())
            .field("version", &self.branch_key.version().to_string())
            .finish_non_exhaustive()
    }
}
