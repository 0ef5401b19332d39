//! Items by way of an index that holds their keys: the index says which and in what order, the table
//! says what they are.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::batch_get::KeyReader;
use super::core::Core;
use super::deadline::Deadline;
use super::error::OperationError;
use super::key_bytes::KeyBytes;
use super::page::{ItemError, StoredPage, UnopenedItem};
use super::read::Answered;
use super::read_error::ReadError;
use super::read_policy::Reach;
use crate::error::OpenError;
use crate::item::Item;

/// How the table is read.
pub(super) struct TableRead {
    pub(super) consistent_read: Option<bool>,
    pub(super) return_consumed_capacity: Option<ReturnConsumedCapacity>,
    pub(super) deadline: Deadline,
}

/// An entry of the index: the key of an item, or why it is none.
type Entry = Result<(KeyBytes, Item), UnopenedItem>;

/// Fetches the items whose keys the index answered with, in its order.
pub(super) async fn fetch<E: ReadError>(
    core: &Core,
    answered: Answered,
    settings: TableRead,
) -> Result<StoredPage, OperationError<E>> {
    let Answered {
        items,
        mut facts,
        partition,
    } = answered;
    let entries = entries(core, items);
    let keys = entries.iter().flatten().cloned();
    let input = BatchGetItemInput::builder()
        .set_return_consumed_capacity(settings.return_consumed_capacity);
    // Where the index was read: another replica's table is another table.
    let route = core.route(&Reach::only(&facts.region), settings.consistent_read)?;
    let mut reader = KeyReader::new(
        core,
        route,
        keys,
        input,
        settings.consistent_read,
        settings.deadline,
    );
    let mut found = BTreeMap::new();
    while let Some(reply) = reader.next().await {
        let reply = reply.map_err(|error| error.map_service_error(E::of_batch_get_item))?;
        found.extend(reply.found);
    }
    let (unprocessed, consumed_capacity) = reader.finish();
    let unprocessed: BTreeSet<_> = unprocessed.collect();
    facts.consumed_capacity.extend(consumed_capacity);

    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        let (bytes, key) = match entry {
            Ok(key) => key,
            Err(unopened) => {
                items.push(Err(unopened));
                continue;
            }
        };
        let item = found.remove(&bytes);
        // An index lags behind its table.
        let item = item.filter(|item| partition.as_ref().is_none_or(|p| p.holds(item)));
        if let Some(item) = item {
            items.push(Ok(item));
        } else if unprocessed.contains(&bytes) {
            items.push(Err(UnopenedItem::new(
                core.key_of(&key),
                ItemError::Unprocessed,
            )));
        } else {
            facts.vanished += 1;
        }
    }
    Ok(StoredPage { items, facts })
}

/// The keys that the index lists, each once.
fn entries(core: &Core, items: Vec<Item>) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let entry = |item: Item| {
        let bytes = match KeyBytes::of(core.schema(), &item) {
            Ok(bytes) => bytes,
            Err(invalid) => {
                let error = core.not_opened(OpenError::from(invalid));
                return Some(Err(UnopenedItem::new(core.key_of(&item), error.into())));
            }
        };
        let is_new = seen.insert(bytes.clone());
        is_new.then(|| Ok((bytes, core.key_in(&item))))
    };
    items.into_iter().filter_map(entry).collect()
}
