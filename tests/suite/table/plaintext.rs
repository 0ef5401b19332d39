//! Reading a table in migration: what is let through, and what an administrator gains.

mod operations;

use std::time::{Duration, SystemTime};

use aws_smithy_async::test_util::ManualTimeSource;
use aws_smithy_async::time::SharedTimeSource;
use dynaseal::item::{Discriminator, Entities, Entity, Model, Unverified};
use dynaseal::table::{Found, OperationError as E, PlaintextKeys, PlaintextPolicy};
use dynaseal::testkit::Service;
use dynaseal::{ConfigError, RegionSet, SealedTable};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn deadline() -> SystemTime {
    SystemTime::UNIX_EPOCH + DAY
}

/// A customer's table with a policy, and the clock of its reader.
struct Reader {
    stack: Stack,
    clock: ManualTimeSource,
    table: SealedTable<Customer>,
}

impl Reader {
    async fn start(policy: PlaintextPolicy) -> Self {
        let stack = start().await;
        let clock = ManualTimeSource::new(SystemTime::UNIX_EPOCH);
        let table = with_policy(&stack, &clock, policy).unwrap();
        Self {
            stack,
            clock,
            table,
        }
    }

    async fn get(&self, id: &str) -> Result<Option<Found<Customer>>, OpenError> {
        match self.table.get((id, 7)).allow_plaintext().send().await {
            Ok(found) => Ok(found),
            Err(E::Open(error)) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn assert_not_let_through(&self, id: &str) {
        let reads = self.table.plaintext_reads();
        let error = self.get(id).await.unwrap_err();
        assert!(matches!(error, OpenError::NotSealed(_)), "{error:?}");
        assert_eq!(self.table.plaintext_reads(), reads);
    }

    async fn assert_let_through(&self, id: &str) -> Customer {
        let reads = self.table.plaintext_reads();
        let found = self.get(id).await.unwrap().unwrap();
        assert!(!found.is_verified());
        assert_eq!(self.table.plaintext_reads(), reads + 1);
        let Found::Plaintext(customer) = found else {
            panic!("{found:?}")
        };
        customer.into_unauthenticated()
    }
}

fn with_policy(
    stack: &Stack,
    clock: &ManualTimeSource,
    policy: PlaintextPolicy,
) -> Result<SealedTable<Customer>, ConfigError> {
    let regions = regions(stack, clock);
    let builder = SealedTable::builder(TABLE, stack.keyring(US), &regions);
    builder.plaintext_policy(policy).build()
}

fn regions(stack: &Stack, clock: &ManualTimeSource) -> RegionSet {
    let config = stack.config(US).into_builder();
    let config = config.time_source(SharedTimeSource::new(clock.clone()));
    RegionSet::builder(&config.build())
        .local(US)
        .build()
        .unwrap()
}

fn plaintext(id: &str) -> Item {
    customer(id).to_item().unwrap()
}

#[tokio::test]
async fn plaintext_comes_as_another_type_and_to_who_asks_for_it() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let reader = Reader::start(prefix).await;
    reader.stack.store(US, &plaintext("old-1")).await;
    let customer = reader.assert_let_through("old-1").await;
    assert_eq!(customer.ssn.expose(), "078-05-1120");

    let error = reader.table.get(("old-1", 7)).send().await.unwrap_err();
    let E::Open(OpenError::NotSealed(error)) = error else {
        panic!("{error:?}")
    };
    assert!(error.is_plaintext());
    assert_eq!(
        reader.table.clone().plaintext_reads(),
        1,
        "in common for clones"
    );
    assert_eq!(reader.stack.decrypts(US), 0);

    let get = reader.table.get(("old-1", 7)).allow_plaintext();
    let found = get.send_opened().await.unwrap().unwrap();
    assert_eq!(found.verified(), None);
    assert!(reader.get("old-2").await.unwrap().is_none());
}

#[tokio::test]
async fn sealed_items_are_verified_as_ever() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let reader = Reader::start(prefix).await;
    reader.table.put(&customer("old-1")).send().await.unwrap();
    let found = reader.get("old-1").await.unwrap().unwrap();
    assert!(found.is_verified());
    assert_eq!(found.verified().unwrap().tenant, "acme");
    let mut changed = reader.stack.stored(US, &key("old-1")).await.unwrap();
    changed.insert("plan".to_owned(), s("Free"));
    reader.stack.store(US, &changed).await;
    let error = reader.get("old-1").await.unwrap_err();
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
    assert_eq!(reader.table.plaintext_reads(), 0);
}

#[tokio::test]
async fn without_a_policy_asking_changes_nothing() {
    for policy in [PlaintextPolicy::forbid(), PlaintextPolicy::default()] {
        let reader = Reader::start(policy).await;
        reader.stack.store(US, &plaintext("old-1")).await;
        reader.assert_not_let_through("old-1").await;
    }
}

#[tokio::test]
async fn plaintext_planted_outside_of_the_prefix_is_refused() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let reader = Reader::start(prefix).await;
    for id in ["new-1", "old", "Old-1", " old-1"] {
        reader.stack.store(US, &plaintext(id)).await;
        reader.assert_not_let_through(id).await;
    }
    // The sort key is a number here, and no number starts with text.
    let clock = &reader.clock;
    let policy = PlaintextPolicy::allow_sort_key_prefix("7", deadline());
    let table = with_policy(&reader.stack, clock, policy).unwrap();
    let error = table.get(("new-1", 7)).allow_plaintext().send().await;
    assert!(
        matches!(error, Err(E::Open(OpenError::NotSealed(_)))),
        "{error:?}"
    );
}

#[tokio::test]
async fn nothing_is_let_through_from_the_deadline_on() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let reader = Reader::start(prefix).await;
    reader.stack.store(US, &plaintext("old-1")).await;
    reader.clock.set_time(deadline() - Duration::from_nanos(1));
    reader.assert_let_through("old-1").await;
    reader.clock.set_time(deadline());
    reader.assert_not_let_through("old-1").await;
    reader.clock.set_time(deadline() + DAY);
    reader.assert_not_let_through("old-1").await;
}

#[tokio::test]
async fn a_stripped_item_with_anything_of_the_format_left_is_refused() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let reader = Reader::start(prefix).await;
    reader.table.put(&customer("old-1")).send().await.unwrap();
    let stored = reader.stack.stored(US, &key("old-1")).await.unwrap();
    for left in ["aws_dbe_head", "aws_dbe_foot", "aws_dbe_b_name", "aws_dbe_"] {
        let mut stripped = stored.clone();
        stripped.retain(|name, _| !name.starts_with("aws_dbe_"));
        let remains = stored.get(left).cloned().unwrap_or_else(|| s("x"));
        stripped.insert(left.to_owned(), remains);
        reader.stack.store(US, &stripped).await;
        reader.assert_not_let_through("old-1").await;
    }
}

#[tokio::test]
async fn a_set_of_keys_shrinks_as_items_are_sealed() {
    let keys: PlaintextKeys = [("a", 7), ("b", 7), ("c", 7)].into_iter().collect();
    let reader = Reader::start(PlaintextPolicy::allow_keys(keys.clone(), deadline())).await;
    for id in ["a", "b", "c", "d"] {
        reader.stack.store(US, &plaintext(id)).await;
    }
    reader.assert_not_let_through("d").await;
    let read = reader.assert_let_through("a").await;
    assert_eq!(keys.len(), 3, "reading migrates nothing");

    // Sealed here: what an administrator strips afterwards is refused.
    let taken = reader.table.put(&read).if_not_exists();
    assert!(taken.send().await.is_err());
    assert_eq!(keys.len(), 3, "nothing was written");
    reader.table.put(&read).send().await.unwrap();
    assert_eq!(keys.len(), 2);
    reader.stack.store(US, &plaintext("a")).await;
    reader.assert_not_let_through("a").await;

    // Sealed by another process, and seen by this one.
    let elsewhere = reader.stack.table::<Customer>(US);
    elsewhere.put(&customer("b")).send().await.unwrap();
    assert!(keys.contains(("b", 7)));
    assert!(reader.get("b").await.unwrap().unwrap().is_verified());
    assert!(!keys.contains(("b", 7)));
    reader.stack.store(US, &plaintext("b")).await;
    reader.assert_not_let_through("b").await;

    // An ordinary read sees it as well; one that fails proves nothing.
    elsewhere.put(&customer("c")).send().await.unwrap();
    let mut broken = reader.stack.stored(US, &key("c")).await.unwrap();
    broken.insert("plan".to_owned(), s("Free"));
    let stored = reader.stack.stored(US, &key("c")).await.unwrap();
    reader.stack.store(US, &broken).await;
    assert!(reader.table.get(("c", 7)).send().await.is_err());
    assert_eq!(keys.len(), 1);
    reader.stack.store(US, &stored).await;
    assert!(reader.table.get(("c", 7)).send().await.unwrap().is_some());
    assert!(keys.is_empty());
}

#[tokio::test]
async fn plaintext_that_does_not_fit_the_model_is_a_mismatch() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let reader = Reader::start(prefix).await;
    reader.stack.store(US, &key("old-1")).await;
    let get = reader.table.get(("old-1", 7)).allow_plaintext();
    assert!(matches!(get.send().await, Err(E::Model(_))));
}

#[tokio::test]
async fn plaintext_of_another_entity_type_is_refused() {
    let stack = start().await;
    let clock = ManualTimeSource::new(SystemTime::UNIX_EPOCH);
    let entities = Entities::builder()
        .entity::<Customer>("customer", Discriminator::partition_key_prefix("old-c"));
    let entities = entities.build().unwrap();
    let regions = regions(&stack, &clock);
    let builder = SealedTable::<Entity>::builder(TABLE, stack.keyring(US), &regions);
    let policy = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let builder = builder.plaintext_policy(policy).entities(&entities);
    let table = builder.build().unwrap();
    for id in ["old-c", "old-x"] {
        stack.store(US, &plaintext(id)).await;
    }
    let found = table.get(("old-c", 7)).allow_plaintext().send().await;
    let Found::Plaintext(entity) = found.unwrap().unwrap() else {
        panic!()
    };
    assert_eq!(
        entity.unauthenticated().name(),
        None,
        "nobody vouches for it"
    );
    let error = table.get(("old-x", 7)).allow_plaintext().send().await;
    assert!(
        matches!(error, Err(E::Open(OpenError::Entity(_)))),
        "{error:?}"
    );
    let handle = table.typed::<Customer>().unwrap();
    let found = handle.get(("old-c", 7)).allow_plaintext().send().await;
    assert!(!found.unwrap().unwrap().is_verified());
    assert_eq!(table.plaintext_reads(), 2, "in common for handles");
}

#[tokio::test]
async fn policies_without_bounds_are_refused_at_build() {
    let stack = start().await;
    let clock = ManualTimeSource::new(SystemTime::UNIX_EPOCH);
    for policy in [
        PlaintextPolicy::allow_partition_key_prefix("", deadline()),
        PlaintextPolicy::allow_sort_key_prefix("", deadline()),
    ] {
        let error = with_policy(&stack, &clock, policy).unwrap_err().to_string();
        assert!(error.contains("an empty prefix"), "{error}");
    }
    let schema = dynaseal::ItemSchema::builder("orders", "id").build();
    let regions = regions(&stack, &clock);
    let table = SealedTable::<Item>::builder("orders", stack.keyring(US), &regions);
    let policy = PlaintextPolicy::allow_sort_key_prefix("old-", deadline());
    let table = table.schema(schema.unwrap()).plaintext_policy(policy);
    let error = table.build().unwrap_err().to_string();
    assert!(
        error.contains("goes by the sort key, and the table has none"),
        "{error}"
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn neither_plaintext_nor_keys_show_in_debug() {
    let prefix = PlaintextPolicy::allow_partition_key_prefix("old-", deadline());
    let shown = format!("{prefix:?}");
    assert!(
        shown.contains("a partition key prefix") && !shown.contains("old-"),
        "{shown}"
    );
    let reader = Reader::start(prefix).await;
    reader.stack.store(US, &plaintext("old-1")).await;
    let get = || reader.table.get(("old-1", 7)).allow_plaintext();
    let opened = get().send_opened().await.unwrap();
    let found = get().send().await.unwrap();
    let shown = format!("{:?} {opened:?} {found:?}", get());
    let Some(Found::Plaintext(item)) = opened else {
        panic!()
    };
    let unverified: &Unverified<Item> = &item;
    let shown = format!("{shown} {unverified:?} {unverified:#?}");
    assert!(
        shown.contains("Plaintext(..)") && shown.contains("Unverified"),
        "{shown}"
    );
    for secret in ["078-05-1120", "old-1", "acme", "Elm"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
