//! Tables: the operations of DynamoDB on items that are sealed before they leave the process and
//! verified before they are seen.

mod backoff;
mod builder;
mod core;
mod customize;
mod delete;
mod entities;
mod error;
mod get;
mod name;
mod plaintext;
mod put;
mod span;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

pub use builder::SealedTableBuilder;
pub use delete::Delete;
pub use error::{OperationError, OutcomeUnknown, Refused, SdkFailure};
pub use get::{Get, GetFound};
pub use plaintext::{Found, PlaintextKeys, PlaintextPolicy};
pub use put::{Put, PutOutput};

use self::core::Core;
use crate::item::{IntoKey, Item, ItemEncryptor, Model};
use crate::keyring::Keyring;
use crate::region::RegionSet;

/// A DynamoDB table whose items are sealed: what goes in is encrypted and signed, what comes out was
/// verified.
///
/// `T` is a model that derives [`Seal`](crate::Seal), [`Item`] for untyped work, or
/// [`Entity`](crate::item::Entity) for several entity types in one table. Requests go to the local region of the [`RegionSet`]; sealing and opening use the keyring's replica there. Cheap
/// to clone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// use dynaseal::{KmsMrkKeyring, Redacted, RegionSet, Seal, SealedTable};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Seal)]
/// #[seal(table = "customers", default = "encrypt")]
/// struct Customer {
///     #[seal(partition_key)]
///     id: String,
///     ssn: Redacted<String>,
/// }
///
/// # let cloud = Cloud::start(["us-east-1", "eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("us-east-1", ["eu-west-1"]).await?;
/// # let definition = TableDefinition::new("customers").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let sdk_config = cloud.sdk_config("us-east-1");
/// # let key_arn = key.arn("us-east-1");
/// let regions = RegionSet::builder(&sdk_config).local("us-east-1").build()?;
/// let keyring = KmsMrkKeyring::new(&key_arn, &regions)?;
/// let table = SealedTable::<Customer>::builder("customers", keyring, &regions).build()?;
///
/// let ada = Customer { id: "c-1".into(), ssn: "078-05-1120".to_owned().into() };
/// table.put(&ada).if_not_exists().send().await?;
/// let found = table.get("c-1").send().await?.expect("just written");
/// assert_eq!(found.ssn.expose(), "078-05-1120");
/// table.delete("c-1").send().await?;
/// # Ok(())
/// # }
/// ```
pub struct SealedTable<T = Item> {
    core: Arc<Core>,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> SealedTable<T> {
    /// Starts a table of this name, or of this ARN, with keys from `keyring`.
    ///
    /// An ARN stands for its table's replica in every region of the set, so its region must be one of
    /// them. Its account is not looked at: requests go by name, to the account of the credentials.
    pub fn builder(
        table_name: impl Into<String>,
        keyring: impl Keyring + 'static,
        regions: &RegionSet,
    ) -> SealedTableBuilder<T> {
        SealedTableBuilder::new(table_name.into(), Arc::new(keyring), regions.clone())
    }

    /// Writes an item, replacing whatever was under its key.
    ///
    /// The model is turned into an item at once; the future borrows nothing.
    pub fn put(&self, model: &T) -> Put<T> {
        Put::new(Arc::clone(&self.core), model.to_item())
    }

    /// Reads the item under a key.
    pub fn get(&self, key: impl IntoKey<T::KeyShape>) -> Get<T> {
        Get::new(Arc::clone(&self.core), key.into_key())
    }

    /// Deletes the item under a key, whatever it is.
    pub fn delete(&self, key: impl IntoKey<T::KeyShape>) -> Delete {
        Delete::new(Arc::clone(&self.core), key.into_key())
    }

    /// How often this table, and all clones and handles of it, have let plaintext through; see
    /// [`PlaintextPolicy`].
    #[must_use]
    pub fn plaintext_reads(&self) -> u64 {
        self.core.plaintext_reads()
    }

    /// The encryptor of this table, for items that come another way: streams, exports, transactions
    /// of your own.
    #[must_use]
    pub fn encryptor(&self) -> &ItemEncryptor {
        self.core.encryptor()
    }
}

impl<T> Clone for SealedTable<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            model: PhantomData,
        }
    }
}

impl<T> fmt::Debug for SealedTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTable")
            .field("table_name", &self.core.table_name())
            .field("schema", self.core.schema())
            .field("regions", self.core.regions())
            .finish_non_exhaustive()
    }
}

/// The footer of a sealed item, which no other item has.
fn footer(item: &Item) -> Option<&AttributeValue> {
    item.get(crate::format::FOOTER_ATTRIBUTE)
}
