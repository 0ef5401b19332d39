//! The encryption context is compared exactly.

use super::*;

#[tokio::test]
async fn refuses_every_other_context() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let others: [Context<'_>; 6] = [
        &[("tenant", "evil"), ("table", "users")],
        &[("tenant", "acme")],
        &[("tenant", "acme"), ("table", "users"), ("z", "1")],
        NO_CONTEXT,
        &[("Tenant", "acme"), ("table", "users")],
        &[("tenant", "users"), ("table", "acme")],
    ];
    for other in others {
        let opened = open(&us, &ciphertext, other, Some(key.id())).await;
        assert_eq!(opened, refused("InvalidCiphertextException"), "{other:?}");
    }
}

#[tokio::test]
async fn refuses_a_context_for_what_was_encrypted_without_one() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), NO_CONTEXT).await;
    for named in [Some(key.id()), None] {
        let opened = open(&us, &ciphertext, TENANT, named).await;
        assert_eq!(opened, refused("InvalidCiphertextException"));
    }
}

#[tokio::test]
async fn takes_the_order_of_a_context_for_nothing() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (plaintext, ciphertext) = data_key(&us, key.id(), &[("a", "1"), ("b", "2")]).await;
    let opened = open(&us, &ciphertext, &[("b", "2"), ("a", "1")], None).await;
    assert_eq!(opened, Ok((plaintext, key.arn(US))));
}

#[tokio::test]
async fn tells_contexts_apart_that_join_to_the_same_text() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let pairs: [(Context<'_>, Context<'_>); 4] = [
        (&[("a", "1,b=2")], &[("a", "1"), ("b", "2")]),
        (&[("a=b", "c")], &[("a", "b=c")]),
        (&[("ab", "c")], &[("a", "bc")]),
        (&[("a", "")], NO_CONTEXT),
    ];
    for (made_with, opened_with) in pairs {
        let (_, ciphertext) = data_key(&us, key.id(), made_with).await;
        let opened = open(&us, &ciphertext, opened_with, None).await;
        assert_eq!(
            opened,
            refused("InvalidCiphertextException"),
            "{made_with:?}"
        );
    }
}
