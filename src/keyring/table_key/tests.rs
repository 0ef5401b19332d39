//! Requests, refusals, limits and what is kept, without a network.

#[cfg(feature = "testkit")]
mod forgery;

use serde_json::json;

use super::*;
use crate::keyring::Unwrapped;
use crate::keyring::test_support::{Answer, Call, FakeKms, Sealed, entries, seal_with};

const US: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
const EU: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234";

const ITEM: &[(&str, &str)] = &[
    ("aws-crypto-attr.tenant", "acme"),
    ("aws-crypto-legend", "S"),
    ("aws-crypto-table-name", "customers"),
];

fn builder(kms: &FakeKms) -> TableKeyKeyringBuilder {
    TableKeyKeyring::builder(US, &kms.regions("eu-west-1", &["us-east-1"]))
}

fn keyring(kms: &FakeKms) -> TableKeyKeyring {
    builder(kms).build().unwrap()
}

async fn seal(keyring: &TableKeyKeyring) -> Result<Sealed, KeyringError> {
    seal_with(keyring, entries(ITEM)).await
}

fn targets(kms: &FakeKms) -> Vec<String> {
    let target = |call: Call| call.target.trim_start_matches("TrentService.").to_owned();
    kms.calls().into_iter().map(target).collect()
}

fn only_kind(error: &KeyringError) -> KeyringErrorKind {
    assert_eq!(error.kind(), KeyringErrorKind::AllAttemptsFailed);
    assert_eq!(error.attempts().len(), 1, "{error}");
    error.attempts()[0].kind()
}

#[tokio::test]
async fn sends_exactly_the_request_shapes_of_the_format() {
    let kms = FakeKms::default();
    let keyring = builder(&kms)
        .tenant_attribute("tenant")
        .grant_tokens(["token"])
        .build()
        .unwrap();
    let sealed = seal(&keyring).await.unwrap();
    sealed.assert_opens(&keyring).await;
    let [edk] = &sealed.edks[..] else {
        panic!("one recipient")
    };
    assert_eq!(edk.provider_id(), "dynaseal-table-key");
    assert_eq!(edk.provider_info(), EU.as_bytes());
    let body = edk.wrapped_intermediate_key().unwrap();
    assert_eq!(body.len(), 99 + 32);
    let id = table_key_id(edk).unwrap().to_string();

    let [generate, decrypt] = &kms.calls()[..] else {
        panic!("two calls")
    };
    let context = json!({
        "aws-crypto-table-name": "customers",
        "dynaseal-purpose": "table-key/1",
        "dynaseal-table-key-id": id,
        "dynaseal-tenant": "acme",
    });
    assert_eq!(generate.target, "TrentService.GenerateDataKey");
    let expected = json!({
        "KeyId": EU, "NumberOfBytes": 32, "EncryptionContext": context, "GrantTokens": ["token"],
    });
    assert_eq!(generate.body, expected);
    assert_eq!(decrypt.target, "TrentService.Decrypt");
    let blob = "+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pg=";
    let expected = json!({
        "KeyId": EU, "CiphertextBlob": blob, "EncryptionContext": context, "GrantTokens": ["token"],
    });
    assert_eq!(decrypt.body, expected);
}

#[tokio::test]
async fn keeps_the_keys_of_sealing_and_opening_apart() {
    let kms = FakeKms::default();
    let keyring = keyring(&kms);
    let first = seal(&keyring).await.unwrap();
    let second = seal(&keyring).await.unwrap();
    assert_eq!(targets(&kms), ["GenerateDataKey"]);
    assert_eq!(table_key_id(&first.edks[0]), table_key_id(&second.edks[0]));
    first.assert_opens(&keyring).await;
    second.assert_opens(&keyring.clone()).await;
    assert_eq!(targets(&kms), ["GenerateDataKey", "Decrypt"]);
    keyring.flush();
    first.assert_opens(&keyring).await;
    let third = seal(&keyring).await.unwrap();
    assert_ne!(table_key_id(&first.edks[0]), table_key_id(&third.edks[0]));
    let expected = ["GenerateDataKey", "Decrypt", "Decrypt", "GenerateDataKey"];
    assert_eq!(targets(&kms), expected);
}

#[tokio::test]
async fn has_other_keys_for_other_tenants_and_tables() {
    let kms = FakeKms::default();
    let keyring = builder(&kms).tenant_attribute("tenant").build().unwrap();
    let id = async |table, tenant| {
        let item = [
            ("aws-crypto-attr.tenant", tenant),
            ("aws-crypto-legend", "S"),
            ("aws-crypto-table-name", table),
        ];
        let sealed = seal_with(&keyring, entries(&item)).await.unwrap();
        table_key_id(&sealed.edks[0]).unwrap()
    };
    let ids = [
        id("customers", "acme").await,
        id("customers", "other").await,
        id("orders", "acme").await,
    ];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    assert_eq!(id("customers", "acme").await, ids[0]);
    assert_eq!(kms.calls().len(), 3);
}

#[tokio::test]
async fn takes_a_new_key_after_so_many_items() {
    let kms = FakeKms::default();
    let keyring = builder(&kms).max_items_per_key(3).build().unwrap();
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(table_key_id(&seal(&keyring).await.unwrap().edks[0]).unwrap());
    }
    assert!(ids.chunks(3).all(|of| of.iter().all(|id| *id == of[0])));
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert_eq!(kms.calls().len(), 3);
}

#[tokio::test]
async fn asks_kms_once_more_for_nothing_that_does_not_unwrap() {
    let kms = FakeKms::default();
    let keyring = keyring(&kms);
    let sealed = seal(&keyring).await.unwrap();
    kms.forget();
    // The salt, the ciphertext, the tag: cold, hot, hot.
    for at in [17, 49, 96] {
        let sealed = seal(&keyring).await.unwrap();
        let changed = sealed.with_wrapped(0, |body| body[at] ^= 1);
        let error = changed.refusal(&keyring).await;
        assert_eq!(only_kind(&error), KeyringErrorKind::InvalidEncryptedDataKey);
        assert_eq!(targets(&kms), ["Decrypt"], "byte {at}");
    }
    sealed.assert_opens(&keyring).await;
    assert_eq!(targets(&kms), ["Decrypt"]);
}

#[tokio::test]
async fn tells_an_unknown_version_and_asks_nobody() {
    let kms = FakeKms::default();
    let keyring = keyring(&kms);
    let sealed = seal(&keyring).await.unwrap();
    kms.forget();
    let sealed = sealed.with_wrapped(0, |body| body[0] = 2);
    let error = sealed.refusal(&keyring).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::UnknownVersion);
    let sealed = sealed.with_wrapped(0, |body| {
        body[0] = 1;
        body.push(0);
    });
    let error = sealed.refusal(&keyring).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::InvalidEncryptedDataKey);
    assert_eq!(table_key_id(&sealed.edks[0]), None);
    assert!(kms.calls().is_empty());
}

#[tokio::test]
async fn recognises_every_replica_of_its_key_and_no_other_key() {
    let kms = FakeKms::default();
    let keyring = keyring(&kms);
    let sealed = seal(&keyring).await.unwrap();
    let sealed = sealed.with_info(0, US);
    sealed.assert_opens(&keyring).await;
    kms.forget();
    let mut sealed = sealed;
    for other in [
        &*US.replace("1234", "1235"),
        &US.replace("1111", "9999"),
        &US.replace("arn:aws:", "arn:aws-cn:"),
        "alias/customers",
        "",
    ] {
        sealed = sealed.with_info(0, other);
        sealed.assert_not_mine(&keyring).await;
    }
    sealed = sealed.with_info(0, [0xff; 4]);
    sealed.assert_not_mine(&keyring).await;
    assert!(kms.calls().is_empty());
}

#[tokio::test]
async fn asks_nobody_about_an_item_without_its_tenant_or_with_another() {
    let kms = FakeKms::default();
    let plain = keyring(&kms);
    let tenants = builder(&kms).tenant_attribute("tenant").build().unwrap();
    let version_1 = [
        ("aws-crypto-attr.tenant", "AAFhY21l"),
        ("aws-crypto-table-name", "customers"),
    ];
    let sealed = seal_with(&plain, entries(&version_1)).await.unwrap();
    kms.forget();
    let error = sealed.refusal(&tenants).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::NoTenant);
    let error = seal_with(&tenants, entries(&version_1)).await.err();
    assert_eq!(error.unwrap().kind(), KeyringErrorKind::NoTenant);

    let sealed = seal(&tenants).await.unwrap();
    kms.forget();
    let suite = crate::suite::AlgorithmSuite::SymsigHmacSha384;
    let request = DecryptRequest::new(suite, &sealed.context, &sealed.edks);
    let pinned = request.for_tenant(Some("other"));
    let error = tenants.on_decrypt(pinned).await.unwrap_err();
    assert_eq!(only_kind(&error), KeyringErrorKind::TenantMismatch);
    assert!(kms.calls().is_empty());
    let pinned = request.for_tenant(Some("acme"));
    assert!(tenants.on_decrypt(pinned).await.is_ok());
}

#[tokio::test]
async fn keeps_nothing_that_kms_refused_or_answered_wrongly() {
    let kms = FakeKms::default();
    let keyring = keyring(&kms);
    let sealed = seal(&keyring).await.unwrap();
    let long = "A".repeat(8196);
    let refused = |code| Some(Answer::Error(400, code));
    for answer in [
        refused("AccessDeniedException"),
        refused("DisabledException"),
        refused("IncorrectKeyException"),
        refused("InvalidCiphertextException"),
        Some(Answer::Changed(json!({"KeyId": US}))),
        Some(Answer::Changed(json!({"Plaintext": "AAAA"}))),
    ] {
        keyring.flush();
        kms.forget();
        kms.then([answer.clone(), None]);
        sealed.refusal(&keyring).await;
        sealed.assert_opens(&keyring).await;
        kms.then([answer, None]);
        assert!(seal(&keyring).await.is_err());
        assert!(seal(&keyring).await.is_ok());
        let expected = ["Decrypt", "Decrypt", "GenerateDataKey", "GenerateDataKey"];
        assert_eq!(targets(&kms), expected);
    }
    keyring.flush();
    kms.always(Answer::Changed(json!({"CiphertextBlob": long})));
    let error = seal(&keyring).await.err().unwrap();
    assert_eq!(error.kind(), KeyringErrorKind::InvalidResponse);
    assert_eq!(error.key(), Some(EU));
}

#[tokio::test]
async fn makes_at_most_four_calls_for_an_item_and_keeps_what_was_there() {
    let kms = FakeKms::default();
    let keyring = builder(&kms).max_cached_keys(1).build().unwrap();
    let good = seal(&keyring).await.unwrap();
    good.assert_opens(&keyring).await;
    kms.forget();
    let mut garbage = seal(&keyring).await.unwrap();
    let good_edk = garbage.edks[0].clone();
    garbage.edks.clear();
    for n in 0..9 {
        let mut one = seal(&keyring)
            .await
            .unwrap()
            .with_wrapped(0, |body| body[99] = n);
        garbage.edks.append(&mut one.edks);
    }
    kms.always(Answer::Error(400, "InvalidCiphertextException"));
    let error = garbage.refusal(&keyring).await;
    let kinds: Vec<_> = error.attempts().iter().map(KeyringError::kind).collect();
    assert_eq!(kinds[..4], [KeyringErrorKind::InvalidCiphertext; 4]);
    assert_eq!(kinds[4..], [KeyringErrorKind::NotTried; 5]);
    assert_eq!(targets(&kms), ["Decrypt"; 4]);
    // Garbage crowds nothing out, and what is there costs no call.
    garbage.edks.push(good_edk);
    assert!(garbage.open(&keyring).await.is_ok());
    good.assert_opens(&keyring).await;
    assert_eq!(targets(&kms), ["Decrypt"; 8]);
}

#[tokio::test]
async fn says_how_much_longer_its_key_holds() {
    let kms = FakeKms::default();
    let ttl = Duration::from_secs(60);
    let keyring = builder(&kms).read_ttl(ttl).build().unwrap();
    let sealed = seal(&keyring).await.unwrap();
    let Ok(Unwrapped::Opened(opened)) = sealed.open(&keyring).await else {
        panic!("it opens")
    };
    assert!(opened.valid_for.is_some_and(|left| left <= ttl));
    assert_eq!(opened.keyring, "table-key");
    assert_eq!(opened.key.as_deref(), Some(EU));
    assert_eq!(opened.region.as_deref(), Some("eu-west-1"));
}

#[tokio::test]
async fn goes_on_in_the_next_region_if_told_so() {
    let kms = FakeKms::default();
    kms.always_in("eu-west-1", Answer::Refused);
    let stays = keyring(&kms);
    assert!(seal(&stays).await.err().unwrap().is_retryable());
    let policy = crate::region::KmsFallback::on_unavailable();
    let goes = builder(&kms).fallback(policy).build().unwrap();
    let sealed = seal(&goes).await.unwrap();
    assert_eq!(sealed.edks[0].provider_info(), US.as_bytes());
    let Ok(Unwrapped::Opened(opened)) = sealed.open(&goes).await else {
        panic!("it opens")
    };
    assert_eq!(opened.region.as_deref(), Some("us-east-1"));
}

#[tokio::test]
async fn refuses_settings_out_of_range() {
    let kms = FakeKms::default();
    let seconds = Duration::from_secs;
    let refused = |change: fn(TableKeyKeyringBuilder) -> TableKeyKeyringBuilder| {
        change(builder(&kms)).build().is_err()
    };
    for time in [seconds(10), seconds(24 * 60 * 60)] {
        let built = builder(&kms).write_period(time).read_ttl(time);
        assert!(built.build().is_ok());
    }
    for items in [1, 1 << 32] {
        assert!(builder(&kms).max_items_per_key(items).build().is_ok());
    }
    assert!(refused(|b| b.write_period(Duration::from_millis(9999))));
    assert!(refused(|b| b.write_period(Duration::from_secs(86_401))));
    assert!(refused(|b| b.read_ttl(Duration::from_millis(9999))));
    assert!(refused(|b| b.read_ttl(Duration::from_secs(86_401))));
    assert!(refused(|b| b.max_items_per_key(0)));
    assert!(refused(|b| b.max_items_per_key((1 << 32) + 1)));
    assert!(refused(|b| b.max_cached_keys(0)));
    assert!(refused(|b| b.tenant_attribute("")));
    assert!(refused(|b| b.grant_tokens([""])));
    let regions = kms.regions("eu-west-1", &[]);
    for arn in [
        "alias/customers",
        "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
        "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234",
    ] {
        assert!(TableKeyKeyring::new(arn, &regions).is_err(), "{arn}");
    }
}

#[tokio::test]
async fn says_which_key_it_uses_and_prints_no_secret() {
    let kms = FakeKms::default();
    let keyring = builder(&kms).grant_tokens(["token"]).build().unwrap();
    seal(&keyring).await.unwrap();
    assert_eq!(keyring.binding(), KeyBinding::SharedSecret);
    let [used] = &keyring.kms_keys()[..] else {
        panic!("one key")
    };
    assert!(used.is_mrk() && used.can_encrypt() && used.has_grant_tokens());
    assert!(used.regions().eq(["eu-west-1", "us-east-1"]));
    let shown = format!("{keyring:?} {:?}", builder(&kms).grant_tokens(["token"]));
    assert!(shown.contains(EU) && !shown.contains("token\""), "{shown}");
}
