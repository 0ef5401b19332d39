//! Handles by power: a table that only seals, and one that only opens. The wrong verb does not
//! compile.

mod limits;
mod open_only;
mod seal_only;

use std::fmt;
use std::sync::Arc;

pub use limits::Limits;
pub use open_only::OpenOnly;
pub use seal_only::SealOnly;

use self::sealed::{Handle, Table};
use super::SealedTable;
use super::core::Core;
use crate::item::Model;

mod sealed {
    use super::{Arc, Core, fmt};

    /// The table behind a handle, which is nobody's outside of this room.
    #[expect(unnameable_types, reason = "that is what seals the traits")]
    pub struct Table<'a>(pub(in crate::table) &'a Arc<Core>);

    impl fmt::Debug for Table<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("Table").field(&self.0.table_name()).finish()
        }
    }

    #[expect(unnameable_types, reason = "that is what seals the traits")]
    pub trait Handle {
        fn table(&self) -> Table<'_>;
    }
}

/// A handle that can write: a [`SealedTable`] or a [`SealOnly`].
///
/// Transactions take either. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot write",
    label = "expected a `SealedTable` or a `SealOnly`"
)]
pub trait Seals: Handle {
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
pub trait Opens: Handle {
    /// What the table holds.
    type Model: Model;
}

macro_rules! handles {
    ($($handle:ident: $($power:ident),+;)+) => {$(
        impl<T> Handle for $handle<T> {
            fn table(&self) -> Table<'_> {
                Table(&self.core)
            }
        }

        $(impl<T: Model> $power for $handle<T> {
            type Model = T;
        })+
    )+};
}

handles! {
    SealedTable: Seals, Opens;
    SealOnly: Seals;
    OpenOnly: Opens;
}
