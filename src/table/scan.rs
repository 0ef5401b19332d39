//! Scan.

mod parallel;
mod request;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;
use aws_sdk_dynamodb::operation::scan::{ScanError, ScanInput};

pub use parallel::ParallelScan;

use self::request::{Request, Segment};
use super::core::Core;
use super::error::OperationError;
use super::page::{Anchor, AsOpened, IntoModel, Items, LastEvaluatedKey, OpenStored, Page};
use super::read::{self, Read};
use super::read_policy::ReadPolicy;
use super::span;
use crate::expression::Condition;
use crate::item::{Item, Model, OpenedItem};

/// Reads all items of the table or of an index. Made by
/// [`SealedTable::scan`](super::SealedTable::scan).
///
/// Every item is verified and decrypted, and has a result of its own. Whether the store left items
/// out cannot be checked, and filters run in DynamoDB on values that nobody has verified yet.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Serialize, Deserialize, Seal)]
/// # #[seal(table = "notes", default = "encrypt")]
/// # struct Note { #[seal(partition_key)] id: u32, text: String }
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("notes").partition_key("id", KeyType::N);
/// # cloud.create_global_table(&definition).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
/// # let keyring = KmsMrkKeyring::new(&key.arn("eu-west-1"), &regions)?;
/// # let table = SealedTable::<Note>::builder("notes", keyring, &regions).build()?;
/// # for id in 1..=9 { table.put(&Note { id, text: "…".into() }).send().await?; }
/// let notes: Vec<Note> = table.scan().items().collect().await?;
/// assert_eq!(notes.len(), 9);
///
/// // Page by page, as a web page would: keep the key, and go on from it.
/// let page = table.scan().page_size(4).page().await?;
/// assert_eq!(page.items().len(), 4);
/// let rest = table.scan().start_from(page.last_evaluated_key()).items();
/// let (rest, unopened) = rest.partition().await?;
/// assert_eq!((rest.len(), unopened.len()), (5, 0));
///
/// // Four segments at the same time, mixed as they come.
/// assert_eq!(table.scan().segments(4).items().collect().await?.len(), 9);
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until its items are read"]
pub struct Scan<T = Item> {
    segment: Option<Segment>,
    read: Read,
    input: ScanInputBuilder,
    model: PhantomData<fn() -> T>,
}

impl<T> Scan<T> {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self {
            segment: None,
            read: Read::new(core),
            input: ScanInput::builder(),
            model: PhantomData,
        }
    }

    /// Returns only items that fulfil a condition; several filters must all be fulfilled. It runs in
    /// DynamoDB after reading, so it saves no read capacity.
    ///
    /// It may name what is signed or unsigned; what is encrypted only in `attribute_exists` and
    /// `attribute_not_exists`.
    pub fn filter(mut self, filter: Condition) -> Self {
        self.read.filter(filter);
        self
    }

    /// Scans a secondary index, which holds the items that have its keys.
    ///
    /// An index that the table's builder does not declare is looked up with `DescribeTable` on first
    /// use. One that does not project all attributes needs [`fetch_from_table`](Self::fetch_from_table).
    pub fn index(mut self, name: impl Into<String>) -> Self {
        self.read.index = Some(name.into());
        self
    }

    /// Reads keys from the index, and the items under them from the table.
    ///
    /// Items that are gone from the table by then are left out and counted: [`Page::vanished`]. The
    /// filter runs on the index, so it may name only what the index projects.
    pub fn fetch_from_table(mut self) -> Self {
        self.read.from_table = true;
        self
    }

    /// Scans one of `of` segments, counted from 0, for instance each in a process of its own.
    pub fn segment(mut self, segment: i32, of: i32) -> Self {
        self.segment = Some(Segment { segment, of });
        self
    }

    /// Scans `count` segments at the same time, at least 1, in this process.
    pub fn segments(self, count: i32) -> ParallelScan<T> {
        ParallelScan::new(self, count.max(1))
    }

    /// Looks at no more than `items` items for each page, before the filter: DynamoDB's `Limit`.
    /// Default: what fits in 1 MB.
    pub fn page_size(mut self, items: i32) -> Self {
        self.input = self.input.limit(items);
        self
    }

    /// Goes on where another scan stopped: of the same table or index, and the same segment.
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
    /// Expressions, projections, segments, index and table name must stay unset, or nothing is sent.
    pub fn customize(
        mut self,
        customize: impl FnOnce(ScanInputBuilder) -> ScanInputBuilder,
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
    pub async fn count_unverified(self) -> Result<u64, OperationError<ScanError>> {
        let span = span::scan(&self.read.core, self.read.first());
        let request = self.into_request();
        span::run(span, Box::pin(read::count(&request, &Anchor::default()))).await
    }

    /// All items, opened in one way or another.
    pub(super) fn items_by<O: OpenStored>(self, opener: O) -> Items<O::Opened, ScanError> {
        let span = span::scan(&self.read.core, self.read.first());
        read::items(self.into_request(), opener, span)
    }

    /// One page, its items opened in one way or another.
    pub(super) async fn page_by<O: OpenStored>(
        self,
        opener: O,
    ) -> Result<Page<O::Opened>, OperationError<ScanError>> {
        let span = span::scan(&self.read.core, self.read.first());
        Box::pin(read::page(self.into_request(), opener, span)).await
    }

    fn into_request(self) -> Request {
        Request {
            segment: self.segment,
            read: self.read,
            input: self.input,
        }
    }
}

impl<T: Model + 'static> Scan<T> {
    /// All items, as a stream over the pages.
    pub fn items(self) -> Items<T, ScanError> {
        self.items_by(IntoModel::new())
    }

    /// Like [`items`](Self::items), with what is known about how each item was opened.
    pub fn opened_items(self) -> Items<OpenedItem, ScanError> {
        self.items_by(AsOpened)
    }

    /// One page. Its [`last_evaluated_key`](Page::last_evaluated_key) starts the next one.
    ///
    /// # Errors
    ///
    /// [`OperationError::Refused`] for a setting that is not the caller's, a filter on what is
    /// encrypted, or an index that does not project everything, before anything is sent;
    /// [`Sdk`](OperationError::Sdk) with the SDK's own error. Items that do not open are no error of
    /// the page.
    pub async fn page(self) -> Result<Page<T>, OperationError<ScanError>> {
        self.page_by(IntoModel::new()).await
    }

    /// Like [`page`](Self::page), with what is known about how each item was opened.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    pub async fn opened_page(self) -> Result<Page<OpenedItem>, OperationError<ScanError>> {
        self.page_by(AsOpened).await
    }
}

impl<T> Clone for Scan<T> {
    fn clone(&self) -> Self {
        Self {
            segment: self.segment,
            read: self.read.clone(),
            input: self.input.clone(),
            model: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Scan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("table_name", &self.read.core.table_name())
            .field("index", &self.read.index)
            .field("segment", &self.segment)
            .finish_non_exhaustive()
    }
}
