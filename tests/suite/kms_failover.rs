//! KMS by policy, on virtual time: outages, storms, states of keys, equal requests.

mod key_states;
mod outage;
mod single_flight;
mod storm;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_types::sdk_config::RetryConfig;
use dynaseal::observe::{Event, Observer};
use dynaseal::region::{HealthPolicy, KmsFallback, RegionSetBuilder};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition, VirtualTime};
use dynaseal::{KmsMrkKeyring, OpenError, OperationError, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

use aws_sdk_dynamodb::operation::get_item::GetItemError;
use dynaseal::error::KeyringErrorKind;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-south-1";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Note {
    #[seal(partition_key)]
    id: String,
    text: String,
}

fn note(n: usize) -> Note {
    Note {
        id: format!("n-{n}"),
        text: format!("text {n}"),
    }
}

/// Three regions with a replica of one key each, and notes that were written in `US`.
struct World {
    cloud: Cloud,
    key: MultiRegionKey,
    time: VirtualTime,
    events: Events,
}

impl World {
    async fn with_notes(count: usize) -> Self {
        let cloud = Cloud::start([US, EU, AP]).await.unwrap();
        let key = cloud.create_multi_region_key(US, [EU, AP]).await.unwrap();
        let definition = TableDefinition::new("notes").partition_key("id", KeyType::S);
        cloud.create_global_table(&definition).await.unwrap();
        let time = VirtualTime::of(&cloud);
        let world = Self {
            cloud,
            key,
            time,
            events: Events::default(),
        };
        let table = world.table(US, KmsFallback::never());
        for n in 0..count {
            let put = Box::pin(table.put(&note(n)).send());
            world.time.run(put).await.unwrap();
        }
        world.cloud.replicate().await;
        world.cloud.reset_calls();
        world.events.0.lock().unwrap().clear();
        world
    }

    fn regions(&self, local: &str, health: HealthPolicy) -> RegionSet {
        let config = self.cloud.sdk_config_at(local, &self.time).into_builder();
        let retries = RetryConfig::standard().with_max_attempts(3);
        let config = config.retry_config(retries).build();
        let others = [EU, US, AP].into_iter().filter(|name| *name != local);
        let builder = RegionSet::builder(&config).local(local).health(health);
        let builder = others.fold(builder, RegionSetBuilder::fallback);
        builder.observer(self.events.clone()).build().unwrap()
    }

    fn table(&self, local: &str, fallback: KmsFallback) -> SealedTable<Note> {
        let regions = self.regions(local, HealthPolicy::new());
        let keyring = KmsMrkKeyring::new(self.key.arn(US), &regions).unwrap();
        let keyring = keyring.fallback(fallback);
        let builder = SealedTable::builder("notes", keyring, &regions);
        builder.build().unwrap()
    }

    /// How often each region's KMS was asked to decrypt, since the last time.
    fn decrypts(&self) -> [usize; 3] {
        let calls = |region| self.cloud.calls_of(region, Service::Kms, "Decrypt");
        let calls = [EU, US, AP].map(calls);
        self.cloud.reset_calls();
        calls
    }
}

/// What was told, in a word each.
#[derive(Clone, Debug, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Observer for Events {
    fn on_event(&self, event: &Event<'_>) {
        let told = match event {
            Event::Breaker(event) => format!("{} {} {}", event.service, event.region, event.state),
            Event::Fallback(event) => format!("{} -> {}", event.from, event.to),
            Event::Retry(event) if event.granted => "retry".into(),
            Event::Retry(_) => "no retry".into(),
            Event::Cache(event) if event.hit => format!("{} hit", event.cache),
            _ => return,
        };
        self.0.lock().unwrap().push(told);
    }
}

impl Events {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn count(&self, told: &str) -> usize {
        let all = self.0.lock().unwrap();
        all.iter().filter(|event| *event == told).count()
    }
}

/// Why KMS did not help, of one attempt or of the last of several.
fn kind(error: &OperationError<GetItemError>) -> KeyringErrorKind {
    match error {
        OperationError::Open(error) => kind_of(error),
        _ => panic!("{error:?}"),
    }
}

fn kind_of(error: &OpenError) -> KeyringErrorKind {
    let OpenError::Keyring(error) = error else {
        panic!("{error:?}")
    };
    let mut error = error;
    while let Some(last) = error.attempts().last() {
        error = last;
    }
    error.kind()
}

const SECOND: Duration = Duration::from_secs(1);
