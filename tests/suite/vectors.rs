//! The upstream vectors: every positive one opens to its plaintext, every negative one is refused.

mod key_store;

use std::sync::Arc;

use dynaseal::keyring::{Keyring, StaticBranchKeyKeyring};
use dynaseal::{CryptoAction, ItemEncryptor, ItemSchema, RawAesKeyring};
use serde_json::Value;

use crate::support::stack::{item, s};
use crate::support::{canonical, read_json, shared, vector_item};

const BRANCH_KEY_ID: &str = "bd3842ff-3076-4092-9918-4395730050b8";
const BRANCH_KEY_VERSION: &str = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";

/// The branch key of the vector suite: `static-branch-key-1` of the MPL's `keys.json`.
fn branch_key_bytes() -> Vec<u8> {
    use base64::Engine as _;
    let key = "tJwf65epYvUt5HMiQsl/6jlvLxS0tgdjIuvFy2BLIwg=";
    base64::engine::general_purpose::STANDARD
        .decode(key)
        .unwrap()
}

fn branch_key() -> Arc<dyn Keyring> {
    let key = branch_key_bytes();
    Arc::new(StaticBranchKeyKeyring::new(BRANCH_KEY_ID, BRANCH_KEY_VERSION, key).unwrap())
}

fn action(text: &str) -> CryptoAction {
    match text {
        "ENCRYPT_AND_SIGN" => CryptoAction::EncryptAndSign,
        "SIGN_ONLY" => CryptoAction::SignOnly,
        "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT" => CryptoAction::SignAndIncludeInEncryptionContext,
        "DO_NOTHING" => CryptoAction::DoNothing,
        other => panic!("unknown action {other}"),
    }
}

/// Reads both spellings of a configuration: the upstream runner's and the official crate's.
fn encryptor(config: &Value, keyring: Arc<dyn Keyring>) -> ItemEncryptor {
    let text = |long: &str, short: &str, default: &str| {
        let value = config
            .get(long)
            .or_else(|| config.get(short))
            .and_then(Value::as_str);
        value.unwrap_or(default).to_owned()
    };
    let table = text("logicalTableName", "table", "GazelleVectorTable");
    let mut schema = ItemSchema::builder(table, text("partitionKeyName", "pk", "RecNum"));
    let sort_key = text("sortKeyName", "sk", "");
    if !sort_key.is_empty() {
        schema = schema.sort_key_name(sort_key);
    }
    for (name, value) in config["attributeActionsOnEncrypt"].as_object().unwrap() {
        schema = schema.action(name, action(value.as_str().unwrap()));
    }
    for name in config["allowedUnsignedAttributes"]
        .as_array()
        .into_iter()
        .flatten()
    {
        schema = schema.allowed_unsigned_attribute(name.as_str().unwrap());
    }
    if let Some(prefix) = config["allowedUnsignedAttributePrefix"].as_str() {
        schema = schema.allowed_unsigned_attribute_prefix(prefix);
    }
    ItemEncryptor::new(schema.build().expect("the vector's configuration"), keyring)
}

/// Runs a decrypt manifest, with the branch key in clear and in a key store, and returns how many tests it
/// had.
async fn run_manifest(file: &str) -> Option<usize> {
    let manifest = read_json(&shared(file)?);
    let (_cloud, stored) = key_store::keyring().await;
    let count = run_tests(file, &manifest, &branch_key()).await;
    assert_eq!(run_tests(file, &manifest, &stored).await, count);
    Some(count)
}

async fn run_tests(file: &str, manifest: &Value, keyring: &Arc<dyn Keyring>) -> usize {
    let tests = manifest["tests"].as_object().unwrap();
    for (number, test) in tests {
        let config = test.get("decryptConfig").unwrap_or_else(|| &test["config"]);
        let opened = encryptor(config, Arc::clone(keyring))
            .open(vector_item(&test["encrypted"]))
            .await;
        match test["type"].as_str().unwrap() {
            "positive-decrypt" => {
                let item = opened
                    .unwrap_or_else(|e| panic!("{file} {number}: {e:?}"))
                    .into_item();
                assert_eq!(
                    canonical(&item),
                    canonical(&vector_item(&test["plaintext"])),
                    "{number}"
                );
            }
            "negative-decrypt" => assert!(opened.is_err(), "{file} {number} must be refused"),
            other => panic!("unknown kind of test {other}"),
        }
    }
    tests.len()
}

#[tokio::test]
async fn opens_every_java_32_vector() {
    assert!(
        run_manifest("vectors/decrypt_java_32.json")
            .await
            .is_none_or(|count| count == 9)
    );
}

#[tokio::test]
async fn opens_every_java_33_vector() {
    assert!(
        run_manifest("vectors/decrypt_java_33.json")
            .await
            .is_none_or(|count| count == 12)
    );
}

#[tokio::test]
async fn opens_the_decrypt_tests_of_iotest() {
    let Some(path) = shared("vectors/iotest.json") else {
        return;
    };
    let mut opened = 0;
    let (_cloud, stored) = key_store::keyring().await;
    let file = read_json(&path);
    let tests = file["DecryptTests"].as_array().unwrap().iter();
    let tests = tests.flat_map(|test| [(test, branch_key()), (test, Arc::clone(&stored))]);
    for (test, keyring) in tests {
        let encryptor = encryptor(&test["Config"], keyring);
        let records = test["EncryptedRecords"].as_array().unwrap();
        for (sealed, plain) in records
            .iter()
            .zip(test["PlainTextRecords"].as_array().unwrap())
        {
            let item = encryptor
                .open(vector_item(sealed))
                .await
                .unwrap()
                .into_item();
            assert_eq!(canonical(&item), canonical(&vector_item(plain)));
            opened += 1;
        }
    }
    assert_eq!(opened, 4);
}

#[tokio::test]
async fn opens_every_vector_of_the_official_crate() {
    use base64::Engine as _;
    let Some(path) = shared("vectors/official_crate_vectors.json") else {
        return;
    };
    let file = read_json(&path);
    let key = &file["key"];
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(key["key"].as_str().unwrap())
        .unwrap();
    let (namespace, name) = (key["ns"].as_str().unwrap(), key["name"].as_str().unwrap());
    let keyring: Arc<dyn Keyring> = Arc::new(RawAesKeyring::new(namespace, name, bytes).unwrap());
    let tests = file["tests"].as_object().unwrap();
    for (name, test) in tests {
        let encryptor = encryptor(&test["config"], Arc::clone(&keyring));
        let sealed = vector_item(&test["encrypted"]);
        let item = encryptor
            .open(sealed)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e:?}"))
            .into_item();
        assert_eq!(
            canonical(&item),
            canonical(&vector_item(&test["decrypted"])),
            "{name}"
        );
    }
    assert_eq!(tests.len(), 122);
}

/// Two ways to the same branch key, one format.
#[tokio::test]
async fn opens_under_a_key_in_a_key_store_what_was_sealed_under_it_in_clear_and_back() {
    let (_cloud, stored) = key_store::keyring().await;
    let schema = ItemSchema::builder("orders", "id").action("card", CryptoAction::EncryptAndSign);
    let schema = Arc::new(schema.build().unwrap());
    let clear = ItemEncryptor::new(Arc::clone(&schema), branch_key());
    let stored = ItemEncryptor::new(schema, stored);
    let order = item([("id", s("o-1")), ("card", s("4111 1111"))]);
    for (writer, reader) in [(&clear, &stored), (&stored, &clear)] {
        let sealed = writer.seal(order.clone()).await.unwrap();
        assert_eq!(reader.open(sealed).await.unwrap().into_item(), order);
    }
}
