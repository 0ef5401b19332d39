//! One span per operation, named after it, with a closed list of fields: never a key, a value or a
//! context value. When it ends, observers are told.

use std::future::Future;
use std::time::SystemTime;

use aws_smithy_async::time::SharedTimeSource;
use tracing::field::{Empty, debug};
use tracing::{Instrument as _, Span};

use super::core::Core;
use super::error::OperationError;
use crate::format::RESERVED_PREFIX;
use crate::item::{Item, OpenedItem, first_key};
use crate::observe::{Event, Observers, VerbEvent};
use crate::region::Member;

macro_rules! operation_spans {
    ($($function:ident => $name:literal),* $(,)?) => {$(
        /// `member` is asked first.
        pub(super) fn $function(core: &Core, member: &Member) -> Verb {
            let table = core.schema().logical_table_name();
            let span = tracing::debug_span!(
                $name,
                table,
                region = member.region(),
                keyring = Empty,
                key = Empty,
                attributes = Empty,
                outcome = Empty,
                duration = Empty,
            );
            Verb::new(Some(core), $name, table, span)
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

/// An operation: its span, and what observers are told when it ends.
///
/// One that is dropped after it has begun was abandoned.
pub(super) struct Verb {
    span: Span,
    name: &'static str,
    table: String,
    observers: Observers,
    clock: Option<SharedTimeSource>,
    progress: Progress,
}

#[derive(Clone, Copy)]
enum Progress {
    NotBegun,
    Begun(Option<SystemTime>),
    Ended,
}

impl Verb {
    /// Without a table there is nobody to tell.
    pub(super) fn new(core: Option<&Core>, name: &'static str, table: &str, span: Span) -> Self {
        let observers = core.map(|core| core.regions().observers().clone());
        Self {
            span,
            name,
            table: table.to_owned(),
            observers: observers.unwrap_or_default(),
            clock: core.and_then(Core::clock),
            progress: Progress::NotBegun,
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// From here on the time counts, if it did not before.
    pub(super) fn begin(&mut self) {
        if let Progress::NotBegun = self.progress {
            self.progress = Progress::Begun(self.now());
        }
    }

    /// Records and tells how the operation ended; only the first end counts.
    pub(super) fn end(&mut self, outcome: &'static str) {
        let Progress::Begun(begun) = self.progress else {
            return;
        };
        self.progress = Progress::Ended;
        let took = begun.and_then(|begun| self.now()?.duration_since(begun).ok());
        let latency = took.unwrap_or_default();
        self.span.record("outcome", outcome);
        self.span.record("duration", debug(latency));
        self.span.in_scope(|| {
            self.observers.emit(&Event::Verb(VerbEvent {
                operation: self.name,
                table: &self.table,
                outcome,
                latency,
            }));
        });
    }

    fn now(&self) -> Option<SystemTime> {
        Some(self.clock.as_ref()?.now())
    }
}

impl Drop for Verb {
    fn drop(&mut self) {
        self.end("abandoned");
    }
}

/// An error that has a word for how an operation ended.
pub(super) trait Outcome {
    /// The word, which holds no value.
    fn outcome(&self) -> &'static str;
}

/// Runs an operation in its span, and records and tells how it ended.
pub(super) async fn run<T, E: Outcome>(
    mut verb: Verb,
    operation: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    verb.begin();
    let result = operation.instrument(verb.span.clone()).await;
    verb.end(result.as_ref().map_or_else(E::outcome, |_| "ok"));
    result
}

/// Records that another region is asked than the one that was meant.
pub(super) fn record_region(region: &str) {
    if let Some(span) = current() {
        span.record("region", region);
    }
}

/// Records what opened the one item that the current operation read.
pub(super) fn record_opened(opened: &OpenedItem) {
    let Some(span) = current() else { return };
    span.record("keyring", opened.keyring());
    span.record("key", opened.key());
    span.record("attributes", opened.item().len());
}

/// Records what sealed the one item that the current operation writes: the first of its keys.
pub(super) fn record_sealed(core: &Core, sealed: &Item) {
    let Some(span) = current() else { return };
    span.record("keyring", core.encryptor().keyring_name());
    span.record("key", first_key(sealed).as_deref());
    let attributes = sealed
        .keys()
        .filter(|name| !name.starts_with(RESERVED_PREFIX));
    span.record("attributes", attributes.count());
}

/// The span of the current operation, where somebody listens to it. Another's span is left alone.
fn current() -> Option<Span> {
    let span = Span::current();
    let is_ours = span.metadata()?.target() == module_path!();
    is_ours.then_some(span)
}

impl<E> Outcome for OperationError<E> {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Seal(_) => "not sealed",
            Self::Open(_) => "not opened",
            Self::Model(_) => "model mismatch",
            Self::Refused(_) => "refused",
            Self::CircuitOpen(_) => "circuit open",
            Self::DeadlineExceeded(_) => "deadline exceeded",
            Self::AbsentInFallback(_) => "absent in fallback",
            Self::TenantMismatch(_) => "tenant mismatch",
            Self::Sdk(_) => "sdk error",
            Self::OutcomeUnknown(_) => "outcome unknown",
            Self::Stale(_) => "stale",
            Self::Diverged(_) => "diverged",
            Self::Freshness(_) => "freshness unknown",
        }
    }
}
