//! Request shapes, checks of answers, allowances and refusals of the keyrings of asymmetric KMS keys, and
//! of plain discovery, without a network.

use serde_json::json;

use super::test_support::{
    Answer, FakeKms, KMS_CURVE, KMS_ECDH_KEY, Sealed, decrypt_rsa, entries, seal, seal_under,
    seal_with,
};
use super::{
    DiscoveryFilter, EcdhCurve, EncryptedDataKey, KeyBinding, Keyring, KeyringErrorKind,
    KmsDiscoveryKeyring, KmsEcdhKeyring, KmsKeyring, KmsMrkKeyring, KmsRsaKeyring, RawEcdhKeyring,
    RsaPadding,
};
use crate::crypto::ecdh::tests::{KeyPair, generate};
use crate::crypto::rsa::RsaPublicKey;
use crate::crypto::rsa::tests::{FIRST, SECOND};
use crate::suite::AlgorithmSuite::EcdsaP384;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd";
const OAEP: RsaPadding = RsaPadding::OaepSha256;

fn rsa_with(kms: &FakeKms, padding: RsaPadding) -> KmsRsaKeyring {
    let keyring = KmsRsaKeyring::new(KEY, padding, &kms.regions("eu-west-1", &[]));
    keyring.unwrap().public_key(&FIRST.public).unwrap()
}

fn rsa(kms: &FakeKms) -> KmsRsaKeyring {
    rsa_with(kms, OAEP)
}

fn ecdh(kms: &FakeKms, peer: &KeyPair) -> KmsEcdhKeyring {
    let (own, peer) = (&KMS_ECDH_KEY.public, &peer.public);
    let regions = kms.regions("eu-west-1", &[]);
    KmsEcdhKeyring::kms_private_key_to_static_public_key(KMS_CURVE, KEY, own, peer, &regions)
        .unwrap()
}

fn ecdh_discovery(kms: &FakeKms) -> KmsEcdhKeyring {
    let regions = kms.regions("eu-west-1", &[]);
    let own = &KMS_ECDH_KEY.public;
    KmsEcdhKeyring::kms_public_key_discovery(KMS_CURVE, KEY, own, &regions).unwrap()
}

fn discovery(kms: &FakeKms, fallbacks: &[&str]) -> KmsDiscoveryKeyring {
    let filter = DiscoveryFilter::new("aws", ["999900001111", "111122223333"]).unwrap();
    KmsDiscoveryKeyring::new(filter, &kms.regions("eu-west-1", fallbacks)).unwrap()
}

/// The kinds of all attempts.
async fn kinds(sealed: &Sealed, keyring: &dyn Keyring) -> Vec<KeyringErrorKind> {
    let error = sealed.refusal(keyring).await;
    assert_eq!(error.kind(), KeyringErrorKind::AllAttemptsFailed, "{error}");
    error
        .attempts()
        .iter()
        .map(super::KeyringError::kind)
        .collect()
}

const INVALID: [KeyringErrorKind; 1] = [KeyringErrorKind::InvalidEncryptedDataKey];
const BAD_ANSWER: [KeyringErrorKind; 1] = [KeyringErrorKind::InvalidResponse];

#[tokio::test]
async fn rsa_seals_without_a_call_and_opens_with_one_that_has_no_context() {
    for (padding, name) in [
        (RsaPadding::OaepSha1, "RSAES_OAEP_SHA_1"),
        (RsaPadding::OaepSha256, "RSAES_OAEP_SHA_256"),
    ] {
        let kms = FakeKms::default();
        let keyring = rsa_with(&kms, padding).grant_tokens(["one"]).unwrap();
        let sealed = seal(&keyring).await.unwrap();
        assert!(kms.calls().is_empty());
        let edk = &sealed.edks[0];
        assert_eq!(edk.provider_id(), "aws-kms-rsa");
        assert_eq!(edk.provider_info(), KEY.as_bytes());
        sealed.assert_opens(&keyring).await;
        let [call] = &kms.calls()[..] else {
            panic!("one call")
        };
        assert_eq!(call.target, "TrentService.Decrypt");
        let mut members: Vec<_> = call.body.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(
            members,
            [
                "CiphertextBlob",
                "EncryptionAlgorithm",
                "GrantTokens",
                "KeyId"
            ]
        );
        assert_eq!(call.body["EncryptionAlgorithm"], name);
        seal_with(&keyring, [].into())
            .await
            .unwrap()
            .assert_opens(&keyring)
            .await;
    }
}

#[tokio::test]
async fn rsa_neither_seals_nor_opens_under_a_signing_suite() {
    let kms = FakeKms::default();
    let refused = seal_under(EcdsaP384, &rsa(&kms), entries(&[])).await;
    let error = refused.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::UnsupportedSuite);
    let mut sealed = seal(&rsa(&kms)).await.unwrap();
    sealed.suite = EcdsaP384;
    assert_eq!(
        kinds(&sealed, &rsa(&kms)).await,
        [KeyringErrorKind::UnsupportedSuite]
    );
    assert!(kms.calls().is_empty());
}

#[tokio::test]
async fn rsa_without_its_public_key_opens_and_does_not_seal() {
    let kms = FakeKms::default();
    let reader = KmsRsaKeyring::new(KEY, OAEP, &kms.regions("eu-west-1", &[])).unwrap();
    seal(&rsa(&kms)).await.unwrap().assert_opens(&reader).await;
    let error = seal(&reader).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
    assert_eq!(error.key(), Some(KEY));
}

/// The digest in front is all that ties a key to its item.
#[tokio::test]
async fn rsa_refuses_the_key_of_another_item_and_plaintexts_of_another_length() {
    let kms = FakeKms::default();
    let mut moved = seal(&rsa(&kms)).await.unwrap();
    moved.context = seal_with(&rsa(&kms), [].into()).await.unwrap().context;
    assert_eq!(kinds(&moved, &rsa(&kms)).await, INVALID);

    let sealed = seal(&rsa(&kms)).await.unwrap();
    let digest = crate::crypto::hash::sha384(sealed.context.as_keyring_aad());
    for tail in [0, 31, 33] {
        let plaintext = [&digest[..], &vec![7; tail]].concat();
        kms.always(Answer::Changed(json!({"Plaintext": base64(&plaintext)})));
        assert_eq!(kinds(&sealed, &rsa(&kms)).await, INVALID);
    }
    let wrapped = sealed.edks[0].wrapped_intermediate_key().unwrap();
    let mut plaintext = decrypt_rsa("RSAES_OAEP_SHA_256", wrapped);
    kms.always(Answer::Changed(json!({"Plaintext": base64(&plaintext)})));
    sealed.assert_opens(&rsa(&kms)).await;
    plaintext[47] ^= 1;
    kms.always(Answer::Changed(json!({"Plaintext": base64(&plaintext)})));
    assert_eq!(kinds(&sealed, &rsa(&kms)).await, INVALID);
    kms.always(Answer::Changed(
        json!({"Plaintext": base64(&plaintext[48..])}),
    ));
    assert_eq!(kinds(&sealed, &rsa(&kms)).await, INVALID);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn rsa_refuses_answers_of_another_key_algorithm_or_nothing() {
    let kms = FakeKms::default();
    let sealed = seal(&rsa(&kms)).await.unwrap();
    for changed in [
        json!({"KeyId": KEY.replace("abcd", "abce")}),
        json!({"KeyId": null}),
        json!({"EncryptionAlgorithm": "RSAES_OAEP_SHA_1"}),
        json!({"EncryptionAlgorithm": null}),
        json!({"Plaintext": null}),
        json!({"CiphertextForRecipient": "AAAA"}),
    ] {
        kms.always(Answer::Changed(changed));
        assert_eq!(kinds(&sealed, &rsa(&kms)).await, BAD_ANSWER);
    }
    kms.always(Answer::Error(400, "InvalidCiphertextException"));
    assert_eq!(
        kinds(&sealed, &rsa(&kms)).await,
        [KeyringErrorKind::InvalidCiphertext]
    );
}

#[tokio::test]
async fn rsa_goes_on_behind_foreign_and_broken_keys_within_four_calls() {
    let kms = FakeKms::default();
    let sealed = async || seal(&rsa(&kms)).await.unwrap();
    let foreign = sealed().await.with_info(0, KEY.replace("abcd", "abce"));
    foreign.assert_not_mine(&rsa(&kms)).await;
    assert!(kms.calls().is_empty());
    let mut many = sealed().await;
    let empty = EncryptedDataKey::new("aws-kms-rsa".into(), KEY.into(), vec![0; 48]);
    many.edks.splice(0..0, foreign.edks);
    many.edks.insert(1, empty);
    for _ in 0..3 {
        let broken = sealed().await.with_wrapped(0, |wrapped| wrapped[9] ^= 1);
        many.edks.splice(2..2, broken.edks);
    }
    assert_eq!(many.assert_opens(&rsa(&kms)).await, 5);
    assert_eq!(kms.calls().len(), 4);
    let broken = sealed().await.with_wrapped(0, |wrapped| wrapped[9] ^= 1);
    many.edks.splice(2..2, broken.edks);
    let mut expected = vec![KeyringErrorKind::InvalidEncryptedDataKey; 5];
    expected.push(KeyringErrorKind::NotTried);
    assert_eq!(kinds(&many, &rsa(&kms)).await, expected);
}

#[test]
fn rsa_refuses_configurations_that_cannot_work() {
    let kms = FakeKms::default();
    let regions = kms.regions("eu-west-1", &[]);
    for padding in [
        RsaPadding::Pkcs1,
        RsaPadding::OaepSha384,
        RsaPadding::OaepSha512,
    ] {
        let error = KmsRsaKeyring::new(KEY, padding, &regions).unwrap_err();
        assert!(error.to_string().contains("use OaepSha256"));
    }
    assert!(KmsRsaKeyring::new("alias/app", OAEP, &regions).is_err());
    let elsewhere = KEY.replace("eu-west-1", "us-east-1");
    assert!(KmsRsaKeyring::new(elsewhere, OAEP, &regions).is_err());
    let keyring = KmsRsaKeyring::new(KEY, OAEP, &regions).unwrap();
    assert!(keyring.clone().public_key(&SECOND.private).is_err());
    assert!(keyring.clone().grant_tokens([""]).is_err());
    assert_eq!(keyring.binding(), KeyBinding::PublicKey);
    assert_eq!(
        format!("{:?}", keyring.grant_tokens(["secret"]).unwrap()),
        format!(
            r#"KmsRsaKeyring {{ key_arn: "{KEY}", padding: OaepSha256, can_encrypt: false, .. }}"#
        )
    );
    assert!(RsaPublicKey::from_der(&SECOND.public).is_some());
}

#[tokio::test]
async fn ecdh_sends_the_peers_public_key_and_no_context() {
    let kms = FakeKms::default();
    let bob = generate(KMS_CURVE);
    let keyring = ecdh(&kms, &bob).grant_tokens(["one"]).unwrap();
    let sealed = seal(&keyring).await.unwrap();
    assert_eq!(sealed.edks[0].provider_id(), "aws-kms-ecdh");
    sealed.assert_opens(&keyring).await;
    let calls = kms.calls();
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!(call.target, "TrentService.DeriveSharedSecret");
        assert_eq!(
            call.body,
            json!({
                "KeyId": KEY,
                "KeyAgreementAlgorithm": "ECDH",
                "PublicKey": base64(&bob.public),
                "GrantTokens": ["one"],
            })
        );
    }
}

#[tokio::test]
async fn ecdh_agrees_with_a_party_that_holds_its_own_key() {
    let kms = FakeKms::default();
    let bob = generate(KMS_CURVE);
    let (bobs, kmss) = (&bob.private, &KMS_ECDH_KEY.public);
    let fixed = RawEcdhKeyring::raw_private_key_to_static_public_key(KMS_CURVE, bobs, kmss);
    let (fixed, keyring) = (fixed.unwrap(), ecdh(&kms, &bob));
    seal(&keyring).await.unwrap().assert_opens(&fixed).await;
    let from_bob = seal(&fixed).await.unwrap();
    from_bob.assert_opens(&keyring).await;
    from_bob.assert_opens(&ecdh_discovery(&kms)).await;
    let ephemeral =
        RawEcdhKeyring::ephemeral_private_key_to_static_public_key(KMS_CURVE, kmss).unwrap();
    let from_anybody = seal(&ephemeral).await.unwrap();
    from_anybody.assert_opens(&ecdh_discovery(&kms)).await;
    from_anybody.assert_not_mine(&keyring).await;
    let to_bob = seal(&keyring).await.unwrap();
    kms.forget();
    to_bob.assert_not_mine(&ecdh_discovery(&kms)).await;
    assert!(kms.calls().is_empty());
    let error = seal(&ecdh_discovery(&kms)).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
}

#[tokio::test]
async fn ecdh_refuses_answers_of_another_key_length_or_nothing() {
    let kms = FakeKms::default();
    let keyring = ecdh(&kms, &generate(KMS_CURVE));
    let sealed = seal(&keyring).await.unwrap();
    for changed in [
        json!({"KeyId": KEY.replace("abcd", "abce")}),
        json!({"KeyAgreementAlgorithm": null}),
        json!({"SharedSecret": base64(&[7; 47])}),
        json!({"SharedSecret": base64(&[7; 49])}),
        json!({"SharedSecret": null}),
        json!({"CiphertextForRecipient": "AAAA"}),
    ] {
        kms.always(Answer::Changed(changed));
        assert_eq!(kinds(&sealed, &keyring).await, BAD_ANSWER);
        assert_eq!(seal(&keyring).await.err().unwrap().kind(), BAD_ANSWER[0]);
    }
    kms.always(Answer::Changed(json!({"SharedSecret": base64(&[7; 48])})));
    assert_eq!(kinds(&sealed, &keyring).await, INVALID);
    kms.always(Answer::Error(400, "AccessDeniedException"));
    assert_eq!(kinds(&sealed, &keyring).await, [KeyringErrorKind::Denied]);
}

#[tokio::test]
async fn ecdh_asks_four_times_at_most_and_not_for_what_cannot_open() {
    let kms = FakeKms::default();
    let reader = ecdh_discovery(&kms);
    let bob = generate(KMS_CURVE);
    let bobs = RawEcdhKeyring::raw_private_key_to_static_public_key(
        KMS_CURVE,
        &bob.private,
        &KMS_ECDH_KEY.public,
    );
    let bobs = bobs.unwrap();
    let mut sealed = seal(&bobs).await.unwrap().with_wrapped(0, Vec::clear);
    let off_curve = seal(&bobs).await.unwrap();
    let mut info = off_curve.edks[0].provider_info().to_vec();
    info[59..].fill(0xff);
    info[58] = 2;
    sealed.edks.extend(off_curve.with_info(0, info).edks);
    assert_eq!(kinds(&sealed, &reader).await, [INVALID[0]; 2]);
    assert!(kms.calls().is_empty());
    for _ in 0..3 {
        let broken = seal(&bobs).await.unwrap();
        sealed
            .edks
            .extend(broken.with_wrapped(0, |wrapped| wrapped[70] ^= 1).edks);
    }
    let mut good = seal(&bobs).await.unwrap();
    good.edks.splice(0..0, sealed.edks);
    assert_eq!(good.assert_opens(&reader).await, 5);
    assert_eq!(kms.calls().len(), 4);
    let broken = seal(&bobs).await.unwrap();
    good.edks.splice(
        0..0,
        broken.with_wrapped(0, |wrapped| wrapped[70] ^= 1).edks,
    );
    assert_eq!(
        kinds(&good, &reader).await.last(),
        Some(&KeyringErrorKind::NotTried)
    );
}

#[test]
fn ecdh_refuses_configurations_that_cannot_work() {
    let kms = FakeKms::default();
    let regions = kms.regions("eu-west-1", &[]);
    let new = |curve, key: &str, own: &[u8], peer: &[u8]| {
        KmsEcdhKeyring::kms_private_key_to_static_public_key(curve, key, own, peer, &regions)
    };
    let (own, p256) = (&KMS_ECDH_KEY.public, generate(EcdhCurve::P256));
    assert!(new(KMS_CURVE, KEY, own, own).is_ok());
    assert!(new(KMS_CURVE, "alias/app", own, own).is_err());
    assert!(new(KMS_CURVE, &KEY.replace("eu-west-1", "us-east-1"), own, own).is_err());
    assert!(new(KMS_CURVE, KEY, own, &p256.public).is_err());
    assert!(new(KMS_CURVE, KEY, &p256.public, own).is_err());
    assert_eq!(ecdh_discovery(&kms).binding(), KeyBinding::PublicKey);
    assert_eq!(
        ecdh(&kms, &KMS_ECDH_KEY).binding(),
        KeyBinding::SharedSecret
    );
    assert_eq!(
        format!(
            "{:?}",
            ecdh_discovery(&kms).grant_tokens(["secret"]).unwrap()
        ),
        format!(
            r#"KmsEcdhKeyring {{ curve: P384, scheme: "KmsPublicKeyDiscovery", key_arn: "{KEY}", .. }}"#
        )
    );
}

#[tokio::test]
async fn discovery_takes_arns_literally_within_accounts_and_regions() {
    let kms = FakeKms::default();
    let regions = kms.regions("us-east-1", &["eu-west-1"]);
    let elsewhere = KEY
        .replace("eu-west-1", "us-east-1")
        .replace("111122223333", "999900001111");
    let mrk = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
    for keyring in [
        &KmsKeyring::new(KEY, &regions).unwrap() as &dyn Keyring,
        &KmsKeyring::new(&elsewhere, &regions).unwrap(),
        &KmsMrkKeyring::new(mrk, &regions).unwrap(),
    ] {
        let sealed = seal(keyring).await.unwrap();
        kms.forget();
        sealed.assert_opens(&discovery(&kms, &["us-east-1"])).await;
        let [call] = &kms.calls()[..] else {
            panic!("one call")
        };
        assert_eq!(
            call.body["KeyId"].as_str().unwrap().as_bytes(),
            sealed.edks[0].provider_info()
        );
    }
}

#[tokio::test]
async fn discovery_asks_for_nothing_outside_its_filter_and_region_set() {
    let kms = FakeKms::default();
    let single = KmsKeyring::new(KEY, &kms.regions("eu-west-1", &[])).unwrap();
    let mut sealed = seal(&single).await.unwrap();
    kms.forget();
    let refused = [
        KEY.replace("eu-west-1", "us-east-1"),
        KEY.replace("eu-west-1", "us-east-1")
            .replace("1234abcd", "mrk-1234"),
        KEY.replace("111122223333", "222233334444"),
        KEY.replace("arn:aws:", "arn:aws-cn:"),
        "alias/app".into(),
    ];
    for info in refused {
        sealed = sealed.with_info(0, info);
        sealed
            .assert_not_mine(&discovery(&kms, &["us-west-2"]))
            .await;
    }
    assert!(kms.calls().is_empty());
    let foreign = EncryptedDataKey::new("other".into(), b"\xff".to_vec(), vec![0; 90]);
    let mut good = seal(&single).await.unwrap();
    good.edks.splice(0..0, sealed.edks);
    good.edks.insert(0, foreign);
    assert_eq!(good.assert_opens(&discovery(&kms, &[])).await, 2);
}

#[tokio::test]
async fn discovery_never_seals_and_wants_a_filter_of_its_partition() {
    let kms = FakeKms::default();
    let error = seal(&discovery(&kms, &[])).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
    let filter = DiscoveryFilter::new("aws-cn", ["111122223333"]).unwrap();
    assert!(KmsDiscoveryKeyring::new(filter, &kms.regions("eu-west-1", &[])).is_err());
    let [used] = &discovery(&kms, &["us-east-1"]).kms_keys()[..] else {
        panic!("one use")
    };
    assert!(used.discovery_filter().is_some() && !used.can_encrypt());
    assert_eq!(
        used.regions().collect::<Vec<_>>(),
        ["eu-west-1", "us-east-1"]
    );
}
