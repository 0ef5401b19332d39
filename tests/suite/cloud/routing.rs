//! Requests go where their host says, and never out of the process.

use std::error::Error;

use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_kms::config::SharedCredentialsProvider;
use dynaseal::testkit::Service;

use super::*;

#[tokio::test]
async fn routes_clients_of_all_regions_through_one_configuration() {
    let cloud = cloud_with_table().await;
    let config = cloud.sdk_config(US);
    assert_eq!(config.endpoint_url(), None);
    for region in REGIONS {
        let config = config.to_builder().region(Region::new(region)).build();
        put(&Client::new(&config), "a", region).await;
        assert_eq!(cloud.calls(region, Service::DynamoDb), 1);
        assert_eq!(
            get(&cloud.dynamodb(region), "a").await.as_deref(),
            Some(region)
        );
    }
}

#[tokio::test]
async fn routes_the_dynamodb_host_of_an_account() {
    let cloud = cloud_with_table().await;
    let credentials = Credentials::builder()
        .access_key_id("AKIAIOSFODNN7EXAMPLE")
        .secret_access_key("secret")
        .account_id("111122223333")
        .provider_name("test")
        .build();
    let provider = SharedCredentialsProvider::new(credentials);
    let config = cloud
        .sdk_config(EU)
        .into_builder()
        .credentials_provider(provider)
        .build();
    put(&Client::new(&config), "a", "1").await;
    assert_eq!(cloud.calls(EU, Service::DynamoDb), 1);
}

#[tokio::test]
async fn refuses_hosts_that_no_region_answers_for_and_names_them() {
    let cloud = cloud_with_table().await;
    let elsewhere = without_retries(&cloud, "eu-central-1").build();
    let endpoint = without_retries(&cloud, US)
        .endpoint_url("http://localhost:8000")
        .build();
    let fips = without_retries(&cloud, US).use_fips(true).build();
    for (config, host) in [
        (elsewhere, "kms.eu-central-1.amazonaws.com"),
        (endpoint, "localhost"),
        (fips, "kms-fips.us-east-1.amazonaws.com"),
    ] {
        let error = aws_sdk_kms::Client::new(&config)
            .list_keys()
            .send()
            .await
            .unwrap_err();
        let SdkError::DispatchFailure(failure) = &error else {
            panic!("{error:?}")
        };
        let cause = failure
            .as_connector_error()
            .and_then(Error::source)
            .unwrap();
        assert_eq!(
            cause.to_string(),
            format!("the test kit serves no host `{host}`")
        );
    }
}

#[tokio::test]
async fn names_the_regions_and_the_replicas_of_a_key() {
    let cloud = Cloud::start([US, EU, AP, US]).await.unwrap();
    assert_eq!(cloud.regions().collect::<Vec<_>>(), [AP, EU, US]);
    let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
    assert_eq!(key.primary_region(), US);
    assert_eq!(key.replica_regions().collect::<Vec<_>>(), [EU]);
    assert!(
        cloud
            .create_multi_region_key(US, ["nowhere"])
            .await
            .is_err()
    );
    assert!(cloud.create_multi_region_key(US, [US]).await.is_err());
    assert!(Cloud::start([""; 0]).await.is_err());
}
