//! Several updaters of one item.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use dynaseal::testkit::Fault;

use super::*;

/// Runs this many updaters that have all read the item before any writes, and gives back how often
/// their closures ran. Meanwhile somebody reads: every item that is ever there must verify.
async fn race(updaters: usize) -> (Stack, SealedTable<Purse>, u32) {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    let read = Arc::new(Barrier::new(updaters));
    let tasks: Vec<_> = (0..updaters)
        .map(|_| {
            let (read, mut first) = (Arc::clone(&read), true);
            let update = table.update(("c-1", 7), move |purse| {
                if std::mem::take(&mut first) {
                    tokio::task::block_in_place(|| read.wait());
                }
                purse.coins += 1;
            });
            tokio::spawn(update.send())
        })
        .collect();
    let is_over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (table, is_over) = (stack.table::<Purse>(US), Arc::clone(&is_over));
        async move {
            while !is_over.load(Ordering::Relaxed) {
                let found = stored(&table).await;
                assert_eq!(found.version, 1 + u64::try_from(found.coins).unwrap());
            }
        }
    });
    let mut runs = 0;
    for task in tasks {
        runs += task.await.unwrap().unwrap().attempts();
    }
    is_over.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    (stack, table, runs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_updaters_lose_no_update() {
    let (stack, table, runs) = race(2).await;
    assert_eq!(stored(&table).await.coins, 2);
    assert_eq!(runs, 3, "the second saw the first");
    assert_eq!(calls(&stack, "UpdateItem"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn ten_updaters_lose_no_update() {
    let (_stack, table, runs) = race(10).await;
    let found = stored(&table).await;
    assert_eq!((found.coins, found.version), (10, 11));
    assert!((19..=55).contains(&runs), "{runs}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_what_the_faster_writer_left_without_reading_again() {
    let (stack, other) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    let mut runs = 0;
    let update = table.update(("c-1", 7), move |purse| {
        runs += 1;
        if runs == 1 {
            now(add_hundred(&other));
        }
        purse.coins += 1;
    });
    let updated = update.send().await.unwrap();
    assert_eq!(updated.attempts(), 2);
    assert_eq!(updated.model().coins, 101);
    assert_eq!(updated.version(), Some(3));
    assert_eq!(stored(&table).await, *updated.model());
    // One each, the other's, and the one just now.
    assert_eq!(calls(&stack, "GetItem"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gives_up_after_as_many_conflicts_as_it_was_told() {
    for exactly_once in [false, true] {
        let (stack, other) = start_with_purse().await;
        let table = retrying::<Purse>(&stack, NoWait::default());
        let mut update = table
            .update(("c-1", 7), |purse| {
                now(add_hundred(&other));
                purse.coins += 1;
            })
            .max_conflicts(2);
        if exactly_once {
            update = update.exactly_once();
        }
        let error = update.send().await.unwrap_err();
        assert!(
            matches!(error, UpdateError::Conflict { attempts: 3 }),
            "{error:?}"
        );
        assert!(error.is_retryable());
        assert_eq!(stored(&table).await.coins, 300, "only the others'");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_is_deleted_meanwhile_is_not_made_again() {
    for exactly_once in [false, true] {
        let (stack, other) = start_with_purse().await;
        let table = retrying::<Purse>(&stack, NoWait::default());
        let mut update = table.update(("c-1", 7), |purse| {
            now(other.delete(("c-1", 7)).send()).unwrap();
            purse.coins += 1;
        });
        if exactly_once {
            update = update.exactly_once();
        }
        let error = update.send().await.unwrap_err();
        assert!(matches!(error, UpdateError::Deleted), "{error:?}");
        assert!(!error.is_retryable());
        assert!(stack.stored(US, &key("c-1")).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_faster_writer_left_is_verified_too() {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    let administrator = &stack;
    let update = table.update(("c-1", 7), |purse| {
        now(async {
            let mut stored = administrator.stored(US, &key("c-1")).await.unwrap();
            stored.insert("aws_dbe_foot".to_owned(), stored["aws_dbe_head"].clone());
            administrator.store(US, &stored).await;
        });
        purse.coins += 1;
    });
    let error = update.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Read(OperationError::Open(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn another_region_that_writes_makes_it_read_again() {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    let replicated = Fault::Status(400, "ReplicatedWriteConflictException");
    fail(&stack, replicated.on("UpdateItem").times(1));
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let updated = update.await.unwrap();
    assert_eq!(updated.attempts(), 2);
    assert_eq!(updated.model().coins, 1);
    assert_eq!(calls(&stack, "GetItem"), 2);
    assert_eq!(calls(&stack, "UpdateItem"), 2);
}
