//! What it finds of the headers of stored items, if it is told to look at some.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::error::FaultClass;

use super::*;
use crate::support::stack::{item, s};

async fn put_some(table: &SealedTable<Patient>, ids: &[&str]) {
    for id in ids {
        table.put(&patient(id)).send().await.unwrap();
    }
}

#[tokio::test]
async fn reads_as_many_headers_as_it_is_told_to_and_none_by_default() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    put_some(&table, &["p-1", "p-2", "p-3"]).await;
    let scans = || stack.cloud.calls_of(US, Service::DynamoDb, "Scan");
    let report = table.doctor().run().await;
    assert_eq!((scans(), all(&report, "stored-items", US).len()), (0, 0));
    let report = table.doctor().sample_items(2).run().await;
    assert_eq!(scans(), 1);
    assert_eq!(stack.cloud.calls_of(EU, Service::DynamoDb, "Scan"), 0);
    let found = one(&report, "stored-items", US);
    assert_eq!(found.severity(), Severity::Info);
    let counted = "of 2 items read, 0 are not sealed and 0 have no readable header";
    assert!(found.message().starts_with(counted), "{}", found.message());
    assert!(
        found.message().ends_with("aws-kms 2"),
        "{}",
        found.message()
    );
    assert!(all(&report, "stored-foreign-keys", US).is_empty());
    assert!(all(&report, "stored-table-keys", US).is_empty());
    let all_items = table.doctor().sample_items(u16::MAX).run().await;
    let message = one(&all_items, "stored-items", US).message();
    assert!(message.starts_with("of 3 items read"), "{message}");
}

#[tokio::test]
async fn finds_items_that_no_keyring_here_opens() {
    let stack = start().await;
    put_some(&table(&stack), &["p-1", "p-2"]).await;
    let other = stack.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let keyring = KmsMrkKeyring::new(other.arn(US), &regions(&stack)).unwrap();
    let elsewhere = table_with::<Patient>(&stack, keyring);
    put_some(&elsewhere, &["p-2"]).await;
    let report = table::<Patient>(&stack)
        .doctor()
        .sample_items(9)
        .run()
        .await;
    let found = one(&report, "stored-foreign-keys", US);
    assert_eq!(found.severity(), Severity::Warning);
    assert!(
        found.message().starts_with("1 items are"),
        "{}",
        found.message()
    );
    assert!(report.is_healthy());
}

#[tokio::test]
async fn counts_what_is_not_sealed_and_what_is_broken() {
    let stack = start().await;
    let broken = AttributeValue::B(Blob::new([7; 9]));
    stack.store(US, &item([("id", s("p-1"))])).await;
    stack
        .store(US, &item([("id", s("p-2")), ("aws_dbe_head", broken)]))
        .await;
    let report = table::<Patient>(&stack)
        .doctor()
        .sample_items(9)
        .run()
        .await;
    let found = one(&report, "stored-items", US);
    assert_eq!(found.severity(), Severity::Warning);
    let counted = "of 2 items read, 1 are not sealed and 1 have no readable header";
    assert!(found.message().starts_with(counted), "{}", found.message());
}

#[tokio::test]
async fn says_that_nothing_was_read_where_scanning_is_denied() {
    let stack = start().await;
    let denied = Fault::Status(400, "AccessDeniedException").on("Scan");
    stack.cloud.region(US).fail(Service::DynamoDb, denied);
    let report = table::<Patient>(&stack)
        .doctor()
        .sample_items(9)
        .run()
        .await;
    let found = one(&report, "stored-items", US);
    let expected = (Severity::Warning, Some(FaultClass::Denied));
    assert_eq!((found.severity(), found.fault()), expected);
    assert!(report.is_healthy());
}
