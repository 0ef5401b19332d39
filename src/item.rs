//! Items: a schema, and the two verbs [`seal`](ItemEncryptor::seal) and [`open`](ItemEncryptor::open).

mod context;
mod describe;
mod encryptor;
mod fields;
#[cfg(test)]
mod frozen;
mod legend;
mod model;
mod opened;
mod schema;
mod typed;
mod unsigned;

pub use describe::{Description, EncryptedDataKeyDescription, Unverified};
pub use encryptor::ItemEncryptor;
pub(crate) use legend::SealedActions;
pub use model::{
    AnyKey, AttributeSchema, Attributes, IntoKey, Key, KeyValue, Model, ModelSchema, NoKey, Part,
    PartitionAndSortKey, PartitionKeyOnly, Role, Seal,
};
pub use opened::{HeaderVersion, OpenedItem};
pub use schema::{ItemSchema, ItemSchemaBuilder};
pub use typed::{MismatchCause, ModelMismatch};
pub use unsigned::Unsigned;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the AWS SDK has it.
#[expect(clippy::disallowed_types, reason = "the SDK fixes this type")]
pub type Item = std::collections::HashMap<String, AttributeValue>;
