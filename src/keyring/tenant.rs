//! Whose an item is, for keyrings that keep the keys of tenants apart.

use std::borrow::Cow;

use crate::context::EncryptionContext;
use crate::error::KeyringErrorKind;

/// The tenant of an item with this context: what this attribute says, a string that is not empty.
///
/// `only` is the one that is wanted, if there is one. The item was compared before, by the attribute of its
/// schema; this one may be another.
pub(super) fn tenant_of<'a>(
    item: &'a EncryptionContext,
    attribute: &str,
    only: Option<&str>,
) -> Result<Cow<'a, str>, KeyringErrorKind> {
    let tenant = item.string_attribute(attribute);
    let tenant = tenant.filter(|tenant| !tenant.is_empty());
    let tenant = tenant.ok_or(KeyringErrorKind::NoTenant)?;
    if only.is_some_and(|only| *only != *tenant) {
        return Err(KeyringErrorKind::TenantMismatch);
    }
    Ok(tenant)
}
