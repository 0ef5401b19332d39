//! One span per operation, named after it, with a closed list of fields: never a key, a value or a
//! context value.

use std::future::Future;

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::core::Core;
use super::error::OperationError;
use crate::region::Member;

macro_rules! operation_spans {
    ($($function:ident => $name:literal),* $(,)?) => {$(
        /// `member` is asked first.
        pub(super) fn $function(core: &Core, member: &Member) -> Span {
            tracing::debug_span!(
                $name,
                table = core.schema().logical_table_name(),
                region = member.region(),
                outcome = Empty,
            )
        }
    )*};
}

operation_spans! {
    batch_get_item => "BatchGetItem",
    batch_write_item => "BatchWriteItem",
    delete_item => "DeleteItem",
    get_item => "GetItem",
    put_item => "PutItem",
    query => "Query",
    scan => "Scan",
    update => "Update",
    update_unsigned => "UpdateUnsigned",
}

/// An error that has a word for how an operation ended.
pub(super) trait Outcome {
    /// The word, which holds no value.
    fn outcome(&self) -> &'static str;
}

/// Runs an operation in its span and records how it ended.
pub(super) async fn run<T, E: Outcome>(
    span: Span,
    operation: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let result = operation.instrument(span.clone()).await;
    record(&span, result.as_ref().map_or_else(E::outcome, |_| "ok"));
    result
}

/// Records how an operation ended.
pub(super) fn record(span: &Span, outcome: &'static str) {
    span.record("outcome", outcome);
}

impl<E> Outcome for OperationError<E> {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Seal(_) => "not sealed",
            Self::Open(_) => "not opened",
            Self::Model(_) => "model mismatch",
            Self::Refused(_) => "refused",
            Self::CircuitOpen(_) => "circuit open",
            Self::AbsentInFallback(_) => "absent in fallback",
            Self::Sdk(_) => "sdk error",
            Self::OutcomeUnknown(_) => "outcome unknown",
            Self::Stale(_) => "stale",
            Self::Diverged(_) => "diverged",
            Self::Freshness(_) => "freshness unknown",
        }
    }
}
