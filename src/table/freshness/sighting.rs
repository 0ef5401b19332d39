//! How an item was looked up, and how it compares.

use super::{Diverged, FreshnessError, Seen, Stale, Verdict};
use crate::error::OpenError;
use crate::item::Item;
use crate::materials::CallBudget;

/// Where an item was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) enum Origin {
    /// In the table: there it can be read again.
    Table,
    /// In an index, which lags by nature.
    Index,
}

/// How an item was read.
#[derive(Clone, Copy)]
pub(in crate::table) struct Look<'a> {
    /// The region that was read.
    pub(in crate::table) region: &'a str,
    pub(in crate::table) origin: Origin,
    /// The key that was asked for, if one was.
    pub(in crate::table) key: Option<&'a Item>,
    /// What calls to KMS are counted against, if there are several items.
    pub(in crate::table) budget: Option<&'a CallBudget>,
    /// The newest version that was seen before the item was asked for, if it was asked for again.
    pub(in crate::table) known: Option<u64>,
}

impl<'a> Look<'a> {
    /// One item of several, whose key is what it says.
    pub(in crate::table) fn of_many(
        region: &'a str,
        origin: Origin,
        budget: &'a CallBudget,
    ) -> Self {
        Self {
            region,
            origin,
            key: None,
            budget: Some(budget),
            known: None,
        }
    }

    /// Whether a second look may find a newer item, and this was not the second one.
    pub(in crate::table) fn may_be_repeated(self) -> bool {
        self.origin == Origin::Table && self.known.is_none()
    }

    /// The item under a key.
    pub(in crate::table) fn under(key: &'a Item, region: &'a str) -> Self {
        Self {
            region,
            origin: Origin::Table,
            key: Some(key),
            budget: None,
            known: None,
        }
    }
}

/// Why an item that a read found is not handed out.
#[derive(Clone, Debug)]
pub(in crate::table) enum Rejected {
    Open(OpenError),
    Stale(Stale),
    Diverged(Diverged),
    Freshness(FreshnessError),
}

impl From<OpenError> for Rejected {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<FreshnessError> for Rejected {
    fn from(error: FreshnessError) -> Self {
        Self::Freshness(error)
    }
}

/// How an opened item compares with what was seen.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) enum Sighting {
    /// It has no version, and none was seen.
    Unchecked,
    /// It has this version, and no newer one was seen.
    Fresh(u64),
    Older(Older),
    /// The version that was written twice.
    Forked(u64),
}

impl Sighting {
    pub(super) fn of(seen: Seen, verdict: Verdict) -> Self {
        let version = seen.version();
        match verdict {
            Verdict::Fresh => Self::Fresh(version),
            Verdict::Diverged => Self::Forked(version),
            Verdict::Stale { newest } => Self::Older(Older {
                found: Some(version),
                newest,
            }),
        }
    }

    /// The newest version that is known of the item.
    pub(in crate::table) fn known(self) -> Option<u64> {
        match self {
            Self::Unchecked => None,
            Self::Fresh(version) | Self::Forked(version) => Some(version),
            Self::Older(older) => Some(older.newest),
        }
    }
}

/// An item that is older than one that was seen.
#[derive(Clone, Copy, Debug)]
pub(in crate::table) struct Older {
    /// Its version, if it has one.
    pub(in crate::table) found: Option<u64>,
    /// The newest that was seen.
    pub(in crate::table) newest: u64,
}
