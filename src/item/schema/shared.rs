//! Schemas of entity types that share one table.

use std::collections::BTreeMap;

use super::{ItemSchema, UnsignedNames};
use crate::action::CryptoAction;
use crate::suite::AlgorithmSuite;

impl ItemSchema {
    pub(in crate::item) fn unsigned(&self) -> &UnsignedNames {
        &self.unsigned
    }

    /// Takes what any entity type of the table leaves unsigned out of the signature of this one.
    ///
    /// What is signed must not depend on which schema reads. Sealing still refuses what this schema
    /// does not itself leave unsigned.
    pub(in crate::item) fn with_table_unsigned(mut self, table: UnsignedNames) -> Self {
        self.table_unsigned = table;
        self
    }

    /// Whether sealing refuses an attribute that is out of signature scope: only another entity type
    /// of the table leaves it unsigned.
    pub(in crate::item) fn is_foreign_unsigned(&self, name: &str) -> bool {
        self.table_unsigned.contain(name) && self.action(name).is_none()
    }

    /// Whether it states an action for every attribute that it does not name.
    pub(in crate::item) fn has_others(&self) -> bool {
        self.others.is_some()
    }

    /// The name and action of every attribute that it names.
    pub(in crate::item) fn named_actions(&self) -> impl Iterator<Item = (&str, CryptoAction)> {
        self.actions
            .iter()
            .map(|(name, action)| (name.as_str(), *action))
    }

    /// What holds of items of any of these schemas, for checks of names: an attribute is encrypted if
    /// any of them encrypts it. Nothing is sealed by it.
    ///
    /// Keys, tenant and logical table name are those of `first`, and must be the same in all.
    pub(in crate::item) fn merged<'a>(
        first: &'a Self,
        all: impl Iterator<Item = &'a Self> + Clone,
        unsigned: UnsignedNames,
    ) -> Self {
        let names = all.clone().flat_map(|schema| schema.actions.keys());
        let strictest = |name: &String| {
            let actions = all.clone().filter_map(|schema| schema.action(name));
            actions.min_by_key(strictness)
        };
        let actions: BTreeMap<_, _> = names
            .filter_map(|name| Some((name.clone(), strictest(name)?)))
            .collect();
        let (suite, accepted_suite) = weakest(all.clone());
        let context_keys = first.context_keys.iter();
        let keys = context_keys.filter(|(name, _)| first.key_names().any(|key| key == *name));
        Self {
            logical_table_name: first.logical_table_name.clone(),
            partition_key: first.partition_key.clone(),
            sort_key: first.sort_key.clone(),
            tenant: first.tenant.clone(),
            actions,
            others: all
                .filter_map(|schema| schema.others)
                .min_by_key(strictness),
            unsigned,
            table_unsigned: UnsignedNames::default(),
            suite,
            accepted_suite,
            max_encrypted_data_keys: first.max_encrypted_data_keys,
            path_prefix: first.path_prefix.clone(),
            context_base: first.context_base.clone(),
            context_keys: keys
                .map(|(name, key)| (name.clone(), key.clone()))
                .collect(),
        }
    }
}

/// The suites of a schema that accepts whatever any of these accepts: without one of its own if the
/// keyring decides in any of them.
fn weakest<'a>(
    all: impl Iterator<Item = &'a ItemSchema> + Clone,
) -> (Option<AlgorithmSuite>, Option<AlgorithmSuite>) {
    let own: Option<Vec<_>> = all.clone().map(|schema| schema.suite).collect();
    let stated = all.flat_map(|schema| [schema.suite, schema.accepted_suite]);
    (
        own.and_then(|own| own.into_iter().min()),
        stated.flatten().min(),
    )
}

/// The less a server can compare with, the earlier.
fn strictness(action: &CryptoAction) -> u8 {
    match action {
        CryptoAction::EncryptAndSign => 0,
        CryptoAction::SignAndIncludeInEncryptionContext => 1,
        CryptoAction::SignOnly => 2,
        CryptoAction::DoNothing => 3,
    }
}
