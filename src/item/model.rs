//! What a model is: a schema, a key shape, and a way to and from an item.

mod key;
mod schema;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::key::{AnyKey, IntoKey, Key, KeyValue, NoKey, PartitionAndSortKey, PartitionKeyOnly};
pub use self::schema::{AttributeSchema, Attributes, ModelSchema, Part, Role, VersionStart};
use super::typed::{self, ModelMismatch};
use super::{Item, OpenedItem};

/// The schema of a struct: which attributes it has, and what is done with each.
///
/// Derive it:
///
/// ```
/// use dynaseal::{CryptoAction, Redacted, Seal};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Seal)]
/// #[seal(table = "customers", default = "encrypt")]
/// struct Customer {
///     #[seal(partition_key)]
///     customer_id: String,
///     #[seal(sign)]
///     plan: String,
///     ssn: Redacted<String>,
/// }
///
/// let schema = Customer::SCHEMA;
/// assert_eq!(schema.logical_table_name(), Some("customers"));
/// assert_eq!(schema.attribute("ssn").unwrap().action(), CryptoAction::EncryptAndSign);
/// assert_eq!(schema.attribute("plan").unwrap().action(), CryptoAction::SignOnly);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no schema",
    label = "this type does not derive `Seal`",
    note = "a model, and a struct that is flattened into one, needs `#[derive(Seal)]`",
    note = "a flattened map needs `#[seal(others = \"encrypt\")]` or `#[seal(others = \"sign\")]`"
)]
pub trait Seal {
    /// The attributes of the struct and of everything flattened into it.
    const SCHEMA: &'static ModelSchema;
    /// [`PartitionKeyOnly`], [`PartitionAndSortKey`], or [`NoKey`] for a struct that is only ever
    /// flattened into others.
    type KeyShape;
}

pub(super) mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
}

/// What a table holds: a type that derives [`Seal`] and serde's traits, [`Item`] itself, or
/// [`Entity`](super::Entity) where it holds several.
///
/// There is nothing to implement. What does not fit is named, and its value is not shown:
///
/// ```
/// use dynaseal::Seal;
/// use dynaseal::item::{MismatchCause, Model};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Seal)]
/// #[seal(table = "people", default = "encrypt")]
/// struct Person {
///     #[seal(partition_key)]
///     id: String,
///     age: u8,
/// }
///
/// # fn main() -> Result<(), dynaseal::item::ModelMismatch> {
/// let mut item = Person { id: "p-1".to_owned(), age: 36 }.to_item()?;
/// item.remove("age");
///
/// let error = Person::from_item(item).unwrap_err();
/// assert_eq!(error.cause(), MismatchCause::Missing);
/// assert_eq!(error.to_string(), "attribute `age` is missing");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    note = "a model derives `serde::Serialize`, `serde::Deserialize` and `dynaseal::Seal`, and is \
            `Send`"
)]
pub trait Model: Sized + Send + sealed::Sealed {
    /// What a key of this model consists of.
    type KeyShape;

    /// The derived schema; an [`Item`] has none.
    fn schema() -> Option<&'static ModelSchema>;

    /// Turns the model into an item.
    ///
    /// # Errors
    ///
    /// [`ModelMismatch`] if a field cannot be written as an attribute, or if two fields write the
    /// same one.
    fn to_item(&self) -> Result<Item, ModelMismatch>;

    /// Turns an item into the model. Attributes that the model does not know are left out.
    ///
    /// # Errors
    ///
    /// [`ModelMismatch`] if an attribute is missing, or does not fit its field.
    fn from_item(item: Item) -> Result<Self, ModelMismatch>;

    /// Turns an item that was opened into the model.
    ///
    /// # Errors
    ///
    /// Those of [`from_item`](Self::from_item).
    fn from_opened(opened: OpenedItem) -> Result<Self, ModelMismatch> {
        Self::from_item(opened.into_item())
    }
}

impl<T: Seal + Serialize + DeserializeOwned + Send> sealed::Sealed for T {}
impl<T: Seal + Serialize + DeserializeOwned + Send> Model for T {
    type KeyShape = <T as Seal>::KeyShape;

    fn schema() -> Option<&'static ModelSchema> {
        Some(T::SCHEMA)
    }

    fn to_item(&self) -> Result<Item, ModelMismatch> {
        typed::write(self)
    }

    fn from_item(item: Item) -> Result<Self, ModelMismatch> {
        typed::read(item, T::SCHEMA)
    }
}

impl sealed::Sealed for Item {}
impl Model for Item {
    type KeyShape = AnyKey;

    fn schema() -> Option<&'static ModelSchema> {
        None
    }

    fn to_item(&self) -> Result<Item, ModelMismatch> {
        Ok(self.clone())
    }

    fn from_item(item: Item) -> Result<Self, ModelMismatch> {
        Ok(item)
    }
}
