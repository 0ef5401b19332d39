//! Handles by power: a table that only seals, and one that only opens.

use std::sync::Arc;

use super::SealedTable;
use super::core::Core;
use crate::item::Model;

mod sealed {
    use super::{Arc, Core};

    /// Reaches the table behind a handle.
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Handle {
        fn core(&self) -> &Arc<Core>;
    }
}

/// A handle that can write: a [`SealedTable`] or a [`SealOnly`].
///
/// Transactions take either. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot write",
    label = "expected a `SealedTable` or a `SealOnly`"
)]
pub trait Seals: sealed::Handle {
    /// What the table holds.
    type Model: Model;
}

/// A handle that can read: a [`SealedTable`] or an [`OpenOnly`].
///
/// Transactions take either. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot read",
    label = "expected a `SealedTable` or an `OpenOnly`"
)]
pub trait Opens: sealed::Handle {
    /// What the table holds.
    type Model: Model;
}

impl<T> sealed::Handle for SealedTable<T> {
    fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl<T: Model> Seals for SealedTable<T> {
    type Model = T;
}

impl<T: Model> Opens for SealedTable<T> {
    type Model = T;
}

/// A table that only seals. Made by [`SealedTable::seal_only`].
pub struct SealOnly<T>(SealedTable<T>);

/// A table that only opens. Made by [`SealedTable::open_only`].
pub struct OpenOnly<T>(SealedTable<T>);

impl<T> sealed::Handle for SealOnly<T> {
    fn core(&self) -> &Arc<Core> {
        &self.0.core
    }
}

impl<T> sealed::Handle for OpenOnly<T> {
    fn core(&self) -> &Arc<Core> {
        &self.0.core
    }
}

impl<T: Model> Seals for SealOnly<T> {
    type Model = T;
}

impl<T: Model> Opens for OpenOnly<T> {
    type Model = T;
}
