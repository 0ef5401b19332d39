//! What a transaction saw of one item, at one moment.

use super::Target;
use super::slot::Opened;
use crate::item::{Item, OpenedItem};
use crate::materials::CallBudget;
use crate::table::core::Core;
use crate::table::freshness::{Look, Origin, Rejected, Sighting};

/// One item of a picture, and how it compares with what was seen before.
pub(super) struct Picture(Option<Result<(OpenedItem, Sighting), Rejected>>);

impl Picture {
    /// Nothing was under the key.
    pub(super) fn empty() -> Self {
        Self(None)
    }

    /// `known` is the newest version that was seen before the picture was taken, if it is the second.
    pub(super) async fn open(
        target: &Target,
        item: Item,
        region: &str,
        budget: &CallBudget,
        known: Option<u64>,
    ) -> Self {
        let look = Look {
            budget: Some(budget),
            known,
            ..Look::under(&target.key, region)
        };
        Self(Some(target.core.open_sighted(look, item).await))
    }

    pub(super) fn is_older(&self) -> bool {
        matches!(self.0, Some(Ok((_, Sighting::Older(_)))))
    }

    /// The newest version that is known of the item.
    pub(super) fn known(&self) -> Option<u64> {
        match &self.0 {
            Some(Ok((_, sighting))) => sighting.known(),
            _ => None,
        }
    }

    /// The second picture of the same items. What diverged is told once, so it was told in the first.
    pub(super) fn again(before: Vec<Self>, again: Vec<Self>) -> Vec<Self> {
        let pairs = before.into_iter().zip(again);
        let pick = |(before, again): (Self, Self)| match before.0 {
            Some(Ok((_, Sighting::Forked(_)))) => before,
            _ => again,
        };
        pairs.map(pick).collect()
    }

    pub(super) fn into_slot(self, core: &Core) -> Opened {
        let settled = self
            .0?
            .and_then(|(opened, sighting)| core.settle(opened, sighting, Origin::Table));
        Some(settled)
    }
}
