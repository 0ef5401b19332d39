//! What a process wrote it has seen, without reading it.

use dynaseal::table::TransactWrite;
use dynaseal::testkit::{Fault, Service};

use super::*;

/// Writes the second version in one way or another, and expects the first to be stale from then on.
async fn assert_noted<F: Future<Output = Option<u64>>>(write: impl FnOnce(Table, Account) -> F) {
    let stack = start().await;
    let seeder: Table = stack.table(US);
    let first = seeder.put(&account(1)).send().await.unwrap().version();
    let old = stack.stored(US, &key(1)).await.unwrap();
    let table: Table = stack.table(US);
    let second = Account {
        version: first.unwrap(),
        ..account(1)
    };
    let written = write(table.clone(), second).await;
    assert_eq!(written, first.map(|first| first + 1));
    stack.store(US, &old).await;
    let error = get(&table).await.unwrap_err();
    assert_stale(&stale(error), first, written.unwrap(), US);
}

#[tokio::test]
async fn puts_and_transactions_are_noted() {
    assert_noted(
        |table, account| async move { table.put(&account).send().await.unwrap().version() },
    )
    .await;
    assert_noted(|table, account| async move {
        let sealer = table.seal_only();
        sealer.put(&account).send().await.unwrap().version()
    })
    .await;
    assert_noted(|table, account| async move {
        let write = TransactWrite::new().check(
            &table,
            ("ada", 9),
            dynaseal::expression::attribute("state").not_exists(),
        );
        let write = write.put(&table, &account).send().await.unwrap();
        write.version(1)
    })
    .await;
}

#[tokio::test]
async fn updates_are_noted() {
    for exactly_once in [false, true] {
        assert_noted(|table, _| async move {
            let mut update = table.update(KEY, |account| account.balance += 1);
            if exactly_once {
                update = update.exactly_once();
            }
            update.send().await.unwrap().version()
        })
        .await;
    }
}

#[tokio::test]
async fn a_write_that_is_recognised_after_a_lost_answer_is_noted() {
    use aws_types::sdk_config::RetryConfig;

    let stack = start().await;
    let config = stack.config(US).into_builder();
    let config = config.retry_config(RetryConfig::standard().with_max_attempts(2));
    let regions = RegionSet::builder(&config.build())
        .local(US)
        .build()
        .unwrap();
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &regions, &memory);
    let lost = Fault::LostResponse.on("PutItem").times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, lost);
    table.put(&account(1)).send().await.unwrap();
    assert_eq!(calls(&stack, "PutItem"), 2);
    assert_eq!(memory.len(), 1);
}

#[tokio::test]
async fn what_failed_and_what_was_deleted_is_not_noted() {
    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &stack.regions(US), &memory);
    stack
        .table::<Account>(US)
        .put(&account(1))
        .send()
        .await
        .unwrap();
    table.put(&account(1)).send().await.unwrap_err();
    table.delete(KEY).return_old().send().await.unwrap();
    assert!(memory.is_empty());
}

/// What comes with a write was stored before it, so nobody takes it for a rollback.
#[tokio::test]
async fn items_that_come_back_with_a_write_are_not_compared() {
    let stack = start().await;
    let table: Table = stack.table(US);
    put_and_raise(&stack, &table).await;
    let read = get(&table).await.unwrap().unwrap();
    let put = table.put(&read).return_old().send().await.unwrap();
    let old = put.old().unwrap().as_ref().unwrap();
    assert_eq!(version(old.item()), read.version);
    assert_eq!(old.freshness(), FreshnessState::Unchecked);
    let conflict = table.put(&read).send().await.unwrap_err();
    let met = conflict.item().unwrap().as_ref().unwrap();
    assert_eq!(met.freshness(), FreshnessState::Unchecked);
}
