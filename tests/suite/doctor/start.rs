//! Strict starts.

use std::error::Error as _;

use dynaseal::table::StartError;

use super::*;

async fn start_on(stack: &Stack) -> Result<SealedTable<Patient>, StartError> {
    let builder = SealedTable::builder(TABLE, keyring(stack), &regions(stack));
    builder.build_checked().await
}

async fn refusal(stack: &Stack) -> Box<Report> {
    let error = start_on(stack).await.unwrap_err();
    let line = error.to_string();
    assert!(
        line.starts_with("a region of the set has no usable replica: "),
        "{line}"
    );
    assert!(!line.contains('\n'));
    match error {
        StartError::Unhealthy(report) => report,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn starts_where_every_region_has_its_replicas() {
    let stack = start().await;
    // Not as it should be, and yet usable.
    stack
        .cloud
        .region(US)
        .set_table_encryption(TABLE, Some(stack.key.arn(US)));
    let table = start_on(&stack).await.unwrap();
    table.put(&patient("p-1")).send().await.unwrap();
}

#[tokio::test]
async fn refuses_to_start_without_a_replica_of_the_key() {
    let stack = start().await;
    stack.disable_key(EU, &stack.key).await;
    let report = refusal(&stack).await;
    assert_eq!(errors(&report), [("key-state", Some(EU))]);
    stack
        .cloud
        .kms(EU)
        .enable_key()
        .key_id(stack.key.id())
        .send()
        .await
        .unwrap();
    start_on(&stack).await.unwrap();

    stack
        .put_key_policy(EU, r#"{"Effect":"Deny","Action":"kms:Decrypt"}"#)
        .await;
    let report = refusal(&stack).await;
    assert_eq!(errors(&report)[0], ("decrypt", Some(EU)));
}

#[tokio::test]
async fn refuses_to_start_without_a_replica_of_the_table() {
    let stack = start().await;
    let delete = stack.cloud.dynamodb(EU).delete_table().table_name(TABLE);
    delete.send().await.unwrap();
    let report = refusal(&stack).await;
    assert_eq!(errors(&report)[0], ("table-exists", Some(EU)));
}

#[tokio::test]
async fn refuses_to_start_while_a_region_is_down() {
    let stack = start().await;
    stack
        .cloud
        .region(EU)
        .fail(Service::Kms, Fault::Unavailable);
    refusal(&stack).await;
    stack.cloud.region(EU).recover();
    start_on(&stack).await.unwrap();
}

#[tokio::test]
async fn asks_nobody_about_a_table_that_cannot_be_built() {
    let stack = start().await;
    let builder = SealedTable::<Patient>::builder("no", keyring(&stack), &regions(&stack));
    let error = builder.build_checked().await.unwrap_err();
    assert!(matches!(error, StartError::Config(_)));
    assert!(error.source().is_some());
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}
