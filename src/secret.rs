//! Values that do not print themselves.

mod redacted;

pub use redacted::{Hidden, Redacted};
