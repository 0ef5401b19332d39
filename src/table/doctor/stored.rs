//! Which keys stored items are under, as their headers say. Nobody has authenticated those.

use std::collections::{BTreeMap, BTreeSet};

use super::Doctor;
use super::call::{self, Failure};
use super::check;
use super::report::{Finding, Severity};
use crate::error::FaultClass;
use crate::format::header::Header;
use crate::format::{EncryptedDataKey, HEADER_ATTRIBUTE};
use crate::item::Item;
use crate::keyring::{
    DiscoveryFilter, KmsContext, KmsKeyUse, TableKeyId, provider_ids, table_key_id,
};
use crate::kms::KmsKeyArn;

/// One request reads no more: it is a sample, and no inventory.
pub(super) const MAX_ITEMS: u16 = 1000;

/// Others are not named: a header can hold any text.
const NAMED: [&str; 6] = [
    provider_ids::KMS,
    provider_ids::TABLE_KEY,
    provider_ids::BRANCH_KEY,
    provider_ids::KMS_RSA,
    provider_ids::KMS_ECDH,
    provider_ids::RAW_ECDH,
];
const OTHERS: &str = "others";

impl<T> Doctor<T> {
    pub(super) async fn look_at_stored(&self, keys: &[KmsKeyUse]) -> Vec<Finding> {
        if self.stored_items == 0 {
            return Vec::new();
        }
        let local = self.core.regions().local();
        let findings = match self.headers(local).await {
            Ok(items) => Counts::of(&items, keys).findings(),
            Err(failure) => vec![not_read(&failure)],
        };
        let place = |finding: Finding| {
            let finding = finding.of_table(self.core.table_name());
            finding.in_region(local)
        };
        findings.into_iter().map(place).collect()
    }

    /// The headers of some items, and nothing else of them.
    async fn headers(&self, region: &str) -> Result<Vec<Item>, Failure> {
        let client = self.core.regions().dynamodb(region);
        let client = client.ok_or_else(Failure::empty_answer)?;
        let request = client.scan().table_name(self.core.table_name());
        let request = request
            .limit(i32::from(self.stored_items))
            .projection_expression("#h")
            .expression_attribute_names("#h", HEADER_ATTRIBUTE);
        let sleep = client.config().sleep_impl();
        let answer = call::send(request.send(), sleep, self.patience).await?;
        Ok(answer.items.unwrap_or_default())
    }
}

fn not_read(failure: &Failure) -> Finding {
    let what_to_do = match failure.class {
        FaultClass::Denied => "allow dynamodb:Scan to this principal, or do not ask for it",
        _ => "ask again later",
    };
    let message = format!("Scan failed, {failure}: {what_to_do}");
    Finding::new(Severity::Warning, check::STORED_ITEMS, message).failed(failure.class)
}

/// What the headers of some items have in common.
#[derive(Debug, Default)]
struct Counts {
    items: usize,
    unsealed: usize,
    unreadable: usize,
    by_provider: BTreeMap<&'static str, usize>,
    table_keys: BTreeSet<TableKeyId>,
    under_table_keys: usize,
    /// Of which some recipient is foreign, and of which all are.
    partly_foreign: usize,
    foreign: usize,
}

impl Counts {
    fn of(items: &[Item], keys: &[KmsKeyUse]) -> Self {
        let mut counts = Self {
            items: items.len(),
            ..Self::default()
        };
        for item in items {
            match item.get(HEADER_ATTRIBUTE) {
                None => counts.unsealed += 1,
                Some(head) => {
                    let head = head.as_b().ok();
                    match head.and_then(|head| Header::parse(head.as_ref()).ok()) {
                        Some(header) => counts.add(&header.encrypted_data_keys, keys),
                        None => counts.unreadable += 1,
                    }
                }
            }
        }
        counts
    }

    fn add(&mut self, recipients: &[EncryptedDataKey], keys: &[KmsKeyUse]) {
        for recipient in recipients {
            let mut named = NAMED.into_iter();
            let provider = named.find(|name| *name == recipient.provider_id());
            *self
                .by_provider
                .entry(provider.unwrap_or(OTHERS))
                .or_default() += 1;
        }
        let ids: Vec<_> = recipients.iter().filter_map(table_key_id).collect();
        self.under_table_keys += usize::from(!ids.is_empty());
        self.table_keys.extend(ids);
        let foreign = recipients
            .iter()
            .filter(|key| is_foreign(key, keys))
            .count();
        if foreign > 0 && foreign == recipients.len() {
            self.foreign += 1;
        } else if foreign > 0 {
            self.partly_foreign += 1;
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.summary()];
        findings.extend(self.of_table_keys());
        findings.extend(self.of_foreign_keys());
        findings
    }

    fn summary(&self) -> Finding {
        let by_provider = self.by_provider.iter();
        let by_provider: Vec<_> = by_provider
            .map(|(provider, count)| format!("{provider} {count}"))
            .collect();
        let message = format!(
            "of {} items read, {} are not sealed and {} have no readable header; encrypted data keys by \
             provider: {}",
            self.items,
            self.unsealed,
            self.unreadable,
            if by_provider.is_empty() {
                "none".to_owned()
            } else {
                by_provider.join(", ")
            },
        );
        let severity = if self.unreadable == 0 {
            Severity::Info
        } else {
            Severity::Warning
        };
        Finding::new(severity, check::STORED_ITEMS, message)
    }

    fn of_table_keys(&self) -> Option<Finding> {
        let (keys, items) = (self.table_keys.len(), self.under_table_keys);
        let per_thousand = (keys * 1000).checked_div(items)?;
        let message = format!(
            "{keys} distinct table keys among {items} items, {per_thousand} per 1,000: opening them costs one \
             kms:Decrypt each, and sealing items again brings them under fewer"
        );
        Some(Finding::new(
            Severity::Info,
            check::STORED_TABLE_KEYS,
            message,
        ))
    }

    fn of_foreign_keys(&self) -> Option<Finding> {
        let (foreign, partly) = (self.foreign, self.partly_foreign);
        let severity = match (foreign, partly) {
            (0, 0) => return None,
            (0, _) => Severity::Info,
            _ => Severity::Warning,
        };
        let message = format!(
            "{foreign} items are under KMS keys alone that no keyring here uses, and do not open; {partly} have \
             such a key beside others, so somebody else can open them"
        );
        Some(Finding::new(severity, check::STORED_FOREIGN_KEYS, message))
    }
}

/// Whether it is under a KMS key that no keyring uses. Of other recipients nobody can tell.
fn is_foreign(recipient: &EncryptedDataKey, keys: &[KmsKeyUse]) -> bool {
    if ![provider_ids::KMS, provider_ids::TABLE_KEY].contains(&recipient.provider_id()) {
        return false;
    }
    let arn = std::str::from_utf8(recipient.provider_info()).ok();
    let Some(arn) = arn.and_then(|text| KmsKeyArn::parse(text).ok()) else {
        return true;
    };
    !keys.iter().any(|used| is_used(used, recipient, &arn))
}

fn is_used(used: &KmsKeyUse, recipient: &EncryptedDataKey, arn: &KmsKeyArn) -> bool {
    let is_of_kind = match used.context() {
        KmsContext::Item => recipient.provider_id() == provider_ids::KMS,
        KmsContext::TableKey { .. } => recipient.provider_id() == provider_ids::TABLE_KEY,
        KmsContext::KeyStore { .. } => false,
    };
    let admits = |filter: &DiscoveryFilter| filter.admits(arn);
    let is_known = used.is_same_key(&arn.to_string());
    is_of_kind && (is_known || used.discovery_filter().is_some_and(admits))
}

#[cfg(test)]
mod tests {
    use super::provider_ids::{KMS, TABLE_KEY};
    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-12";

    /// With the body of a table key after the wrapped data key: version, id, salt, sealed key, and a KMS
    /// ciphertext of one byte.
    fn recipient(provider: &str, info: &str, id: u8) -> EncryptedDataKey {
        let wrapped = [0; 48].into_iter();
        let body = [1].into_iter().chain([id; 16]).chain([0; 32 + 48]);
        let ciphertext = wrapped.chain(body).chain([0, 1, 9]).collect();
        EncryptedDataKey::new(provider.to_owned(), info.as_bytes().to_vec(), ciphertext)
    }

    fn uses() -> [KmsKeyUse; 2] {
        let used = || KmsKeyUse::new("ours", ARN, ["us-east-1"]).unwrap();
        [
            used().for_table_keys(None),
            used().for_key_store("keys", None),
        ]
    }

    fn messages(items: &[&[EncryptedDataKey]]) -> Vec<String> {
        let mut counts = Counts {
            items: items.len(),
            ..Counts::default()
        };
        for recipients in items {
            counts.add(recipients, &uses());
        }
        let findings = counts.findings();
        let shown = findings.iter().map(|found| {
            let (severity, check) = (found.severity(), found.check());
            format!("{severity} {check} {}", found.message())
        });
        shown.collect()
    }

    #[test]
    fn counts_each_table_key_once() {
        let (one, two) = (
            [recipient(TABLE_KEY, ARN, 1)],
            [recipient(TABLE_KEY, ARN, 2)],
        );
        let odd = |bytes| EncryptedDataKey::new(TABLE_KEY.to_owned(), ARN.into(), bytes);
        let cut_short = one[0].wrapped_intermediate_key().unwrap()[..17].to_vec();
        let odd = [odd(vec![0; 200]), odd([vec![0; 48], cut_short].concat())];
        let found = messages(&[&one, &one, &one, &two, &odd]);
        assert!(found[0].ends_with("dynaseal-table-key 6"), "{found:?}");
        let of_keys = "info stored-table-keys 2 distinct table keys among 4 items, 500 per 1,000";
        assert!(found[1].starts_with(of_keys), "{found:?}");
        assert_eq!(found.len(), 2, "none is foreign");
        assert_eq!(messages(&[]).len(), 1);
    }

    #[test]
    fn tells_keys_that_nobody_uses_from_those_that_nobody_can_tell() {
        let replica = ARN.replace("us-east-1", "eu-west-1");
        let own = recipient(TABLE_KEY, &replica, 1);
        // The key is known, but no keyring opens items under it without a table key between.
        let (other, direct) = (recipient(TABLE_KEY, "nobody", 2), recipient(KMS, ARN, 3));
        let (raw, branch) = (
            recipient("ours", "x", 4),
            recipient("aws-kms-hierarchy", "t", 5),
        );
        let fine = messages(&[
            std::slice::from_ref(&own),
            std::slice::from_ref(&raw),
            &[branch],
        ]);
        assert_eq!(fine.len(), 2, "{fine:?}");
        assert!(fine[0].ends_with("aws-kms-hierarchy 1, dynaseal-table-key 1, others 1"));
        let partly = messages(&[&[own, direct.clone()], &[raw, other.clone()]]);
        let of_keys = "info stored-foreign-keys 0 items are under KMS keys alone";
        assert!(
            partly[2].starts_with(of_keys) && partly[2].contains("; 2 have"),
            "{partly:?}"
        );
        let alone = messages(&[&[direct, other]]);
        assert!(
            alone[2].starts_with("warning stored-foreign-keys 1 items"),
            "{alone:?}"
        );
    }
}
