//! Attempts are counted where they were made.

use dynaseal::testkit::{AttemptRecord, Fault, Service};
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

/// Region, service and operation of each.
fn show<'a>(attempts: &'a [AttemptRecord]) -> Vec<(Option<&'a str>, Option<Service>, &'a str)> {
    let show = |attempt: &'a AttemptRecord| {
        let (region, service) = (attempt.region(), attempt.service());
        (region, service, attempt.operation())
    };
    attempts.iter().map(show).collect()
}

#[tokio::test]
async fn records_every_attempt_in_order() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    cloud
        .region(EU)
        .fail_times(Service::Kms, Fault::Unavailable, 1);
    let eu = aws_sdk_kms::Client::new(&without_retries(&cloud, EU).build());
    assert!(eu.list_keys().send().await.is_err());
    get(&cloud.dynamodb(EU), "a").await;
    let attempts = cloud.attempts();
    let expected = [
        (Some(US), Some(Service::DynamoDb), "PutItem"),
        (Some(EU), Some(Service::Kms), "ListKeys"),
        (Some(EU), Some(Service::DynamoDb), "GetItem"),
    ];
    assert_eq!(show(&attempts), expected);
    let hosts = attempts.iter().map(AttemptRecord::host);
    let hosts: Vec<_> = hosts.collect();
    assert_eq!(hosts[1], "kms.eu-west-1.amazonaws.com");
    let numbers = attempts.iter().map(AttemptRecord::number);
    assert_eq!(numbers.collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn records_attempts_at_hosts_outside_of_the_cloud() {
    let cloud = cloud_with_table().await;
    let elsewhere = without_retries(&cloud, "eu-central-1").build();
    let local = without_retries(&cloud, US).endpoint_url("http://localhost:8000");
    for config in [elsewhere, local.build()] {
        let kms = aws_sdk_kms::Client::new(&config);
        assert!(kms.list_keys().send().await.is_err());
    }
    let attempts = cloud.attempts();
    assert_eq!(show(&attempts), [(None, None, "ListKeys"); 2]);
    assert_eq!(attempts[0].host(), "kms.eu-central-1.amazonaws.com");
    assert_eq!(attempts[1].host(), "localhost");
}

#[tokio::test]
async fn tells_what_was_attempted_between_two_points() {
    let cloud = cloud_with_table().await;
    let us = cloud.dynamodb(US);
    put(&us, "a", "1").await;
    assert_eq!(cloud.take_attempts().len(), 1);
    get(&us, "a").await;
    let between = cloud.take_attempts();
    assert_eq!(
        show(&between),
        [(Some(US), Some(Service::DynamoDb), "GetItem")]
    );
    assert!(cloud.attempts().is_empty());
    assert_eq!(cloud.calls(US, Service::DynamoDb), 2, "counts stay");

    get(&us, "a").await;
    cloud.reset_calls();
    assert!(cloud.attempts().is_empty());
    get(&us, "a").await;
    assert_eq!(cloud.attempts()[0].number(), 3);
}
