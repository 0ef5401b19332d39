//! Updates whose answer is lost.

use std::time::Duration;

use aws_types::sdk_config::RetryConfig;
use dynaseal::table::{Update, UpdateOutput};
use dynaseal::testkit::Fault;

use super::super::meanwhile;
use super::*;
use crate::support::hurry::Hurry;

#[tokio::test]
async fn a_lost_answer_is_no_conflict_and_applies_nothing_twice() {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    lose_the_next(&stack, "UpdateItem");
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let updated = update.await.unwrap();
    assert_eq!(updated.attempts(), 1);
    assert!(updated.is_written() && updated.sdk_output().is_none());
    assert_eq!(calls(&stack, "UpdateItem"), 2);
    assert_eq!(stored(&table).await, *updated.model());
    assert_eq!(updated.model().coins, 1);
}

#[tokio::test]
async fn a_request_that_never_arrived_is_sent_again() {
    let late = Fault::Timeout(Duration::from_millis(1));
    for fault in [
        late,
        Fault::Unavailable,
        Fault::Status(503, "ServiceUnavailable"),
        Fault::Status(400, "ThrottlingException"),
    ] {
        let (stack, _) = start_with_purse().await;
        let table = retrying::<Purse>(&stack, NoWait::default());
        fail(&stack, fault.on("UpdateItem").times(2));
        let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
        assert_eq!(update.await.unwrap().attempts(), 1, "{fault:?}");
        assert_eq!(calls(&stack, "UpdateItem"), 3, "{fault:?}");
        assert_eq!(stored(&table).await.coins, 1, "{fault:?}");
    }
}

type AddOne = Update<Purse, fn(&mut Purse)>;

/// An update that adds one, whose first answer is lost; then another writer adds a hundred.
async fn lose_then_write(
    operation: &str,
    is_applied: bool,
    configure: impl FnOnce(AddOne) -> AddOne,
) -> (Stack, Result<UpdateOutput<Purse>, UpdateError>) {
    let (stack, other) = start_with_purse().await;
    let meanwhile = NoWait::default();
    let table = retrying::<Purse>(&stack, meanwhile.clone());
    if is_applied {
        lose_the_next(&stack, operation);
    } else {
        delay_the_next(&stack, operation);
    }
    meanwhile.then(add_hundred(&other));
    let change: fn(&mut Purse) = |purse| purse.coins += 1;
    let result = configure(table.update(("c-1", 7), change)).send().await;
    assert!(meanwhile.is_over());
    (stack, result)
}

#[tokio::test]
async fn a_lost_answer_and_a_second_writer_leave_it_unknown_and_applied_at_most_once() {
    for (is_applied, coins) in [(true, 101), (false, 100)] {
        let (stack, result) = lose_then_write("UpdateItem", is_applied, |update| update).await;
        let error = result.unwrap_err();
        assert!(matches!(error, UpdateError::OutcomeUnknown(_)), "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(error.region(), Some(US));
        let found = error.item().unwrap().as_ref().unwrap();
        assert_eq!(found.item()["coins"], n(&coins.to_string()));
        assert_eq!(stored(&stack.table(US)).await.coins, coins);
    }
}

#[tokio::test]
async fn an_idempotent_change_is_applied_again_to_what_the_second_writer_left() {
    for (is_applied, coins) in [(true, 102), (false, 101)] {
        let (stack, result) = lose_then_write("UpdateItem", is_applied, Update::idempotent).await;
        let updated = result.unwrap();
        assert_eq!(updated.attempts(), 2);
        assert_eq!(updated.model().coins, coins);
        assert_eq!(stored(&stack.table(US)).await, *updated.model());
    }
}

#[tokio::test]
async fn exactly_once_is_exactly_once() {
    for (is_applied, attempts) in [(true, 1), (false, 2)] {
        let (stack, result) =
            lose_then_write("TransactWriteItems", is_applied, Update::exactly_once).await;
        let updated = result.unwrap();
        assert_eq!(updated.attempts(), attempts);
        assert_eq!(stored(&stack.table(US)).await.coins, 101);
        assert_eq!(updated.model().coins, if is_applied { 1 } else { 101 });
        assert!(updated.transaction_output().is_some());
        let sent = if is_applied { 2 } else { 3 };
        assert_eq!(calls(&stack, "TransactWriteItems"), sent);
    }
}

#[tokio::test]
async fn a_transaction_in_conflict_is_sent_again() {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    let busy = Fault::Status(400, "TransactionInProgressException");
    fail(&stack, busy.on("TransactWriteItems").times(2));
    let update = table.update(("c-1", 7), |purse| purse.coins += 1);
    let updated = update.exactly_once().send().await.unwrap();
    assert_eq!((updated.attempts(), updated.model().coins), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_dynamodb_may_have_forgotten_proves_nothing() {
    let (stack, other) = start_with_purse().await;
    let table = meanwhile::table::<Purse>(&stack, |config| {
        Hurry::apply(config.retry_config(RetryConfig::standard())).0
    });
    // Eleven minutes pass, on the clock of the client.
    let late = Fault::Timeout(Duration::from_secs(660));
    fail(&stack, late.on("TransactWriteItems").times(1));
    let mut runs = 0;
    let update = table.update(("c-1", 7), |purse| {
        runs += 1;
        if runs == 1 {
            now(add_hundred(&other));
        }
        purse.coins += 1;
    });
    let error = update.exactly_once().send().await.unwrap_err();
    assert!(matches!(error, UpdateError::OutcomeUnknown(_)), "{error:?}");
    assert_eq!(runs, 1);
}

#[tokio::test]
async fn attempts_that_leave_the_outcome_open_end_in_saying_so() {
    for operation in ["UpdateItem", "TransactWriteItems"] {
        let (stack, _) = start_with_purse().await;
        let table = retrying::<Purse>(&stack, NoWait::default());
        fail(&stack, Fault::LostResponse.on(operation).times(3));
        let mut update = table
            .update(("c-1", 7), |purse| purse.coins += 1)
            .idempotent();
        if operation == "TransactWriteItems" {
            update = update.exactly_once();
        }
        let error = update.send().await.unwrap_err();
        assert!(matches!(error, UpdateError::OutcomeUnknown(_)), "{error:?}");
        assert!(error.item().is_none());
        assert_eq!(stored(&table).await.coins, 1);
    }
}

#[tokio::test]
async fn a_read_that_fails_is_the_sdks_error_and_retryable() {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    fail(
        &stack,
        Fault::Status(400, "ThrottlingException").on("GetItem"),
    );
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let error = update.await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Read(OperationError::Sdk(_))),
        "{error:?}"
    );
    assert!(error.is_retryable());
    assert_eq!(calls(&stack, "GetItem"), 3, "reads keep the SDK's retries");
}

#[tokio::test]
async fn a_write_that_is_refused_for_certain_is_the_sdks_error() {
    let (stack, _) = start_with_purse().await;
    let table = retrying::<Purse>(&stack, NoWait::default());
    fail(
        &stack,
        Fault::Status(400, "AccessDeniedException").on("UpdateItem"),
    );
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let error = update.await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Write(OperationError::Sdk(_))),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    assert_eq!(calls(&stack, "UpdateItem"), 1);
}
