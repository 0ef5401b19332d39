//! Keys that are disabled, denied, missing or out of reach, in one region and not in the other.

use dynaseal::SealError;
use dynaseal::keyring::{KeyringError, KeyringErrorKind};
use dynaseal::testkit::{Fault, Service};

use super::*;

/// Customer `c-1` in both regions.
async fn start_replicated() -> Stack {
    let (stack, _) = start_with_customer().await;
    stack.cloud.replicate().await;
    stack
}

async fn assert_reads(stack: &Stack, region: &str) {
    let found = stack.table::<Customer>(region).get(("c-1", 7)).send().await;
    assert!(found.unwrap().is_some(), "{region}");
}

/// The one attempt that failed to read in this region.
async fn failed_read(stack: &Stack, region: &str) -> (OpenError, KeyringError) {
    let error = refusal(stack, region, "c-1").await;
    let OpenError::Keyring(failed) = &error else {
        panic!("{error:?}")
    };
    let attempt = only_attempt(failed);
    assert_eq!(attempt.region(), Some(region));
    assert_eq!(attempt.key(), Some(&*stack.key.arn(region)));
    assert_eq!(
        error.region(),
        Some(region),
        "the way to it for who branches on regions"
    );
    (error, attempt)
}

fn only_attempt(error: &KeyringError) -> KeyringError {
    match error.attempts() {
        [] => error.clone(),
        [attempt] => attempt.clone(),
        attempts => panic!("{attempts:?}"),
    }
}

/// The failure to write in this region; nothing was stored.
async fn failed_write(stack: &Stack, region: &str) -> KeyringError {
    let table = stack.table(region);
    let error = table.put(&customer("c-2")).send().await.unwrap_err();
    assert!(stack.stored(region, &key("c-2")).await.is_none());
    assert_eq!(error.region(), Some(region));
    match error {
        OperationError::Seal(SealError::Keyring(error)) => only_attempt(&error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_disabled_replica_fails_in_its_region_alone() {
    let stack = start_replicated().await;
    stack.disable_key(EU, &stack.key).await;
    let (error, attempt) = failed_read(&stack, EU).await;
    assert_eq!(attempt.kind(), KeyringErrorKind::Disabled);
    assert!(!error.is_retryable());
    assert_eq!(
        failed_write(&stack, EU).await.kind(),
        KeyringErrorKind::Disabled
    );
    assert_reads(&stack, US).await;
    stack.cloud.reset_calls();
    refusal(&stack, EU, "c-1").await;
    assert_eq!(
        stack.cloud.calls(US, Service::Kms),
        0,
        "a refusal never falls over"
    );
}

#[tokio::test]
async fn a_key_policy_that_denies_is_a_typed_refusal() {
    let stack = start_replicated().await;
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt"},
        {"Effect":"Allow","Principal":"*","Action":"kms:*"}"#;
    stack.put_key_policy(EU, deny).await;
    let (error, attempt) = failed_read(&stack, EU).await;
    assert_eq!(attempt.kind(), KeyringErrorKind::Denied);
    assert!(attempt.is_refusal() && !error.is_retryable());
    assert_reads(&stack, US).await;
    stack
        .table(EU)
        .put(&customer("c-3"))
        .send()
        .await
        .expect("sealing is another permission");
}

#[tokio::test]
async fn a_key_policy_can_tell_tenants_apart_by_their_context() {
    let stack = start_replicated().await;
    let acme_alone = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Condition":
        {"StringEquals":{"kms:EncryptionContext:aws-crypto-attr.tenant":"acme"}}}"#;
    stack.put_key_policy(US, acme_alone).await;
    assert_reads(&stack, US).await;
    let mut other = customer("c-2");
    other.tenant = "umbrella".to_owned();
    let error = stack.table(US).put(&other).send().await.unwrap_err();
    let OperationError::Seal(SealError::Keyring(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(only_attempt(&error).kind(), KeyringErrorKind::Denied);
}

#[tokio::test]
async fn a_region_without_a_replica_says_so() {
    let mut stack = start().await;
    stack.key = stack
        .cloud
        .create_multi_region_key(US, [""; 0])
        .await
        .unwrap();
    stack.table(US).put(&customer("c-1")).send().await.unwrap();
    stack.cloud.replicate().await;
    let (error, attempt) = failed_read(&stack, EU).await;
    assert_eq!(attempt.kind(), KeyringErrorKind::ReplicaMissing);
    assert!(!error.is_retryable());
    assert_eq!(
        failed_write(&stack, EU).await.kind(),
        KeyringErrorKind::ReplicaMissing
    );
    assert_reads(&stack, US).await;
}

#[tokio::test]
async fn an_outage_of_kms_is_retryable_and_of_its_region_alone() {
    let stack = start_replicated().await;
    stack
        .cloud
        .region(EU)
        .fail(Service::Kms, Fault::Unavailable);
    let (error, attempt) = failed_read(&stack, EU).await;
    assert_eq!(attempt.kind(), KeyringErrorKind::Unavailable);
    assert!(error.is_retryable());
    let written = failed_write(&stack, EU).await;
    assert!(written.is_retryable(), "{written}");
    assert_reads(&stack, US).await;
    stack.cloud.region(EU).recover();
    assert_reads(&stack, EU).await;
}

#[tokio::test]
async fn throttling_is_retryable_and_told_apart() {
    let stack = start_replicated().await;
    let throttled = Fault::Status(400, "ThrottlingException");
    stack.cloud.region(EU).fail(Service::Kms, throttled);
    let (error, attempt) = failed_read(&stack, EU).await;
    assert_eq!(attempt.kind(), KeyringErrorKind::Throttled);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn an_outage_of_dynamodb_is_the_sdks_error_and_retryable() {
    let stack = start_replicated().await;
    stack
        .cloud
        .region(EU)
        .fail(Service::DynamoDb, Fault::Unavailable);
    let table = stack.table::<Customer>(EU);
    let error = table.get(("c-1", 7)).send().await.unwrap_err();
    assert!(
        error.is_retryable() && error.sdk_error().is_some(),
        "{error:?}"
    );
    assert_eq!(error.region(), Some(EU));
    let error = table.delete(("c-1", 7)).send().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(stack.decrypts(EU), 0);
}

#[tokio::test]
async fn the_sdks_typed_error_is_reachable_through_a_failed_read() {
    use aws_sdk_kms::error::SdkError;
    use aws_sdk_kms::operation::decrypt::DecryptError;

    let stack = start_replicated().await;
    stack.disable_key(EU, &stack.key).await;
    let OpenError::Keyring(error) = refusal(&stack, EU, "c-1").await else {
        panic!("no keyring error")
    };
    let sdk = error.sdk::<SdkError<DecryptError>>().expect("typed");
    assert!(sdk.as_service_error().unwrap().is_disabled_exception());
    assert!(format!("{sdk:?}").contains("DisabledException"));
    let own = format!("{error:?} {error:#?} {error}");
    assert!(
        !own.contains("DisabledException"),
        "ours does not forward to the SDK's: {own}"
    );
}
