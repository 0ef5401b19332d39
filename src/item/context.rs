//! The encryption context of an item, from its keys and included attributes.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ItemSchema;
use crate::context::{self, Entries};
use crate::error::{AttributeIssue, InvalidAttribute};
use crate::format::header::Version;
use crate::value::{Terminal, TypeId};

/// One signed field, as far as the context cares.
pub(super) struct ContextField<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Terminal<'a>,
    pub(super) included: bool,
}

/// The entries that follow from schema and item. Which attributes are in it depends on the version:
/// the keys in version 1, all included ones in version 2.
pub(super) fn rebuild<'a>(
    schema: &ItemSchema,
    version: Version,
    fields: impl Iterator<Item = ContextField<'a>> + Clone,
) -> Result<Entries, InvalidAttribute> {
    let mut entries = schema.context_base().clone();
    match version {
        Version::V1 => {
            for key in schema.key_names() {
                let field = fields.clone().find(|field| field.name == key);
                let field =
                    field.ok_or_else(|| InvalidAttribute::new(key, AttributeIssue::Missing))?;
                entries.insert(schema.context_key(key), typed_base64(field.value).into());
            }
        }
        Version::V2 => {
            let mut included: Vec<_> = fields.filter(|field| field.included).collect();
            let has = |key: &&str| included.iter().any(|field| field.name == *key);
            if let Some(key) = schema.key_names().find(|key| !has(key)) {
                return Err(InvalidAttribute::new(key, AttributeIssue::Missing));
            }
            included.sort_unstable_by_key(|field| field.name);
            let mut legend = String::with_capacity(included.len());
            for field in included {
                let (text, kind) = readable(field.name, field.value)?;
                entries.insert(schema.context_key(field.name), text);
                legend.push(kind);
            }
            entries.insert(context::LEGEND.into(), legend.into());
        }
    }
    Ok(entries)
}

fn typed_base64(value: &Terminal<'_>) -> String {
    STANDARD.encode([&value.type_id.to_bytes(), &*value.bytes].concat())
}

/// The text of version 2, and the letter that says how to read it back.
fn readable(name: &str, value: &Terminal<'_>) -> Result<(Arc<str>, char), InvalidAttribute> {
    let text = |kind| {
        let text = std::str::from_utf8(&value.bytes);
        let malformed = |_| {
            let issue = AttributeIssue::Value(crate::error::ValueError::NotUtf8);
            InvalidAttribute::new(name, issue)
        };
        text.map(|text| (Arc::from(text), kind)).map_err(malformed)
    };
    match value.type_id {
        TypeId::String => text('S'),
        TypeId::Number => text('N'),
        TypeId::Null => Ok(("null".into(), 'L')),
        TypeId::Boolean => {
            let bit = if *value.bytes == [1] { "true" } else { "false" };
            Ok((bit.into(), 'L'))
        }
        _ => Ok((typed_base64(value).into(), 'B')),
    }
}
