//! Replicas that are missing, and those that come back.

use super::*;

#[tokio::test]
async fn removes_a_replica_at_once_and_leaves_the_others_at_work() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&eu, key.id(), TENANT).await;
    cloud.region(EU).remove_replica(key.arn(EU)).unwrap();

    let arn = key.arn(EU);
    assert_eq!(data_key_code(&eu, &arn).await, "NotFoundException");
    let opened = open(&eu, &ciphertext, TENANT, Some(&arn)).await;
    assert_eq!(opened, refused("NotFoundException"));
    let described = eu.describe_key().key_id(&arn).send().await;
    assert_eq!(code(described), "NotFoundException");

    let opened = open(&us, &ciphertext, TENANT, Some(&key.arn(US))).await;
    assert_eq!(opened, Ok((plaintext, key.arn(US))));
    let described = us.describe_key().key_id(key.id()).send().await.unwrap();
    let metadata = described.key_metadata().unwrap();
    let replicas = metadata.multi_region_configuration().unwrap();
    assert!(replicas.replica_keys().is_empty());
}

#[tokio::test]
async fn brings_a_replica_back_for_what_was_encrypted_before() {
    let (cloud, key) = cloud_with_key().await;
    let eu = cloud.kms(EU);
    let (plaintext, ciphertext) = data_key(&eu, key.id(), TENANT).await;
    for named in [key.id().to_owned(), key.arn(EU)] {
        cloud.region(EU).remove_replica(key.id()).unwrap();
        assert_eq!(data_key_code(&eu, key.id()).await, "NotFoundException");
        cloud.region(EU).restore_replica(named).unwrap();
        let opened = open(&eu, &ciphertext, TENANT, Some(&key.arn(EU))).await;
        assert_eq!(opened, Ok((plaintext.clone(), key.arn(EU))));
    }
    // For the first time in another region.
    cloud.region(AP).restore_replica(key.id()).unwrap();
    let opened = open(&cloud.kms(AP), &ciphertext, TENANT, None).await;
    assert_eq!(opened, Ok((plaintext, key.arn(AP))));
}

#[tokio::test]
async fn removes_aliases_and_grants_with_a_replica() {
    let (cloud, key) = cloud_with_key().await;
    let eu = cloud.kms(EU);
    for (name, target) in [("alias/sealing", key.id()), ("alias/other", "")] {
        let own = single_region_key(&eu).await;
        let target = if target.is_empty() { &own } else { target };
        let create = eu.create_alias().alias_name(name).target_key_id(target);
        create.send().await.unwrap();
    }
    let grant = eu.create_grant().key_id(key.id());
    let grant = grant.grantee_principal("arn:aws:iam::123456789012:root");
    grant.send().await.unwrap();
    cloud.region(EU).remove_replica("alias/sealing").unwrap();
    cloud.region(EU).restore_replica(key.id()).unwrap();

    let aliases = eu.list_aliases().send().await.unwrap();
    let names = aliases.aliases().iter().map(|alias| alias.alias_name());
    assert_eq!(names.collect::<Vec<_>>(), [Some("alias/other")]);
    let grants = eu.list_grants().key_id(key.id()).send().await.unwrap();
    assert!(grants.grants().is_empty());
}

#[tokio::test]
async fn follows_the_primary_key_where_it_went() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let moved = us.update_primary_region().key_id(key.id());
    moved.primary_region(EU).send().await.unwrap();
    assert!(cloud.region(EU).remove_replica(key.id()).is_err());
    cloud.region(US).remove_replica(key.id()).unwrap();
    cloud.region(US).restore_replica(key.id()).unwrap();
    assert_eq!(state_of(&us, key.id()).await, KeyState::Enabled);
}

#[tokio::test]
async fn refuses_to_remove_or_restore_what_it_cannot() {
    let (cloud, key) = cloud_with_key().await;
    let single = single_region_key(&cloud.kms(EU)).await;
    assert!(
        cloud.region(US).remove_replica(key.id()).is_err(),
        "primary"
    );
    assert!(cloud.region(AP).remove_replica(key.id()).is_err(), "absent");
    assert!(cloud.region(EU).remove_replica(&single).is_err(), "single");
    assert!(cloud.region(EU).remove_replica(key.arn(US)).is_err());

    assert!(cloud.region(EU).restore_replica(key.id()).is_err(), "there");
    assert!(cloud.region(US).restore_replica(key.id()).is_err(), "there");
    assert!(cloud.region(AP).restore_replica("mrk-none").is_err());
    assert!(cloud.region(AP).restore_replica(key.arn(US)).is_err());
    let single = single.rsplit('/').next().unwrap();
    assert!(cloud.region(AP).restore_replica(single).is_err(), "single");
    assert!(cloud.region("nowhere").restore_replica(key.id()).is_err());
    assert!(
        !data_key_code(&cloud.kms(EU), key.id())
            .await
            .contains("Not")
    );
}
