//! The version of a model with `#[seal(version)]`, which every write counts up by one.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::{AttributeIssue, InvalidAttribute};
use crate::item::Item;

/// Counts the version in the item up by one and returns the one it had.
pub(super) fn advance(item: &mut Item, name: &str) -> Result<u64, InvalidAttribute> {
    let old = match item.get(name) {
        Some(AttributeValue::N(text)) => text.parse::<u64>().ok().filter(|old| *old < u64::MAX),
        _ => None,
    };
    let old = old.ok_or_else(|| InvalidAttribute::new(name, AttributeIssue::NotAVersion))?;
    item.insert(name.to_owned(), AttributeValue::N((old + 1).to_string()));
    Ok(old)
}
