//! Transactions that the kit cancels.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use dynaseal::testkit::{Fault, Service};

use super::*;

fn operation(id: &str) -> TransactWriteItem {
    let delete = Delete::builder().table_name(TABLE);
    let delete = delete.key("id", s(id)).key("part", part());
    let item = TransactWriteItem::builder();
    item.delete(delete.build().unwrap()).build()
}

#[tokio::test]
async fn a_conflict_has_a_reason_for_each_operation_and_changes_nothing() {
    let cloud = cloud_with_table().await;
    let client = Client::new(&without_retries(&cloud, US).build());
    put(&client, "a", "v").await;
    let conflict = Fault::TransactionConflict.on("TransactWriteItems").times(1);
    cloud.region(US).fail(Service::DynamoDb, conflict);
    let send = || {
        let write = client.transact_write_items();
        let write = write.transact_items(operation("a"));
        write.transact_items(operation("b")).send()
    };
    let error = send().await.unwrap_err().into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}")
    };
    let reasons = cancelled.cancellation_reasons().iter();
    let codes: Vec<_> = reasons.map(|reason| reason.code()).collect();
    assert_eq!(codes, [Some("TransactionConflict"), Some("None")]);
    assert!(get(&client, "a").await.is_some(), "nothing was deleted");
    send().await.expect("no other request is at work");
    assert!(get(&client, "a").await.is_none());
}
