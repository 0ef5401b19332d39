//! One span for each record or line that is opened, with a closed list of fields: never a key, a
//! value, or anything that a record says.

use std::future::Future;

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::item::ItemEncryptor;

macro_rules! opening_spans {
    ($($(#[$attribute:meta])* $function:ident => $name:literal),* $(,)?) => {$(
        $(#[$attribute])*
        pub(super) fn $function(encryptor: &ItemEncryptor) -> Span {
            tracing::debug_span!(
                $name,
                table = encryptor.schema().logical_table_name(),
                outcome = Empty,
            )
        }
    )*};
}

opening_spans! {
    #[cfg(feature = "export")]
    open_export_line => "OpenExportLine",
    open_record => "OpenRecord",
}

/// Opens something in its span and records how that ended.
pub(super) async fn run<T>(
    span: Span,
    opening: impl Future<Output = T>,
    is_open: impl FnOnce(&T) -> bool,
) -> T {
    let opened = opening.instrument(span.clone()).await;
    span.record(
        "outcome",
        if is_open(&opened) { "ok" } else { "not opened" },
    );
    opened
}
