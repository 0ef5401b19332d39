//! What a key does in each state; every region has its own.

use super::*;

#[tokio::test]
async fn refuses_a_disabled_key_until_it_is_enabled_again() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    us.disable_key().key_id(key.id()).send().await.unwrap();
    assert_eq!(data_key_code(&us, key.id()).await, "DisabledException");
    let opened = open(&us, &ciphertext, TENANT, Some(key.id())).await;
    assert_eq!(opened, refused("DisabledException"));
    us.enable_key().key_id(key.id()).send().await.unwrap();
    let opened = open(&us, &ciphertext, TENANT, None).await;
    assert_eq!(opened, Ok((plaintext, key.arn(US))));
}

#[tokio::test]
async fn keeps_a_replica_enabled_while_the_primary_is_disabled() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    us.disable_key().key_id(key.id()).send().await.unwrap();
    let opened = open(&eu, &ciphertext, TENANT, Some(&key.arn(EU))).await;
    assert_eq!(opened, Ok((plaintext, key.arn(EU))));
}

#[tokio::test]
async fn manages_a_key_that_is_being_created_but_does_not_use_it() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    cloud
        .region(EU)
        .set_key_state(key.arn(EU), KeyState::Creating)
        .unwrap();
    assert_eq!(state_of(&eu, key.id()).await, KeyState::Creating);
    assert_eq!(
        data_key_code(&eu, key.id()).await,
        "KMSInvalidStateException"
    );
    let opened = open(&eu, &ciphertext, TENANT, None).await;
    assert_eq!(opened, refused("KMSInvalidStateException"));

    cloud
        .region(EU)
        .set_key_state(key.id(), KeyState::Enabled)
        .unwrap();
    let opened = open(&eu, &ciphertext, TENANT, None).await;
    assert_eq!(opened, Ok((plaintext, key.arn(EU))));
}

#[tokio::test]
async fn uses_a_key_that_is_being_updated_but_does_not_manage_it() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    cloud
        .region(US)
        .set_key_state(key.id(), KeyState::Updating)
        .unwrap();
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let opened = open(&us, &ciphertext, TENANT, None).await;
    assert_eq!(opened, Ok((plaintext, key.arn(US))));

    let invalid = "KMSInvalidStateException";
    assert_eq!(
        code(us.disable_key().key_id(key.id()).send().await),
        invalid
    );
    let replicated = us
        .replicate_key()
        .key_id(key.id())
        .replica_region(AP)
        .send()
        .await;
    assert_eq!(code(replicated), invalid);
    let moved = us
        .update_primary_region()
        .key_id(key.id())
        .primary_region(EU)
        .send()
        .await;
    assert_eq!(code(moved), invalid);
}

#[tokio::test]
async fn refuses_a_key_without_material_and_one_that_is_unavailable() {
    let (cloud, key) = cloud_with_key().await;
    for state in [KeyState::PendingImport, KeyState::Unavailable] {
        cloud.region(US).set_key_state(key.id(), state).unwrap();
        assert_eq!(
            data_key_code(&cloud.kms(US), key.id()).await,
            "KMSInvalidStateException"
        );
    }
}

#[tokio::test]
async fn sets_no_state_of_a_key_that_the_region_does_not_have() {
    let (cloud, key) = cloud_with_key().await;
    let error = cloud
        .region(AP)
        .set_key_state(key.id(), KeyState::Creating)
        .unwrap_err();
    assert_eq!(error.to_string(), "could not set the state of a key");
    assert!(
        cloud
            .region("nowhere")
            .set_key_state(key.id(), KeyState::Creating)
            .is_err()
    );
}
