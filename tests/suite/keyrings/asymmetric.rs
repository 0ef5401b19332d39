//! Keyrings of RSA and key-agreement keys in KMS, and plain discovery, on the test kit.

use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use dynaseal::keyring::{
    EcdhCurve, KmsDiscoveryKeyring, KmsEcdhKeyring, KmsRsaKeyring, MultiKeyring, RawEcdhKeyring,
    RsaPadding,
};
use dynaseal::{AlgorithmSuite, Authenticity};

use super::*;

/// A key of one region, in KMS: its ARN, and its public half in X.509.
struct KmsKey {
    arn: String,
    public: Vec<u8>,
}

async fn create(stack: &Stack, spec: KeySpec, usage: KeyUsageType) -> KmsKey {
    let kms = stack.cloud.kms(US);
    let request = kms.create_key().key_spec(spec).key_usage(usage);
    let created = request.send().await.unwrap();
    let arn = created.key_metadata.unwrap().arn.unwrap();
    let public = kms.get_public_key().key_id(&arn).send().await.unwrap();
    let public = public.public_key.unwrap().into_inner();
    stack.cloud.reset_calls();
    KmsKey { arn, public }
}

async fn rsa_key(stack: &Stack) -> KmsKey {
    create(stack, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await
}

const CURVES: [(EcdhCurve, KeySpec, &str); 3] = [
    (EcdhCurve::P256, KeySpec::EccNistP256, "p256"),
    (EcdhCurve::P384, KeySpec::EccNistP384, "p384"),
    (EcdhCurve::P521, KeySpec::EccNistP521, "p521"),
];

/// A key in PEM, of those that frozen vectors use.
fn pem(name: &str) -> String {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/keys");
    std::fs::read_to_string(format!("{keys}/{name}.pem")).unwrap()
}

fn rsa(stack: &Stack, key: &KmsKey, padding: RsaPadding) -> KmsRsaKeyring {
    let keyring = KmsRsaKeyring::new(&key.arn, padding, &stack.regions(US)).unwrap();
    keyring.public_key(&key.public).unwrap()
}

fn under_ecdsa(keyring: impl Keyring + 'static) -> ItemEncryptor {
    let schema = ItemSchema::builder("orders", "id")
        .action("card", CryptoAction::EncryptAndSign)
        .action("total", CryptoAction::SignOnly)
        .algorithm_suite(AlgorithmSuite::EcdsaP384);
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

#[tokio::test]
async fn an_rsa_key_in_kms_opens_what_its_public_key_sealed_without_a_call() {
    let stack = start().await;
    let key = rsa_key(&stack).await;
    for padding in [RsaPadding::OaepSha1, RsaPadding::OaepSha256] {
        stack.cloud.reset_calls();
        let encryptor = encryptor(rsa(&stack, &key, padding));
        let sealed = encryptor.seal(order()).await.unwrap();
        assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
        let opened = encryptor.open(sealed).await.unwrap();
        assert_eq!(opened.item(), &order());
        assert_eq!(
            (opened.keyring(), opened.key()),
            ("kms-rsa", Some(&*key.arn))
        );
        assert_eq!(opened.suite(), AlgorithmSuite::SymsigHmacSha384);
        assert_eq!(opened.authenticity(), Authenticity::PublicKeyHolders);
        assert_eq!(stack.decrypts(US), 1);
    }
}

#[tokio::test]
async fn an_rsa_key_in_kms_refuses_another_padding_and_another_key() {
    let stack = start().await;
    let (key, other) = (rsa_key(&stack).await, rsa_key(&stack).await);
    let sealer = encryptor(rsa(&stack, &key, RsaPadding::OaepSha256));
    let sealed = sealer.seal(order()).await.unwrap();
    let another_padding = encryptor(rsa(&stack, &key, RsaPadding::OaepSha1));
    let error = keyring_error(&another_padding, sealed.clone()).await;
    let kind = error.last_attempt().kind();
    assert_eq!(kind, KeyringErrorKind::InvalidCiphertext);
    let another_key = encryptor(rsa(&stack, &other, RsaPadding::OaepSha256));
    let error = keyring_error(&another_key, sealed).await;
    assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    let wrong_half = KmsKey {
        arn: key.arn.clone(),
        public: other.public,
    };
    let mismatched = encryptor(rsa(&stack, &wrong_half, RsaPadding::OaepSha256));
    let sealed = mismatched.seal(order()).await.unwrap();
    let error = keyring_error(&mismatched, sealed).await;
    let kind = error.last_attempt().kind();
    assert_eq!(kind, KeyringErrorKind::InvalidCiphertext);
}

#[tokio::test]
async fn an_rsa_key_in_kms_does_not_seal_under_a_signing_suite() {
    let stack = start().await;
    let key = rsa_key(&stack).await;
    let keyring = || rsa(&stack, &key, RsaPadding::OaepSha256);
    let Err(SealError::Keyring(error)) = under_ecdsa(keyring()).seal(order()).await else {
        panic!("it sealed")
    };
    assert_eq!(error.kind(), KeyringErrorKind::UnsupportedSuite);
}

#[tokio::test]
async fn an_rsa_key_beside_another_kms_key_weakens_the_item_and_readers_notice() {
    let stack = start().await;
    let key = rsa_key(&stack).await;
    let keyring = || rsa(&stack, &key, RsaPadding::OaepSha256);
    let both = MultiKeyring::new(stack.keyring(US)).child(keyring());
    let sealed = encryptor(both).seal(order()).await.unwrap();
    let opened = encryptor(keyring()).open(sealed.clone()).await.unwrap();
    assert_eq!(opened.item(), &order());
    let refused = encryptor(stack.keyring(US)).open(sealed).await.unwrap_err();
    assert!(
        matches!(refused, OpenError::SuiteBelowPolicy { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn kms_agrees_on_a_key_with_whoever_holds_the_other_one() {
    let stack = start().await;
    for (curve, spec, name) in CURVES {
        let key = create(&stack, spec, KeyUsageType::KeyAgreement).await;
        let (bob, bobs) = (pem(&format!("{name}-bob.pub")), pem(&format!("{name}-bob")));
        let regions = stack.regions(US);
        let ours = KmsEcdhKeyring::kms_private_key_to_static_public_key(
            curve,
            &key.arn,
            &key.public,
            bob,
            &regions,
        );
        let ours = encryptor(ours.unwrap());
        let discovery =
            KmsEcdhKeyring::kms_public_key_discovery(curve, &key.arn, &key.public, &regions);
        let discovery = encryptor(discovery.unwrap());
        let theirs = RawEcdhKeyring::raw_private_key_to_static_public_key(curve, bobs, &key.public);
        let theirs = encryptor(theirs.unwrap());
        let anybody =
            RawEcdhKeyring::ephemeral_private_key_to_static_public_key(curve, &key.public);
        let anybody = encryptor(anybody.unwrap());

        let from_us = ours.seal(order()).await.unwrap();
        assert_eq!(stack.cloud.calls(US, Service::Kms), 1);
        let opened = theirs.open(from_us.clone()).await.unwrap();
        assert_eq!(opened.authenticity(), Authenticity::Openers);
        let opened = ours.open(from_us.clone()).await.unwrap();
        assert_eq!((opened.keyring(), opened.region()), ("kms-ecdh", Some(US)));
        let error = keyring_error(&discovery, from_us).await;
        assert_eq!(error.kind(), KeyringErrorKind::NoMatch, "it is for bob");

        let from_bob = theirs.seal(order()).await.unwrap();
        assert_eq!(ours.open(from_bob.clone()).await.unwrap().item(), &order());
        assert!(discovery.open(from_bob).await.is_ok());
        let from_anybody = anybody.seal(order()).await.unwrap();
        let opened = discovery.open(from_anybody.clone()).await.unwrap();
        assert_eq!(opened.item(), &order());
        assert_eq!(opened.authenticity(), Authenticity::PublicKeyHolders);
        let error = keyring_error(&ours, from_anybody).await;
        assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    }
}

#[tokio::test]
async fn plain_discovery_asks_each_key_where_it_is_and_no_region_outside_of_the_set() {
    let stack = start().await;
    let arn = single_region_key(&stack, EU).await;
    let sealer = encryptor(KmsKeyring::new(&arn, &stack.regions(EU)).unwrap());
    let sealed = sealer.seal(order()).await.unwrap();
    let filter = || DiscoveryFilter::new("aws", [FOREIGN_ACCOUNT, ACCOUNT]).unwrap();
    let both = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
    let reader = KmsDiscoveryKeyring::new(filter(), &both.build().unwrap());
    let reader = encryptor(reader.unwrap());
    let replica = encryptor(stack.keyring(EU)).seal(order()).await.unwrap();
    stack.cloud.reset_calls();
    for sealed in [sealed.clone(), replica] {
        let opened = reader.open(sealed).await.unwrap();
        assert_eq!(
            (opened.keyring(), opened.region()),
            ("kms-discovery", Some(EU))
        );
    }
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    assert_eq!(stack.decrypts(EU), 2);
    let here = encryptor(KmsDiscoveryKeyring::new(filter(), &stack.regions(US)).unwrap());
    let error = keyring_error(&here, sealed).await;
    assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    assert_eq!(stack.cloud.calls(EU, Service::Kms), 2);
}
