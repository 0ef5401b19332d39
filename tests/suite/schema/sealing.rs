//! What cannot be sealed, and how that is said.

use aws_sdk_dynamodb::primitives::Blob;
use dynaseal::error::ValueError;

use super::*;

async fn invalid(encryptor: &ItemEncryptor, item: Item) -> InvalidAttribute {
    match encryptor.seal(item).await {
        Err(SealError::Attribute(error)) => error,
        other => panic!("{other:?}"),
    }
}

async fn assert_invalid(encryptor: &ItemEncryptor, item: Item, name: &str, issue: AttributeIssue) {
    let error = invalid(encryptor, item).await;
    assert_eq!((error.name(), error.issue()), (name, issue));
}

/// The same value encrypted, signed and, where it fits, in the context.
async fn assert_bad_value(value: AttributeValue, cause: ValueError) {
    for action in [EncryptAndSign, SignOnly, Include] {
        let encryptor = encryptor(schema().action("a", action));
        let item = item([("pk", s("x")), ("a", value.clone())]);
        assert_invalid(&encryptor, item, "a", AttributeIssue::Value(cause)).await;
    }
    let unsigned = encryptor(schema().allowed_unsigned_attribute("a"));
    let item = item([("pk", s("x")), ("a", value.clone())]);
    let sealed = unsigned
        .seal(item)
        .await
        .expect("nobody looks at unsigned values");
    assert_eq!(sealed["a"], value);
}

async fn assert_good_value(value: AttributeValue) {
    for action in [EncryptAndSign, SignOnly, Include] {
        let encryptor = encryptor(schema().action("a", action));
        let sealed = encryptor
            .seal(item([("pk", s("x")), ("a", value.clone())]))
            .await;
        assert!(encryptor.open(sealed.unwrap()).await.is_ok(), "{value:?}");
    }
}

fn ns(members: &[&str]) -> AttributeValue {
    AttributeValue::Ns(members.iter().map(|&member| member.to_owned()).collect())
}

fn in_a_map(value: AttributeValue) -> AttributeValue {
    AttributeValue::M(item([("k", AttributeValue::L(vec![value]))]))
}

/// The schema sees to names it knows; these it learns from the item.
#[tokio::test]
async fn context_attributes_of_the_item_must_not_differ_in_case_only() {
    let encryptor = encryptor(schema().others(Include));
    let pair = item([("pk", s("x")), ("Tenant", s("a")), ("tenant", s("b"))]);
    // Which of the two is named second follows from the canonical order.
    assert_invalid(&encryptor, pair, "tenant", AttributeIssue::DiffersInCase).await;
    let other = item([("pk", s("x")), ("Tenant", s("a")), ("tenants", s("b"))]);
    assert!(encryptor.seal(other).await.is_ok());
}

/// A list in a list …, this many levels with the innermost.
fn nested(levels: usize) -> AttributeValue {
    (1..levels).fold(AttributeValue::Bool(true), |inner, _| {
        AttributeValue::L(vec![inner])
    })
}

#[tokio::test]
async fn refuses_an_item_without_its_keys_or_context_attributes() {
    let encryptor = encryptor(
        schema()
            .sort_key_name("sk")
            .action("tenant", Include)
            .action("a", SignOnly),
    );
    let complete = item([("pk", s("x")), ("sk", n("1")), ("tenant", s("acme"))]);
    for name in ["pk", "sk", "tenant"] {
        let mut lacking = complete.clone();
        lacking.remove(name);
        assert_invalid(&encryptor, lacking, name, AttributeIssue::Missing).await;
    }
    assert!(encryptor.seal(complete).await.is_ok(), "`a` may be absent");
}

#[tokio::test]
async fn refuses_an_attribute_without_an_action() {
    let strict = encryptor(schema().allowed_unsigned_attribute_prefix(":"));
    let with_more = item([("pk", s("x")), ("more", s("y")), (":views", n("1"))]);
    assert_invalid(&strict, with_more.clone(), "more", AttributeIssue::NoAction).await;
    let lax = encryptor(
        schema()
            .others(EncryptAndSign)
            .allowed_unsigned_attribute_prefix(":"),
    );
    let sealed = lax.seal(with_more).await.unwrap();
    assert!(sealed["more"].is_b());
    assert_eq!(sealed[":views"], n("1"));
}

#[tokio::test]
async fn refuses_names_of_the_format_instead_of_dropping_them() {
    let encryptor = encryptor(
        schema()
            .others(SignOnly)
            .allowed_unsigned_attribute_prefix("aws"),
    );
    for name in [
        "aws_dbe_head",
        "aws_dbe_foot",
        "aws_dbe_b_x",
        "aws_dbe_v_1",
        "aws_dbe_",
    ] {
        let item = item([("pk", s("x")), (name, AttributeValue::B(Blob::new([0])))]);
        assert_invalid(&encryptor, item, name, AttributeIssue::Reserved).await;
    }
}

#[tokio::test]
async fn refuses_to_seal_a_sealed_item_again() {
    let encryptor = encryptor(schema());
    let sealed = encryptor.seal(item([("pk", s("x"))])).await.unwrap();
    let error = invalid(&encryptor, sealed).await;
    assert_eq!(error.issue(), AttributeIssue::Reserved);
}

#[tokio::test]
async fn refuses_sets_with_a_member_twice() {
    let texts = |members: [&str; 2]| AttributeValue::Ss(members.map(str::to_owned).into());
    let bytes = |members: [&[u8]; 2]| AttributeValue::Bs(members.map(Blob::new).into());
    for duplicate in [
        texts(["a", "a"]),
        bytes([b"a", b"a"]),
        ns(&["1", "1"]),
        ns(&["1", "1.0"]),
        ns(&["100", "7", "1E+2"]),
        ns(&["0", "-0.00"]),
    ] {
        assert_bad_value(duplicate.clone(), ValueError::DuplicateMember).await;
        assert_bad_value(in_a_map(duplicate), ValueError::DuplicateMember).await;
    }
    for distinct in [
        texts(["a", "A"]),
        bytes([b"a", b""]),
        ns(&["1", "-1"]),
        ns(&["1", "10"]),
    ] {
        assert_good_value(distinct).await;
    }
}

#[tokio::test]
async fn refuses_what_is_no_number() {
    for text in [
        "", " 1", "1 ", "1_0", "0x1", "Infinity", "NaN", "1e", "--1", ".", "1.2.3", "e1", "+", "١",
    ] {
        assert_bad_value(n(text), ValueError::NotANumber).await;
        assert_bad_value(in_a_map(n(text)), ValueError::NotANumber).await;
        assert_bad_value(ns(&[text]), ValueError::NotANumber).await;
    }
    for text in [
        ".5",
        "5.",
        "1E+3",
        "1e0003",
        "0e999999",
        "-0",
        "+00120.500e-1",
    ] {
        assert_good_value(n(text)).await;
    }
}

#[tokio::test]
async fn refuses_numbers_out_of_range() {
    let digits = |count| "1".repeat(count);
    assert_bad_value(n(&digits(39)), ValueError::TooManyDigits).await;
    assert_bad_value(n(&format!("0.{}", digits(39))), ValueError::TooManyDigits).await;
    assert_good_value(n(&digits(38))).await;
    assert_good_value(n(&format!("1{}", "0".repeat(60)))).await;
    for text in [
        "1e126",
        "-1e126",
        "1e-131",
        "-1e-131",
        "1e99999999999999999999",
    ] {
        assert_bad_value(n(text), ValueError::MagnitudeOutOfRange).await;
    }
    for text in ["9.99e125", "-9.99e125", "1e-130", "-1e-130"] {
        assert_good_value(n(text)).await;
    }
}

#[tokio::test]
async fn refuses_nesting_deeper_than_32_levels() {
    assert_good_value(nested(32)).await;
    assert_bad_value(nested(33), ValueError::TooDeep).await;
    assert_bad_value(nested(500), ValueError::TooDeep).await;
}

#[tokio::test]
async fn refuses_map_keys_that_have_no_length_field() {
    let keyed = |key: String| AttributeValue::M(Item::from([(key, n("1"))]));
    assert_bad_value(keyed(String::new()), ValueError::MapKeyLength).await;
    assert_bad_value(keyed("k".repeat(65_536)), ValueError::MapKeyLength).await;
    // In the context it would be too long, so encrypted and signed only.
    let longest = encryptor(schema().action("a", EncryptAndSign).action("b", SignOnly));
    let value = keyed("k".repeat(65_535));
    let item = item([("pk", s("x")), ("a", value.clone()), ("b", value)]);
    assert!(longest.seal(item).await.is_ok());
}

#[tokio::test]
async fn refuses_a_context_value_over_65535_bytes() {
    let readable = encryptor(schema().action("tenant", Include));
    let with = |len| item([("pk", s("x")), ("tenant", s(&"t".repeat(len)))]);
    let sealed = readable.seal(with(65_535)).await.unwrap();
    assert!(readable.open(sealed).await.is_ok());
    let error = readable.seal(with(65_536)).await.unwrap_err();
    assert!(matches!(error, SealError::ContextTooLarge), "{error:?}");

    // Version 1 has the type and value of keys in base64: 3 bytes become 4.
    let encoded = encryptor(schema());
    let with = |len| item([("pk", s(&"k".repeat(len)))]);
    assert!(encoded.seal(with(49_147 - 2)).await.is_ok());
    let error = encoded.seal(with(49_152 - 2)).await.unwrap_err();
    assert!(matches!(error, SealError::ContextTooLarge), "{error:?}");
}

#[tokio::test]
async fn refuses_more_signed_attributes_than_the_legend_has_room_for() {
    let encryptor = encryptor(
        schema()
            .others(SignOnly)
            .allowed_unsigned_attribute_prefix(":"),
    );
    let mut full: Item = (0..65_534)
        .map(|at| (format!("a{at}"), AttributeValue::Null(true)))
        .collect();
    full.insert("pk".to_owned(), s("x"));
    full.insert(":one-more".to_owned(), s("is not signed"));
    assert!(encryptor.seal(full.clone()).await.is_ok());
    full.insert("one-more".to_owned(), s("is"));
    let error = encryptor.seal(full).await.unwrap_err();
    assert!(matches!(error, SealError::TooManyAttributes), "{error:?}");
}

#[tokio::test]
async fn seals_what_dynamodb_itself_would_refuse_but_the_format_holds() {
    for value in [
        s(""),
        AttributeValue::B(Blob::new([])),
        AttributeValue::L(Vec::new()),
        AttributeValue::M(Item::default()),
        AttributeValue::Ss(Vec::new()),
    ] {
        assert_good_value(value).await;
    }
}
