//! One span per operation, named after it, with a closed list of fields: never a key, a value or a
//! context value.

use std::future::Future;

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::core::Core;
use super::error::OperationError;

macro_rules! operation_spans {
    ($($function:ident => $name:literal),* $(,)?) => {$(
        pub(super) fn $function(core: &Core) -> Span {
            tracing::debug_span!(
                $name,
                table = core.schema().logical_table_name(),
                region = core.region(),
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

/// Runs an operation in its span and records how it ended.
pub(super) async fn run<T, E>(
    span: Span,
    operation: impl Future<Output = Result<T, OperationError<E>>>,
) -> Result<T, OperationError<E>> {
    let result = operation.instrument(span.clone()).await;
    record(&span, result.as_ref().map_or_else(failed, |_| "ok"));
    result
}

/// Records how an operation ended.
pub(super) fn record(span: &Span, outcome: &'static str) {
    span.record("outcome", outcome);
}

/// The word for an operation that failed.
pub(super) fn failed<E>(error: &OperationError<E>) -> &'static str {
    match error {
        OperationError::Seal(_) => "not sealed",
        OperationError::Open(_) => "not opened",
        OperationError::Model(_) => "model mismatch",
        OperationError::Refused(_) => "refused",
        OperationError::Sdk(_) => "sdk error",
        OperationError::OutcomeUnknown(_) => "outcome unknown",
    }
}
