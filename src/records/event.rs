//! One change of one item, sealed as it came.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::attribute_value::item_from_json;
use super::json::Json;
use crate::error::OpenError;
use crate::item::Item;

/// A record of DynamoDB Streams whose images are still sealed, from whatever hands records out.
///
/// From the SDK's record with `Record::from` (feature `streams`), or deserialized from one of a Lambda
/// event's. Its `Debug` shows no value.
pub struct Record {
    pub(super) facts: Facts,
    pub(super) keys: Option<Image>,
    pub(super) old_image: Option<Image>,
    pub(super) new_image: Option<Image>,
}

/// Attributes, or why they are none: a record with one broken image still has the other.
pub(super) type Image = Result<Item, OpenError>;

/// What a record says about the change. None of it is authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) event_id: Option<String>,
    pub(super) event_name: Option<EventName>,
    pub(super) sequence_number: Option<String>,
    pub(super) approximate_creation_time: Option<SystemTime>,
    pub(super) is_time_to_live_delete: bool,
}

/// What happened to an item.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventName {
    /// There was none under its key before.
    Insert,
    /// It was changed.
    Modify,
    /// It was deleted.
    Remove,
}

impl EventName {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "INSERT" => Self::Insert,
            "MODIFY" => Self::Modify,
            "REMOVE" => Self::Remove,
            _ => return None,
        })
    }
}

/// Whether these are type and principal of what deletes expired items.
pub(super) fn is_time_to_live(kind: Option<&str>, principal: Option<&str>) -> bool {
    kind == Some("Service") && principal == Some("dynamodb.amazonaws.com")
}

impl Record {
    /// Takes keys and images out of the object that has them, in a Lambda event or an export.
    pub(super) fn from_images(facts: Facts, images: &mut Json) -> Self {
        let mut take = |name| images.take(name).map(item_from_json);
        Self {
            facts,
            keys: take("Keys"),
            old_image: take("OldImage"),
            new_image: take("NewImage"),
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("facts", &self.facts)
            .field("keys", &names(self.keys.as_ref()))
            .field("old_image", &names(self.old_image.as_ref()))
            .field("new_image", &names(self.new_image.as_ref()))
            .finish()
    }
}

/// What `Debug` shows of attributes.
pub(super) fn names(image: Option<&Image>) -> Option<Result<Vec<&str>, &OpenError>> {
    image.map(|image| {
        image.as_ref().map(|item| {
            let mut names: Vec<&str> = item.keys().map(String::as_str).collect();
            names.sort_unstable();
            names
        })
    })
}

/// A time so many seconds after 1970, with a fraction or without.
pub(super) fn time_from_seconds(number: &str) -> Option<SystemTime> {
    let since = match number.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from_secs_f64(number.parse().ok()?).ok()?,
    };
    SystemTime::UNIX_EPOCH.checked_add(since)
}
