//! One span per verb on a transaction, with the fields of all others: `table` lists the logical names
//! of its tables.

use std::sync::Arc;

use tracing::Span;
use tracing::field::Empty;

use crate::region::Member;
use crate::table::core::Core;
pub(super) use crate::table::span::run;

macro_rules! transaction_spans {
    ($($function:ident => $name:literal in $member:ident),* $(,)?) => {$(
        pub(super) fn $function<'a>(cores: impl Iterator<Item = &'a Arc<Core>>) -> Span {
            let (tables, region) = tables_and_region(cores, Core::$member);
            tracing::debug_span!($name, table = tables, region, outcome = Empty)
        }
    )*};
}

transaction_spans! {
    prepare => "PrepareTransaction" in home,
    transact_get_items => "TransactGetItems" in local,
    transact_write_items => "TransactWriteItems" in home,
}

/// The logical names of the tables, each once, in the order in which they came, and the region that is
/// asked.
fn tables_and_region<'a>(
    cores: impl Iterator<Item = &'a Arc<Core>>,
    member_of: fn(&Core) -> &Member,
) -> (String, Option<&'a str>) {
    let mut names: Vec<&str> = Vec::new();
    let mut region = None;
    for core in cores {
        region = region.or_else(|| Some(member_of(core).region()));
        let name = core.schema().logical_table_name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (names.join(","), region)
}
