//! One KMS data key for many items: what it saves, and how long a revocation takes.
//!
//! `cargo run --example table_key`. Everything runs in this process, on a clock that jumps over the waits.

use std::error::Error;
use std::time::Duration;

use aws_sdk_kms::types::KeyState;
use dynaseal::keyring::TableKeyKeyring;
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition, VirtualTime};
use dynaseal::{Redacted, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

const WRITER: &str = "us-east-1";
const READER: &str = "eu-west-1";
const ITEMS: u32 = 200;

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "readings", default = "encrypt")]
struct Reading {
    #[seal(partition_key)]
    id: u32,
    pulse: Redacted<String>,
}

fn table(
    cloud: &Cloud,
    time: &VirtualTime,
    key: &MultiRegionKey,
    local: &str,
) -> Result<SealedTable<Reading>, Box<dyn Error>> {
    let config = cloud.sdk_config_at(local, time);
    let regions = RegionSet::builder(&config).local(local).build()?;
    // The defaults: one table key for 5 minutes or 1,048,576 items, kept by readers for 5 minutes.
    let keyring = TableKeyKeyring::builder(key.arn(local), &regions).build()?;
    Ok(SealedTable::builder("readings", keyring, &regions).build()?)
}

async fn story(cloud: &Cloud, time: &VirtualTime) -> Result<(), Box<dyn Error>> {
    let key = cloud.create_multi_region_key(WRITER, [READER]).await?;
    let definition = TableDefinition::new("readings").partition_key("id", KeyType::N);
    cloud.create_global_table(&definition).await?;
    let writer = table(cloud, time, &key, WRITER)?;
    let reader = table(cloud, time, &key, READER)?;

    for id in 0..ITEMS {
        let pulse = "72".to_owned().into();
        writer.put(&Reading { id, pulse }).send().await?;
    }
    cloud.replicate().await;
    for id in 0..ITEMS {
        reader.get(id).send().await?.ok_or("it was replicated")?;
    }
    let generated = cloud.calls_of(WRITER, Service::Kms, "GenerateDataKey");
    let decrypted = cloud.calls_of(READER, Service::Kms, "Decrypt");
    println!(
        "{ITEMS} items are written in {WRITER}: KMS is asked for {generated} GenerateDataKey."
    );
    println!(
        "{ITEMS} items are read in {READER}: KMS is asked for {decrypted} Decrypt, of the key's replica there."
    );

    println!("\nThe key's replica in {READER} is disabled. The reader there:");
    cloud
        .region(READER)
        .set_key_state(key.id(), KeyState::Disabled)?;
    reader.get(0).send().await?;
    println!("  at once: still opens items, under the table key that it keeps");
    time.sleep(Duration::from_secs(300)).await;
    match reader.get(0).send().await {
        Ok(_) => return Err("the cache is older than its time".into()),
        Err(error) => println!("  5 minutes later: does not open them: {}", root(&error)),
    }
    let pulse = "73".to_owned().into();
    writer.put(&Reading { id: ITEMS, pulse }).send().await?;
    println!("The writer in {WRITER} goes on: its replica of the key is another one.");
    Ok(())
}

fn root(error: &dyn Error) -> String {
    match error.source() {
        Some(source) if source.to_string().contains("disabled") => source.to_string(),
        Some(source) => root(source),
        None => error.to_string(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([WRITER, READER]).await?;
    let time = VirtualTime::of(&cloud);
    time.run(story(&cloud, &time)).await
}
