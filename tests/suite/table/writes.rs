//! Conditional writes: conflicts, lost responses, versions.

use std::time::SystemTime;

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_smithy_async::test_util::instant_time_and_sleep;
use dynaseal::testkit::{Fault, Service};
use dynaseal::{KmsMrkKeyring, RegionSet, SealedTable};

use super::*;

/// A model with a counter.
#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Account {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    owner: Redacted<String>,
    #[seal(version)]
    version: u64,
}

fn account(version: u64) -> Account {
    Account {
        customer_id: "c-1".to_owned(),
        record: 7,
        owner: "Ada".to_owned().into(),
        version,
    }
}

/// A table whose SDK retries, and waits for nothing.
fn retrying<T: dynaseal::item::Model>(stack: &Stack) -> SealedTable<T> {
    let (time, sleep) = instant_time_and_sleep(SystemTime::UNIX_EPOCH);
    let config = stack.cloud.sdk_config(US).into_builder();
    let config = config
        .time_source(time)
        .sleep_impl(sleep)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let regions = RegionSet::builder(&config.build())
        .local(US)
        .build()
        .unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    SealedTable::builder(TABLE, keyring, &regions)
        .build()
        .unwrap()
}

fn lose_the_next_response(stack: &Stack) {
    let lost = Fault::LostResponse.on("PutItem").times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, lost);
}

fn puts(stack: &Stack) -> usize {
    stack.cloud.calls_of(US, Service::DynamoDb, "PutItem")
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
    lose_the_next_response(&stack);
    let put = retrying(&stack)
        .put(&customer("c-1"))
        .if_not_exists()
        .send();
    put.await.expect("our own item is in the way");
    assert_eq!(puts(&stack), 2, "the SDK tried again");
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn does_not_take_an_equal_item_of_somebody_else_for_its_own() {
    let stack = start().await;
    stack.table(US).put(&customer("c-1")).send().await.unwrap();
    lose_the_next_response(&stack);
    let put = retrying(&stack)
        .put(&customer("c-1"))
        .if_not_exists()
        .send();
    assert_conflict(&put.await.unwrap_err());
    assert_eq!(puts(&stack), 3);
}

#[tokio::test]
async fn does_not_take_an_unsealed_item_for_its_own() {
    let stack = start().await;
    stack.store(US, &key("c-1")).await;
    let put = stack.table(US).put(&customer("c-1")).if_not_exists().send();
    assert_conflict(&put.await.unwrap_err());
}

#[tokio::test]
async fn a_lost_response_without_retries_is_the_sdks_retryable_error() {
    let stack = start().await;
    lose_the_next_response(&stack);
    let put = stack.table(US).put(&customer("c-1")).if_not_exists().send();
    let error = put.await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
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
    lose_the_next_response(&stack);
    let output = retrying(&stack).put(&account(1)).send().await.unwrap();
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
    assert_eq!(puts(&stack), 0);
}
