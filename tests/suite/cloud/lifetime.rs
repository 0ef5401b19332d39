//! Clouds come and go.

use aws_sdk_dynamodb::error::SdkError;

use super::*;

#[tokio::test]
async fn refuses_clients_that_outlive_it() {
    let cloud = cloud_with_table().await;
    let config = without_retries(&cloud, US).build();
    let (dynamodb, kms) = (Client::new(&config), aws_sdk_kms::Client::new(&config));
    kms.list_keys().send().await.unwrap();
    drop(cloud);
    let error = dynamodb.list_tables().send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    let error = kms.list_keys().send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
}

#[tokio::test]
async fn keeps_clouds_apart() {
    let (one, other) = (cloud_with_table().await, cloud_with_table().await);
    put(&one.dynamodb(US), "a", "1").await;
    assert_eq!(get(&other.dynamodb(US), "a").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn works_on_a_multi_thread_runtime() {
    let cloud = cloud_with_table().await;
    let us = cloud.dynamodb(US);
    let writes: Vec<_> = (0..20)
        .map(|i| {
            let us = us.clone();
            tokio::spawn(async move { put(&us, &i.to_string(), "1").await })
        })
        .collect();
    for write in writes {
        write.await.unwrap();
    }
    assert_eq!(cloud.replicate().await.changes(), 20);
}

#[tokio::test]
async fn shows_its_regions_and_no_more_in_debug_output() {
    let cloud = Cloud::start([US]).await.unwrap();
    assert_eq!(
        format!("{cloud:?}"),
        r#"Cloud { regions: ["us-east-1"], .. }"#
    );
    assert_eq!(
        format!("{:?}", cloud.region(US)),
        r#"RegionHandle("us-east-1")"#
    );
}
