//! Dry runs of `Decrypt` that need no ciphertext.

use aws_sdk_kms::operation::decrypt::builders::DecryptFluentBuilder;
use aws_sdk_kms::types::{DryRunModifierType, KeySpec, KeyUsageType};

use super::*;

const WOULD_WORK: &str = "DryRunOperationException";

fn dry_run(client: &Client, key: &str) -> DecryptFluentBuilder {
    let request = client.decrypt().key_id(key).dry_run(true);
    request.dry_run_modifiers(DryRunModifierType::IgnoreCiphertext)
}

async fn answer(client: &Client, key: &str) -> String {
    code(dry_run(client, key).send().await)
}

#[tokio::test]
async fn says_that_decrypting_would_work_whatever_the_ciphertext() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    assert_eq!(answer(&us, &key.arn(US)).await, WOULD_WORK);
    let garbage = dry_run(&us, key.id()).ciphertext_blob(Blob::new("garbage"));
    assert_eq!(code(garbage.send().await), WOULD_WORK);
}

#[tokio::test]
async fn says_what_policy_and_state_would_say() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt",
        "Condition":{"StringEquals":{"kms:EncryptionContext:tenant":"acme"}}}]}"#;
    let put = us.put_key_policy().key_id(key.id()).policy(allow);
    put.send().await.unwrap();
    let tenant = |tenant: &str| dry_run(&us, key.id()).encryption_context("tenant", tenant);
    assert_eq!(code(tenant("acme").send().await), WOULD_WORK);
    assert_eq!(code(tenant("evil").send().await), "AccessDeniedException");
    assert_eq!(answer(&us, key.id()).await, "AccessDeniedException");

    assert_eq!(answer(&eu, key.id()).await, WOULD_WORK);
    eu.disable_key().key_id(key.id()).send().await.unwrap();
    assert_eq!(answer(&eu, key.id()).await, "DisabledException");
    let region = cloud.region(EU);
    region.set_key_state(key.id(), KeyState::Creating).unwrap();
    assert_eq!(answer(&eu, key.id()).await, "KMSInvalidStateException");
    let ap = cloud.kms(AP);
    assert_eq!(answer(&ap, &key.arn(AP)).await, "NotFoundException");
}

#[tokio::test]
async fn goes_with_a_dry_run_a_key_and_a_modifier_that_there_is() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let invalid = "ValidationException";
    let real = dry_run(&us, key.id()).dry_run(false);
    assert_eq!(code(real.send().await), invalid);
    let of_any_key = dry_run(&us, key.id()).set_key_id(None);
    assert_eq!(code(of_any_key.send().await), invalid);
    let unknown = DryRunModifierType::from("IGNORE_EVERYTHING");
    let unknown = us
        .decrypt()
        .key_id(key.id())
        .dry_run(true)
        .dry_run_modifiers(unknown);
    assert_eq!(code(unknown.send().await), invalid);
    let without_modifier = us.decrypt().key_id(key.id()).dry_run(true);
    assert_eq!(code(without_modifier.send().await), invalid);
}

#[tokio::test]
async fn says_that_a_key_of_another_usage_does_not_decrypt() {
    let (cloud, _) = cloud_with_key().await;
    let us = cloud.kms(US);
    let mac = us.create_key().key_spec(KeySpec::Hmac256);
    let mac = mac.key_usage(KeyUsageType::GenerateVerifyMac).send().await;
    let mac = mac.unwrap().key_metadata.unwrap().key_id;
    assert_eq!(answer(&us, &mac).await, "InvalidKeyUsageException");
}
