//! The keyring that remembers what another one opened.

mod builder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use self::builder::CachingKeyringBuilder;
use super::{DecryptRequest, EncryptRequest, KeyBinding, KeyStoreUse, Keyring, KeyringError};
use super::{KeyringErrorKind, KmsKeyUse, TenantKeys, Unwrapped, future};
use crate::cache::{Cache, Loaded, Refusal};
use crate::materials::{DetachedRequest, RequestKey, SharedOpened};
use crate::region::RegionSet;

/// Opens an item that is read again and again without asking the keyring inside each time.
///
/// It remembers the keys of items that were opened, each under everything that was asked: suite, whole
/// encryption context, all encrypted data keys in their order, region, and the only tenant if the table is
/// limited to one. So it answers for exactly the bytes that the keyring inside has opened, and an item that
/// was sealed anew is asked for anew. Sealing passes through: each item gets keys of its own.
///
/// Whoever loses access to a key opens what is remembered until its time is over: `max_age` of the
/// [builder](Self::builder), or less where the keyring inside has a bound of its own, so that the times of
/// caches around each other do not add up. A refusal that comes earlier, as the answer to a refresh, ends it at
/// once. Failures, and items that the keyring inside does not recognise, are not remembered.
///
/// For items that are read many times in a minute. Under the hierarchical keyring, where a key serves many
/// items, there is little to gain.
///
/// ```
/// use std::time::Duration;
///
/// use dynaseal::keyring::CachingKeyring;
/// # fn f(keyring: dynaseal::KmsMrkKeyring, regions: dynaseal::RegionSet) -> Result<(), dynaseal::ConfigError> {
///
/// let keyring = CachingKeyring::builder(keyring, &regions)
///     .max_age(Duration::from_secs(10))
///     .max_uses(1000)
///     .build()?;
/// keyring.flush();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CachingKeyring {
    inner: Arc<dyn Keyring>,
    region: Arc<str>,
    cache: Cache<RequestKey, Arc<SharedOpened>, Missed>,
}

/// Why there is nothing to remember.
#[derive(Clone)]
enum Missed {
    NotMine,
    Failed(KeyringError),
}

impl Refusal for Missed {
    fn refuses(&self) -> bool {
        match self {
            // It was before: the keyring inside has changed its mind, and the old answer is not its own any more.
            Self::NotMine => true,
            Self::Failed(error) => error.refuses(),
        }
    }

    fn is_of_one(&self) -> bool {
        match self {
            Self::NotMine => false,
            Self::Failed(error) => error.is_of_one(),
        }
    }
}

impl CachingKeyring {
    /// Starts a cache around a keyring, with the clock and the observers of a region set.
    pub fn builder(keyring: impl Keyring + 'static, regions: &RegionSet) -> CachingKeyringBuilder {
        CachingKeyringBuilder::new(Arc::new(keyring), regions)
    }

    /// Forgets everything.
    pub fn flush(&self) {
        self.cache.flush();
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let request = request.keyed(&self.region);
        let ask = || {
            let (inner, request) = (Arc::clone(&self.inner), request.detach());
            async move { open(&*inner, &request).await }
        };
        match self.cache.get_or_load(request.key(), ask).await {
            Ok(found) => {
                let opened = request.reopen(&found.value, found.valid_for);
                let opened = opened.ok_or_else(|| KeyringError::new(KeyringErrorKind::Other))?;
                Ok(Unwrapped::Opened(opened))
            }
            Err(Missed::NotMine) => Ok(Unwrapped::NotMine),
            Err(Missed::Failed(error)) => Err(error),
        }
    }
}

async fn open(
    inner: &dyn Keyring,
    request: &DetachedRequest,
) -> Result<Loaded<Arc<SharedOpened>>, Missed> {
    match inner.on_decrypt(request.request()).await {
        Ok(Unwrapped::Opened(opened)) => {
            let valid_for = opened.valid_for;
            let shared = request.share(opened);
            Ok(Loaded {
                valid_for,
                bytes: shared.bytes(),
                value: Arc::new(shared),
            })
        }
        Ok(Unwrapped::NotMine) => Err(Missed::NotMine),
        // Named here: errors that several wait for cannot be added to.
        Err(error) => Err(Missed::Failed(error.in_keyring(inner.name()))),
    }
}

impl Keyring for CachingKeyring {
    /// That of the keyring inside, which every failure is one of.
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn binding(&self) -> KeyBinding {
        self.inner.binding()
    }

    fn can_seal_without_opening(&self) -> bool {
        self.inner.can_seal_without_opening()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.inner.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        self.inner.kms_keys()
    }

    fn key_stores(&self) -> Vec<KeyStoreUse> {
        self.inner.key_stores()
    }

    /// What is kept here ends with the branch key that opened it.
    fn tenant_keys(&self) -> Option<TenantKeys<'_>> {
        self.inner.tenant_keys()
    }
}

impl fmt::Debug for CachingKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingKeyring")
            .field("keyring", &self.inner)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
