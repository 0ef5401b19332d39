//! Which region the pages of one read come from.

use std::sync::{Arc, OnceLock};

/// The region that walks through pages stay in: the one that answers first.
#[derive(Clone, Default)]
pub(in crate::table) struct Anchor(Arc<OnceLock<String>>);

impl Anchor {
    pub(in crate::table) fn region(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// Whether a page of this region may be used. The first one decides.
    pub(in crate::table) fn holds(&self, region: &str) -> bool {
        self.0.get_or_init(|| region.to_owned()) == region
    }
}
