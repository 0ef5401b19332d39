//! The encryption contexts that items have, as far as they are known without an item: for dry runs,
//! and for policies.
//!
//! They are made by what makes them when items are sealed.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use super::context;
use super::encryptor::{ItemEncryptor, seal_context, signed_fields};
use super::fields::{self, Attributes};
use super::legend::SealedActions;
use super::opened::HeaderVersion;
use super::{Item, ItemSchema};
use crate::action::CryptoAction;
use crate::context::{EncryptionContext, Entries};
use crate::error::SealError;
use crate::format::header::Version;
use crate::materials::Preparation;

/// What a sample has where nobody gave a value.
const PLACEHOLDER: &str = "dynaseal-doctor";

/// The encryption context of a sample: its entries have the keys that those of every such item have.
#[derive(Clone, Debug)]
pub(crate) struct ContextShape {
    /// The entity type of the sample, where the table has several.
    pub(crate) entity: Option<Arc<str>>,
    pub(crate) version: HeaderVersion,
    /// Whether items are sealed like this. Else they were, before anything was included.
    pub(crate) is_sealed: bool,
    /// Whether items can bring entries of their own.
    pub(crate) includes_others: bool,
    pub(crate) context: EncryptionContext,
}

impl ItemEncryptor {
    /// The contexts of items of each schema, with made-up values.
    pub(crate) fn context_shapes(&self) -> Result<Vec<ContextShape>, SealError> {
        let mut shapes = Vec::new();
        for (entity, schema) in self.schemas().all() {
            shapes.extend(self.shapes_of(schema, entity, Item::new())?);
        }
        Ok(shapes)
    }

    /// The contexts that an item has, or had before anything was included. It may be its key alone:
    /// what else belongs to the context is made up.
    pub(crate) fn context_shapes_of(&self, sample: Item) -> Result<Vec<ContextShape>, SealError> {
        let choice = self.schemas().choose(&sample)?;
        choice.check_wanted()?;
        let entity = choice.entity().map(|tag| tag.name);
        self.shapes_of(choice.schema, entity, sample)
    }

    fn shapes_of(
        &self,
        schema: &ItemSchema,
        entity: Option<Arc<str>>,
        sample: Item,
    ) -> Result<Vec<ContextShape>, SealError> {
        let nothing = SealedActions::new();
        let attributes = Attributes::split(schema, complete(schema, sample));
        let sealing = fields::to_seal(schema, &nothing, &attributes)?;
        let (sealed, entries) = seal_context(schema, &nothing, &sealing)?;
        let mut shapes = vec![self.shape(schema, entity.clone(), sealed, entries)?];
        if sealed == Version::V2 {
            let entries = context::rebuild(schema, Version::V1, signed_fields(&sealing))?;
            let old = self.shape(schema, entity, Version::V1, entries)?;
            shapes.push(ContextShape {
                is_sealed: false,
                ..old
            });
        }
        Ok(shapes)
    }

    fn shape(
        &self,
        schema: &ItemSchema,
        entity: Option<Arc<str>>,
        version: Version,
        entries: Entries,
    ) -> Result<ContextShape, SealError> {
        let preparation = Preparation::new(schema.suite(self.binding()), entries)?;
        Ok(ContextShape {
            entity,
            version: version.into(),
            is_sealed: true,
            includes_others: version == Version::V2 && schema.includes_others(),
            context: preparation.request().context().clone(),
        })
    }
}

/// What of a sample belongs to the context, and a placeholder for what it lacks.
fn complete(schema: &ItemSchema, mut sample: Item) -> Item {
    let include = CryptoAction::SignAndIncludeInEncryptionContext;
    let required: Vec<&str> = schema.required_names().collect();
    sample.retain(|name, _| {
        required.contains(&name.as_str()) || schema.action(name) == Some(include)
    });
    for name in required {
        let missing = || AttributeValue::S(PLACEHOLDER.to_owned());
        sample.entry(name.to_owned()).or_insert_with(missing);
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Discriminator, Entities};
    use crate::keyring::RawAesKeyring;
    use crate::suite::AlgorithmSuite;

    fn keyring() -> RawAesKeyring {
        RawAesKeyring::new("ours", "one", [7; 32]).unwrap()
    }

    fn text(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
        let named = attributes.map(|(name, value)| (name.to_owned(), value));
        named.into_iter().collect()
    }

    fn included() -> ItemSchema {
        let schema = ItemSchema::builder("orders", "id").sort_key_name("day");
        let schema = schema
            .action("tenant", CryptoAction::SignAndIncludeInEncryptionContext)
            .action("card", CryptoAction::EncryptAndSign)
            .action("total", CryptoAction::SignOnly);
        schema
            .algorithm_suite(AlgorithmSuite::EcdsaP384)
            .build()
            .unwrap()
    }

    fn keys(shape: &ContextShape) -> Vec<&str> {
        shape.context.iter().map(|(key, _)| key).collect()
    }

    #[tokio::test]
    async fn has_the_context_that_an_item_of_the_same_values_is_sealed_with() {
        let encryptor = ItemEncryptor::new(included(), keyring());
        let whole = item([
            ("id", text("o-1")),
            ("day", AttributeValue::N("7".to_owned())),
            ("tenant", text("acme")),
            ("card", text("4111")),
            ("total", text("9.99")),
        ]);
        let shapes = encryptor.context_shapes_of(whole.clone()).unwrap();
        let sealed = encryptor.seal(whole).await.unwrap();
        let opened = encryptor.open(sealed).await.unwrap();
        let [new, old] = shapes.as_slice() else {
            panic!("two versions")
        };
        assert!(new.is_sealed && new.version == HeaderVersion::V2);
        // All but the public key, which each item has of its own.
        for (key, value) in opened.context().iter() {
            let same = key == "aws-crypto-public-key" || new.context.get(key) == Some(value);
            assert!(same, "{key}");
        }
        assert_eq!(keys(new).len(), opened.context().iter().count());

        assert!(!old.is_sealed && old.version == HeaderVersion::V1);
        let v1 = ItemSchema::builder("orders", "id").sort_key_name("day");
        let v1 = v1.algorithm_suite(AlgorithmSuite::EcdsaP384).build();
        let v1 = ItemEncryptor::new(v1.unwrap(), keyring());
        let key = item([
            ("id", text("o-1")),
            ("day", AttributeValue::N("7".to_owned())),
        ]);
        let opened = v1.open(v1.seal(key).await.unwrap()).await.unwrap();
        let old_keys: Vec<&str> = opened.context().iter().map(|(key, _)| key).collect();
        assert_eq!(keys(old), old_keys);
        let id = "aws-crypto-attr.id";
        assert_eq!(old.context.get(id), opened.context().get(id));
    }

    #[test]
    fn makes_up_what_a_sample_lacks_and_takes_nothing_else_of_it() {
        let encryptor = ItemEncryptor::new(included(), keyring());
        let sample = item([
            ("id", text("o-1")),
            ("card", text("4111")),
            ("odd", text("x")),
        ]);
        let shapes = encryptor.context_shapes_of(sample).unwrap();
        assert_eq!(shapes[0].context.get("aws-crypto-attr.id"), Some("o-1"));
        let made_up = shapes[0].context.get("aws-crypto-attr.tenant");
        assert_eq!(made_up, Some(PLACEHOLDER));
        let all = encryptor.context_shapes().unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(keys(&all[0]), keys(&shapes[0]));
        assert_eq!(all[0].context.get("aws-crypto-attr.id"), Some(PLACEHOLDER));
    }

    #[test]
    fn lists_each_entity_type_and_finds_that_of_a_sample() {
        let order = Discriminator::partition_key_prefix("o-");
        let note = Discriminator::partition_key_prefix("n-");
        let plain = ItemSchema::builder("orders", "id").sort_key_name("day");
        let entities = Entities::builder()
            .untyped_entity("order", order, included())
            .untyped_entity("note", note, plain.build().unwrap());
        let entities = entities.build().unwrap();
        let encryptor = ItemEncryptor::of_entities(&entities, keyring());
        let found = |shapes: Vec<ContextShape>| -> Vec<_> {
            let of = |shape: ContextShape| (shape.entity.unwrap().to_string(), shape.is_sealed);
            shapes.into_iter().map(of).collect()
        };
        let all = found(encryptor.context_shapes().unwrap());
        let named = [("order", true), ("order", false), ("note", true)];
        assert_eq!(all, named.map(|(name, sealed)| (name.to_owned(), sealed)));
        let sample = item([("id", text("n-1")), ("day", text("d"))]);
        let one = found(encryptor.context_shapes_of(sample).unwrap());
        assert_eq!(one, [("note".to_owned(), true)]);
        let nobody = encryptor.context_shapes_of(item([("id", text("x-1"))]));
        assert!(matches!(nobody, Err(SealError::Entity(_))));
    }

    #[test]
    fn says_where_items_bring_entries_of_their_own() {
        let open = ItemSchema::builder("orders", "id")
            .others(CryptoAction::SignAndIncludeInEncryptionContext);
        let encryptor = ItemEncryptor::new(open.build().unwrap(), keyring());
        let shapes = encryptor.context_shapes().unwrap();
        let others: Vec<_> = shapes.iter().map(|shape| shape.includes_others).collect();
        assert_eq!(others, [true, false]);
        let sample = item([("id", text("o-1")), ("colour", text("red"))]);
        let shapes = encryptor.context_shapes_of(sample).unwrap();
        assert_eq!(shapes[0].context.get("aws-crypto-attr.colour"), Some("red"));
    }
}
