//! Pages of items: read together, opened concurrently, and each item with a result of its own.

mod anchor;
mod failure;
mod items;
mod open;

use std::fmt;

use aws_sdk_dynamodb::types::ConsumedCapacity;
use futures_util::stream::{BoxStream, StreamExt as _};

pub(super) use anchor::Anchor;
pub use failure::{ItemError, PageFailure, UnopenedItem};
pub(super) use items::Fetch;
pub use items::Items;
pub(super) use open::{AsOpened, IntoModel, OpenStored, Opening, Partition, Patience, open_all};

use crate::item::Item;

/// How many items of a page are opened at the same time, unless told otherwise.
pub(super) const DEFAULT_CONCURRENCY: usize = 16;

/// Where a query or a scan goes on: the key after which DynamoDB stopped.
///
/// It holds key values in clear, of the table and of the index that was read. `Debug` shows none.
/// Turn it into an [`Item`] to keep it somewhere, and back to go on.
#[derive(Clone, PartialEq)]
pub struct LastEvaluatedKey(Item);

impl LastEvaluatedKey {
    /// The attributes of the key.
    #[must_use]
    pub fn into_item(self) -> Item {
        self.0
    }
}

impl From<Item> for LastEvaluatedKey {
    fn from(item: Item) -> Self {
        Self(item)
    }
}

impl fmt::Debug for LastEvaluatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastEvaluatedKey").finish_non_exhaustive()
    }
}

/// One page of a query or a scan: a result for each item, in the order of DynamoDB.
pub struct Page<T> {
    items: Vec<Result<T, UnopenedItem>>,
    facts: Facts,
}

/// What is known of a page besides its items.
pub(super) struct Facts {
    /// Where it was read.
    pub(super) region: String,
    pub(super) last_evaluated_key: Option<Item>,
    pub(super) count: usize,
    pub(super) scanned_count: usize,
    pub(super) vanished: usize,
    pub(super) consumed_capacity: Vec<ConsumedCapacity>,
}

impl Facts {
    pub(super) fn new(
        region: &str,
        count: i32,
        scanned_count: i32,
        last_evaluated_key: Option<Item>,
        consumed_capacity: Option<ConsumedCapacity>,
    ) -> Self {
        Self {
            region: region.to_owned(),
            last_evaluated_key,
            count: usize::try_from(count).unwrap_or(0),
            scanned_count: usize::try_from(scanned_count).unwrap_or(0),
            vanished: 0,
            consumed_capacity: consumed_capacity.into_iter().collect(),
        }
    }
}

impl<T> Page<T> {
    /// A result for each item: what was read, or which item did not open and why.
    pub fn items(&self) -> &[Result<T, UnopenedItem>] {
        &self.items
    }

    /// A result for each item, by value.
    #[must_use]
    pub fn into_items(self) -> Vec<Result<T, UnopenedItem>> {
        self.items
    }

    /// What was read, and what did not open, each in the order of the page.
    #[must_use]
    pub fn partition(self) -> (Vec<T>, Vec<UnopenedItem>) {
        let (mut opened, mut unopened) = (Vec::new(), Vec::new());
        for item in self.items {
            match item {
                Ok(item) => opened.push(item),
                Err(item) => unopened.push(item),
            }
        }
        (opened, unopened)
    }

    /// The region that was read.
    ///
    /// Replicas lag behind each other, so go on in the same one:
    /// `.in_region(page.region()).start_from(page.last_evaluated_key())`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.facts.region
    }

    /// Where the next page starts; `None` after the last one. A page may be empty and not be the
    /// last.
    #[must_use]
    pub fn last_evaluated_key(&self) -> Option<LastEvaluatedKey> {
        self.facts.last_evaluated_key.clone().map(Into::into)
    }

    /// How many items DynamoDB says it returned. Nobody vouches for it.
    #[must_use]
    pub fn count(&self) -> usize {
        self.facts.count
    }

    /// How many items DynamoDB says it looked at before the filter. Nobody vouches for it.
    #[must_use]
    pub fn scanned_count(&self) -> usize {
        self.facts.scanned_count
    }

    /// How many items the index listed that were not there, or not in this partition any more, when
    /// they were fetched from the table. 0 without `fetch_from_table`.
    #[must_use]
    pub fn vanished(&self) -> usize {
        self.facts.vanished
    }

    /// The capacity that the page consumed, one entry for each request, if it was asked for.
    #[must_use]
    pub fn consumed_capacity(&self) -> &[ConsumedCapacity] {
        &self.facts.consumed_capacity
    }
}

impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("region", &self.facts.region)
            .field("items", &self.items.len())
            .field(
                "unopened",
                &self.items.iter().filter(|i| i.is_err()).count(),
            )
            .field("is_last", &self.facts.last_evaluated_key.is_none())
            .finish_non_exhaustive()
    }
}

/// A page as it was stored. An item that could not even be fetched has its error already.
pub(super) struct StoredPage {
    pub(super) items: Vec<Result<Item, UnopenedItem>>,
    pub(super) facts: Facts,
}

/// A page that is being opened.
pub(super) struct OpeningPage<T> {
    pub(super) items: BoxStream<'static, Result<T, UnopenedItem>>,
    pub(super) facts: Facts,
}

impl<T> OpeningPage<T> {
    pub(super) async fn finish(self) -> Page<T> {
        Page {
            items: self.items.collect().await,
            facts: self.facts,
        }
    }
}
