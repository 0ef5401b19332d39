//! A key store in one region: is it there, is it one, and what keeps it?

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{ScalarAttributeType, TableDescription};

use super::check;
use super::described::{self, Judgement};
use super::report::{Finding, Severity};
use crate::key_store::names;
use crate::keyring::{KeyStoreUse, KmsContext, KmsKeyUse};
use crate::table::core::Core;

/// The table of a key store in one region of the set.
pub(super) struct KeyStoreInRegion<'a> {
    pub(super) store: &'a KeyStoreUse,
    pub(super) region: &'a str,
    pub(super) client: &'a Client,
    pub(super) patience: Duration,
}

impl KeyStoreInRegion<'_> {
    pub(super) async fn examine(&self) -> Vec<Finding> {
        let name = self.store.table_name();
        match described::describe(self.client, name, self.patience).await {
            Ok(table) => self.judge(&table),
            Err(failure) => {
                let judgement = described::judge_failure(&failure);
                let finding = self.finding(check::KEY_STORE_EXISTS, judgement);
                vec![finding.failed(failure.class)]
            }
        }
    }

    fn judge(&self, table: &TableDescription) -> Vec<Finding> {
        let exists = (Severity::Ok, "the key store's table exists".to_owned());
        let status = described::judge_status(table.table_status());
        let mut judged = vec![
            (check::KEY_STORE_EXISTS, exists),
            (check::KEY_STORE_STATUS, status),
        ];
        if self.store.regions().any(|region| region != self.region) {
            let others = self.store.regions().filter(|name| *name != self.region);
            let replicas = described::judge_replicas(table, others);
            judged.push((check::KEY_STORE_REPLICAS, replicas));
        }
        judged.push((check::KEY_STORE_KEYS, judge_keys(table)));
        judged.push((check::KEY_STORE_PROTECTION, judge_protection(table)));
        let finding = |(check, judgement)| self.finding(check, judgement);
        judged.into_iter().map(finding).collect()
    }

    fn finding(&self, check: &'static str, (severity, message): Judgement) -> Finding {
        let finding = Finding::new(severity, check, message);
        let finding = finding.of_table(self.store.table_name());
        finding.in_region(self.region)
    }
}

fn judge_keys(table: &TableDescription) -> Judgement {
    let (found, expected) = (
        described::key_names(table),
        (Some(names::ID), Some(names::TYPE)),
    );
    if found != expected {
        let (found, expected) = (described::shown(found), described::shown(expected));
        let message = format!(
            "the table's keys are [{found}], those of a key store [{expected}]: correct the table's name, or \
             make a table with these keys"
        );
        return (Severity::Error, message);
    }
    let is_text = |name: &&str| {
        let mut definitions = table.attribute_definitions().iter();
        definitions.any(|defined| {
            defined.attribute_name() == *name && *defined.attribute_type() == ScalarAttributeType::S
        })
    };
    match [names::ID, names::TYPE].iter().find(|name| !is_text(name)) {
        Some(name) => {
            let message = format!("key `{name}` is not of type S, as in every key store");
            (Severity::Error, message)
        }
        None => (Severity::Ok, "the keys are those of a key store".to_owned()),
    }
}

fn judge_protection(table: &TableDescription) -> Judgement {
    if table.deletion_protection_enabled() == Some(true) {
        let message = "deletion protection is on; it keeps the table and not its rows, so let few delete those";
        return (Severity::Ok, message.to_owned());
    }
    let message = "deletion protection is off: whoever deletes this table destroys every item under its branch \
                   keys, for all tenants; turn it on";
    (Severity::Warning, message.to_owned())
}

/// What can be judged of the key stores without asking anybody.
pub(super) fn judge_uses(core: &Core, keys: &[KmsKeyUse], stores: &[KeyStoreUse]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for store in stores {
        findings.extend(judge_use(core, store));
    }
    let undescribed = keys.iter().filter(|key| {
        let KmsContext::KeyStore { logical_name, .. } = key.context() else {
            return false;
        };
        stores
            .iter()
            .all(|store| store.logical_name() != logical_name)
    });
    findings.extend(undescribed.map(|key| {
        let message = format!(
            "keyring `{}` reads a key store that it does not name, so none is looked at: let whatever is \
             around it pass on `key_stores()`",
            key.keyring().escape_debug()
        );
        Finding::new(Severity::Warning, check::KEY_STORE, message)
    }));
    findings
}

fn judge_use(core: &Core, store: &KeyStoreUse) -> Vec<Finding> {
    let finding = |severity, message: &str| {
        Finding::new(severity, check::KEY_STORE, message).of_table(store.table_name())
    };
    let own = if store.table_name() == core.table_name() {
        let message = "branch keys lie in the table of the items: whoever may write or delete items there may \
                       write and delete keys; keep them in a table of their own, with another owner";
        finding(Severity::Warning, message)
    } else {
        let message = "branch keys lie in a table of their own: let its owner be another than the items' table's";
        finding(Severity::Ok, message)
    };
    let outside = store.regions();
    let outside = outside.filter(|region| core.regions().dynamodb(region).is_none());
    let outside = outside.map(|region| {
        let message = "the key store may be read in this region, which is none of the table's set: build both \
                       with the same set";
        finding(Severity::Warning, message).in_region(region)
    });
    let unread = core.regions().regions();
    let unread = unread.filter(|region| store.regions().all(|read| read != *region));
    let unread = unread.map(|region| {
        let message = "the key store is not read in this region, so items here need the key store of another: \
                       build both with the same set";
        finding(Severity::Warning, message).in_region(region)
    });
    [own].into_iter().chain(outside).chain(unread).collect()
}
