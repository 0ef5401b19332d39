//! Which schema an item is sealed and opened by.

use std::any::TypeId;
use std::sync::Arc;

use super::{Entities, EntityTag, EntityType};
use crate::engine::StoredField;
use crate::error::{ConfigError, EntityMismatch, SealError};
use crate::format::legend::LegendByte;
use crate::item::{AttributeSchema, Item, ItemSchema, fields};

/// The schemas of an encryptor: one for all items, or one for each entity type.
#[derive(Clone, Debug)]
pub(in crate::item) enum Schemas {
    One(Arc<ItemSchema>),
    Several {
        entities: Entities,
        /// The only entity type that is sealed and opened, by its place.
        only: Option<usize>,
    },
}

/// The schema of one item.
#[derive(Clone, Copy)]
pub(in crate::item) struct Choice<'a> {
    pub(in crate::item) schema: &'a ItemSchema,
    entity: Option<&'a EntityType>,
    /// The only entity type that is wanted, where the item is of another one.
    wanted: Option<&'a EntityType>,
}

impl Schemas {
    /// What holds of every item.
    pub(in crate::item) fn schema(&self) -> &ItemSchema {
        match self {
            Self::One(schema) => schema,
            Self::Several { entities, only } => {
                let only = only.and_then(|only| entities.at(only));
                only.map_or_else(|| entities.merged(), |entity| &entity.schema)
            }
        }
    }

    /// Every schema that items are sealed by, with the entity type that it is of.
    pub(in crate::item) fn all(&self) -> Vec<(Option<Arc<str>>, &ItemSchema)> {
        let named = |entity: &EntityType| Some(Arc::clone(&entity.name));
        match self {
            Self::One(schema) => vec![(None, schema)],
            Self::Several {
                entities,
                only: Some(only),
            } => {
                let only = entities.at(*only).into_iter();
                only.map(|entity| (named(entity), &entity.schema)).collect()
            }
            Self::Several { entities, .. } => {
                let types = entities.0.types.iter();
                types
                    .map(|entity| (named(entity), &entity.schema))
                    .collect()
            }
        }
    }

    /// The same, for the items of one model alone.
    pub(in crate::item) fn only(&self, model: TypeId) -> Result<Self, ConfigError> {
        match self {
            Self::One(_) => Err(ConfigError::new("the table has no entity types")),
            Self::Several { entities, .. } => Ok(Self::Several {
                only: Some(entities.of_model(model)?),
                entities: entities.clone(),
            }),
        }
    }

    /// Whether any entity type has a version attribute.
    pub(in crate::item) fn has_versions(&self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Several { entities, .. } => entities.has_versions(),
        }
    }

    /// The schema of a stored item, chosen by what nobody has verified yet.
    pub(in crate::item) fn choose(&self, item: &Item) -> Result<Choice<'_>, EntityMismatch> {
        let (entities, only) = match self {
            Self::One(schema) => {
                return Ok(Choice {
                    schema,
                    entity: None,
                    wanted: None,
                });
            }
            Self::Several { entities, only } => (entities, only),
        };
        let (at, entity) = entities.of(item).ok_or_else(EntityMismatch::none)?;
        let only = only.filter(|only| *only != at);
        Ok(Choice {
            schema: &entity.schema,
            entity: Some(entity),
            wanted: only.and_then(|only| entities.at(only)),
        })
    }

    /// The schema to seal an item by.
    pub(in crate::item) fn choose_to_seal(&self, item: &Item) -> Result<Choice<'_>, SealError> {
        // A key that is missing or reserved is named, rather than that nothing is selected.
        if let Self::Several { entities, .. } = self {
            fields::check_sealable(entities.merged(), item)?;
        }
        let choice = self.choose(item)?;
        choice.check_wanted()?;
        fields::check_sealable(choice.schema, item)?;
        Ok(choice)
    }
}

impl Choice<'_> {
    /// Which entity type it is.
    pub(in crate::item) fn entity(&self) -> Option<EntityTag> {
        self.entity.map(|entity| EntityTag {
            name: Arc::clone(&entity.name),
            model: entity.model,
        })
    }

    /// The version attribute of the entity type's model, if that is wanted.
    pub(in crate::item) fn version_attribute(&self) -> Option<AttributeSchema> {
        let wanted = self.entity.filter(|_| self.wanted.is_none());
        wanted.and_then(|entity| entity.version)
    }

    /// Refuses items of other entity types than the only one that is wanted.
    pub(in crate::item) fn check_wanted(&self) -> Result<(), EntityMismatch> {
        match (self.entity, self.wanted) {
            (Some(found), Some(wanted)) => Err(EntityMismatch::another(&found.name, &wanted.name)),
            _ => Ok(()),
        }
    }

    /// Refuses an item whose schema was chosen by something that its legend does not mark as signed and
    /// in clear: then the choice would be that of whoever can write to the table.
    pub(in crate::item) fn check_selector(
        &self,
        fields: &[StoredField<'_>],
    ) -> Result<(), EntityMismatch> {
        let is_signed = |name: &str| {
            let field = fields.iter().find(|field| field.path.name() == name);
            field.is_some_and(|field| field.legend != LegendByte::EncryptAndSign)
        };
        let mut names = self.entity.iter().flat_map(|e| e.selector.names());
        if names.all(is_signed) {
            Ok(())
        } else {
            Err(EntityMismatch::none())
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::action::CryptoAction;
    use crate::item::Discriminator;
    use crate::value::Terminal;

    /// What no stored item can bring about, because an encrypted value is of type B and selects
    /// nothing: a selector of which the legend says that it is encrypted, or nothing.
    #[test]
    fn trusts_no_selector_that_the_legend_does_not_sign_in_clear() {
        let schema = ItemSchema::builder("app", "pk").action("kind", CryptoAction::SignOnly);
        let kind = Discriminator::attribute("kind", "note");
        let entities = Entities::builder().untyped_entity("note", kind, schema.build().unwrap());
        let entities = entities.build().unwrap();
        let schemas = Schemas::Several {
            entities,
            only: None,
        };
        let value = AttributeValue::S("note".to_owned());
        let item = Item::from([("kind".to_owned(), value.clone())]);
        let choice = schemas.choose(&item).unwrap();
        let field = |legend| StoredField {
            path: choice.schema.path_prefix().path("kind"),
            legend,
            stored: Terminal::of(&value).unwrap(),
        };
        use LegendByte as L;
        assert!(choice.check_selector(&[field(L::SignOnly)]).is_ok());
        assert!(choice.check_selector(&[field(L::SignAndInclude)]).is_ok());
        assert!(choice.check_selector(&[field(L::EncryptAndSign)]).is_err());
        assert!(choice.check_selector(&[]).is_err());
    }
}
