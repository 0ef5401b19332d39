//! A regional outage and the recovery, as a reader in that region sees it: which region answered each
//! read, what it cost in time, and what the counters say afterwards.
//!
//! `cargo run --example failover`. Everything runs in this process, on a clock that jumps over the waits.

use std::error::Error;
use std::time::Duration;

use dynaseal::observe::{Counters, Service as Watched};
use dynaseal::region::{HealthPolicy, KmsFallback};
use dynaseal::table::ReadPolicy;
use dynaseal::testkit::{Cloud, Fault, KeyType, Service, TableDefinition, VirtualTime};
use dynaseal::{KmsMrkKeyring, Redacted, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

const WRITER: &str = "us-east-1";
const READER: &str = "eu-west-1";

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
struct Customer {
    #[seal(partition_key)]
    id: String,
    ssn: Redacted<String>,
}

/// Two regions, and what a reader in one of them does when it fails.
struct World {
    cloud: Cloud,
    time: VirtualTime,
    table: SealedTable<Customer>,
    counters: Counters,
}

impl World {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let cloud = Cloud::start([WRITER, READER]).await?;
        let time = VirtualTime::of(&cloud);
        let key = cloud.create_multi_region_key(WRITER, [READER]).await?;
        let definition = TableDefinition::new("customers").partition_key("id", KeyType::S);
        cloud.create_global_table(&definition).await?;

        let regions = RegionSet::builder(&cloud.sdk_config(WRITER)).local(WRITER);
        let regions = regions.build()?;
        let keyring = KmsMrkKeyring::new(key.arn(WRITER), &regions)?;
        let writer = SealedTable::<Customer>::builder("customers", keyring, &regions).build()?;
        let ada = Customer {
            id: "c-1".into(),
            ssn: "078-05-1120".to_owned().into(),
        };
        writer.put(&ada).send().await?;
        cloud.replicate().await;

        let counters = Counters::new();
        let table = Self::reader(&cloud, &time, &key.arn(READER), &counters)?;
        Ok(Self {
            cloud,
            time,
            table,
            counters,
        })
    }

    /// What a program in the reading region writes down.
    fn reader(
        cloud: &Cloud,
        time: &VirtualTime,
        key_arn: &str,
        counters: &Counters,
    ) -> Result<SealedTable<Customer>, Box<dyn Error>> {
        let config = cloud.sdk_config_at(READER, time);
        let regions = RegionSet::builder(&config)
            .local(READER)
            .fallback(WRITER)
            .health(HealthPolicy::new().attempt_timeout(Duration::from_millis(800)))
            .observer(counters.clone())
            .build()?;
        let keyring = KmsMrkKeyring::new(key_arn, &regions)?;
        let keyring = keyring.fallback(KmsFallback::on_unavailable());
        let table = SealedTable::builder("customers", keyring, &regions);
        let table = table.read_policy(ReadPolicy::LocalThenFallback);
        Ok(table.build()?)
    }

    /// Reads so often, and prints a line for each run of reads that went alike.
    async fn read(&self, times: usize) -> Result<(), Box<dyn Error>> {
        let mut runs: Vec<(String, usize)> = Vec::new();
        for _ in 0..times {
            let before = self.time.elapsed();
            let read = self.table.get("c-1").send_opened();
            let opened = self.time.run(read).await?.ok_or("it was put")?;
            let line = format!(
                "item from {}, key from {}, {:>4} ms",
                opened.table_region().unwrap_or("?"),
                opened.region().unwrap_or("?"),
                (self.time.elapsed() - before).as_millis(),
            );
            match runs.last_mut() {
                Some((last, count)) if *last == line => *count += 1,
                _ => runs.push((line, 1)),
            }
        }
        for (line, count) in runs {
            self.say(&format!("{count:>3} x  {line}"));
        }
        Ok(())
    }

    async fn pass(&self, seconds: u64) {
        let wait = self.time.sleep(Duration::from_secs(seconds));
        self.time.run(wait).await;
    }

    fn say(&self, what: &str) {
        println!("{:>7.1} s  {what}", self.time.elapsed().as_secs_f64());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::start().await?;
    let region = world.cloud.region(READER);

    world.say("all is well");
    world.read(3).await?;

    region.fail(Service::Kms, Fault::Hang);
    world.say(
        "KMS in eu-west-1 hangs: the first reads wait for a time-out, then its breaker is open",
    );
    world.read(8).await?;

    region.fail(Service::DynamoDb, Fault::Unavailable);
    world.say("DynamoDB in eu-west-1 refuses connections as well");
    world.read(8).await?;

    world.pass(10).await;
    world.say("ten seconds later, one call after the other tries the region again");
    world.read(4).await?;

    region.recover();
    world.say("eu-west-1 is back");
    world.read(2).await?;
    world.pass(15).await;
    world.say("and is asked again once its breakers let calls through");
    world.read(5).await?;

    region.fail(Service::Kms, Fault::Status(400, "AccessDeniedException"));
    world.say(
        "somebody denies the key in eu-west-1: that is no outage, and no other region is asked",
    );
    let read = world.table.get("c-1").send();
    let refused = world.time.run(read).await.err().ok_or("denied")?;
    let why = refused.source().and_then(Error::source).ok_or("KMS's")?;
    world.say(&format!("      {refused}: {why}"));

    let snapshot = world.counters.snapshot();
    println!("\n{snapshot}");
    assert!(snapshot.fallbacks() > 0);
    assert!(snapshot.calls(Watched::Kms, READER) > 0);
    Ok(())
}
