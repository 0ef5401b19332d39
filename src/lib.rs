//! dynaseal
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

// --- test kit ----------------------------------------------------------------------------------
#[cfg(feature = "testkit")]
pub mod testkit;

// --- the paved path ----------------------------------------------------------------------------
pub use action::CryptoAction;
