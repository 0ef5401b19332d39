//! An item of another tenant than the only one that is wanted.

use std::error::Error;
use std::fmt;

/// An item that is not of the tenant that a handle is limited to.
///
/// It holds no tenant, neither the item's nor the one that is wanted: both are values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantMismatch {
    has_tenant: bool,
}

impl TenantMismatch {
    pub(crate) const fn new(has_tenant: bool) -> Self {
        Self { has_tenant }
    }

    /// Whether the item has a tenant at all, which is then another one. `false` of items that were sealed
    /// before their schema had a tenant: their encryption context has none, as under header version 1.
    #[must_use]
    pub const fn has_tenant(&self) -> bool {
        self.has_tenant
    }
}

impl fmt::Display for TenantMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.has_tenant {
            "the item is another tenant's, or was changed"
        } else {
            "the item has no tenant in its encryption context: it was sealed before its schema had one, or \
             was changed"
        })
    }
}

impl Error for TenantMismatch {}
