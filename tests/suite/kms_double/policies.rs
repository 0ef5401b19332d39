//! Key policies and grants.

use aws_sdk_kms::types::{GrantConstraints, GrantOperation};

use super::*;

async fn put_policy(client: &Client, key: &str, statements: &str) {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    client
        .put_key_policy()
        .key_id(key)
        .policy(policy)
        .send()
        .await
        .unwrap();
}

const ALLOW_ALL: &str = r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*"}"#;

#[tokio::test]
async fn denies_what_a_statement_denies_though_another_allows_it() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":["kms:Generate*","kms:Encrypt"]}"#;
    put_policy(&us, key.id(), &format!("{deny},{ALLOW_ALL}")).await;
    assert_eq!(data_key_code(&us, key.id()).await, "AccessDeniedException");
    assert!(open(&us, &ciphertext, TENANT, None).await.is_ok());
}

#[tokio::test]
async fn denies_what_no_statement_allows() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, ciphertext) = data_key(&us, key.id(), TENANT).await;
    put_policy(
        &us,
        key.id(),
        r#"{"Effect":"Allow","Action":"kms:GenerateDataKey"}"#,
    )
    .await;
    assert_eq!(data_key_code(&us, key.id()).await, "it succeeded");
    let opened = open(&us, &ciphertext, TENANT, None).await;
    assert_eq!(opened, refused("AccessDeniedException"));
}

#[tokio::test]
async fn keeps_the_policy_of_each_region_apart() {
    let (cloud, key) = cloud_with_key().await;
    let (us, eu) = (cloud.kms(US), cloud.kms(EU));
    put_policy(&us, key.id(), r#"{"Effect":"Deny","Action":"kms:*"}"#).await;
    assert_eq!(data_key_code(&us, key.id()).await, "AccessDeniedException");
    assert_eq!(data_key_code(&eu, key.id()).await, "it succeeded");
}

#[tokio::test]
async fn allows_on_condition_of_the_encryption_context() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (_, acme) = data_key(&us, key.id(), &[("tenant", "acme")]).await;
    let (_, evil) = data_key(&us, key.id(), &[("tenant", "evil")]).await;
    put_policy(
        &us,
        key.id(),
        r#"{"Effect":"Allow","Action":"kms:Decrypt","Condition":
            {"StringEquals":{"kms:EncryptionContext:tenant":["acme","other"]}}}"#,
    )
    .await;
    assert!(open(&us, &acme, &[("tenant", "acme")], None).await.is_ok());
    let opened = open(&us, &evil, &[("tenant", "evil")], None).await;
    assert_eq!(opened, refused("AccessDeniedException"));
}

#[tokio::test]
async fn denies_on_condition_of_the_encryption_context() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let deny = r#"{"Effect":"Deny","Action":"kms:*","Condition":
        {"StringNotLike":{"kms:EncryptionContext:tenant":"ac*"}}},
        {"Effect":"Deny","Action":"kms:*","Condition":
        {"Null":{"kms:EncryptionContext:table":"true"}}}"#;
    put_policy(&us, key.id(), &format!("{deny},{ALLOW_ALL}")).await;
    let made = |tenant: &'static str, table: bool| {
        let request = us
            .generate_data_key()
            .key_id(key.id())
            .key_spec(DataKeySpec::Aes256);
        let request = request.encryption_context("tenant", tenant);
        let request = if table {
            request.encryption_context("table", "t")
        } else {
            request
        };
        request.send()
    };
    assert!(made("acme", true).await.is_ok());
    assert_eq!(code(made("evil", true).await), "AccessDeniedException");
    assert_eq!(code(made("acme", false).await), "AccessDeniedException");
}

#[tokio::test]
async fn refuses_a_policy_that_it_could_only_ignore() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let put = |policy: &str| us.put_key_policy().key_id(key.id()).policy(policy).send();
    assert_eq!(code(put("{").await), "MalformedPolicyDocumentException");
    assert_eq!(code(put("{}").await), "MalformedPolicyDocumentException");
    let via_service = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Condition":
        {"StringEquals":{"kms:ViaService":"dynamodb"}}}}"#;
    assert_eq!(
        code(put(via_service).await),
        "UnsupportedOperationException"
    );
}

#[tokio::test]
async fn shows_the_policy_that_was_put() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let shown = us.get_key_policy().key_id(key.id()).send().await.unwrap();
    assert!(shown.policy().unwrap().contains(":root"));
    put_policy(&us, key.id(), ALLOW_ALL).await;
    let shown = us.get_key_policy().key_id(key.id()).send().await.unwrap();
    assert!(shown.policy().unwrap().contains(ALLOW_ALL));
}

#[tokio::test]
async fn keeps_grants_until_they_are_revoked() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let constraints = GrantConstraints::builder()
        .encryption_context_equals("t", "a")
        .build();
    let request = us
        .create_grant()
        .key_id(key.id())
        .grantee_principal("arn:aws:iam::123456789012:role/reader")
        .operations(GrantOperation::Decrypt)
        .constraints(constraints.clone());
    let grant = request.send().await.unwrap();
    let listed = us.list_grants().key_id(key.id()).send().await.unwrap();
    let [only] = listed.grants() else {
        panic!("one grant")
    };
    assert_eq!(only.grant_id(), grant.grant_id());
    assert_eq!(only.constraints(), Some(&constraints));

    let revoke = || {
        us.revoke_grant()
            .key_id(key.id())
            .grant_id(grant.grant_id().unwrap())
            .send()
    };
    revoke().await.unwrap();
    assert!(
        us.list_grants()
            .key_id(key.id())
            .send()
            .await
            .unwrap()
            .grants()
            .is_empty()
    );
    assert_eq!(code(revoke().await), "NotFoundException");
}
