//! What a sealed item says of itself, to whoever has no key.

use std::collections::BTreeMap;

use dynaseal::item::HeaderVersion;
use dynaseal::{AlgorithmSuite, MultiKeyring, RawAesKeyring};

use super::*;
use crate::support::header::{edks, with_edks};

/// A reader that has no key of the item.
fn stranger(schema: ItemSchema) -> ItemEncryptor {
    ItemEncryptor::new(
        schema,
        RawAesKeyring::new("nobody", "none", [0; 32]).unwrap(),
    )
}

#[tokio::test]
async fn it_names_suite_legend_recipients_and_context_without_a_key() {
    let stack = start().await;
    let local = RawAesKeyring::new("ours", "escrow", [1; 32]).unwrap();
    let both = MultiKeyring::new(stack.keyring(EU)).child(local);
    let sealed = encryptor(both).seal(order()).await.unwrap();
    stack.cloud.reset_calls();
    let claim = stranger(schema()).describe(sealed).unwrap();
    let claim = claim.unauthenticated();
    assert_eq!(claim.header_version(), HeaderVersion::V1);
    assert_eq!(
        claim.suite(),
        AlgorithmSuite::SymsigHmacSha384,
        "the weakest recipient's"
    );
    let actions = [
        ("card", CryptoAction::EncryptAndSign),
        ("id", CryptoAction::SignOnly),
        ("total", CryptoAction::SignOnly),
    ];
    let actions: BTreeMap<_, _> = actions
        .map(|(name, action)| (name.to_owned(), action))
        .into();
    assert_eq!(claim.actions(), &actions);
    let [kms, raw] = claim.encrypted_data_keys() else {
        panic!("two recipients")
    };
    assert_eq!(
        (kms.provider_id(), kms.key()),
        ("aws-kms", &*stack.key.arn(EU))
    );
    assert_eq!(raw.provider_id(), "ours");
    assert!(raw.key().starts_with("escrow"));
    assert_eq!(claim.context().get("aws-crypto-table-name"), Some("orders"));
    assert_eq!(claim.context().get("aws-crypto-partition-name"), Some("id"));
    assert_eq!(claim.context().get("aws-crypto-attr.id"), Some("AAFvLTE="));
    assert_eq!(claim.context().iter().count(), 3);
    assert_eq!(stack.cloud.calls(EU, Service::Kms), 0);
}

#[tokio::test]
async fn it_shows_the_readable_context_and_public_key_of_version_2() {
    let stack = start().await;
    let with_tenant = || {
        let schema = ItemSchema::builder("orders", "id")
            .action("card", CryptoAction::EncryptAndSign)
            .action("tenant", CryptoAction::SignAndIncludeInEncryptionContext);
        schema.build().unwrap()
    };
    let plain = item([
        ("id", n("1.50")),
        ("card", s("4111")),
        ("tenant", s("acme")),
    ]);
    let sealer = ItemEncryptor::new(with_tenant(), stack.keyring(US));
    let sealed = sealer.seal(plain).await.unwrap();
    let claim = stranger(with_tenant()).describe(sealed.clone()).unwrap();
    let claim = claim.unauthenticated();
    assert_eq!(claim.header_version(), HeaderVersion::V2);
    assert_eq!(claim.suite(), AlgorithmSuite::EcdsaP384);
    assert_eq!(
        claim.actions()["id"],
        CryptoAction::SignAndIncludeInEncryptionContext
    );
    let context = claim.context();
    assert_eq!(context.get("aws-crypto-attr.tenant"), Some("acme"));
    assert_eq!(context.get("aws-crypto-attr.id"), Some("1.5"));
    assert_eq!(context.get("aws-crypto-legend"), Some("NS"));
    assert_eq!(context.get("aws-crypto-public-key").map(str::len), Some(68));
    let opened = sealer.open(sealed).await.unwrap();
    assert_eq!(
        opened.context(),
        context,
        "opening verifies what describing claims"
    );
}

#[tokio::test]
async fn it_claims_whatever_somebody_wrote_there() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    let mut forged = edks(&sealed);
    forged[0].0[1] = b"arn:aws:kms:us-east-1:666666666666:key/mrk-evil".to_vec();
    let claim = stranger(schema())
        .describe(with_edks(&sealed, &forged))
        .unwrap();
    let claimed = claim.unauthenticated().encrypted_data_keys();
    assert!(claimed[0].key().ends_with("mrk-evil"));
}

#[tokio::test]
async fn it_refuses_what_is_no_item_of_this_schema() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    let describe = |item| stranger(schema()).describe(item).unwrap_err();
    assert!(matches!(describe(order()), OpenError::NotSealed(e) if e.is_plaintext()));
    let mut added = sealed.clone();
    added.insert("more".to_owned(), s("x"));
    assert!(matches!(describe(added), OpenError::SchemaChanged(_)));
    let mut broken = sealed;
    broken.insert("aws_dbe_head".to_owned(), s("text"));
    assert!(matches!(describe(broken), OpenError::Malformed(_)));
}
