//! One span per operation, named after it, with a closed list of fields: never a key, a value or a
//! context value.

use std::future::Future;
use std::sync::Arc;

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::core::Core;
use super::error::OperationError;
use super::transact::TransactionError;

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

macro_rules! transaction_spans {
    ($($function:ident => $name:literal),* $(,)?) => {$(
        pub(super) fn $function<'a>(cores: impl Iterator<Item = &'a Arc<Core>>) -> Span {
            let (tables, region) = tables_and_region(cores);
            tracing::debug_span!($name, table = tables, region, outcome = Empty)
        }
    )*};
}

transaction_spans! {
    prepare_transaction => "PrepareTransaction",
    transact_get_items => "TransactGetItems",
    transact_write_items => "TransactWriteItems",
}

/// The logical names of the tables of a transaction, each once, in the order in which they came.
fn tables_and_region<'a>(cores: impl Iterator<Item = &'a Arc<Core>>) -> (String, Option<&'a str>) {
    let mut names: Vec<&str> = Vec::new();
    let mut region = None;
    for core in cores {
        region.get_or_insert(core.region());
        let name = core.schema().logical_table_name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (names.join(","), region)
}

/// Runs a transaction in its span and records how it ended.
pub(super) async fn run_transaction<T, E>(
    span: Span,
    transaction: impl Future<Output = Result<T, TransactionError<E>>>,
) -> Result<T, TransactionError<E>> {
    let result = transaction.instrument(span.clone()).await;
    let outcome = match &result {
        Ok(_) => "ok",
        Err(TransactionError::Operation(_)) => "an operation was not sent",
        Err(TransactionError::Refused(_)) => "refused",
        Err(TransactionError::Cancelled(_)) => "cancelled",
        Err(TransactionError::Sdk(_)) => "sdk error",
        Err(TransactionError::OutcomeUnknown(_)) => "outcome unknown",
    };
    span.record("outcome", outcome);
    result
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
