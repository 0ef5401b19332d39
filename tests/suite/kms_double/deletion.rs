//! Keys that wait for their deletion.

use super::*;

#[tokio::test]
async fn refuses_a_key_that_waits_for_deletion() {
    let (cloud, _) = cloud_with_key().await;
    let us = cloud.kms(US);
    let key = single_region_key(&us).await;
    let (_, ciphertext) = data_key(&us, &key, NO_CONTEXT).await;
    let request = us
        .schedule_key_deletion()
        .key_id(&key)
        .pending_window_in_days(7);
    let scheduled = request.send().await.unwrap();
    assert_eq!(scheduled.key_state(), Some(&KeyState::PendingDeletion));
    assert!(scheduled.deletion_date().is_some());

    assert_eq!(data_key_code(&us, &key).await, "KMSInvalidStateException");
    let opened = open(&us, &ciphertext, NO_CONTEXT, Some(&key)).await;
    assert_eq!(opened, refused("KMSInvalidStateException"));
    let enabled = us.enable_key().key_id(&key).send().await;
    assert_eq!(code(enabled), "KMSInvalidStateException");
}

#[tokio::test]
async fn disables_a_key_whose_deletion_is_cancelled() {
    let (cloud, key) = cloud_with_key().await;
    let eu = cloud.kms(EU);
    eu.schedule_key_deletion()
        .key_id(key.id())
        .send()
        .await
        .unwrap();
    assert_eq!(state_of(&eu, key.id()).await, KeyState::PendingDeletion);
    eu.cancel_key_deletion()
        .key_id(key.id())
        .send()
        .await
        .unwrap();
    assert_eq!(state_of(&eu, key.id()).await, KeyState::Disabled);
    let again = eu.cancel_key_deletion().key_id(key.id()).send().await;
    assert_eq!(code(again), "KMSInvalidStateException");
}

#[tokio::test]
async fn lets_a_primary_key_wait_for_its_replicas() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let scheduled = us
        .schedule_key_deletion()
        .key_id(key.id())
        .send()
        .await
        .unwrap();
    assert_eq!(
        scheduled.key_state(),
        Some(&KeyState::PendingReplicaDeletion)
    );
    assert_eq!(scheduled.deletion_date(), None);
    assert_eq!(
        data_key_code(&us, key.id()).await,
        "KMSInvalidStateException"
    );
}

#[tokio::test]
async fn refuses_a_window_outside_of_7_to_30_days() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    for days in [3, 31] {
        let request = us
            .schedule_key_deletion()
            .key_id(key.id())
            .pending_window_in_days(days);
        assert_eq!(code(request.send().await), "ValidationException");
    }
}
