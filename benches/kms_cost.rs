//! What each keyring asks of KMS, counted on the test kit: items written in one region and read in the other.
//!
//! `cargo bench --bench kms_cost` prints the table of the README. `-- --quick` leaves out the rows of 100,000
//! items. Nothing is timed: the calls are counted where they arrive.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{CachingKeyring, HierarchicalKeyring, Keyring, TableKeyKeyring};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition};
use dynaseal::{CryptoAction, Item, ItemEncryptor, ItemSchema, KmsMrkKeyring, RegionSet};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

type Outcome<T> = Result<T, Box<dyn Error>>;

const WRITER: &str = "us-east-1";
const READER: &str = "eu-west-1";
/// AWS asks this much for ten thousand requests, in these regions.
const USD_PER_CALL: f64 = 0.03 / 10_000.0;
/// Items on their way at once, as in a busy service.
const CONCURRENCY: usize = 64;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Mrk,
    CachedMrk,
    Hierarchical,
    TableKey,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Mrk => "`KmsMrkKeyring`",
            Self::CachedMrk => "`CachingKeyring` around it",
            Self::Hierarchical => "`HierarchicalKeyring`",
            Self::TableKey => "`TableKeyKeyring`",
        }
    }
}

/// Who writes how much, and how often each item is read.
#[derive(Clone, Copy)]
struct Load {
    items: usize,
    tenants: usize,
    writers: usize,
    reads: usize,
}

impl Load {
    fn of(items: usize, tenants: usize) -> Self {
        Self {
            items,
            tenants,
            writers: 1,
            reads: 1,
        }
    }

    fn by(mut self, writers: usize) -> Self {
        self.writers = writers;
        self
    }

    fn read(mut self, times: usize) -> Self {
        self.reads = times;
        self
    }
}

struct World {
    cloud: Cloud,
    key: MultiRegionKey,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let cloud = Cloud::start([WRITER, READER]).await?;
    let key = cloud.create_multi_region_key(WRITER, [READER]).await?;
    let world = World { cloud, key };
    world.create_key_store().await?;
    println!(
        "| items | tenants | writers | reads of each | keyring | `GenerateDataKey` {WRITER} | `Decrypt` {WRITER} | `Decrypt` {READER} | USD |"
    );
    println!("| --: | --: | --: | --: | --- | --: | --: | --: | --: |");
    let all = [Kind::Mrk, Kind::Hierarchical, Kind::TableKey];
    for load in loads(quick) {
        for kind in all {
            world.row(kind, load).await?;
        }
    }
    let hot = Load::of(1, 1).read(1000);
    world.row(Kind::Mrk, hot).await?;
    world.row(Kind::CachedMrk, hot).await
}

fn loads(quick: bool) -> Vec<Load> {
    let mut loads = vec![Load::of(1, 1), Load::of(1000, 1), Load::of(1000, 100)];
    if !quick {
        loads.extend([Load::of(100_000, 1), Load::of(100_000, 100)]);
        loads.push(Load::of(100_000, 1).by(100));
    }
    // As functions that start for one request each.
    loads.push(Load::of(1000, 1).by(1000));
    loads
}

impl World {
    async fn create_key_store(&self) -> Outcome<()> {
        let table = TableDefinition::new("keys").partition_key("branch-key-id", KeyType::S);
        let table = table.sort_key("type", KeyType::S);
        self.cloud.create_global_table(&table).await?;
        let store = self.key_store(&self.regions(WRITER)?)?;
        for tenant in 0..100 {
            let tenant = tenant_name(tenant);
            let create = store.create_key().branch_key_id(&tenant);
            create
                .encryption_context([("tenant", &*tenant)])
                .send()
                .await?;
        }
        self.cloud.replicate().await;
        Ok(())
    }

    /// Those of one process.
    fn regions(&self, local: &str) -> Outcome<RegionSet> {
        let config = self.cloud.sdk_config(local);
        Ok(RegionSet::builder(&config).local(local).build()?)
    }

    fn key_store(&self, regions: &RegionSet) -> Outcome<KeyStore> {
        let kms = KeyStoreKms::mrk_arn(self.key.arn(WRITER));
        Ok(KeyStore::builder("keys", "keys", kms, regions).build()?)
    }

    /// A process of its own: nothing is shared with another.
    fn process(&self, kind: Kind, local: &str) -> Outcome<ItemEncryptor> {
        let regions = self.regions(local)?;
        let arn = self.key.arn(local);
        let keyring: Arc<dyn Keyring> = match kind {
            Kind::Mrk => Arc::new(KmsMrkKeyring::new(arn, &regions)?),
            Kind::CachedMrk => {
                let inner = KmsMrkKeyring::new(arn, &regions)?;
                Arc::new(CachingKeyring::builder(inner, &regions).build()?)
            }
            Kind::Hierarchical => {
                let keyring = HierarchicalKeyring::builder(&self.key_store(&regions)?);
                Arc::new(keyring.branch_key_per_tenant("tenant").ttl(HOUR).build()?)
            }
            Kind::TableKey => {
                let keyring = TableKeyKeyring::builder(arn, &regions).tenant_attribute("tenant");
                Arc::new(keyring.write_period(HOUR).read_ttl(HOUR).build()?)
            }
        };
        Ok(ItemEncryptor::new(schema()?, keyring))
    }

    async fn row(&self, kind: Kind, load: Load) -> Outcome<()> {
        self.cloud.reset_calls();
        let sealed = self.write(kind, load).await?;
        let calls = |region, operation| self.cloud.calls_of(region, Service::Kms, operation);
        let generated = calls(WRITER, "GenerateDataKey");
        let unwrapped = calls(WRITER, "Decrypt");
        let reader = self.process(kind, READER)?;
        for _ in 0..load.reads {
            let open = stream::iter(&sealed).map(|item| reader.open(item.clone()));
            open.buffer_unordered(CONCURRENCY)
                .try_for_each(async |_| Ok(()))
                .await?;
        }
        let opened = calls(READER, "Decrypt");
        let all = [WRITER, READER].map(|region| self.cloud.calls(region, Service::Kms));
        let all: usize = all.iter().sum();
        assert_eq!(
            all,
            generated + unwrapped + opened,
            "nothing else is asked for"
        );
        let [generated, unwrapped, opened] = [generated, unwrapped, opened].map(thousands);
        println!(
            "| {} | {} | {} | {} | {} | {generated} | {unwrapped} | {opened} | {:.6} |",
            thousands(load.items),
            load.tenants,
            thousands(load.writers),
            thousands(load.reads),
            kind.name(),
            f64::from(u32::try_from(all)?) * USD_PER_CALL,
        );
        Ok(())
    }

    async fn write(&self, kind: Kind, load: Load) -> Outcome<Vec<Item>> {
        let writers = (0..load.writers).map(|_| self.process(kind, WRITER));
        let writers = writers.collect::<Outcome<Vec<_>>>()?;
        let seal = stream::iter(0..load.items).map(|number| {
            let writer = &writers[number % load.writers];
            writer.seal(item(number, number % load.tenants))
        });
        Ok(seal.buffer_unordered(CONCURRENCY).try_collect().await?)
    }
}

/// The rows of many items take longer than the default of 5 minutes on a slow machine.
const HOUR: Duration = Duration::from_secs(3600);

fn schema() -> Outcome<ItemSchema> {
    let schema = ItemSchema::builder("customers", "id").tenant_attribute("tenant");
    Ok(schema.action("ssn", CryptoAction::EncryptAndSign).build()?)
}

fn tenant_name(number: usize) -> String {
    format!("tenant-{number}")
}

fn item(number: usize, tenant: usize) -> Item {
    let text = |text: String| AttributeValue::S(text);
    Item::from([
        ("id".to_owned(), text(format!("c-{number}"))),
        ("tenant".to_owned(), text(tenant_name(tenant))),
        ("ssn".to_owned(), text("078-05-1120".to_owned())),
    ])
}

/// As the table of the README has them: `100,000`.
fn thousands(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}
