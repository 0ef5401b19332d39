//! What happens, for those who watch: events of calls, fallbacks, breakers, verification and audit.
//!
//! An [`Observer`] is told of each [`Event`] as it happens, on the task where it happens. It is added to
//! the region set ([`RegionSetBuilder::observer`](crate::region::RegionSetBuilder::observer)), and told
//! of everything that the set's tables and keyrings do. Events hold names, ARNs, regions, classes and
//! durations from a closed list, and the words by which a
//! [caller](crate::SealedTable::audited_as) goes; never an item's key, an attribute value, an expression or
//! a value of the encryption context. The id of a branch key is such a value where each tenant has its own:
//! so a branch key goes by its version, `branch:version:…`, in events, spans and errors. That is the type of
//! its record, by which the key store and CloudTrail tell whose it is to those who may see that.
//!
//! Ready observers: [`Counters`] counts in memory, [`audit_to`] writes an audit log, [`from_fn`] is told
//! everything. With the feature `metrics`, `MetricsObserver` hands counts to the recorder of the
//! `metrics` crate; its page lists all metrics, their labels and units.
//!
//! # Spans
//!
//! Each operation of a table runs in a `tracing` span at DEBUG, named like the
//! [`VerbEvent`] with which it ends: after the SDK's operation, or `Update`, `UpdateUnsigned`,
//! `PrepareTransaction`. Its fields are these and no others:
//!
//! | field | |
//! | --- | --- |
//! | `table` | the logical table name; of a transaction all of them |
//! | `region` | the region that is asked first; and again the one that is asked instead, after a fallback |
//! | `keyring`, `key` | by which the one item was opened or sealed, of `GetItem`, `PutItem`, `Update`: an ARN, or a branch key's version |
//! | `attributes` | how many that item has |
//! | `outcome` | how it ended, in the words of the event |
//! | `duration` | how long it took, by the client's time source |

mod closure;
mod counters;
mod event;
mod histogram;
#[cfg(feature = "metrics")]
mod metrics_observer;
mod sample;
mod series;
mod snapshot;
#[cfg(test)]
mod test_support;

use std::fmt;
use std::sync::Arc;

pub use closure::{AuditTo, FromFn, audit_to, from_fn};
pub use counters::Counters;
pub use event::{
    AuditEvent, BreakerEvent, BreakerState, CacheEvent, CallEvent, CallOutcome, Event,
    FallbackEvent, FreshnessEvent, HedgeEvent, PlaintextEvent, RetryEvent, Service, VerbEvent,
    VerificationEvent,
};
pub use histogram::Histogram;
#[cfg(feature = "metrics")]
pub use metrics_observer::MetricsObserver;
pub use snapshot::{Row, Snapshot};

/// Is told what happens.
///
/// Called on the task where it happens, so it must be quick and must not block: count, or hand the
/// event to a channel.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use dynaseal::observe::{Event, Observer};
///
/// #[derive(Debug, Default)]
/// struct Fallbacks(AtomicU64);
///
/// impl Observer for Fallbacks {
///     fn on_event(&self, event: &Event<'_>) {
///         if let Event::Fallback(_) = event {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something happened.
    fn on_event(&self, event: &Event<'_>);
}

impl<O: Observer + ?Sized> Observer for Arc<O> {
    fn on_event(&self, event: &Event<'_>) {
        (**self).on_event(event);
    }
}

/// Everybody who watches. Clones share them; nobody watching costs a length check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observers(Arc<[Arc<dyn Observer>]>);

impl Observers {
    pub(crate) fn new(observers: Vec<Arc<dyn Observer>>) -> Self {
        Self(observers.into())
    }

    pub(crate) fn emit(&self, event: &Event<'_>) {
        for observer in &*self.0 {
            observer.on_event(event);
        }
    }
}
