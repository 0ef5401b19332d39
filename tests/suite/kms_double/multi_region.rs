//! One key in several regions.

use aws_sdk_kms::types::{MultiRegionConfiguration, MultiRegionKeyType};

use super::*;

async fn configuration(client: &Client, key: &str) -> MultiRegionConfiguration {
    let described = client.describe_key().key_id(key).send().await.unwrap();
    described
        .key_metadata()
        .unwrap()
        .multi_region_configuration()
        .unwrap()
        .clone()
}

async fn key_type(client: &Client, key: &str) -> MultiRegionKeyType {
    configuration(client, key)
        .await
        .multi_region_key_type()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn creates_a_multi_region_key_as_primary() {
    let cloud = Cloud::start([US]).await.unwrap();
    let us = cloud.kms(US);
    let created = us
        .create_key()
        .multi_region(true)
        .description("mrk")
        .send()
        .await
        .unwrap();
    let metadata = created.key_metadata().unwrap();
    assert!(metadata.key_id().starts_with("mrk-"));
    assert_eq!(metadata.multi_region(), Some(true));
    assert_eq!(metadata.description(), Some("mrk"));
    assert_eq!(
        key_type(&us, metadata.key_id()).await,
        MultiRegionKeyType::Primary
    );
}

#[tokio::test]
async fn keeps_a_key_out_of_regions_without_a_replica() {
    let (cloud, key) = cloud_with_key().await;
    let (us, ap) = (cloud.kms(US), cloud.kms(AP));
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let named = open(&ap, &ciphertext, TENANT, Some(&key.arn(AP))).await;
    assert_eq!(named, refused("NotFoundException"));
    let unnamed = open(&ap, &ciphertext, TENANT, None).await;
    assert_eq!(unnamed, refused("AccessDeniedException"));
    let described = ap.describe_key().key_id(key.id()).send().await;
    assert_eq!(code(described), "NotFoundException");
    assert!(ap.list_keys().send().await.unwrap().keys().is_empty());
}

#[tokio::test]
async fn refuses_a_ciphertext_that_another_key_of_the_region_could_not_have_made() {
    let (cloud, key) = cloud_with_key().await;
    let (us, ap) = (cloud.kms(US), cloud.kms(AP));
    let local = single_region_key(&ap).await;
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let opened = open(&ap, &ciphertext, TENANT, Some(&local)).await;
    assert_eq!(opened, refused("IncorrectKeyException"));
}

#[tokio::test]
async fn refuses_the_arn_of_another_region() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let opened = open(&eu, &ciphertext, TENANT, Some(&key.arn(US))).await;
    assert_eq!(opened, refused("NotFoundException"));
}

#[tokio::test]
async fn replicates_a_key_under_its_id() {
    let cloud = Cloud::start([US, EU]).await.unwrap();
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let key = cloud.create_multi_region_key(US, [""; 0]).await.unwrap();
    let request = us.replicate_key().key_id(key.id()).replica_region(EU);
    let replicated = request.send().await.unwrap();
    let metadata = replicated.replica_key_metadata().unwrap();
    assert_eq!(metadata.key_id(), key.id());
    assert_eq!(metadata.arn(), Some(&*key.arn(EU)));

    assert_eq!(key_type(&eu, key.id()).await, MultiRegionKeyType::Replica);
    let shown = configuration(&us, key.id()).await;
    let replicas: Vec<_> = shown
        .replica_keys()
        .iter()
        .map(|key| key.region())
        .collect();
    assert_eq!(replicas, [Some(EU)]);
}

#[tokio::test]
async fn opens_through_the_replica_what_the_primary_encrypted() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let expected = Ok((plaintext, key.arn(EU)));
    assert_eq!(
        open(&eu, &ciphertext, TENANT, Some(&key.arn(EU))).await,
        expected
    );
    assert_eq!(open(&eu, &ciphertext, TENANT, None).await, expected);
    let wrong = open(&eu, &ciphertext, &[("tenant", "evil")], Some(&key.arn(EU))).await;
    assert_eq!(wrong, refused("InvalidCiphertextException"));
}

#[tokio::test]
async fn opens_through_the_primary_what_the_replica_encrypted() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&eu, &key.arn(EU), TENANT).await;
    let opened = open(&us, &ciphertext, TENANT, Some(&key.arn(US))).await;
    assert_eq!(opened, Ok((plaintext, key.arn(US))));
}

#[tokio::test]
async fn replicates_only_a_multi_region_primary_and_only_once() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let again = us
        .replicate_key()
        .key_id(key.id())
        .replica_region(EU)
        .send()
        .await;
    assert_eq!(code(again), "AlreadyExistsException");
    let own = us
        .replicate_key()
        .key_id(key.id())
        .replica_region(US)
        .send()
        .await;
    assert_eq!(code(own), "ValidationException");
    let from_replica = eu
        .replicate_key()
        .key_id(key.id())
        .replica_region(AP)
        .send()
        .await;
    assert_eq!(code(from_replica), "UnsupportedOperationException");
    let single = single_region_key(&us).await;
    let single = us
        .replicate_key()
        .key_id(single)
        .replica_region(EU)
        .send()
        .await;
    assert_eq!(code(single), "UnsupportedOperationException");
}

#[tokio::test]
async fn keeps_a_single_region_ciphertext_in_its_region() {
    let (cloud, _) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let arn = single_region_key(&us).await;
    let (_, ciphertext) = data_key(&us, &arn, NO_CONTEXT).await;
    let moved = arn.replace(US, EU);
    assert!(
        open(&eu, &ciphertext, NO_CONTEXT, Some(&moved))
            .await
            .is_err()
    );
    assert!(open(&eu, &ciphertext, NO_CONTEXT, None).await.is_err());
}

#[tokio::test]
async fn moves_the_primary_and_opens_in_both_regions_still() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    us.update_primary_region()
        .key_id(key.id())
        .primary_region(EU)
        .send()
        .await
        .unwrap();
    assert_eq!(key_type(&us, key.id()).await, MultiRegionKeyType::Replica);
    assert_eq!(key_type(&eu, key.id()).await, MultiRegionKeyType::Primary);
    for (client, region) in [(&us, US), (&eu, EU)] {
        let opened = open(client, &ciphertext, TENANT, Some(&key.arn(region))).await;
        assert_eq!(opened, Ok((plaintext.clone(), key.arn(region))));
    }
}

#[tokio::test]
async fn moves_the_primary_only_from_the_primary_to_a_replica() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let nowhere = us
        .update_primary_region()
        .key_id(key.id())
        .primary_region(AP)
        .send()
        .await;
    assert_eq!(code(nowhere), "NotFoundException");
    let from_replica = eu
        .update_primary_region()
        .key_id(key.id())
        .primary_region(US)
        .send()
        .await;
    assert_eq!(code(from_replica), "UnsupportedOperationException");
}
