//! Which branch key an item has.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::context::EncryptionContext;
use crate::error::KeyringError;
use crate::keyring::tenant::tenant_of;

/// Says which branch key an item has, by its encryption context.
///
/// The context is rebuilt from the item, and the item is verified with it afterwards: whoever changes it to
/// have another branch key chosen gets an item that does not open. So the answer must follow from the context
/// alone, for ever.
///
/// Closures are suppliers:
///
/// ```
/// use dynaseal::EncryptionContext;
/// use dynaseal::key_store::KeyStore;
/// use dynaseal::keyring::{HierarchicalKeyring, KeyringError, KeyringErrorKind};
/// # fn f(key_store: &KeyStore) -> Result<(), dynaseal::ConfigError> {
///
/// let by_department = |context: &EncryptionContext| {
///     let department = context.string_attribute("department");
///     let department = department.ok_or_else(|| KeyringError::new(KeyringErrorKind::NoTenant))?;
///     Ok(format!("department-{department}"))
/// };
/// let keyring = HierarchicalKeyring::builder(key_store)
///     .branch_key_id_supplier(by_department)
///     .build()?;
/// # Ok(())
/// # }
/// ```
pub trait BranchKeyIdSupplier: Send + Sync {
    /// The id of the branch key.
    ///
    /// # Errors
    ///
    /// What the keyring is to report if the item has none.
    fn branch_key_id(&self, context: &EncryptionContext) -> Result<String, KeyringError>;
}

impl<F> BranchKeyIdSupplier for F
where
    F: Fn(&EncryptionContext) -> Result<String, KeyringError> + Send + Sync,
{
    fn branch_key_id(&self, context: &EncryptionContext) -> Result<String, KeyringError> {
        self(context)
    }
}

/// How the id of an item's branch key is found.
#[derive(Clone)]
pub(super) enum Choice {
    Fixed(String),
    /// It is the value of this attribute.
    PerTenant(String),
    Supplier(Arc<dyn BranchKeyIdSupplier>),
}

impl Choice {
    /// The id of the branch key of an item with this context, for somebody who works for `only_tenant` alone.
    pub(super) fn branch_key_id<'a>(
        &'a self,
        context: &'a EncryptionContext,
        only_tenant: Option<&str>,
    ) -> Result<Cow<'a, str>, KeyringError> {
        match self {
            Self::Fixed(id) => Ok(Cow::Borrowed(id)),
            Self::PerTenant(attribute) => {
                tenant_of(context, attribute, only_tenant).map_err(KeyringError::new)
            }
            Self::Supplier(supplier) => supplier.branch_key_id(context).map(Cow::Owned),
        }
    }

    /// The id, if all items have the same.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed(id) => Some(id),
            Self::PerTenant(_) | Self::Supplier(_) => None,
        }
    }

    /// The attribute whose value is the id.
    pub(super) fn tenant_attribute(&self) -> Option<&str> {
        match self {
            Self::PerTenant(attribute) => Some(attribute),
            Self::Fixed(_) | Self::Supplier(_) => None,
        }
    }
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(id) => f.debug_tuple("Fixed").field(id).finish(),
            Self::PerTenant(attribute) => f.debug_tuple("PerTenant").field(attribute).finish(),
            Self::Supplier(_) => f.debug_tuple("Supplier").finish_non_exhaustive(),
        }
    }
}
