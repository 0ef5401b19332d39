//! Conditions of key policies: which keys a context may have, whose key it is, which keys are meant.

use super::*;

/// Puts a policy that allows data keys on this condition.
async fn allow_if(client: &Client, key: &str, condition: &str) -> Result<(), String> {
    let policy = format!(
        r#"{{"Statement":{{"Effect":"Allow","Action":"kms:GenerateDataKey","Condition":{condition}}}}}"#
    );
    let put = client.put_key_policy().key_id(key).policy(policy);
    match put.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.code().unwrap().to_owned()),
    }
}

async fn is_allowed(client: &Client, key: &str, context: Context<'_>) -> bool {
    let request = client.generate_data_key().key_id(key);
    let mut request = request.key_spec(DataKeySpec::Aes256);
    for (name, value) in context {
        request = request.encryption_context(*name, *value);
    }
    match code(request.send().await).as_str() {
        "it succeeded" => true,
        "AccessDeniedException" => false,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn asks_all_or_any_of_the_context_keys() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (a, b, c) = (("a", "1"), ("b", "2"), ("c", "3"));
    for (condition, table) in [
        (
            r#"{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}}"#,
            // No key at all passes as well, as in AWS.
            [
                (&[a][..], true),
                (&[a, b], true),
                (&[a, c], false),
                (&[c], false),
                (&[], true),
            ],
        ),
        (
            r#"{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["a","b"]}}"#,
            [
                (&[a], true),
                (&[a, b], true),
                (&[a, c], true),
                (&[c], false),
                (&[], false),
            ],
        ),
        (
            r#"{"ForAllValues:StringLike":{"kms:EncryptionContextKeys":["?"]}}"#,
            [
                (&[a], true),
                (&[a, b], true),
                (&[("A", "1")], true),
                (&[("aa", "1")], false),
                (&[], true),
            ],
        ),
        (
            r#"{"ForAnyValue:StringNotEquals":{"kms:EncryptionContextKeys":"a"}}"#,
            [
                (&[a], false),
                (&[a, b], true),
                (&[a, c], true),
                (&[c], true),
                (&[], false),
            ],
        ),
    ] {
        allow_if(&us, key.id(), condition).await.unwrap();
        for (context, allowed) in table {
            let answer = is_allowed(&us, key.id(), context).await;
            assert_eq!(answer, allowed, "{condition} {context:?}");
        }
    }
}

#[tokio::test]
async fn sees_the_case_of_context_keys_only_where_it_compares_them() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let value = r#""StringEquals":{"kms:EncryptionContext:table":"users"}"#;
    allow_if(&us, key.id(), &format!("{{{value}}}"))
        .await
        .unwrap();
    assert!(is_allowed(&us, key.id(), &[("table", "users")]).await);
    assert!(is_allowed(&us, key.id(), &[("TABLE", "users")]).await);
    assert!(!is_allowed(&us, key.id(), &[("table", "Users")]).await);

    let names = r#""ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["table"]}"#;
    allow_if(&us, key.id(), &format!("{{{value},{names}}}"))
        .await
        .unwrap();
    assert!(is_allowed(&us, key.id(), &[("table", "users")]).await);
    assert!(!is_allowed(&us, key.id(), &[("TABLE", "users")]).await);
    assert!(!is_allowed(&us, key.id(), &[]).await);
}

#[tokio::test]
async fn tells_multi_region_keys_from_others() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let single = single_region_key(&us).await;
    for (wanted, of_single, of_multi) in [("true", false, true), ("false", true, false)] {
        let condition = format!(r#"{{"Bool":{{"kms:MultiRegion":{wanted}}}}}"#);
        for (key, allowed) in [(&*single, of_single), (key.id(), of_multi)] {
            allow_if(&us, key, &condition).await.unwrap();
            assert_eq!(is_allowed(&us, key, &[]).await, allowed, "{wanted} {key}");
        }
    }
}

#[tokio::test]
async fn takes_a_statement_for_the_keys_that_it_names() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let (own, other) = (key.arn(US), key.arn(EU));
    for (resource, allowed) in [
        (format!(r#""{own}""#), true),
        (format!(r#"["{other}","{own}"]"#), true),
        (format!(r#""{other}""#), false),
        (r#""arn:aws:kms:us-*:key/mrk-*""#.to_owned(), true),
        (r#""*""#.to_owned(), true),
        ("[]".to_owned(), false),
    ] {
        let policy = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"kms:*","Resource":{resource}}}}}"#
        );
        let put = us.put_key_policy().key_id(key.id()).policy(policy);
        put.send().await.unwrap();
        assert_eq!(is_allowed(&us, key.id(), &[]).await, allowed, "{resource}");
    }
}

#[tokio::test]
async fn refuses_conditions_that_it_could_only_misread() {
    let (cloud, key) = cloud_with_key().await;
    let us = cloud.kms(US);
    let malformed = Err("MalformedPolicyDocumentException".to_owned());
    let of_many = r#"{"StringEquals":{"kms:EncryptionContextKeys":["a"]}}"#;
    assert_eq!(allow_if(&us, key.id(), of_many).await, malformed);
    let unsupported = Err("UnsupportedOperationException".to_owned());
    for condition in [
        r#"{"ForAllValues:Null":{"kms:EncryptionContextKeys":"true"}}"#,
        r#"{"ForSomeValues:StringEquals":{"kms:EncryptionContextKeys":"a"}}"#,
        r#"{"StringEqualsIfExists":{"kms:EncryptionContext:a":"a"}}"#,
    ] {
        assert_eq!(
            allow_if(&us, key.id(), condition).await,
            unsupported,
            "{condition}"
        );
    }
    let not_resource = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","NotResource":"*"}}"#;
    let put = us.put_key_policy().key_id(key.id()).policy(not_resource);
    assert_eq!(code(put.send().await), "UnsupportedOperationException");
}
