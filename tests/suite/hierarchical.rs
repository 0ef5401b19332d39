//! Items under branch keys of a key store, in two regions that lag.

mod caching;
mod counts;
mod garbage;
mod interleavings;
mod operations;
mod revocation;
mod rotation;
mod tenants;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::sdk_config::RetryConfig;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{
    HierarchicalKeyring, HierarchicalKeyringBuilder, Keyring, KeyringError, KeyringErrorKind,
};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition, VirtualTime};
use dynaseal::{CryptoAction, Item, ItemEncryptor, ItemSchema, OpenError, RegionSet, SealError};

use crate::support::header;
use crate::support::stack::{EU, US, item, key_store_table, s};

const TABLE: &str = "branch-keys";
const TTL: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

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

    /// With branch keys for these tenants, which every region has.
    async fn with(tenants: &[&str]) -> Self {
        let world = Self::start().await;
        let store = world.store(&world.regions(US));
        for tenant in tenants {
            let create = store.create_key().branch_key_id(*tenant);
            let create = create.encryption_context([("tenant", *tenant)]);
            world.run(create.send()).await.unwrap();
        }
        world.replicate().await;
        world.cloud.reset_calls();
        world
    }

    /// This region and the other one.
    fn regions(&self, local: &str) -> RegionSet {
        let other = if local == US { EU } else { US };
        let set = RegionSet::builder(&self.config(local)).local(local);
        set.fallback(other).build().unwrap()
    }

    fn alone(&self, local: &str) -> RegionSet {
        let set = RegionSet::builder(&self.config(local)).local(local);
        set.build().unwrap()
    }

    fn config(&self, local: &str) -> aws_types::SdkConfig {
        let config = self.cloud.sdk_config_at(local, &self.time).into_builder();
        config.retry_config(RetryConfig::disabled()).build()
    }

    fn store(&self, regions: &RegionSet) -> KeyStore {
        let kms = KeyStoreKms::mrk_arn(self.key.arn(US));
        let store = KeyStore::builder(TABLE, "logical-branch-keys", kms, regions);
        store.build().unwrap()
    }

    fn builder(&self, regions: &RegionSet) -> HierarchicalKeyringBuilder {
        HierarchicalKeyring::builder(&self.store(regions)).ttl(TTL)
    }

    /// A branch key for each tenant.
    fn keyring(&self, regions: &RegionSet) -> HierarchicalKeyring {
        let builder = self.builder(regions).branch_key_per_tenant("tenant");
        builder.build().unwrap()
    }

    fn encryptor(&self, local: &str) -> ItemEncryptor {
        encryptor(self.keyring(&self.regions(local)))
    }

    async fn run<F: Future>(&self, future: F) -> F::Output {
        self.time.run(Box::pin(future)).await
    }

    async fn seal(&self, encryptor: &ItemEncryptor, tenant: &str, id: &str) -> Item {
        let sealed = self.run(encryptor.seal(order(tenant, id))).await;
        sealed.unwrap()
    }

    /// Opens, and compares what comes out.
    async fn assert_opens(&self, encryptor: &ItemEncryptor, sealed: &Item) {
        let opened = self.run(encryptor.open(sealed.clone())).await.unwrap();
        let expected = [text(sealed, "tenant"), text(sealed, "id")];
        let [tenant, id] = expected.each_ref();
        assert_eq!(opened.into_item(), order(tenant, id));
    }

    async fn refusal(&self, encryptor: &ItemEncryptor, sealed: &Item) -> KeyringError {
        match self.run(encryptor.open(sealed.clone())).await {
            Err(OpenError::Keyring(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    async fn replicate(&self) {
        let replicated = self.cloud.replicate().await;
        assert!(replicated.failures().is_empty(), "{replicated:?}");
    }

    /// Time passes, and the background comes to rest.
    async fn pass(&self, time: Duration) {
        self.time.run(self.time.sleep(time)).await;
    }

    /// How often KMS was asked to decrypt, and the key store's table was read.
    fn calls(&self, region: &str) -> [usize; 2] {
        let cloud = &self.cloud;
        let decrypts = cloud.calls_of(region, Service::Kms, "Decrypt");
        [
            decrypts,
            cloud.calls_of(region, Service::DynamoDb, "GetItem"),
        ]
    }
}

fn encryptor(keyring: impl Keyring + 'static) -> ItemEncryptor {
    let schema = ItemSchema::builder("orders", "id")
        .tenant_attribute("tenant")
        .action("card", CryptoAction::EncryptAndSign);
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

fn order(tenant: &str, id: &str) -> Item {
    let card = format!("card of {id}");
    item([("id", s(id)), ("tenant", s(tenant)), ("card", s(&card))])
}

fn text(item: &Item, name: &str) -> String {
    match &item[name] {
        AttributeValue::S(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

/// The version of the branch key that an item was sealed under.
fn version(sealed: &Item) -> [u8; 16] {
    const AT: usize = 48 + 16 + 12;
    let [edk] = &header::edks(sealed)[..] else {
        panic!("one recipient");
    };
    edk.0[2][AT..AT + 16].try_into().unwrap()
}

/// The kind of the one attempt that was made.
fn only_kind(error: &KeyringError) -> KeyringErrorKind {
    let [attempt] = error.attempts() else {
        panic!("{error}");
    };
    attempt.last_attempt().kind()
}

fn seal_kind(sealed: Result<Item, SealError>) -> KeyringErrorKind {
    match sealed {
        Err(SealError::Keyring(error)) => error.last_attempt().kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn opens_in_both_regions_what_either_sealed() {
    let world = World::with(&["acme"]).await;
    let (us, eu) = (world.encryptor(US), world.encryptor(EU));
    for (writer, id) in [(&us, "o-1"), (&eu, "o-2")] {
        let sealed = world.seal(writer, "acme", id).await;
        world.assert_opens(&us, &sealed).await;
        world.assert_opens(&eu, &sealed).await;
        let edk = &header::edks(&sealed)[0];
        assert_eq!(edk.0[0], b"aws-kms-hierarchy");
        assert_eq!(edk.0[1], b"acme");
    }
}

#[tokio::test]
async fn seals_under_the_suite_without_signatures_unless_told_otherwise() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    let sealed = world.seal(&us, "acme", "o-1").await;
    let opened = world.run(us.open(sealed)).await.unwrap();
    assert_eq!(opened.suite(), dynaseal::AlgorithmSuite::SymsigHmacSha384);
    let shown = format!("{opened:?}");
    assert!(!shown.contains("card of"), "{shown}");
}

#[tokio::test]
async fn seals_under_one_branch_key_or_whatever_a_supplier_says() {
    let world = World::with(&["one", "team-acme"]).await;
    let regions = world.regions(US);
    let fixed = world.builder(&regions).branch_key_id("one");
    let supplied = |context: &dynaseal::EncryptionContext| {
        let tenant = context.string_attribute("tenant");
        let none = || KeyringError::new(KeyringErrorKind::NoTenant);
        Ok(format!("team-{}", tenant.ok_or_else(none)?))
    };
    let supplied = world.builder(&regions).branch_key_id_supplier(supplied);
    for (keyring, id) in [(fixed, "one"), (supplied, "team-acme")] {
        let encryptor = encryptor(keyring.build().unwrap());
        let sealed = world.seal(&encryptor, "acme", "o-1").await;
        assert_eq!(header::edks(&sealed)[0].0[1], id.as_bytes());
        world.assert_opens(&encryptor, &sealed).await;
    }
}

#[tokio::test]
async fn says_that_there_is_no_branch_key() {
    let world = World::start().await;
    let sealed = world
        .run(world.encryptor(US).seal(order("acme", "o-1")))
        .await;
    assert_eq!(seal_kind(sealed), KeyringErrorKind::BranchKeyNotFound);
}
