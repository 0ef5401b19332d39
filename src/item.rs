//! Items: a schema, and the two verbs [`seal`](ItemEncryptor::seal) and [`open`](ItemEncryptor::open).

mod context;
mod describe;
mod discriminator;
mod encryptor;
mod entities;
mod entity;
mod fields;
#[cfg(test)]
mod frozen;
mod legend;
mod model;
mod opened;
mod schema;
mod shape;
mod tenant;
mod typed;
mod unsigned;

pub(crate) use describe::first_key;
pub use describe::{Description, EncryptedDataKeyDescription, Unverified};
pub use discriminator::Discriminator;
pub use encryptor::ItemEncryptor;
pub use entities::{Entities, EntitiesBuilder};
pub use entity::Entity;
pub(crate) use legend::{SealedActions, SealedLegend};
pub use model::{
    AnyKey, AttributeSchema, Attributes, IntoKey, Key, KeyValue, Model, ModelSchema, NoKey, Part,
    PartitionAndSortKey, PartitionKeyOnly, Role, Seal, VersionStart,
};
pub(crate) use opened::check_key;
pub use opened::{FreshnessState, HeaderVersion, OpenedItem};
pub(crate) use schema::SchemaSettings;
pub use schema::{ItemSchema, ItemSchemaBuilder};
pub(crate) use shape::ContextShape;
pub use typed::{MismatchCause, ModelMismatch};
pub use unsigned::Unsigned;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the AWS SDK has it.
#[expect(clippy::disallowed_types, reason = "the SDK fixes this type")]
pub type Item = std::collections::HashMap<String, AttributeValue>;
