//! Expressions that are valid, and expressions that are not.
//!
//! All are about one item ([`item`]) and use placeholders of one dictionary ([`names`], [`values`]),
//! of which each test defines those that the text uses. What is marked [`Differs`] is judged otherwise
//! by the embedded DynamoDB; the mark says why we do not follow it.

mod invalid;
mod valid;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

pub(super) use invalid::INVALID;
pub(super) use valid::VALID;

use super::super::{Condition, ExpressionError, KeyCondition, Projection, UpdateExpression};
use crate::item::Item;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Condition,
    Key,
    Update,
    Projection,
}

/// Whether the embedded DynamoDB agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Agrees,
    /// It does not, and this is why it is not followed.
    Differs(&'static str),
}

pub(super) type Case = (Kind, &'static str, Verdict);

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: u32) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn map<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    let entries = entries.map(|(name, value)| (name.to_owned(), value));
    AttributeValue::M(entries.into_iter().collect())
}

/// The item that the corpus is about.
pub(super) fn item() -> Item {
    let inner = map([("f", n(3)), ("g", AttributeValue::L(vec![n(1), n(2)]))]);
    let nested = [
        ("f", n(1)),
        ("g", map([("h", n(2))])),
        ("k", AttributeValue::L(vec![n(10), n(11)])),
    ];
    let attributes = [
        ("pk", s("p")),
        ("sk", s("k")),
        ("n", n(5)),
        ("n1", n(7)),
        ("s", s("text")),
        ("s1", s("te")),
        ("b", AttributeValue::B(Blob::new("binary"))),
        ("t", AttributeValue::Bool(true)),
        ("z", AttributeValue::Null(true)),
        ("l", AttributeValue::L(vec![n(1), s("x"), inner])),
        ("m", map(nested)),
        ("ss", AttributeValue::Ss(vec!["x".into(), "y".into()])),
        ("ns", AttributeValue::Ns(vec!["5".into(), "6".into()])),
        (
            "bs",
            AttributeValue::Bs(vec![Blob::new("x"), Blob::new("y")]),
        ),
        ("orders", n(5)),
        ("android", n(7)),
        ("notes", n(5)),
        ("and", n(5)),
        ("a.b", n(5)),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    attributes.into_iter().collect()
}

fn names() -> [(&'static str, &'static str); 12] {
    [
        ("#n", "n"),
        ("#s", "s"),
        ("#l", "l"),
        ("#m", "m"),
        ("#f", "f"),
        ("#0", "n"),
        ("#_x", "n"),
        ("#and", "and"),
        ("#dot", "a.b"),
        ("#empty", ""),
        ("#pk", "pk"),
        ("#sk", "sk"),
    ]
}

fn values() -> [(&'static str, AttributeValue); 27] {
    [
        (":n", n(5)),
        (":n1", n(7)),
        (":0", n(5)),
        (":_x", n(5)),
        (":s", s("text")),
        (":s1", s("te")),
        (":b", AttributeValue::B(Blob::new("bin"))),
        (":t", AttributeValue::Bool(true)),
        (":z", AttributeValue::Null(true)),
        (":l", AttributeValue::L(vec![n(1)])),
        (":m", map([("f", n(1))])),
        (":ss", AttributeValue::Ss(vec!["x".into()])),
        (":ns", AttributeValue::Ns(vec!["5".into()])),
        (":bs", AttributeValue::Bs(vec![Blob::new("x")])),
        (":p", s("p")),
        (":k", s("k")),
        (":k1", s("k1")),
        (":type_n", s("N")),
        (":type_bool", s("BOOL")),
        (":type_null", s("NULL")),
        (":type_ss", s("SS")),
        (":type_s", s("S")),
        (":type_m", s("M")),
        (":type_l", s("L")),
        (":type_b", s("B")),
        (":type_ns", s("NS")),
        (":type_bs", s("BS")),
    ]
}

/// The placeholders of a text: a `#` or `:` and what follows.
fn placeholders(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices(['#', ':']);
    starts
        .map(|(at, _)| {
            let rest = &text[at + 1..];
            let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            text[at..=at + len].to_owned()
        })
        .collect()
}

pub(super) fn names_of(text: &str) -> Vec<(String, String)> {
    let used = placeholders(text);
    let names = names().map(|(key, name)| (key.to_owned(), name.to_owned()));
    let is_used = |(key, _): &(String, String)| used.contains(key);
    names.into_iter().filter(is_used).collect()
}

pub(super) fn values_of(text: &str) -> Vec<(String, AttributeValue)> {
    let used = placeholders(text);
    let values = values().map(|(key, value)| (key.to_owned(), value));
    let is_used = |(key, _): &(String, AttributeValue)| used.contains(key);
    values.into_iter().filter(is_used).collect()
}

/// An expression of any kind.
#[derive(Debug, PartialEq)]
pub(super) enum Any {
    Condition(Condition),
    Key(KeyCondition),
    Update(UpdateExpression),
    Projection(Projection),
}

pub(super) fn parse(kind: Kind, text: &str) -> Result<Any, ExpressionError> {
    let (names, values) = (names_of(text), values_of(text));
    match kind {
        Kind::Condition => Condition::parse(text, names, values).map(Any::Condition),
        Kind::Key => KeyCondition::parse(text, names, values).map(Any::Key),
        Kind::Update => UpdateExpression::parse(text, names, values).map(Any::Update),
        Kind::Projection => Projection::parse(text, names).map(Any::Projection),
    }
}

#[test]
fn holds_at_least_150_valid_and_100_invalid_expressions_and_none_twice() {
    assert!(VALID.len() >= 150, "{}", VALID.len());
    assert!(INVALID.len() >= 100, "{}", INVALID.len());
    let all = VALID.iter().chain(INVALID);
    let all: std::collections::BTreeSet<_> = all
        .map(|(kind, text, _)| (format!("{kind:?}"), text))
        .collect();
    assert_eq!(all.len(), VALID.len() + INVALID.len());
}

#[test]
fn parses_what_is_valid() {
    for (kind, text, _) in VALID {
        if let Err(error) = parse(*kind, text) {
            panic!("{kind:?} {text:?}: {error}");
        }
    }
}

#[test]
fn refuses_what_is_invalid() {
    for (kind, text, _) in INVALID {
        if let Ok(parsed) = parse(*kind, text) {
            panic!("{kind:?} {text:?}: {parsed:?}");
        }
    }
}
