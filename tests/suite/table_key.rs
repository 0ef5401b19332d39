//! Table keys end to end, on virtual time: what they cost, how long they last, and whom they believe.

mod cost;
mod garbage;
mod regions;
mod revocation;
mod tamper;

use std::time::Duration;

use aws_types::sdk_config::RetryConfig;
use dynaseal::keyring::{Keyring, KeyringError, TableKeyKeyring, TableKeyKeyringBuilder};
use dynaseal::testkit::{Cloud, MultiRegionKey, Service, VirtualTime};
use dynaseal::{
    AlgorithmSuite, CryptoAction, Item, ItemEncryptor, ItemSchema, OpenError, RegionSet,
};

use crate::support::stack::{EU, US, item, s};

const SECOND: Duration = Duration::from_secs(1);

/// Two regions with a replica of one key each.
struct World {
    cloud: Cloud,
    key: MultiRegionKey,
    time: VirtualTime,
}

impl World {
    async fn start() -> Self {
        let cloud = Cloud::start([US, EU]).await.unwrap();
        let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
        let time = VirtualTime::of(&cloud);
        Self { cloud, key, time }
    }

    fn regions(&self, local: &str) -> RegionSet {
        let config = self.cloud.sdk_config_at(local, &self.time).into_builder();
        let config = config.retry_config(RetryConfig::disabled()).build();
        let other = if local == US { EU } else { US };
        let builder = RegionSet::builder(&config).local(local).fallback(other);
        builder.build().unwrap()
    }

    fn builder(&self, local: &str) -> TableKeyKeyringBuilder {
        TableKeyKeyring::builder(self.key.arn(US), &self.regions(local))
    }

    /// A process of its own in this region: nothing is shared with others.
    fn process(&self, local: &str) -> ItemEncryptor {
        encryptor(self.builder(local).build().unwrap())
    }

    async fn seal(&self, encryptor: &ItemEncryptor, item: Item) -> Item {
        self.time.run(encryptor.seal(item)).await.unwrap()
    }

    async fn opens(&self, encryptor: &ItemEncryptor, sealed: &Item) -> bool {
        self.time.run(encryptor.open(sealed.clone())).await.is_ok()
    }

    async fn refusal(&self, encryptor: &ItemEncryptor, sealed: &Item) -> KeyringError {
        match self.time.run(encryptor.open(sealed.clone())).await {
            Err(OpenError::Keyring(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    async fn pass(&self, time: Duration) {
        self.time.run(self.time.sleep(time)).await;
    }

    /// How often KMS was asked in a region, since the last time: for keys, and to open them.
    fn calls(&self, region: &str) -> [usize; 2] {
        let count = |operation| self.cloud.calls_of(region, Service::Kms, operation);
        let calls = ["GenerateDataKey", "Decrypt"].map(count);
        assert_eq!(
            calls.iter().sum::<usize>(),
            self.cloud.calls(region, Service::Kms)
        );
        calls
    }

    async fn disable_key(&self, region: &str) {
        let disable = self.cloud.kms(region).disable_key();
        let disable = disable.key_id(self.key.arn(region));
        disable.send().await.unwrap();
    }
}

fn encryptor(keyring: impl Keyring + 'static) -> ItemEncryptor {
    let schema = ItemSchema::builder("customers", "id")
        .action("text", CryptoAction::EncryptAndSign)
        .tenant_attribute("tenant")
        // A KMS keyring alone would take only signed items, which one beside a table key does not make.
        .accept_suite(AlgorithmSuite::SymsigHmacSha384);
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

fn note(n: usize) -> Item {
    note_of("acme", n)
}

fn note_of(tenant: &str, n: usize) -> Item {
    item([
        ("id", s(&format!("n-{n}"))),
        ("tenant", s(tenant)),
        ("text", s(&format!("text {n}"))),
    ])
}

/// The table key that an item names, by what anybody can read.
fn table_key_of(encryptor: &ItemEncryptor, sealed: &Item) -> String {
    let description = encryptor.describe(sealed.clone()).unwrap();
    let description = description.unauthenticated();
    let id = description.encrypted_data_keys()[0].table_key_id();
    id.expect("a table key").to_owned()
}
