//! Schemas: which attribute gets which action, and what a reader accepts.

mod builder;
mod settings;
mod shared;
mod unsigned_names;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::builder::ItemSchemaBuilder;
pub(crate) use self::settings::SchemaSettings;
pub(super) use self::unsigned_names::UnsignedNames;
use super::model::ModelSchema;
use crate::action::CryptoAction;
use crate::context::{self, Entries};
use crate::error::ConfigError;
use crate::format::canonical_path::PathPrefix;
use crate::format::{REPLICATION_PREFIX, RESERVED_PREFIX, is_replication_attribute};
use crate::suite::{AlgorithmSuite, KeyBinding};

/// The rules for the items of one table: actions by attribute, keys, suites.
///
/// A model's derive states it as a constant; [`builder`](Self::builder) states it for untyped
/// items. Cheap to share: wrap it in an [`Arc`] or hand it to one [`ItemEncryptor`](super::ItemEncryptor).
#[derive(Debug)]
pub struct ItemSchema {
    logical_table_name: Arc<str>,
    partition_key: Arc<str>,
    sort_key: Option<Arc<str>>,
    tenant: Option<Arc<str>>,
    actions: BTreeMap<String, CryptoAction>,
    others: Option<CryptoAction>,
    unsigned: UnsignedNames,
    /// Unsigned in other entity types of the table, and so out of scope in this one.
    table_unsigned: UnsignedNames,
    suite: Option<AlgorithmSuite>,
    accepted_suite: Option<AlgorithmSuite>,
    max_encrypted_data_keys: usize,
    path_prefix: PathPrefix,
    context_base: Entries,
    context_keys: BTreeMap<String, Arc<str>>,
}

impl ItemSchema {
    /// The most encrypted data keys that a reader tries, unless told otherwise: each may cost a
    /// call to KMS, and whoever can write to the table chooses how many there are.
    pub const DEFAULT_MAX_ENCRYPTED_DATA_KEYS: usize = 16;

    /// Starts a schema with the names that every schema has.
    ///
    /// The logical table name is bound into every item: items of another logical table do not open.
    /// It need not be the name of the table, and must not change when a table is restored under
    /// another name.
    ///
    /// ```
    /// use dynaseal::{CryptoAction, ItemSchema};
    /// let schema = ItemSchema::builder("orders", "customer")
    ///     .sort_key_name("order")
    ///     .action("card", CryptoAction::EncryptAndSign)
    ///     .action("total", CryptoAction::SignOnly)
    ///     .allowed_unsigned_attribute_prefix(":")
    ///     .build()?;
    /// assert_eq!(schema.action("card"), Some(CryptoAction::EncryptAndSign));
    /// assert_eq!(schema.action("unheard-of"), None);
    /// # Ok::<_, dynaseal::ConfigError>(())
    /// ```
    pub fn builder(
        logical_table_name: impl Into<String>,
        partition_key_name: impl Into<String>,
    ) -> ItemSchemaBuilder {
        ItemSchemaBuilder::new(logical_table_name.into(), partition_key_name.into())
    }

    /// Starts the schema that a model's derive states, for changes to suites and limits.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the model has no partition key, or states no logical table name while
    /// `logical_table_name` is `None` as well.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// use dynaseal::{ItemSchema, Seal};
    /// # #[derive(Serialize, Deserialize, Seal)]
    /// # #[seal(table = "customers", default = "encrypt")]
    /// # struct Customer { #[seal(partition_key)] id: String, name: String }
    /// let schema = ItemSchema::of_model(Customer::SCHEMA, None)?.max_encrypted_data_keys(4).build()?;
    /// assert_eq!(schema.logical_table_name(), "customers");
    /// # Ok::<_, dynaseal::ConfigError>(())
    /// ```
    pub fn of_model(
        model: &ModelSchema,
        logical_table_name: Option<&str>,
    ) -> Result<ItemSchemaBuilder, ConfigError> {
        check_tree(model)?;
        let stated = logical_table_name.or_else(|| model.logical_table_name());
        let table = stated.ok_or_else(|| {
            ConfigError::new(
                "the model names no table: add `#[seal(table = \"…\")]`, or `.logical_table_name(…)` \
                 to the builder",
            )
        })?;
        let partition_key = model
            .partition_key()
            .ok_or_else(|| ConfigError::new("the model has no `#[seal(partition_key)]`"))?;
        let mut builder = Self::builder(table, partition_key.name());
        if let Some(sort_key) = model.sort_key() {
            builder = builder.sort_key_name(sort_key.name());
        }
        if let Some(tenant) = model.tenant() {
            builder = builder.tenant_attribute(tenant.name());
        }
        if let Some(action) = model.others() {
            builder = builder.flattened_map(action);
        }
        Ok(model
            .attributes()
            .fold(builder, |builder, attribute| match attribute.action() {
                CryptoAction::DoNothing => builder.allowed_unsigned_attribute(attribute.name()),
                action => builder.action(attribute.name(), action),
            }))
    }

    /// The name that is bound into every item.
    #[must_use]
    pub fn logical_table_name(&self) -> &str {
        &self.logical_table_name
    }

    /// The name of the partition key attribute.
    #[must_use]
    pub fn partition_key_name(&self) -> &str {
        &self.partition_key
    }

    /// The name of the sort key attribute, if the table has one.
    #[must_use]
    pub fn sort_key_name(&self) -> Option<&str> {
        self.sort_key.as_deref()
    }

    /// The name of the attribute that says whose an item is, if there is one.
    #[must_use]
    pub fn tenant_attribute(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// What is done with an attribute of this name when an item is sealed; `None` if sealing
    /// refuses it.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<CryptoAction> {
        // Whatever is said of attributes without a name of their own: these are DynamoDB's.
        if name.starts_with(REPLICATION_PREFIX) {
            return None;
        }
        if let Some(action) = self.actions.get(name) {
            return Some(*action);
        }
        if self.unsigned.contain(name) {
            Some(CryptoAction::DoNothing)
        } else {
            self.others
        }
    }

    /// Whether the signature of an item covers an attribute of this name.
    ///
    /// Never that of `aws:rep:deleting`, `aws:rep:updatetime` and `aws:rep:updateregion`, which global
    /// tables of the version of 2017 add to items: opening drops them, and nothing writes them.
    #[must_use]
    pub fn is_in_signature_scope(&self, name: &str) -> bool {
        !(name.starts_with(RESERVED_PREFIX)
            || is_replication_attribute(name)
            || self.unsigned.contain(name)
            || self.table_unsigned.contain(name))
    }

    /// The suite that items are sealed under with a keyring of this binding.
    pub(crate) fn suite(&self, binding: KeyBinding) -> AlgorithmSuite {
        self.suite.unwrap_or_else(|| binding.default_suite())
    }

    /// The weakest suite that opens.
    pub(crate) fn weakest_suite(&self, binding: KeyBinding) -> AlgorithmSuite {
        let own = self.suite(binding);
        self.accepted_suite
            .map_or(own, |accepted| accepted.min(own))
    }

    pub(crate) fn max_encrypted_data_keys(&self) -> usize {
        self.max_encrypted_data_keys
    }

    pub(crate) fn path_prefix(&self) -> &PathPrefix {
        &self.path_prefix
    }

    /// The names of the keys: the partition key, then the sort key.
    pub(crate) fn key_names(&self) -> impl Iterator<Item = &str> {
        [Some(&*self.partition_key), self.sort_key.as_deref()]
            .into_iter()
            .flatten()
    }

    /// Names that must be in an item that is sealed: keys and the encryption context.
    pub(crate) fn required_names(&self) -> impl Iterator<Item = &str> {
        self.context_keys.keys().map(String::as_str)
    }

    /// The entries of the encryption context that are the same for all items.
    pub(crate) fn context_base(&self) -> &Entries {
        &self.context_base
    }

    /// The key of an attribute's entry in the encryption context.
    pub(crate) fn context_key(&self, name: &str) -> Arc<str> {
        self.context_keys
            .get(name)
            .map_or_else(|| context_key(name), Arc::clone)
    }

    /// Whether an item can bring context attributes that the schema does not name.
    pub(crate) fn includes_others(&self) -> bool {
        self.others == Some(CryptoAction::SignAndIncludeInEncryptionContext)
    }
}

fn context_key(name: &str) -> Arc<str> {
    [context::ATTRIBUTE_PREFIX, name].concat().into()
}

/// What the derive cannot see in generic structs: names and roles that repeat over flattened parts.
fn check_tree(model: &ModelSchema) -> Result<(), ConfigError> {
    if model.has_duplicates() {
        return Err(ConfigError::new(
            "two fields of the model have the same attribute name",
        ));
    }
    let counts = [
        (model.count_partition_keys(), "partition key"),
        (model.count_sort_keys(), "sort key"),
        (model.count_tenants(), "tenant"),
        (model.count_versions(), "version"),
        (model.count_others(), "flattened map"),
    ];
    match counts.iter().find(|(count, _)| *count > 1) {
        Some((_, role)) => Err(ConfigError::new(format!(
            "the model has more than one {role}"
        ))),
        None => Ok(()),
    }
}
