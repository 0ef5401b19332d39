//! Sends sealed writes, as many at a time as DynamoDB takes, until all are done or it must stop.

use std::collections::{BTreeMap, VecDeque};

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemInputBuilder;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemError, BatchWriteItemOutput};
use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};

use super::{BatchWriteCause, BatchWriteFailure, BatchWriteOutput, Write};
use crate::item::{Item, ItemSchema};
use crate::region::Backoff;
use crate::table::attempt::{Attempts, Failed, Repeat};
use crate::table::core::Core;
use crate::table::deadline::Deadline;
use crate::table::error::SdkFailure;
use crate::table::key_bytes::KeyBytes;

/// Writes that one request takes.
const MAX_WRITES: usize = 25;

/// One write: what the caller gave, and what is sent for it, the same bytes each time.
pub(super) struct Entry {
    write: Write,
    key: KeyBytes,
    request: WriteRequest,
}

impl Entry {
    pub(super) fn new(write: Write, key: KeyBytes, request: WriteRequest) -> Self {
        Self {
            write,
            key,
            request,
        }
    }
}

pub(super) struct Writer<'a> {
    core: &'a Core,
    input: BatchWriteItemInputBuilder,
    left: VecDeque<Entry>,
    written: Vec<Write>,
    sdk: Vec<BatchWriteItemOutput>,
    deadline: Deadline,
    backoff: Backoff,
}

/// Why a request was the last one, and the entries of it that may be written or not.
struct Stop(BatchWriteCause, Vec<Entry>);

impl<'a> Writer<'a> {
    pub(super) fn new(
        core: &'a Core,
        entries: Vec<Entry>,
        input: BatchWriteItemInputBuilder,
        deadline: Deadline,
    ) -> Self {
        Self {
            core,
            input,
            left: entries.into(),
            written: Vec::new(),
            sdk: Vec::new(),
            deadline,
            backoff: Backoff::new(core.home().sleep()),
        }
    }

    pub(super) async fn run(mut self) -> Result<BatchWriteOutput, BatchWriteFailure> {
        while !self.left.is_empty() {
            if self.deadline.has_passed() {
                return Err(self.failed(BatchWriteCause::Deadline, Vec::new()));
            }
            let count = self.left.len().min(MAX_WRITES);
            let chunk: Vec<_> = self.left.drain(..count).collect();
            if let Err(Stop(cause, unknown)) = self.send(chunk).await {
                return Err(self.failed(cause, unknown));
            }
        }
        Ok(BatchWriteOutput {
            region: self.core.home().region().to_owned(),
            written: self.written.len(),
            sdk: self.sdk,
        })
    }

    /// Sends one request. What comes back unprocessed is left for another one, after a wait.
    async fn send(&mut self, chunk: Vec<Entry>) -> Result<(), Stop> {
        let requests = chunk.iter().map(|entry| entry.request.clone()).collect();
        let input = self.input.clone();
        let input = input.request_items(self.core.table_name(), requests);
        // Writes without conditions, which may be sent again and again.
        let attempts = Attempts::new(self.core.home(), Repeat::Blindly, &self.deadline);
        let mut output = match attempts.send(&input).await {
            Ok(answer) => answer.output_or(|| BatchWriteItemOutput::builder().build()),
            Err(failed) => return Err(self.stop(failed, chunk)),
        };
        let mut unprocessed = output.unprocessed_items.take().unwrap_or_default();
        let own = unprocessed.remove(self.core.table_name());
        self.sdk.push(output);
        if !unprocessed.is_empty() {
            return Err(Stop(BatchWriteCause::NotOurs, chunk));
        }
        let count = chunk.len();
        let again = self.sort(chunk, &own.unwrap_or_default())?;
        if again.len() < count {
            self.backoff = Backoff::new(self.core.home().sleep());
        }
        if !again.is_empty() {
            self.left.extend(again);
            self.deadline.wait(self.backoff.wait()).await;
        }
        Ok(())
    }

    fn stop(&mut self, failed: Failed<BatchWriteItemError>, chunk: Vec<Entry>) -> Stop {
        match failed {
            Failed::NotSent(open) => {
                self.left.extend(chunk);
                Stop(BatchWriteCause::Operation(open.into()), Vec::new())
            }
            Failed::NotApplied(failure) if is_late(&failure) && self.deadline.has_passed() => {
                Stop(BatchWriteCause::Deadline, chunk)
            }
            Failed::NotApplied(failure) | Failed::Unknown { lost: failure, .. } => {
                Stop(BatchWriteCause::Operation(failure.into()), chunk)
            }
        }
    }

    /// Tells what was written from what was handed back.
    fn sort(
        &mut self,
        chunk: Vec<Entry>,
        unprocessed: &[WriteRequest],
    ) -> Result<Vec<Entry>, Stop> {
        let mut open: BTreeMap<KeyBytes, Entry> = chunk
            .into_iter()
            .map(|entry| (entry.key.clone(), entry))
            .collect();
        let mut again = Vec::with_capacity(unprocessed.len());
        for request in unprocessed {
            let key = key_of(self.core.schema(), request);
            match key.and_then(|key| open.remove(&key)) {
                Some(entry) => again.push(entry),
                // Which of ours it stands for, nobody can say.
                None => {
                    again.extend(open.into_values());
                    return Err(Stop(BatchWriteCause::NotOurs, again));
                }
            }
        }
        for entry in open.into_values() {
            if let Some(item) = item_of(&entry.request) {
                self.core.is_migrated(item);
            }
            self.written.push(entry.write);
        }
        Ok(again)
    }

    fn failed(self, cause: BatchWriteCause, unknown: Vec<Entry>) -> BatchWriteFailure {
        let writes = |entries: &mut dyn Iterator<Item = Entry>| {
            entries.map(|entry| entry.write).collect::<Vec<_>>()
        };
        let unknown = writes(&mut unknown.into_iter());
        let unwritten = writes(&mut self.left.into_iter());
        BatchWriteFailure::new(cause, self.written, unwritten, unknown)
    }
}

fn is_late(failure: &SdkFailure<BatchWriteItemError>) -> bool {
    matches!(failure.error(), SdkError::TimeoutError(_))
}

fn key_of(schema: &ItemSchema, request: &WriteRequest) -> Option<KeyBytes> {
    KeyBytes::of(schema, item_of(request)?).ok()
}

/// What is put, or the key of what is deleted.
fn item_of(request: &WriteRequest) -> Option<&Item> {
    let put = request.put_request().map(PutRequest::item);
    put.or_else(|| request.delete_request().map(DeleteRequest::key))
}
