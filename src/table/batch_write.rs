//! BatchWriteItem.

mod outcome;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemInputBuilder;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemError, BatchWriteItemInput};
use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

pub use self::outcome::{BatchWriteCause, BatchWriteFailure, BatchWriteOutput, Write};
use self::writer::{Entry, Writer};
use super::core::Core;
use super::customize::{self, refuse_set};
use super::error::{OperationError, Refused};
use super::key_bytes::KeyBytes;
use super::page::DEFAULT_CONCURRENCY;
use super::span;
use crate::error::SealError;
use crate::item::{IntoKey, Item, Model, ModelMismatch};

/// Seals and writes many items, and deletes others. Made by
/// [`SealedTable::batch_write`](super::SealedTable::batch_write).
///
/// Everything is sealed before anything is sent. Requests go out 25 writes at a time, one after the
/// other, in the order of the calls. What DynamoDB leaves unprocessed is sent again, the same bytes, with
/// waits that grow, until the deadline.
///
/// A batch is no transaction: each write happens or not by itself, and overwrites whatever is there. If
/// not all happen, [`send`](Self::send) fails, and the [`BatchWriteFailure`] says which did.
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
/// let notes: Vec<Note> = (1..=60).map(|id| Note { id, text: "…".into() }).collect();
/// let batch = table.batch_write().puts(&notes).delete(404);
/// match batch.send().await {
///     Ok(output) => assert_eq!(output.written(), 61),
///     // Writing an item whole, or deleting it, can be repeated.
///     Err(failure) => {
///         table.batch_write().writes(failure.into_remaining()).send().await?;
///     }
/// }
/// # assert_eq!(table.scan().count_unverified().await?, 60);
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until `send`"]
pub struct BatchWrite<T = Item> {
    core: Arc<Core>,
    writes: Vec<Result<Write, ModelMismatch>>,
    deadline: Option<Duration>,
    concurrency: usize,
    input: BatchWriteItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> BatchWrite<T> {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            writes: Vec::new(),
            deadline: None,
            concurrency: DEFAULT_CONCURRENCY,
            input: BatchWriteItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Writes an item, replacing whatever is under its key. A batch knows no conditions, so that may be another
    /// tenant's item, also where the table is [limited](crate::SealedTable::tenant) to one.
    ///
    /// The model is turned into an item at once; the future borrows nothing.
    pub fn put(mut self, model: &T) -> Self {
        self.writes.push(model.to_item().map(Write::Put));
        self
    }

    /// Writes several items.
    pub fn puts<'a>(self, models: impl IntoIterator<Item = &'a T>) -> Self
    where
        T: 'a,
    {
        models.into_iter().fold(self, Self::put)
    }

    /// Deletes the item under a key, whatever it is. Refused where the table is
    /// [limited](crate::SealedTable::tenant) to one tenant: use [`TransactWrite`](super::TransactWrite).
    pub fn delete(mut self, key: impl IntoKey<T::KeyShape>) -> Self {
        self.writes.push(Ok(Write::Delete(key.into_key())));
        self
    }

    /// Deletes the items under several keys.
    pub fn deletes(self, keys: impl IntoIterator<Item = impl IntoKey<T::KeyShape>>) -> Self {
        keys.into_iter().fold(self, Self::delete)
    }

    /// Adds what another batch did not do.
    pub fn writes(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.writes.extend(writes.into_iter().map(Ok));
        self
    }

    /// How long it may take, with all its attempts and calls to KMS. Default: what the
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Seals up to `items` items at the same time, at least 1. Default: 16.
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
        customize: impl FnOnce(BatchWriteItemInputBuilder) -> BatchWriteItemInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Seals everything, then sends it.
    ///
    /// # Errors
    ///
    /// [`BatchWriteFailure`] unless every write is done. Before anything is sent:
    /// [`OperationError::Model`] or [`Seal`](OperationError::Seal) if an item cannot be sealed, and
    /// [`Refused`](OperationError::Refused) for a setting that is not the caller's, for a key that is
    /// written twice, and for puts of a model with `#[seal(version)]`, since a batch knows no
    /// conditions: put those one by one; for deletes too, where the table is
    /// [limited](crate::SealedTable::tenant) to one tenant. After that, the SDK's error or the deadline, with what was
    /// written, what was not, and what nobody knows.
    pub async fn send(self) -> Result<BatchWriteOutput, BatchWriteFailure> {
        let span = span::batch_write_item(&self.core, self.core.home());
        span::run(span, Box::pin(self.run())).await
    }

    async fn run(self) -> Result<BatchWriteOutput, BatchWriteFailure> {
        let deadline = self.core.deadline(self.deadline);
        let prepare = prepare(&self.core, &self.writes, &self.input, self.concurrency);
        let prepared = deadline.run(prepare).await;
        let writer = match prepared.unwrap_or_else(|exceeded| Err(exceeded.into())) {
            Ok(entries) => Writer::new(&self.core, entries, self.input, deadline),
            Err(error) => {
                let writes = self.writes.into_iter().flatten().collect();
                return Err(BatchWriteFailure::not_sent(error, writes));
            }
        };
        writer.run().await
    }
}

/// Checks all writes, and then seals them.
async fn prepare(
    core: &Core,
    writes: &[Result<Write, ModelMismatch>],
    input: &BatchWriteItemInputBuilder,
    concurrency: usize,
) -> Result<Vec<Entry>, OperationError<BatchWriteItemError>> {
    refuse_set(&[(
        input.get_request_items().is_some(),
        customize::REQUEST_ITEMS,
    )])?;
    let mut keys = BTreeSet::new();
    let mut checked = Vec::with_capacity(writes.len());
    for write in writes {
        let write = write.as_ref().map_err(ModelMismatch::clone)?;
        let key = check(core, write)?;
        if !keys.insert(key.clone()) {
            return Err(Refused::new("one key is written twice in a batch").into());
        }
        checked.push((write.clone(), key));
    }
    let sealing = checked.into_iter().map(|(write, key)| async move {
        let request = request(core, write.clone()).await?;
        Ok(Entry::new(write, key, request))
    });
    stream::iter(sealing)
        .buffered(concurrency.max(1))
        .try_collect()
        .await
}

/// The key that is written, if the write may be in a batch.
fn check(core: &Core, write: &Write) -> Result<KeyBytes, OperationError<BatchWriteItemError>> {
    match write {
        Write::Put(item) if core.version_attribute(item).is_some() => Err(Refused::new(
            "a batch knows no conditions, and an item with a version is written on condition that \
             nobody else wrote it; use `put` or a transaction",
        )
        .into()),
        Write::Put(item) => Ok(KeyBytes::of(core.schema(), item).map_err(SealError::from)?),
        Write::Delete(_) if core.encryptor().only_tenant().is_some() => Err(Refused::new(
            "a batch knows no conditions, and a table that is limited to one tenant deletes on condition \
             that the item is that tenant's; use `delete`, or `delete` of a `TransactWrite`",
        )
        .into()),
        Write::Delete(key) => Ok(KeyBytes::of_key(core, key.clone())?.1),
    }
}

/// A write as DynamoDB takes it.
async fn request(
    core: &Core,
    write: Write,
) -> Result<WriteRequest, OperationError<BatchWriteItemError>> {
    let request = WriteRequest::builder();
    let (put, delete) = match write {
        Write::Put(item) => (Some(put_request(core.seal(item).await?)?), None),
        Write::Delete(key) => (None, Some(delete_request(core.key_attributes(key)?)?)),
    };
    Ok(request
        .set_put_request(put)
        .set_delete_request(delete)
        .build())
}

fn put_request(item: Item) -> Result<PutRequest, Refused> {
    let built = PutRequest::builder().set_item(Some(item)).build();
    built.map_err(|error| Refused::new(error.to_string()))
}

fn delete_request(key: Item) -> Result<DeleteRequest, Refused> {
    let built = DeleteRequest::builder().set_key(Some(key)).build();
    built.map_err(|error| Refused::new(error.to_string()))
}

impl<T> fmt::Debug for BatchWrite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWrite")
            .field("table_name", &self.core.table_name())
            .field("writes", &self.writes.len())
            .finish_non_exhaustive()
    }
}
