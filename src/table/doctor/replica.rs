//! The table in one region: is it there, is it the same table, and what keeps it?

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeValue, KeySchemaElement, KeyType, ReplicaDescription, ReplicaStatus,
    ScalarAttributeType, TableDescription, TableStatus,
};

use super::call::{self, Failure};
use super::check;
use super::report::{Finding, Severity};
use crate::action::CryptoAction;
use crate::error::FaultClass;
use crate::item::Item;
use crate::keyring::KmsKeyUse;
use crate::table::core::Core;
use crate::table::index::{self, SecondaryIndex};

/// What is said of one check.
type Judgement = (Severity, String);

/// The table in one region of the set.
pub(super) struct Replica<'a> {
    pub(super) core: &'a Core,
    pub(super) region: &'a str,
    pub(super) client: &'a aws_sdk_dynamodb::Client,
    pub(super) keys: &'a [KmsKeyUse],
    /// Whose keys have the types that the table's must have.
    pub(super) samples: &'a [Item],
    pub(super) patience: Duration,
}

impl Replica<'_> {
    pub(super) async fn examine(&self) -> Vec<Finding> {
        match self.describe().await {
            Ok(table) => self.judge(&table),
            Err(failure) => vec![self.not_described(&failure)],
        }
    }

    async fn describe(&self) -> Result<TableDescription, Failure> {
        let request = self
            .client
            .describe_table()
            .table_name(self.core.table_name());
        let sleep = self.client.config().sleep_impl();
        let answer = call::send(request.send(), sleep, self.patience).await?;
        answer.table.ok_or_else(Failure::empty_answer)
    }

    fn not_described(&self, failure: &Failure) -> Finding {
        let is_missing = failure.has_code("ResourceNotFoundException");
        let (severity, what_to_do) = match failure.class {
            _ if is_missing => (
                Severity::Error,
                "there is no such table in this region: add a replica there, or take the region out of \
                 the set",
            ),
            FaultClass::Denied => (
                Severity::Warning,
                "it may be there; allow dynamodb:DescribeTable to this principal",
            ),
            FaultClass::Throttled => (Severity::Warning, "ask again later"),
            FaultClass::Unavailable => (
                Severity::Error,
                "the region does not answer: look at its health, the network and the endpoints",
            ),
            _ => (
                Severity::Error,
                "look at the credentials, and at what stands between this program and DynamoDB",
            ),
        };
        let message = format!("DescribeTable failed, {failure}: {what_to_do}");
        let finding = self.finding(check::TABLE_EXISTS, (severity, message));
        finding.failed(failure.class)
    }

    fn judge(&self, table: &TableDescription) -> Vec<Finding> {
        let exists = (Severity::Ok, "the table exists".to_owned());
        let mut judged = vec![
            (check::TABLE_EXISTS, exists),
            (check::TABLE_STATUS, judge_status(table.table_status())),
        ];
        if self.core.regions().regions().count() > 1 {
            judged.push((check::TABLE_REPLICAS, self.judge_replicas(table)));
        }
        judged.push((check::TABLE_KEYS, self.judge_keys(table)));
        judged.push((check::TABLE_ENCRYPTION, self.judge_encryption(table)));
        let indexes = index::of_table(table);
        let indexes = indexes.map(|index| (check::INDEX_KEYS, self.judge_index(&index)));
        judged.extend(indexes);
        let finding = |(check, judgement)| self.finding(check, judgement);
        judged.into_iter().map(finding).collect()
    }

    fn judge_replicas(&self, table: &TableDescription) -> Judgement {
        let others = self
            .core
            .regions()
            .regions()
            .filter(|name| *name != self.region);
        let problem = |region: &str| match status_in(table, region) {
            Some(ReplicaStatus::Active) => None,
            Some(status) => Some(format!("{region} ({})", status.as_str())),
            None => Some(format!("{region} (none)")),
        };
        let problems: Vec<_> = others.filter_map(problem).collect();
        if problems.is_empty() {
            let message = "a global table with an active replica in each other region of the set";
            return (Severity::Ok, message.to_owned());
        }
        let problems = problems.join(", ");
        // Of this version, `DescribeTable` does not list the replicas.
        if table.global_table_version() == Some("2017.11.29") && table.replicas().is_empty() {
            let message = "a global table of version 2017.11.29, whose replicas are not listed here: \
                           upgrade it to 2019.11.21";
            return (Severity::Warning, message.to_owned());
        }
        (
            Severity::Error,
            format!("no active replica in {problems}: add it, or take the region out of the set"),
        )
    }

    fn judge_keys(&self, table: &TableDescription) -> Judgement {
        let key = |key_type: KeyType| {
            let mut keys = table.key_schema().iter();
            let found = keys.find(|key| *key.key_type() == key_type);
            found.map(KeySchemaElement::attribute_name)
        };
        let (partition, sort) = (key(KeyType::Hash), key(KeyType::Range));
        let schema = self.core.schema();
        let expected = (Some(schema.partition_key_name()), schema.sort_key_name());
        if (partition, sort) != expected {
            let shown = |(partition, sort): (Option<&str>, Option<&str>)| {
                let names = partition.into_iter().chain(sort);
                let names: Vec<_> = names.map(|name| name.escape_debug().to_string()).collect();
                names.join(", ")
            };
            let (table, schema) = (shown((partition, sort)), shown(expected));
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
            let mut values = self.samples.iter().filter_map(|sample| sample.get(*name));
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

fn status_in<'a>(table: &'a TableDescription, region: &str) -> Option<&'a ReplicaStatus> {
    let mut replicas = table.replicas().iter();
    let found = replicas.find(|replica| replica.region_name() == Some(region));
    found.and_then(ReplicaDescription::replica_status)
}

fn judge_status(status: Option<&TableStatus>) -> Judgement {
    let name = status.map_or("unknown", TableStatus::as_str);
    match status {
        Some(TableStatus::Active) => (Severity::Ok, "active".to_owned()),
        Some(TableStatus::Updating) => (Severity::Info, "UPDATING: it works meanwhile".to_owned()),
        Some(TableStatus::InaccessibleEncryptionCredentials) => (
            Severity::Error,
            format!(
                "{name}: DynamoDB may not use the key that encrypts the table; see to that key"
            ),
        ),
        _ => (
            Severity::Error,
            format!("{name}: the table can be neither read nor written"),
        ),
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
