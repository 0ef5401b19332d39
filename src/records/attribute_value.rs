//! Attribute values in DynamoDB JSON, into the SDK's.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::json::Json;
use crate::error::{AttributeIssue, InvalidAttribute, Malformed, OpenError, ValueError};
use crate::item::Item;
use crate::value::MAX_DEPTH;

/// An item, from the object of its attributes.
pub(super) fn item_from_json(json: Json) -> Result<Item, OpenError> {
    let Json::Object(entries) = json else {
        return Err(Malformed::new("item", "is not a JSON object").into());
    };
    item_from(entries, value_from_json)
}

/// An item out of the attributes of another representation.
///
/// Which attribute an error names does not depend on their order.
pub(super) fn item_from<V>(
    entries: impl IntoIterator<Item = (String, V)>,
    convert: impl Fn(V, u32) -> Result<AttributeValue, ValueError>,
) -> Result<Item, OpenError> {
    let mut item = Item::default();
    let mut first: Option<(String, ValueError)> = None;
    for (name, value) in entries {
        let problem = match convert(value, 1) {
            Err(problem) => problem,
            Ok(_) if item.contains_key(&name) => ValueError::NotDynamoDbJson,
            Ok(value) => {
                item.insert(name, value);
                continue;
            }
        };
        if first.as_ref().is_none_or(|(earlier, _)| name < *earlier) {
            first = Some((name, problem));
        }
    }
    match first {
        Some((name, problem)) => {
            Err(InvalidAttribute::new(name, AttributeIssue::Value(problem)).into())
        }
        None => Ok(item),
    }
}

/// One entry, whose name is the type.
fn value_from_json(json: Json, depth: u32) -> Result<AttributeValue, ValueError> {
    check_depth(depth)?;
    let Json::Object(entries) = json else {
        return Err(ValueError::NotDynamoDbJson);
    };
    let mut entries = entries.into_iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err(ValueError::NotDynamoDbJson);
    };
    Ok(match (kind.as_str(), value) {
        ("S", Json::Text(text)) => AttributeValue::S(text),
        ("N", Json::Text(text)) => AttributeValue::N(text),
        ("B", Json::Text(text)) => AttributeValue::B(blob(&text)?),
        ("BOOL", Json::Bool(bit)) => AttributeValue::Bool(bit),
        ("NULL", Json::Bool(bit)) => AttributeValue::Null(bit),
        ("SS", Json::Array(members)) => AttributeValue::Ss(all(members, text)?),
        ("NS", Json::Array(members)) => AttributeValue::Ns(all(members, text)?),
        ("BS", Json::Array(members)) => AttributeValue::Bs(all(members, |m| blob(&text(m)?))?),
        ("L", Json::Array(elements)) => {
            AttributeValue::L(all(elements, |e| value_from_json(e, depth + 1))?)
        }
        ("M", Json::Object(entries)) => AttributeValue::M(map(entries, depth)?),
        ("S" | "N" | "B" | "BOOL" | "NULL" | "SS" | "NS" | "BS" | "L" | "M", _) => {
            return Err(ValueError::NotDynamoDbJson);
        }
        _ => return Err(ValueError::UnknownType),
    })
}

/// Whether a value may nest this deep.
pub(super) fn check_depth(depth: u32) -> Result<(), ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    Ok(())
}

fn map(entries: Vec<(String, Json)>, depth: u32) -> Result<Item, ValueError> {
    let mut map = Item::default();
    for (name, value) in entries {
        // A reader that kept the other one would see another item.
        if map
            .insert(name, value_from_json(value, depth + 1)?)
            .is_some()
        {
            return Err(ValueError::NotDynamoDbJson);
        }
    }
    Ok(map)
}

fn all<T>(
    members: Vec<Json>,
    convert: impl Fn(Json) -> Result<T, ValueError>,
) -> Result<Vec<T>, ValueError> {
    members.into_iter().map(convert).collect()
}

fn text(json: Json) -> Result<String, ValueError> {
    json.into_text().ok_or(ValueError::NotDynamoDbJson)
}

fn blob(text: &str) -> Result<Blob, ValueError> {
    let bytes = STANDARD.decode(text);
    bytes
        .map(Blob::new)
        .map_err(|_| ValueError::NotDynamoDbJson)
}
