//! Builds a schema: collects the rules, and checks them against each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ItemSchema, UnsignedNames, context_key};
use crate::action::CryptoAction;
use crate::context::{self, Entries};
use crate::error::ConfigError;
use crate::format::canonical_path::PathPrefix;
use crate::format::{REPLICATION_PREFIX, RESERVED_PREFIX};
use crate::suite::AlgorithmSuite;

/// Names that start like this would collide with entries of the encryption context.
const RESERVED_CONTEXT_PREFIX: &str = "aws-crypto-";

/// What DynamoDB accepts as an attribute name.
const MAX_NAME_LEN: usize = 65_535;
/// What DynamoDB accepts as the name of a key attribute.
const MAX_KEY_NAME_LEN: usize = 255;

/// Collects the rules of an [`ItemSchema`]; [`build`](Self::build) checks them.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ItemSchemaBuilder {
    logical_table_name: String,
    partition_key: String,
    sort_key: Option<String>,
    tenant: Option<String>,
    actions: Vec<(String, CryptoAction)>,
    others: Option<CryptoAction>,
    has_flattened_map: bool,
    unsigned: UnsignedNames,
    suite: Option<AlgorithmSuite>,
    accepted_suite: Option<AlgorithmSuite>,
    max_encrypted_data_keys: usize,
}

impl ItemSchemaBuilder {
    pub(super) fn new(logical_table_name: String, partition_key: String) -> Self {
        Self {
            logical_table_name,
            partition_key,
            sort_key: None,
            tenant: None,
            actions: Vec::new(),
            others: None,
            has_flattened_map: false,
            unsigned: UnsignedNames::default(),
            suite: None,
            accepted_suite: None,
            max_encrypted_data_keys: ItemSchema::DEFAULT_MAX_ENCRYPTED_DATA_KEYS,
        }
    }

    /// Names the sort key attribute. Default: the table has none.
    pub fn sort_key_name(mut self, name: impl Into<String>) -> Self {
        self.sort_key = Some(name.into());
        self
    }

    /// Names the attribute that says whose an item is: signed, and included in the encryption context, with
    /// no action of its own to be stated. Default: there is none.
    ///
    /// Every item must have it, as a string that is not empty. Keyrings with keys by tenant choose by it, and
    /// [`ItemEncryptor::tenant`](crate::ItemEncryptor::tenant) seals and opens the items of one tenant alone.
    /// KMS sees it, and CloudTrail logs it.
    pub fn tenant_attribute(mut self, name: impl Into<String>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// Gives one attribute its action. Keys need none: they are signed, and included in the
    /// encryption context as soon as any other attribute is.
    pub fn action(mut self, name: impl Into<String>, action: CryptoAction) -> Self {
        self.actions.push((name.into(), action));
        self
    }

    /// Gives every attribute that has no action of its own this one. Default: sealing such an
    /// attribute is an error. [`CryptoAction::DoNothing`] is refused here.
    pub fn others(mut self, action: CryptoAction) -> Self {
        self.others = Some(action);
        self
    }

    /// What a model's flattened map gets.
    pub(super) fn flattened_map(mut self, action: CryptoAction) -> Self {
        self.has_flattened_map = true;
        self.others(action)
    }

    /// Allows one attribute to be unsigned: changed by anybody, and never trusted.
    pub fn allowed_unsigned_attribute(mut self, name: impl Into<String>) -> Self {
        self.unsigned.names.insert(name.into());
        self
    }

    /// Allows every attribute that starts like this to be unsigned. Upstream recommends `:`, so
    /// that new unsigned attributes need no new schema.
    pub fn allowed_unsigned_attribute_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.unsigned.prefix = Some(prefix.into());
        self
    }

    /// Seals under this suite. Default: 0x6701 under KMS keyrings, 0x6700 under all others.
    pub fn algorithm_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.suite = Some(suite);
        self
    }

    /// Opens items of this suite as well, although it is weaker than the one items are sealed
    /// under. Needed while a table mixes both; it lets whoever can open an item forge one.
    pub fn accept_suite(mut self, suite: AlgorithmSuite) -> Self {
        self.accepted_suite = Some(suite);
        self
    }

    /// Opens items with up to this many encrypted data keys, 1 to 255. Default: 16.
    pub fn max_encrypted_data_keys(mut self, max: usize) -> Self {
        self.max_encrypted_data_keys = max;
        self
    }

    /// Checks the rules against each other.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which names the attribute and the rule: an encrypted or unsigned key, a
    /// reserved name, two actions for one attribute, an unsigned attribute that is not allowed to
    /// be, a signed one that is, a tenant with another action, context attributes that differ in case only.
    pub fn build(self) -> Result<ItemSchema, ConfigError> {
        let mut actions = BTreeMap::new();
        for (name, action) in &self.actions {
            check_name(name)?;
            if actions
                .insert(name.clone(), *action)
                .is_some_and(|other| other != *action)
            {
                return Err(ConfigError::new(format!(
                    "attribute `{name}` has two crypto actions"
                )));
            }
        }
        self.add_tenant(&mut actions)?;
        self.check_unsigned(&actions)?;
        self.check_limits()?;
        self.add_keys(&mut actions)?;
        check_case(&actions)?;
        Ok(self.into_schema(actions))
    }

    /// The tenant chooses keys, so it must be bound to them.
    fn add_tenant(&self, actions: &mut BTreeMap<String, CryptoAction>) -> Result<(), ConfigError> {
        let Some(name) = &self.tenant else {
            return Ok(());
        };
        check_name(name)?;
        let include = CryptoAction::SignAndIncludeInEncryptionContext;
        match actions.insert(name.clone(), include) {
            Some(action) if action != include => Err(ConfigError::new(format!(
                "tenant `{name}` must be {include:?}, because it chooses the keys"
            ))),
            _ => Ok(()),
        }
    }

    fn check_unsigned(&self, actions: &BTreeMap<String, CryptoAction>) -> Result<(), ConfigError> {
        for name in &self.unsigned.names {
            check_name(name)?;
        }
        if self.unsigned.prefix.as_ref().is_some_and(String::is_empty) {
            return Err(ConfigError::new(
                "an empty unsigned prefix would leave every attribute unsigned",
            ));
        }
        if self.has_flattened_map && self.unsigned.prefix.is_some() {
            return Err(ConfigError::new(
                "the model's flattened map would read whatever starts with the unsigned prefix as if it \
                 were signed; name unsigned attributes as fields of the model instead",
            ));
        }
        if self.others == Some(CryptoAction::DoNothing) {
            return Err(ConfigError::new(
                "unnamed attributes cannot be unsigned as a whole; use `.allowed_unsigned_attribute_prefix`",
            ));
        }
        for (name, action) in actions {
            let allowed = self.unsigned.contain(name);
            if *action == CryptoAction::DoNothing && !allowed {
                return Err(ConfigError::new(format!(
                    "attribute `{name}` is unsigned, so name it in `.allowed_unsigned_attribute` \
                     or by the prefix; readers depend on that list"
                )));
            }
            if action.is_signed() && allowed {
                return Err(ConfigError::new(format!(
                    "attribute `{name}` is signed, and also allowed to be unsigned"
                )));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        if !(1..=255).contains(&self.max_encrypted_data_keys) {
            return Err(ConfigError::new(
                "the number of encrypted data keys is 1 to 255",
            ));
        }
        let table = self.logical_table_name.len();
        if table == 0 || table > usize::from(u16::MAX) {
            return Err(ConfigError::new(
                "a logical table name has 1 to 65535 bytes",
            ));
        }
        Ok(())
    }

    /// Keys are signed, and in the context if anything else is: the format demands both.
    fn add_keys(&self, actions: &mut BTreeMap<String, CryptoAction>) -> Result<(), ConfigError> {
        let include = CryptoAction::SignAndIncludeInEncryptionContext;
        let includes = actions
            .values()
            .chain(&self.others)
            .any(|action| *action == include);
        let demanded = if includes {
            include
        } else {
            CryptoAction::SignOnly
        };
        if self.sort_key.as_ref() == Some(&self.partition_key) {
            return Err(ConfigError::new(
                "partition key and sort key are the same attribute",
            ));
        }
        for name in std::iter::once(&self.partition_key).chain(&self.sort_key) {
            check_name(name)?;
            if name.len() > MAX_KEY_NAME_LEN {
                return Err(ConfigError::new(format!(
                    "the name of a key has at most {MAX_KEY_NAME_LEN} bytes"
                )));
            }
            if self.unsigned.contain(name) {
                return Err(ConfigError::new(format!("key `{name}` cannot be unsigned")));
            }
            match actions.insert(name.clone(), demanded) {
                Some(CryptoAction::EncryptAndSign) => {
                    return Err(ConfigError::new(format!(
                        "key `{name}` cannot be encrypted"
                    )));
                }
                Some(action) if action != demanded => {
                    return Err(ConfigError::new(format!(
                        "key `{name}` must be {demanded:?}, because {}",
                        if includes {
                            "another attribute is"
                        } else {
                            "no other attribute is included"
                        }
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn into_schema(self, actions: BTreeMap<String, CryptoAction>) -> ItemSchema {
        let logical_table_name: Arc<str> = self.logical_table_name.into();
        let partition_key: Arc<str> = self.partition_key.into();
        let sort_key: Option<Arc<str>> = self.sort_key.map(Into::into);
        let mut context_base = Entries::from([
            (context::TABLE_NAME.into(), Arc::clone(&logical_table_name)),
            (context::PARTITION_NAME.into(), Arc::clone(&partition_key)),
        ]);
        if let Some(name) = &sort_key {
            context_base.insert(context::SORT_NAME.into(), Arc::clone(name));
        }
        let is_key = |name: &str| *name == *partition_key || Some(name) == sort_key.as_deref();
        let context_keys = actions
            .iter()
            .filter(|(name, action)| {
                **action == CryptoAction::SignAndIncludeInEncryptionContext || is_key(name)
            })
            .map(|(name, _)| (name.clone(), context_key(name)))
            .collect();
        ItemSchema {
            path_prefix: PathPrefix::new(&logical_table_name),
            context_base,
            context_keys,
            actions,
            others: self.others,
            unsigned: self.unsigned,
            table_unsigned: UnsignedNames::default(),
            suite: self.suite,
            accepted_suite: self.accepted_suite,
            max_encrypted_data_keys: self.max_encrypted_data_keys,
            logical_table_name,
            partition_key,
            sort_key,
            tenant: self.tenant.map(Into::into),
        }
    }
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    for prefix in [RESERVED_PREFIX, RESERVED_CONTEXT_PREFIX, REPLICATION_PREFIX] {
        if name.starts_with(prefix) {
            return Err(ConfigError::new(format!(
                "attribute `{name}`: names that start with `{prefix}` are reserved"
            )));
        }
    }
    if name.is_empty() || name.len() > MAX_NAME_LEN {
        return Err(ConfigError::new(format!(
            "an attribute name has 1 to {MAX_NAME_LEN} bytes"
        )));
    }
    Ok(())
}

/// Policies on the KMS encryption context compare keys without case, so two that differ in nothing
/// else could not be told apart by an administrator.
fn check_case(actions: &BTreeMap<String, CryptoAction>) -> Result<(), ConfigError> {
    let mut seen = BTreeMap::new();
    let included = actions
        .iter()
        .filter(|(_, a)| **a == CryptoAction::SignAndIncludeInEncryptionContext);
    for (name, _) in included {
        if let Some(other) = seen.insert(name.to_lowercase(), name) {
            return Err(ConfigError::new(format!(
                "context attributes `{other}` and `{name}` differ in case only"
            )));
        }
    }
    Ok(())
}
