//! Looks into what is stored, past every fault, with a key replica of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::keyring::{HierarchicalKeyring, Keyring};
use dynaseal::region::KmsFallback;
use dynaseal::testkit::{Cloud, MultiRegionKey};
use dynaseal::{Item, RegionSet, SealedTable};

use super::keyrings::{KEPT_FOR_THE_AUDITOR, KeyringChoice, Kind, TENANT, key_store};
use super::schedule::BYSTANDER;
use super::story::State;
use super::subject::{Account, Id, Note, OpId, SECRET, Subject, Value, Which};

/// What lies in a table in one region, verified.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    pub(super) state: State,
    pub(super) versions: BTreeMap<Id, u64>,
}

pub(super) struct Auditor {
    notes: SealedTable<Note>,
    accounts: SealedTable<Account>,
    /// Items that were verified, by all that is stored of them.
    known: BTreeMap<String, (Id, Value, Option<u64>)>,
    /// The version that each write began with, or would have begun with had it made the item.
    versions: BTreeMap<OpId, u64>,
}

impl Auditor {
    pub(super) fn new(choice: &KeyringChoice, cloud: &Cloud, key: &MultiRegionKey) -> Self {
        let config = cloud.sdk_config(BYSTANDER);
        let regions = RegionSet::builder(&config).local(BYSTANDER);
        let regions = regions.build().unwrap();
        let keyring = keyring(choice, &key.arn(BYSTANDER), &regions);
        Self {
            notes: table(&keyring, &regions),
            accounts: table(&keyring, &regions),
            known: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// Every item of a table in a region: sealed, without plaintext, verified.
    pub(super) async fn look(
        &mut self,
        cloud: &Cloud,
        which: Which,
        region: &str,
    ) -> Result<Look, String> {
        let mut look = Look::default();
        let stored = cloud.stored(region, which.table()).unwrap();
        for item in stored {
            let place = format!("an item of {} in {region}", which.table());
            no_plaintext(&item).map_err(|found| format!("{place} {found}"))?;
            let opened = self.verify(which, item).await;
            let (id, value, version) = opened.map_err(|error| format!("{place}: {error}"))?;
            if let Some(version) = version {
                self.counts_every_write(&value, version)?;
                look.versions.insert(id, version);
            }
            look.state.insert(id, value);
        }
        Ok(look)
    }

    /// Opens an item, unless exactly the same was opened before.
    async fn verify(
        &mut self,
        which: Which,
        item: Item,
    ) -> Result<(Id, Value, Option<u64>), String> {
        let bytes = all_of(&item);
        if let Some(known) = self.known.get(&bytes) {
            return Ok(known.clone());
        }
        let opened = match which {
            Which::Notes => open(&self.notes, item).await?,
            Which::Accounts => open(&self.accounts, item).await?,
        };
        self.known.insert(bytes, opened.clone());
        Ok(opened)
    }

    /// Whoever makes an item chooses its first version, and each update counts it up by one.
    fn counts_every_write(&mut self, value: &Value, version: u64) -> Result<(), String> {
        let updates = u64::try_from(value.trail.len() - 1).unwrap();
        let first = version - updates;
        let known = *self.versions.entry(value.trail[0]).or_insert(first);
        if known == first {
            return Ok(());
        }
        Err(format!(
            "version {version} after {updates} updates of an item that began with {known}"
        ))
    }
}

/// As that of the processes, but for what they do not have yet.
fn keyring(choice: &KeyringChoice, arn: &str, regions: &RegionSet) -> Arc<dyn Keyring> {
    let never = KmsFallback::never();
    match choice.kind {
        Kind::Hierarchical { .. } => {
            let store = key_store(KEPT_FOR_THE_AUDITOR, arn, regions, never).unwrap();
            let builder = HierarchicalKeyring::builder(&store).branch_key_per_tenant(TENANT);
            Arc::new(builder.build().unwrap())
        }
        _ => choice.build(arn, regions, never).unwrap(),
    }
}

fn table<T: Subject>(keyring: &Arc<dyn Keyring>, regions: &RegionSet) -> SealedTable<T> {
    let table = SealedTable::builder(T::WHICH.table(), Arc::clone(keyring), regions);
    table.build().unwrap()
}

async fn open<T: Subject>(
    table: &SealedTable<T>,
    item: Item,
) -> Result<(Id, Value, Option<u64>), String> {
    let opened = table.encryptor().open(item).await;
    let opened = opened.map_err(|error| format!("does not verify: {error:?}"))?;
    let model = T::from_opened(opened).map_err(|error| format!("does not fit: {error}"))?;
    Ok((model.id(), model.value()?, model.version()))
}

/// Everything of an item, in one order.
fn all_of(item: &Item) -> String {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    format!("{sorted:?}")
}

fn no_plaintext(item: &Item) -> Result<(), String> {
    for part in ["aws_dbe_head", "aws_dbe_foot"] {
        if !matches!(item.get(part), Some(AttributeValue::B(_))) {
            return Err(format!("has no {part}"));
        }
    }
    for encrypted in ["secret", "trail"] {
        if !matches!(item.get(encrypted), Some(AttributeValue::B(_))) {
            return Err(format!("has `{encrypted}` in clear"));
        }
    }
    let sorted: BTreeMap<_, _> = item.iter().collect();
    for (name, value) in sorted {
        if name.contains(SECRET) || shows_a_secret(value) {
            return Err(format!("shows a secret in `{name}`"));
        }
    }
    Ok(())
}

fn shows_a_secret(value: &AttributeValue) -> bool {
    let in_text = |text: &String| text.contains(SECRET);
    let in_bytes = |bytes: &[u8]| {
        let mut parts = bytes.windows(SECRET.len());
        parts.any(|part| part == SECRET.as_bytes())
    };
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => in_text(text),
        AttributeValue::B(bytes) => in_bytes(bytes.as_ref()),
        AttributeValue::Ss(all) | AttributeValue::Ns(all) => all.iter().any(in_text),
        AttributeValue::Bs(all) => all.iter().any(|bytes| in_bytes(bytes.as_ref())),
        AttributeValue::L(all) => all.iter().any(shows_a_secret),
        AttributeValue::M(all) => {
            let sorted: BTreeMap<_, _> = all.iter().collect();
            let mut entries = sorted.into_iter();
            entries.any(|(name, value)| in_text(name) || shows_a_secret(value))
        }
        _ => false,
    }
}
