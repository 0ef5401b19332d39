use super::*;
use crate::context::{EncryptionContext, Entries};
use crate::error::ConfigError;
use crate::key_store::KeyStoreKms;
use crate::keyring::test_support::{FakeKms, entries, seal, seal_with};
use crate::keyring::{DiscoveryFilter, RawAesKeyring, StaticBranchKeyKeyring};

const MRK: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1";
const V1: &str = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";

fn key_store(kms: &FakeKms, keys: KeyStoreKms) -> KeyStore {
    let regions = kms.regions("eu-west-1", &["us-east-1"]);
    let builder = KeyStore::builder("branch-keys-prod", "branch-keys", keys, &regions);
    builder.grant_tokens(["a-grant"]).build().unwrap()
}

fn builder(kms: &FakeKms) -> HierarchicalKeyringBuilder {
    HierarchicalKeyring::builder(&key_store(kms, KeyStoreKms::mrk_arn(MRK)))
}

/// The context of an item of header version 2, whose attributes are strings, or of others if `legend` says so.
fn included(attributes: &[(&str, &str)], legend: &str) -> Entries {
    let names = attributes.iter();
    let names = names.map(|(name, value)| (format!("aws-crypto-attr.{name}"), *value));
    let mut entries: Entries = names.map(|(k, v)| (k.into(), v.into())).collect();
    entries.insert("aws-crypto-legend".into(), legend.into());
    entries
}

#[tokio::test]
async fn asks_nobody_for_what_is_not_its_own() {
    let kms = FakeKms::default();
    let fixed = builder(&kms).branch_key_id("ours").build().unwrap();
    let per_tenant = builder(&kms).branch_key_per_tenant("tenant");
    let per_tenant = per_tenant.build().unwrap();

    let raw = RawAesKeyring::new("ours", "ours", [1; 32]).unwrap();
    let foreign = seal(&raw).await.unwrap();
    foreign.assert_not_mine(&fixed).await;
    // It has no tenant either, and needs none.
    foreign.assert_not_mine(&per_tenant).await;

    let other = StaticBranchKeyKeyring::new("other", V1, [1; 32]).unwrap();
    let context = included(&[("tenant", "ours")], "S");
    let other = seal_with(&other, context).await.unwrap();
    other.assert_not_mine(&fixed).await;
    other.assert_not_mine(&per_tenant).await;
    assert!(kms.calls().is_empty());
}

#[tokio::test]
async fn asks_nobody_for_what_is_too_short_or_has_no_tenant() {
    let kms = FakeKms::default();
    let ours = StaticBranchKeyKeyring::new("ours", V1, [1; 32]).unwrap();
    let fixed = builder(&kms).branch_key_id("ours").build().unwrap();
    let cut = seal(&ours).await.unwrap();
    let cut = cut.with_wrapped(0, |wrapped| wrapped.truncate(91));
    let error = cut.refusal(&fixed).await;
    let attempt = &error.attempts()[0];
    assert_eq!(attempt.kind(), KeyringErrorKind::InvalidEncryptedDataKey);
    assert_eq!(
        (attempt.key(), attempt.branch_key_id()),
        (None, Some("ours"))
    );

    let keyring = builder(&kms).branch_key_per_tenant("tenant");
    let keyring = keyring.build().unwrap();
    for context in [
        entries(&[("tenant", "ours")]),
        included(&[("tenant", "7")], "N"),
        included(&[("tenant", "")], "S"),
        included(&[("tenants", "ours")], "S"),
        included(&[("tenant", "ours")], "SS"),
    ] {
        let sealed = seal_with(&ours, context.clone()).await.unwrap();
        let error = sealed.refusal(&keyring).await;
        assert_eq!(error.kind(), KeyringErrorKind::NoTenant);
        assert_eq!(error.keyring(), Some("hierarchical"));
        let error = seal_with(&keyring, context).await.err().unwrap();
        assert_eq!(error.kind(), KeyringErrorKind::NoTenant);
    }
    assert!(kms.calls().is_empty());
}

#[test]
fn compares_the_tenant_with_the_only_one() {
    let context = EncryptionContext::new(included(&[("tenant", "acme")], "S")).unwrap();
    let choice = Choice::PerTenant("tenant".into());
    let chosen = |only| choice.branch_key_id(&context, only);
    assert_eq!(chosen(None).unwrap(), "acme");
    assert_eq!(chosen(Some("acme")).unwrap(), "acme");
    let error = chosen(Some("globex")).unwrap_err();
    assert_eq!(error.kind(), KeyringErrorKind::TenantMismatch);
}

#[tokio::test]
async fn reports_what_a_supplier_does() {
    let kms = FakeKms::default();
    let nobody = |_: &EncryptionContext| Err(KeyringError::new(KeyringErrorKind::Other));
    let keyring = builder(&kms).branch_key_id_supplier(nobody);
    let keyring = keyring.build().unwrap();
    let ours = StaticBranchKeyKeyring::new("ours", V1, [1; 32]).unwrap();
    let error = seal(&ours).await.unwrap().refusal(&keyring).await;
    assert_eq!(error.kind(), KeyringErrorKind::Other);
    assert_eq!(error.keyring(), Some("hierarchical"));
}

#[test]
fn names_its_kms_keys_and_its_key_store() {
    let kms = FakeKms::default();
    let keyring = |keys| {
        let builder = HierarchicalKeyring::builder(&key_store(&kms, keys));
        builder.branch_key_per_tenant("tenant").build().unwrap()
    };
    let mrk = keyring(KeyStoreKms::mrk_arn(MRK));
    let [used] = &mrk.kms_keys()[..] else {
        panic!("one key");
    };
    let local = MRK.replace("us-east-1", "eu-west-1");
    assert_eq!(used.key_arn(), Some(local));
    assert!(used.is_mrk() && used.can_encrypt() && used.has_grant_tokens());
    let context = format!("{:?}", used.context());
    assert!(
        context.contains(r#"logical_name: "branch-keys""#),
        "{context}"
    );
    assert!(context.contains(r#"Some("tenant")"#), "{context}");

    let store = KeyStoreUse::new(
        "branch-keys-prod",
        "branch-keys",
        ["eu-west-1", "us-east-1"],
    );
    assert_eq!(mrk.key_stores(), [store]);
    assert_eq!(mrk.binding(), KeyBinding::SharedSecret);

    let fixed = builder(&kms).branch_key_id("ours").build().unwrap();
    let context = format!("{:?}", fixed.kms_keys()[0].context());
    assert!(context.contains(r#"Some("ours")"#), "{context}");

    let one = keyring(KeyStoreKms::key_arn(MRK)).kms_keys();
    assert!(!one[0].is_mrk());
    assert_eq!(one[0].key_arn().as_deref(), Some(MRK));
    let filter = DiscoveryFilter::new("aws", ["111122223333"]).unwrap();
    let found = keyring(KeyStoreKms::mrk_discovery(filter)).kms_keys();
    assert!(found[0].discovery_filter().is_some() && found[0].can_encrypt());
}

#[test]
fn refuses_what_cannot_work() {
    use std::time::Duration;

    type Configure = fn(HierarchicalKeyringBuilder) -> HierarchicalKeyringBuilder;
    let kms = FakeKms::default();
    let refused = |configure: Configure| {
        let error: ConfigError = configure(builder(&kms)).build().unwrap_err();
        error.to_string()
    };
    let one_way: [Configure; 3] = [
        |builder| builder,
        |builder| builder.branch_key_id("a").branch_key_per_tenant("b"),
        |builder| builder.branch_key_id("a").branch_key_id("a"),
    ];
    for configure in one_way {
        assert!(refused(configure).contains("exactly one"));
    }
    assert!(refused(|builder| builder.branch_key_id("")).contains("empty"));
    assert!(refused(|builder| builder.branch_key_per_tenant("")).contains("empty"));
    let ttls: [Configure; 2] = [
        |builder| builder.branch_key_id("a").ttl(Duration::from_millis(9_999)),
        |builder| builder.branch_key_id("a").ttl(Duration::from_secs(86_401)),
    ];
    for configure in ttls {
        assert!(refused(configure).contains("between 10 s and 24 h"));
    }
    let none = refused(|builder| builder.branch_key_id("a").max_cached_keys(0));
    assert!(none.contains("at least one"));
}

#[test]
fn prints_how_branch_keys_are_chosen_and_no_grant() {
    let kms = FakeKms::default();
    let shown = builder(&kms).branch_key_per_tenant("tenant");
    let shown = format!("{:?}", shown.build().unwrap());
    assert!(shown.contains(r#"PerTenant("tenant")"#), "{shown}");
    assert!(shown.contains("branch-keys-prod"), "{shown}");
    assert!(!shown.contains("a-grant"), "{shown}");
}
