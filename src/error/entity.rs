//! An item that is not of the entity type it should be.

use std::error::Error;
use std::fmt;

/// An item that is none of the entity types of its table, or another than the one asked for.
///
/// It carries the names that the program gave its entity types, and nothing of the item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityMismatch {
    found: Option<String>,
    expected: Option<String>,
}

impl EntityMismatch {
    /// The keys and the type attribute select no entity type.
    pub(crate) fn none() -> Self {
        Self {
            found: None,
            expected: None,
        }
    }

    /// The item is of another entity type than the only one that is wanted.
    pub(crate) fn another(found: &str, expected: &str) -> Self {
        Self {
            found: Some(found.to_owned()),
            expected: Some(expected.to_owned()),
        }
    }

    /// The entity type that the item is of; `None` if it is of none.
    #[must_use]
    pub fn found(&self) -> Option<&str> {
        self.found.as_deref()
    }

    /// The only entity type that the table was asked for; `None` if it was asked for all.
    #[must_use]
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }
}

impl fmt::Display for EntityMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.found, &self.expected) {
            (Some(found), Some(expected)) => {
                write!(f, "the item is of entity type `{found}`, not `{expected}`")
            }
            _ => f.write_str("the item's keys and type attribute select no entity type"),
        }
    }
}

impl Error for EntityMismatch {}
