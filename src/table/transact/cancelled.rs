//! Why DynamoDB cancelled a transaction: one reason per operation, with the stored items opened.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::types::CancellationReason as SdkReason;
use futures_util::stream::StreamExt as _;

use super::{Target, in_order};
use crate::error::OpenError;
use crate::item::OpenedItem;
use crate::materials::CallBudget;
pub use crate::region::cancelled::CancellationCode;
use crate::region::cancelled::{Cancellable, are_transient, reasons};
use crate::table::error::SdkFailure;

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
