//! What was done to the attributes of one opened item, by name.

use std::collections::BTreeMap;

use super::{Item, ItemSchema};
use crate::action::CryptoAction;
use crate::format::canonical_path::canonical_order;
use crate::format::legend::LegendByte;

/// The crypto actions that an item was sealed with, by attribute name.
pub(crate) type SealedActions = BTreeMap<String, CryptoAction>;

/// The encrypt legend of an item that was verified, still without names: most readers need none.
#[derive(Clone, Debug)]
pub(crate) struct SealedLegend(pub(super) Vec<LegendByte>);

impl SealedLegend {
    /// The action of each signed attribute. `item` is the opened item that the legend came with.
    pub(crate) fn actions(&self, schema: &ItemSchema, item: &Item) -> SealedActions {
        let mut names: Vec<&String> = item
            .keys()
            .filter(|name| schema.is_in_signature_scope(name))
            .collect();
        names.sort_unstable_by(|a, b| canonical_order(a, b));
        let actions = self.0.iter().map(|legend| legend.action());
        names.into_iter().cloned().zip(actions).collect()
    }
}
