//! Request shapes, checks of answers, budgets and errors of the KMS keyrings, without a network.

use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyError;
use serde_json::json;

use super::test_support::{Answer, FakeKms, Sealed, entries, seal, seal_with};
use super::{
    DiscoveryFilter, EncryptedDataKey, KeyringError, KeyringErrorKind, KmsKeyring,
    KmsMrkDiscoveryKeyring, KmsMrkKeyring,
};
use crate::region::KmsFallback;

const US: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
const EU: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";
const SINGLE: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";

fn mrk(kms: &FakeKms) -> KmsMrkKeyring {
    KmsMrkKeyring::new(US, &kms.regions("eu-west-1", &[])).unwrap()
}

fn single(kms: &FakeKms) -> KmsKeyring {
    KmsKeyring::new(SINGLE, &kms.regions("eu-west-1", &[])).unwrap()
}

fn discovery(kms: &FakeKms) -> KmsMrkDiscoveryKeyring {
    let filter = DiscoveryFilter::new("aws", ["999900001111", "111122223333"]).unwrap();
    KmsMrkDiscoveryKeyring::new(filter, &kms.regions("eu-west-1", &[])).unwrap()
}

fn only_attempt(error: &KeyringError) -> &KeyringError {
    assert_eq!(error.kind(), KeyringErrorKind::AllAttemptsFailed);
    assert_eq!(error.attempts().len(), 1, "{error}");
    &error.attempts()[0]
}

#[tokio::test]
async fn sends_exactly_the_request_shapes_of_the_specification() {
    let kms = FakeKms::default();
    let sealed = seal(&mrk(&kms)).await.unwrap();
    sealed.assert_opens(&mrk(&kms)).await;
    let [generate, decrypt] = &kms.calls()[..] else {
        panic!("two calls")
    };
    let context = json!({"table": "t", "tenant": "acme"});
    assert_eq!(generate.target, "TrentService.GenerateDataKey");
    assert_eq!(generate.host, "kms.eu-west-1.amazonaws.com");
    assert_eq!(
        generate.body,
        json!({"KeyId": EU, "NumberOfBytes": 32, "EncryptionContext": context})
    );
    assert_eq!(decrypt.target, "TrentService.Decrypt");
    assert_eq!(decrypt.host, "kms.eu-west-1.amazonaws.com");
    let blob = "+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pg=";
    assert_eq!(
        decrypt.body,
        json!({"KeyId": EU, "CiphertextBlob": blob, "EncryptionContext": context})
    );
    let [edk] = &sealed.edks[..] else {
        panic!("one recipient")
    };
    assert_eq!(edk.provider_id(), "aws-kms");
    assert_eq!(edk.provider_info(), EU.as_bytes());
    assert_eq!(edk.wrapped_intermediate_key(), Some(&[!7; 32][..]));
}

#[tokio::test]
async fn sends_grant_tokens_with_both_requests_and_bounds_them() {
    let kms = FakeKms::default();
    let keyring = mrk(&kms).grant_tokens(["one", "two"]).unwrap();
    let sealed = seal(&keyring).await.unwrap();
    sealed.assert_opens(&keyring).await;
    for call in kms.calls() {
        assert_eq!(call.body["GrantTokens"], json!(["one", "two"]));
    }
    assert!(!format!("{keyring:?}").contains("two"));
    assert!(mrk(&kms).grant_tokens(["x"; 10]).is_ok());
    assert!(mrk(&kms).grant_tokens(["x"; 11]).is_err());
    assert!(mrk(&kms).grant_tokens([""]).is_err());
    assert!(mrk(&kms).grant_tokens(["x".repeat(8192)]).is_ok());
    assert!(mrk(&kms).grant_tokens(["x".repeat(8193)]).is_err());
}

#[tokio::test]
async fn shares_a_request_with_its_clones_and_not_with_other_grant_tokens() {
    let kms = FakeKms::default();
    let keyring = mrk(&kms);
    let sealed = seal(&keyring).await.unwrap();
    kms.forget();
    let clone = keyring.clone();
    tokio::join!(sealed.assert_opens(&keyring), sealed.assert_opens(&clone));
    assert_eq!(kms.calls().len(), 1);

    kms.forget();
    let by_leave = keyring.clone().grant_tokens(["one"]).unwrap();
    let elsewhere = keyring.clone().fallback(KmsFallback::on_unavailable());
    tokio::join!(
        sealed.assert_opens(&keyring),
        sealed.assert_opens(&by_leave),
        sealed.assert_opens(&elsewhere),
    );
    assert_eq!(kms.calls().len(), 3);
}

#[tokio::test]
async fn opens_what_another_region_wrote_through_the_local_replica() {
    let kms = FakeKms::default();
    let there = KmsMrkKeyring::new(US, &kms.regions("us-east-1", &[])).unwrap();
    let sealed = seal(&there).await.unwrap();
    assert_eq!(sealed.edks[0].provider_info(), US.as_bytes());
    sealed.assert_opens(&mrk(&kms)).await;
    sealed.assert_opens(&discovery(&kms)).await;
    for call in &kms.calls()[1..] {
        assert_eq!(call.body["KeyId"], EU);
        assert_eq!(call.host, "kms.eu-west-1.amazonaws.com");
    }
}

#[tokio::test]
async fn refuses_answers_that_kms_does_not_promise() {
    let kms = FakeKms::default();
    let sealed = seal(&mrk(&kms)).await.unwrap();
    let wrong = [
        json!({"KeyId": US}),
        json!({"KeyId": null}),
        json!({"KeyId": "mrk-1234"}),
        json!({"Plaintext": "AAAA"}),
        json!({"Plaintext": "A".repeat(44)}),
        json!({"Plaintext": null}),
        json!({"CiphertextForRecipient": "AAAA"}),
    ];
    for change in wrong {
        kms.always(Answer::Changed(change.clone()));
        let error = seal(&mrk(&kms)).await.err().unwrap();
        assert_eq!(error.kind(), KeyringErrorKind::InvalidResponse, "{change}");
        assert_eq!((error.key(), error.region()), (Some(EU), Some("eu-west-1")));
        let error = sealed.refusal(&mrk(&kms)).await;
        let error = only_attempt(&error);
        assert_eq!(error.kind(), KeyringErrorKind::InvalidResponse, "{change}");
    }
    for change in [
        json!({"CiphertextBlob": null}),
        json!({"CiphertextBlob": ""}),
    ] {
        kms.always(Answer::Changed(change));
        let error = seal(&mrk(&kms)).await.err().unwrap();
        assert_eq!(error.kind(), KeyringErrorKind::InvalidResponse);
    }
}

/// The SDK's error for it prints the body, which may hold the key.
#[tokio::test]
async fn drops_a_successful_answer_that_cannot_be_read() {
    let kms = FakeKms::default();
    kms.always(Answer::Text(r#"{"Plaintext":"c2VjcmV0","KeyId":7"#));
    let error = seal(&mrk(&kms)).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::InvalidResponse);
    assert!(std::error::Error::source(&error).is_none());
}

#[tokio::test]
async fn keeps_the_typed_error_of_the_sdk() {
    let kms = FakeKms::default();
    let sealed = seal(&mrk(&kms)).await.unwrap();
    kms.always(Answer::Error(400, "DisabledException"));
    let error = seal(&mrk(&kms)).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::Disabled);
    let sdk = error.sdk::<SdkError<GenerateDataKeyError>>().unwrap();
    assert!(sdk.as_service_error().unwrap().is_disabled_exception());
    let error = sealed.refusal(&mrk(&kms)).await;
    assert!(error.is_refusal());
    let sdk = error.sdk::<SdkError<DecryptError>>().unwrap();
    assert!(sdk.as_service_error().unwrap().is_disabled_exception());
    assert_eq!(
        error.to_string(),
        format!(
            "kms-mrk: every attempt failed: kms-mrk {EU} in eu-west-1: key is disabled or pending deletion"
        )
    );
}

#[tokio::test]
async fn classes_the_faults_that_kms_answers_with() {
    use KeyringErrorKind as Kind;
    let kms = FakeKms::default();
    let sealed = seal(&mrk(&kms)).await.unwrap();
    let table = [
        (Answer::Refused, Kind::Unavailable),
        (
            Answer::Error(500, "KMSInternalException"),
            Kind::Unavailable,
        ),
        (
            Answer::Error(500, "DependencyTimeoutException"),
            Kind::Unavailable,
        ),
        (
            Answer::Error(500, "KeyUnavailableException"),
            Kind::Unavailable,
        ),
        (Answer::Error(503, "SomethingNew"), Kind::Unavailable),
        (Answer::Error(400, "ThrottlingException"), Kind::Throttled),
        (Answer::Error(400, "RequestLimitExceeded"), Kind::Throttled),
        (
            Answer::Error(400, "LimitExceededException"),
            Kind::Throttled,
        ),
        (Answer::Error(400, "AccessDeniedException"), Kind::Denied),
        (Answer::Error(400, "DisabledException"), Kind::Disabled),
        (
            Answer::Error(400, "KMSInvalidStateException"),
            Kind::Disabled,
        ),
        (
            Answer::Error(400, "NotFoundException"),
            Kind::ReplicaMissing,
        ),
        (Answer::Error(400, "IncorrectKeyException"), Kind::WrongKey),
        (
            Answer::Error(400, "InvalidCiphertextException"),
            Kind::InvalidCiphertext,
        ),
        (
            Answer::Error(400, "InvalidGrantTokenException"),
            Kind::Caller,
        ),
        (Answer::Error(400, "InvalidKeyUsageException"), Kind::Caller),
        (Answer::Error(400, "ValidationException"), Kind::Caller),
        (Answer::Error(400, "ExpiredTokenException"), Kind::Caller),
        (Answer::Error(400, "SomethingNew"), Kind::Caller),
    ];
    for (answer, kind) in table {
        kms.always(answer.clone());
        let error = sealed.refusal(&mrk(&kms)).await;
        assert_eq!(only_attempt(&error).kind(), kind, "{answer:?}");
    }
}

#[tokio::test]
async fn takes_missing_credentials_for_the_callers_mistake() {
    let kms = FakeKms::default();
    let mut config = kms.sdk_config();
    config.set_credentials_provider(None);
    let regions = crate::RegionSet::builder(&config.build()).local("eu-west-1");
    let keyring = KmsMrkKeyring::new(US, &regions.build().unwrap()).unwrap();
    let error = seal(&keyring).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::Caller);
    assert!(kms.calls().is_empty());
}

#[tokio::test]
async fn says_that_a_single_region_key_is_missing_not_its_replica() {
    let kms = FakeKms::default();
    kms.always(Answer::Error(400, "NotFoundException"));
    let error = seal(&single(&kms)).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::Caller);
}

#[tokio::test]
async fn makes_at_most_four_calls_for_an_item_and_lists_the_rest_as_not_tried() {
    let kms = FakeKms::default();
    let mut sealed = seal(&mrk(&kms)).await.unwrap();
    let broken = EncryptedDataKey::new("aws-kms".into(), EU.into(), vec![0; 20]);
    let foreign = EncryptedDataKey::new("other".into(), b"\xff".to_vec(), vec![0; 90]);
    let edk = sealed.edks.remove(0);
    sealed.edks = vec![foreign, broken];
    sealed.edks.extend(vec![edk; 6]);
    kms.always(Answer::Error(400, "InvalidCiphertextException"));
    let error = sealed.refusal(&mrk(&kms)).await;
    assert_eq!(kms.calls().len(), 1 + 4);
    let kinds: Vec<_> = error.attempts().iter().map(KeyringError::kind).collect();
    let mut expected = vec![KeyringErrorKind::InvalidEncryptedDataKey];
    expected.extend([KeyringErrorKind::InvalidCiphertext; 4]);
    expected.extend([KeyringErrorKind::NotTried; 2]);
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn goes_on_to_the_next_encrypted_data_key_after_a_failure() {
    let kms = FakeKms::default();
    let mut sealed = seal(&mrk(&kms)).await.unwrap();
    let garbage = EncryptedDataKey::new("aws-kms".into(), US.into(), vec![1; 80]);
    sealed.edks.insert(0, garbage);
    kms.then([Some(Answer::Error(400, "InvalidCiphertextException")), None]);
    assert_eq!(sealed.assert_opens(&mrk(&kms)).await, 1);
}

#[tokio::test]
async fn recognises_its_own_key_only() {
    let kms = FakeKms::default();
    let foreign = [
        EU.replace("mrk-1234", "mrk-9"),
        EU.replace("111122223333", "000000000000"),
        EU.replace("arn:aws:", "arn:aws-cn:"),
        SINGLE.into(),
        "no arn".into(),
    ];
    for info in foreign {
        let sealed = seal(&mrk(&kms)).await.unwrap();
        let sealed = sealed.with_info(0, info);
        sealed.assert_not_mine(&mrk(&kms)).await;
    }
    let sealed = seal(&single(&kms)).await.unwrap();
    sealed.assert_opens(&single(&kms)).await;
    let other_region = SINGLE.replace("eu-west-1", "us-east-1");
    let sealed = sealed.with_info(0, other_region);
    sealed.assert_not_mine(&single(&kms)).await;
}

#[test]
fn refuses_keys_that_cannot_work_and_says_what_to_use() {
    let kms = FakeKms::default();
    let regions = kms.regions("eu-west-1", &[]);
    let mrk = |arn: &str| KmsMrkKeyring::new(arn, &regions).unwrap_err().to_string();
    let single = |arn: &str| KmsKeyring::new(arn, &regions).unwrap_err().to_string();
    let alias = "arn:aws:kms:eu-west-1:111122223333:alias/app";
    for error in [
        mrk(alias),
        mrk("alias/app"),
        single(alias),
        single("1234abcd"),
    ] {
        assert!(error.contains("use the key ARN"), "{error}");
    }
    assert!(mrk(SINGLE).contains("KmsKeyring"));
    assert!(mrk("arn:aws-cn:kms:cn-north-1:1:key/mrk-1").contains("partition"));
    let outside = single(&SINGLE.replace("eu-west-1", "us-east-1"));
    assert!(
        outside.contains("outside the region set [\"eu-west-1\"]"),
        "{outside}"
    );
}

#[test]
fn discovery_cannot_be_built_without_a_real_filter() {
    assert!(DiscoveryFilter::new("aws", Vec::<String>::new()).is_err());
    assert!(DiscoveryFilter::new("aws", ["1111"]).is_err());
    assert!(DiscoveryFilter::new("", ["111122223333"]).is_err());
    let regions = FakeKms::default().regions("eu-west-1", &[]);
    let filter = DiscoveryFilter::new("aws-cn", ["111122223333"]).unwrap();
    assert!(KmsMrkDiscoveryKeyring::new(filter, &regions).is_err());
}

#[tokio::test]
async fn discovery_opens_but_never_seals() {
    let kms = FakeKms::default();
    let error = seal(&discovery(&kms)).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
    let sealed = seal(&single(&kms)).await.unwrap();
    sealed.assert_opens(&discovery(&kms)).await;
}

#[tokio::test]
async fn discovery_asks_for_nothing_outside_its_filter_and_region() {
    let kms = FakeKms::default();
    let sealed = async || -> Sealed { seal(&single(&kms)).await.unwrap() };
    let refused = [
        SINGLE.replace("eu-west-1", "us-east-1"),
        SINGLE.replace("111122223333", "222233334444"),
        EU.replace("111122223333", "222233334444"),
        EU.replace("arn:aws:", "arn:aws-cn:"),
        "alias/app".into(),
    ];
    for info in refused {
        let sealed = sealed().await.with_info(0, info);
        sealed.assert_not_mine(&discovery(&kms)).await;
    }
    assert_eq!(kms.calls().len(), 5, "only those that sealed");
}

#[tokio::test]
async fn sends_no_encryption_context_for_an_empty_one() {
    let kms = FakeKms::default();
    seal_with(&mrk(&kms), entries(&[])).await.unwrap();
    assert!(kms.calls()[0].body.get("EncryptionContext").is_none());
}
