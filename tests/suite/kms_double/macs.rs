//! HMAC keys.

use aws_sdk_kms::types::{KeySpec, KeyUsageType, MacAlgorithmSpec};

use super::*;

async fn hmac_key(client: &Client) -> String {
    let request = client
        .create_key()
        .key_spec(KeySpec::Hmac256)
        .multi_region(true);
    let created = request
        .key_usage(KeyUsageType::GenerateVerifyMac)
        .send()
        .await
        .unwrap();
    created.key_metadata().unwrap().key_id().to_owned()
}

async fn mac(client: &Client, key: &str, message: &str) -> Vec<u8> {
    let request = client
        .generate_mac()
        .key_id(key)
        .mac_algorithm(MacAlgorithmSpec::HmacSha256);
    bytes(
        request
            .message(Blob::new(message))
            .send()
            .await
            .unwrap()
            .mac(),
    )
}

#[tokio::test]
async fn makes_the_same_mac_each_time_and_verifies_it() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let key = hmac_key(&us).await;
    let tag = mac(&us, &key, "message").await;
    assert_eq!(tag.len(), 32);
    assert_eq!(mac(&us, &key, "message").await, tag);
    let verify = |tag: Vec<u8>| {
        let request = us
            .verify_mac()
            .key_id(&key)
            .mac_algorithm(MacAlgorithmSpec::HmacSha256);
        request
            .message(Blob::new("message"))
            .mac(Blob::new(tag))
            .send()
    };
    assert!(verify(tag.clone()).await.unwrap().mac_valid());
    let mut wrong = tag;
    wrong[0] ^= 1;
    assert_eq!(code(verify(wrong).await), "KMSInvalidMacException");
}

#[tokio::test]
async fn makes_the_same_mac_in_a_replica_region() {
    let cloud = Cloud::start([US, EU]).await.unwrap();
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let key = hmac_key(&us).await;
    us.replicate_key()
        .key_id(&key)
        .replica_region(EU)
        .send()
        .await
        .unwrap();
    assert_eq!(
        mac(&us, &key, "message").await,
        mac(&eu, &key, "message").await
    );
}

#[tokio::test]
async fn refuses_a_key_of_another_usage() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let hmac = hmac_key(&us).await;
    assert_eq!(data_key_code(&us, &hmac).await, "InvalidKeyUsageException");
    let request = us
        .generate_mac()
        .key_id(key.id())
        .mac_algorithm(MacAlgorithmSpec::HmacSha256);
    let made = request.message(Blob::new("message")).send().await;
    assert_eq!(code(made), "InvalidKeyUsageException");
    let request = us
        .generate_mac()
        .key_id(&hmac)
        .mac_algorithm(MacAlgorithmSpec::HmacSha512);
    let made = request.message(Blob::new("message")).send().await;
    assert_eq!(code(made), "InvalidKeyUsageException");
}
