//! Strongly consistent global tables, and writes that two regions make at once.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{Delete, Get, PutRequest, TransactGetItem, TransactWriteItem};
use aws_sdk_dynamodb::types::{Update, WriteRequest};
use dynaseal::testkit::{Fault, Service};

use super::*;

async fn strong_cloud() -> Cloud {
    let cloud = Cloud::start_strongly_consistent(REGIONS).await.unwrap();
    let table = TableDefinition::new(TABLE)
        .partition_key("id", KeyType::S)
        .sort_key("part", KeyType::N);
    cloud.create_global_table(&table).await.unwrap();
    cloud
}

#[tokio::test]
async fn shows_a_write_in_every_region_at_once() {
    let cloud = strong_cloud().await;
    assert_eq!(cloud.regions().collect::<Vec<_>>(), [AP, EU, US]);
    put(&cloud.dynamodb(US), "a", "1").await;
    assert_everywhere(&cloud, "a", Some("1")).await;
    put(&cloud.dynamodb(EU), "a", "2").await;
    let replicated = cloud.replicate().await;
    assert_eq!((replicated.changes(), replicated.failures().len()), (0, 0));
    assert_everywhere(&cloud, "a", Some("2")).await;
    delete(&cloud.dynamodb(AP), "a").await;
    assert_everywhere(&cloud, "a", None).await;
}

#[tokio::test]
async fn evaluates_conditions_against_writes_of_other_regions() {
    let cloud = strong_cloud().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    let eu = cloud.dynamodb(EU);
    let update = eu.update_item().table_name(TABLE).key("id", s("a"));
    let update = update.key("part", part());
    let update = update.update_expression("SET #v = :new");
    let update = update.condition_expression("#v = :old");
    let update = update.expression_attribute_names("#v", "value");
    let update = update.expression_attribute_values(":new", s("2"));
    let update = || {
        let update = update.clone();
        update.expression_attribute_values(":old", s("1")).send()
    };
    update().await.unwrap();
    let error = update().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception());
}

#[tokio::test]
async fn keeps_keys_per_region() {
    let cloud = Cloud::start_strongly_consistent(REGIONS).await.unwrap();
    let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let describe = |region: &'static str| {
        let kms = cloud.kms(region);
        kms.describe_key().key_id(key.arn(region)).send()
    };
    assert!(describe(EU).await.is_ok());
    assert!(describe(AP).await.is_err());
}

#[tokio::test]
async fn refuses_transactions() {
    let cloud = strong_cloud().await;
    let us = cloud.dynamodb(US);
    put(&us, "a", "1").await;
    let delete = Delete::builder().table_name(TABLE);
    let delete = delete.key("id", s("a")).key("part", part()).build();
    let write = TransactWriteItem::builder().delete(delete.unwrap()).build();
    let write = us.transact_write_items().transact_items(write);
    let error = write.send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));

    let get_it = Get::builder().table_name(TABLE);
    let get_it = get_it.key("id", s("a")).key("part", part()).build();
    let read = TransactGetItem::builder().get(get_it.unwrap()).build();
    let read = us.transact_get_items().transact_items(read);
    let error = read.send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));

    assert_eq!(get(&us, "a").await.as_deref(), Some("1"));
    assert_eq!(
        cloud.calls_of(US, Service::DynamoDb, "TransactWriteItems"),
        1
    );
}

#[tokio::test]
async fn makes_writes_meet_those_of_another_region() {
    let cloud = strong_cloud().await;
    let us = Client::new(&without_retries(&cloud, US).build());
    put(&us, "a", "1").await;
    let conflict = Fault::ReplicatedWriteConflict;
    cloud.region(US).fail(Service::DynamoDb, conflict);

    let write = us.put_item().table_name(TABLE).item("id", s("a"));
    let write = write.item("part", part()).item("value", s("2"));
    let error = write.send().await.unwrap_err().into_service_error();
    assert!(error.is_replicated_write_conflict_exception(), "{error:?}");

    let update = us.update_item().table_name(TABLE).key("id", s("a"));
    let error = update.key("part", part()).send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_replicated_write_conflict_exception(), "{error:?}");

    let delete = us.delete_item().table_name(TABLE).key("id", s("a"));
    let error = delete.key("part", part()).send().await.unwrap_err();
    let error = error.into_service_error();
    assert!(error.is_replicated_write_conflict_exception(), "{error:?}");

    let batch = PutRequest::builder()
        .item("id", s("a"))
        .item("part", part());
    let batch = WriteRequest::builder().put_request(batch.build().unwrap());
    let batch = us
        .batch_write_item()
        .request_items(TABLE, vec![batch.build()]);
    let error = batch.send().await.unwrap_err().into_service_error();
    assert!(error.is_replicated_write_conflict_exception(), "{error:?}");

    // Reads are not struck, and nothing was written.
    assert_eq!(get(&us, "a").await.as_deref(), Some("1"));
    cloud.region(US).recover();
    put(&us, "a", "2").await;
}

#[tokio::test]
async fn lets_operations_pass_that_cannot_conflict() {
    let cloud = cloud_with_table().await;
    let us = Client::new(&without_retries(&cloud, US).build());
    let conflict = Fault::ReplicatedWriteConflict.times(1);
    cloud.region(US).fail(Service::DynamoDb, conflict);
    let update = Update::builder().table_name(TABLE).key("id", s("a"));
    let update = update.key("part", part()).update_expression("SET #v = :v");
    let update = update.expression_attribute_names("#v", "value");
    let update = update.expression_attribute_values(":v", s("1"));
    let write = TransactWriteItem::builder().update(update.build().unwrap());
    let write = us.transact_write_items().transact_items(write.build());
    write.send().await.unwrap();
    assert_eq!(get(&us, "a").await.as_deref(), Some("1"));
    let delete = us.delete_item().table_name(TABLE).key("id", s("a"));
    let delete = delete.key("part", part());
    assert!(delete.clone().send().await.is_err());
    assert!(delete.send().await.is_ok(), "the one time is spent");
}
