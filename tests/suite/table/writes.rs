//! Conditional writes: conflicts, lost responses, versions.

use aws_sdk_dynamodb::operation::put_item::PutItemError;

use super::meanwhile::{NoWait, calls, lose_the_next, retrying};
use super::*;

/// A model with a counter.
#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    #[seal(partition_key)]
    pub(super) customer_id: String,
    #[seal(sort_key)]
    pub(super) record: u64,
    pub(super) owner: Redacted<String>,
    #[seal(version, start = "one")]
    pub(super) version: u64,
}

pub(super) fn account(version: u64) -> Account {
    Account {
        customer_id: "c-1".to_owned(),
        record: 7,
        owner: "Ada".to_owned().into(),
        version,
    }
}

/// The footer that is stored, which every write changes.
async fn footer(stack: &Stack) -> aws_sdk_dynamodb::types::AttributeValue {
    stack.stored(US, &key("c-1")).await.unwrap()["aws_dbe_foot"].clone()
}

fn assert_conflict(error: &OperationError<PutItemError>) {
    let sdk = error.sdk_error().expect("the SDK's error");
    let conflict = sdk.as_service_error().expect("the service's error");
    assert!(
        conflict.is_conditional_check_failed_exception(),
        "{error:?}"
    );
    assert_eq!(error.region(), Some(US));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn writes_only_where_nothing_is_and_keeps_the_typed_conflict() {
    let stack = start().await;
    let table = stack.table(US);
    table
        .put(&customer("c-1"))
        .if_not_exists()
        .send()
        .await
        .unwrap();
    let before = footer(&stack).await;
    let put = table.put(&customer("c-1")).if_not_exists().send();
    let error = put.await.unwrap_err();
    assert_conflict(&error);
    assert!(error.into_sdk_error().is_ok());
    assert_eq!(footer(&stack).await, before);
    table.put(&customer("c-1")).send().await.expect("replaces");
    assert_ne!(footer(&stack).await, before);
}

#[tokio::test]
async fn recognises_its_own_write_after_a_lost_response() {
    let stack = start().await;
    lose_the_next(&stack, "PutItem");
    let put = retrying(&stack, NoWait::default())
        .put(&customer("c-1"))
        .if_not_exists()
        .send();
    put.await.expect("our own item is in the way");
    assert_eq!(calls(&stack, "PutItem"), 2, "it was sent again");
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn does_not_take_an_equal_item_of_somebody_else_for_its_own() {
    let stack = start().await;
    stack.table(US).put(&customer("c-1")).send().await.unwrap();
    let before = footer(&stack).await;
    lose_the_next(&stack, "PutItem");
    let put = retrying(&stack, NoWait::default())
        .put(&customer("c-1"))
        .if_not_exists()
        .send();
    let error = put.await.unwrap_err();
    // Lost was a failed condition, but nobody can know that.
    assert!(
        matches!(error, OperationError::OutcomeUnknown(_)),
        "{error:?}"
    );
    assert_eq!(calls(&stack, "PutItem"), 3);
    assert_eq!(footer(&stack).await, before);
}

#[tokio::test]
async fn does_not_take_an_unsealed_item_for_its_own() {
    let stack = start().await;
    stack.store(US, &key("c-1")).await;
    let put = stack.table(US).put(&customer("c-1")).if_not_exists().send();
    assert_conflict(&put.await.unwrap_err());
}

#[tokio::test]
async fn a_lost_response_without_retries_leaves_the_outcome_unknown() {
    let stack = start().await;
    lose_the_next(&stack, "PutItem");
    let put = stack.table(US).put(&customer("c-1")).if_not_exists().send();
    let error = put.await.unwrap_err();
    assert!(
        matches!(error, OperationError::OutcomeUnknown(_)),
        "{error:?}"
    );
    assert!(!error.is_retryable(), "the same call could not tell either");
    assert!(error.sdk_error().is_some(), "what was lost is there");
    assert_eq!(error.region(), Some(US));
    assert!(
        stack.stored(US, &key("c-1")).await.is_some(),
        "it was written all the same"
    );
}

#[tokio::test]
async fn counts_versions_and_refuses_stale_ones() {
    let stack = start().await;
    let table = stack.table(US);
    let first = table.put(&account(0)).send().await.unwrap().version();
    assert_eq!(first, Some(1));
    let second = table.put(&account(1)).send().await.unwrap().version();
    assert_eq!(second, Some(2));
    assert_conflict(&table.put(&account(1)).send().await.unwrap_err());
    assert_conflict(&table.put(&account(3)).send().await.unwrap_err());
    assert_conflict(&table.put(&account(0)).send().await.unwrap_err());
    let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
    assert_eq!(found.version, 2);
    assert_eq!(
        stack.stored(US, &key("c-1")).await.unwrap()["version"],
        n("2")
    );
}

#[tokio::test]
async fn a_model_without_version_answers_none() {
    let stack = start().await;
    let output = stack.table(US).put(&customer("c-1")).send().await.unwrap();
    assert_eq!(output.version(), None);
}

#[tokio::test]
async fn a_versioned_write_with_a_lost_response_is_recognised() {
    let stack = start().await;
    stack.table(US).put(&account(0)).send().await.unwrap();
    lose_the_next(&stack, "PutItem");
    let output = retrying(&stack, NoWait::default())
        .put(&account(1))
        .send()
        .await
        .unwrap();
    assert_eq!(output.version(), Some(2));
    let found = stack.table::<Account>(US).get(("c-1", 7)).send().await;
    assert_eq!(found.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn a_version_that_an_administrator_changed_is_refused() {
    let stack = start().await;
    let table = stack.table::<Account>(US);
    table.put(&account(0)).send().await.unwrap();
    let mut stored = stack.stored(US, &key("c-1")).await.unwrap();
    stored.insert("version".to_owned(), n("9"));
    stack.store(US, &stored).await;
    let error = table.get(("c-1", 7)).send().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Open(OpenError::Authentication(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_version_that_cannot_be_advanced_is_an_error_before_anything_is_sent() {
    let stack = start().await;
    let put = stack.table(US).put(&account(u64::MAX)).send();
    let error = put.await.unwrap_err();
    let OperationError::Seal(dynaseal::SealError::Attribute(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.name(), "version");
    assert_eq!(error.issue(), dynaseal::error::AttributeIssue::NotAVersion);
    assert_eq!(calls(&stack, "PutItem"), 0);
}
