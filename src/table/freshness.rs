//! Whether an item is the newest that was seen.
//!
//! A store can hand out an old item, validly sealed, and between regions the last writer wins without
//! anybody's bad intent. No signature tells. A model with `#[seal(version)]` can: every write of an item
//! counts its version up, and a table remembers of each item that it has read or written the newest
//! version, and which of the writes of that version it was. What it reads then is
//!
//! * **fresh**, if the version is higher, or the same one of the same write;
//! * **stale**, if it is lower. The item is read again, once, with strong consistency and in the region
//!   that is written to, since a replica may lag; if what is there is lower than what was known before
//!   *that* read, it is an error ([`Stale`]). An item without a version is lower than any;
//! * **diverged**, if it is the same version by another write: two regions wrote it without knowing of
//!   each other, and one of the writes is lost. That is an error ([`Diverged`]), told once: from then on
//!   what is stored counts as seen, so that the item can be read and updated again.
//!
//! Gets, batches, transactions, queries and scans of the table, and updates, which build on nothing that
//! is stale or diverged, report these. A secondary index lags by nature, so its items are flagged
//! alone ([`OpenedItem::freshness`](crate::OpenedItem::freshness)). Items that come back with a write,
//! and images out of streams and exports, are not looked at: they are old on purpose.
//!
//! # What is claimed
//!
//! A lost write is reported when a process that saw it reads an item whose version is not higher. **A loss
//! that a later version has overtaken already is not detected**: who lost version 7 and then reads
//! version 8 cannot know on which 7 it was built. A deletion leaves nothing to compare. A store can hold
//! back what is newer than anything this process has seen. Every writer must count: one whose model does
//! not know the version leaves it as it was, under another footer, which looks diverged; one that writes
//! items without it looks stale.
//!
//! # Where it is remembered
//!
//! In memory, by each table for itself, unless its builder is given something else: an
//! [`InMemoryFreshness`] in common for several tables, or a [`Freshness`] of your own over a store that
//! processes share. A store that fails fails the read: an item of which nobody knows whether it is the
//! newest is not handed out ([`FreshnessError`]). A write that was done is done, and what was seen of it
//! is lost then. The memory of one process is bounded, and ends with it.
//!
//! After a table was restored from a backup, what is remembered is newer than what is stored:
//! [`forget_version`](crate::SealedTable::forget_version) takes an item as it is.

mod error;
pub mod future;
mod judge;
mod memory;
mod seen;
mod sighting;

use std::fmt;
use std::sync::Arc;

pub use self::error::{Diverged, FreshnessError, Stale};
pub(super) use self::judge::reread_consistently;
pub use self::memory::InMemoryFreshness;
pub use self::seen::{FooterDigest, ItemId, Seen, Verdict};
pub(super) use self::sighting::{Look, Older, Origin, Rejected, Sighting};
use crate::error::ConfigError;

/// Remembers the newest version that was seen of each item.
///
/// Open to implementations: over a store that processes share, what one has seen the others know. All
/// three are called once for an item that is read or written, so they should be quick.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Mutex;
///
/// use dynaseal::table::freshness::{Freshness, ItemId, Seen, Verdict, future};
///
/// #[derive(Debug, Default)]
/// struct Remembered(Mutex<BTreeMap<ItemId, Seen>>);
///
/// impl Freshness for Remembered {
///     fn observe<'a>(&'a self, item: &'a ItemId, seen: Seen) -> future::Observe<'a> {
///         let mut all = self.0.lock().unwrap();
///         let verdict = seen.after(all.get(item).copied());
///         if !matches!(verdict, Verdict::Stale { .. }) {
///             all.insert(*item, seen);
///         }
///         future::Observe::ready(Ok(verdict))
///     }
///
///     fn newest<'a>(&'a self, item: &'a ItemId) -> future::Newest<'a> {
///         future::Newest::ready(Ok(self.0.lock().unwrap().get(item).copied()))
///     }
///
///     fn forget<'a>(&'a self, item: &'a ItemId) -> future::Forget<'a> {
///         self.0.lock().unwrap().remove(item);
///         future::Forget::ready(Ok(()))
///     }
/// }
/// ```
pub trait Freshness: fmt::Debug + Send + Sync {
    /// Compares what is seen with what was ([`Seen::after`]), and notes it in its place unless it is
    /// stale: in one step, so that of two that are noted at the same time the newer one stays.
    fn observe<'a>(&'a self, item: &'a ItemId, seen: Seen) -> future::Observe<'a>;

    /// The newest that was noted of an item.
    fn newest<'a>(&'a self, item: &'a ItemId) -> future::Newest<'a>;

    /// Forgets an item: the next one is believed.
    fn forget<'a>(&'a self, item: &'a ItemId) -> future::Forget<'a>;
}

impl<F: Freshness + ?Sized> Freshness for Arc<F> {
    fn observe<'a>(&'a self, item: &'a ItemId, seen: Seen) -> future::Observe<'a> {
        (**self).observe(item, seen)
    }

    fn newest<'a>(&'a self, item: &'a ItemId) -> future::Newest<'a> {
        (**self).newest(item)
    }

    fn forget<'a>(&'a self, item: &'a ItemId) -> future::Forget<'a> {
        (**self).forget(item)
    }
}

/// What a builder is told.
#[derive(Debug, Default)]
pub(super) enum Choice {
    /// A memory of its own for a table whose items have versions.
    #[default]
    Default,
    /// The caller's.
    Own(Arc<dyn Freshness>),
    /// None.
    Off,
}

impl Choice {
    /// What a table has, whose items have versions or not.
    pub(super) fn resolve(
        self,
        has_versions: bool,
    ) -> Result<Option<Arc<dyn Freshness>>, ConfigError> {
        match self {
            Self::Own(_) if !has_versions => Err(ConfigError::new(
                "freshness compares versions, and the items of this table have none: mark a field with \
                 `#[seal(version)]`",
            )),
            Self::Own(freshness) => Ok(Some(freshness)),
            Self::Default if has_versions => Ok(Some(Arc::new(InMemoryFreshness::default()))),
            Self::Default | Self::Off => Ok(None),
        }
    }
}
