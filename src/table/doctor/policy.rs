//! The IAM policy that a table's keyring needs, and nothing beyond it.

mod beside_items;

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::Powers;
use super::json::Json;
use crate::context::{ATTRIBUTE_PREFIX, LEGEND, PUBLIC_KEY, TABLE_NAME};
use crate::item::{ContextShape, HeaderVersion};
use crate::keyring::{KeyStoreUse, KmsContext, KmsKeyUse};

/// An IAM policy for the principal that uses a table, with the least that its keyring needs of KMS, and
/// of key stores.
///
/// One statement for each keyring and header version. Each names the key's replica in every region of
/// the set, and holds only under a context with the table's logical name and the keys that items
/// have. Keys of a context are compared with their case, which `kms:EncryptionContext:…` alone does
/// not do. Items sealed while *other* attributes were in the context need those in the list, too.
///
/// A keyring of table keys has one statement, for the table keys of this table. One that reads a key
/// store has two: `kms:Decrypt` of the branch keys of that key store, and `dynamodb:GetItem` from its
/// table, in whichever account the principal is. Who makes and rotates branch keys needs more than
/// that, and should be somebody else.
///
/// `Display` is the document as JSON, and serde writes the same. It has no principal in it, and nothing of the
/// table itself: `dynamodb:DescribeTable` is what the doctor needs there, and at the key store's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct IamPolicy {
    document: Json,
}

impl IamPolicy {
    fn new(statements: Vec<Json>) -> Self {
        let document = Json::object([
            ("Version", Json::text("2012-10-17")),
            ("Statement", Json::List(statements)),
        ]);
        Self { document }
    }
}

/// A policy that allows nothing.
impl Default for IamPolicy {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl fmt::Display for IamPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.document.fmt(f)
    }
}

/// What a policy follows from.
pub(super) struct Needs<'a> {
    pub(super) logical_table_name: &'a str,
    pub(super) keys: &'a [KmsKeyUse],
    pub(super) key_stores: &'a [KeyStoreUse],
    /// Of items with made-up values: only the keys of their contexts are looked at.
    pub(super) shapes: &'a [ContextShape],
    pub(super) powers: Powers,
    pub(super) regions: Vec<&'a str>,
}

impl Needs<'_> {
    pub(super) fn policy(&self) -> IamPolicy {
        let mut statements = Vec::new();
        for (number, key) in (1..).zip(self.keys) {
            match key.context() {
                KmsContext::Item => {
                    for version in [HeaderVersion::V1, HeaderVersion::V2] {
                        statements.extend(self.statement(number, key, version));
                    }
                }
                KmsContext::TableKey { tenant_attribute } => {
                    let has_tenant = tenant_attribute.is_some();
                    statements.extend(self.table_keys(number, key, has_tenant));
                }
                KmsContext::KeyStore {
                    logical_name,
                    branch_key_id,
                    ..
                } => {
                    let id = branch_key_id.as_deref();
                    statements.extend(self.branch_keys(number, key, logical_name, id));
                }
            }
        }
        statements.extend(self.describe_keys());
        let stores = (1..).zip(self.key_stores);
        statements.extend(stores.map(|(number, store)| self.read_key_store(number, store)));
        IamPolicy::new(statements)
    }

    fn statement(&self, number: usize, key: &KmsKeyUse, version: HeaderVersion) -> Option<Json> {
        let shapes: Vec<_> = self
            .shapes
            .iter()
            .filter(|s| s.version == version)
            .collect();
        let is_sealed = shapes.iter().any(|shape| shape.is_sealed);
        let seals = self.powers.seals && key.can_encrypt() && is_sealed;
        let actions = [
            (self.powers.opens && !shapes.is_empty()).then_some("kms:Decrypt"),
            seals.then_some("kms:GenerateDataKey"),
        ];
        let actions: Vec<_> = actions.into_iter().flatten().collect();
        if actions.is_empty() {
            return None;
        }
        let version_number = match version {
            HeaderVersion::V1 => 1,
            HeaderVersion::V2 => 2,
        };
        let sid = format!("{}{number}HeaderV{version_number}", word(key.keyring()));
        Some(Json::object([
            ("Sid", Json::text(sid)),
            ("Effect", Json::text("Allow")),
            ("Action", Json::texts(actions)),
            ("Resource", Json::texts(self.resources(key))),
            ("Condition", self.condition(version, &shapes)),
        ]))
    }

    fn condition(&self, version: HeaderVersion, shapes: &[&ContextShape]) -> Json {
        let table = [(
            of_context(TABLE_NAME),
            Json::text(literal(self.logical_table_name)),
        )];
        let (operator, keys) = self.context_keys(shapes);
        let keys = [("kms:EncryptionContextKeys".to_owned(), Json::texts(keys))];
        let mut condition = vec![
            ("StringEquals".to_owned(), Json::Object(table.into())),
            (operator.to_owned(), Json::Object(keys.into())),
        ];
        // The keys of version 1 are among those of version 2, but for this one.
        if version == HeaderVersion::V2 {
            let present = [(of_context(LEGEND), Json::text("false"))];
            condition.push(("Null".to_owned(), Json::Object(present.into())));
        }
        Json::Object(condition)
    }

    /// The keys that a context may have, and how to compare them.
    fn context_keys(&self, shapes: &[&ContextShape]) -> (&'static str, BTreeSet<String>) {
        let keys = shapes.iter().flat_map(|shape| shape.context.iter());
        let mut keys: BTreeSet<String> = keys.map(|(key, _)| literal(key)).collect();
        // Whatever items are sealed with now, those of a signing suite open.
        if self.powers.opens {
            keys.insert(PUBLIC_KEY.to_owned());
        }
        if !shapes.iter().any(|shape| shape.includes_others) {
            return ("ForAllValues:StringEquals", keys);
        }
        keys.retain(|key| !key.starts_with(ATTRIBUTE_PREFIX));
        keys.insert(format!("{ATTRIBUTE_PREFIX}*"));
        ("ForAllValues:StringLike", keys)
    }

    /// What tells the states of a key apart, and the doctor what it is.
    fn describe_keys(&self) -> Option<Json> {
        let resources = self.keys.iter().flat_map(|key| self.resources(key));
        let resources: BTreeSet<String> = resources.collect();
        (!resources.is_empty()).then(|| {
            Json::object([
                ("Sid", Json::text("DescribeKeys")),
                ("Effect", Json::text("Allow")),
                ("Action", Json::texts(["kms:DescribeKey"])),
                ("Resource", Json::texts(resources)),
            ])
        })
    }

    /// The key in each region where it is asked for; all keys of the accounts, where items say which.
    fn resources(&self, key: &KmsKeyUse) -> Vec<String> {
        let regions = super::regions_of(key, self.regions.iter().copied());
        let Some(filter) = key.discovery_filter() else {
            let arns = regions.iter().filter_map(|region| key.key_arn_in(region));
            return arns.collect();
        };
        let partition = filter.partition();
        let of_region = |region: &String| {
            let arn = |account| format!("arn:{partition}:kms:{region}:{account}:key/*");
            filter.accounts().map(arn).collect::<Vec<_>>()
        };
        regions.iter().flat_map(of_region).collect()
    }
}

/// The value under one key of the context, as conditions name it.
fn of_context(key: &str) -> String {
    format!("kms:EncryptionContext:{key}")
}

/// Text that IAM reads as it stands: `${…}` is a variable there.
fn literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

/// A name as a statement's id can hold it: letters and digits, in camel case.
fn word(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let capitalized = parts.map(|part| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    capitalized.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_names_that_iam_would_read_as_variables_literally() {
        assert_eq!(literal("a$b{c}"), "a$b{c}");
        assert_eq!(literal("${aws:userid}"), "${$}{aws:userid}");
    }

    #[test]
    fn makes_statement_ids_of_letters_and_digits() {
        assert_eq!(word("kms-mrk"), "KmsMrk");
        assert_eq!(word("my_keyring é 2"), "MyKeyring2");
        assert_eq!(word(""), "");
    }
}
