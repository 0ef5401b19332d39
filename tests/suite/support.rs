//! What several test modules need: JSON to items, canonical comparison, where the vectors are.

use std::path::PathBuf;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dynaseal::Item;
use serde_json::Value;

pub(crate) mod gen_item;
pub(crate) mod header;
pub(crate) mod hurry;
pub(crate) mod meddler;
pub(crate) mod patience;
pub(crate) mod stack;

/// A file of the shared folder beside the repository, if it is there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: ../shared/{path} is not there; these vectors are not committed");
    None
}

pub(crate) fn read_json(path: &PathBuf) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// A vector's item: a bare string is S, a bare number N, anything else DynamoDB JSON.
pub(crate) fn vector_item(json: &Value) -> Item {
    let item = json.as_object().expect("an object");
    item.iter()
        .map(|(name, value)| (name.clone(), vector_value(value)))
        .collect()
}

pub(crate) fn vector_value(json: &Value) -> AttributeValue {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let blob = |value: &Value| Blob::new(STANDARD.decode(value.as_str().expect("base64")).unwrap());
    let object = match json {
        Value::Object(object) => object,
        Value::Number(_) => return AttributeValue::N(text(json)),
        _ => return AttributeValue::S(text(json)),
    };
    let (kind, value) = object.iter().next().expect("one entry");
    let all = || value.as_array().expect("an array").iter();
    match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "B" => AttributeValue::B(blob(value)),
        "BOOL" => AttributeValue::Bool(value.as_bool().expect("a boolean")),
        "NULL" => AttributeValue::Null(true),
        "SS" => AttributeValue::Ss(all().map(text).collect()),
        "NS" => AttributeValue::Ns(all().map(text).collect()),
        "BS" => AttributeValue::Bs(all().map(blob).collect()),
        "L" => AttributeValue::L(all().map(vector_value).collect()),
        "M" => AttributeValue::M(vector_item(value)),
        other => panic!("unknown type {other}"),
    }
}

/// The same item with numbers in one spelling and sets in one order, so that `==` compares meaning.
pub(crate) fn canonical(item: &Item) -> Item {
    item.iter()
        .map(|(name, value)| (name.clone(), canonical_value(value)))
        .collect()
}

pub(crate) fn canonical_value(value: &AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::N(text) => AttributeValue::N(number(text)),
        AttributeValue::Ns(all) => AttributeValue::Ns(sorted(all.iter().map(|n| number(n)))),
        AttributeValue::Ss(all) => AttributeValue::Ss(sorted(all.iter().cloned())),
        AttributeValue::Bs(all) => {
            let bytes = sorted(all.iter().map(|blob| blob.as_ref().to_vec()));
            AttributeValue::Bs(bytes.into_iter().map(Blob::new).collect())
        }
        AttributeValue::L(all) => AttributeValue::L(all.iter().map(canonical_value).collect()),
        AttributeValue::M(all) => AttributeValue::M(canonical(all)),
        AttributeValue::Null(_) => AttributeValue::Null(true),
        other => other.clone(),
    }
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort();
    all
}

/// Sign, digits and exponent of a number. Shares nothing with the crate's own normalization.
fn number(text: &str) -> String {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let negative = mantissa.starts_with('-');
    let unsigned = mantissa.trim_start_matches(['+', '-']);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let exponent: i64 = exponent
        .trim_start_matches('+')
        .parse::<i64>()
        .expect("an exponent")
        - i64::try_from(fraction.len()).unwrap();
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let exponent = exponent + i64::try_from(digits.len() - significant.len()).unwrap();
    format!(
        "{}{significant}e{exponent}",
        if negative { "-" } else { "" }
    )
}
