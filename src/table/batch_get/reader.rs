//! Reads items under many keys, as many at a time as DynamoDB takes.

use std::collections::{BTreeMap, VecDeque};

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemInputBuilder;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemError, BatchGetItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, KeysAndAttributes};
use aws_smithy_runtime_api::client::result::SdkError;

use crate::error::{AttributeIssue, InvalidAttribute, OpenError};
use crate::item::Item;
use crate::region::Backoff;
use crate::table::call::{Response, Route};
use crate::table::core::Core;
use crate::table::deadline::Deadline;
use crate::table::error::{OperationError, SdkFailure};
use crate::table::key_bytes::KeyBytes;

/// Keys that one request takes.
const MAX_KEYS: usize = 100;

/// Asks for keys until each is answered or the deadline has passed.
pub(in crate::table) struct KeyReader<'a> {
    core: &'a Core,
    /// Once a region has failed, it is not asked again.
    route: Route<'a>,
    input: BatchGetItemInputBuilder,
    consistent_read: Option<bool>,
    /// What was not answered yet.
    left: VecDeque<(KeyBytes, Item)>,
    deadline: Deadline,
    backoff: Backoff,
    must_wait: bool,
    has_started: bool,
    consumed_capacity: Vec<ConsumedCapacity>,
}

type Failure = OperationError<BatchGetItemError>;

/// One item, with the key it was asked for by.
pub(in crate::table) type Found = (KeyBytes, Item);

/// What one request brought.
pub(in crate::table) struct Reply {
    pub(in crate::table) found: Vec<Found>,
    /// Keys that have no item.
    pub(in crate::table) absent: Vec<KeyBytes>,
    pub(in crate::table) region: String,
    pub(in crate::table) is_fallback: bool,
}

impl<'a> KeyReader<'a> {
    /// `keys` are all different.
    pub(in crate::table) fn new(
        core: &'a Core,
        route: Route<'a>,
        keys: impl IntoIterator<Item = (KeyBytes, Item)>,
        input: BatchGetItemInputBuilder,
        consistent_read: Option<bool>,
        deadline: Deadline,
    ) -> Self {
        Self {
            core,
            route,
            input,
            consistent_read,
            left: keys.into_iter().collect(),
            deadline,
            backoff: Backoff::new(core.local().sleep()),
            must_wait: false,
            has_started: false,
            consumed_capacity: Vec::new(),
        }
    }

    /// What one more request brings; `None` if there is nothing more to ask for, or no time.
    pub(in crate::table) async fn next(&mut self) -> Option<Result<Reply, Failure>> {
        if self.must_wait {
            self.deadline.wait(self.backoff.wait()).await;
        }
        if self.left.is_empty() || (self.has_started && self.deadline.has_passed()) {
            return None;
        }
        self.has_started = true;
        let count = self.left.len().min(MAX_KEYS);
        let asked: Vec<_> = self.left.drain(..count).collect();
        self.ask(asked).await.transpose()
    }

    /// The keys that were not answered in time, and what it all cost.
    pub(in crate::table) fn finish(
        self,
    ) -> (impl Iterator<Item = KeyBytes>, Vec<ConsumedCapacity>) {
        let left = self.left.into_iter().map(|(key, _)| key);
        (left, self.consumed_capacity)
    }

    /// Asks for some keys; `None` if there was no answer in time.
    async fn ask(&mut self, asked: Vec<(KeyBytes, Item)>) -> Result<Option<Reply>, Failure> {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(asked.iter().map(|(_, key)| key.clone()).collect()))
            .set_consistent_read(self.consistent_read)
            .build();
        let failure = |error| SdkFailure::new(error, self.route.first().region());
        let keys = keys.map_err(|error| failure(SdkError::construction_failure(error)))?;
        let input = self.input.clone();
        let input = input.request_items(self.core.table_name(), keys);
        let response = match self.deadline.run(self.route.ask(&input)).await {
            Ok(response) => response?,
            Err(_) => {
                self.left.extend(asked);
                return Ok(None);
            }
        };
        let Response {
            output,
            region,
            is_fallback,
        } = response;
        self.route = self.route.clone().starting_at(region);
        let (found, absent) = self.take(asked, output)?;
        Ok(Some(Reply {
            found,
            absent,
            region: region.to_owned(),
            is_fallback,
        }))
    }

    /// Sorts an answer into items, keys that have none, and keys that must be asked for again. An item
    /// that was not asked for ends it.
    fn take(
        &mut self,
        asked: Vec<(KeyBytes, Item)>,
        output: BatchGetItemOutput,
    ) -> Result<(Vec<Found>, Vec<KeyBytes>), OpenError> {
        let (schema, table) = (self.core.schema(), self.core.table_name());
        let mut open: BTreeMap<_, _> = asked.into_iter().collect();
        let asked = open.len();
        let mut found = Vec::new();
        // Whatever was not asked for stands for something that was: nothing may pass for missing.
        let foreign = || foreign(schema.partition_key_name());
        let mut take = |item: &Item| {
            let key = KeyBytes::of(schema, item).ok();
            key.and_then(|key| open.remove_entry(&key))
                .ok_or_else(foreign)
        };
        let mut responses = output.responses.unwrap_or_default();
        for item in responses.remove(table).unwrap_or_default() {
            let (key, _) = take(&item)?;
            found.push((key, item));
        }
        let mut unprocessed = output.unprocessed_keys.unwrap_or_default();
        let keys = unprocessed.remove(table).map(|keys| keys.keys);
        let again = keys.iter().flatten().map(take);
        let again: Vec<_> = again.collect::<Result<_, _>>()?;
        if !(responses.is_empty() && unprocessed.is_empty()) {
            return Err(foreign());
        }
        self.must_wait = !again.is_empty();
        if again.len() < asked {
            self.backoff = Backoff::new(self.core.local().sleep());
        }
        self.left.extend(again);
        self.consumed_capacity
            .extend(output.consumed_capacity.into_iter().flatten());
        Ok((found, open.into_keys().collect()))
    }
}

fn foreign(partition_key_name: &str) -> OpenError {
    InvalidAttribute::new(partition_key_name, AttributeIssue::AnotherKey).into()
}
