//! Items that DynamoDB hands out elsewhere than in a table's answers, opened: records of DynamoDB
//! Streams, Lambda events, and table exports in S3.
//!
//! A record of a stream is a [`Record`], wherever it came from: from the SDK's client (feature
//! `streams`), or in the event that Lambda invokes a function with ([`lambda`]). [`open_record`] and
//! [`open_records`] turn it into an [`OpenedRecord`]. Exports are read by
#![cfg_attr(feature = "export", doc = "[`export::ExportReader`].")]
#![cfg_attr(
    not(feature = "export"),
    doc = "`export::ExportReader` (feature `export`)."
)]
//!
//! # What is proved
//!
//! An image that opened was sealed as it is, under the key that the record is about. Everything around
//! the images is as the store says: which event it was, when, and in which order; that nothing was
//! left out, repeated, or taken from an older version of the same item. A record without images, as
//! of a `KEYS_ONLY` stream, proves nothing.
//!
//! # Failures
//!
//! Each image has a result of its own, so one that does not open hides neither the other nor the
//! records after it. What will open later, such as while KMS is throttled, is told apart from what
//! never will by [`OpenError::is_retryable`](crate::OpenError::is_retryable).

#[cfg(feature = "export")]
pub mod export;
pub mod lambda;

mod attribute_value;
mod event;
mod json;
mod open;
mod opened;
mod span;
#[cfg(feature = "streams")]
mod streams;

pub use event::{EventName, Record};
pub use open::{DEFAULT_CONCURRENCY, OpenedRecords, open_record, open_records};
pub use opened::{ImageError, OpenedRecord};
