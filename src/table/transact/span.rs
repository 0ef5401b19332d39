//! One span per verb on a transaction, with the fields of all others: `table` lists the logical names
//! of its tables.

use std::future::Future;
use std::sync::Arc;

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::error::TransactionError;
use crate::table::core::Core;

macro_rules! transaction_spans {
    ($($function:ident => $name:literal),* $(,)?) => {$(
        pub(super) fn $function<'a>(cores: impl Iterator<Item = &'a Arc<Core>>) -> Span {
            let (tables, region) = tables_and_region(cores);
            tracing::debug_span!($name, table = tables, region, outcome = Empty)
        }
    )*};
}

transaction_spans! {
    prepare => "PrepareTransaction",
    transact_get_items => "TransactGetItems",
    transact_write_items => "TransactWriteItems",
}

/// The logical names of the tables, each once, in the order in which they came.
fn tables_and_region<'a>(cores: impl Iterator<Item = &'a Arc<Core>>) -> (String, Option<&'a str>) {
    let mut names: Vec<&str> = Vec::new();
    let mut region = None;
    for core in cores {
        region = region.or_else(|| Some(core.region()));
        let name = core.schema().logical_table_name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (names.join(","), region)
}

/// Runs a transaction in its span and records how it ended.
pub(super) async fn run<T, E>(
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
