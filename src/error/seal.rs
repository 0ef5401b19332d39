//! Why an item was not sealed.

use std::error::Error;
use std::fmt;

use super::{EntityMismatch, InvalidAttribute, KeyringError, TenantMismatch};

/// Why an item was not sealed. Nothing was sent or changed.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum SealError {
    /// An attribute has no action, a reserved name, no value where one is needed, or a value
    /// without canonical bytes.
    Attribute(InvalidAttribute),
    /// The item is none of the entity types of its table, or not the one that was asked for.
    Entity(EntityMismatch),
    /// The item is not of the tenant that items are sealed for.
    TenantMismatch(TenantMismatch),
    /// A value in the encryption context has more than 65,535 bytes.
    ContextTooLarge,
    /// The item has more than 65,535 signed attributes.
    TooManyAttributes,
    /// No keyring made a key, or together they made more than 255.
    Keyring(KeyringError),
    /// A keyring returned no encrypted data key, more than 255, or one over 65,535 bytes.
    EncryptedDataKeys,
    /// The operating system's random source failed.
    Randomness,
}

impl SealError {
    /// Whether sealing the same item may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Keyring(error) if error.is_retryable())
    }

    /// The region in which a keyring failed.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Keyring(error) => error.region(),
            _ => None,
        }
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attribute(_) => "item cannot be sealed",
            Self::Entity(_) => "item is of no entity type that is expected",
            Self::TenantMismatch(_) => "item is not of the expected tenant",
            Self::ContextTooLarge => "a value in the encryption context is over 65535 bytes",
            Self::TooManyAttributes => "the item has more than 65535 signed attributes",
            Self::Keyring(_) => "no key to seal with",
            Self::EncryptedDataKeys => {
                "the keyring must return 1 to 255 encrypted data keys of at most 65535 bytes each"
            }
            Self::Randomness => "the random source failed",
        })
    }
}

impl Error for SealError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Attribute(error) => Some(error),
            Self::Entity(error) => Some(error),
            Self::TenantMismatch(error) => Some(error),
            Self::Keyring(error) => Some(error),
            Self::ContextTooLarge
            | Self::TooManyAttributes
            | Self::EncryptedDataKeys
            | Self::Randomness => None,
        }
    }
}

impl From<InvalidAttribute> for SealError {
    fn from(error: InvalidAttribute) -> Self {
        Self::Attribute(error)
    }
}

impl From<EntityMismatch> for SealError {
    fn from(error: EntityMismatch) -> Self {
        Self::Entity(error)
    }
}

impl From<TenantMismatch> for SealError {
    fn from(error: TenantMismatch) -> Self {
        Self::TenantMismatch(error)
    }
}

impl From<KeyringError> for SealError {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(error)
    }
}
