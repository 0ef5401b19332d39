//! Writes whose answer is lost, late, or refused: what is sent again, and what is reported.

use aws_sdk_dynamodb::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput};
use dynaseal::SealedTable;
use dynaseal::expression::attribute;
use dynaseal::testkit::{Fault, Service};

use super::meanwhile::{NoWait, calls, delay_the_next, fail, lose_the_next, retrying};
use super::*;
use crate::support::meddler::{meddled_regions, witness};

fn throttled(times: usize) -> dynaseal::testkit::FaultRule {
    let fault = Fault::Status(400, "ThrottlingException");
    fault.on("PutItem").times(times)
}

/// A customer of another writer.
fn other() -> Customer {
    Customer {
        tenant: "globex".to_owned(),
        ..customer("c-1")
    }
}

fn put_other(stack: &Stack) -> impl Future<Output = ()> + Send + 'static {
    let table = stack.table::<Customer>(US);
    async move { drop(table.put(&other()).send().await.unwrap()) }
}

fn assert_unknown<E>(error: &OperationError<E>) {
    assert!(
        matches!(error, OperationError::OutcomeUnknown(_)),
        "{error:?}"
    );
}

fn assert_condition_failed(error: &OperationError<PutItemError>) {
    assert!(matches!(error, OperationError::Sdk(_)), "{error:?}");
    let sdk = error.sdk_error().unwrap().as_service_error().unwrap();
    assert!(sdk.is_conditional_check_failed_exception(), "{error:?}");
}

/// The tenant of the item that came with an error.
fn tenant_of<E>(error: &OperationError<E>) -> Option<&str> {
    let opened = error.item()?.as_ref().unwrap();
    Some(opened.item()["tenant"].as_s().unwrap())
}

#[tokio::test]
async fn a_second_writer_after_a_lost_answer_leaves_the_outcome_unknown() {
    for is_applied in [true, false] {
        let stack = start().await;
        let meanwhile = NoWait::default();
        let table = retrying::<Customer>(&stack, meanwhile.clone());
        if is_applied {
            lose_the_next(&stack, "PutItem");
        } else {
            delay_the_next(&stack, "PutItem");
        }
        meanwhile.then(put_other(&stack));
        let put = table.put(&customer("c-1")).if_not_exists().send();
        let error = put.await.unwrap_err();
        assert_unknown(&error);
        assert_eq!(tenant_of(&error), Some("globex"), "what was found is told");
        assert!(meanwhile.is_over());
        let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
        assert_eq!(found.tenant, "globex", "and nothing of it was overwritten");
    }
}

#[tokio::test]
async fn an_idempotent_put_reports_what_its_last_attempt_met() {
    let stack = start().await;
    let meanwhile = NoWait::default();
    let table = retrying(&stack, meanwhile.clone());
    lose_the_next(&stack, "PutItem");
    meanwhile.then(put_other(&stack));
    let put = table.put(&customer("c-1")).if_not_exists().idempotent();
    let error = put.send().await.unwrap_err();
    assert_condition_failed(&error);
    assert_eq!(tenant_of(&error), Some("globex"));
}

#[tokio::test]
async fn a_put_that_never_arrived_is_sent_again() {
    let late = Fault::Timeout(std::time::Duration::from_millis(1));
    let faults = [
        Fault::Unavailable.on("PutItem").times(2),
        late.on("PutItem").times(2),
        Fault::Status(500, "InternalServerError")
            .on("PutItem")
            .times(2),
        throttled(2),
        Fault::Status(400, "TransactionConflictException")
            .on("PutItem")
            .times(2),
        Fault::Status(400, "ReplicatedWriteConflictException")
            .on("PutItem")
            .times(2),
    ];
    for fault in faults {
        let stack = start().await;
        let shown = format!("{fault:?}");
        fail(&stack, fault);
        let table = retrying(&stack, NoWait::default());
        let put = table.put(&customer("c-1")).if_not_exists().send();
        put.await
            .unwrap_or_else(|error| panic!("{shown}: {error:?}"));
        assert_eq!(calls(&stack, "PutItem"), 3, "{shown}");
        assert_eq!(
            stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"),
            1,
            "sealed once: {shown}"
        );
    }
}

#[tokio::test]
async fn attempts_that_certainly_failed_end_in_the_sdks_retryable_error() {
    for fault in [throttled(3), Fault::Unavailable.on("PutItem").times(3)] {
        let stack = start().await;
        fail(&stack, fault);
        let table = retrying(&stack, NoWait::default());
        let put = table.put(&customer("c-1")).if_not_exists().send();
        let error = put.await.unwrap_err();
        assert!(matches!(error, OperationError::Sdk(_)), "{error:?}");
        assert!(error.is_retryable());
        assert_eq!(calls(&stack, "PutItem"), 3);
        assert!(stack.stored(US, &key("c-1")).await.is_none());
    }
}

#[tokio::test]
async fn attempts_that_leave_the_outcome_open_end_in_saying_so() {
    let denied = Fault::Status(400, "AccessDeniedException").on("PutItem");
    let rules = [
        vec![Fault::LostResponse.on("PutItem").times(3)],
        vec![Fault::LostResponse.on("PutItem").times(1), denied.times(1)],
        vec![Fault::LostResponse.on("PutItem").times(1), throttled(2)],
        vec![throttled(2), Fault::LostResponse.on("PutItem").times(1)],
    ];
    for rules in rules {
        let stack = start().await;
        let shown = format!("{rules:?}");
        for rule in rules {
            fail(&stack, rule);
        }
        let table = retrying(&stack, NoWait::default());
        let put = table.put(&customer("c-1")).if_not_exists().idempotent();
        let error = put.send().await.unwrap_err();
        assert!(
            matches!(error, OperationError::OutcomeUnknown(_)),
            "{shown}: {error:?}"
        );
        assert!(!error.is_retryable());
        assert!(error.item().is_none(), "nobody has looked");
        assert!(stack.stored(US, &key("c-1")).await.is_some());
    }
}

#[tokio::test]
async fn a_failed_condition_is_final_and_sent_once() {
    let stack = start().await;
    put_other(&stack).await;
    stack.cloud.reset_calls();
    let table = retrying(&stack, NoWait::default());
    let put = table.put(&customer("c-1")).if_not_exists().send();
    assert_condition_failed(&put.await.unwrap_err());
    assert_eq!(calls(&stack, "PutItem"), 1);
}

#[tokio::test]
async fn a_put_whose_answer_matters_is_not_sent_again() {
    let stack = start().await;
    put_other(&stack).await;
    stack.cloud.reset_calls();
    let table = retrying(&stack, NoWait::default());
    fail(&stack, throttled(1));
    lose_the_next(&stack, "PutItem");
    let put = table.put(&customer("c-1")).return_old().idempotent().send();
    assert_unknown(&put.await.unwrap_err());
    assert_eq!(
        calls(&stack, "PutItem"),
        2,
        "but after a certain failure it is"
    );
}

#[tokio::test]
async fn a_put_without_a_condition_is_left_to_the_sdks_retries() {
    let stack = start().await;
    let table = retrying(&stack, NoWait::default());
    lose_the_next(&stack, "PutItem");
    table.put(&customer("c-1")).send().await.unwrap();
    assert_eq!(calls(&stack, "PutItem"), 2);
}

#[tokio::test]
async fn the_same_bytes_are_sent_again() {
    let stack = start().await;
    let (witness, seen) = witness::<PutItemInput>();
    let config = stack.config(US).into_builder();
    let config = config
        .retry_config(aws_types::sdk_config::RetryConfig::standard())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            NoWait::default(),
        ))
        .build();
    let regions = meddled_regions(&config, witness);
    let table = SealedTable::<Customer>::builder(TABLE, stack.keyring(US), &regions);
    let table = table.build().unwrap();
    lose_the_next(&stack, "PutItem");
    delay_the_next(&stack, "PutItem");
    let put = table.put(&customer("c-1")).if_not_exists().send();
    put.await.unwrap();
    let sent = seen.lock().unwrap();
    assert_eq!(sent.len(), 3);
    assert!(sent.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Nobody is logged in.
#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        let error = CredentialsError::not_loaded("nobody is logged in");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(error))
    }
}

#[tokio::test]
async fn a_write_that_could_not_be_signed_was_not_sent() {
    let stack = start().await;
    let config = stack.config(US).into_builder();
    let config = config
        .credentials_provider(SharedCredentialsProvider::new(NoCredentials))
        .build();
    let regions = dynaseal::RegionSet::builder(&config).local(US);
    let regions = regions.build().unwrap();
    let table = SealedTable::<Customer>::builder(TABLE, stack.keyring(US), &regions);
    let table = table.build().unwrap();
    let put = table.put(&customer("c-1")).if_not_exists().send();
    let error = put.await.unwrap_err();
    assert!(matches!(error, OperationError::Sdk(_)), "{error:?}");
    assert_eq!(calls(&stack, "PutItem"), 0);
}

fn acme() -> dynaseal::expression::Condition {
    attribute("tenant").eq("acme")
}

#[tokio::test]
async fn a_deletion_with_a_lost_answer_cannot_be_recognised() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    lose_the_next(&stack, "DeleteItem");
    let delete = table.delete(("c-1", 7)).condition(acme()).send();
    let error = delete.await.unwrap_err();
    assert_unknown(&error);
    assert!(error.item().is_none(), "there is none");
    assert_eq!(calls(&stack, "DeleteItem"), 2);
}

#[tokio::test]
async fn an_idempotent_deletion_is_done_when_nothing_is_there() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    let delete = || table.delete(("c-1", 7)).condition(acme()).idempotent();
    lose_the_next(&stack, "DeleteItem");
    delete().send().await.unwrap();
    assert!(stack.stored(US, &key("c-1")).await.is_none());

    let error = delete().send().await.unwrap_err();
    assert_delete_condition_failed(&error);
    assert!(error.item().is_none(), "no answer was lost: it failed");
}

fn assert_delete_condition_failed(error: &OperationError<DeleteItemError>) {
    assert!(matches!(error, OperationError::Sdk(_)), "{error:?}");
    let sdk = error.sdk_error().unwrap().as_service_error().unwrap();
    assert!(sdk.is_conditional_check_failed_exception(), "{error:?}");
}

#[tokio::test]
async fn a_deletion_followed_by_another_writer_is_unknown_unless_idempotent() {
    for idempotent in [false, true] {
        let (stack, _) = start_with_customer().await;
        let meanwhile = NoWait::default();
        let table = retrying::<Customer>(&stack, meanwhile.clone());
        lose_the_next(&stack, "DeleteItem");
        meanwhile.then(put_other(&stack));
        let mut delete = table.delete(("c-1", 7)).condition(acme());
        if idempotent {
            delete = delete.idempotent();
        }
        let error = delete.send().await.unwrap_err();
        if idempotent {
            assert_delete_condition_failed(&error);
        } else {
            assert_unknown(&error);
        }
        assert_eq!(tenant_of(&error), Some("globex"));
        assert!(stack.stored(US, &key("c-1")).await.is_some());
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_matters_is_not_sent_again() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    lose_the_next(&stack, "DeleteItem");
    let delete = table.delete(("c-1", 7)).return_old().send();
    assert_unknown(&delete.await.unwrap_err());
    assert_eq!(calls(&stack, "DeleteItem"), 1);
}

#[tokio::test]
async fn a_deletion_without_a_condition_is_left_to_the_sdks_retries() {
    let (stack, _) = start_with_customer().await;
    let table = retrying::<Customer>(&stack, NoWait::default());
    lose_the_next(&stack, "DeleteItem");
    table.delete(("c-1", 7)).send().await.unwrap();
    assert_eq!(calls(&stack, "DeleteItem"), 2);
}
