//! Why a tenant was not erased, or not with a receipt.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::operation::scan::ScanError;

use super::ErasureReceipt;
use crate::error::{ConfigError, KeyStoreError, KeyringError};
use crate::table::OperationError;

/// Why a tenant was not erased, or was erased without a signed receipt.
#[non_exhaustive]
#[derive(Debug)]
pub enum EraseTenantError {
    /// This table, or its keyring, cannot erase the tenant. Nothing was done.
    NotErasable(NotErasable),
    /// The key that shall sign cannot be used. Nothing was done.
    Config(ConfigError),
    /// The items could not be looked at. Nothing was done.
    Sample(Box<OperationError<ScanError>>),
    /// The key store failed, or a region of it. What was done stays; send it again.
    KeyStore(KeyStoreError),
    /// All is erased, and the receipt was not signed. It is complete but for that: keep it, and see
    /// [`ErasureReceipt::sign`]. Sending again would make one that says that there was nothing to erase.
    Unsigned(Box<ErasureReceipt>, KeyringError),
}

/// Why a receipt was not signed.
#[non_exhaustive]
#[derive(Debug)]
pub enum SignReceiptError {
    /// The key cannot be used in these regions. KMS was not asked.
    Config(ConfigError),
    /// KMS did not sign.
    Kms(KeyringError),
}

impl fmt::Display for SignReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config(_) => "the receipt cannot be signed by this key",
            Self::Kms(_) => "the receipt was not signed",
        })
    }
}

impl Error for SignReceiptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Config(error) => error,
            Self::Kms(error) => error,
        })
    }
}

impl From<ConfigError> for SignReceiptError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<KeyringError> for SignReceiptError {
    fn from(error: KeyringError) -> Self {
        Self::Kms(error)
    }
}

/// Why this table cannot erase a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotErasable(&'static str);

impl NotErasable {
    pub(super) fn new() -> Self {
        Self(
            "the keyring has no branch key for each tenant, or other recipients as well: seal under a \
             `HierarchicalKeyring` with `branch_key_per_tenant` alone",
        )
    }

    pub(super) fn without_a_name() -> Self {
        Self("a tenant has a name of 1 to 2048 bytes")
    }

    pub(super) fn another_tenant() -> Self {
        Self("this table is limited to another tenant")
    }
}

impl fmt::Display for NotErasable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for NotErasable {}

impl fmt::Display for EraseTenantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotErasable(_) => "the tenant cannot be erased by this table",
            Self::Config(_) => "the receipt cannot be signed by this key; nothing was erased",
            Self::Sample(_) => "the items could not be looked at; nothing was erased",
            Self::KeyStore(_) => "the tenant is not erased in every region yet; send it again",
            Self::Unsigned(..) => "the tenant is erased, and the receipt was not signed",
        })
    }
}

impl Error for EraseTenantError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::NotErasable(error) => error,
            Self::Config(error) => error,
            Self::Sample(error) => error,
            Self::KeyStore(error) => error,
            Self::Unsigned(_, error) => error,
        })
    }
}

impl From<NotErasable> for EraseTenantError {
    fn from(error: NotErasable) -> Self {
        Self::NotErasable(error)
    }
}

impl From<ConfigError> for EraseTenantError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<OperationError<ScanError>> for EraseTenantError {
    fn from(error: OperationError<ScanError>) -> Self {
        Self::Sample(Box::new(error))
    }
}

impl From<KeyStoreError> for EraseTenantError {
    fn from(error: KeyStoreError) -> Self {
        Self::KeyStore(error)
    }
}
