//! An administrator strips what was sealed: a key that was seen sealed is not plaintext again.

use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use dynaseal::OpenError;
use dynaseal::item::Model as _;
use dynaseal::table::{Found, ItemError, PlaintextPolicy};

use super::*;
use crate::support::meddler::lying_regions;

fn policy() -> PlaintextPolicy {
    let until = UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX));
    PlaintextPolicy::allow_partition_key_prefix("ada", until)
}

/// As it was before anybody sealed it.
fn plain(number: u32) -> Item {
    account(number).to_item().unwrap()
}

async fn start_with_sealed() -> (Stack, Table) {
    let stack = start().await;
    let table = builder(&stack, US).plaintext_policy(policy());
    let table = table.build().unwrap();
    table.put(&account(1)).send().await.unwrap();
    stack.store(US, &plain(1)).await;
    stack.store(US, &plain(2)).await;
    stack.cloud.reset_calls();
    (stack, table)
}

#[tokio::test]
async fn plaintext_is_refused_under_a_key_that_was_seen_sealed() {
    let (stack, table) = start_with_sealed().await;
    let error = table.get(KEY).allow_plaintext().send().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Open(OpenError::NotSealed(_))),
        "{error:?}"
    );
    assert_eq!(calls(&stack, "GetItem"), 2, "a replica might have lagged");
    assert_eq!(table.plaintext_reads(), 0);
    let other = table.get(("ada", 2)).allow_plaintext().send().await;
    assert!(matches!(other, Ok(Some(Found::Plaintext(_)))));
    assert_eq!(table.plaintext_reads(), 1);
}

#[tokio::test]
async fn it_is_refused_on_pages_as_well() {
    let (_stack, table) = start_with_sealed().await;
    let index = table.query("open").index("by-state").allow_plaintext();
    let pages = [
        table.query("ada").allow_plaintext().page().await.unwrap(),
        table.scan().allow_plaintext().page().await.unwrap(),
        index.page().await.unwrap(),
    ];
    for page in pages {
        let (found, unopened) = page.partition();
        assert_eq!((found.len(), unopened.len()), (1, 1));
        let error = unopened[0].error();
        assert!(
            matches!(error, ItemError::Open(OpenError::NotSealed(_))),
            "{error:?}"
        );
    }
    let batch = table.batch_get([KEY, ("ada", 2)]).allow_plaintext();
    let batch = batch.send().await.unwrap();
    assert!(matches!(
        batch.results(),
        [
            (_, Err(ItemError::Open(OpenError::NotSealed(_)))),
            (_, Ok(Some(Found::Plaintext(_))))
        ]
    ));
}

#[tokio::test]
async fn a_replica_that_has_not_seen_the_migration_is_asked_again() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &stack.regions(US), &memory);
    table.put(&account(1)).send().await.unwrap();
    let lags = AtomicBool::new(true);
    let lie = move |output: &mut GetItemOutput| {
        if lags.swap(false, Ordering::Relaxed) {
            output.item = Some(plain(1));
        }
    };
    let regions = lying_regions(&stack.config(US), lie);
    let reader = SealedTable::<Account>::builder(TABLE, stack.keyring(US), &regions)
        .freshness(Arc::clone(&memory))
        .plaintext_policy(policy())
        .build()
        .unwrap();
    let found = reader.get(KEY).allow_plaintext().send().await.unwrap();
    assert!(matches!(found, Some(Found::Verified(_))), "{found:?}");
    assert_eq!(reader.plaintext_reads(), 0);
}

#[tokio::test]
async fn an_old_image_behind_a_plaintext_one_is_stale() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &stack.regions(US), &memory);
    let (old, new) = put_and_raise(&stack, &table).await;
    stack.store(US, &old).await;
    let lags = AtomicBool::new(true);
    let lie = move |output: &mut GetItemOutput| {
        if lags.swap(false, Ordering::Relaxed) {
            output.item = Some(plain(1));
        }
    };
    let regions = lying_regions(&stack.config(US), lie);
    let reader = SealedTable::<Account>::builder(TABLE, stack.keyring(US), &regions)
        .freshness(memory)
        .plaintext_policy(policy())
        .build()
        .unwrap();
    stack.cloud.reset_calls();
    let error = reader.get(KEY).allow_plaintext().send().await.unwrap_err();
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
    assert_eq!(calls(&stack, "GetItem"), 2, "once more, and not twice");
}
