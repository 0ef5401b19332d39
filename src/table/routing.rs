//! Where a table is asked: which region of its set is read first, and which one is written to.

use std::time::Duration;

use super::deadline::{self, Deadline};
use super::hedge::Hedge;
use super::read_policy::ReadPolicy;
use crate::error::ConfigError;
use crate::region::{Member, RegionSet};

/// The regions of a table, and what is decided about them.
#[derive(Clone)]
pub(super) struct Routing {
    regions: RegionSet,
    /// Of the set. None stands for the local region.
    home: Option<String>,
    reads: ReadPolicy,
    /// None stands for what the SDK's configuration says, or else the default.
    deadline: Option<Duration>,
    hedge: Option<Hedge>,
}

impl Routing {
    pub(super) fn new(
        regions: RegionSet,
        home: Option<String>,
        reads: ReadPolicy,
        deadline: Option<Duration>,
        hedge: Option<Hedge>,
    ) -> Result<Self, ConfigError> {
        if let Some(home) = &home
            && regions.member(home).is_none()
        {
            return Err(ConfigError::new(format!(
                "home region {home:?} is none of the region set; add it there"
            )));
        }
        if hedge.is_some() && (reads == ReadPolicy::Local || regions.regions().count() < 2) {
            return Err(ConfigError::new(
                "hedged reads need another region, and `ReadPolicy::LocalThenFallback`",
            ));
        }
        Ok(Self {
            regions,
            home,
            reads,
            deadline,
            hedge,
        })
    }

    pub(super) fn regions(&self) -> &RegionSet {
        &self.regions
    }

    /// The region that is read first.
    pub(super) fn local(&self) -> &Member {
        self.regions.local_member()
    }

    /// Where reads go that do not say it themselves.
    pub(super) fn read_policy(&self) -> ReadPolicy {
        self.reads
    }

    /// When reads are sent to a second region.
    pub(super) fn hedge(&self) -> Option<Hedge> {
        self.hedge
    }

    /// Until when an operation may take that begins now: what it says itself, or the table, or the SDK's
    /// configuration.
    pub(super) fn deadline(&self, own: Option<Duration>) -> Deadline {
        let configured = || self.local().operation_timeout();
        let after = own.or(self.deadline).or_else(configured);
        Deadline::new(self.local().sleep(), after.unwrap_or(deadline::DEFAULT))
    }

    /// The region that is written to.
    pub(super) fn home(&self) -> &Member {
        let home = self.home.as_deref();
        let home = home.and_then(|name| self.regions.member(name));
        home.unwrap_or_else(|| self.local())
    }
}
