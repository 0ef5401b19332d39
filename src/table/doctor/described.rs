//! What `DescribeTable` says of any table: one that is sealed, or a key store.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    KeySchemaElement, KeyType, ReplicaDescription, ReplicaStatus, TableDescription, TableStatus,
};

use super::call::{self, Failure};
use super::report::Severity;
use crate::error::FaultClass;

/// What is said of one check.
pub(super) type Judgement = (Severity, String);

pub(super) async fn describe(
    client: &Client,
    table_name: &str,
    patience: Duration,
) -> Result<TableDescription, Failure> {
    let request = client.describe_table().table_name(table_name);
    let sleep = client.config().sleep_impl();
    let answer = call::send(request.send(), sleep, patience).await?;
    answer.table.ok_or_else(Failure::empty_answer)
}

pub(super) fn judge_failure(failure: &Failure) -> Judgement {
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
    (
        severity,
        format!("DescribeTable failed, {failure}: {what_to_do}"),
    )
}

pub(super) fn judge_status(status: Option<&TableStatus>) -> Judgement {
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

/// Whether there is a replica in all other regions.
pub(super) fn judge_replicas<'a>(
    table: &TableDescription,
    others: impl Iterator<Item = &'a str>,
) -> Judgement {
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

fn status_in<'a>(table: &'a TableDescription, region: &str) -> Option<&'a ReplicaStatus> {
    let mut replicas = table.replicas().iter();
    let found = replicas.find(|replica| replica.region_name() == Some(region));
    found.and_then(ReplicaDescription::replica_status)
}

/// The names of partition key and sort key.
pub(super) fn key_names(table: &TableDescription) -> (Option<&str>, Option<&str>) {
    let key = |key_type: KeyType| {
        let mut keys = table.key_schema().iter();
        let found = keys.find(|key| *key.key_type() == key_type);
        found.map(KeySchemaElement::attribute_name)
    };
    (key(KeyType::Hash), key(KeyType::Range))
}

/// Names of keys, as a message shows them.
pub(super) fn shown((partition, sort): (Option<&str>, Option<&str>)) -> String {
    let names = partition.into_iter().chain(sort);
    let names: Vec<_> = names.map(|name| name.escape_debug().to_string()).collect();
    names.join(", ")
}
