//! Tables: the operations of DynamoDB on items that are sealed before they leave the process and
//! verified before they are seen.
//!
//! [`SealedTable`] makes them. Each is a builder, which ends in `send`, or for queries and scans in a
//! stream of [`Items`] or in one [`Page`].
//!
//! | operation | sends | refuses | opens |
//! | --- | --- | --- | --- |
//! | [`put`](SealedTable::put) | `PutItem`, sealed | conditions on what is encrypted | what was replaced, what failed the condition |
//! | [`get`](SealedTable::get) | `GetItem` | projections | the item |
//! | [`delete`](SealedTable::delete) | `DeleteItem` | conditions on what is encrypted | what was deleted, what failed the condition |
//! | [`update`](SealedTable::update) | `GetItem`, then `UpdateItem` on condition of the footer | changes of keys, versions and unsigned attributes | the item, before the closure sees it |
//! | [`update_unsigned`](SealedTable::update_unsigned) | `UpdateItem` on condition that the item is sealed | expressions that name what is signed, conditions on what is encrypted | the item before or after, what failed the condition |
//! | [`query`](SealedTable::query), [`scan`](SealedTable::scan) | `Query`, `Scan`; `DescribeTable` for an index that is not declared | filters on what is encrypted, projections, indexes without all attributes | each item of a page, with a result of its own |
//! | … [`fetch_from_table`](Query::fetch_from_table) | the same for keys, then `BatchGetItem` | the same, but for indexes | the same |
//! | … [`count_unverified`](Query::count_unverified) | the same, to count | the same, but for indexes | nothing |
//! | [`batch_get`](SealedTable::batch_get) | `BatchGetItem`, 100 keys at a time | projections | each item, with a result of its own |
//! | [`batch_write`](SealedTable::batch_write) | `BatchWriteItem`, 25 writes at a time, sealed | models with a version, a key twice | nothing; writes that are not done come back as they were given |
//! | [`TransactGet`] | `TransactGetItems` | tables of several region sets, an item twice | each item, in its [`Slot`] |
//! | [`TransactWrite`] | `TransactWriteItems`, sealed | what each of its operations refuses alone, an item twice | what failed the conditions |
//!
//! Every operation refuses what would go around these rules by [`customize`](Put::customize): table
//! names, expressions that nobody checked, legacy parameters, and attributes that come back in part.
//! What is refused is not sent, and the error holds a [`Refused`]. What [`update`](SealedTable::update)
//! refuses of a change is a variant of [`UpdateError`], before anything is written. PartiQL has no way
//! in.
//!
//! Items that come another way are opened by [`records`](crate::records).
//!
//! Of models with a version, a table remembers what it has seen, and reports what is older:
//! [`freshness`].
//!
//! [`SealedTable::tenant`] limits a table to the items of one tenant.
//!
//! [`SealOnly`] and [`OpenOnly`] are tables with half of the operations. [`PlaintextPolicy`] lets a
//! table be read while it is being migrated. A [`Doctor`] looks at regions, keys and permissions, and
//! writes the policy that they need.

mod attempt;
mod audit;
mod batch_get;
mod batch_write;
mod builder;
mod call;
mod condition;
mod core;
mod customize;
mod deadline;
mod delete;
mod doctor;
mod entities;
mod erase_tenant;
mod error;
mod fetch_from_table;
pub mod freshness;
mod get;
mod handle;
mod hedge;
mod index;
mod key_bytes;
mod name;
mod page;
mod plaintext;
mod put;
mod query;
mod read;
mod read_error;
mod read_policy;
mod returned;
mod routing;
mod scan;
mod span;
mod token;
mod transact;
mod update;
mod update_unsigned;
mod version;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

pub use batch_get::{BatchGet, BatchGetOutput};
pub use batch_write::{BatchWrite, BatchWriteCause, BatchWriteFailure, BatchWriteOutput, Write};
pub use builder::SealedTableBuilder;
pub use delete::{Delete, DeleteOutput};
pub use doctor::{Doctor, Finding, IamPolicy, Report, Severity, StartError};
pub use erase_tenant::{
    EraseTenant, EraseTenantError, ErasureReceipt, NotErasable, ReceiptKey, ReceiptSignature,
    SampledItems, SignReceiptError,
};
pub use error::{
    AbsentInFallback, CircuitOpen, DeadlineExceeded, OperationError, OutcomeUnknown, Refused,
    SdkFailure,
};
pub use get::Get;
pub use handle::{Limits, OpenOnly, Opens, SealOnly, Seals};
pub use hedge::Hedge;
pub use index::SecondaryIndex;
pub use page::{ItemError, Items, LastEvaluatedKey, Page, PageFailure, UnopenedItem};
pub use plaintext::{AllowPlaintext, Found, PlaintextKeys, PlaintextPolicy};
pub use put::{Put, PutOutput};
pub use query::{IntoQueryKey, Query, QueryKey};
pub use read_policy::ReadPolicy;
pub use scan::{ParallelScan, Scan};
pub use transact::{
    CancellationCode, CancellationReason, Cancelled, FailedOperation, PreparedTransaction, Slot,
    SlotError, TransactGet, TransactGetOutput, TransactWrite, TransactWriteOutput,
    TransactionError,
};
pub use update::{Change, Update, UpdateError, UpdateOutput, UpdateWriteError};
pub use update_unsigned::{UpdateUnsigned, UpdateUnsignedOutput};

use self::core::Core;
use crate::error::ConfigError;
use crate::expression::UpdateExpression;
use crate::item::{IntoKey, Item, ItemEncryptor, Model};
use crate::keyring::Keyring;
use crate::region::RegionSet;

/// A DynamoDB table whose items are sealed: what goes in is encrypted and signed, what comes out was
/// verified.
///
/// `T` is a model that derives [`Seal`](crate::Seal), [`Item`] for untyped work, or
/// [`Entity`](crate::item::Entity) for several entity types in one table. Reads go to the local
/// region of the [`RegionSet`], and elsewhere by [`ReadPolicy`] alone; writes to the table's
/// [home region](SealedTableBuilder::home_region), which is the local one unless told otherwise. Sealing
/// and opening use the keyring's replica in the local region. Cheap to clone.
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

    /// Deletes the item under a key, whatever it is; where the table is [limited](Self::tenant) to one tenant, only its own.
    pub fn delete(&self, key: impl IntoKey<T::KeyShape>) -> Delete<T> {
        Delete::new(Arc::clone(&self.core), key.into_key())
    }

    /// Reads the items of one partition: of the table, or of an index.
    ///
    /// `key` is the value of the partition key, or a whole
    /// [`KeyCondition`](crate::expression::KeyCondition).
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

    /// Writes and deletes many items, each by itself; for all or none of them there is
    /// [`TransactWrite`].
    pub fn batch_write(&self) -> BatchWrite<T> {
        BatchWrite::new(Arc::clone(&self.core))
    }

    /// Changes the item under a key by a closure, which sees it verified and decrypted.
    ///
    /// No update of another writer is lost: the item is written only if nobody wrote it meanwhile,
    /// and otherwise the closure runs again, on what is there then. It **may run more than once**. It
    /// returns nothing, or a `Result` whose error ends the update.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
    /// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize, Seal)]
    /// #[seal(table = "accounts", default = "encrypt")]
    /// struct Account {
    ///     #[seal(partition_key)]
    ///     id: String,
    ///     balance: i64,
    /// }
    ///
    /// # let cloud = Cloud::start(["us-east-1"]).await?;
    /// # let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?;
    /// # let definition = TableDefinition::new("accounts").partition_key("id", KeyType::S);
    /// # cloud.create_global_table(&definition).await?;
    /// # let sdk_config = cloud.sdk_config("us-east-1");
    /// # let regions = RegionSet::builder(&sdk_config).local("us-east-1").build()?;
    /// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
    /// # let table = SealedTable::<Account>::builder("accounts", keyring, &regions).build()?;
    /// table.put(&Account { id: "a-1".into(), balance: 100 }).send().await?;
    ///
    /// let updated = table.update("a-1", |account| account.balance -= 30).send().await?;
    /// assert_eq!(updated.model().balance, 70);
    ///
    /// let withdraw = |account: &mut Account| {
    ///     account.balance = account.balance.checked_sub(100).filter(|left| *left >= 0).ok_or("too little")?;
    ///     Ok::<_, &str>(())
    /// };
    /// let error = table.update("a-1", withdraw).send().await.unwrap_err();
    /// assert!(matches!(error, dynaseal::UpdateError::Closure(_)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn update<F, R>(&self, key: impl IntoKey<T::KeyShape>, change: F) -> Update<T, F>
    where
        F: FnMut(&mut T) -> R + Send,
        R: Change,
    {
        Update::new(Arc::clone(&self.core), key.into_key(), change)
    }

    /// Changes unsigned attributes of the item under a key in place, by DynamoDB's own update
    /// expressions: counters, times to live.
    ///
    /// Nothing is read, opened or sealed, and the signature stays what it is. Who made the values is
    /// as unknown as before.
    pub fn update_unsigned(
        &self,
        key: impl IntoKey<T::KeyShape>,
        expression: UpdateExpression,
    ) -> UpdateUnsigned<T> {
        UpdateUnsigned::new(Arc::clone(&self.core), key.into_key(), expression)
    }

    /// Forgets which version of an item was seen: the next read takes what is stored for the newest. After
    /// a restore from a backup, and whenever somebody has decided that an older item shall stand.
    ///
    /// Without [`freshness`], nothing is remembered, and nothing happens.
    ///
    /// # Errors
    ///
    /// [`FreshnessError`](freshness::FreshnessError) if the store of seen versions failed, or if this is
    /// no key of this table.
    pub async fn forget_version(
        &self,
        key: impl IntoKey<T::KeyShape>,
    ) -> Result<(), freshness::FreshnessError> {
        self.core.forget_version(key.into_key()).await
    }

    /// The same table, for the items of one tenant alone: it seals no others, and opens no others.
    ///
    /// Whose a stored item is says its own signed [tenant attribute](crate::ItemSchema::tenant_attribute): it
    /// is compared before KMS or any keyring is asked, and again once it is verified. Items of others fail each
    /// by itself in queries, scans and batches, with
    /// [`OpenError::TenantMismatch`](crate::OpenError::TenantMismatch); so let what is read together be one
    /// tenant's, by partition keys or an index that begin with the tenant.
    ///
    /// Puts, deletes, updates in place, and checks in transactions open nothing. They are sent on the condition
    /// that nothing is there, or an item of this tenant: a guard against mistakes, by a server that is
    /// trusted to evaluate it on what is stored, whoever has written that.
    /// [`OperationError::TenantMismatch`] if it does not hold. [`batch_write`](Self::batch_write) has no
    /// conditions: its deletes are refused, and its puts replace whatever is there. Counts that nobody verifies
    /// count the items of all.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the schema has no tenant attribute (`#[seal(tenant)]`), if the
    /// tenant is empty, or if the table is limited to another tenant already.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use dynaseal::testkit::{Cloud, KeyType, Service, TableDefinition};
    /// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
    /// # use serde::{Deserialize, Serialize};
    /// #[derive(Debug, Serialize, Deserialize, Seal)]
    /// #[seal(table = "invoices", default = "encrypt")]
    /// struct Invoice {
    ///     #[seal(partition_key)]
    ///     id: String,
    ///     #[seal(tenant)]
    ///     tenant: String,
    ///     total: u64,
    /// }
    ///
    /// # let cloud = Cloud::start(["us-east-1"]).await?;
    /// # let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?;
    /// # let definition = TableDefinition::new("invoices").partition_key("id", KeyType::S);
    /// # cloud.create_global_table(&definition).await?;
    /// # let regions = RegionSet::builder(&cloud.sdk_config("us-east-1")).local("us-east-1").build()?;
    /// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
    /// # let table = SealedTable::<Invoice>::builder("invoices", keyring, &regions).build()?;
    /// let acme = table.tenant("acme")?;
    /// acme.put(&Invoice { id: "acme/1".into(), tenant: "acme".into(), total: 12 }).send().await?;
    /// assert_eq!(acme.get("acme/1").send().await?.expect("just written").total, 12);
    ///
    /// # cloud.reset_calls();
    /// let globex = table.tenant("globex")?;
    /// assert!(globex.get("acme/1").send().await.is_err());
    /// assert_eq!(cloud.calls_of("us-east-1", Service::Kms, "Decrypt"), 0);
    /// assert!(globex.delete("acme/1").send().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn tenant(&self, tenant: impl Into<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            core: Arc::new(self.core.of_tenant(tenant.into())?),
            model: PhantomData,
        })
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
