//! An item of one of the entity types of its table.

use std::any::TypeId;
use std::fmt;

use super::entities::EntityTag;
use super::model::sealed::Sealed;
use super::typed::ModelMismatch;
use super::{AnyKey, Item, Model, ModelSchema, OpenedItem};

/// An item of a table with several entity types, and which of them it is.
///
/// The `T` of a [`SealedTable`](crate::SealedTable) of [`Entities`](super::Entities). Its `Debug` shows
/// the name and attribute names, never values.
#[derive(Clone, PartialEq)]
pub struct Entity {
    tag: Option<EntityTag>,
    item: Item,
}

impl Entity {
    /// Which entity type the item is of, verified; `None` of an item that was not opened, and of a table
    /// without entity types.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.tag.as_ref().map(|tag| &*tag.name)
    }

    /// Turns the item into the model of its entity type.
    ///
    /// # Errors
    ///
    /// [`ModelMismatch`] if `T` is the model of another entity type, or if an attribute is missing or
    /// does not fit its field.
    pub fn into<T: Model + 'static>(self) -> Result<T, ModelMismatch> {
        let model = self.tag.and_then(|tag| tag.model);
        if model.is_some_and(|model| model != TypeId::of::<T>()) {
            return Err(ModelMismatch::another_model());
        }
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
        Ok(Self { tag: None, item })
    }

    fn from_opened(opened: OpenedItem) -> Result<Self, ModelMismatch> {
        Ok(Self {
            tag: opened.entity.clone(),
            item: opened.into_item(),
        })
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.item.keys().collect();
        names.sort_unstable();
        f.debug_struct("Entity")
            .field("name", &self.name())
            .field("attributes", &names)
            .finish()
    }
}
