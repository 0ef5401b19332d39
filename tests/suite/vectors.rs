//! The upstream vectors: every positive one opens to its plaintext, every negative one is refused.

use std::sync::Arc;

use dynaseal::keyring::{Keyring, StaticBranchKeyKeyring};
use dynaseal::{CryptoAction, ItemEncryptor, ItemSchema, RawAesKeyring};
use serde_json::Value;

use crate::support::{canonical, read_json, shared, vector_item};

/// The branch key of the vector suite: `static-branch-key-1` of the MPL's `keys.json`.
fn branch_key() -> Arc<dyn Keyring> {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD
        .decode("tJwf65epYvUt5HMiQsl/6jlvLxS0tgdjIuvFy2BLIwg=")
        .unwrap();
    let id = "bd3842ff-3076-4092-9918-4395730050b8";
    Arc::new(StaticBranchKeyKeyring::new(id, "e9ce18a3-edb5-4272-9f86-1cacb7997ff6", key).unwrap())
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

/// Runs a decrypt manifest and returns how many tests it had.
async fn run_manifest(file: &str) -> Option<usize> {
    let manifest = read_json(&shared(file)?);
    let tests = manifest["tests"].as_object().unwrap();
    for (number, test) in tests {
        let config = test.get("decryptConfig").unwrap_or_else(|| &test["config"]);
        let opened = encryptor(config, branch_key())
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
    Some(tests.len())
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
    for test in read_json(&path)["DecryptTests"].as_array().unwrap() {
        let encryptor = encryptor(&test["Config"], branch_key());
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
    assert_eq!(opened, 2);
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
