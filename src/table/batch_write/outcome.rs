//! What became of each write of a batch.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemError, BatchWriteItemOutput};

use crate::item::{Item, Key};
use crate::table::error::OperationError;
use crate::table::span::Outcome;

/// One write of a batch, as the caller gave it: never sealed.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Write {
    /// An item in clear. [`Model::from_item`](crate::item::Model::from_item) makes a model of it.
    Put(Item),
    /// The key of an item to delete.
    Delete(Key),
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Put(_) => "Put",
            Self::Delete(_) => "Delete",
        };
        f.debug_struct(name).finish_non_exhaustive()
    }
}

/// A batch of which every write is done.
pub struct BatchWriteOutput {
    pub(super) region: String,
    pub(super) written: usize,
    pub(super) sdk: Vec<BatchWriteItemOutput>,
}

impl BatchWriteOutput {
    /// The region that was written to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How many writes there were, all done.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// What the SDK returned to each request: consumed capacity and metrics, where they were asked
    /// for. Its `Debug` is the SDK's.
    #[must_use]
    pub fn sdk_outputs(&self) -> &[BatchWriteItemOutput] {
        &self.sdk
    }
}

impl fmt::Debug for BatchWriteOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWriteOutput")
            .field("region", &self.region)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// A batch of which not every write is done, and what became of each.
///
/// Its `Debug` shows no item and no key.
pub struct BatchWriteFailure {
    cause: BatchWriteCause,
    written: Vec<Write>,
    unwritten: Vec<Write>,
    unknown: Vec<Write>,
}

/// Why a batch stopped.
#[non_exhaustive]
pub enum BatchWriteCause {
    /// The operation failed: before anything was sent, or with the SDK's error for one request.
    Operation(OperationError<BatchWriteItemError>),
    /// The deadline passed while a request was under way, while DynamoDB left writes unprocessed, or
    /// before all were sent.
    Deadline,
    /// DynamoDB handed back a write that was not in the request.
    NotOurs,
}

impl BatchWriteFailure {
    pub(super) fn new(
        cause: BatchWriteCause,
        written: Vec<Write>,
        unwritten: Vec<Write>,
        unknown: Vec<Write>,
    ) -> Self {
        Self {
            cause,
            written,
            unwritten,
            unknown,
        }
    }

    /// Nothing was sent.
    pub(super) fn not_sent(
        error: OperationError<BatchWriteItemError>,
        unwritten: Vec<Write>,
    ) -> Self {
        let cause = BatchWriteCause::Operation(error);
        Self::new(cause, Vec::new(), unwritten, Vec::new())
    }

    /// Why the batch stopped.
    #[must_use]
    pub fn cause(&self) -> &BatchWriteCause {
        &self.cause
    }

    /// The writes that are done.
    #[must_use]
    pub fn written(&self) -> &[Write] {
        &self.written
    }

    /// The writes that did not happen: not sent, or handed back as unprocessed. A model that could not
    /// be turned into an item is not among them.
    #[must_use]
    pub fn unwritten(&self) -> &[Write] {
        &self.unwritten
    }

    /// The writes that may have happened: those of the request that failed.
    #[must_use]
    pub fn unknown(&self) -> &[Write] {
        &self.unknown
    }

    /// Everything that is not known to be done, for another batch.
    #[must_use]
    pub fn into_remaining(self) -> Vec<Write> {
        let mut remaining = self.unknown;
        remaining.extend(self.unwritten);
        remaining
    }

    /// Whether what remains may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match &self.cause {
            BatchWriteCause::Operation(error) => error.is_retryable(),
            BatchWriteCause::Deadline => true,
            BatchWriteCause::NotOurs => false,
        }
    }

    /// The region that failed, where it is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match &self.cause {
            BatchWriteCause::Operation(error) => error.region(),
            BatchWriteCause::Deadline | BatchWriteCause::NotOurs => None,
        }
    }
}

impl fmt::Debug for BatchWriteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWriteFailure")
            .field("cause", &self.cause)
            .field("written", &self.written.len())
            .field("unwritten", &self.unwritten.len())
            .field("unknown", &self.unknown.len())
            .finish()
    }
}

impl fmt::Display for BatchWriteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} writes of the batch are done, {} are not, and of {} it is unknown",
            self.written.len(),
            self.unwritten.len(),
            self.unknown.len()
        )
    }
}

impl Error for BatchWriteFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl fmt::Debug for BatchWriteCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(error) => f.debug_tuple("Operation").field(error).finish(),
            Self::Deadline => f.write_str("Deadline"),
            Self::NotOurs => f.write_str("NotOurs"),
        }
    }
}

impl fmt::Display for BatchWriteCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(error) => error.fmt(f),
            Self::Deadline => f.write_str("the deadline passed"),
            Self::NotOurs => f.write_str("a write was handed back that was not in the request"),
        }
    }
}

impl Error for BatchWriteCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Operation(error) => error.source(),
            Self::Deadline | Self::NotOurs => None,
        }
    }
}

impl Outcome for BatchWriteFailure {
    fn outcome(&self) -> &'static str {
        match &self.cause {
            BatchWriteCause::Operation(error) => error.outcome(),
            BatchWriteCause::Deadline => "deadline",
            BatchWriteCause::NotOurs => "invalid answer",
        }
    }
}
