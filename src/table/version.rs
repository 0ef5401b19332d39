//! The version of a model with `#[seal(version)]`, which every write counts up by one.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::types::AttributeValue;

use super::core::Core;
use crate::error::{AttributeIssue, InvalidAttribute, SealError};
use crate::expression::{Condition, attribute};
use crate::item::{Item, VersionStart};

/// Counts the version in the item up by one and returns the new one.
pub(super) fn advance(item: &mut Item, name: &str) -> Result<u64, InvalidAttribute> {
    let new = read(item, name)? + 1;
    write(item, name, new);
    Ok(new)
}

/// Advances the version, and says what must hold of the stored item for that.
pub(super) fn lock(
    core: &Core,
    if_not_exists: bool,
    item: &mut Item,
) -> Result<(Option<u64>, Option<Condition>), SealError> {
    let nothing = || attribute(core.schema().partition_key_name()).not_exists();
    let Some(version) = core.version_attribute(item) else {
        return Ok((None, if_not_exists.then(nothing)));
    };
    let name = version.name();
    let old = read(item, name)?;
    let (new, own) = if old == 0 || if_not_exists {
        let start = match version.version_start() {
            // The SDK gives every client a clock.
            VersionStart::Clock => core.now().map_or(0, microseconds),
            VersionStart::One => 1,
        };
        // Who read the item before it was deleted has its version, which may be ahead of this clock.
        (start.max(old + 1), nothing())
    } else {
        (old + 1, attribute(name).eq(old))
    };
    write(item, name, new);
    Ok((Some(new), Some(own)))
}

/// The version that an item has, unless it cannot be counted up.
fn read(item: &Item, name: &str) -> Result<u64, InvalidAttribute> {
    let version = match item.get(name) {
        Some(AttributeValue::N(text)) => text.parse::<u64>().ok().filter(|old| *old < u64::MAX),
        _ => None,
    };
    version.ok_or_else(|| InvalidAttribute::new(name, AttributeIssue::NotAVersion))
}

fn write(item: &mut Item, name: &str, version: u64) {
    item.insert(name.to_owned(), AttributeValue::N(version.to_string()));
}

/// Since 1970, which is also what every clock before that says.
fn microseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    // They fit for 584,000 years.
    u64::try_from(since.as_micros()).unwrap_or(0)
}
