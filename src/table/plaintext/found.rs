//! What a read finds that takes plaintext as well.

use std::fmt;

use crate::item::{Item, Model, ModelMismatch, OpenedItem, Unverified};

/// An item that was verified, or one that was never sealed.
#[expect(
    clippy::exhaustive_enums,
    reason = "an item is one or the other, and whoever reads must tell"
)]
#[derive(Clone, PartialEq)]
pub enum Found<T, P = T> {
    /// A sealed item, verified and decrypted.
    Verified(T),
    /// An item that was never sealed. Whoever can write to the table may have made it up.
    Plaintext(Unverified<P>),
}

impl<T, P> Found<T, P> {
    /// The item, if it was verified.
    #[must_use]
    pub fn verified(self) -> Option<T> {
        match self {
            Self::Verified(item) => Some(item),
            Self::Plaintext(_) => None,
        }
    }

    /// Whether the item was verified.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(_))
    }
}

impl Found<OpenedItem, Item> {
    /// Turns the item into its model.
    ///
    /// # Errors
    ///
    /// [`ModelMismatch`] if an attribute is missing, or does not fit its field.
    pub fn into_model<T: Model>(self) -> Result<Found<T>, ModelMismatch> {
        Ok(match self {
            Self::Verified(opened) => Found::Verified(T::from_opened(opened)?),
            Self::Plaintext(item) => Found::Plaintext(item.try_map(T::from_item)?),
        })
    }
}

/// Shows neither: an item's values are not for logs, sealed or not.
impl<T, P> fmt::Debug for Found<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified(_) => "Verified(..)",
            Self::Plaintext(_) => "Plaintext(..)",
        })
    }
}
