//! An update builds on nothing that is known to be old: what it wrote would look newer than what is
//! lost.

use dynaseal::UpdateError;

use super::*;

#[tokio::test]
async fn an_item_that_was_rolled_back_is_not_updated() {
    for exactly_once in [false, true] {
        let stack = start().await;
        let table: Table = stack.table(US);
        let (old, new) = put_and_raise(&stack, &table).await;
        stack.store(US, &old).await;
        let mut runs = 0;
        let mut update = table.update(KEY, |account| {
            runs += 1;
            account.balance += 1;
        });
        if exactly_once {
            update = update.exactly_once();
        }
        let error = update.send().await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.region(), Some(US));
        let UpdateError::Read(error) = error else {
            panic!("{error:?}")
        };
        assert_stale(&stale(error), Some(version(&old)), version(&new), US);
        assert_eq!(runs, 0);
        assert_eq!(stack.stored(US, &key(1)).await.unwrap(), old);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_writer_left_meanwhile_is_compared_too() {
    let stack = start().await;
    let table: Table = stack.table(US);
    let (old, _) = put_and_raise(&stack, &table).await;
    let update = table.update(KEY, |account| {
        // An administrator, while the closure runs: the footer is another one then.
        let store = stack.store(US, &old);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(store));
        account.balance += 1;
    });
    let error = update.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Read(OperationError::Stale(_))),
        "{error:?}"
    );
    assert_eq!(stack.stored(US, &key(1)).await.unwrap(), old);
}

#[tokio::test]
async fn an_update_says_that_what_it_read_was_fresh() {
    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = in_regions(&stack, &stack.regions(US), &memory);
    put_and_raise(&stack, &stack.table(US)).await;
    assert!(memory.is_empty());
    let unchanged = table.update(KEY, |_| ()).send().await.unwrap();
    assert!(!unchanged.is_written());
    assert_eq!(memory.len(), 1, "what it read is noted, written or not");
}
