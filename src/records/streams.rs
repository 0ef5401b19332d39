//! Records as the client of DynamoDB Streams has them.
//!
//! Its types are other Rust types than those of DynamoDB's client, though the service's are the same.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodbstreams::types as streams;

use super::attribute_value::{check_depth, item_from};
use super::event::{EventName, Facts, Record, is_time_to_live};
use crate::error::ValueError;

impl From<streams::Record> for Record {
    fn from(record: streams::Record) -> Self {
        let change = record.dynamodb;
        let change = change.unwrap_or_else(|| streams::StreamRecord::builder().build());
        let created = change.approximate_creation_date_time;
        let identity = record.user_identity.as_ref();
        let image = |attributes| item_from(attributes, value_from_streams);
        Self {
            facts: Facts {
                event_id: record.event_id,
                event_name: record
                    .event_name
                    .and_then(|name| EventName::parse(name.as_str())),
                sequence_number: change.sequence_number,
                approximate_creation_time: created.and_then(|time| SystemTime::try_from(time).ok()),
                is_time_to_live_delete: identity
                    .is_some_and(|who| is_time_to_live(who.r#type(), who.principal_id())),
            },
            keys: change.keys.map(image),
            old_image: change.old_image.map(image),
            new_image: change.new_image.map(image),
        }
    }
}

fn value_from_streams(
    value: streams::AttributeValue,
    depth: u32,
) -> Result<AttributeValue, ValueError> {
    use streams::AttributeValue as Streams;

    check_depth(depth)?;
    let nested = |value| value_from_streams(value, depth + 1);
    Ok(match value {
        Streams::S(text) => AttributeValue::S(text),
        Streams::N(number) => AttributeValue::N(number),
        Streams::B(blob) => AttributeValue::B(blob),
        Streams::Bool(bit) => AttributeValue::Bool(bit),
        Streams::Null(bit) => AttributeValue::Null(bit),
        Streams::Ss(members) => AttributeValue::Ss(members),
        Streams::Ns(members) => AttributeValue::Ns(members),
        Streams::Bs(members) => AttributeValue::Bs(members),
        Streams::L(elements) => {
            AttributeValue::L(elements.into_iter().map(nested).collect::<Result<_, _>>()?)
        }
        Streams::M(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(name, value)| nested(value).map(|value| (name, value)));
            AttributeValue::M(entries.collect::<Result<_, _>>()?)
        }
        _ => return Err(ValueError::UnknownType),
    })
}
