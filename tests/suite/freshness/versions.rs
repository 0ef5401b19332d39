//! The numbers: where they start, and how they go on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::test_util::ManualTimeSource;
use aws_smithy_async::time::SharedTimeSource;
use dynaseal::item::{Discriminator, Entities, Entity, Model as _};
use dynaseal::table::TransactWrite;

use super::*;

const MICROSECOND: Duration = Duration::from_micros(1);

/// A table whose clock stands still until it is told otherwise.
async fn start_at(since_epoch: Duration) -> (Stack, ManualTimeSource, Table) {
    let stack = start().await;
    let clock = ManualTimeSource::new(UNIX_EPOCH + since_epoch);
    let table = SealedTable::builder(TABLE, stack.keyring(US), &clocked(&stack, &clock));
    (stack, clock, table.build().unwrap())
}

fn clocked(stack: &Stack, clock: &ManualTimeSource) -> RegionSet {
    let config = stack.config(US).into_builder();
    let config = config.time_source(SharedTimeSource::new(clock.clone()));
    let regions = RegionSet::builder(&config.build()).local(US);
    regions.build().unwrap()
}

async fn put(table: &Table, version: u64) -> u64 {
    let account = Account {
        version,
        ..account(1)
    };
    let put = table.put(&account).send().await.unwrap();
    put.version().unwrap()
}

#[tokio::test]
async fn a_new_item_starts_at_the_clock_and_counts_by_one() {
    let (stack, clock, table) = start_at(Duration::from_secs(1_700_000_000)).await;
    assert_eq!(put(&table, 0).await, 1_700_000_000_000_000);
    let stored = stack.stored(US, &key(1)).await.unwrap();
    assert_eq!(stored["version"], n("1700000000000000"));
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        put(&table, 1_700_000_000_000_000).await,
        1_700_000_000_000_001
    );
    assert_eq!(raise(&table).await, 1_700_000_000_000_002);
    assert_eq!(
        get(&table).await.unwrap().unwrap().version,
        1_700_000_000_000_002
    );
}

#[tokio::test]
async fn zero_still_means_that_nothing_may_be_there() {
    let (_stack, clock, table) = start_at(Duration::from_secs(1)).await;
    let first = put(&table, 0).await;
    clock.advance(Duration::from_secs(1));
    let error = table.put(&account(1)).send().await.unwrap_err();
    let met = error.item().unwrap().as_ref().unwrap();
    assert_eq!(version(met.item()), first);
}

#[tokio::test]
async fn an_item_that_is_made_again_is_above_its_predecessor() {
    let (stack, clock, table) = start_at(Duration::from_secs(1)).await;
    put(&table, 0).await;
    for _ in 0..3 {
        raise(&table).await;
    }
    // Somebody else has seen it.
    let regions = clocked(&stack, &clock);
    let other = SealedTable::builder(TABLE, stack.keyring(US), &regions);
    let other: Table = other.build().unwrap();
    let last = get(&other).await.unwrap().unwrap().version;
    table.delete(KEY).send().await.unwrap();
    clock.advance(4 * MICROSECOND);
    assert!(put(&table, 0).await > last);
    assert_eq!(state(&table).await, FreshnessState::Fresh);
    assert_eq!(state(&other).await, FreshnessState::Fresh);
}

#[tokio::test]
async fn who_knows_a_version_is_above_it_whatever_the_clock_says() {
    let (_stack, _, table) = start_at(Duration::ZERO).await;
    let read = Account {
        version: 41,
        ..account(1)
    };
    let put = table.put(&read).if_not_exists().send().await.unwrap();
    assert_eq!(put.version(), Some(42));
}

#[tokio::test]
async fn a_clock_before_1970_starts_at_one() {
    let stack = start().await;
    let clock = ManualTimeSource::new(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    let regions = clocked(&stack, &clock);
    let table: Table = SealedTable::builder(TABLE, stack.keyring(US), &regions)
        .build()
        .unwrap();
    assert_eq!(put(&table, 0).await, 1);
}

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
struct Counted {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
    #[seal(version, start = "one")]
    version: u64,
}

fn counted() -> Counted {
    Counted {
        owner: "ada".to_owned(),
        number: 1,
        version: 0,
    }
}

#[tokio::test]
async fn a_version_that_starts_at_one_does_and_looks_stale_when_it_is_made_again() {
    let stack = start().await;
    let (table, other) = (stack.table::<Counted>(US), stack.table::<Counted>(US));
    let put = || async { table.put(&counted()).send().await.unwrap().version() };
    assert_eq!(put().await, Some(1));
    let second = Counted {
        version: 1,
        ..counted()
    };
    let second = table.put(&second).send().await.unwrap();
    assert_eq!(second.version(), Some(2));
    assert_eq!(other.get(KEY).send().await.unwrap().unwrap().version, 2);
    table.delete(KEY).send().await.unwrap();
    assert_eq!(put().await, Some(1));
    let error = other.get(KEY).send().await.unwrap_err();
    assert_stale(&stale(error), Some(1), 2, US);
}

#[tokio::test]
async fn transactions_and_entities_start_alike() {
    let (stack, clock, table) = start_at(Duration::from_secs(7)).await;
    let write = TransactWrite::new().put(&table, &account(1));
    let written = write.put_if_not_exists(&table, &account(2)).send().await;
    let written = written.unwrap();
    assert_eq!(written.version(0), Some(7_000_000));
    assert_eq!(written.version(1), Some(7_000_000));

    let entities = Entities::builder()
        .entity::<Account>("account", Discriminator::attribute("state", "open"))
        .build()
        .unwrap();
    let regions = clocked(&stack, &clock);
    let all = SealedTable::<Entity>::builder(TABLE, stack.keyring(US), &regions);
    let all = all.entities(&entities).build().unwrap();
    let entity = Entity::from_item(account(3).to_item().unwrap()).unwrap();
    let put = all.put(&entity).send().await.unwrap();
    assert_eq!(put.version(), Some(7_000_000));
    let typed = all.typed::<Account>().unwrap();
    assert_eq!(
        typed.put(&account(4)).send().await.unwrap().version(),
        Some(7_000_000)
    );
}
