//! Errors by direction: building, sealing, opening, and what keyrings report.
//!
//! Messages name attributes, key ARNs and regions, never a value, a key or a plaintext. Failures to
//! authenticate say nothing about where.

mod attribute;
mod config;
mod entity;
mod fault;
mod key_store;
mod keyring;
mod open;
mod seal;
mod tenant;

pub use attribute::{AttributeIssue, InvalidAttribute, ValueError};
pub use config::ConfigError;
pub use entity::EntityMismatch;
pub use fault::FaultClass;
pub use key_store::{KeyStoreError, KeyStoreErrorKind};
pub use keyring::{KeyringError, KeyringErrorKind};
pub use open::{
    AuthenticationFailed, ContextConflict, Malformed, NotSealed, OpenError, SchemaChanged,
    SuiteBelowPolicy, TooManyEncryptedDataKeys,
};
pub use seal::SealError;
pub use tenant::TenantMismatch;

/// An error of whatever type below ours.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
