//! Whether an item is the newest that was seen: old images put back, writes of two regions, replicas
//! that lag.

mod indexes;
mod lag;
mod memory;
mod plaintext;
mod regions;
mod rollback;
mod stores;
mod updates;
mod versions;
mod writes;

use std::sync::Arc;

use dynaseal::item::FreshnessState;
use dynaseal::table::SealedTableBuilder;
use dynaseal::table::freshness::{Diverged, InMemoryFreshness, Stale};
use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Item, OperationError, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, calls, item, n, s};

const TABLE: &str = "accounts";
const KEY: (&str, u32) = ("ada", 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
struct Account {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
    balance: i64,
    #[seal(sign)]
    state: String,
    #[seal(version)]
    version: u64,
}

type Table = SealedTable<Account>;

fn account(number: u32) -> Account {
    Account {
        owner: "ada".to_owned(),
        number,
        balance: 0,
        state: "open".to_owned(),
        version: 0,
    }
}

fn key(number: u32) -> Item {
    item([("owner", s("ada")), ("number", n(&number.to_string()))])
}

async fn start() -> Stack {
    use dynaseal::testkit::SecondaryIndex;

    let by_state = SecondaryIndex::new("by-state").partition_key("state", KeyType::S);
    let definition = TableDefinition::new(TABLE)
        .partition_key("owner", KeyType::S)
        .sort_key("number", KeyType::N)
        .secondary_index(by_state);
    Stack::start(&definition).await
}

/// A table whose memory others share.
fn builder(stack: &Stack, local: &str) -> SealedTableBuilder<Account> {
    SealedTable::builder(TABLE, stack.keyring(local), &stack.regions(local))
}

fn in_regions(stack: &Stack, regions: &RegionSet, memory: &Arc<InMemoryFreshness>) -> Table {
    let builder = SealedTable::builder(TABLE, stack.keyring(US), regions);
    builder.freshness(Arc::clone(memory)).build().unwrap()
}

/// Puts an account and raises it once. Returns the image of each, as it was stored.
async fn put_and_raise(stack: &Stack, table: &Table) -> (Item, Item) {
    table.put(&account(1)).send().await.unwrap();
    let old = stack.stored(US, &key(1)).await.unwrap();
    raise(table).await;
    let new = stack.stored(US, &key(1)).await.unwrap();
    stack.cloud.reset_calls();
    (old, new)
}

/// Raises the balance by one, and returns the version that this made.
async fn raise(table: &Table) -> u64 {
    let update = table.update(KEY, |account| account.balance += 1).send();
    update.await.unwrap().version().unwrap()
}

async fn get(
    table: &Table,
) -> Result<Option<Account>, OperationError<aws_sdk_dynamodb::operation::get_item::GetItemError>> {
    table.get(KEY).send().await
}

async fn state(table: &Table) -> FreshnessState {
    let opened = table.get(KEY).send_opened().await.unwrap();
    opened.unwrap().freshness()
}

/// The version of a stored item.
fn version(stored: &Item) -> u64 {
    stored["version"].as_n().unwrap().parse().unwrap()
}

#[track_caller]
fn assert_stale(stale: &Stale, found: Option<u64>, newest: u64, region: &str) {
    assert_eq!((stale.found(), stale.newest()), (found, newest));
    assert_eq!(stale.region(), region);
    assert!(stale.is_confirmed());
}

#[track_caller]
fn stale<E: std::fmt::Debug>(error: OperationError<E>) -> Stale {
    match error {
        OperationError::Stale(stale) => stale,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn diverged<E: std::fmt::Debug>(error: OperationError<E>) -> Diverged {
    match error {
        OperationError::Diverged(diverged) => diverged,
        other => panic!("{other:?}"),
    }
}
