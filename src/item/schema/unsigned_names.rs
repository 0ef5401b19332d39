//! The names that are outside the signature.

use std::collections::BTreeSet;

/// Attribute names that may be unsigned: a list, and everything with one prefix.
#[derive(Clone, Debug, Default)]
pub(in crate::item) struct UnsignedNames {
    pub(in crate::item) names: BTreeSet<String>,
    pub(in crate::item) prefix: Option<String>,
}

impl UnsignedNames {
    pub(in crate::item) fn contain(&self, name: &str) -> bool {
        self.names.contains(name)
            || self
                .prefix
                .as_ref()
                .is_some_and(|prefix| name.starts_with(prefix))
    }
}
