//! Query.

mod key;
mod request;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;
use aws_sdk_dynamodb::operation::query::{QueryError, QueryInput};

pub use key::{IntoQueryKey, QueryKey};

use self::request::Request;
use super::core::Core;
use super::error::OperationError;
use super::page::{Anchor, AsOpened, IntoModel, Items, LastEvaluatedKey, OpenStored, Page};
use super::read::{self, Read};
use super::read_policy::ReadPolicy;
use super::span;
use crate::expression::{Condition, SortKeyCondition};
use crate::item::{Item, Model, OpenedItem};

/// Reads the items of one partition, of the table or of an index. Made by
/// [`SealedTable::query`](super::SealedTable::query).
///
/// Every item is verified and decrypted, and every item has a result of its own: one that was tampered
/// with does not hide the others. That an item is in the partition that was asked for is checked as
/// well. What cannot be checked is whether the store left items out, and which ones the sort key
/// condition and the filter let through: these run in DynamoDB, on values nobody has verified yet.
///
/// Of models with a version, an item of the table that is older than one that was seen is read again by
/// its key, so it may no longer fulfil the filter; an item of an index is [flagged](OpenedItem::freshness)
/// alone. See [`freshness`](super::freshness).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// use dynaseal::expression::{SortKeyCondition, attribute};
///
/// #[derive(Serialize, Deserialize, Seal)]
/// #[seal(table = "orders", default = "encrypt")]
/// struct Order {
///     #[seal(partition_key)]
///     customer: String,
///     #[seal(sort_key)]
///     number: u32,
///     #[seal(sign)]
///     state: String,
///     card: String,
/// }
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("orders").partition_key("customer", KeyType::S);
/// # cloud.create_global_table(&definition.sort_key("number", KeyType::N)).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
/// # let keyring = KmsMrkKeyring::new(&key.arn("eu-west-1"), &regions)?;
/// # let table = SealedTable::<Order>::builder("orders", keyring, &regions).build()?;
/// # for number in 1..=9 {
/// #     let state = if number % 2 == 0 { "open" } else { "paid" }.to_owned();
/// #     let order = Order { customer: "c-1".into(), number, state, card: "4111".into() };
/// #     table.put(&order).send().await?;
/// # }
///
/// let mut orders = table
///     .query("c-1")
///     .sort_key(SortKeyCondition::gt(3))
///     .filter(attribute("state").eq("open"))
///     .descending()
///     .items();
/// let mut numbers = Vec::new();
/// while let Some(order) = orders.next().await {
///     numbers.push(order?.number);
/// }
/// assert_eq!(numbers, [8, 6, 4]);
///
/// // What is encrypted cannot be compared by DynamoDB, and nothing is sent.
/// let error = table.query("c-1").filter(attribute("card").eq("4111")).page().await.unwrap_err();
/// assert!(matches!(error, dynaseal::OperationError::Refused(_)));
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until its items are read"]
pub struct Query<T = Item> {
    key: QueryKey,
    sort_key: Option<SortKeyCondition>,
    read: Read,
    input: QueryInputBuilder,
    model: PhantomData<fn() -> T>,
}

impl<T> Query<T> {
    pub(super) fn new(core: Arc<Core>, key: QueryKey) -> Self {
        Self {
            key,
            sort_key: None,
            read: Read::new(core),
            input: QueryInput::builder(),
            model: PhantomData,
        }
    }

    /// Reads only items whose sort key fulfils a condition.
    pub fn sort_key(mut self, condition: SortKeyCondition) -> Self {
        self.sort_key = Some(condition);
        self
    }

    /// Returns only items that fulfil a condition; several filters must all be fulfilled. It runs in
    /// DynamoDB after reading and before `page_size` is full, so it saves no read capacity.
    ///
    /// It may name what is signed or unsigned; what is encrypted only in `attribute_exists` and
    /// `attribute_not_exists`.
    pub fn filter(mut self, filter: Condition) -> Self {
        self.read.filter(filter);
        self
    }

    /// Queries a secondary index: the partition value, and the sort key condition, are its keys'.
    ///
    /// An index that the table's builder does not declare is looked up with `DescribeTable` on first
    /// use. One that does not project all attributes needs [`fetch_from_table`](Self::fetch_from_table).
    pub fn index(mut self, name: impl Into<String>) -> Self {
        self.read.index = Some(name.into());
        self
    }

    /// Reads keys from the index, and the items under them from the table, in the index's order.
    ///
    /// Items that are gone from the table by then, or that have moved to another partition of the
    /// index, are left out and counted: [`Page::vanished`]. The filter runs on the index, so it may
    /// name only what the index projects.
    pub fn fetch_from_table(mut self) -> Self {
        self.read.from_table = true;
        self
    }

    /// Reads from the highest sort key to the lowest.
    pub fn descending(mut self) -> Self {
        self.input = self.input.scan_index_forward(false);
        self
    }

    /// Looks at no more than `items` items for each page, before the filter: DynamoDB's `Limit`.
    /// Default: what fits in 1 MB.
    pub fn page_size(mut self, items: i32) -> Self {
        self.input = self.input.limit(items);
        self
    }

    /// Goes on where another query stopped.
    pub fn start_from(mut self, key: impl Into<Option<LastEvaluatedKey>>) -> Self {
        self.read.start = key.into().map(LastEvaluatedKey::into_item);
        self
    }

    /// Opens up to `items` items of a page at the same time, at least 1. Default: 16.
    pub fn concurrency(mut self, items: usize) -> Self {
        self.read.concurrency = items;
        self
    }

    /// Where to read when the local region fails. Default: what the table says.
    pub fn read_policy(mut self, policy: ReadPolicy) -> Self {
        self.read.reach.policy = Some(policy);
        self
    }

    /// Reads in this region of the set and in no other, whatever the policy.
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.read.reach.region = Some(region.into());
        self
    }

    /// How long fetching one page may take, with all its attempts. Opening its items is not counted: each
    /// of them costs at most 4 calls to KMS, with their time-outs. Default: what the
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.read.deadline = Some(after);
        self
    }

    /// Reaches the settings of the SDK that are not the table's, such as consistency. A strongly
    /// consistent read never goes to a fallback region.
    ///
    /// Keys, expressions, projections, index and table name must stay unset, or nothing is sent.
    ///
    /// ```no_run
    /// # use dynaseal::SealedTable;
    /// # async fn f(table: SealedTable) -> Result<(), Box<dyn std::error::Error>> {
    /// let page = table.query("c-1").customize(|b| b.consistent_read(true)).page().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn customize(
        mut self,
        customize: impl FnOnce(QueryInputBuilder) -> QueryInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Counts the items, as DynamoDB sees them: none is read, so none is verified. Whoever can write
    /// to the table decides what this says.
    ///
    /// # Errors
    ///
    /// [`OperationError::Refused`] for a setting that is not the caller's, and
    /// [`Sdk`](OperationError::Sdk) with the SDK's own error.
    pub async fn count_unverified(self) -> Result<u64, OperationError<QueryError>> {
        let span = span::query(&self.read.core, self.read.first());
        let request = self.into_request();
        span::run(span, Box::pin(read::count(&request, &Anchor::default()))).await
    }

    /// All items, opened in one way or another.
    pub(super) fn items_by<O: OpenStored>(self, opener: O) -> Items<O::Opened, QueryError> {
        let span = span::query(&self.read.core, self.read.first());
        read::items(self.into_request(), opener, span)
    }

    /// One page, its items opened in one way or another.
    pub(super) async fn page_by<O: OpenStored>(
        self,
        opener: O,
    ) -> Result<Page<O::Opened>, OperationError<QueryError>> {
        let span = span::query(&self.read.core, self.read.first());
        Box::pin(read::page(self.into_request(), opener, span)).await
    }

    fn into_request(self) -> Request {
        Request {
            key: self.key,
            sort_key: self.sort_key,
            read: self.read,
            input: self.input,
        }
    }
}

impl<T: Model + 'static> Query<T> {
    /// All items, as a stream over the pages.
    pub fn items(self) -> Items<T, QueryError> {
        self.items_by(IntoModel::new())
    }

    /// Like [`items`](Self::items), with what is known about how each item was opened.
    pub fn opened_items(self) -> Items<OpenedItem, QueryError> {
        self.items_by(AsOpened)
    }

    /// One page. Its [`last_evaluated_key`](Page::last_evaluated_key) starts the next one.
    ///
    /// # Errors
    ///
    /// [`OperationError::Refused`] for a setting that is not the caller's, a key condition that names
    /// other keys, a filter on what is encrypted, or an index that does not project everything, before
    /// anything is sent; [`Sdk`](OperationError::Sdk) with the SDK's own error. Items that do not open
    /// are no error of the page.
    pub async fn page(self) -> Result<Page<T>, OperationError<QueryError>> {
        self.page_by(IntoModel::new()).await
    }

    /// Like [`page`](Self::page), with what is known about how each item was opened.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    pub async fn opened_page(self) -> Result<Page<OpenedItem>, OperationError<QueryError>> {
        self.page_by(AsOpened).await
    }
}

impl<T> Clone for Query<T> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            sort_key: self.sort_key.clone(),
            read: self.read.clone(),
            input: self.input.clone(),
            model: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("table_name", &self.read.core.table_name())
            .field("index", &self.read.index)
            .finish_non_exhaustive()
    }
}
