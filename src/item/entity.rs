//! An item of one of the entity types of its table.

use std::fmt;
use std::sync::Arc;

use super::model::sealed::Sealed;
use super::typed::ModelMismatch;
use super::{AnyKey, Item, Model, ModelSchema, OpenedItem};

/// An item of a table with several entity types, and which of them it is.
///
/// The `T` of a [`SealedTable`](crate::SealedTable) of [`Entities`](super::Entities). Its `Debug` shows
/// the name and attribute names, never values.
#[derive(Clone, PartialEq)]
pub struct Entity {
    name: Option<Arc<str>>,
    item: Item,
}

impl Entity {
    /// Which entity type the item is of, verified; `None` of an item that was not opened, and of a table
    /// without entity types.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Turns the item into its model. Whether the model is that of the item's entity type, the fields
    /// alone say: look at [`name`](Self::name) first, or read by a table of one model.
    ///
    /// # Errors
    ///
    /// [`ModelMismatch`] if an attribute is missing, or does not fit its field.
    pub fn into<T: Model>(self) -> Result<T, ModelMismatch> {
        T::from_item(self.item)
    }

    /// The attributes in clear. Unsigned ones are as anybody may have left them.
    #[must_use]
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The attributes in clear, to be changed. What changes the entity type does not change the name.
    #[must_use]
    pub fn item_mut(&mut self) -> &mut Item {
        &mut self.item
    }

    /// The attributes in clear, by value.
    #[must_use]
    pub fn into_item(self) -> Item {
        self.item
    }
}

impl Sealed for Entity {}
// Whose own type lacks something wants no hint to this one.
#[diagnostic::do_not_recommend]
impl Model for Entity {
    type KeyShape = AnyKey;

    fn schema() -> Option<&'static ModelSchema> {
        None
    }

    fn to_item(&self) -> Result<Item, ModelMismatch> {
        Ok(self.item.clone())
    }

    fn from_item(item: Item) -> Result<Self, ModelMismatch> {
        Ok(Self { name: None, item })
    }

    fn from_opened(opened: OpenedItem) -> Result<Self, ModelMismatch> {
        Ok(Self {
            name: opened.entity.clone(),
            item: opened.into_item(),
        })
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.item.keys().collect();
        names.sort_unstable();
        f.debug_struct("Entity")
            .field("name", &self.name)
            .field("attributes", &names)
            .finish()
    }
}
