//! A table that only opens.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Limits;
use crate::error::{ConfigError, OpenError};
use crate::item::{Description, IntoKey, Item, ItemSchema, Model, OpenedItem, Unverified};
use crate::table::core::Core;
use crate::table::freshness::FreshnessError;
use crate::table::{BatchGet, Get, IntoQueryKey, Query, Scan, SealedTable};

/// A table that reads and never writes or seals anything. Made by [`SealedTable::open_only`].
///
/// For reports, auditors and stream consumers. Under KMS keyrings the principal needs `kms:Decrypt`
/// and never `kms:GenerateDataKey`; [`limits`](Self::limits) says for which keyrings and suites the
/// type is worth a permission.
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
/// # let table = SealedTable::<Report>::builder("reports", keyring, &regions).build()?;
/// table.put(&Report { id: "r-1".into(), text: "…".into() }).send().await?;
/// # cloud.reset_calls();
///
/// let auditor = table.open_only();
/// let found = auditor.get("r-1").send().await?;
/// assert_eq!(found.expect("it was put").text, "…");
/// assert_eq!(cloud.calls_of("us-east-1", Service::Kms, "GenerateDataKey"), 0);
/// # Ok(())
/// # }
/// ```
///
/// Writing does not compile:
///
/// ```compile_fail,E0599
/// # async fn f(auditor: dynaseal::table::OpenOnly) {
/// auditor.delete("r-1").send().await;
/// # }
/// ```
///
/// Nor does taking part in a transaction that writes:
///
/// ```compile_fail,E0277
/// # fn f(auditor: dynaseal::table::OpenOnly) {
/// let write = dynaseal::table::TransactWrite::new().delete(&auditor, "r-1");
/// # }
/// ```
pub struct OpenOnly<T = Item> {
    pub(super) core: Arc<Core>,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> SealedTable<T> {
    /// The same table for reading alone.
    #[must_use]
    pub fn open_only(&self) -> OpenOnly<T> {
        OpenOnly {
            core: Arc::clone(&self.core),
            model: PhantomData,
        }
    }
}

impl<T: Model> OpenOnly<T> {
    /// Reads the item under a key.
    pub fn get(&self, key: impl IntoKey<T::KeyShape>) -> Get<T> {
        Get::new(Arc::clone(&self.core), key.into_key())
    }

    /// Reads the items of one partition; see [`SealedTable::query`].
    pub fn query(&self, key: impl IntoQueryKey) -> Query<T> {
        Query::new(Arc::clone(&self.core), key.into_query_key())
    }

    /// Reads all items.
    pub fn scan(&self) -> Scan<T> {
        Scan::new(Arc::clone(&self.core))
    }

    /// Reads the items under many keys.
    pub fn batch_get(
        &self,
        keys: impl IntoIterator<Item = impl IntoKey<T::KeyShape>>,
    ) -> BatchGet<T>
    where
        T: 'static,
    {
        let keys = keys.into_iter().map(IntoKey::into_key);
        BatchGet::new(Arc::clone(&self.core), keys.collect())
    }

    /// Forgets which version of an item was seen; see [`SealedTable::forget_version`].
    ///
    /// # Errors
    ///
    /// Those of [`SealedTable::forget_version`].
    pub async fn forget_version(
        &self,
        key: impl IntoKey<T::KeyShape>,
    ) -> Result<(), FreshnessError> {
        self.core.forget_version(key.into_key()).await
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

    /// The same handle, in the name of somebody; see [`SealedTable::audited_as`].
    #[must_use]
    pub fn audited_as(&self, tag: impl Into<String>) -> Self {
        Self {
            core: Arc::new(self.core.in_the_name_of(tag.into())),
            model: PhantomData,
        }
    }

    /// Opens an item that came another way than through this table: from a stream, an export, an
    /// event; see [`ItemEncryptor::open`](crate::ItemEncryptor::open).
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing of an item that fails is released.
    pub async fn open(&self, item: Item) -> Result<OpenedItem, OpenError> {
        self.core.open(item, None).await
    }

    /// Reads what a sealed item says of itself; see
    /// [`ItemEncryptor::describe`](crate::ItemEncryptor::describe).
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the item cannot be one of this table.
    pub fn describe(&self, item: Item) -> Result<Unverified<Description>, OpenError> {
        self.core.encryptor().describe(item)
    }

    /// The schema of the items.
    #[must_use]
    pub fn schema(&self) -> &ItemSchema {
        self.core.schema()
    }

    /// Whether the type limits permission, or only the API.
    ///
    /// [`Limits::Permission`] under KMS keyrings, if the table accepts signed items alone (suite
    /// 0x6701). [`Limits::Api`] where whoever opens an item could forge one: under all other keyrings,
    /// under a multi-keyring with such a part, and where suite 0x6700 is sealed or accepted.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits::of_opening(self.core.encryptor())
    }
}

impl<T> Clone for OpenOnly<T> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            model: PhantomData,
        }
    }
}

impl<T> fmt::Debug for OpenOnly<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOnly")
            .field("table_name", &self.core.table_name())
            .field("regions", self.core.regions())
            .finish_non_exhaustive()
    }
}
