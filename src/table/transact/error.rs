//! Why a transaction failed.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::cancelled::{CancellationReason, Cancelled};
use crate::error::SealError;
use crate::item::ModelMismatch;
use crate::table::call::Unanswered;
use crate::table::error::{CircuitOpen, DeadlineExceeded, OutcomeUnknown, Refused, SdkFailure};
use crate::table::span::Outcome;

/// Why a transaction failed. It happens as a whole or not at all.
///
/// `Display` and `Debug` show no attribute value. The SDK's error, reachable through
/// [`sdk_error`](Self::sdk_error) and `source()`, prints requests and responses in *its* `Debug`.
#[non_exhaustive]
pub enum TransactionError<E> {
    /// One operation could not be sent, so nothing was.
    Operation(FailedOperation),
    /// The transaction as a whole was not sent.
    Refused(Refused),
    /// The region is not asked for a while, after repeated failures; nothing was sent.
    CircuitOpen(CircuitOpen),
    /// It took longer than it may, and nothing was written.
    DeadlineExceeded(DeadlineExceeded),
    /// DynamoDB cancelled the transaction: nothing was written.
    Cancelled(Cancelled<E>),
    /// The SDK reported an error, and nothing was written.
    Sdk(SdkFailure<E>),
    /// The transaction may or may not have happened: an answer was lost. Sending the same
    /// [`PreparedTransaction`](super::PreparedTransaction) again within nine minutes settles it.
    OutcomeUnknown(OutcomeUnknown<E>),
}

impl<E> TransactionError<E> {
    /// One reason per operation, if the transaction was cancelled; else none.
    #[must_use]
    pub fn reasons(&self) -> &[CancellationReason] {
        match self {
            Self::Cancelled(cancelled) => cancelled.reasons(),
            _ => &[],
        }
    }

    /// The operation that could not be sent, counted from 0.
    #[must_use]
    pub fn failed_operation(&self) -> Option<&FailedOperation> {
        match self {
            Self::Operation(failed) => Some(failed),
            _ => None,
        }
    }

    /// The SDK's error, if that is what failed.
    #[must_use]
    pub fn sdk_error(&self) -> Option<&SdkError<E, HttpResponse>> {
        match self {
            Self::Cancelled(cancelled) => Some(cancelled.failure().error()),
            Self::Sdk(failure) => Some(failure.error()),
            Self::OutcomeUnknown(unknown) => Some(unknown.lost().error()),
            Self::Operation(_)
            | Self::Refused(_)
            | Self::CircuitOpen(_)
            | Self::DeadlineExceeded(_) => None,
        }
    }

    /// The region that failed, where it is known.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Operation(failed) => failed.region(),
            Self::Refused(_) | Self::DeadlineExceeded(_) => None,
            Self::CircuitOpen(open) => Some(open.region()),
            Self::Cancelled(cancelled) => Some(cancelled.failure().region()),
            Self::Sdk(failure) => Some(failure.region()),
            Self::OutcomeUnknown(unknown) => Some(unknown.lost().region()),
        }
    }
}

impl<E: ProvideErrorMetadata> TransactionError<E> {
    /// Whether the same transaction may succeed a little later, and is safe to make again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Operation(failed) => failed.is_retryable(),
            Self::CircuitOpen(_) | Self::DeadlineExceeded(_) => true,
            Self::Cancelled(cancelled) => cancelled.is_retryable(),
            Self::Sdk(failure) => crate::region::fault::is_transient(failure.error()),
            // A second transaction could apply everything twice.
            Self::OutcomeUnknown(_) | Self::Refused(_) => false,
        }
    }
}

impl<E> fmt::Display for TransactionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operation(_) => "an operation of the transaction was not sent",
            Self::Refused(_) => "transaction refused",
            Self::CircuitOpen(_) => "region is not asked",
            Self::DeadlineExceeded(_) => "deadline exceeded",
            Self::Cancelled(_) => "transaction was cancelled",
            Self::Sdk(_) => "request failed",
            Self::OutcomeUnknown(_) => "outcome of the transaction is unknown",
        })
    }
}

impl<E> fmt::Debug for TransactionError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(error) => f.debug_tuple("Operation").field(error).finish(),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::CircuitOpen(error) => f.debug_tuple("CircuitOpen").field(error).finish(),
            Self::DeadlineExceeded(error) => {
                f.debug_tuple("DeadlineExceeded").field(error).finish()
            }
            Self::Cancelled(error) => f.debug_tuple("Cancelled").field(error).finish(),
            Self::Sdk(error) => f.debug_tuple("Sdk").field(error).finish(),
            Self::OutcomeUnknown(error) => f.debug_tuple("OutcomeUnknown").field(error).finish(),
        }
    }
}

impl<E: Error + 'static> Error for TransactionError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Operation(error) => error,
            Self::Refused(error) => error,
            Self::CircuitOpen(error) => error,
            Self::DeadlineExceeded(error) => error,
            Self::Cancelled(error) => error,
            Self::Sdk(error) => error,
            Self::OutcomeUnknown(error) => error,
        })
    }
}

impl<E> Outcome for TransactionError<E> {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Operation(_) => "an operation was not sent",
            Self::Refused(_) => "refused",
            Self::CircuitOpen(_) => "circuit open",
            Self::DeadlineExceeded(_) => "deadline exceeded",
            Self::Cancelled(_) => "cancelled",
            Self::Sdk(_) => "sdk error",
            Self::OutcomeUnknown(_) => "outcome unknown",
        }
    }
}

impl<E> From<Refused> for TransactionError<E> {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl<E> From<DeadlineExceeded> for TransactionError<E> {
    fn from(exceeded: DeadlineExceeded) -> Self {
        Self::DeadlineExceeded(exceeded)
    }
}

impl<E> From<Unanswered<E>> for TransactionError<E> {
    fn from(unanswered: Unanswered<E>) -> Self {
        match unanswered {
            Unanswered::CircuitOpen(open) => Self::CircuitOpen(open),
            Unanswered::Sdk(failure) => Self::Sdk(failure),
        }
    }
}

impl<E> From<FailedOperation> for TransactionError<E> {
    fn from(failed: FailedOperation) -> Self {
        Self::Operation(failed)
    }
}

/// The operation of a transaction that could not be sent, and why.
#[derive(Clone, Debug)]
pub struct FailedOperation {
    index: usize,
    cause: Cause,
}

/// Why one operation could not be sent.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    Seal(SealError),
    Model(ModelMismatch),
    Refused(Refused),
}

impl FailedOperation {
    pub(super) fn new(index: usize, cause: impl Into<Cause>) -> Self {
        let cause = cause.into();
        Self { index, cause }
    }

    /// Which operation it is, counted from 0 in the order in which they were added.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Why the item was not sealed, if that is the cause.
    #[must_use]
    pub fn seal_error(&self) -> Option<&SealError> {
        match &self.cause {
            Cause::Seal(error) => Some(error),
            _ => None,
        }
    }

    /// Where model and item do not fit together, if that is the cause.
    #[must_use]
    pub fn model_mismatch(&self) -> Option<&ModelMismatch> {
        match &self.cause {
            Cause::Model(error) => Some(error),
            _ => None,
        }
    }

    /// What the table does not let pass, if that is the cause.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match &self.cause {
            Cause::Refused(error) => Some(error),
            _ => None,
        }
    }

    fn is_retryable(&self) -> bool {
        matches!(&self.cause, Cause::Seal(error) if error.is_retryable())
    }

    fn region(&self) -> Option<&str> {
        self.seal_error()?.region()
    }
}

impl fmt::Display for FailedOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = match &self.cause {
            Cause::Seal(_) => "its item was not sealed",
            Cause::Model(_) => "its item does not fit the model",
            Cause::Refused(_) => "it was refused",
        };
        write!(f, "operation {}: {cause}", self.index)
    }
}

impl Error for FailedOperation {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match &self.cause {
            Cause::Seal(error) => error,
            Cause::Model(error) => error,
            Cause::Refused(error) => error,
        })
    }
}

impl From<SealError> for Cause {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<ModelMismatch> for Cause {
    fn from(error: ModelMismatch) -> Self {
        Self::Model(error)
    }
}

impl From<Refused> for Cause {
    fn from(error: Refused) -> Self {
        Self::Refused(error)
    }
}
