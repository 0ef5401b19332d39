//! The freshness of one process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Freshness, ItemId, Seen, Verdict, future};

/// Remembers in memory what this process has seen, of a bounded number of items.
///
/// Where there are more, the one is forgotten that was not seen for the longest time, and of that item
/// the next read is believed whatever it says. An item takes less than 250 bytes, so the default of
/// [`DEFAULT_MAX_ITEMS`](Self::DEFAULT_MAX_ITEMS) at most 25 MB.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{RawAesKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "accounts", default = "encrypt")]
/// # struct Account { #[seal(partition_key)] id: String, balance: i64, #[seal(version)] version: u64 }
/// # let cloud = Cloud::start(["us-east-1"]).await?;
/// # let definition = TableDefinition::new("accounts").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("us-east-1")).local("us-east-1").build()?;
/// # let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// use std::sync::Arc;
///
/// use dynaseal::table::freshness::InMemoryFreshness;
///
/// // One memory for several tables.
/// let freshness = Arc::new(InMemoryFreshness::new(1_000_000));
/// let table = SealedTable::<Account>::builder("accounts", keyring, &regions)
///     .freshness(Arc::clone(&freshness))
///     .build()?;
/// table.put(&Account { id: "a-1".into(), balance: 0, version: 0 }).send().await?;
/// assert_eq!(freshness.len(), 1);
/// # Ok(())
/// # }
/// ```
pub struct InMemoryFreshness {
    max_items: usize,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    items: BTreeMap<ItemId, Entry>,
    /// The same items by when they were last seen.
    order: BTreeMap<u64, ItemId>,
    clock: u64,
}

struct Entry {
    seen: Seen,
    at: u64,
}

impl InMemoryFreshness {
    /// How many items a table remembers, unless told otherwise.
    pub const DEFAULT_MAX_ITEMS: usize = 100_000;

    /// Remembers this many items, at least one.
    #[must_use]
    pub fn new(max_items: usize) -> Self {
        Self {
            max_items: max_items.max(1),
            memory: Mutex::default(),
        }
    }

    /// How many items are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whoever panicked under the lock did so between two items.
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn observe(&mut self, item: ItemId, seen: Seen, max_items: usize) -> Verdict {
        let before = self.forget(&item);
        let verdict = seen.after(before);
        let newest = match (verdict, before) {
            (Verdict::Stale { .. }, Some(before)) => before,
            _ => seen,
        };
        if self.items.len() >= max_items {
            self.evict();
        }
        self.clock += 1;
        self.order.insert(self.clock, item);
        let entry = Entry {
            seen: newest,
            at: self.clock,
        };
        self.items.insert(item, entry);
        verdict
    }

    fn evict(&mut self) {
        if let Some((_, oldest)) = self.order.pop_first() {
            self.items.remove(&oldest);
        }
    }

    fn forget(&mut self, item: &ItemId) -> Option<Seen> {
        let entry = self.items.remove(item)?;
        self.order.remove(&entry.at);
        Some(entry.seen)
    }
}

impl Freshness for InMemoryFreshness {
    fn observe<'a>(&'a self, item: &'a ItemId, seen: Seen) -> future::Observe<'a> {
        let verdict = self.lock().observe(*item, seen, self.max_items);
        future::Observe::ready(Ok(verdict))
    }

    fn newest<'a>(&'a self, item: &'a ItemId) -> future::Newest<'a> {
        let newest = self.lock().items.get(item).map(|entry| entry.seen);
        future::Newest::ready(Ok(newest))
    }

    fn forget<'a>(&'a self, item: &'a ItemId) -> future::Forget<'a> {
        self.lock().forget(item);
        future::Forget::ready(Ok(()))
    }
}

impl Default for InMemoryFreshness {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_ITEMS)
    }
}

impl fmt::Debug for InMemoryFreshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryFreshness")
            .field("max_items", &self.max_items)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
