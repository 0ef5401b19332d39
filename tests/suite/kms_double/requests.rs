//! Requests that the double does not do or understand are answered, too.

use aws_sdk_kms::types::{DataKeyPairSpec, KeySpec, KeyUsageType};

use super::*;

#[tokio::test]
async fn answers_operations_and_keys_that_it_does_not_do() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let unsupported = "UnsupportedOperationException";
    let pair = us.generate_data_key_pair().key_id(key.id());
    let pair = pair.key_pair_spec(DataKeyPairSpec::EccNistP256).send();
    assert_eq!(code(pair.await), unsupported);
    let created = us
        .create_key()
        .key_spec(KeySpec::EccSecgP256K1)
        .send()
        .await;
    assert_eq!(code(created), "ValidationException");
    let signing = us
        .create_key()
        .key_spec(KeySpec::Rsa2048)
        .key_usage(KeyUsageType::SignVerify);
    assert_eq!(code(signing.send().await), unsupported);
    let created = us
        .create_key()
        .key_spec(KeySpec::from("ROT_13"))
        .send()
        .await;
    assert_eq!(code(created), unsupported);
}

#[tokio::test]
async fn answers_a_usage_that_does_not_go_with_the_key_spec() {
    let cloud = Cloud::start([US]).await.unwrap();
    let created = cloud
        .kms(US)
        .create_key()
        .key_spec(KeySpec::Hmac256)
        .send()
        .await;
    assert_eq!(code(created), "ValidationException");
}

#[tokio::test]
async fn answers_names_that_are_no_keys() {
    let (cloud, _) = cloud_with_key().await;
    let us = cloud.kms(US);
    let names = [
        "x",
        "arn:",
        "arn:aws:kms:us-east-1",
        "arn:aws:kms:us-east-1:1:key/x",
        "alias/",
    ];
    for name in names {
        assert_eq!(
            data_key_code(&us, name).await,
            "NotFoundException",
            "{name}"
        );
    }
}

#[tokio::test]
async fn lists_the_keys_of_the_region() {
    let (cloud, key) = cloud_with_key().await;
    let local = single_region_key(&cloud.kms(US)).await;
    let listed = cloud.kms(US).list_keys().send().await.unwrap();
    let mut arns: Vec<_> = listed
        .keys()
        .iter()
        .filter_map(|key| key.key_arn())
        .collect();
    arns.sort_unstable();
    let multi_region = key.arn(US);
    let mut expected = [&*local, &*multi_region];
    expected.sort_unstable();
    assert_eq!(arns, expected);
    assert_eq!(
        cloud.kms(EU).list_keys().send().await.unwrap().keys().len(),
        1
    );
}
