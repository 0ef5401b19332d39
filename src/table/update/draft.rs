//! From the item that was read to the one that is to be written, before anything is sealed.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;

use super::change::Change;
use super::error::UpdateError;
use crate::error::{AttributeIssue, InvalidAttribute, SealError};
use crate::format::is_reserved;
use crate::item::{Item, ItemSchema, Model, OpenedItem};
use crate::table::core::Core;
use crate::table::version;
use crate::value::Terminal;

/// What came of the closure.
pub(super) enum Draft<T> {
    /// It changed nothing.
    Unchanged(T),
    /// The item to seal, and the model that it is.
    Changed {
        model: T,
        item: Item,
        version: Option<u64>,
    },
}

impl<T: Model> Draft<T> {
    /// Runs the closure on the model, and applies what it changed, and no more, to the item: what the
    /// model does not know stays.
    pub(super) fn new<R: Change>(
        core: &Core,
        opened: &OpenedItem,
        change: &mut impl FnMut(&mut T) -> R,
    ) -> Result<Self, UpdateError> {
        let mut model = T::from_opened(opened.clone())?;
        let before = model.to_item()?;
        change(&mut model)
            .into_result()
            .map_err(UpdateError::closure)?;
        let mut after = model.to_item()?;
        let changed = changes(&before, &after);
        if changed.is_empty() {
            return Ok(Self::Unchanged(model));
        }
        check(core, opened.item(), &changed)?;
        let mut item = opened.item().clone();
        for name in changed {
            match after.remove(&name) {
                Some(value) => item.insert(name, value),
                None => item.remove(&name),
            };
        }
        let version = match core.version_attribute(&item) {
            Some(attribute) => {
                let version = version::advance(&mut item, attribute.name());
                Some(version.map_err(SealError::from)?)
            }
            None => None,
        };
        Ok(Self::Changed {
            model: T::from_opened(core.as_opened(opened, item.clone()))?,
            item,
            version,
        })
    }
}

/// The names of attributes that differ, in order.
fn changes(before: &Item, after: &Item) -> BTreeSet<String> {
    let names = before.keys().chain(after.keys());
    names
        .filter(|name| !is_same(before.get(*name), after.get(*name)))
        .cloned()
        .collect()
}

/// Whether two values mean the same: 1 and 1.0, sets in any order. What has no canonical bytes is the
/// same as nothing else; sealing says what is wrong with it.
fn is_same(before: Option<&AttributeValue>, after: Option<&AttributeValue>) -> bool {
    if before == after {
        return true;
    }
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    matches!(
        (Terminal::of(before), Terminal::of(after)),
        (Ok(before), Ok(after)) if before == after
    )
}

/// Refuses changes that would be lost, or that an update cannot make.
fn check(core: &Core, item: &Item, changed: &BTreeSet<String>) -> Result<(), UpdateError> {
    let version = core.version_attribute(item).map(|version| version.name());
    changed
        .iter()
        .try_for_each(|name| check_name(core.schema(), version, name))
}

fn check_name(
    schema: &ItemSchema,
    version: Option<&str>,
    name: &String,
) -> Result<(), UpdateError> {
    let attribute = || name.clone();
    if schema.key_names().any(|key| key == name) {
        return Err(UpdateError::KeyChanged {
            attribute: attribute(),
        });
    }
    if version == Some(name) {
        return Err(UpdateError::VersionChanged {
            attribute: attribute(),
        });
    }
    if is_reserved(name) {
        let reserved = InvalidAttribute::new(name, AttributeIssue::Reserved);
        return Err(SealError::from(reserved).into());
    }
    if !schema.is_in_signature_scope(name) {
        return Err(UpdateError::UnsignedChanged {
            attribute: attribute(),
        });
    }
    Ok(())
}
