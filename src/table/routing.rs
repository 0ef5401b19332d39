//! Where a table is asked: which region of its set is read first, and which one is written to.

use crate::error::ConfigError;
use crate::region::{Member, RegionSet};

/// The regions of a table, and what is decided about them.
#[derive(Clone)]
pub(super) struct Routing {
    regions: RegionSet,
    /// Of the set. None stands for the local region.
    home: Option<String>,
}

impl Routing {
    pub(super) fn new(regions: RegionSet, home: Option<String>) -> Result<Self, ConfigError> {
        if let Some(home) = &home
            && regions.member(home).is_none()
        {
            return Err(ConfigError::new(format!(
                "home region {home:?} is none of the region set; add it there"
            )));
        }
        Ok(Self { regions, home })
    }

    pub(super) fn regions(&self) -> &RegionSet {
        &self.regions
    }

    /// The region that is read first.
    pub(super) fn local(&self) -> &Member {
        self.regions.local_member()
    }

    /// The region that is written to.
    pub(super) fn home(&self) -> &Member {
        let home = self.home.as_deref();
        let home = home.and_then(|name| self.regions.member(name));
        home.unwrap_or_else(|| self.local())
    }
}
