//! Builds a table: the model's schema, and what may be changed about it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::core::Core;
use super::index::{Indexes, SecondaryIndex};
use super::{SealedTable, table_name};
use crate::error::ConfigError;
use crate::item::{Item, ItemEncryptor, ItemSchema, Model, ModelSchema};
use crate::keyring::Keyring;
use crate::region::RegionSet;
use crate::suite::AlgorithmSuite;

/// Builds a [`SealedTable`].
#[must_use = "a builder does nothing until `build`"]
pub struct SealedTableBuilder<T = Item> {
    table_name: String,
    keyring: Arc<dyn Keyring>,
    regions: RegionSet,
    schema: Option<Arc<ItemSchema>>,
    logical_table_name: Option<String>,
    suite: Option<AlgorithmSuite>,
    accepted_suite: Option<AlgorithmSuite>,
    max_encrypted_data_keys: Option<usize>,
    unsigned_prefix: Option<String>,
    indexes: Vec<SecondaryIndex>,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> SealedTableBuilder<T> {
    pub(super) fn new(table_name: String, keyring: Arc<dyn Keyring>, regions: RegionSet) -> Self {
        Self {
            table_name,
            keyring,
            regions,
            schema: None,
            logical_table_name: None,
            suite: None,
            accepted_suite: None,
            max_encrypted_data_keys: None,
            unsigned_prefix: None,
            indexes: Vec::new(),
            model: PhantomData,
        }
    }

    /// States the schema of untyped items. A model brings its own.
    pub fn schema(mut self, schema: impl Into<Arc<ItemSchema>>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Replaces the logical table name that the model states. Items sealed under another name do
    /// not open.
    pub fn logical_table_name(mut self, name: impl Into<String>) -> Self {
        self.logical_table_name = Some(name.into());
        self
    }

    /// Seals under this suite. Default: 0x6701 under KMS keyrings, 0x6700 under all others.
    pub fn algorithm_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.suite = Some(suite);
        self
    }

    /// Opens items of this weaker suite as well; see
    /// [`ItemSchemaBuilder::accept_suite`](crate::item::ItemSchemaBuilder::accept_suite).
    pub fn accept_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.accepted_suite = Some(suite);
        self
    }

    /// Opens items with up to this many encrypted data keys, 1 to 255. Default: 16.
    pub fn max_encrypted_data_keys(mut self, max: usize) -> Self {
        self.max_encrypted_data_keys = Some(max);
        self
    }

    /// Takes every attribute that starts like this for unsigned, also those the model does not know;
    /// see [`ItemSchemaBuilder::allowed_unsigned_attribute_prefix`](crate::item::ItemSchemaBuilder::allowed_unsigned_attribute_prefix).
    pub fn allowed_unsigned_attribute_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.unsigned_prefix = Some(prefix.into());
        self
    }

    /// Declares a secondary index, so that its first query needs no `DescribeTable`.
    pub fn index(mut self, index: SecondaryIndex) -> Self {
        self.indexes.push(index);
        self
    }

    /// Checks everything against everything. Calls no service.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a name that is no table, a model without table or partition key, an
    /// untyped table without schema, a typed one with a second schema, an index that is declared twice
    /// or has an encrypted attribute for a key, and whatever
    /// [`ItemSchemaBuilder::build`](crate::item::ItemSchemaBuilder::build) refuses.
    pub fn build(self) -> Result<SealedTable<T>, ConfigError> {
        let table_name = table_name(&self.table_name)?;
        let schema = self.resolve_schema()?;
        let indexes = Indexes::new(self.indexes, &schema)?;
        let version = T::schema().and_then(ModelSchema::version);
        Ok(SealedTable {
            core: Arc::new(Core::new(
                table_name,
                ItemEncryptor::new(schema, self.keyring),
                self.regions,
                version.map(|attribute| attribute.name()),
                indexes,
            )),
            model: PhantomData,
        })
    }

    fn resolve_schema(&self) -> Result<Arc<ItemSchema>, ConfigError> {
        let changes = self.logical_table_name.is_some()
            || self.suite.is_some()
            || self.accepted_suite.is_some()
            || self.max_encrypted_data_keys.is_some()
            || self.unsigned_prefix.is_some();
        let Some(model) = T::schema() else {
            return match &self.schema {
                Some(_) if changes => Err(ConfigError::new(
                    "an untyped table takes table name, suites and limits from its schema; state them there",
                )),
                Some(schema) => Ok(Arc::clone(schema)),
                None => Err(ConfigError::new("an untyped table needs `.schema(…)`")),
            };
        };
        if self.schema.is_some() {
            return Err(ConfigError::new(
                "the model states the schema already; remove `.schema(…)`",
            ));
        }
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
        builder.build().map(Arc::new)
    }
}

impl<T> fmt::Debug for SealedTableBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTableBuilder")
            .field("table_name", &self.table_name)
            .field("keyring", &self.keyring)
            .field("regions", &self.regions)
            .finish_non_exhaustive()
    }
}
