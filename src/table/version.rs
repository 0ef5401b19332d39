//! The version of a model with `#[seal(version)]`, which every write counts up by one.

use aws_sdk_dynamodb::types::AttributeValue;

use super::core::Core;
use crate::error::{AttributeIssue, InvalidAttribute, SealError};
use crate::expression::{Condition, attribute};
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

/// Advances the version, and says what must hold of the stored item for that.
pub(super) fn lock(
    core: &Core,
    if_not_exists: bool,
    item: &mut Item,
) -> Result<(Option<u64>, Option<Condition>), SealError> {
    let nothing = || attribute(core.schema().partition_key_name()).not_exists();
    let Some(name) = core.version_attribute(item) else {
        return Ok((None, if_not_exists.then(nothing)));
    };
    let old = advance(item, name)?;
    let own = if old == 0 || if_not_exists {
        nothing()
    } else {
        attribute(name).eq(old)
    };
    Ok((Some(old + 1), Some(own)))
}
