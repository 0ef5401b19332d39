//! Keyrings: who makes and recovers the intermediate key of an item.

mod branch_key;
mod caching;
mod ecdh_wrapping;
mod encoded_key;
pub mod future;
mod hierarchical;
mod key_store_use;
mod kms;
#[cfg(test)]
mod kms_asymmetric_tests;
mod kms_context;
mod kms_discovery;
mod kms_ecdh;
#[cfg(test)]
mod kms_fallback_tests;
mod kms_key_use;
mod kms_mrk;
mod kms_mrk_discovery;
mod kms_rsa;
mod kms_single;
#[cfg(test)]
mod kms_tests;
mod multi;
pub(crate) mod provider_ids;
mod raw_aes;
mod raw_ecdh;
mod raw_rsa;
mod static_branch_key;
mod table_key;
mod tenant;
mod tenant_keys;
#[cfg(test)]
mod test_support;

use std::fmt;
use std::sync::Arc;

pub(crate) use branch_key::branch_key_version;
pub use caching::{CachingKeyring, CachingKeyringBuilder};
pub use hierarchical::{BranchKeyIdSupplier, HierarchicalKeyring, HierarchicalKeyringBuilder};
pub use key_store_use::KeyStoreUse;
pub(crate) use kms_context::KmsContext;
pub use kms_discovery::KmsDiscoveryKeyring;
pub use kms_ecdh::KmsEcdhKeyring;
pub use kms_key_use::KmsKeyUse;
pub use kms_mrk::KmsMrkKeyring;
pub use kms_mrk_discovery::KmsMrkDiscoveryKeyring;
pub use kms_rsa::KmsRsaKeyring;
pub use kms_single::KmsKeyring;
pub use multi::MultiKeyring;
pub use raw_aes::RawAesKeyring;
pub use raw_ecdh::RawEcdhKeyring;
pub use raw_rsa::RawRsaKeyring;
pub use static_branch_key::StaticBranchKeyKeyring;
#[cfg(test)]
pub(crate) use table_key::fixed::table_key_keyring;
pub(crate) use table_key::{TableKeyId, context_keys as table_key_context, table_key_id};
pub use table_key::{TableKeyKeyring, TableKeyKeyringBuilder};
pub use tenant_keys::TenantKeys;

pub use crate::crypto::ecdh::EcdhCurve;
pub use crate::crypto::rsa::RsaPadding;
pub use crate::error::{KeyringError, KeyringErrorKind};
pub use crate::format::EncryptedDataKey;
pub use crate::kms::DiscoveryFilter;
pub use crate::materials::{DecryptRequest, EncryptRequest, Opened, WrappedKey};
pub use crate::secret::IntermediateKey;
pub use crate::suite::KeyBinding;

/// Makes and recovers the intermediate keys of items.
///
/// Open to implementors: a keyring of your own wraps [`IntermediateKey`]s however it likes. It
/// cannot get the data key, the tags or the footer wrong, because it never sees them.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use dynaseal::keyring::{DecryptRequest, EncryptRequest, KeyBinding, KeyStoreUse, Keyring};
/// use dynaseal::keyring::{KmsKeyUse, future};
///
/// /// Counts how often another keyring is asked.
/// #[derive(Debug)]
/// struct Counting<K> {
///     inner: K,
///     asked: AtomicUsize,
/// }
///
/// impl<K: Keyring> Keyring for Counting<K> {
///     fn name(&self) -> &str {
///         self.inner.name()
///     }
///
///     fn binding(&self) -> KeyBinding {
///         self.inner.binding()
///     }
///
///     fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
///         self.asked.fetch_add(1, Ordering::Relaxed);
///         self.inner.on_encrypt(request)
///     }
///
///     fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
///         self.asked.fetch_add(1, Ordering::Relaxed);
///         self.inner.on_decrypt(request)
///     }
///
///     fn kms_keys(&self) -> Vec<KmsKeyUse> {
///         self.inner.kms_keys()
///     }
///
///     fn key_stores(&self) -> Vec<KeyStoreUse> {
///         self.inner.key_stores()
///     }
/// }
/// ```
pub trait Keyring: fmt::Debug + Send + Sync {
    /// The name under which attempts are listed, such as `kms-mrk`.
    fn name(&self) -> &str;

    /// What wrapping under this keyring proves; decides the default suite and
    /// [`Authenticity`](crate::Authenticity).
    fn binding(&self) -> KeyBinding;

    /// Whether who may only seal cannot open: sealing never needs the permission that opening needs, so a
    /// principal can be denied it. [`SealOnly::limits`](crate::table::SealOnly::limits) says so.
    ///
    /// Default: what a [`binding`](Self::binding) to KMS says. A keyring around others asks all of them.
    fn can_seal_without_opening(&self) -> bool {
        self.binding() == KeyBinding::KmsContext
    }

    /// Makes fresh intermediate keys, one per recipient.
    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a>;

    /// Opens one encrypted data key that this keyring recognises.
    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a>;

    /// The KMS keys that this keyring uses, which a table's [`doctor`](crate::SealedTable::doctor) looks
    /// after. Default: none. A keyring around others lists theirs.
    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        Vec::new()
    }

    /// The key stores that this keyring reads, which a table's [`doctor`](crate::SealedTable::doctor) looks
    /// after, too. Default: none. A keyring around others lists theirs.
    fn key_stores(&self) -> Vec<KeyStoreUse> {
        Vec::new()
    }

    /// The branch keys of tenants, if each tenant has its own and items have **no other recipient**: then a tenant
    /// is erased with its branch key. Default: none. A keyring around one other hands its answer on.
    fn tenant_keys(&self) -> Option<TenantKeys<'_>> {
        None
    }
}

/// What a keyring found among the encrypted data keys, if nothing failed.
#[expect(
    clippy::exhaustive_enums,
    reason = "closed on purpose: there is no third answer"
)]
#[derive(Debug)]
pub enum Unwrapped {
    /// One of them opened.
    Opened(Opened),
    /// None of them was made for this keyring. The search goes on elsewhere.
    NotMine,
}

/// The end of a search that opened nothing: why each encrypted data key of this keyring's did not open, or that
/// there was none.
fn unopened(attempts: Vec<KeyringError>, keyring: &str) -> Result<Unwrapped, KeyringError> {
    if attempts.is_empty() {
        return Ok(Unwrapped::NotMine);
    }
    Err(KeyringError::from_attempts(attempts).in_keyring(keyring))
}

impl<K: Keyring + ?Sized> Keyring for Arc<K> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn binding(&self) -> KeyBinding {
        (**self).binding()
    }

    fn can_seal_without_opening(&self) -> bool {
        (**self).can_seal_without_opening()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        (**self).on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        (**self).on_decrypt(request)
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        (**self).kms_keys()
    }

    fn key_stores(&self) -> Vec<KeyStoreUse> {
        (**self).key_stores()
    }

    fn tenant_keys(&self) -> Option<TenantKeys<'_>> {
        (**self).tenant_keys()
    }
}
