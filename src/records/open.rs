//! Opening records, one and many.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::{StreamExt as _, future, stream};

use super::event::{Image, Record};
use super::opened::OpenedRecord;
use super::span;
use crate::error::{AttributeIssue, InvalidAttribute, OpenError};
use crate::item::{Item, ItemEncryptor, ItemSchema, OpenedItem};

/// How many records, or lines of an export, are opened at a time unless told otherwise. Each costs a
/// call to KMS for each of its images, under KMS keyrings.
pub const DEFAULT_CONCURRENCY: usize = 16;

/// Opens the images of a record.
///
/// It cannot fail: keys and images have a result each.
#[cfg_attr(
    feature = "streams",
    doc = "
```
# #[tokio::main(flavor = \"current_thread\")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, StreamRecord};
use dynaseal::records::open_record;
use dynaseal::{ItemEncryptor, ItemSchema, OpenError, RawAesKeyring};

let schema = ItemSchema::builder(\"orders\", \"id\").build()?;
let keyring = RawAesKeyring::new(\"example\", \"key-1\", [7; 32])?;
let encryptor = ItemEncryptor::new(schema, keyring);

// What `GetRecords` answers with: here, an item that nobody sealed.
let id = AttributeValue::S(\"o-1\".into());
let change = StreamRecord::builder().keys(\"id\", id.clone()).new_image(\"id\", id).build();
let record = Record::builder().dynamodb(change).build();

let opened = open_record(&encryptor, record).await;
assert!(matches!(opened.new_image(), Some(Err(OpenError::NotSealed(_)))));
assert!(opened.old_image().is_none());
# Ok(())
# }
```
"
)]
pub async fn open_record(encryptor: &ItemEncryptor, record: impl Into<Record>) -> OpenedRecord {
    let opening = open_images(encryptor, record.into());
    span::run(span::open_record(encryptor), opening, |record| {
        record.error().is_none()
    })
    .await
}

/// Opens many records, `concurrency` of them at a time (at least one), and yields them in their
/// order.
///
/// Nothing is opened before the stream is polled, and nothing goes on once it is dropped. Use
/// [`DEFAULT_CONCURRENCY`] unless you have measured.
pub fn open_records<R: Into<Record>>(
    encryptor: &ItemEncryptor,
    records: impl IntoIterator<Item = R, IntoIter: Send + 'static>,
    concurrency: usize,
) -> OpenedRecords {
    let encryptor = encryptor.clone();
    let opening = records.into_iter().map(move |record| {
        let (encryptor, record) = (encryptor.clone(), record.into());
        async move { open_record(&encryptor, record).await }
    });
    OpenedRecords(in_order(stream::iter(opening), concurrency))
}

/// Opened records in their order. Made by [`open_records`].
#[must_use = "a stream does nothing until it is polled"]
pub struct OpenedRecords(Opening<OpenedRecord>);

/// Things being opened.
pub(super) type Opening<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// Runs so many futures of a stream at a time, and yields what they return in their order.
pub(super) fn in_order<T: Send + 'static>(
    opening: impl Stream<Item: Future<Output = T> + Send> + Send + 'static,
    concurrency: usize,
) -> Opening<T> {
    // With none at a time, nothing would ever come.
    Box::pin(opening.buffered(concurrency.max(1)))
}

impl Stream for OpenedRecords {
    type Item = OpenedRecord;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<OpenedRecord>> {
        self.0.as_mut().poll_next(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl fmt::Debug for OpenedRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedRecords").finish_non_exhaustive()
    }
}

/// Opens an item from elsewhere: the one place of this room where that happens.
pub(super) async fn open_item(
    encryptor: &ItemEncryptor,
    item: Item,
) -> Result<OpenedItem, OpenError> {
    encryptor.open(item).await
}

pub(super) async fn open_images(encryptor: &ItemEncryptor, record: Record) -> OpenedRecord {
    let keys = complete_keys(encryptor.schema(), record.keys);
    let (old_image, new_image) = future::join(
        open_image(encryptor, record.old_image, &keys),
        open_image(encryptor, record.new_image, &keys),
    )
    .await;
    OpenedRecord {
        facts: record.facts,
        keys,
        old_image,
        new_image,
    }
}

/// A record that does not say which item it is about could be about any.
fn complete_keys(schema: &ItemSchema, keys: Option<Image>) -> Image {
    let keys = keys.unwrap_or_else(|| Ok(Item::default()))?;
    let names = [Some(schema.partition_key_name()), schema.sort_key_name()];
    match names
        .into_iter()
        .flatten()
        .find(|name| !keys.contains_key(*name))
    {
        Some(name) => Err(InvalidAttribute::new(name, AttributeIssue::Missing).into()),
        None => Ok(keys),
    }
}

async fn open_image(
    encryptor: &ItemEncryptor,
    image: Option<Image>,
    keys: &Image,
) -> Option<Result<OpenedItem, OpenError>> {
    Some(match (image?, keys) {
        (Ok(item), Ok(keys)) => open_under(encryptor, item, keys).await,
        (Err(error), _) => Err(error),
        (_, Err(error)) => Err(error.clone()),
    })
}

async fn open_under(
    encryptor: &ItemEncryptor,
    item: Item,
    keys: &Item,
) -> Result<OpenedItem, OpenError> {
    let opened = open_item(encryptor, item).await?;
    opened.check_key(keys)?;
    Ok(opened)
}
