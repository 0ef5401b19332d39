//! The keyring of one branch key that never changes.

use std::fmt;
use std::sync::Arc;

use super::branch_key::{PROVIDER_ID, WrappedUnderBranchKey, Wrapping as _};
use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, KeyBinding, Keyring, KeyringError};
use super::{KeyringErrorKind, Opened, Unwrapped, WrappedKey, future, unopened};
use crate::crypto::random::{Random, SystemRandom};
use crate::error::ConfigError;
use crate::key_store::{BranchKey, BranchKeyVersion};
use crate::secret::KmsPlaintext;

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
        let key = KmsPlaintext::from_slice(branch_key.as_ref())
            .ok_or_else(|| ConfigError::new("a branch key has 32 bytes"))?;
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
        let wrapped = wrapped.map_err(|kind| self.error(kind))?;
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
        unopened(attempts, Self::NAME)
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
        Some(opened.map(|opened| opened.in_keyring(Self::NAME).with_key(self.key_name())))
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        error
            .in_keyring(Self::NAME)
            .with_key(self.key_name())
            .of_branch_key(self.branch_key.id())
    }

    fn key_name(&self) -> String {
        self.branch_key.version().record_type()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::random::FixedRandom;
    use crate::keyring::test_support::seal;

    const V1: &str = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
    const V2: &str = "00000000-0000-4000-8000-000000000002";

    fn keyring(id: &str, version: &str, key: u8) -> StaticBranchKeyKeyring {
        StaticBranchKeyKeyring::new(id, version, [key; 32]).unwrap()
    }

    #[tokio::test]
    async fn opens_what_it_sealed() {
        let keyring = keyring("tenant", V1, 1);
        let sealed = seal(&keyring).await.unwrap();
        assert_eq!(sealed.edks[0].provider_id(), "aws-kms-hierarchy");
        assert_eq!(sealed.edks[0].provider_info(), b"tenant");
        sealed.assert_opens(&keyring).await;
    }

    #[tokio::test]
    async fn does_not_recognise_another_branch_key_or_version() {
        let sealed = seal(&keyring("tenant", V1, 1)).await.unwrap();
        sealed.assert_not_mine(&keyring("other", V1, 1)).await;
        sealed.assert_not_mine(&keyring("tenant", V2, 1)).await;
    }

    #[tokio::test]
    async fn reports_what_names_it_and_does_not_open() {
        let sealed = seal(&keyring("tenant", V1, 1)).await.unwrap();
        let error = sealed.refusal(&keyring("tenant", V1, 2)).await;
        let kind = error.attempts()[0].kind();
        assert_eq!(kind, KeyringErrorKind::InvalidEncryptedDataKey);
        let cut = sealed.with_wrapped(0, |wrapped| wrapped.truncate(91));
        let error = cut.refusal(&keyring("tenant", V1, 1)).await;
        let name = format!("branch:version:{V1}");
        assert_eq!(error.attempts()[0].key(), Some(&*name));
        assert_eq!(error.branch_key_id(), Some("tenant"));
    }

    #[tokio::test]
    async fn wraps_the_same_bytes_under_the_same_random_ones() {
        let wrap = async || {
            let random = Arc::new(FixedRandom::new(3));
            let keyring = keyring("tenant", V1, 1).with_random(random);
            let edk = seal(&keyring).await.unwrap().edks.remove(0);
            edk.wrapped_intermediate_key().unwrap().to_vec()
        };
        assert_eq!(wrap().await, wrap().await);
    }

    #[test]
    fn refuses_what_cannot_be_a_branch_key() {
        assert!(StaticBranchKeyKeyring::new("", V1, [0; 32]).is_err());
        assert!(StaticBranchKeyKeyring::new("x".repeat(65_536), V1, [0; 32]).is_err());
        assert!(StaticBranchKeyKeyring::new("tenant", "latest", [0; 32]).is_err());
        assert!(StaticBranchKeyKeyring::new("tenant", V1, [0; 31]).is_err());
    }

    #[test]
    fn prints_no_key() {
        let text = format!("{:?}", keyring("tenant", V1, 0xab));
        assert_eq!(
            text,
            format!(r#"StaticBranchKeyKeyring {{ branch_key_id: "tenant", version: "{V1}", .. }}"#)
        );
    }
}
