//! Table keys, keys of key pairs, and what remembers keys: what they print, whether they work or fail.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynaseal::keyring::{
    CachingKeyring, EcdhCurve, KmsDiscoveryKeyring, KmsEcdhKeyring, KmsRsaKeyring, RawEcdhKeyring,
    RawRsaKeyring, RsaPadding, TableKeyKeyring,
};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{Item, OpenError, OperationError, SealedTable};

use super::*;
use crate::support::header::{Edk, edks, with_edks};

const PADDING: RsaPadding = RsaPadding::OaepSha256;
const CURVE: EcdhCurve = EcdhCurve::P384;

fn table(stack: &Stack, keyring: impl Keyring + 'static) -> SealedTable<Patient> {
    let builder = SealedTable::builder(TABLE, keyring, &stack.regions(US));
    builder.build().unwrap()
}

fn table_keys(stack: &Stack, exhibits: &Exhibits) -> SealedTable<Patient> {
    let builder = TableKeyKeyring::builder(stack.key.arn(US), &stack.regions(US));
    let builder = builder
        .tenant_attribute("tenant")
        .grant_tokens([GRANT_TOKEN]);
    exhibits.show("TableKeyKeyringBuilder", &builder);
    let keyring = builder.build().unwrap();
    exhibits.show("TableKeyKeyring", &keyring);
    exhibits.show("KmsKeyUse", &keyring.kms_keys());
    table(stack, keyring)
}

/// The table key in clear, as whoever may use the KMS key could have it opened.
async fn table_key(stack: &Stack, table: &SealedTable<Patient>, stored: &Item) -> Vec<u8> {
    // Behind the wrapped data key and what the body holds before it.
    const KMS_CIPHERTEXT_AT: usize = 48 + 99;
    let claim = table.encryptor().describe(stored.clone()).unwrap();
    let id = claim.unauthenticated().encrypted_data_keys()[0].table_key_id();
    let [Edk([_, _, body])] = &edks(stored)[..] else {
        panic!("one recipient")
    };
    let blob = Blob::new(&body[KMS_CIPHERTEXT_AT..]);
    let request = stack.cloud.kms(US).decrypt().ciphertext_blob(blob);
    let request = request
        .encryption_context("aws-crypto-table-name", TABLE)
        .encryption_context("dynaseal-purpose", "table-key/1")
        .encryption_context("dynaseal-table-key-id", id.unwrap())
        .encryption_context("dynaseal-tenant", TENANT);
    let opened = request.send().await.unwrap();
    opened.plaintext.unwrap().into_inner()
}

#[tokio::test]
async fn table_keys_show_no_key_and_no_tenant_whatever_fails() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let writer = table_keys(&stack, &exhibits);
    writer.put(&patient()).send().await.unwrap();
    let stored = stack.stored(US, &patient_key()).await.unwrap();
    let key = table_key(&stack, &writer, &stored).await;
    let secrets = all_secrets().and([key]);
    let opened = writer.get((PARTITION, SORT)).send_opened().await.unwrap();
    exhibits.show("OpenedItem", &opened);
    let claim = writer.encryptor().describe(stored.clone()).unwrap();
    exhibits.show("Description", claim.unauthenticated());
    exhibits.show("SealOnly", &writer.seal_only());

    let show = async |what: &str| {
        let fresh = table_keys(&stack, &exhibits);
        let error = fresh.get((PARTITION, SORT)).send().await.unwrap_err();
        let is_keyring = matches!(error, OperationError::Open(OpenError::Keyring(_)));
        assert!(is_keyring, "{what}: {error:?}");
        exhibits.show_error(what, &error);
    };
    let edk = &edks(&stored)[0];
    for at in [48, 49, 65, 100, 145, 147] {
        let mut forged = edk.clone();
        forged.0[2][at] ^= 1;
        stack.store(US, &with_edks(&stored, &[forged])).await;
        show(&format!("byte {at}")).await;
    }
    stack.store(US, &stored).await;
    for fault in [
        Fault::Unavailable,
        Fault::Status(400, "ThrottlingException"),
        Fault::Status(400, "AccessDeniedException"),
        Fault::Status(400, TENANT),
    ] {
        stack.cloud.region(US).fail(Service::Kms, fault);
        show(&format!("{fault:?}")).await;
        let error = table_keys(&stack, &exhibits).put(&patient()).send().await;
        exhibits.show_error("seal", &error.unwrap_err());
        stack.cloud.region(US).recover();
    }
    let builder = TableKeyKeyring::builder(stack.key.arn(US), &stack.regions(US));
    let error = builder.grant_tokens([GRANT_TOKEN; 11]).build().unwrap_err();
    exhibits.show_error("tokens", &error);
    exhibits.assert_clean(&secrets, 80);
}

/// What remembers an item's keys remembers them under a digest of everything.
#[tokio::test]
async fn a_cache_around_a_keyring_shows_nothing_of_what_it_keeps() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let regions = stack.regions(US);
    let caching = CachingKeyring::builder(keyring(&stack, US, &exhibits), &regions);
    let caching = caching.build().unwrap();
    let table = table(&stack, caching.clone());
    table.put(&patient()).send().await.unwrap();
    for _ in 0..2 {
        let opened = table.get((PARTITION, SORT)).send_opened().await.unwrap();
        exhibits.show("OpenedItem", &opened);
    }
    exhibits.show("CachingKeyring", &caching);
    let mut stored = stack.stored(US, &patient_key()).await.unwrap();
    stored.insert("tenant".into(), s(STREET));
    stack.store(US, &stored).await;
    let error = table.get((PARTITION, SORT)).send().await.unwrap_err();
    exhibits.show_error("changed", &error);
    assert!(exhibits.log().contains("opened_item"));
    exhibits.assert_clean(&all_secrets(), 20);
}

/// A key in PEM, of those that frozen vectors use.
fn pem(name: &str) -> String {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/keys");
    std::fs::read_to_string(format!("{keys}/{name}.pem")).unwrap()
}

/// 24 bytes of a PKCS #8 key that only its owner knows: of a scalar, or of a private exponent.
fn private_bytes(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    let der = STANDARD.decode(lines.collect::<String>()).unwrap();
    let at = if der.len() > 1000 { 320 } else { 40 };
    der[at..at + 24].to_vec()
}

/// A key of one region: its ARN and its public half.
async fn create(stack: &Stack, spec: KeySpec, usage: KeyUsageType) -> (String, Vec<u8>) {
    let kms = stack.cloud.kms(US);
    let created = kms.create_key().key_spec(spec).key_usage(usage);
    let created = created.send().await.unwrap();
    let arn = created.key_metadata.unwrap().arn.unwrap();
    let public = kms.get_public_key().key_id(&arn).send().await.unwrap();
    (arn, public.public_key.unwrap().into_inner())
}

/// Every kind that has a private half, in KMS or in the process, and their private halves.
async fn pairs(stack: &Stack) -> (Vec<Arc<dyn Keyring>>, Secrets) {
    let regions = stack.regions(US);
    let [rsa, bob] = ["rsa", "p384-bob"].map(pem);
    let raw_rsa = RawRsaKeyring::from_key_pair("clinic", "rsa", PADDING, pem("rsa.pub"), &rsa);
    let raw_ecdh =
        RawEcdhKeyring::raw_private_key_to_static_public_key(CURVE, &bob, pem("p384-alice.pub"));
    let (arn, public) = create(stack, KeySpec::Rsa2048, KeyUsageType::EncryptDecrypt).await;
    let kms_rsa = KmsRsaKeyring::new(arn, PADDING, &regions).unwrap();
    let kms_rsa = kms_rsa.public_key(public).unwrap();
    let kms_rsa = kms_rsa.grant_tokens([GRANT_TOKEN]).unwrap();
    let (arn, public) = create(stack, KeySpec::EccNistP384, KeyUsageType::KeyAgreement).await;
    let kms_ecdh = KmsEcdhKeyring::kms_private_key_to_static_public_key(
        CURVE,
        arn,
        public,
        pem("p384-bob.pub"),
        &regions,
    );
    let kms_ecdh = kms_ecdh.unwrap().grant_tokens([GRANT_TOKEN]).unwrap();
    let keyrings: Vec<Arc<dyn Keyring>> = vec![
        Arc::new(raw_rsa.unwrap()),
        Arc::new(raw_ecdh.unwrap()),
        Arc::new(kms_rsa),
        Arc::new(kms_ecdh),
    ];
    let secrets = all_secrets().and([&rsa, &bob].map(|pem| private_bytes(pem)));
    (keyrings, secrets)
}

#[tokio::test]
async fn keyrings_of_key_pairs_give_nothing_away_whatever_fails() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let (keyrings, secrets) = pairs(&stack).await;
    for keyring in keyrings {
        exhibits.show("keyring", &keyring);
        let name = keyring.name().to_owned();
        let table = table(&stack, keyring);
        exhibits.show("SealedTable", &table);
        table.put(&patient()).send().await.unwrap();
        let opened = table.get((PARTITION, SORT)).send_opened().await.unwrap();
        exhibits.show("OpenedItem", &opened);
        let stored = stack.stored(US, &patient_key()).await.unwrap();
        let mut forged = edks(&stored)[0].clone();
        *forged.0[2].last_mut().unwrap() ^= 1;
        stack.store(US, &with_edks(&stored, &[forged])).await;
        let error = table.get((PARTITION, SORT)).send().await.unwrap_err();
        exhibits.show_error(&name, &error);
        let mut moved = stored;
        moved.insert("tenant".into(), s(STREET));
        stack.store(US, &moved).await;
        let error = table.get((PARTITION, SORT)).send().await.unwrap_err();
        exhibits.show_error(&name, &error);
    }
    exhibits.assert_clean(&secrets, 40);
}

#[tokio::test]
async fn refused_private_keys_give_nothing_away() {
    let exhibits = Exhibits::default();
    let stack = start().await;
    let [rsa, bob] = ["rsa", "p384-bob"].map(pem);
    let secrets = all_secrets().and([&rsa, &bob].map(|pem| private_bytes(pem)));
    for (rsa, ecdh) in [
        (&bob, &rsa),
        (&rsa[..900].to_owned(), &bob[..200].to_owned()),
    ] {
        let refused = RawRsaKeyring::from_private_key("clinic", "rsa", PADDING, rsa);
        exhibits.show_error("RawRsaKeyring", &refused.unwrap_err());
        let peer = pem("p384-alice.pub");
        let refused = RawEcdhKeyring::raw_private_key_to_static_public_key(CURVE, ecdh, peer);
        exhibits.show_error("RawEcdhKeyring", &refused.unwrap_err());
        // A private key where a public one belongs.
        let arn = stack.key.arn(US);
        let regions = stack.regions(US);
        let misplaced = KmsRsaKeyring::new(&arn, PADDING, &regions)
            .unwrap()
            .public_key(rsa);
        exhibits.show_error("KmsRsaKeyring", &misplaced.unwrap_err());
        let misplaced = KmsEcdhKeyring::kms_public_key_discovery(CURVE, &arn, ecdh, &regions);
        exhibits.show_error("KmsEcdhKeyring", &misplaced.unwrap_err());
    }
    let filter = dynaseal::keyring::DiscoveryFilter::new("aws", ["111122223333"]).unwrap();
    let discovery = KmsDiscoveryKeyring::new(filter, &stack.regions(US)).unwrap();
    exhibits.show(
        "KmsDiscoveryKeyring",
        &discovery.grant_tokens([GRANT_TOKEN]).unwrap(),
    );
    exhibits.assert_clean(&secrets, 26);
}
