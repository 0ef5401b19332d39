//! What can be judged of a table without asking anybody.

use super::check;
use super::report::{Finding, Severity};
use super::{Powers, regions_of};
use crate::keyring::KmsKeyUse;
use crate::suite::{AlgorithmSuite, KeyBinding};
use crate::table::core::Core;

pub(super) fn judge(core: &Core, powers: Powers, keys: &[KmsKeyUse]) -> Vec<Finding> {
    let mut findings = vec![region_set(core), logical_table_name(core)];
    findings.extend(suites(core, powers));
    if keys.is_empty() {
        let message = "the keyring names no KMS key, so no key is looked at";
        findings.push(Finding::new(Severity::Info, check::KEYRING, message));
    }
    findings.extend(keys.iter().flat_map(|key| key_use(core, powers, key)));
    findings
}

fn region_set(core: &Core) -> Finding {
    let regions: Vec<&str> = core.regions().regions().collect();
    match regions.as_slice() {
        [only] => {
            let message = format!(
                "one region, {only}: nothing can fall over to another; add `.fallback(…)` if the table has \
                 replicas"
            );
            Finding::new(Severity::Info, check::REGION_SET, message)
        }
        [local, others @ ..] => {
            let message = format!("{local}, then {}", others.join(", "));
            Finding::new(Severity::Ok, check::REGION_SET, message)
        }
        [] => Finding::new(Severity::Error, check::REGION_SET, "no region at all"),
    }
}

/// Whoever can write to two tables can move items between them, if name and key are the same.
fn logical_table_name(core: &Core) -> Finding {
    let logical = core.schema().logical_table_name().escape_debug();
    let advice = "items open in every table that shares this name and the key, so let staging and production \
                  share neither";
    let (severity, message) = if core.schema().logical_table_name() == core.table_name() {
        (
            Severity::Ok,
            format!("items are bound to the name `{logical}`: {advice}"),
        )
    } else {
        (
            Severity::Info,
            format!("items are bound to the name `{logical}`, which is not the table's: {advice}"),
        )
    };
    Finding::new(severity, check::LOGICAL_TABLE_NAME, message).of_table(core.table_name())
}

fn suites(core: &Core, powers: Powers) -> Vec<Finding> {
    let binding = core.encryptor().binding();
    let (own, weakest) = (
        core.schema().suite(binding),
        core.schema().weakest_suite(binding),
    );
    let finding = |severity, message: String| Finding::new(severity, check::SUITE, message);
    let unsigned = AlgorithmSuite::SymsigHmacSha384;
    if binding != KeyBinding::KmsContext {
        let message = if binding == KeyBinding::PublicKey {
            "under this keyring whoever has the public key can forge an item, whatever the suite"
        } else {
            "under this keyring whoever can open an item can forge one, whatever the suite"
        };
        return vec![finding(Severity::Info, message.to_owned())];
    }
    let mut findings = Vec::new();
    if own == unsigned {
        let message = format!(
            "suite {own} under a KMS keyring: whoever may kms:Decrypt can forge items; seal under {}",
            AlgorithmSuite::EcdsaP384
        );
        findings.push(finding(Severity::Warning, message));
    } else {
        let message = format!(
            "suite {own}: only who may kms:GenerateDataKey, kms:Encrypt or kms:ReEncrypt* can make items"
        );
        findings.push(finding(Severity::Ok, message));
    }
    if powers.opens && weakest < own {
        let message = format!(
            "suite {weakest} is accepted beside {own}, so whoever may kms:Decrypt can forge items: once all \
             items are sealed again, remove `.accept_suite`"
        );
        findings.push(finding(Severity::Warning, message));
    }
    findings
}

fn key_use(core: &Core, powers: Powers, key: &KmsKeyUse) -> Vec<Finding> {
    let mut findings = Vec::new();
    let keyring = key.keyring().escape_debug();
    if powers.seals && !key.can_encrypt() {
        let message =
            format!("keyring `{keyring}` opens only, so nothing is sealed: use `open_only()`");
        findings.push(Finding::new(Severity::Warning, check::KEYRING, message));
    }
    let Some(arn) = key.key_arn() else {
        let message = format!(
            "keyring `{keyring}` takes its keys from the items, so none can be looked at here; its filter says \
             whose keys they may be"
        );
        findings.push(Finding::new(Severity::Info, check::KEY_ARN, message));
        return findings;
    };
    let message = "configured by its ARN, so no alias can be pointed at another key";
    findings.push(Finding::new(Severity::Ok, check::KEY_ARN, message).of_key(arn));
    let outside = regions_of(key, core.regions().regions());
    let outside = outside.into_iter();
    let outside = outside.filter(|region| core.regions().kms(region).is_none());
    findings.extend(outside.map(|region| {
        let message = "its keyring may ask in this region, which is none of the table's set: build both \
                       with the same set";
        let finding = Finding::new(Severity::Warning, check::KEYRING, message);
        let arn = key.key_arn_in(&region).unwrap_or_default();
        finding.of_key(arn).in_region(&region)
    }));
    findings
}
