//! What may be changed about the schema that a model states.

use super::ItemSchema;
use crate::error::ConfigError;
use crate::item::ModelSchema;
use crate::suite::AlgorithmSuite;

/// The settings of a table that are not its models' to state.
#[derive(Clone, Debug, Default)]
pub(crate) struct SchemaSettings {
    pub(crate) logical_table_name: Option<String>,
    pub(crate) suite: Option<AlgorithmSuite>,
    pub(crate) accepted_suite: Option<AlgorithmSuite>,
    pub(crate) max_encrypted_data_keys: Option<usize>,
    pub(crate) unsigned_prefix: Option<String>,
}

impl SchemaSettings {
    /// Whether anything was set.
    pub(crate) fn is_any(&self) -> bool {
        self.logical_table_name.is_some()
            || self.suite.is_some()
            || self.accepted_suite.is_some()
            || self.max_encrypted_data_keys.is_some()
            || self.unsigned_prefix.is_some()
    }

    /// The schema of a model, with these settings.
    pub(crate) fn schema_of(&self, model: &ModelSchema) -> Result<ItemSchema, ConfigError> {
        let mut builder = ItemSchema::of_model(model, self.logical_table_name.as_deref())?;
        if let Some(suite) = self.suite {
            builder = builder.algorithm_suite(suite);
        }
        if let Some(suite) = self.accepted_suite {
            builder = builder.accept_suite(suite);
        }
        if let Some(max) = self.max_encrypted_data_keys {
            builder = builder.max_encrypted_data_keys(max);
        }
        if let Some(prefix) = &self.unsigned_prefix {
            builder = builder.allowed_unsigned_attribute_prefix(prefix);
        }
        builder.build()
    }
}
