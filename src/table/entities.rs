//! A table of several entity types.

use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{SealedTable, SealedTableBuilder};
use crate::error::ConfigError;
use crate::item::{Entities, Entity, Item, Model};

/// A table of several entity types (single-table design).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{RawAesKeyring, RegionSet};
/// use dynaseal::item::{Discriminator, Entities, Entity};
/// use dynaseal::{Redacted, Seal, SealedTable};
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
/// # let cloud = Cloud::start(["us-east-1"]).await?;
/// # let definition = TableDefinition::new("app").partition_key("pk", KeyType::S).sort_key("sk", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("us-east-1")).local("us-east-1").build()?;
/// # let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// let entities = Entities::builder()
///     .entity::<Customer>("customer", Discriminator::sort_key("PROFILE"))
///     .entity::<Order>("order", Discriminator::sort_key_prefix("ORDER#"))
///     .build()?;
/// let table = SealedTable::<Entity>::builder("app", keyring, &regions).entities(&entities).build()?;
///
/// let orders = table.typed::<Order>()?;
/// orders.put(&Order { pk: "CUSTOMER#1".into(), sk: "ORDER#7".into(), total: 4299 }).send().await?;
///
/// let found = table.get(("CUSTOMER#1", "ORDER#7")).send().await?.expect("just written");
/// match found.name() {
///     Some("order") => assert_eq!(found.into::<Order>()?.total, 4299),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
impl SealedTable<Entity> {
    /// The same table, for the items of one model: it seals and opens no others.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the model is none of the table's entity types.
    pub fn typed<T: Model + 'static>(&self) -> Result<SealedTable<T>, ConfigError> {
        let encryptor = self.core.encryptor().only(TypeId::of::<T>())?;
        Ok(SealedTable {
            core: Arc::new(self.core.with_encryptor(encryptor)),
            model: PhantomData,
        })
    }

    /// The same table, for untyped items of all entity types.
    #[must_use]
    pub fn untyped(&self) -> SealedTable<Item> {
        SealedTable {
            core: Arc::clone(&self.core),
            model: PhantomData,
        }
    }
}

impl SealedTableBuilder<Entity> {
    /// States the entity types. They bring logical table name, suites and limits.
    pub fn entities(mut self, entities: &Entities) -> Self {
        self.entities = Some(entities.clone());
        self
    }
}
