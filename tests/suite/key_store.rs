//! Branch keys in a table of two regions that lag, under a KMS key that both have.

mod create;
mod erase;
mod kms;
mod lag;
mod lost;
mod misfits;
mod rollback;
mod rotate;
mod table;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::sdk_config::RetryConfig;
use dynaseal::key_store::{
    BranchKeyDescription, KeyStore, KeyStoreBuilder, KeyStoreError, KeyStoreErrorKind, KeyStoreKms,
};
use dynaseal::region::{BreakerPolicy, HealthPolicy};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition, VirtualTime};
use dynaseal::{Item, RegionSet};

use crate::support::stack::{EU, US, item, key_store_table, s};

const TABLE: &str = "branch-keys";
const LOGICAL: &str = "logical-branch-keys";
const ACTIVE: &str = "branch:ACTIVE";

struct World {
    cloud: Cloud,
    key: MultiRegionKey,
    time: VirtualTime,
}

impl World {
    async fn start() -> Self {
        let cloud = Cloud::start([US, EU]).await.unwrap();
        let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
        let table = key_store_table(TABLE);
        cloud.create_global_table(&table).await.unwrap();
        let time = VirtualTime::of(&cloud);
        Self { cloud, key, time }
    }

    /// Both regions, of which a first failure opens the breaker if `touchy`.
    fn regions(&self, local: &str, touchy: bool) -> RegionSet {
        let config = self.cloud.sdk_config_at(local, &self.time).into_builder();
        let retries = RetryConfig::standard().with_max_attempts(3);
        let other = if local == US { EU } else { US };
        let health = if touchy {
            HealthPolicy::new().breaker(BreakerPolicy::new().failures(1))
        } else {
            HealthPolicy::new()
        };
        let set = RegionSet::builder(&config.retry_config(retries).build());
        let set = set.local(local).fallback(other).health(health);
        set.build().unwrap()
    }

    fn builder(&self, local: &str) -> KeyStoreBuilder {
        let kms = KeyStoreKms::mrk_arn(self.key.arn(US));
        KeyStore::builder(TABLE, LOGICAL, kms, &self.regions(local, false)).home_region(US)
    }

    /// In a region; it writes to `US`.
    fn store(&self, local: &str) -> KeyStore {
        self.builder(local).build().unwrap()
    }

    async fn run<F: Future>(&self, future: F) -> F::Output {
        self.time.run(Box::pin(future)).await
    }

    /// Makes a branch key and lets every region have it.
    async fn create(&self, id: &str) {
        let store = self.store(US);
        let create = store.create_key().branch_key_id(id);
        let create = create.encryption_context([("tenant", id)]);
        self.run(create.send()).await.unwrap();
        self.cloud.replicate().await;
        self.cloud.reset_calls();
    }

    async fn active(
        &self,
        store: &KeyStore,
        id: &str,
    ) -> Result<BranchKeyDescription, KeyStoreError> {
        self.run(store.describe_active(id)).await
    }

    /// A record, as an administrator of the table sees it.
    fn row(&self, region: &str, id: &str, kind: &str) -> Option<Item> {
        let rows = self.cloud.stored(region, TABLE).unwrap().into_iter();
        let mut rows = rows.filter(|row| row["branch-key-id"] == s(id) && row["type"] == s(kind));
        rows.next()
    }

    /// Writes a record, as an administrator of the table can.
    async fn put(&self, region: &str, row: &Item) {
        let put = self.cloud.dynamodb(region).put_item().table_name(TABLE);
        put.set_item(Some(row.clone())).send().await.unwrap();
    }

    async fn delete(&self, region: &str, id: &str, kind: &str) {
        let delete = self.cloud.dynamodb(region).delete_item().table_name(TABLE);
        let delete = delete.key("branch-key-id", s(id)).key("type", s(kind));
        delete.send().await.unwrap();
    }

    async fn erase(&self, region: &str, id: &str) {
        let row = item([("branch-key-id", s(id)), ("type", s("dynaseal:erased"))]);
        self.put(region, &row).await;
    }

    /// How often each region's table was read since the last time: `US`, then `EU`.
    fn gets(&self) -> [usize; 2] {
        let calls = |region| self.cloud.calls_of(region, Service::DynamoDb, "GetItem");
        let calls = [US, EU].map(calls);
        self.cloud.reset_calls();
        calls
    }

    fn decrypts(&self) -> [usize; 2] {
        [US, EU].map(|region| self.cloud.calls_of(region, Service::Kms, "Decrypt"))
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, KeyStoreError>) -> KeyStoreErrorKind {
    result.unwrap_err().kind()
}

fn text(row: &Item, name: &str) -> String {
    row[name].as_s().unwrap().clone()
}

const SECOND: Duration = Duration::from_secs(1);
