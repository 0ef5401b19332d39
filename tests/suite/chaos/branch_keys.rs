//! The branch keys of a run: who rotates them, and which region has not heard of it yet.

use std::collections::BTreeSet;
use std::time::Duration;

use dynaseal::key_store::KeyStore;
use dynaseal::region::KmsFallback;
use dynaseal::testkit::{Cloud, MultiRegionKey};
use dynaseal::{Item, RegionSet};

use super::keyrings::{KEPT_FOR_THE_AUDITOR, KEY_STORE, TENANTS, key_store};
use super::schedule::{self, BYSTANDER, REGIONS};
use super::subject::owner;
use super::watch::Watch;
use crate::support::stack::key_store_table;

/// An absent version is remembered for two seconds, and an operation may take half a minute.
const STILL_SAID: Duration = Duration::from_secs(2);

pub(super) struct BranchKeys {
    store: KeyStore,
    /// In which all rotations are.
    home: &'static str,
    /// When a region was last seen to lack versions, and which.
    lacking: Vec<(&'static str, BTreeSet<String>, Duration)>,
}

impl BranchKeys {
    /// A key store of which all regions have the first versions.
    pub(super) async fn start(
        cloud: &Cloud,
        key: &MultiRegionKey,
        home: &'static str,
        config: &aws_types::SdkConfig,
        watch: &Watch,
    ) -> Self {
        cloud
            .create_global_table(&key_store_table(KEY_STORE))
            .await
            .unwrap();
        let own = key_store_table(KEPT_FOR_THE_AUDITOR);
        cloud.create_global_table(&own).await.unwrap();
        let regions = RegionSet::builder(config)
            .local(home)
            .observer(watch.clone());
        let regions = regions.build().unwrap();
        let arn = key.arn(home);
        let store = key_store(KEY_STORE, &arn, &regions, KmsFallback::never()).unwrap();
        for tenant in 0..TENANTS {
            let id = owner(u8::try_from(tenant).unwrap());
            let create = store.create_key().branch_key_id(&id);
            let create = create.encryption_context([("of", id.as_str())]);
            create.send().await.unwrap();
        }
        let this = Self {
            store,
            home,
            lacking: Vec::new(),
        };
        cloud.replicate().await;
        this.show_the_auditor(cloud).await;
        this
    }

    /// A new version, if nothing comes in between.
    pub(super) async fn rotate(&self, tenant: u8) -> Result<(), String> {
        let rotated = self.store.version_key(owner(tenant)).await;
        rotated
            .map(|_| ())
            .map_err(|error| format!("{:?}", error.kind()))
    }

    pub(super) async fn show_the_auditor(&self, cloud: &Cloud) {
        let dynamodb = cloud.dynamodb(BYSTANDER);
        for record in cloud.stored(self.home, KEY_STORE).unwrap() {
            let put = dynamodb.put_item().table_name(KEPT_FOR_THE_AUDITOR);
            put.set_item(Some(record)).send().await.unwrap();
        }
    }

    /// How many versions there are.
    pub(super) fn count(&self, cloud: &Cloud) -> u32 {
        u32::try_from(versions(cloud, self.home).len()).unwrap()
    }

    /// Looks which region lacks what.
    pub(super) fn look(&mut self, cloud: &Cloud, now: Duration) {
        let all = versions(cloud, self.home);
        for region in REGIONS {
            let lacks = &all - &versions(cloud, region);
            if !lacks.is_empty() {
                self.lacking.push((region, lacks, now));
            }
        }
    }

    /// Whether some version was in none of a process's regions a moment ago, or is not.
    pub(super) fn lag(&self, process: &schedule::Process, since: Duration) -> bool {
        let recent = self.lacking.iter();
        let recent = recent.filter(|(_, _, at)| *at + STILL_SAID >= since);
        let recent: Vec<_> = recent.collect();
        let lacks = |region: &str, version: &String| {
            let mut of_region = recent.iter().filter(|(name, ..)| *name == region);
            of_region.any(|(_, lacks, _)| lacks.contains(version))
        };
        let all: BTreeSet<_> = recent.iter().flat_map(|(_, lacks, _)| lacks).collect();
        let set = || REGIONS.into_iter().filter(|region| process.knows(region));
        all.iter()
            .any(|version| set().all(|region| lacks(region, version)))
    }
}

/// All versions that a region has.
fn versions(cloud: &Cloud, region: &str) -> BTreeSet<String> {
    let name = |record: Item| {
        let id = record["branch-key-id"].as_s().unwrap();
        let kind = record["type"].as_s().unwrap();
        let is_version = kind.starts_with("branch:version:");
        is_version.then(|| format!("{id} {kind}"))
    };
    let records = cloud.stored(region, KEY_STORE).unwrap();
    records.into_iter().filter_map(name).collect()
}
