//! Attempts are counted where they were made.

use dynaseal::testkit::{Fault, Service};
use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn counts_attempts_by_region_service_and_operation() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    get(&cloud.dynamodb(US), "a").await;
    get(&cloud.dynamodb(US), "b").await;
    cloud.kms(US).list_keys().send().await.unwrap();
    assert_eq!(cloud.calls(US, Service::DynamoDb), 3);
    assert_eq!(cloud.calls_of(US, Service::DynamoDb, "GetItem"), 2);
    assert_eq!(cloud.calls_of(US, Service::DynamoDb, "DeleteItem"), 0);
    assert_eq!(cloud.calls(US, Service::Kms), 1);
    assert_eq!(cloud.calls(EU, Service::DynamoDb), 0);
    cloud.reset_calls();
    assert_eq!(cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn counts_attempts_that_a_fault_struck() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::Kms, Fault::Unavailable);
    let (config, _) = on_virtual_time(&cloud, US);
    let us = aws_sdk_kms::Client::new(&config.build());
    assert!(us.list_keys().send().await.is_err());
    assert_eq!(cloud.calls(US, Service::Kms), 3);
}

#[tokio::test]
async fn does_not_count_what_the_kit_does_itself() {
    let cloud = cloud_with_table().await;
    cloud.create_multi_region_key(US, [EU]).await.unwrap();
    cloud.replicate().await;
    for region in REGIONS {
        assert_eq!(cloud.calls(region, Service::DynamoDb), 0);
        assert_eq!(cloud.calls(region, Service::Kms), 0);
    }
}

#[tokio::test]
async fn knows_how_many_attempts_waited_at_once() {
    let cloud = cloud_with_table().await;
    let us = cloud.dynamodb(US);
    for id in ["a", "b", "c"] {
        get(&us, id).await;
    }
    assert_eq!(cloud.max_in_flight(US, Service::DynamoDb), 1);
    join_all(["a", "b", "c"].map(|id| get(&us, id))).await;
    assert_eq!(cloud.max_in_flight(US, Service::DynamoDb), 3);
    cloud.reset_calls();
    assert_eq!(cloud.max_in_flight(US, Service::DynamoDb), 0);
}
