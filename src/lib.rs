#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The public surface: documented, and able to grow.
#![warn(
    missing_docs,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc
)]
// Bytes from a table are an attacker's: no panics, no silent narrowing.
#![cfg_attr(
    not(test),
    warn(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::unwrap_in_result,
        clippy::unwrap_used
    )
)]

// The derive names this crate `::dynaseal`, in our own unit tests as well.
extern crate self as dynaseal;

// --- words and tools ---------------------------------------------------------------------------
pub mod action;
mod cache;
mod context;
mod crypto;
mod cursor;
pub mod error;
mod json;
pub mod observe;
pub mod secret;
mod suite;

// --- the bytes ---------------------------------------------------------------------------------
mod format;
mod value;

// --- pure core ---------------------------------------------------------------------------------
mod engine;
mod materials;

// --- keys --------------------------------------------------------------------------------------
pub mod key_store;
pub mod keyring;
mod kms;
pub mod region;

// --- items -------------------------------------------------------------------------------------
// Byte fields know `Unsigned`, and so stand above items.
pub mod bytes;
pub mod item;

// --- expressions -------------------------------------------------------------------------------
pub mod expression;

// --- items from elsewhere ------------------------------------------------------------------------
pub mod records;

// --- tables ------------------------------------------------------------------------------------
pub mod table;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

// --- test kit ----------------------------------------------------------------------------------
#[cfg(feature = "testkit")]
pub mod testkit;

// --- the paved path ----------------------------------------------------------------------------
pub use action::CryptoAction;
pub use context::EncryptionContext;
#[cfg(feature = "derive")]
pub use dynaseal_derive::Seal;
pub use error::{ConfigError, KeyringError, OpenError, SealError};
pub use item::{Item, ItemEncryptor, ItemSchema, OpenedItem, Seal, Unsigned};
pub use key_store::KeyStore;
pub use keyring::{
    HierarchicalKeyring, KmsMrkKeyring, MultiKeyring, RawAesKeyring, TableKeyKeyring,
};
pub use region::RegionSet;
pub use secret::{Hidden, Redacted};
pub use suite::{AlgorithmSuite, Authenticity};
pub use table::{OperationError, SealedTable, UpdateError};
