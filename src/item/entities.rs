//! Several entity types in one table: a schema for each, and what tells their items apart.

mod builder;
mod check;
mod choice;

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

pub use self::builder::EntitiesBuilder;
pub(super) use self::choice::{Choice, Schemas};
use super::discriminator::Selector;
use super::{AttributeSchema, Item, ItemSchema};
use crate::error::ConfigError;

/// The entity types of one table (single-table design): each with a name, a schema, and a
/// [`Discriminator`](super::Discriminator) that selects its items.
///
/// The discriminator is read before an item is verified, so [`build`](EntitiesBuilder::build) makes
/// sure that it is verified afterwards: it looks at what every entity type has signed and in clear,
/// and no item can be selected by two. What is outside the signature is decided for the table, not by
/// entity type.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::item::{Discriminator, Entities, Model};
/// use dynaseal::{ItemEncryptor, RawAesKeyring, Redacted, Seal};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Seal)]
/// #[seal(table = "app", default = "encrypt")]
/// struct Customer {
///     #[seal(partition_key)]
///     pk: String,
///     #[seal(sort_key)]
///     sk: String,
///     ssn: Redacted<String>,
/// }
///
/// #[derive(Serialize, Deserialize, Seal)]
/// #[seal(table = "app", default = "sign")]
/// struct Order {
///     #[seal(partition_key)]
///     pk: String,
///     #[seal(sort_key)]
///     sk: String,
///     total: u64,
/// }
///
/// let entities = Entities::builder()
///     .entity::<Customer>("customer", Discriminator::sort_key("PROFILE"))
///     .entity::<Order>("order", Discriminator::sort_key_prefix("ORDER#"))
///     .build()?;
/// let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// let encryptor = ItemEncryptor::of_entities(&entities, keyring);
///
/// let order = Order { pk: "CUSTOMER#1".into(), sk: "ORDER#7".into(), total: 4299 };
/// let opened = encryptor.open(encryptor.seal(order.to_item()?).await?).await?;
/// assert_eq!(opened.entity(), Some("order"));
/// assert_eq!(Order::from_opened(opened)?.total, 4299);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Entities(Arc<Inner>);

struct Inner {
    types: Vec<EntityType>,
    merged: ItemSchema,
}

/// Which entity type an item is of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EntityTag {
    pub(super) name: Arc<str>,
    /// `None` of an untyped entity.
    pub(super) model: Option<TypeId>,
}

/// One entity type.
struct EntityType {
    name: Arc<str>,
    schema: ItemSchema,
    selector: Selector,
    model: Option<TypeId>,
    version: Option<AttributeSchema>,
}

impl Entities {
    /// Starts without any entity type.
    pub fn builder() -> EntitiesBuilder {
        EntitiesBuilder::new()
    }

    /// The names, in the order in which the entity types were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.types.iter().map(|entity| &*entity.name)
    }

    /// The schema of one entity type, with the table's unsigned attributes.
    #[must_use]
    pub fn schema(&self, name: &str) -> Option<&ItemSchema> {
        let mut types = self.0.types.iter();
        let found = types.find(|entity| &*entity.name == name);
        found.map(|entity| &entity.schema)
    }

    fn has_versions(&self) -> bool {
        self.0.types.iter().any(|entity| entity.version.is_some())
    }

    /// What holds of all: an attribute is encrypted if any entity type encrypts it.
    fn merged(&self) -> &ItemSchema {
        &self.0.merged
    }

    /// The entity type that an item selects, at most one.
    fn of(&self, item: &Item) -> Option<(usize, &EntityType)> {
        let mut types = self.0.types.iter().enumerate();
        types.find(|(_, entity)| entity.selector.selects(item))
    }

    fn at(&self, index: usize) -> Option<&EntityType> {
        self.0.types.get(index)
    }

    /// The place of the entity type whose model this is.
    fn of_model(&self, model: TypeId) -> Result<usize, ConfigError> {
        let mut types = self.0.types.iter();
        let found = types.position(|entity| entity.model == Some(model));
        found.ok_or_else(|| {
            ConfigError::new("the model is none of the table's entity types: add it to them")
        })
    }
}

impl fmt::Debug for Entities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
