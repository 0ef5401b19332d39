//! The table in one region: is it there, is it the same table, and what keeps it?

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType, TableDescription};

use super::check;
use super::described::{self, Judgement};
use super::report::{Finding, Severity};
use crate::action::CryptoAction;
use crate::item::Item;
use crate::keyring::KmsKeyUse;
use crate::table::core::Core;
use crate::table::index::{self, SecondaryIndex};

/// The table in one region of the set.
pub(super) struct Replica<'a> {
    pub(super) core: &'a Core,
    pub(super) region: &'a str,
    pub(super) client: &'a aws_sdk_dynamodb::Client,
    pub(super) keys: &'a [KmsKeyUse],
    /// Whose keys have the types that the table's must have.
    pub(super) samples: &'a [(usize, Item)],
    pub(super) patience: Duration,
}

impl Replica<'_> {
    pub(super) async fn examine(&self) -> Vec<Finding> {
        let name = self.core.table_name();
        match described::describe(self.client, name, self.patience).await {
            Ok(table) => self.judge(&table),
            Err(failure) => {
                let judgement = described::judge_failure(&failure);
                let finding = self.finding(check::TABLE_EXISTS, judgement);
                vec![finding.failed(failure.class)]
            }
        }
    }

    fn judge(&self, table: &TableDescription) -> Vec<Finding> {
        let exists = (Severity::Ok, "the table exists".to_owned());
        let mut judged = vec![
            (check::TABLE_EXISTS, exists),
            (
                check::TABLE_STATUS,
                described::judge_status(table.table_status()),
            ),
        ];
        let mut others = self.others().peekable();
        if others.peek().is_some() {
            let replicas = described::judge_replicas(table, others);
            judged.push((check::TABLE_REPLICAS, replicas));
        }
        judged.push((check::TABLE_KEYS, self.judge_keys(table)));
        judged.push((check::TABLE_ENCRYPTION, self.judge_encryption(table)));
        let indexes = index::of_table(table);
        let indexes = indexes.map(|index| (check::INDEX_KEYS, self.judge_index(&index)));
        judged.extend(indexes);
        let finding = |(check, judgement)| self.finding(check, judgement);
        judged.into_iter().map(finding).collect()
    }

    fn others(&self) -> impl Iterator<Item = &str> {
        let regions = self.core.regions().regions();
        regions.filter(|name| *name != self.region)
    }

    fn judge_keys(&self, table: &TableDescription) -> Judgement {
        let found = described::key_names(table);
        let schema = self.core.schema();
        let expected = (Some(schema.partition_key_name()), schema.sort_key_name());
        if found != expected {
            let (table, schema) = (described::shown(found), described::shown(expected));
            let message = format!(
                "the table's keys are [{table}], those of the schema [{schema}]: correct the schema or the \
                 table's name"
            );
            return (Severity::Error, message);
        }
        match self.key_of_another_type(table) {
            Some(name) => {
                let name = name.escape_debug();
                let message =
                    format!("key `{name}` is of another type in the table than in a sample");
                (Severity::Error, message)
            }
            None => (Severity::Ok, "the keys are those of the schema".to_owned()),
        }
    }

    fn key_of_another_type<'a>(&'a self, table: &'a TableDescription) -> Option<&'a str> {
        let of_another_type = |name: &&str| {
            let mut definitions = table.attribute_definitions().iter();
            let Some(defined) = definitions.find(|defined| defined.attribute_name() == *name)
            else {
                return false;
            };
            let samples = self.samples.iter();
            let mut values = samples.filter_map(|(_, sample)| sample.get(*name));
            values.any(|value| !is_of_type(value, defined.attribute_type()))
        };
        self.core.schema().key_names().find(of_another_type)
    }

    /// Whoever reads the table by way of DynamoDB needs the table's key. If that is the sealing key,
    /// both are one permission.
    fn judge_encryption(&self, table: &TableDescription) -> Judgement {
        let key = table
            .sse_description()
            .and_then(|sse| sse.kms_master_key_arn());
        let Some(key) = key else {
            return (
                Severity::Ok,
                "encrypted at rest under a key of DynamoDB's".to_owned(),
            );
        };
        if !self.keys.iter().any(|used| used.is_same_key(key)) {
            return (
                Severity::Ok,
                "encrypted at rest under another key than items".to_owned(),
            );
        }
        let message = "the table is encrypted at rest under the key that seals its items: whoever may use the \
                       table needs that key by way of DynamoDB, so its policy no longer separates \
                       administrators of the table from the data; and disabling the key takes down the \
                       whole table, keys and unsealed attributes too. Encrypt the table under another key";
        (Severity::Error, message.to_owned())
    }

    fn judge_index(&self, index: &SecondaryIndex) -> Judgement {
        let schema = self.core.schema();
        let keys = index.keys();
        let mut names = std::iter::once(keys.partition).chain(keys.sort);
        let encrypted = |name: &str| schema.action(name) == Some(CryptoAction::EncryptAndSign);
        match index.check(schema) {
            Err(why) if names.any(encrypted) => (Severity::Error, why),
            Err(why) => (Severity::Warning, why),
            Ok(()) if !index.projects_all() => {
                let message = format!(
                    "index `{}` does not project all attributes, so items in it do not verify: read it by \
                     `fetch_from_table`",
                    index.name().escape_debug()
                );
                (Severity::Info, message)
            }
            Ok(()) => {
                let name = index.name().escape_debug();
                (Severity::Ok, format!("index `{name}` has keys in clear"))
            }
        }
    }

    fn finding(&self, check: &'static str, (severity, message): Judgement) -> Finding {
        let finding = Finding::new(severity, check, message);
        finding
            .of_table(self.core.table_name())
            .in_region(self.region)
    }
}

fn is_of_type(value: &AttributeValue, wanted: &ScalarAttributeType) -> bool {
    matches!(
        (value, wanted),
        (AttributeValue::S(_), ScalarAttributeType::S)
            | (AttributeValue::N(_), ScalarAttributeType::N)
            | (AttributeValue::B(_), ScalarAttributeType::B)
    )
}
