//! One span per verb on a transaction, with the fields of all others: `table` lists the logical names
//! of its tables.

use std::sync::Arc;

use tracing::field::Empty;

use crate::table::core::Core;
use crate::table::span::Verb;
pub(super) use crate::table::span::run;

macro_rules! transaction_spans {
    ($($function:ident => $name:literal in $member:ident),* $(,)?) => {$(
        pub(super) fn $function<'a>(cores: impl Iterator<Item = &'a Arc<Core>>) -> Verb {
            let (tables, core) = tables_and_first(cores);
            let span = tracing::debug_span!(
                $name,
                table = &*tables,
                region = core.map(|core| core.$member().region()),
                outcome = Empty,
                duration = Empty,
            );
            Verb::new(core.map(|core| &**core), $name, &tables, span)
        }
    )*};
}

transaction_spans! {
    prepare => "PrepareTransaction" in home,
    transact_get_items => "TransactGetItems" in local,
    transact_write_items => "TransactWriteItems" in home,
}

/// The logical names of the tables, each once, in the order in which they came; and the first table.
fn tables_and_first<'a>(
    cores: impl Iterator<Item = &'a Arc<Core>>,
) -> (String, Option<&'a Arc<Core>>) {
    let mut names: Vec<&str> = Vec::new();
    let mut first = None;
    for core in cores {
        first = first.or(Some(core));
        let name = core.schema().logical_table_name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (names.join(","), first)
}
