//! The rules that make it safe to choose a schema by what is not verified yet.

use std::collections::BTreeSet;

use super::EntityType;
use crate::action::CryptoAction;
use crate::error::ConfigError;
use crate::item::schema::UnsignedNames;

type Checked<T = ()> = Result<T, ConfigError>;

pub(super) fn names(types: &[EntityType]) -> Checked {
    let mut seen = BTreeSet::new();
    for entity in types {
        if entity.name.is_empty() {
            return Err(ConfigError::new("an entity needs a name"));
        }
        if !seen.insert(&entity.name) {
            return Err(ConfigError::new(format!(
                "two entities are called `{}`",
                entity.name
            )));
        }
    }
    for_pairs(types, |a, b| {
        if a.model.is_some() && a.model == b.model {
            return Err(format!(
                "entities `{}` and `{}` are one model",
                a.name, b.name
            ));
        }
        Ok(())
    })
}

/// An item says nothing of its table that could be read before the schema is known; and whose it is must
/// not depend on which entity type it claims to be.
pub(super) fn same_table(first: &EntityType, types: &[EntityType]) -> Checked {
    for entity in types {
        let [a, b] = [&first.schema, &entity.schema];
        let differs = if a.logical_table_name() != b.logical_table_name() {
            "logical table names"
        } else if a.partition_key_name() != b.partition_key_name() {
            "partition keys"
        } else if a.sort_key_name() != b.sort_key_name() {
            "sort keys"
        } else if a.tenant_attribute() != b.tenant_attribute() {
            "tenant attributes"
        } else {
            continue;
        };
        return Err(ConfigError::new(format!(
            "entities `{}` and `{}` have different {differs}, and so are not of one table",
            first.name, entity.name
        )));
    }
    Ok(())
}

/// What any entity type leaves unsigned, which none may sign.
///
/// Otherwise whoever changes what selects the schema would decide what is verified.
pub(super) fn unsigned(types: &[EntityType]) -> Checked<UnsignedNames> {
    let mut union = UnsignedNames::default();
    for entity in types {
        let own = entity.schema.unsigned();
        union.names.extend(own.names.iter().cloned());
        match (&union.prefix, &own.prefix) {
            (Some(a), Some(b)) if a != b => {
                return Err(ConfigError::new(format!(
                    "two unsigned prefixes, `{a}` and `{b}`: a table has one"
                )));
            }
            _ => union.prefix = union.prefix.take().or_else(|| own.prefix.clone()),
        }
    }
    for entity in types {
        let mut named = entity.schema.named_actions();
        if let Some((name, _)) = named.find(|(name, a)| a.is_signed() && union.contain(name)) {
            return Err(ConfigError::new(format!(
                "attribute `{name}` is signed in entity `{}` and unsigned in another",
                entity.name
            )));
        }
        check_others(entity, &union)?;
    }
    Ok(union)
}

/// An entity type that takes any attribute would take unsigned ones of others for its own.
fn check_others(entity: &EntityType, union: &UnsignedNames) -> Checked {
    let own = entity.schema.unsigned();
    let mut foreign = union.names.iter().chain(&union.prefix);
    let foreign = foreign.find(|name| !own.contain(name));
    match foreign {
        Some(name) if entity.schema.has_others() => Err(ConfigError::new(format!(
            "entity `{}` takes every attribute it does not name, and `{name}` is unsigned in another: \
             name it in both",
            entity.name
        ))),
        _ => Ok(()),
    }
}

pub(super) fn selectors(types: &[EntityType]) -> Checked {
    for entity in types {
        if entity.selector.selects_nothing() {
            return Err(ConfigError::new(format!(
                "the discriminator of entity `{}` contradicts itself",
                entity.name
            )));
        }
        for name in entity.selector.names() {
            check_signed_in_all(name, entity, types)?;
        }
    }
    for_pairs(types, |a, b| {
        if a.selector.excludes(&b.selector) {
            return Ok(());
        }
        Err(format!(
            "an item could be selected as entity `{}` and as `{}`: both discriminators must look at one \
             key or attribute, for values or prefixes that exclude each other",
            a.name, b.name
        ))
    })
}

/// What selects the schema is authenticated afterwards exactly if every schema signs it in clear.
fn check_signed_in_all(name: &str, selected: &EntityType, types: &[EntityType]) -> Checked {
    let is_clear = |entity: &&EntityType| {
        matches!(
            entity.schema.action(name),
            Some(CryptoAction::SignOnly | CryptoAction::SignAndIncludeInEncryptionContext)
        )
    };
    match types.iter().find(|entity| !is_clear(entity)) {
        Some(entity) => Err(ConfigError::new(format!(
            "attribute `{name}` selects entity `{}`, so it must be signed and in clear in all; it is not \
             in `{}`",
            selected.name, entity.name
        ))),
        None => Ok(()),
    }
}

fn for_pairs(
    types: &[EntityType],
    check: impl Fn(&EntityType, &EntityType) -> Result<(), String>,
) -> Checked {
    for (at, a) in types.iter().enumerate() {
        for b in types.iter().skip(at + 1) {
            check(a, b).map_err(ConfigError::new)?;
        }
    }
    Ok(())
}
