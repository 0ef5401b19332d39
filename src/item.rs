//! Items and the models they are made from.

mod model;
mod typed;
mod unsigned;

pub use model::{
    AnyKey, AttributeSchema, Attributes, IntoKey, Key, KeyValue, Model, ModelSchema, NoKey, Part,
    PartitionAndSortKey, PartitionKeyOnly, Role, Seal,
};
pub use typed::{MismatchCause, ModelMismatch};
pub use unsigned::Unsigned;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the SDK has it: attribute names and values.
#[expect(clippy::disallowed_types, reason = "the SDK fixes it")]
pub type Item = std::collections::HashMap<String, AttributeValue>;
