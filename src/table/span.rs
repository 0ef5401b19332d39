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
    delete_item => "DeleteItem",
    get_item => "GetItem",
    put_item => "PutItem",
}

/// Runs an operation in its span and records how it ended.
pub(super) async fn run<T, E>(
    span: Span,
    operation: impl Future<Output = Result<T, OperationError<E>>>,
) -> Result<T, OperationError<E>> {
    let result = operation.instrument(span.clone()).await;
    span.record("outcome", outcome(&result));
    result
}

fn outcome<T, E>(result: &Result<T, OperationError<E>>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(OperationError::Seal(_)) => "not sealed",
        Err(OperationError::Open(_)) => "not opened",
        Err(OperationError::Model(_)) => "model mismatch",
        Err(OperationError::Refused(_)) => "refused",
        Err(OperationError::Sdk(_)) => "sdk error",
        Err(OperationError::OutcomeUnknown(_)) => "outcome unknown",
    }
}
