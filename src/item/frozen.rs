//! Our own frozen vectors: what this version writes, every later one must write and read.
//!
//! `tests/vectors/items.json` never changes. A new vector is a new entry in [`cases`]; with
//! `DYNASEAL_FREEZE=1` the test appends the entries that the file lacks, and touches no other.
//! Items of suite 0x6700 are sealed again with the same random bytes and compared byte for byte;
//! those of 0x6701, under RSA and under ephemeral keys can only be opened, because AWS-LC takes no
//! randomness from outside.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Item, ItemEncryptor, ItemSchema};
use crate::action::CryptoAction;
use crate::crypto::random::{FixedRandom, Random};
use crate::keyring::table_key_keyring;
use crate::keyring::{
    EcdhCurve, Keyring, MultiKeyring, RawAesKeyring, RawEcdhKeyring, RawRsaKeyring, RsaPadding,
    StaticBranchKeyKeyring,
};
use crate::suite::AlgorithmSuite;

use AlgorithmSuite::{EcdsaP384, SymsigHmacSha384};
use CryptoAction::{
    DoNothing, EncryptAndSign, SignAndIncludeInEncryptionContext as Include, SignOnly,
};

/// One vector: how it is sealed. What it seals follows from `values`.
struct Case {
    name: &'static str,
    suite: AlgorithmSuite,
    keyring: fn() -> Arc<dyn Keyring>,
    /// What opens it, where that is another keyring.
    reader: Option<fn() -> Arc<dyn Keyring>>,
    /// Whether the same bytes come out each time.
    repeats: bool,
    actions: &'static [(&'static str, CryptoAction)],
}

/// Attributes of all ten types, under names of one, two and three UTF-16 orders.
fn values() -> Map<String, Value> {
    let values = json!({
        "pk": {"S": "customer#1"},
        "sk": {"N": "+0017.50e1"},
        "null": {"NULL": true},
        "text": {"S": "Grüße, \u{1F980}"},
        "number": {"N": "-00120.500e-1"},
        "bool": {"BOOL": true},
        "binary": {"B": "AP8BAgM="},
        "texts": {"SS": ["\u{ff61}", "\u{10002}", "a"]},
        "numbers": {"NS": ["10", "9", "-0.5", "1e2"]},
        "binaries": {"BS": ["gA==", "AQI=", "AQ=="]},
        "map": {"M": {"z": {"L": [{"N": "1.0"}]}, "\u{10001}": {"NULL": true}, "\u{fe4c}": {"S": ""}}},
        "list": {"L": [{"M": {}}, {"L": []}, {"BOOL": false}]},
        "é": {"S": "two bytes, one unit"},
        "\u{10001}": {"S": "four bytes, two units"},
        ":views": {"N": "7"},
    });
    values.as_object().expect("an object").clone()
}

const ALL_ENCRYPTED: &[(&str, CryptoAction)] = &[
    ("null", EncryptAndSign),
    ("text", EncryptAndSign),
    ("number", EncryptAndSign),
    ("bool", EncryptAndSign),
    ("binary", EncryptAndSign),
    ("texts", EncryptAndSign),
    ("numbers", EncryptAndSign),
    ("binaries", EncryptAndSign),
    ("map", EncryptAndSign),
    ("list", EncryptAndSign),
    ("é", EncryptAndSign),
    ("\u{10001}", EncryptAndSign),
    (":views", DoNothing),
];

const ALL_SIGNED: &[(&str, CryptoAction)] = &[
    ("null", SignOnly),
    ("text", SignOnly),
    ("number", SignOnly),
    ("bool", SignOnly),
    ("binary", SignOnly),
    ("texts", SignOnly),
    ("numbers", SignOnly),
    ("binaries", SignOnly),
    ("map", SignOnly),
    ("list", SignOnly),
    ("é", SignOnly),
    ("\u{10001}", SignOnly),
    (":views", DoNothing),
];

const INCLUDED: &[(&str, CryptoAction)] = &[
    ("null", Include),
    ("text", Include),
    ("number", Include),
    ("bool", Include),
    ("binary", Include),
    ("texts", Include),
    ("map", Include),
    ("list", EncryptAndSign),
    ("numbers", SignOnly),
    ("binaries", EncryptAndSign),
    ("é", Include),
    ("\u{10001}", EncryptAndSign),
    (":views", DoNothing),
];

fn random(seed: u64) -> Arc<dyn Random> {
    Arc::new(FixedRandom::new(seed << 32))
}

fn raw(name: &str, key: &[u8], seed: u64) -> RawAesKeyring {
    RawAesKeyring::new("frozen", name, key)
        .expect("a key")
        .with_random(random(seed))
}

fn raw_256() -> Arc<dyn Keyring> {
    Arc::new(raw("aes-256", &[0x25; 32], 1))
}

fn branch() -> StaticBranchKeyKeyring {
    let version = "01234567-89ab-4cde-8f01-23456789abcd";
    let keyring = StaticBranchKeyKeyring::new("branch-1", version, [0xb0; 32]);
    keyring.expect("a branch key").with_random(random(2))
}

fn branch_key() -> Arc<dyn Keyring> {
    Arc::new(branch())
}

fn four_recipients() -> Arc<dyn Keyring> {
    let multi = MultiKeyring::new(raw("aes-128", &[0x12; 16], 3))
        .child(raw("aes-192", &[0x19; 24], 4))
        .child(raw("aes-256", &[0x25; 32], 1))
        .child(branch());
    Arc::new(multi)
}

/// A key of `tests/vectors/keys`, in PEM.
fn key(file: &str) -> Vec<u8> {
    std::fs::read(vectors("keys").join(file)).expect("a key")
}

fn rsa(padding: RsaPadding) -> Arc<dyn Keyring> {
    let (public, private) = (key("rsa.pub.pem"), key("rsa.pem"));
    let keyring = RawRsaKeyring::from_key_pair("frozen", "rsa", padding, public, private);
    Arc::new(keyring.expect("a key pair"))
}

fn rsa_pkcs1() -> Arc<dyn Keyring> {
    rsa(RsaPadding::Pkcs1)
}

fn rsa_sha1() -> Arc<dyn Keyring> {
    rsa(RsaPadding::OaepSha1)
}

fn rsa_sha256() -> Arc<dyn Keyring> {
    rsa(RsaPadding::OaepSha256)
}

fn rsa_sha384() -> Arc<dyn Keyring> {
    rsa(RsaPadding::OaepSha384)
}

fn rsa_sha512() -> Arc<dyn Keyring> {
    rsa(RsaPadding::OaepSha512)
}

fn ecdh(curve: EcdhCurve, name: &str, seed: u64) -> Arc<dyn Keyring> {
    let alice = key(&format!("{name}-alice.pem"));
    let bob = key(&format!("{name}-bob.pub.pem"));
    let keyring = RawEcdhKeyring::raw_private_key_to_static_public_key(curve, alice, bob);
    Arc::new(keyring.expect("two keys").with_random(random(seed)))
}

fn ecdh_p256() -> Arc<dyn Keyring> {
    ecdh(EcdhCurve::P256, "p256", 6)
}

fn ecdh_p384() -> Arc<dyn Keyring> {
    ecdh(EcdhCurve::P384, "p384", 7)
}

fn ecdh_p521() -> Arc<dyn Keyring> {
    ecdh(EcdhCurve::P521, "p521", 8)
}

fn to_bob() -> Arc<dyn Keyring> {
    let bob = key("p256-bob.pub.pem");
    let keyring = RawEcdhKeyring::ephemeral_private_key_to_static_public_key(EcdhCurve::P256, bob);
    Arc::new(keyring.expect("a key"))
}

fn bob() -> Arc<dyn Keyring> {
    let keyring = RawEcdhKeyring::public_key_discovery(EcdhCurve::P256, key("p256-bob.pem"));
    Arc::new(keyring.expect("a key"))
}

fn table_key() -> Arc<dyn Keyring> {
    Arc::new(table_key_keyring(random(6), None))
}

/// The attribute `text` is included in the context, and a string.
fn table_key_of_tenant() -> Arc<dyn Keyring> {
    Arc::new(table_key_keyring(random(7), Some("text")))
}

fn cases() -> Vec<Case> {
    let case = |name, suite, keyring, actions| Case {
        name,
        suite,
        keyring,
        reader: None,
        repeats: suite == SymsigHmacSha384,
        actions,
    };
    let random = |name, keyring, reader| Case {
        reader: Some(reader),
        repeats: false,
        ..case(name, SymsigHmacSha384, keyring, INCLUDED)
    };
    vec![
        case(
            "encrypted, 0x6700, raw AES-256",
            SymsigHmacSha384,
            raw_256,
            ALL_ENCRYPTED,
        ),
        case(
            "signed, 0x6700, raw AES-256",
            SymsigHmacSha384,
            raw_256,
            ALL_SIGNED,
        ),
        case(
            "version 2, 0x6700, raw AES-256",
            SymsigHmacSha384,
            raw_256,
            INCLUDED,
        ),
        case(
            "encrypted, 0x6700, branch key",
            SymsigHmacSha384,
            branch_key,
            ALL_ENCRYPTED,
        ),
        case(
            "version 2, 0x6700, four recipients",
            SymsigHmacSha384,
            four_recipients,
            INCLUDED,
        ),
        case(
            "encrypted, 0x6701, raw AES-256",
            EcdsaP384,
            raw_256,
            ALL_ENCRYPTED,
        ),
        case(
            "version 2, 0x6701, branch key",
            EcdsaP384,
            branch_key,
            INCLUDED,
        ),
        case(
            "signed, 0x6701, four recipients",
            EcdsaP384,
            four_recipients,
            ALL_SIGNED,
        ),
        random("RSA, PKCS #1 v1.5", rsa_pkcs1, rsa_pkcs1),
        random("RSA, OAEP SHA-1", rsa_sha1, rsa_sha1),
        random("RSA, OAEP SHA-256", rsa_sha256, rsa_sha256),
        random("RSA, OAEP SHA-384", rsa_sha384, rsa_sha384),
        random("RSA, OAEP SHA-512", rsa_sha512, rsa_sha512),
        case("ECDH, P-256, static", SymsigHmacSha384, ecdh_p256, INCLUDED),
        case("ECDH, P-384, static", SymsigHmacSha384, ecdh_p384, INCLUDED),
        case("ECDH, P-521, static", SymsigHmacSha384, ecdh_p521, INCLUDED),
        random("ECDH, P-256, ephemeral", to_bob, bob),
        case(
            "encrypted, 0x6700, table key",
            SymsigHmacSha384,
            table_key,
            ALL_ENCRYPTED,
        ),
        case(
            "version 2, 0x6700, table key of a tenant",
            SymsigHmacSha384,
            table_key_of_tenant,
            INCLUDED,
        ),
    ]
}

impl Case {
    fn encryptor(&self) -> ItemEncryptor {
        self.encryptor_with(self.keyring)
    }

    fn reader(&self) -> ItemEncryptor {
        self.encryptor_with(self.reader.unwrap_or(self.keyring))
    }

    fn encryptor_with(&self, keyring: fn() -> Arc<dyn Keyring>) -> ItemEncryptor {
        let schema = self.actions.iter().fold(
            ItemSchema::builder("frozen-täble", "pk")
                .sort_key_name("sk")
                .allowed_unsigned_attribute_prefix(":")
                .algorithm_suite(self.suite),
            |schema, (name, action)| schema.action(*name, *action),
        );
        ItemEncryptor::new(schema.build().expect("a schema"), keyring()).with_random(random(5))
    }

    async fn seal(&self) -> Value {
        let sealed = self
            .encryptor()
            .seal(item(Value::Object(values())))
            .await
            .expect("seals");
        serde_json::to_value(serde_dynamo::Item::from(sealed)).expect("JSON")
    }
}

fn item(json: Value) -> Item {
    serde_json::from_value::<serde_dynamo::Item>(json)
        .expect("DynamoDB JSON")
        .into()
}

fn vectors(name: &str) -> PathBuf {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    vectors.join(name)
}

fn file() -> PathBuf {
    vectors("items.json")
}

fn read() -> Map<String, Value> {
    match std::fs::read_to_string(file()) {
        Ok(text) => serde_json::from_str(&text).expect("JSON"),
        Err(_) => Map::new(),
    }
}

/// Adds the vectors that the file lacks, and changes none that it has.
async fn freeze() {
    let mut frozen = read();
    for case in cases() {
        if !frozen.contains_key(case.name) {
            let sealed = case.seal().await;
            let opened = case
                .reader()
                .open(item(sealed.clone()))
                .await
                .expect("opens");
            let opened = serde_dynamo::Item::from(opened.into_item());
            let vector = json!({"plaintext": values(), "sealed": sealed, "opened": opened});
            frozen.insert(case.name.to_owned(), vector);
        }
    }
    let text = serde_json::to_string_pretty(&Value::Object(frozen)).expect("JSON");
    std::fs::write(file(), text + "\n").expect("written");
}

#[tokio::test]
async fn seals_every_frozen_vector_that_repeats_byte_for_byte() {
    if std::env::var_os("DYNASEAL_FREEZE").is_some() {
        freeze().await;
    }
    let frozen = read();
    for case in cases().into_iter().filter(|case| case.repeats) {
        let sealed = frozen[case.name]["sealed"].clone();
        assert_eq!(item(case.seal().await), item(sealed), "{}", case.name);
    }
}

#[tokio::test]
async fn opens_every_frozen_vector() {
    let frozen = read();
    assert_eq!(
        frozen.len(),
        cases().len(),
        "a vector without a case, or a case without a vector"
    );
    for case in cases() {
        let vector = &frozen[case.name];
        let opened = case.reader().open(item(vector["sealed"].clone())).await;
        let opened = opened.unwrap_or_else(|error| panic!("{}: {error:?}", case.name));
        assert_eq!(opened.suite(), case.suite);
        assert_eq!(
            opened.into_item(),
            item(vector["opened"].clone()),
            "{}",
            case.name
        );
    }
}

/// Sealed by `tests/interop/table_key.py`, which knows the documents and not this crate.
#[tokio::test]
async fn opens_what_another_implementation_sealed_under_table_keys() {
    let text = std::fs::read_to_string(vectors("table_keys.json")).expect("readable");
    let frozen: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
    let cases = cases()
        .into_iter()
        .filter(|case| case.name.contains("table key"));
    let cases: Vec<Case> = cases.collect();
    assert_eq!((frozen.len(), cases.len()), (2, 2));
    for case in cases {
        let vector = &frozen[case.name];
        let opened = case.encryptor().open(item(vector["sealed"].clone())).await;
        let opened = opened.unwrap_or_else(|error| panic!("{}: {error:?}", case.name));
        let expected = item(vector["opened"].clone());
        assert_eq!(opened.into_item(), expected, "{}", case.name);
    }
}
