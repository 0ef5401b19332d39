//! A table that only seals.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Limits;
use crate::error::{ConfigError, SealError};
use crate::expression::UpdateExpression;
use crate::item::{IntoKey, Item, ItemSchema, Model};
use crate::table::core::Core;
use crate::table::{BatchWrite, Delete, Put, SealedTable, UpdateUnsigned};

/// A table that writes and never opens anything. Made by [`SealedTable::seal_only`].
///
/// For programs that take data in and have no business reading it back. Under KMS keyrings the
/// principal needs `kms:GenerateDataKey` and never `kms:Decrypt`; [`limits`](Self::limits) says for
/// which keyrings the type is worth a permission.
///
/// Items that come back inside errors stay sealed: `item()` of an error is `None`, and the SDK's error
/// has them as they are stored. There is no `update` by a closure, which reads first.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, Service, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "reports", default = "encrypt")]
/// # struct Report { #[seal(partition_key)] id: String, text: String }
/// # let cloud = Cloud::start(["us-east-1"]).await?;
/// # let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("reports").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("us-east-1")).local("us-east-1").build()?;
/// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
/// use dynaseal::table::Limits;
///
/// let table = SealedTable::<Report>::builder("reports", keyring, &regions).build()?;
/// let intake = table.seal_only();
/// assert_eq!(intake.limits(), Limits::Permission);
///
/// let report = Report { id: "r-1".into(), text: "…".into() };
/// intake.put(&report).if_not_exists().send().await?;
///
/// let conflict = intake.put(&report).if_not_exists().send().await.unwrap_err();
/// assert!(conflict.item().is_none(), "what is stored stays sealed");
/// assert_eq!(cloud.calls_of("us-east-1", Service::Kms, "Decrypt"), 0);
/// # Ok(())
/// # }
/// ```
///
/// Reading does not compile:
///
/// ```compile_fail,E0599
/// # async fn f(intake: dynaseal::table::SealOnly) {
/// intake.get("r-1").send().await;
/// # }
/// ```
///
/// Nor does asking a write for what it replaces:
///
/// ```compile_fail,E0599
/// # async fn f(intake: dynaseal::table::SealOnly, item: dynaseal::Item) {
/// intake.put(&item).return_old().send().await;
/// # }
/// ```
///
/// Nor does taking part in a transaction that reads:
///
/// ```compile_fail,E0277
/// # fn f(intake: dynaseal::table::SealOnly) {
/// let slot = dynaseal::table::TransactGet::new().get(&intake, "r-1");
/// # }
/// ```
pub struct SealOnly<T = Item> {
    pub(super) core: Arc<Core>,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> SealedTable<T> {
    /// The same table for writing alone.
    #[must_use]
    pub fn seal_only(&self) -> SealOnly<T> {
        SealOnly {
            core: Arc::new(self.core.without_opening()),
            model: PhantomData,
        }
    }
}

impl<T: Model> SealOnly<T> {
    /// Writes an item; see [`SealedTable::put`].
    pub fn put(&self, model: &T) -> Put<Self> {
        Put::new(Arc::clone(&self.core), model.to_item())
    }

    /// Deletes the item under a key, whatever it is; where the table is [limited](Self::tenant) to one tenant, only its own.
    pub fn delete(&self, key: impl IntoKey<T::KeyShape>) -> Delete<Self> {
        Delete::new(Arc::clone(&self.core), key.into_key())
    }

    /// Changes unsigned attributes of the item under a key in place; see
    /// [`SealedTable::update_unsigned`].
    pub fn update_unsigned(
        &self,
        key: impl IntoKey<T::KeyShape>,
        expression: UpdateExpression,
    ) -> UpdateUnsigned<Self> {
        UpdateUnsigned::new(Arc::clone(&self.core), key.into_key(), expression)
    }

    /// Writes and deletes many items.
    pub fn batch_write(&self) -> BatchWrite<T> {
        BatchWrite::new(Arc::clone(&self.core))
    }

    /// The same handle, for the items of one tenant alone; see [`SealedTable::tenant`].
    ///
    /// # Errors
    ///
    /// Those of [`SealedTable::tenant`].
    pub fn tenant(&self, tenant: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            core: Arc::new(self.core.of_tenant(tenant.into())?),
            model: PhantomData,
        })
    }

    /// Seals an item that goes another way than through this table; see
    /// [`ItemEncryptor::seal`](crate::ItemEncryptor::seal).
    ///
    /// # Errors
    ///
    /// [`SealError`]; nothing is sealed in part.
    pub async fn seal(&self, item: Item) -> Result<Item, SealError> {
        self.core.seal(item).await
    }

    /// The schema of the items.
    #[must_use]
    pub fn schema(&self) -> &ItemSchema {
        self.core.schema()
    }

    /// Whether the type limits permission, or only the API.
    ///
    /// [`Limits::Permission`] under keyrings of KMS keys and of table keys, which seal by
    /// `kms:GenerateDataKey`, and of RSA keys in KMS, which seal by a public key: opening takes `kms:Decrypt`.
    /// [`Limits::Api`] where whoever seals could open: under a raw key, a branch key, whose every use takes
    /// `kms:Decrypt`, or an ECDH key in KMS, and under a multi-keyring with such a part.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits::of_sealing(self.core.encryptor())
    }
}

impl<T> Clone for SealOnly<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            model: PhantomData,
        }
    }
}

impl<T> fmt::Debug for SealOnly<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealOnly")
            .field("table_name", &self.core.table_name())
            .field("regions", self.core.regions())
            .finish_non_exhaustive()
    }
}
