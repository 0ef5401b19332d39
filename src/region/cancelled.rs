//! Why DynamoDB cancelled a transaction, and what that says about the region.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason as SdkReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::fault::of_codes;
use crate::error::FaultClass;
use crate::observe::CallOutcome;

/// What became of one operation of a transaction that was cancelled.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancellationCode {
    /// Nothing was wrong with this operation.
    None,
    /// Its condition did not hold.
    ConditionalCheckFailed,
    /// Another request is at work on the item.
    TransactionConflict,
    /// The local secondary indexes of the partition would become too large.
    ItemCollectionSizeLimitExceeded,
    /// The provisioned throughput of the table is used up.
    ProvisionedThroughputExceeded,
    /// The table or the account is asked too much.
    ThrottlingError,
    /// DynamoDB does not accept the operation, for example an item over 400 KB.
    ValidationError,
    /// A code that this version does not know; the SDK's error has it.
    Other,
}

impl CancellationCode {
    pub(crate) fn of(reason: &SdkReason) -> Self {
        match reason.code() {
            None | Some("None") => Self::None,
            Some("ConditionalCheckFailed") => Self::ConditionalCheckFailed,
            Some("TransactionConflict") => Self::TransactionConflict,
            Some("ItemCollectionSizeLimitExceeded") => Self::ItemCollectionSizeLimitExceeded,
            Some("ProvisionedThroughputExceeded") => Self::ProvisionedThroughputExceeded,
            Some("ThrottlingError") => Self::ThrottlingError,
            Some("ValidationError") => Self::ValidationError,
            Some(_) => Self::Other,
        }
    }

    /// Whether the same transaction may succeed a little later, as far as this reason goes.
    const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::TransactionConflict | Self::ProvisionedThroughputExceeded | Self::ThrottlingError
        )
    }
}

impl fmt::Display for CancellationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nothing was wrong",
            Self::ConditionalCheckFailed => "its condition did not hold",
            Self::TransactionConflict => "another request is at work on the item",
            Self::ItemCollectionSizeLimitExceeded => "the item collection would be too large",
            Self::ProvisionedThroughputExceeded => "the provisioned throughput is used up",
            Self::ThrottlingError => "it was throttled",
            Self::ValidationError => "DynamoDB does not accept it",
            Self::Other => "for a reason that only the SDK's error tells",
        })
    }
}

/// Something was wrong, and all of it passes.
pub(crate) fn are_transient(codes: impl Iterator<Item = CancellationCode>) -> bool {
    let mut wrong = codes.filter(|code| *code != CancellationCode::None);
    wrong.next().is_some_and(CancellationCode::is_transient)
        && wrong.all(CancellationCode::is_transient)
}

/// The errors of the two operations that can be cancelled.
pub(crate) trait Cancellable {
    fn reasons(&self) -> Option<&[SdkReason]>;
}

impl Cancellable for TransactWriteItemsError {
    fn reasons(&self) -> Option<&[SdkReason]> {
        match self {
            Self::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
            _ => None,
        }
    }
}

impl Cancellable for TransactGetItemsError {
    fn reasons(&self) -> Option<&[SdkReason]> {
        match self {
            Self::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
            _ => None,
        }
    }
}

/// The reasons in an error of the SDK, if DynamoDB cancelled the transaction.
pub(crate) fn reasons<E: Cancellable>(error: &SdkError<E, HttpResponse>) -> Option<&[SdkReason]> {
    error.as_service_error()?.reasons()
}

/// Whether a transaction was cancelled for nothing but conflicts and throttling.
pub(crate) fn is_transient(reasons: &[SdkReason]) -> bool {
    are_transient(reasons.iter().map(CancellationCode::of))
}

/// What a failure says about the region, for its health: one that cancels is an answer.
pub(crate) fn cancelled_outcome<E>(error: &SdkError<E, HttpResponse>) -> CallOutcome
where
    E: Cancellable + ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match reasons(error) {
        Some(reasons) => outcome_of(reasons),
        None => CallOutcome::Fault(of_codes(error)),
    }
}

/// The same of the reasons alone.
pub(crate) fn outcome_of(reasons: &[SdkReason]) -> CallOutcome {
    let has = |code| {
        reasons
            .iter()
            .any(|reason| CancellationCode::of(reason) == code)
    };
    CallOutcome::Fault(match is_transient(reasons) {
        true if has(CancellationCode::TransactionConflict) => FaultClass::Conflict,
        true => FaultClass::Throttled,
        false if has(CancellationCode::ConditionalCheckFailed) => {
            return CallOutcome::ConditionFailed;
        }
        false => FaultClass::Caller,
    })
}
