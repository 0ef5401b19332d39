//! Items: a schema, and the two verbs [`seal`](ItemEncryptor::seal) and [`open`](ItemEncryptor::open).

mod context;
mod describe;
mod encryptor;
mod fields;
mod opened;
mod schema;

pub use describe::{Description, EncryptedDataKeyDescription, Unverified};
pub use encryptor::ItemEncryptor;
pub use opened::{HeaderVersion, OpenedItem};
pub use schema::{ItemSchema, ItemSchemaBuilder};

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as the AWS SDK has it.
#[expect(clippy::disallowed_types, reason = "the SDK fixes this type")]
pub type Item = std::collections::HashMap<String, AttributeValue>;
