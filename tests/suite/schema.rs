//! The rules of schemas, at construction, at sealing, and over time.

mod changes;
mod sealing;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::CryptoAction::{
    DoNothing, EncryptAndSign, SignAndIncludeInEncryptionContext as Include, SignOnly,
};
use dynaseal::error::{AttributeIssue, InvalidAttribute};
use dynaseal::item::ItemSchemaBuilder;
use dynaseal::{Item, ItemEncryptor, ItemSchema, OpenError, RawAesKeyring, SealError};

use crate::support::stack::{item, n, s};

fn schema() -> ItemSchemaBuilder {
    ItemSchema::builder("table", "pk")
}

fn encryptor(schema: ItemSchemaBuilder) -> ItemEncryptor {
    let keyring = RawAesKeyring::new("schema", "key", [5; 32]).unwrap();
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

/// Refused, in words that hold this.
fn assert_refused(schema: ItemSchemaBuilder, words: &str) {
    match schema.build() {
        Ok(schema) => panic!("built: {schema:?}"),
        Err(error) => assert!(error.to_string().contains(words), "{error}"),
    }
}

#[test]
fn signs_keys_without_being_told() {
    let built = schema()
        .sort_key_name("sk")
        .action("a", EncryptAndSign)
        .build()
        .unwrap();
    assert_eq!(built.action("pk"), Some(SignOnly));
    assert_eq!(built.action("sk"), Some(SignOnly));
    let explicit = schema().action("pk", SignOnly).build().unwrap();
    assert_eq!(explicit.action("pk"), Some(SignOnly));
}

#[test]
fn includes_keys_if_anything_is_included() {
    for builder in [schema().action("a", Include), schema().others(Include)] {
        let built = builder.sort_key_name("sk").build().unwrap();
        assert_eq!(built.action("pk"), Some(Include));
        assert_eq!(built.action("sk"), Some(Include));
    }
}

#[test]
fn refuses_keys_whose_action_is_not_what_the_format_demands() {
    assert_refused(
        schema().action("pk", EncryptAndSign),
        "key `pk` cannot be encrypted",
    );
    let sorted = schema().sort_key_name("sk");
    assert_refused(
        sorted.action("sk", EncryptAndSign),
        "key `sk` cannot be encrypted",
    );
    assert_refused(
        schema().action("pk", SignOnly).action("a", Include),
        "key `pk` must be",
    );
    assert_refused(
        schema()
            .sort_key_name("sk")
            .action("sk", SignOnly)
            .others(Include),
        "key `sk` must be",
    );
}

#[test]
fn refuses_unsigned_keys() {
    let listed = schema().allowed_unsigned_attribute("pk");
    assert_refused(listed, "key `pk` cannot be unsigned");
    let listed = schema()
        .allowed_unsigned_attribute("pk")
        .action("pk", DoNothing);
    assert_refused(listed, "key `pk` cannot be unsigned");
    let by_prefix = schema().allowed_unsigned_attribute_prefix("p");
    assert_refused(by_prefix, "key `pk` cannot be unsigned");
    let sort_key = schema()
        .sort_key_name(":sk")
        .allowed_unsigned_attribute_prefix(":");
    assert_refused(sort_key, "key `:sk` cannot be unsigned");
    assert_refused(schema().action("pk", DoNothing), "`pk` is unsigned");
}

#[test]
fn refuses_one_attribute_as_both_keys() {
    assert_refused(schema().sort_key_name("pk"), "same attribute");
}

#[test]
fn keeps_the_unsigned_list_and_the_actions_consistent() {
    assert_refused(schema().action("a", DoNothing), "attribute `a` is unsigned");
    let other = schema()
        .action("a", DoNothing)
        .allowed_unsigned_attribute("b");
    assert_refused(other, "attribute `a` is unsigned");
    for action in [EncryptAndSign, SignOnly, Include] {
        let listed = schema().action("a", action).allowed_unsigned_attribute("a");
        assert_refused(
            listed,
            "attribute `a` is signed, and also allowed to be unsigned",
        );
        let by_prefix = schema()
            .action(":a", action)
            .allowed_unsigned_attribute_prefix(":");
        assert_refused(
            by_prefix,
            "attribute `:a` is signed, and also allowed to be unsigned",
        );
    }
    let listed = schema()
        .action("a", DoNothing)
        .allowed_unsigned_attribute("a");
    let listed = listed
        .action(":b", DoNothing)
        .allowed_unsigned_attribute_prefix(":");
    let listed = listed.build().unwrap();
    for name in ["a", ":b", ":c"] {
        assert_eq!(listed.action(name), Some(DoNothing));
        assert!(!listed.is_in_signature_scope(name));
    }
    assert_eq!(listed.action("c"), None);
    assert!(listed.is_in_signature_scope("c"));
}

#[test]
fn never_leaves_everything_unsigned() {
    assert_refused(schema().others(DoNothing), "cannot be unsigned as a whole");
    assert_refused(
        schema().allowed_unsigned_attribute_prefix(""),
        "empty unsigned prefix",
    );
}

#[test]
fn refuses_reserved_names_wherever_they_are_configured() {
    for name in [
        "aws_dbe_head",
        "aws_dbe_foot",
        "aws_dbe_b_x",
        "aws_dbe_",
        "aws-crypto-",
        "aws-crypto-x",
    ] {
        assert_refused(schema().action(name, SignOnly), "reserved");
        assert_refused(schema().allowed_unsigned_attribute(name), "reserved");
        assert_refused(ItemSchema::builder("table", name), "reserved");
        assert_refused(schema().sort_key_name(name), "reserved");
    }
    for name in ["aws_db", "AWS_DBE_HEAD", "aws-crypto", "x_aws_dbe_"] {
        assert!(schema().action(name, SignOnly).build().is_ok(), "{name}");
    }
}

#[test]
fn refuses_names_that_dynamodb_does_not_have() {
    assert_refused(schema().action("", SignOnly), "1 to 65535 bytes");
    assert!(
        schema()
            .action("x".repeat(65_535), SignOnly)
            .build()
            .is_ok()
    );
    assert_refused(
        schema().action("x".repeat(65_536), SignOnly),
        "1 to 65535 bytes",
    );
    assert!(
        ItemSchema::builder("table", "k".repeat(255))
            .build()
            .is_ok()
    );
    assert_refused(
        ItemSchema::builder("table", "k".repeat(256)),
        "at most 255 bytes",
    );
    assert_refused(schema().sort_key_name("k".repeat(256)), "at most 255 bytes");
    // 128 characters, 256 bytes.
    assert_refused(schema().sort_key_name("é".repeat(128)), "at most 255 bytes");
    assert_refused(ItemSchema::builder("", "pk"), "logical table name");
    assert!(
        ItemSchema::builder("t".repeat(65_535), "pk")
            .build()
            .is_ok()
    );
    assert_refused(
        ItemSchema::builder("t".repeat(65_536), "pk"),
        "logical table name",
    );
}

#[test]
fn refuses_two_actions_for_one_attribute() {
    assert_refused(
        schema().action("a", SignOnly).action("a", EncryptAndSign),
        "two crypto actions",
    );
    assert!(
        schema()
            .action("a", SignOnly)
            .action("a", SignOnly)
            .build()
            .is_ok()
    );
}

#[test]
fn refuses_context_attributes_that_policies_could_not_tell_apart() {
    assert_refused(
        schema().action("Tenant", Include).action("tenant", Include),
        "differ in case only",
    );
    assert_refused(schema().action("PK", Include), "differ in case only");
    let other = schema()
        .action("Tenant", Include)
        .action("tenant", EncryptAndSign);
    assert!(
        other.build().is_ok(),
        "an encrypted attribute is in no context"
    );
}

#[test]
fn bounds_the_number_of_encrypted_data_keys() {
    for (max, is_fine) in [(0, false), (1, true), (255, true), (256, false)] {
        assert_eq!(
            schema().max_encrypted_data_keys(max).build().is_ok(),
            is_fine,
            "{max}"
        );
    }
}
