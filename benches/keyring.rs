//! What sealing and opening cost under keyrings that have their keys, beside a raw AES key: processor time alone,
//! since nobody is asked.
//!
//! `cargo bench --bench keyring` prints medians in microseconds of one run, and ratios.

#[path = "shapes/load.rs"]
mod load;
#[path = "shapes/time.rs"]
mod time;

use std::error::Error;
use std::sync::Arc;

use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{CachingKeyring, Keyring};
use dynaseal::testkit::Cloud;
use dynaseal::{AlgorithmSuite, HierarchicalKeyring, KmsMrkKeyring, RegionSet, TableKeyKeyring};

use load::{Shape, now};
use time::medians;

const REGION: &str = "us-east-1";
const SUITE: AlgorithmSuite = load::SUITES[0];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([REGION]).await?;
    let keyrings = keyrings(&cloud).await?;
    println!("| shape | keyring | seal | raw AES | ratio | open | raw AES | ratio |");
    println!("|---|---|---|---|---|---|---|---|");
    for shape in load::all().iter().take(2) {
        for (name, keyring) in &keyrings {
            row(shape, name, keyring).await?;
        }
    }
    Ok(())
}

async fn row(shape: &Shape, name: &str, keyring: &Arc<dyn Keyring>) -> Result<(), Box<dyn Error>> {
    let raw = shape.encryptor(SUITE);
    let encryptor = shape.encryptor_with(SUITE, Arc::clone(keyring));
    // Both have their keys after this.
    let sealed = encryptor.seal(shape.item.clone()).await?;
    encryptor.open(sealed.clone()).await?;
    let raw_sealed = now(raw.seal(shape.item.clone()))?;
    let seal = if name == CACHING {
        // It asks KMS for each item that it seals.
        "| | |".to_owned()
    } else {
        let (seal, floor) = medians(
            || shape.item.clone(),
            |item| now(encryptor.seal(item)).expect("seals"),
            || drop(now(raw.seal(shape.item.clone())).expect("seals")),
        );
        format!("{seal:.1} | {floor:.1} | {:.2} |", seal / floor)
    };
    let (open, floor) = medians(
        || sealed.clone(),
        |item| now(encryptor.open(item)).expect("opens"),
        || drop(now(raw.open(raw_sealed.clone())).expect("opens")),
    );
    println!(
        "| {} | {name} | {seal} {open:.1} | {floor:.1} | {:.2} |",
        shape.name,
        open / floor
    );
    Ok(())
}

const CACHING: &str = "`CachingKeyring`";

async fn keyrings(cloud: &Cloud) -> Result<[(&'static str, Arc<dyn Keyring>); 3], Box<dyn Error>> {
    let key = cloud.create_multi_region_key(REGION, [""; 0]).await?;
    let arn = key.arn(REGION);
    let regions = RegionSet::builder(&cloud.sdk_config(REGION))
        .local(REGION)
        .build()?;
    let kms = KeyStoreKms::mrk_arn(&*arn);
    let store = KeyStore::builder("keys", "keys", kms, &regions).build()?;
    store.create_key_store().await?;
    let id = store.create_key().send().await?;
    let hierarchical = HierarchicalKeyring::builder(&store)
        .branch_key_id(id)
        .build()?;
    let item_wise = KmsMrkKeyring::new(&arn, &regions)?;
    let caching = CachingKeyring::builder(item_wise, &regions);
    let caching = caching
        .max_age(std::time::Duration::from_secs(3600))
        .build()?;
    Ok([
        (
            "`TableKeyKeyring`",
            Arc::new(TableKeyKeyring::new(&arn, &regions)?),
        ),
        ("`HierarchicalKeyring`", Arc::new(hierarchical)),
        (CACHING, Arc::new(caching)),
    ])
}
