//! A look at stored items: which recipients does an erasure not reach?

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;

use crate::item::{EncryptedDataKeyDescription, Item};
use crate::keyring::{TenantKeys, provider_ids};
use crate::table::OperationError;
use crate::table::call::Route;
use crate::table::core::Core;

/// Kinds of other recipients that are told apart. Whoever writes items names them.
const MAX_KINDS: usize = 20;

/// What is kept of the name of a kind.
const MAX_KIND_CHARS: usize = 64;

/// Where those are counted that are too many.
const OTHER_KINDS: &str = "(others)";

/// What was seen in some items of the table, before anything was erased. Nobody has verified it: whoever can
/// write to the table can write items that look so.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampledItems {
    /// How many items were looked at, whoever's they are.
    pub items: usize,
    /// How many of them are the tenant's.
    pub of_tenant: usize,
    /// Of the tenant's items, how many have a recipient that is not its branch key, by the kind of keyring
    /// such as `aws-kms`. They stay readable. Of more than 20 kinds the rest is counted as `(others)`, and
    /// names are cut after 64 characters.
    pub foreign: BTreeMap<String, usize>,
    /// How many items could not be read as sealed items of this table.
    pub not_sealed: usize,
}

/// Reads up to `limit` items.
pub(super) async fn look_at(
    core: &Core,
    keys: &TenantKeys<'_>,
    tenant: &str,
    limit: usize,
) -> Result<SampledItems, OperationError<ScanError>> {
    let mut sampled = SampledItems::default();
    let mut start = None;
    while sampled.items < limit {
        let left = i32::try_from(limit - sampled.items).unwrap_or(i32::MAX);
        let scan = ScanInputBuilder::default()
            .table_name(core.table_name())
            .limit(left)
            .set_exclusive_start_key(start);
        let page = Route::only(core, core.home()).ask(&scan).await?.output;
        for item in page.items.unwrap_or_default() {
            sampled.add(core, keys, tenant, item);
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            break;
        }
    }
    Ok(sampled)
}

impl SampledItems {
    fn add(&mut self, core: &Core, keys: &TenantKeys<'_>, tenant: &str, item: Item) {
        self.items += 1;
        let Ok(description) = core.encryptor().describe(item) else {
            self.not_sealed += 1;
            return;
        };
        let description = description.unauthenticated();
        let of = description
            .context()
            .string_attribute(keys.tenant_attribute());
        if of.as_deref() != Some(tenant) {
            return;
        }
        self.of_tenant += 1;
        let recipients = description.encrypted_data_keys().iter();
        let foreign = recipients.filter(|recipient| {
            recipient.provider_id() != provider_ids::BRANCH_KEY || recipient.key() != tenant
        });
        self.count(foreign.map(EncryptedDataKeyDescription::provider_id));
    }

    /// Counts an item once for each kind of recipient, however many of a kind it has.
    fn count<'a>(&mut self, provider_ids: impl Iterator<Item = &'a str>) {
        let kinds = provider_ids.map(|id| id.chars().take(MAX_KIND_CHARS).collect());
        let mut others = false;
        for kind in kinds.collect::<BTreeSet<String>>() {
            if self.foreign.len() < MAX_KINDS || self.foreign.contains_key(&kind) {
                *self.foreign.entry(kind).or_default() += 1;
            } else {
                others = true;
            }
        }
        if others {
            *self.foreign.entry(OTHER_KINDS.to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_an_item_once_for_each_kind() {
        let mut sampled = SampledItems::default();
        sampled.count(["aws-kms", "raw", "aws-kms"].into_iter());
        sampled.count(["raw"].into_iter());
        let expected = [("aws-kms".to_owned(), 1), ("raw".to_owned(), 2)];
        assert_eq!(sampled.foreign, expected.into());
    }

    #[test]
    fn keeps_no_more_than_so_many_kinds_with_names_so_long() {
        let mut sampled = SampledItems::default();
        let names: Vec<_> = (10..50)
            .map(|n| format!("{n}{}", "é".repeat(100)))
            .collect();
        for _ in 0..2 {
            sampled.count(names.iter().map(String::as_str));
        }
        assert_eq!(sampled.foreign.len(), MAX_KINDS + 1);
        assert_eq!(sampled.foreign[OTHER_KINDS], 2);
        let longest = sampled.foreign.keys().map(|kind| kind.chars().count());
        assert_eq!(longest.max(), Some(MAX_KIND_CHARS));
    }
}
