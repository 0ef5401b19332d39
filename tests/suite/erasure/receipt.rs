//! The receipt: what it says, and who vouches for it.

use aws_lc_rs::digest::{SHA384, digest};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    KeySpec, KeyState, KeyUsageType, MacAlgorithmSpec, MessageType, SigningAlgorithmSpec,
};
use dynaseal::table::{ReceiptKey, ReceiptSignature, SignReceiptError};
use serde_json::Value;

use super::*;

impl World {
    async fn create_key(&self, region: &str, spec: KeySpec, usage: KeyUsageType) -> String {
        let create = self.cloud.kms(region).create_key();
        let created = create.key_spec(spec).key_usage(usage).send().await;
        created.unwrap().key_metadata.unwrap().arn.unwrap()
    }

    async fn mac_key(&self, region: &str) -> (String, ReceiptKey) {
        let usage = KeyUsageType::GenerateVerifyMac;
        let arn = self.create_key(region, KeySpec::Hmac256, usage).await;
        (
            arn.clone(),
            ReceiptKey::mac(arn, MacAlgorithmSpec::HmacSha256),
        )
    }

    async fn erase_signed_by(&self, key: &ReceiptKey) -> Result<ErasureReceipt, EraseTenantError> {
        let erase = self.table(US).erase_tenant("north");
        self.send(erase.signed_by(key.clone())).await
    }

    async fn verifies_mac(
        &self,
        region: &str,
        document: &str,
        signature: &ReceiptSignature,
    ) -> bool {
        let verify = self.cloud.kms(region).verify_mac();
        let verify = verify.key_id(signature.key_arn());
        let verify = verify.mac_algorithm(signature.algorithm().into());
        let verify = verify.message(digest_of(document));
        let verified = verify.mac(Blob::new(signature.bytes())).send().await;
        verified.is_ok_and(|answer| answer.mac_valid)
    }

    async fn verifies(&self, document: &str, signature: &ReceiptSignature) -> bool {
        let verify = self.cloud.kms(US).verify().key_id(signature.key_arn());
        let verify = verify.signing_algorithm(signature.algorithm().into());
        let verify = verify.message_type(MessageType::Raw);
        let verify = verify.message(digest_of(document));
        let verified = verify.signature(Blob::new(signature.bytes())).send().await;
        verified.is_ok_and(|answer| answer.signature_valid)
    }
}

fn digest_of(document: &str) -> Blob {
    Blob::new(digest(&SHA384, document.as_bytes()).as_ref())
}

/// The receipt of another tenant, which nobody signed.
fn changed(document: &str) -> String {
    document.replace("\"tenant\": \"north\"", "\"tenant\": \"south\"")
}

#[tokio::test]
async fn is_signed_by_an_hmac_key_of_any_region_of_the_set() {
    for region in REGIONS {
        let world = World::start().await;
        let (arn, key) = world.mac_key(region).await;
        let receipt = world.erase_signed_by(&key).await.unwrap();
        let signature = receipt.signature().unwrap();
        assert_eq!(signature.key_arn(), arn);
        assert_eq!(signature.algorithm(), "HMAC_SHA_256");
        let document = receipt.document();
        assert!(world.verifies_mac(region, document, signature).await);
        let changed = changed(document);
        assert_ne!(changed, document);
        assert!(!world.verifies_mac(region, &changed, signature).await);
        assert!(!format!("{receipt:?}").contains(&format!("{:?}", signature.bytes())));
    }
}

#[tokio::test]
async fn is_signed_by_a_key_for_signatures() {
    let world = World::start().await;
    let usage = KeyUsageType::SignVerify;
    let arn = world.create_key(US, KeySpec::EccNistP384, usage).await;
    let key = ReceiptKey::signature(&arn, SigningAlgorithmSpec::EcdsaSha384);
    let receipt = world.erase_signed_by(&key).await.unwrap();
    let signature = receipt.signature().unwrap();
    assert_eq!(signature.key_arn(), arn);
    assert_eq!(signature.algorithm(), "ECDSA_SHA_384");
    let document = receipt.document();
    assert!(world.verifies(document, signature).await);
    assert!(!world.verifies(&changed(document), signature).await);
}

#[tokio::test]
async fn is_a_report_where_no_key_is_named() {
    let world = World::start().await;
    let receipt = world.erase().await;
    assert!(receipt.signature().is_none());
    assert_eq!(world.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn is_handed_out_unsigned_if_the_key_fails_and_is_signed_later() {
    let world = World::start().await;
    let (arn, key) = world.mac_key(US).await;
    let set_state = |state| world.cloud.region(US).set_key_state(&arn, state).unwrap();
    set_state(KeyState::Disabled);
    let error = world.erase_signed_by(&key).await.unwrap_err();
    let EraseTenantError::Unsigned(mut receipt, why) = error else {
        panic!("{error:?}");
    };
    assert_eq!(why.last_attempt().kind(), KeyringErrorKind::Disabled);
    // All is done, and the receipt has it.
    for region in REGIONS {
        assert_eq!(world.types_of(region, "north"), ["dynaseal:erased"]);
    }
    assert!(receipt.signature().is_none());
    assert_eq!(receipt.erased().deleted().count(), 3);
    let document = receipt.document().to_owned();

    let regions = world.regions(US);
    let refused = world.run(receipt.sign(&key, &regions)).await;
    assert!(matches!(refused, Err(SignReceiptError::Kms(_))));
    assert!(receipt.signature().is_none());
    set_state(KeyState::Enabled);
    world.run(receipt.sign(&key, &regions)).await.unwrap();
    let signature = receipt.signature().unwrap().clone();
    assert_eq!(receipt.document(), document);
    assert!(world.verifies_mac(US, &document, &signature).await);

    // A key that cannot be used takes nothing away.
    let outside = "arn:aws:kms:ap-south-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let outside = ReceiptKey::mac(outside, MacAlgorithmSpec::HmacSha256);
    let refused = world.run(receipt.sign(&outside, &regions)).await;
    assert!(matches!(refused, Err(SignReceiptError::Config(_))));
    assert_eq!(receipt.signature(), Some(&signature));
}

#[tokio::test]
async fn says_what_was_erased_as_json_and_nothing_of_what_items_hold() {
    let world = World::start().await;
    // What nobody knows is left, and said.
    let mut odd = world.keys_of(US, "north")[0].clone();
    odd.insert("type".into(), s("copy:of-1"));
    world.write(KEYS, odd.clone()).await;
    world.replicate().await;
    let receipt = world.erase().await;
    for region in REGIONS {
        let types = world.types_of(region, "north");
        assert_eq!(types, ["copy:of-1", "dynaseal:erased"]);
    }
    assert_eq!(receipt.erased().left().collect::<Vec<_>>(), ["copy:of-1"]);
    let stays = receipt.stays_readable();
    let of_rows = |line: &String| line.starts_with("1 rows of `north`");
    assert!(stays.iter().any(of_rows), "{stays:?}");

    let document: Value = serde_json::from_str(receipt.document()).unwrap();
    let mut members: Vec<_> = document.as_object().unwrap().keys().collect();
    let mut expected = [
        "type",
        "tenant",
        "branch-key-id",
        "table",
        "logical-table",
        "key-store",
        "logical-key-store",
        "regions",
        "began",
        "ended",
        "longest-ttl-seconds",
        "lag-bound-seconds",
        "passes",
        "deleted",
        "left",
        "sample",
        "stays-readable",
        "key-policy-statement",
    ];
    expected.sort_unstable();
    members.sort_unstable();
    assert_eq!(members, expected);
    assert_eq!(document["type"], "dynaseal-erasure/1");
    for member in ["tenant", "branch-key-id"] {
        assert_eq!(document[member], "north");
    }
    for member in ["table", "logical-table"] {
        assert_eq!(document[member], ITEMS);
    }
    assert_eq!(document["key-store"], KEYS);
    assert_eq!(document["logical-key-store"], "logical-branch-keys");
    assert_eq!(document["regions"], serde_json::json!(REGIONS));
    assert_eq!(document["longest-ttl-seconds"], TTL.as_secs());
    assert_eq!(document["lag-bound-seconds"], LAG.as_secs());
    assert_eq!(document["passes"], 3);
    let [began, ended] = ["began", "ended"].map(|name| document[name].as_u64().unwrap());
    assert_eq!(ended - began, (TTL + 2 * LAG).as_secs());
    let deleted = document["deleted"].as_array().unwrap();
    assert_eq!(deleted.len(), 3, "{deleted:?}");
    assert_eq!(document["left"], serde_json::json!(["copy:of-1"]));
    assert_eq!(document["stays-readable"], serde_json::json!(stays));
    let statement: Value = serde_json::from_str(&receipt.key_policy_statement()).unwrap();
    assert_eq!(document["key-policy-statement"], statement);
    let sample = &document["sample"];
    assert_eq!(
        (&sample["items"], &sample["of-tenant"]),
        (&2.into(), &1.into())
    );

    for held in ["n-1", "s-1", "south", "diagnosis", "ward"] {
        assert!(!receipt.document().contains(held), "{held}");
        assert!(!format!("{receipt:?}").contains(held), "{held}");
    }
}
