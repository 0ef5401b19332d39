//! Tables with multi-Region strong consistency: another region may be writing the same item, and the
//! write is refused for that moment.

use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::testkit::Fault;
use dynaseal::{SealedTable, UpdateError};

use super::meanwhile::{NoWait, calls, fail, retrying};
use super::*;

/// A table that sends up to three times, and that meets so many conflicts.
async fn conflicted(operation: &str, times: usize) -> (Stack, SealedTable<Customer>) {
    let (stack, _) = start_with_customer().await;
    stack.cloud.reset_calls();
    let conflict = Fault::Status(400, "ReplicatedWriteConflictException");
    fail(&stack, conflict.on(operation).times(times));
    let table = retrying(&stack, NoWait::default());
    (stack, table)
}

#[tokio::test]
async fn writes_whose_own_condition_decides_are_sent_again() {
    let (stack, table) = conflicted("PutItem", 2).await;
    let open = attribute("tenant").eq("acme");
    let put = table.put(&customer("c-1")).condition(open.clone()).send();
    put.await.unwrap();
    assert_eq!(calls(&stack, "PutItem"), 3);

    let (stack, table) = conflicted("UpdateItem", 2).await;
    let seen = UpdateExpression::new().increment(":views", 1);
    let update = table.update_unsigned(("c-1", 7), seen);
    update.condition(open.clone()).send().await.unwrap();
    assert_eq!(calls(&stack, "UpdateItem"), 3);
    let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
    assert_eq!(found.views, Unsigned::new(4), "counted once");

    let (stack, table) = conflicted("DeleteItem", 2).await;
    let delete = table.delete(("c-1", 7)).condition(open).send();
    delete.await.unwrap();
    assert_eq!(calls(&stack, "DeleteItem"), 3);
    assert!(stack.stored(US, &key("c-1")).await.is_none());
}

#[tokio::test]
async fn a_conflict_that_lasts_is_the_sdks_error_and_certainly_not_applied() {
    use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;

    let (stack, table) = conflicted("DeleteItem", 3).await;
    let open = attribute("tenant").eq("acme");
    let delete = table.delete(("c-1", 7)).condition(open).send();
    let error = delete.await.unwrap_err();
    assert!(error.is_retryable());
    let code = error.sdk_error().unwrap().code();
    assert_eq!(code, Some("ReplicatedWriteConflictException"));
    assert!(stack.stored(US, &key("c-1")).await.is_some());
}

#[tokio::test]
async fn an_update_reads_again_each_time_and_gives_up_as_it_was_told() {
    let (stack, table) = conflicted("UpdateItem", 3).await;
    let change = |customer: &mut Customer| customer.phones.push("555-0123".to_owned());
    let update = table.update(("c-1", 7), change).max_conflicts(2);
    let error = update.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Conflict { attempts: 3 }),
        "{error:?}"
    );
    assert_eq!(calls(&stack, "GetItem"), 3, "each time the newest");
    assert_eq!(calls(&stack, "UpdateItem"), 3, "no bytes are sent twice");
    let updated = table.update(("c-1", 7), change).send().await.unwrap();
    assert_eq!(updated.model().phones.len(), 3);
}
