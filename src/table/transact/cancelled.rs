//! Why DynamoDB cancelled a transaction: one reason per operation, with the stored items opened.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason as SdkReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::stream::StreamExt as _;

use super::{Target, in_order};
use crate::error::{FaultClass, OpenError};
use crate::item::OpenedItem;
use crate::materials::CallBudget;
use crate::observe::CallOutcome;
use crate::region::fault::of_codes;
use crate::table::error::SdkFailure;

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
    fn of(reason: &SdkReason) -> Self {
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

/// What became of one operation, and the stored item that its condition met.
#[derive(Clone, Debug)]
pub struct CancellationReason {
    code: CancellationCode,
    item: Option<Result<OpenedItem, OpenError>>,
}

impl CancellationReason {
    /// Why this operation cancelled the transaction; [`CancellationCode::None`] if it did not.
    #[must_use]
    pub fn code(&self) -> CancellationCode {
        self.code
    }

    /// The stored item that failed the condition, opened; if it does not open, why.
    ///
    /// `None` if nothing was stored, or under a handle that only seals.
    #[must_use]
    pub fn item(&self) -> Option<&Result<OpenedItem, OpenError>> {
        self.item.as_ref()
    }
}

/// A transaction that DynamoDB cancelled: none of its operations happened.
pub struct Cancelled<E> {
    reasons: Vec<CancellationReason>,
    failure: SdkFailure<E>,
}

impl<E> Cancelled<E> {
    /// One reason per operation, in their order.
    #[must_use]
    pub fn reasons(&self) -> &[CancellationReason] {
        &self.reasons
    }

    /// The SDK's error and the region. Items in it are sealed.
    #[must_use]
    pub fn failure(&self) -> &SdkFailure<E> {
        &self.failure
    }

    /// Whether all that was wrong passes: conflicts with other requests, and throttling.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        are_transient(self.reasons.iter().map(CancellationReason::code))
    }

    /// The first operation that was not accepted, counted from 0.
    fn first(&self) -> Option<(usize, CancellationCode)> {
        let codes = self.reasons.iter().map(CancellationReason::code);
        codes
            .enumerate()
            .find(|(_, code)| *code != CancellationCode::None)
    }
}

impl<E> fmt::Display for Cancelled<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first() {
            Some((index, code)) => write!(f, "operation {index} cancelled it: {code}"),
            None => f.write_str("DynamoDB gave no reason"),
        }
    }
}

impl<E> fmt::Debug for Cancelled<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled")
            .field("reasons", &self.reasons)
            .field("failure", &self.failure)
            .finish()
    }
}

impl<E: Error + 'static> Error for Cancelled<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.failure)
    }
}

/// Something was wrong, and all of it passes.
fn are_transient(codes: impl Iterator<Item = CancellationCode>) -> bool {
    let mut wrong = codes.filter(|code| *code != CancellationCode::None);
    wrong.next().is_some_and(CancellationCode::is_transient)
        && wrong.all(CancellationCode::is_transient)
}

/// The errors of the two operations that can be cancelled.
pub(in crate::table) trait Cancellable {
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
pub(super) fn reasons<E: Cancellable>(error: &SdkError<E, HttpResponse>) -> Option<&[SdkReason]> {
    error.as_service_error()?.reasons()
}

/// Whether a transaction was cancelled for nothing but conflicts and throttling.
pub(in crate::table) fn is_transient(reasons: &[SdkReason]) -> bool {
    are_transient(reasons.iter().map(CancellationCode::of))
}

/// What a failure says about the region, for its health: one that cancels is an answer.
pub(in crate::table) fn cancelled_outcome<E>(error: &SdkError<E, HttpResponse>) -> CallOutcome
where
    E: Cancellable + ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match reasons(error) {
        Some(reasons) => outcome_of(reasons),
        None => CallOutcome::Fault(of_codes(error)),
    }
}

/// The same of the reasons alone.
pub(in crate::table) fn outcome_of(reasons: &[SdkReason]) -> CallOutcome {
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

/// Opens what came with the reasons.
pub(super) async fn open<E: Cancellable>(
    failure: SdkFailure<E>,
    targets: &[Target],
) -> Cancelled<E> {
    let sdk = reasons(failure.error()).unwrap_or_default().to_vec();
    let work = targets.iter().zip(CallBudget::of_page(targets.len()));
    let work = sdk.into_iter().zip(work);
    let region = failure.region();
    let work = work.map(|(reason, (target, budget))| open_one(reason, target, region, budget));
    let reasons = in_order(work.collect()).collect().await;
    Cancelled { reasons, failure }
}

async fn open_one(
    reason: SdkReason,
    target: &Target,
    region: &str,
    budget: CallBudget,
) -> CancellationReason {
    let code = CancellationCode::of(&reason);
    let item = match reason.item {
        Some(item) if target.core.opens() => Some(target.open(item, region, &budget).await),
        _ => None,
    };
    CancellationReason { code, item }
}
