//! A table in several regions, on virtual time: how often it is asked, where, for how long, and what of
//! it is told.

mod attempts;
mod breaker;
mod deadline;
mod hedge;
mod home;
mod pages;
mod patience;
mod reads;
mod told;
mod verb;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_types::sdk_config::{Builder, RetryConfig};
use dynaseal::observe::{Event, Observer};
use dynaseal::region::{BreakerPolicy, HealthPolicy};
use dynaseal::table::{ReadPolicy, SealedTableBuilder, SecondaryIndex};
use dynaseal::testkit::{
    Cloud, Fault, FaultRule, KeyType, MultiRegionKey, Service, TableDefinition, VirtualTime,
};
use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

use self::verb::{Told, Verb};

/// Where the process runs, and where it falls back to.
const EU: &str = "eu-west-1";
const US: &str = "us-east-1";
const AP: &str = "ap-south-1";

const ATTEMPTS: u32 = 3;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Note {
    #[seal(partition_key)]
    id: String,
    #[seal(sign)]
    state: String,
    text: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

fn note(id: &str) -> Note {
    Note {
        id: id.to_owned(),
        state: "open".to_owned(),
        text: format!("text of {id}"),
        views: 0.into(),
    }
}

/// Three regions with a replica of one key and of one table each.
struct World {
    cloud: Cloud,
    key: MultiRegionKey,
    time: VirtualTime,
    events: Events,
}

impl World {
    /// With notes `n-0`, `n-1`, … in every region.
    async fn with_notes(count: usize) -> Self {
        let cloud = Cloud::start([EU, US, AP]).await.unwrap();
        let key = cloud.create_multi_region_key(EU, [US, AP]).await.unwrap();
        let index = dynaseal::testkit::SecondaryIndex::new("by-state");
        let definition = TableDefinition::new("notes")
            .partition_key("id", KeyType::S)
            .secondary_index(index.partition_key("state", KeyType::S));
        cloud.create_global_table(&definition).await.unwrap();
        let time = VirtualTime::of(&cloud);
        let world = Self {
            cloud,
            key,
            time,
            events: Events::default(),
        };
        let table = world.table();
        for n in 0..count {
            let put = table.put(&note(&format!("n-{n}"))).send();
            world.time.run(put).await.unwrap();
        }
        world.cloud.replicate().await;
        world.forget();
        world
    }

    /// Forgets what was asked and told.
    fn forget(&self) {
        self.cloud.reset_calls();
        self.events.take();
    }

    fn regions(
        &self,
        configure: impl FnOnce(Builder) -> Builder,
        health: HealthPolicy,
    ) -> RegionSet {
        let config = self.cloud.sdk_config_at(EU, &self.time).into_builder();
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = configure(config.retry_config(retries)).build();
        let builder = RegionSet::builder(&config).local(EU).health(health);
        let builder = builder.fallback(US).fallback(AP);
        builder.observer(self.events.clone()).build().unwrap()
    }

    /// A table of these regions, with what is set on its builder.
    fn table_in(
        &self,
        regions: &RegionSet,
        build: impl FnOnce(SealedTableBuilder<Note>) -> SealedTableBuilder<Note>,
    ) -> SealedTable<Note> {
        let keyring = KmsMrkKeyring::new(self.key.arn(EU), regions).unwrap();
        let builder = SealedTable::builder("notes", keyring, regions);
        build(builder.index(SecondaryIndex::new("by-state", "state")))
            .build()
            .unwrap()
    }

    fn table(&self) -> SealedTable<Note> {
        let regions = self.regions(|config| config, HealthPolicy::new());
        self.table_in(&regions, |builder| builder)
    }

    /// A table whose breakers never open.
    fn unbroken(&self) -> SealedTable<Note> {
        let health = HealthPolicy::new().breaker(BreakerPolicy::never_opens());
        let regions = self.regions(|config| config, health);
        self.table_in(&regions, |builder| builder)
    }

    /// A table that may read elsewhere.
    fn falling_over(&self) -> SealedTable<Note> {
        let regions = self.regions(|config| config, HealthPolicy::new());
        self.table_in(&regions, |builder| {
            builder.read_policy(ReadPolicy::LocalThenFallback)
        })
    }

    /// Puts a note in one region, where it stays.
    async fn put_only_in(&self, region: &str, id: &str) {
        for other in [EU, US, AP].into_iter().filter(|other| *other != region) {
            self.cloud.region(other).cut();
        }
        let regions = self.regions(|config| config, HealthPolicy::new());
        let table = self.table_in(&regions, |builder| builder.home_region(region));
        self.time.run(table.put(&note(id)).send()).await.unwrap();
        self.forget();
    }

    fn fail(&self, region: &str, rule: impl Into<FaultRule>) {
        self.cloud.region(region).fail(Service::DynamoDb, rule);
    }

    /// How often each region's DynamoDB was asked, since the last time.
    fn asked(&self) -> [usize; 3] {
        let asked = [EU, US, AP].map(|region| self.cloud.calls(region, Service::DynamoDb));
        self.cloud.reset_calls();
        asked
    }

    /// Runs a verb, and says how long it took.
    async fn run(&self, verb: Verb, table: &SealedTable<Note>) -> (Result<(), Told>, Duration) {
        self.timed(Box::pin(verb.run(table))).await
    }

    async fn timed<F: Future>(&self, future: F) -> (F::Output, Duration) {
        let before = self.time.elapsed();
        let output = self.time.run(future).await;
        (output, self.time.elapsed() - before)
    }
}

fn throttled() -> Fault {
    Fault::Status(400, "ThrottlingException")
}

/// What was told, a line each.
#[derive(Clone, Debug, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Observer for Events {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::Call(e) => format!(
                "call {} {} {} {}",
                e.service, e.region, e.operation, e.outcome
            ),
            Event::Retry(e) => format!("retry {} {} {}", e.service, e.region, e.granted),
            Event::Fallback(e) => {
                let cause = e.cause.map_or("open", |class| class.as_str());
                format!("fallback {} {} {} {cause}", e.service, e.from, e.to)
            }
            Event::Hedge(e) => format!("hedge {} {} {} {}", e.operation, e.first, e.second, e.won),
            Event::Audit(e) => {
                let (caller, region) = (e.caller.unwrap_or("-"), e.region.unwrap_or("-"));
                format!("audit {caller} {} {region} {}", e.keyring, e.outcome)
            }
            Event::Verification(e) => format!("verification {} {}", e.table, e.kind),
            Event::Plaintext(e) => format!("plaintext {}", e.table),
            Event::Verb(e) => format!("verb {} {} {}", e.operation, e.table, e.outcome),
            Event::Breaker(e) => format!("breaker {} {} {}", e.service, e.region, e.state),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Events {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Those that begin like this.
    fn of(&self, kind: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|line| line.starts_with(kind))
            .cloned()
            .collect()
    }
}
