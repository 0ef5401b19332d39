//! Aliases name a key in one region.

use super::*;

#[tokio::test]
async fn finds_a_key_by_alias_and_answers_its_arn() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    us.create_alias()
        .alias_name("alias/app")
        .target_key_id(key.id())
        .send()
        .await
        .unwrap();
    let alias_arn = format!(
        "arn:aws:kms:{US}:{}:alias/app",
        dynaseal::testkit::ACCOUNT_ID
    );
    for name in ["alias/app", &alias_arn] {
        let (plaintext, ciphertext) = data_key(&us, name, TENANT).await;
        let opened = open(&us, &ciphertext, TENANT, Some(name)).await;
        assert_eq!(opened, Ok((plaintext, key.arn(US))));
    }
}

#[tokio::test]
async fn keeps_an_alias_in_its_region() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    us.create_alias()
        .alias_name("alias/app")
        .target_key_id(key.id())
        .send()
        .await
        .unwrap();
    assert_eq!(
        data_key_code(&cloud.kms(EU), "alias/app").await,
        "NotFoundException"
    );
}

#[tokio::test]
async fn moves_and_deletes_an_alias() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let create = || {
        us.create_alias()
            .alias_name("alias/app")
            .target_key_id(key.id())
            .send()
    };
    create().await.unwrap();
    assert_eq!(code(create().await), "AlreadyExistsException");

    let other = single_region_key(&us).await;
    us.update_alias()
        .alias_name("alias/app")
        .target_key_id(&other)
        .send()
        .await
        .unwrap();
    let described = us.describe_key().key_id("alias/app").send().await.unwrap();
    assert_eq!(
        described.key_metadata().and_then(KeyMetadata::arn),
        Some(&*other)
    );
    let listed = us.list_aliases().key_id(&other).send().await.unwrap();
    assert_eq!(listed.aliases().len(), 1);

    us.delete_alias()
        .alias_name("alias/app")
        .send()
        .await
        .unwrap();
    assert_eq!(data_key_code(&us, "alias/app").await, "NotFoundException");
}

#[tokio::test]
async fn refuses_a_name_that_is_no_alias() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    for name in ["app", "alias/", "alias/aws/dynamodb"] {
        let created = us
            .create_alias()
            .alias_name(name)
            .target_key_id(key.id())
            .send()
            .await;
        assert_eq!(code(created), "ValidationException", "{name}");
    }
}
