//! Nothing that is signed can be changed, moved or swapped unnoticed; nothing else is refused.

use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::item::ItemSchemaBuilder;
use dynaseal::keyring::MultiKeyring;
use dynaseal::{
    AlgorithmSuite, CryptoAction, Item, ItemEncryptor, ItemSchema, OpenError, RawAesKeyring,
};

const SUITES: [AlgorithmSuite; 2] = [AlgorithmSuite::SymsigHmacSha384, AlgorithmSuite::EcdsaP384];
const RECIPIENT_TAG_LEN: usize = 48;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

/// Every type of value, both ways of signing, in header version 2.
fn item() -> Item {
    let set = vec!["a".to_owned(), "b".to_owned()];
    Item::from([
        ("pk".to_owned(), text("customer")),
        ("sk".to_owned(), number("1")),
        ("secret".to_owned(), text("attack at dawn")),
        ("twin".to_owned(), text("attack at dusk")),
        (
            "map".to_owned(),
            AttributeValue::M(Item::from([("k".to_owned(), AttributeValue::Bool(true))])),
        ),
        (
            "list".to_owned(),
            AttributeValue::L(vec![AttributeValue::Null(true), number("2")]),
        ),
        ("clear".to_owned(), number("1")),
        ("set".to_owned(), AttributeValue::Ss(set)),
        ("bytes".to_owned(), AttributeValue::B(Blob::new([1, 2, 3]))),
        ("tenant".to_owned(), text("acme")),
        (":views".to_owned(), number("7")),
    ])
}

fn schema(table: &str) -> ItemSchemaBuilder {
    ["secret", "twin", "map", "list"]
        .into_iter()
        .fold(
            ItemSchema::builder(table, "pk").sort_key_name("sk"),
            |schema, name| schema.action(name, CryptoAction::EncryptAndSign),
        )
        .action("clear", CryptoAction::SignOnly)
        .action("set", CryptoAction::SignOnly)
        .action("bytes", CryptoAction::SignOnly)
        .action("tenant", CryptoAction::SignAndIncludeInEncryptionContext)
        .allowed_unsigned_attribute_prefix(":")
}

fn keyring(name: &str) -> RawAesKeyring {
    RawAesKeyring::new("tamper", name, [3; 32]).unwrap()
}

fn encryptor(suite: AlgorithmSuite) -> ItemEncryptor {
    ItemEncryptor::new(
        schema("table").algorithm_suite(suite).build().unwrap(),
        keyring("key"),
    )
}

fn bytes(value: &AttributeValue) -> Vec<u8> {
    value.as_b().expect("binary").as_ref().to_vec()
}

fn with(item: &Item, name: &str, value: AttributeValue) -> Item {
    let mut changed = item.clone();
    changed.insert(name.to_owned(), value);
    changed
}

async fn assert_refused(encryptor: &ItemEncryptor, item: Item, what: &str) -> OpenError {
    match encryptor.open(item).await {
        Ok(_) => panic!("{what} went unnoticed"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn refuses_every_changed_byte_of_every_binary() {
    for suite in SUITES {
        let encryptor = encryptor(suite);
        let sealed = encryptor.seal(item()).await.unwrap();
        let binaries = sealed.iter().filter(|(_, value)| value.is_b());
        let mut flipped = 0;
        for (name, original) in binaries.map(|(name, value)| (name, bytes(value))) {
            for at in 0..original.len() {
                let mut changed = original.clone();
                changed[at] ^= 1 << (at % 8);
                let changed = with(&sealed, name, AttributeValue::B(Blob::new(changed)));
                assert_refused(&encryptor, changed, &format!("{suite} {name}[{at}]")).await;
                flipped += 1;
            }
        }
        assert!(
            flipped > 350,
            "head, foot, four encrypted and one signed: {flipped} bytes"
        );
        encryptor
            .open(sealed)
            .await
            .expect("the untouched item opens");
    }
}

#[tokio::test]
async fn refuses_every_truncated_or_extended_binary() {
    for suite in SUITES {
        let encryptor = encryptor(suite);
        let sealed = encryptor.seal(item()).await.unwrap();
        for (name, value) in sealed.iter().filter(|(_, value)| value.is_b()) {
            let original = bytes(value);
            for len in 0..original.len() {
                let short = AttributeValue::B(Blob::new(&original[..len]));
                assert_refused(
                    &encryptor,
                    with(&sealed, name, short),
                    &format!("{name}, {len} left"),
                )
                .await;
            }
            let long = [original.as_slice(), &[0]].concat();
            let long = with(&sealed, name, AttributeValue::B(Blob::new(long)));
            assert_refused(&encryptor, long, &format!("{name} and a byte more")).await;
        }
    }
}

#[tokio::test]
async fn refuses_every_signed_attribute_dropped_retyped_or_swapped() {
    for suite in SUITES {
        let encryptor = encryptor(suite);
        let sealed = encryptor.seal(item()).await.unwrap();
        let signed: Vec<_> = sealed
            .keys()
            .filter(|name| !name.starts_with(':'))
            .cloned()
            .collect();
        for name in &signed {
            let mut without = sealed.clone();
            without.remove(name);
            assert_refused(&encryptor, without, &format!("{name} dropped")).await;
            for other in [
                AttributeValue::Null(true),
                text("x"),
                AttributeValue::Bool(false),
                number("3"),
            ] {
                let retyped = with(&sealed, name, other);
                assert_refused(&encryptor, retyped, &format!("{name} retyped")).await;
            }
            for other in signed.iter().filter(|other| sealed[*other] != sealed[name]) {
                let mut swapped = with(&sealed, name, sealed[other].clone());
                swapped.insert(other.clone(), sealed[name].clone());
                assert_refused(&encryptor, swapped, &format!("{name} and {other} swapped")).await;
            }
        }
    }
}

#[tokio::test]
async fn refuses_added_attributes_wherever_they_would_be_read() {
    let encryptor = encryptor(AlgorithmSuite::EcdsaP384);
    let sealed = encryptor.seal(item()).await.unwrap();
    let error = assert_refused(
        &encryptor,
        with(&sealed, "new", text("x")),
        "an added attribute",
    )
    .await;
    assert!(matches!(error, OpenError::SchemaChanged(_)), "{error:?}");
    let error = assert_refused(
        &encryptor,
        with(&sealed, "aws_dbe_x", text("x")),
        "a reserved name",
    )
    .await;
    assert!(matches!(error, OpenError::Attribute(_)), "{error:?}");
    for tolerated in ["aws_dbe_b_beacon", "aws_dbe_v_1"] {
        let opened = encryptor
            .open(with(&sealed, tolerated, text("x")))
            .await
            .unwrap();
        assert!(
            !opened.item().contains_key(tolerated),
            "belongs to the format, not to the caller"
        );
    }
}

#[tokio::test]
async fn refuses_an_item_under_another_key_or_table() {
    for suite in SUITES {
        let encryptor = encryptor(suite);
        let sealed = encryptor.seal(item()).await.unwrap();
        for (name, value) in [
            ("pk", text("other")),
            ("sk", number("2")),
            ("tenant", text("evil")),
        ] {
            assert_refused(&encryptor, with(&sealed, name, value), name).await;
        }
        let renamed = schema("elbat").algorithm_suite(suite).build().unwrap();
        let renamed = ItemEncryptor::new(renamed, keyring("key"));
        assert_refused(&renamed, sealed, "an item of another table").await;
    }
}

#[tokio::test]
async fn refuses_parts_of_another_item() {
    for suite in SUITES {
        let encryptor = encryptor(suite);
        let one = encryptor.seal(item()).await.unwrap();
        let two = encryptor.seal(item()).await.unwrap();
        for name in ["aws_dbe_head", "aws_dbe_foot", "secret", "map"] {
            let mixed = with(&one, name, two[name].clone());
            assert_refused(&encryptor, mixed, &format!("{name} of another item")).await;
        }
    }
}

#[tokio::test]
async fn tells_stripped_items_from_damaged_ones() {
    let encryptor = encryptor(AlgorithmSuite::SymsigHmacSha384);
    let sealed = encryptor.seal(item()).await.unwrap();
    for (removed, is_plaintext) in [
        (&["aws_dbe_head", "aws_dbe_foot"][..], true),
        (&["aws_dbe_head"], false),
        (&["aws_dbe_foot"], false),
    ] {
        let mut stripped = sealed.clone();
        stripped.retain(|name, _| !removed.contains(&name.as_str()));
        match assert_refused(&encryptor, stripped, "a stripped item").await {
            OpenError::NotSealed(error) => assert_eq!(error.is_plaintext(), is_plaintext),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn with_several_recipients_only_the_others_tags_are_not_ours_to_check() {
    let suite = AlgorithmSuite::EcdsaP384;
    let both = MultiKeyring::new(keyring("one")).child(keyring("two"));
    let sealer = ItemEncryptor::new(
        schema("table").algorithm_suite(suite).build().unwrap(),
        both,
    );
    let sealed = sealer.seal(item()).await.unwrap();
    let footer = bytes(&sealed["aws_dbe_foot"]);
    let reader = |name| {
        let schema = schema("table").algorithm_suite(suite).build().unwrap();
        ItemEncryptor::new(schema, keyring(name))
    };
    for (index, name) in ["one", "two"].into_iter().enumerate() {
        let reader = reader(name);
        let others = (1 - index) * RECIPIENT_TAG_LEN..(2 - index) * RECIPIENT_TAG_LEN;
        for at in 0..footer.len() {
            let mut changed = footer.clone();
            changed[at] ^= 0x80;
            let changed = with(
                &sealed,
                "aws_dbe_foot",
                AttributeValue::B(Blob::new(changed)),
            );
            assert_eq!(
                reader.open(changed).await.is_ok(),
                others.contains(&at),
                "{name} foot[{at}]"
            );
        }
        let header = bytes(&sealed["aws_dbe_head"]);
        for at in 0..header.len() {
            let mut changed = header.clone();
            changed[at] ^= 1;
            let changed = with(
                &sealed,
                "aws_dbe_head",
                AttributeValue::B(Blob::new(changed)),
            );
            assert_refused(&reader, changed, &format!("{name} head[{at}]")).await;
        }
    }
    let mut swapped = footer[RECIPIENT_TAG_LEN..2 * RECIPIENT_TAG_LEN].to_vec();
    swapped.extend_from_slice(&footer[..RECIPIENT_TAG_LEN]);
    swapped.extend_from_slice(&footer[2 * RECIPIENT_TAG_LEN..]);
    let swapped = with(
        &sealed,
        "aws_dbe_foot",
        AttributeValue::B(Blob::new(swapped)),
    );
    assert_refused(&reader("one"), swapped, "swapped recipient tags").await;
}

#[tokio::test]
async fn opens_changes_that_mean_nothing() {
    for suite in SUITES {
        let encryptor = encryptor(suite);
        let sealed = encryptor.seal(item()).await.unwrap();
        let reordered = AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()]);
        for (name, value) in [
            ("clear", number("1.0")),
            ("sk", number("+1e0")),
            ("set", reordered),
            (":views", text("anything")),
        ] {
            let opened = encryptor
                .open(with(&sealed, name, value.clone()))
                .await
                .unwrap();
            assert_eq!(
                opened.item()[name],
                value,
                "what is not encrypted comes back as it arrived"
            );
        }
        let opened = encryptor
            .open(with(&sealed, ":new", number("1")))
            .await
            .unwrap();
        assert!(opened.item().contains_key(":new"));
    }
}

#[tokio::test]
async fn a_weaker_suite_opens_only_by_name() {
    let weak = encryptor(AlgorithmSuite::SymsigHmacSha384)
        .seal(item())
        .await
        .unwrap();
    let strong = encryptor(AlgorithmSuite::EcdsaP384)
        .seal(item())
        .await
        .unwrap();
    let reader = encryptor(AlgorithmSuite::EcdsaP384);
    let error = assert_refused(&reader, weak.clone(), "a downgrade").await;
    assert!(matches!(error, OpenError::SuiteBelowPolicy(_)), "{error:?}");
    encryptor(AlgorithmSuite::SymsigHmacSha384)
        .open(strong)
        .await
        .expect("a stronger suite opens");
    let both = schema("table")
        .algorithm_suite(AlgorithmSuite::EcdsaP384)
        .accept_suite(AlgorithmSuite::SymsigHmacSha384);
    let both = ItemEncryptor::new(both.build().unwrap(), keyring("key"));
    let opened = both.open(weak).await.expect("accepted by name");
    assert_eq!(opened.suite(), AlgorithmSuite::SymsigHmacSha384);
}

#[tokio::test]
async fn a_header_with_too_many_keys_is_refused_before_any_is_tried() {
    let recipients = (0..17).fold(MultiKeyring::new(keyring("0")), |all, n| {
        all.child(keyring(&n.to_string()))
    });
    let recipients = Arc::new(recipients);
    let sealer = ItemEncryptor::new(schema("table").build().unwrap(), Arc::clone(&recipients));
    let sealed = sealer.seal(item()).await.unwrap();
    let error = assert_refused(&sealer, sealed.clone(), "18 encrypted data keys").await;
    assert!(
        matches!(error, OpenError::TooManyEncryptedDataKeys(_)),
        "{error:?}"
    );
    let patient = schema("table").max_encrypted_data_keys(18).build().unwrap();
    ItemEncryptor::new(patient, recipients)
        .open(sealed)
        .await
        .expect("the limit is the schema's");
}
