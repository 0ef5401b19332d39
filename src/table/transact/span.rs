//! One span per verb on a transaction, with the fields of all others: `table` lists the logical names
//! of its tables.

use std::sync::Arc;

use tracing::Span;
use tracing::field::Empty;

use crate::table::core::Core;
pub(super) use crate::table::span::run;

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
        region = region.or_else(|| Some(core.local().region()));
        let name = core.schema().logical_table_name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (names.join(","), region)
}
