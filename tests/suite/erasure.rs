//! Tenants that are erased: what opens afterwards, what does not, and what the receipt says of it.

mod clients;
mod others;
mod receipt;
mod refusals;
mod repeated;
mod restore;
mod sample;

use std::time::Duration;

use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_types::sdk_config::RetryConfig;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{HierarchicalKeyring, Keyring, KeyringErrorKind};
use dynaseal::table::{EraseTenant, EraseTenantError, ErasureReceipt, OperationError};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition, VirtualTime};
use dynaseal::{Item, OpenError, RegionSet, Seal, SealError, SealedTable};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, US, key_store_table, s};

const ITEMS: &str = "patients";
const KEYS: &str = "branch-keys";
const TTL: Duration = Duration::from_secs(300);
const LAG: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const REGIONS: [&str; 2] = [US, EU];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Patient {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    clinic: String,
    diagnosis: String,
    #[seal(sign)]
    ward: String,
}

type Patients = SealedTable<Patient>;

fn patient(id: &str, clinic: &str) -> Patient {
    Patient {
        id: id.to_owned(),
        clinic: clinic.to_owned(),
        diagnosis: format!("diagnosis of {id}"),
        ward: format!("ward of {id}"),
    }
}

struct World {
    cloud: Cloud,
    key: MultiRegionKey,
    time: VirtualTime,
}

/// Every row of both tables in both regions, as an administrator copies them.
struct Backup {
    items: Vec<Item>,
    keys: Vec<Item>,
}

impl World {
    /// Two clinics, with a patient each, in both regions.
    async fn start() -> Self {
        let cloud = Cloud::start(REGIONS).await.unwrap();
        let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
        let items = TableDefinition::new(ITEMS).partition_key("id", KeyType::S);
        for table in [items, key_store_table(KEYS)] {
            cloud.create_global_table(&table).await.unwrap();
        }
        let time = VirtualTime::of(&cloud);
        let world = Self { cloud, key, time };
        for clinic in ["north", "south"] {
            let create = world.store(US).create_key().branch_key_id(clinic);
            let create = create.encryption_context([("clinic", clinic)]).send();
            world.run(create).await.unwrap();
        }
        let table = world.table(US);
        for (id, clinic) in [("n-1", "north"), ("s-1", "south")] {
            world.put(&table, &patient(id, clinic)).await.unwrap();
        }
        world.replicate().await;
        world.cloud.reset_calls();
        world
    }

    fn regions(&self, local: &str) -> RegionSet {
        let config = self.cloud.sdk_config_at(local, &self.time).into_builder();
        let config = config.retry_config(RetryConfig::disabled()).build();
        let other = if local == US { EU } else { US };
        let set = RegionSet::builder(&config).local(local).fallback(other);
        set.build().unwrap()
    }

    fn store(&self, local: &str) -> KeyStore {
        let kms = KeyStoreKms::mrk_arn(self.key.arn(US));
        let store = KeyStore::builder(KEYS, "logical-branch-keys", kms, &self.regions(local));
        store.build().unwrap()
    }

    fn keyring(&self, local: &str) -> HierarchicalKeyring {
        let keyring = HierarchicalKeyring::builder(&self.store(local)).ttl(TTL);
        keyring.branch_key_per_tenant("clinic").build().unwrap()
    }

    /// A process that has just started.
    fn table(&self, local: &str) -> Patients {
        self.table_under(local, self.keyring(local))
    }

    fn table_under(&self, local: &str, keyring: impl Keyring + 'static) -> Patients {
        let table = SealedTable::builder(ITEMS, keyring, &self.regions(local));
        table.build().unwrap()
    }

    async fn run<F: Future>(&self, future: F) -> F::Output {
        self.time.run(Box::pin(future)).await
    }

    async fn pass(&self, time: Duration) {
        self.time.run(self.time.sleep(time)).await;
    }

    async fn replicate(&self) {
        let replicated = self.cloud.replicate().await;
        assert!(replicated.failures().is_empty(), "{replicated:?}");
    }

    async fn put(
        &self,
        table: &Patients,
        patient: &Patient,
    ) -> Result<(), OperationError<PutItemError>> {
        self.run(table.put(patient).send()).await.map(drop)
    }

    async fn get(
        &self,
        table: &Patients,
        id: &str,
    ) -> Result<Option<Patient>, OperationError<GetItemError>> {
        self.run(table.get(id).send()).await
    }

    async fn assert_opens(&self, table: &Patients, id: &str, clinic: &str) {
        let found = self.get(table, id).await.unwrap();
        assert_eq!(found, Some(patient(id, clinic)));
    }

    async fn refusal(&self, table: &Patients, id: &str) -> KeyringErrorKind {
        match self.get(table, id).await {
            Err(OperationError::Open(OpenError::Keyring(error))) => error.last_attempt().kind(),
            other => panic!("{other:?}"),
        }
    }

    async fn send(&self, erase: EraseTenant) -> Result<ErasureReceipt, EraseTenantError> {
        self.run(erase.longest_ttl(TTL).lag_bound(LAG).send()).await
    }

    /// Erases `north`.
    async fn erase(&self) -> ErasureReceipt {
        let receipt = self.send(self.table(US).erase_tenant("north")).await;
        self.replicate().await;
        receipt.unwrap()
    }

    fn backup(&self) -> Backup {
        Backup {
            items: self.cloud.stored(US, ITEMS).unwrap(),
            keys: self.cloud.stored(US, KEYS).unwrap(),
        }
    }

    async fn write(&self, table: &str, row: Item) {
        let put = self.cloud.dynamodb(US).put_item().table_name(table);
        put.set_item(Some(row)).send().await.unwrap();
    }

    /// Replaces a table by the copy, in every region.
    async fn restore(&self, table: &str, rows: &[Item]) {
        let key = |row: &Item| -> Item {
            let is_key = |name: &str| match table {
                ITEMS => name == "id",
                _ => ["branch-key-id", "type"].contains(&name),
            };
            let row = row.clone().into_iter();
            row.filter(|(name, _)| is_key(name)).collect()
        };
        for row in self.cloud.stored(US, table).unwrap() {
            let delete = self.cloud.dynamodb(US).delete_item().table_name(table);
            delete.set_key(Some(key(&row))).send().await.unwrap();
        }
        for row in rows {
            self.write(table, row.clone()).await;
        }
        self.replicate().await;
    }

    /// The rows of a branch key, as `region` has them.
    fn keys_of(&self, region: &str, id: &str) -> Vec<Item> {
        let rows = self.cloud.stored(region, KEYS).unwrap().into_iter();
        rows.filter(|row| row["branch-key-id"] == s(id)).collect()
    }

    fn types_of(&self, region: &str, id: &str) -> Vec<String> {
        let rows = self.keys_of(region, id).into_iter();
        rows.map(|row| row["type"].as_s().unwrap().clone())
            .collect()
    }

    /// A policy that allows all but what the statement denies.
    async fn put_key_policy(&self, region: &str, statement: &str) {
        let allow = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
        let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{allow}, {statement}]}}"#);
        let kms = self.cloud.kms(region);
        let put = kms.put_key_policy().key_id(self.key.arn(region));
        put.policy(policy).send().await.unwrap();
    }

    /// How often each service was asked, in both regions.
    fn calls(&self) -> [usize; 2] {
        let calls = |service| {
            let calls = REGIONS.map(|region| self.cloud.calls(region, service));
            calls.iter().sum()
        };
        [Service::DynamoDb, Service::Kms].map(calls)
    }

    fn calls_of(&self, operation: &str) -> usize {
        let calls = |region| self.cloud.calls_of(region, Service::DynamoDb, operation);
        REGIONS.map(calls).iter().sum()
    }
}

fn seal_kind(written: Result<(), OperationError<PutItemError>>) -> KeyringErrorKind {
    match written {
        Err(OperationError::Seal(SealError::Keyring(error))) => error.last_attempt().kind(),
        other => panic!("{other:?}"),
    }
}
