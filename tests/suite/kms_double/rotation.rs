//! Rotation changes what encrypts, never what opens.

use super::*;

#[tokio::test]
async fn opens_old_ciphertexts_in_every_region_after_a_rotation() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let (plaintext, ciphertext) = data_key(&us, key.id(), TENANT).await;
    us.rotate_key_on_demand()
        .key_id(key.id())
        .send()
        .await
        .unwrap();
    for client in [&us, &eu] {
        let opened = open(client, &ciphertext, TENANT, None).await.unwrap();
        assert_eq!(opened.0, plaintext);
    }
    let rotations = us
        .list_key_rotations()
        .key_id(key.id())
        .send()
        .await
        .unwrap();
    assert_eq!(rotations.rotations().len(), 1);
}

#[tokio::test]
async fn opens_new_ciphertexts_in_every_region_after_a_rotation() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    us.rotate_key_on_demand()
        .key_id(key.id())
        .send()
        .await
        .unwrap();
    for (client, other) in [(&us, &eu), (&eu, &us)] {
        let (plaintext, ciphertext) = data_key(client, key.id(), TENANT).await;
        let opened = open(other, &ciphertext, TENANT, None).await.unwrap();
        assert_eq!(opened.0, plaintext);
    }
}

#[tokio::test]
async fn rotates_only_the_primary() {
    let (cloud, key) = cloud_with_key().await;
    let rotated = cloud
        .kms(EU)
        .rotate_key_on_demand()
        .key_id(key.id())
        .send()
        .await;
    assert_eq!(code(rotated), "UnsupportedOperationException");
}
