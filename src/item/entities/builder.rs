//! Collects the entity types of a table, and builds their schemas.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use super::{Entities, EntityType, Inner, check};
use crate::error::ConfigError;
use crate::item::discriminator::Discriminator;
use crate::item::schema::SchemaSettings;
use crate::item::{ItemSchema, Model, ModelSchema};
use crate::suite::AlgorithmSuite;

/// Collects the entity types of [`Entities`]; [`build`](Self::build) checks them against each other.
#[must_use = "a builder does nothing until `build`"]
pub struct EntitiesBuilder {
    definitions: Vec<Definition>,
    settings: SchemaSettings,
}

struct Definition {
    name: String,
    discriminator: Discriminator,
    source: Source,
}

enum Source {
    Model(TypeId, Option<&'static ModelSchema>),
    Schema(Box<ItemSchema>),
}

impl EntitiesBuilder {
    pub(super) fn new() -> Self {
        Self {
            definitions: Vec::new(),
            settings: SchemaSettings::default(),
        }
    }

    /// Adds the items of a model.
    pub fn entity<T: Model + 'static>(
        self,
        name: impl Into<String>,
        discriminator: Discriminator,
    ) -> Self {
        let source = Source::Model(TypeId::of::<T>(), T::schema());
        self.add(name.into(), discriminator, source)
    }

    /// Adds untyped items, with their own suites and limits.
    pub fn untyped_entity(
        self,
        name: impl Into<String>,
        discriminator: Discriminator,
        schema: ItemSchema,
    ) -> Self {
        self.add(name.into(), discriminator, Source::Schema(Box::new(schema)))
    }

    /// Replaces the logical table name that the models state. Items sealed under another name do not
    /// open.
    pub fn logical_table_name(mut self, name: impl Into<String>) -> Self {
        self.settings.logical_table_name = Some(name.into());
        self
    }

    /// Seals models under this suite. Default: 0x6701 under KMS keyrings, 0x6700 under all others.
    pub fn algorithm_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.settings.suite = Some(suite);
        self
    }

    /// Opens models of this weaker suite as well; see
    /// [`ItemSchemaBuilder::accept_suite`](crate::item::ItemSchemaBuilder::accept_suite).
    pub fn accept_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.settings.accepted_suite = Some(suite);
        self
    }

    /// Opens models with up to this many encrypted data keys, 1 to 255. Default: 16.
    pub fn max_encrypted_data_keys(mut self, max: usize) -> Self {
        self.settings.max_encrypted_data_keys = Some(max);
        self
    }

    /// Takes every attribute that starts like this for unsigned, also those the models do not know;
    /// see [`ItemSchemaBuilder::allowed_unsigned_attribute_prefix`](crate::item::ItemSchemaBuilder::allowed_unsigned_attribute_prefix).
    pub fn allowed_unsigned_attribute_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.unsigned_prefix = Some(prefix.into());
        self
    }

    /// Checks every entity type by itself, and against all others.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which names the entity types: no entity type at all, two of one name or one
    /// model; another logical table name, other keys or another tenant attribute; a discriminator that
    /// looks at an attribute which some entity type does not have signed and in clear, or two that do not
    /// exclude each other; an attribute that is unsigned in one and signed in another, two unsigned
    /// prefixes; and whatever
    /// [`ItemSchemaBuilder::build`](crate::item::ItemSchemaBuilder::build) refuses.
    pub fn build(self) -> Result<Entities, ConfigError> {
        let settings = self.settings;
        let types = self.definitions.into_iter();
        let types = types.map(|definition| definition.resolve(&settings));
        let mut types = types.collect::<Result<Vec<_>, _>>()?;
        let Some(first) = types.first() else {
            return Err(ConfigError::new(
                "a table of entities needs at least one: call `.entity(…)`",
            ));
        };
        check::names(&types)?;
        check::same_table(first, &types)?;
        let unsigned = check::unsigned(&types)?;
        check::selectors(&types)?;
        let schemas = types.iter().map(|entity| &entity.schema);
        let merged = ItemSchema::merged(&first.schema, schemas, unsigned.clone());
        types = types
            .into_iter()
            .map(|entity| EntityType {
                schema: entity.schema.with_table_unsigned(unsigned.clone()),
                ..entity
            })
            .collect();
        Ok(Entities(Arc::new(Inner { types, merged })))
    }

    fn add(mut self, name: String, discriminator: Discriminator, source: Source) -> Self {
        self.definitions.push(Definition {
            name,
            discriminator,
            source,
        });
        self
    }
}

impl Definition {
    fn resolve(self, settings: &SchemaSettings) -> Result<EntityType, ConfigError> {
        let in_entity =
            |error: ConfigError| ConfigError::new(format!("entity `{}`: {error}", self.name));
        let (schema, model, version) = match self.source {
            Source::Model(id, Some(model)) => {
                let schema = settings.schema_of(model).map_err(in_entity)?;
                (schema, Some(id), model.version())
            }
            Source::Model(_, None) => {
                let error = "it states no schema; use `.untyped_entity(…)`";
                return Err(in_entity(ConfigError::new(error)));
            }
            Source::Schema(schema) => (*schema, None, None),
        };
        let selector = self.discriminator.in_table(&schema).map_err(in_entity)?;
        Ok(EntityType {
            name: self.name.into(),
            schema,
            selector,
            model,
            version,
        })
    }
}

impl fmt::Debug for EntitiesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.definitions.iter().map(|definition| &definition.name);
        f.debug_struct("EntitiesBuilder")
            .field("names", &names.collect::<Vec<_>>())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
