//! BatchGetItem.

mod reader;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemInputBuilder;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemError, BatchGetItemInput};
use aws_sdk_dynamodb::types::ConsumedCapacity;
use futures_util::stream::StreamExt as _;

pub(super) use self::reader::{Found, KeyReader};
use super::core::Core;
use super::customize::{self, refuse_set};
use super::error::{AbsentInFallback, OperationError, Refused};
use super::freshness::Origin;
use super::key_bytes::KeyBytes;
use super::page::{
    AsOpened, DEFAULT_CONCURRENCY, IntoModel, ItemError, OpenStored, Opening, Patience,
    UnopenedItem, open_all,
};
use super::read_policy::{Reach, ReadPolicy};
use super::span;
use crate::item::{Item, Key, Model, OpenedItem};

/// Reads the items under many keys. Made by [`SealedTable::batch_get`](super::SealedTable::batch_get).
///
/// Keys go out 100 at a time, one request after the other, in the order they were given; a key that was
/// given twice is asked for once. What DynamoDB leaves unprocessed is asked for again, with waits that
/// grow, until the deadline.
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
/// # for id in 1..=2 { table.put(&Note { id, text: "…".into() }).send().await?; }
/// let output = table.batch_get([2, 1, 404]).send().await?;
/// for (key, result) in output.results() {
///     match result {
///         Ok(Some(note)) => println!("{}", note.text),
///         Ok(None) => println!("no item under {key:?}"),
///         Err(error) => println!("not read: {error}"),
///     }
/// }
/// let notes: Vec<Note> = output.found()?;
/// assert_eq!(notes.iter().map(|note| note.id).collect::<Vec<_>>(), [2, 1]);
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until `send`"]
pub struct BatchGet<T = Item> {
    core: Arc<Core>,
    keys: Vec<Key>,
    reach: Reach,
    accepts_absent: bool,
    consistent_read: Option<bool>,
    deadline: Option<Duration>,
    concurrency: usize,
    input: BatchGetItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

impl<T: Model + 'static> BatchGet<T> {
    pub(super) fn new(core: Arc<Core>, keys: Vec<Key>) -> Self {
        Self {
            core,
            keys,
            reach: Reach::default(),
            accepts_absent: false,
            consistent_read: None,
            deadline: None,
            concurrency: DEFAULT_CONCURRENCY,
            input: BatchGetItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Where to read when the local region fails. Default: what the table says.
    pub fn read_policy(mut self, policy: ReadPolicy) -> Self {
        self.reach.policy = Some(policy);
        self
    }

    /// Reads in this region of the set and in no other, whatever the policy.
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.reach.region = Some(region.into());
        self
    }

    /// Takes it for an answer if a fallback region has nothing under a key, although it may lag behind.
    ///
    /// Otherwise that key's result is [`ItemError::AbsentInFallback`].
    pub fn accept_absent_in_fallback(mut self) -> Self {
        self.accepts_absent = true;
        self
    }

    /// Reads with strong consistency, and in no fallback region. Default: eventual. The SDK has this
    /// beside the keys, where [`customize`](Self::customize) does not reach.
    pub fn consistent_read(mut self, consistent: bool) -> Self {
        self.consistent_read = Some(consistent);
        self
    }

    /// How long it may take, with all its attempts and calls to KMS. What was not answered by then is
    /// [`Unprocessed`](ItemError::Unprocessed), and what was not opened
    /// [`DeadlineExceeded`](ItemError::DeadlineExceeded). Default: what the
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Opens up to `items` items at the same time, at least 1. Default: 16.
    pub fn concurrency(mut self, items: usize) -> Self {
        self.concurrency = items;
        self
    }

    /// Reaches the settings of the SDK that are not the table's, such as consumed capacity.
    ///
    /// The closure gets a blank builder; `request_items` must stay unset, or [`send`](Self::send)
    /// refuses.
    pub fn customize(
        mut self,
        customize: impl FnOnce(BatchGetItemInputBuilder) -> BatchGetItemInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Reads the items, and opens them concurrently.
    ///
    /// # Errors
    ///
    /// [`OperationError::Refused`] for a setting that is not the caller's or a value that is no key,
    /// before anything is sent; [`Sdk`](OperationError::Sdk) with the SDK's own error, of whichever
    /// request failed; [`Open`](OperationError::Open) if an item came that was not asked for. An item
    /// that does not open is a result of its own.
    pub async fn send(self) -> Result<BatchGetOutput<T>, OperationError<BatchGetItemError>> {
        self.send_with(IntoModel::new()).await
    }

    /// Like [`send`](Self::send), with what is known about how each item was opened.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub async fn send_opened(
        self,
    ) -> Result<BatchGetOutput<OpenedItem>, OperationError<BatchGetItemError>> {
        self.send_with(AsOpened).await
    }

    /// Reads the items, and opens them in one way or another.
    pub(super) async fn send_with<O: OpenStored>(
        self,
        opener: O,
    ) -> Result<BatchGetOutput<O::Opened>, OperationError<BatchGetItemError>> {
        let span = span::batch_get_item(&self.core, self.core.first_of(&self.reach));
        span::run(span, Box::pin(self.run(opener))).await
    }

    async fn run<O: OpenStored>(
        self,
        opener: O,
    ) -> Result<BatchGetOutput<O::Opened>, OperationError<BatchGetItemError>> {
        refuse_set(&[(
            self.input.get_request_items().is_some(),
            customize::REQUEST_ITEMS,
        )])?;
        let asked = distinct(&self.core, self.keys)?;
        let opener = Arc::new(opener);
        let keys = asked
            .iter()
            .map(|asked| (asked.bytes.clone(), asked.attributes.clone()));
        let route = self.core.route(&self.reach, self.consistent_read)?;
        let deadline = self.core.deadline(self.deadline);
        let mut reader = KeyReader::new(
            &self.core,
            route,
            keys,
            self.input,
            self.consistent_read,
            deadline.clone(),
        );
        let mut results = BTreeMap::new();
        let mut regions: Vec<String> = Vec::new();
        while let Some(reply) = reader.next().await {
            let reply = reply?;
            if reply.is_fallback && !self.accepts_absent {
                let absent = AbsentInFallback::new(&reply.region, self.core.local().region());
                let absent = ItemError::AbsentInFallback(absent);
                let keys = reply.absent.into_iter();
                results.extend(keys.map(|key| (key, Err(absent.clone()))));
            }
            if regions.last() != Some(&reply.region) {
                regions.push(reply.region.clone());
            }
            let opening = Opening {
                origin: Origin::Table,
                region: reply.region,
                concurrency: self.concurrency,
                patience: Patience::Until(deadline.clone()),
            };
            let opened = open(&self.core, Arc::clone(&opener), reply.found, opening).await;
            results.extend(opened);
        }
        let (unprocessed, consumed_capacity) = reader.finish();
        results.extend(unprocessed.map(|key| (key, Err(ItemError::Unprocessed))));
        let result = |asked: Asked| {
            let result = results.remove(&asked.bytes).unwrap_or(Ok(None));
            (asked.key, result)
        };
        Ok(BatchGetOutput {
            regions,
            results: asked.into_iter().map(result).collect(),
            consumed_capacity,
        })
    }
}

/// A key, as the caller gave it, as DynamoDB takes it, and as it compares.
struct Asked {
    key: Key,
    attributes: Item,
    bytes: KeyBytes,
}

/// Each key once, where it was first given: DynamoDB refuses a request that has one twice.
fn distinct(core: &Core, keys: Vec<Key>) -> Result<Vec<Asked>, Refused> {
    let mut seen = std::collections::BTreeSet::new();
    let mut distinct = Vec::with_capacity(keys.len());
    for key in keys {
        let (attributes, bytes) = KeyBytes::of_key(core, key.clone())?;
        if seen.insert(bytes.clone()) {
            distinct.push(Asked {
                key,
                attributes,
                bytes,
            });
        }
    }
    Ok(distinct)
}

async fn open<O: OpenStored>(
    core: &Arc<Core>,
    opener: Arc<O>,
    found: Vec<Found>,
    opening: Opening,
) -> Vec<(KeyBytes, Result<Option<O::Opened>, ItemError>)> {
    let (keys, items): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let items = items.into_iter().map(Ok).collect();
    let core = Arc::clone(core);
    let opened = open_all(core, opener, None, items, opening);
    let opened = opened.map(|result| result.map_err(UnopenedItem::into_error));
    keys.into_iter()
        .zip(opened.collect::<Vec<_>>().await)
        .collect()
}

impl<T> fmt::Debug for BatchGet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchGet")
            .field("table_name", &self.core.table_name())
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

/// What a batch get returned: a result for each key, in the order the keys were given, each key once.
///
/// `Ok(None)` is a key without an item; `Err` an item that was not read, the others unaffected.
pub struct BatchGetOutput<T> {
    regions: Vec<String>,
    results: Vec<(Key, Result<Option<T>, ItemError>)>,
    consumed_capacity: Vec<ConsumedCapacity>,
}

impl<T> BatchGetOutput<T> {
    /// The regions that answered, in the order in which they did: more than one if a region failed on the
    /// way and the [`ReadPolicy`] has another. None if no key was given.
    #[must_use]
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// The result for each key.
    pub fn results(&self) -> &[(Key, Result<Option<T>, ItemError>)] {
        &self.results
    }

    /// The result for each key, by value.
    #[must_use]
    pub fn into_results(self) -> Vec<(Key, Result<Option<T>, ItemError>)> {
        self.results
    }

    /// All items there are, or the first that was not read.
    ///
    /// # Errors
    ///
    /// [`UnopenedItem`] if an item did not open, did not fit the model or was not processed in time.
    pub fn found(self) -> Result<Vec<T>, UnopenedItem> {
        let found = self.results.into_iter().filter_map(|(key, result)| {
            let result = result.transpose()?;
            Some(result.map_err(|error| UnopenedItem::new(Some(key), error)))
        });
        found.collect()
    }

    /// The keys that have no item in the fallback region that answered, which may lag behind. None with
    /// [`accept_absent_in_fallback`](BatchGet::accept_absent_in_fallback), which takes them for keys
    /// without an item.
    pub fn absent_in_fallback(&self) -> impl Iterator<Item = &Key> {
        let absent = self
            .results
            .iter()
            .filter(|(_, result)| matches!(result, Err(ItemError::AbsentInFallback(_))));
        absent.map(|(key, _)| key)
    }

    /// The keys that DynamoDB did not process before the deadline, to be asked for again.
    pub fn unprocessed(&self) -> impl Iterator<Item = &Key> {
        let unprocessed = self
            .results
            .iter()
            .filter(|(_, result)| matches!(result, Err(ItemError::Unprocessed)));
        unprocessed.map(|(key, _)| key)
    }

    /// The capacity consumed, one entry for each request, if it was asked for.
    #[must_use]
    pub fn consumed_capacity(&self) -> &[ConsumedCapacity] {
        &self.consumed_capacity
    }
}

impl<T> fmt::Debug for BatchGetOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.results.iter().filter(|(_, result)| result.is_err());
        f.debug_struct("BatchGetOutput")
            .field("regions", &self.regions)
            .field("keys", &self.results.len())
            .field("failed", &failed.count())
            .finish_non_exhaustive()
    }
}
