//! The change stream of one replica.

use dynoxide::{Database, Item};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::testkit::error::TestkitError;

/// A place in the stream of a table in one region.
pub(super) struct Stream {
    iterator: String,
}

/// One write, as the stream shows it.
pub(super) struct Record {
    pub(super) sequence_number: String,
    pub(super) key: Item,
    /// The item after the write; none if it was deleted.
    pub(super) image: Option<Item>,
}

impl Stream {
    /// Opens the stream of a table at its beginning.
    pub(super) fn open(database: &Database, table: &str) -> Result<Self, TestkitError> {
        let described = database.describe_table(request(json!({"TableName": table}))?);
        let arn = described
            .map_err(failed)?
            .table
            .latest_stream_arn
            .ok_or_else(no_stream)?;
        let described = database.describe_stream(request(json!({"StreamArn": arn}))?);
        let shards = described.map_err(failed)?.stream_description.shards;
        let shard = &shards.first().ok_or_else(no_stream)?.shard_id;
        let from_start = json!({
            "StreamArn": arn,
            "ShardId": shard,
            "ShardIteratorType": "TRIM_HORIZON",
        });
        let opened = database
            .get_shard_iterator(request(from_start)?)
            .map_err(failed)?;
        Ok(Self {
            iterator: opened.shard_iterator.ok_or_else(no_stream)?,
        })
    }

    /// Reads everything that was not read before, oldest first.
    pub(super) fn read(&mut self, database: &Database) -> Result<Vec<Record>, TestkitError> {
        let mut read = Vec::new();
        loop {
            let get = request(json!({"ShardIterator": self.iterator, "Limit": PAGE}))?;
            let page = database.get_records(get).map_err(failed)?;
            let done = page.records.is_empty();
            read.extend(page.records.into_iter().map(|record| Record {
                sequence_number: record.dynamodb.sequence_number,
                key: record.dynamodb.keys,
                image: record.dynamodb.new_image,
            }));
            match page.next_shard_iterator {
                Some(next) => self.iterator = next,
                None => return Ok(read),
            }
            if done {
                return Ok(read);
            }
        }
    }
}

/// The most records that DynamoDB gives at once.
const PAGE: usize = 1000;

/// The emulator's requests are built from JSON, as they come over HTTP.
pub(super) fn request<T: DeserializeOwned>(body: Value) -> Result<T, TestkitError> {
    serde_json::from_value(body)
        .map_err(|error| TestkitError::because("the emulator does not know this request", error))
}

pub(super) fn failed(error: dynoxide::DynoxideError) -> TestkitError {
    TestkitError::because("the DynamoDB emulator failed", error)
}

fn no_stream() -> TestkitError {
    TestkitError::new("the table has no stream")
}
