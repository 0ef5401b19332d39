//! Keyrings end to end: KMS across regions, keyrings of the user's own, and what an item tells.

mod asymmetric;
mod describe;
mod facts;
mod own;

use dynaseal::keyring::{
    DiscoveryFilter, Keyring, KeyringError, KeyringErrorKind, KmsKeyring, KmsMrkDiscoveryKeyring,
};
use dynaseal::testkit::{KeyType, Service, TableDefinition};
use dynaseal::{
    CryptoAction, Item, ItemEncryptor, ItemSchema, KmsMrkKeyring, OpenError, RegionSet, SealError,
};

use crate::support::stack::{EU, Stack, US, item, n, s};

const ACCOUNT: &str = dynaseal::testkit::ACCOUNT_ID;
const FOREIGN_ACCOUNT: &str = "999900001111";

async fn start() -> Stack {
    Stack::start(&TableDefinition::new("orders").partition_key("id", KeyType::S)).await
}

fn schema() -> ItemSchema {
    let schema = ItemSchema::builder("orders", "id")
        .action("card", CryptoAction::EncryptAndSign)
        .action("total", CryptoAction::SignOnly);
    schema.build().unwrap()
}

fn order() -> Item {
    item([
        ("id", s("o-1")),
        ("card", s("4111 1111")),
        ("total", n("42")),
    ])
}

fn encryptor(keyring: impl Keyring + 'static) -> ItemEncryptor {
    ItemEncryptor::new(schema(), keyring)
}

async fn keyring_error(encryptor: &ItemEncryptor, sealed: Item) -> KeyringError {
    match encryptor.open(sealed).await {
        Err(OpenError::Keyring(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn discovery(regions: &RegionSet, account: &str) -> KmsMrkDiscoveryKeyring {
    let filter = DiscoveryFilter::new("aws", [account]).unwrap();
    KmsMrkDiscoveryKeyring::new(filter, regions).unwrap()
}

/// The ARN of a key that is not multi-Region.
async fn single_region_key(stack: &Stack, region: &str) -> String {
    let created = stack.cloud.kms(region).create_key().send().await.unwrap();
    created.key_metadata.unwrap().arn.unwrap()
}

#[tokio::test]
async fn what_either_replica_wrapped_opens_through_the_other() {
    let stack = start().await;
    for (writer, reader) in [(EU, US), (US, EU)] {
        stack.cloud.reset_calls();
        let sealed = encryptor(stack.keyring(writer))
            .seal(order())
            .await
            .unwrap();
        assert_eq!(stack.cloud.calls(writer, Service::Kms), 1);
        let opened = encryptor(stack.keyring(reader)).open(sealed).await.unwrap();
        assert_eq!(opened.item(), &order());
        assert_eq!(opened.region(), Some(reader));
        assert_eq!(opened.key(), Some(&*stack.key.arn(reader)));
        assert_eq!(
            stack.cloud.calls(writer, Service::Kms),
            1,
            "{writer} was not asked again"
        );
        assert_eq!(stack.decrypts(reader), 1);
    }
}

#[tokio::test]
async fn any_replicas_arn_configures_the_same_keyring() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    for configured in [US, EU, "ap-southeast-1"] {
        let arn = stack.key.arn(configured);
        let keyring = KmsMrkKeyring::new(arn, &stack.regions(EU)).unwrap();
        assert_eq!(keyring.key_arn(), stack.key.arn(EU));
        let opened = encryptor(keyring).open(sealed.clone()).await.unwrap();
        assert_eq!(opened.region(), Some(EU));
    }
}

#[tokio::test]
async fn discovery_reads_in_every_replica_region_and_asks_that_region_alone() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    for region in [US, EU] {
        stack.cloud.reset_calls();
        let reader = encryptor(discovery(&stack.regions(region), ACCOUNT));
        let opened = reader.open(sealed.clone()).await.unwrap();
        assert_eq!(opened.item(), &order());
        assert_eq!(opened.keyring(), "kms-mrk-discovery");
        assert_eq!(opened.region(), Some(region));
        assert_eq!(stack.decrypts(region), 1);
        let all = [US, EU].map(|region| stack.cloud.calls(region, Service::Kms));
        assert_eq!(all.iter().sum::<usize>(), 1);
    }
}

#[tokio::test]
async fn discovery_asks_for_no_key_of_another_account() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    stack.cloud.reset_calls();
    let stranger = encryptor(discovery(&stack.regions(US), FOREIGN_ACCOUNT));
    let error = keyring_error(&stranger, sealed).await;
    assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn discovery_does_not_seal() {
    let stack = start().await;
    let error = encryptor(discovery(&stack.regions(US), ACCOUNT))
        .seal(order())
        .await;
    let Err(SealError::Keyring(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.kind(), KeyringErrorKind::CannotEncrypt);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn discovery_leaves_keys_of_one_other_region_alone() {
    let stack = start().await;
    let arn = single_region_key(&stack, EU).await;
    let sealer = encryptor(KmsKeyring::new(&arn, &stack.regions(EU)).unwrap());
    let sealed = sealer.seal(order()).await.unwrap();
    let there = encryptor(discovery(&stack.regions(EU), ACCOUNT));
    assert_eq!(there.open(sealed.clone()).await.unwrap().key(), Some(&*arn));
    stack.cloud.reset_calls();
    let here = encryptor(discovery(&stack.regions(US), ACCOUNT));
    assert_eq!(
        keyring_error(&here, sealed).await.kind(),
        KeyringErrorKind::NoMatch
    );
    assert_eq!(
        stack.cloud.calls(US, Service::Kms) + stack.cloud.calls(EU, Service::Kms),
        0
    );
}

#[tokio::test]
async fn a_key_of_one_region_is_asked_for_across_regions_that_are_in_the_set() {
    let stack = start().await;
    let arn = single_region_key(&stack, EU).await;
    assert!(
        KmsKeyring::new(&arn, &stack.regions(US)).is_err(),
        "out of the set"
    );
    let both = RegionSet::builder(&stack.config(US))
        .local(US)
        .fallback(EU)
        .build()
        .unwrap();
    let reader = encryptor(KmsKeyring::new(&arn, &both).unwrap());
    let sealed = reader.seal(order()).await.unwrap();
    let opened = reader.open(sealed).await.unwrap();
    assert_eq!((opened.region(), opened.keyring()), (Some(EU), "kms"));
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    assert_eq!(
        stack.cloud.calls(EU, Service::Kms),
        3,
        "one created the key"
    );
}

#[tokio::test]
async fn a_kms_keyring_takes_a_replica_literally() {
    let stack = start().await;
    let literal = KmsKeyring::new(stack.key.arn(US), &stack.regions(US)).unwrap();
    let reader = encryptor(literal);
    let theirs = encryptor(stack.keyring(EU)).seal(order()).await.unwrap();
    assert_eq!(
        keyring_error(&reader, theirs).await.kind(),
        KeyringErrorKind::NoMatch
    );
    let ours = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    assert!(reader.open(ours).await.is_ok());
}

#[tokio::test]
async fn a_key_that_was_rotated_opens_what_it_wrapped_before() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    let kms = stack.cloud.kms(US);
    kms.rotate_key_on_demand()
        .key_id(stack.key.arn(US))
        .send()
        .await
        .unwrap();
    let newer = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    let reader = encryptor(stack.keyring(EU));
    for sealed in [sealed, newer] {
        assert_eq!(reader.open(sealed).await.unwrap().item(), &order());
    }
}
