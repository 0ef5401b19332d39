//! A look at stored items: which recipients does an erasure not reach?

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;

use crate::item::Item;
use crate::keyring::{TenantKeys, provider_ids};
use crate::table::OperationError;
use crate::table::call::Route;
use crate::table::core::Core;

/// What was seen in some items of the table, before anything was erased. Nobody has verified it: whoever can
/// write to the table can write items that look so.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampledItems {
    /// How many items were looked at, whoever's they are.
    pub items: usize,
    /// How many of them are the tenant's.
    pub of_tenant: usize,
    /// Of the tenant's items, how many have a recipient that is not its branch key, by the kind of keyring.
    /// They stay readable.
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
        for key in description.encrypted_data_keys() {
            let is_reached = key.provider_id() == provider_ids::BRANCH_KEY && key.key() == tenant;
            if !is_reached {
                let foreign = self.foreign.entry(key.provider_id().to_owned());
                *foreign.or_default() += 1;
            }
        }
    }
}
