//! Faults strike where they are told to, and nowhere else.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use dynaseal::testkit::{Fault, Service};

use super::*;

fn dynamodb(config: Builder) -> Client {
    Client::new(&config.build())
}

fn kms(config: Builder) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::new(&config.build())
}

#[tokio::test]
async fn makes_one_service_of_one_region_unavailable() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::Kms, Fault::Unavailable);
    let error = kms(without_retries(&cloud, US))
        .list_keys()
        .send()
        .await
        .unwrap_err();
    let SdkError::DispatchFailure(failure) = error else {
        panic!("{error:?}")
    };
    assert!(failure.is_io());
    assert!(cloud.kms(EU).list_keys().send().await.is_ok());
    assert!(cloud.dynamodb(US).list_tables().send().await.is_ok());
}

#[tokio::test]
async fn strikes_until_the_region_recovers() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::Kms, Fault::Unavailable);
    cloud.region(EU).fail(Service::Kms, Fault::Unavailable);
    let (us, eu) = (
        kms(without_retries(&cloud, US)),
        kms(without_retries(&cloud, EU)),
    );
    for _ in 0..5 {
        assert!(us.list_keys().send().await.is_err());
    }
    cloud.region(US).recover();
    assert!(us.list_keys().send().await.is_ok());
    assert!(eu.list_keys().send().await.is_err());
}

#[tokio::test]
async fn strikes_as_often_as_it_is_told_to() {
    let cloud = cloud_with_table().await;
    cloud
        .region(US)
        .fail_times(Service::Kms, Fault::Unavailable, 2);
    let us = kms(without_retries(&cloud, US));
    assert!(us.list_keys().send().await.is_err());
    assert!(us.list_keys().send().await.is_err());
    assert!(us.list_keys().send().await.is_ok());
}

#[tokio::test]
async fn strikes_one_operation_alone() {
    let cloud = cloud_with_table().await;
    cloud
        .region(US)
        .fail(Service::Kms, Fault::Unavailable.on("ListAliases").times(1));
    let us = kms(without_retries(&cloud, US));
    assert!(us.list_keys().send().await.is_ok());
    assert!(us.list_aliases().send().await.is_err());
    assert!(us.list_aliases().send().await.is_ok());
}

#[tokio::test]
async fn strikes_with_the_oldest_rule_that_is_not_spent() {
    let cloud = cloud_with_table().await;
    let us = cloud.region(US);
    us.fail(Service::Kms, Fault::Status(400, "First").times(1));
    us.fail(Service::Kms, Fault::Status(400, "Second"));
    let client = kms(without_retries(&cloud, US));
    for expected in ["First", "Second", "Second"] {
        let error = client.list_keys().send().await.unwrap_err();
        assert_eq!(error.code(), Some(expected));
    }
}

#[tokio::test]
async fn answers_an_error_of_aws_that_the_sdk_understands() {
    let cloud = cloud_with_table().await;
    let fault = Fault::Status(400, "ProvisionedThroughputExceededException");
    cloud
        .region(US)
        .fail(Service::DynamoDb, fault.on("GetItem"));
    let us = dynamodb(without_retries(&cloud, US));
    let error = us
        .get_item()
        .table_name(TABLE)
        .key("id", s("a"))
        .key("part", part())
        .send()
        .await;
    let error = error.unwrap_err().into_service_error();
    assert!(error.is_provisioned_throughput_exceeded_exception());
}

#[tokio::test]
async fn is_overcome_by_the_retries_of_the_sdk() {
    let cloud = cloud_with_table().await;
    let us = cloud.region(US);
    us.fail(
        Service::Kms,
        Fault::Status(400, "ThrottlingException")
            .on("CreateKey")
            .times(1),
    );
    us.fail(
        Service::Kms,
        Fault::Status(503, "ServiceUnavailable")
            .on("CreateKey")
            .times(1),
    );
    let (config, sleep) = on_virtual_time(&cloud, US);
    kms(config).create_key().send().await.unwrap();
    assert_eq!(cloud.calls_of(US, Service::Kms, "CreateKey"), 3);
    assert_eq!(sleep.logs().len(), 2);
}

#[tokio::test]
async fn loses_the_response_of_what_took_effect() {
    let cloud = cloud_with_table().await;
    cloud
        .region(US)
        .fail_times(Service::DynamoDb, Fault::LostResponse, 1);
    let (config, _) = on_virtual_time(&cloud, US);
    let us = dynamodb(config);
    let put = us
        .put_item()
        .table_name(TABLE)
        .item("id", s("a"))
        .item("part", part());
    let put = put
        .item("value", s("1"))
        .condition_expression("attribute_not_exists(id)");
    // The SDK repeats it and meets the item that the first attempt wrote.
    let error = put.send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception());
    assert_eq!(get(&us, "a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn hangs_until_the_timeout_of_the_sdk_and_does_nothing() {
    let cloud = cloud_with_table().await;
    cloud
        .region(US)
        .fail_times(Service::DynamoDb, Fault::Hang, 1);
    let (config, _) = on_virtual_time(&cloud, US);
    let timeout = TimeoutConfig::builder()
        .operation_timeout(Duration::from_secs(5))
        .build();
    let us = dynamodb(config.timeout_config(timeout));
    let put = us
        .put_item()
        .table_name(TABLE)
        .item("id", s("a"))
        .item("part", part());
    let error = put.send().await.unwrap_err();
    assert!(matches!(error, SdkError::TimeoutError(_)), "{error:?}");
    assert_eq!(get(&cloud.dynamodb(US), "a").await, None);
}

#[tokio::test]
async fn hangs_until_the_read_timeout_of_the_client() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::DynamoDb, Fault::Hang);
    let (config, sleep) = on_virtual_time(&cloud, US);
    let timeout = Duration::from_secs(7);
    let config = config.timeout_config(TimeoutConfig::builder().read_timeout(timeout).build());
    let us = dynamodb(config.retry_config(RetryConfig::disabled()));
    let SdkError::DispatchFailure(failure) = us.list_tables().send().await.unwrap_err() else {
        panic!("not a failure of the HTTP client")
    };
    assert!(failure.is_timeout());
    assert_eq!(*sleep.logs(), [timeout]);
}

#[tokio::test]
async fn times_out_in_the_http_client_and_does_nothing() {
    let cloud = cloud_with_table().await;
    let hour = Duration::from_secs(3600);
    cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Timeout(hour).on("PutItem"));
    let (config, sleep) = on_virtual_time(&cloud, US);
    let us = dynamodb(config.retry_config(RetryConfig::disabled()));
    let put = us
        .put_item()
        .table_name(TABLE)
        .item("id", s("a"))
        .item("part", part());
    let SdkError::DispatchFailure(failure) = put.send().await.unwrap_err() else {
        panic!()
    };
    assert!(failure.is_timeout());
    assert_eq!(*sleep.logs(), [hour]);
    assert_eq!(get(&us, "a").await, None);
}

#[tokio::test]
async fn delays_a_call_and_lets_it_through() {
    let cloud = cloud_with_table().await;
    let hour = Duration::from_secs(3600);
    cloud
        .region(US)
        .fail_times(Service::DynamoDb, Fault::Latency(hour), 1);
    let (config, sleep) = on_virtual_time(&cloud, US);
    put(&dynamodb(config), "a", "1").await;
    assert_eq!(*sleep.logs(), [hour]);
    assert_eq!(get(&cloud.dynamodb(US), "a").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn reports_a_status_that_http_does_not_have() {
    let cloud = cloud_with_table().await;
    cloud.region(US).fail(Service::Kms, Fault::Status(7, "Odd"));
    let error = kms(without_retries(&cloud, US))
        .list_keys()
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)));
}

#[tokio::test]
async fn hands_back_the_last_requests_of_a_batch_and_does_the_others() {
    use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};

    let cloud = cloud_with_table().await;
    let us = dynamodb(without_retries(&cloud, US));
    cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(2));
    let key = |id: &str| [("id".to_owned(), s(id)), ("part".to_owned(), part())].into();
    let put = |id: &str| {
        let put = PutRequest::builder()
            .set_item(Some(key(id)))
            .build()
            .unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let write = us
        .batch_write_item()
        .request_items(TABLE, ["a", "b", "c"].map(put).into());
    let unprocessed = write.send().await.unwrap().unprocessed_items.unwrap();
    assert_eq!(unprocessed[TABLE], ["b", "c"].map(put));
    cloud.region(US).recover();
    put_all(&us, &["b", "c"]).await;

    cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(2));
    let get = |ids: &[&str]| {
        let keys = ids.iter().map(|id| key(id)).collect();
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true);
        us.batch_get_item()
            .request_items(TABLE, keys.build().unwrap())
            .send()
    };
    let answer = get(&["c", "b", "a"]).await.unwrap();
    assert_eq!(answer.responses.unwrap()[TABLE].len(), 1);
    let unprocessed = &answer.unprocessed_keys.unwrap()[TABLE];
    assert_eq!(unprocessed.keys(), ["b", "a"].map(key));
    assert_eq!(unprocessed.consistent_read(), Some(true));
    let answer = get(&["c"]).await.unwrap();
    assert!(answer.responses.is_none_or(|tables| tables.is_empty()));
    assert_eq!(
        answer.unprocessed_keys.unwrap()[TABLE].keys(),
        ["c"].map(key)
    );
    put_all(&us, &["d"]).await;
}

/// Single writes, which no batch fault strikes.
async fn put_all(client: &Client, ids: &[&str]) {
    for id in ids {
        put(client, id, "v").await;
    }
}
