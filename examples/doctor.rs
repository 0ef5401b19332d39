//! The doctor, in one process: what it says of a table that is well, of one that is not, and which IAM
//! policy the program needs.
//!
//! `cargo run --example doctor`

use std::error::Error;

use dynaseal::table::{Severity, StartError};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, TableDefinition};
use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

const HERE: &str = "eu-west-1";
const THERE: &str = "us-east-1";
const TABLE: &str = "patients-prod";

#[derive(Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Patient {
    #[seal(partition_key)]
    id: String,
    #[seal(context)]
    clinic: String,
    diagnosis: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([HERE, THERE]).await?;
    let key = cloud.create_multi_region_key(HERE, [THERE]).await?;
    let definition = TableDefinition::new(TABLE).partition_key("id", KeyType::S);
    cloud.create_global_table(&definition).await?;
    let regions = RegionSet::builder(&cloud.sdk_config(HERE))
        .local(HERE)
        .fallback(THERE)
        .build()?;
    let keyring = KmsMrkKeyring::new(key.arn(HERE), &regions)?;
    // The strict way to start: not without what a fallback would need.
    let builder = SealedTable::<Patient>::builder(TABLE, keyring.clone(), &regions);
    let table = builder.build_checked().await?;

    println!("--- all is well\n");
    let report = table.doctor().sample_key("p-1").run().await;
    assert!(report.is_healthy());
    println!("{report}\n");

    println!("--- the policy that this program needs\n");
    let policy = table.doctor().iam_policy();
    println!("{policy}\n");
    for region in [HERE, THERE] {
        put_key_policy(&cloud, region, &key, &policy.to_string()).await?;
    }
    assert!(table.doctor().run().await.is_healthy());
    println!("with nothing but that, all is still well; a program that only reads needs less:\n");
    println!("{}\n", table.open_only().doctor().iam_policy());

    println!("--- three things go wrong\n");
    cloud
        .kms(THERE)
        .disable_key()
        .key_id(key.id())
        .send()
        .await?;
    cloud
        .region(THERE)
        .set_table_encryption(TABLE, Some(key.arn(THERE)));
    let other_table = policy.to_string().replace("\"patients\"", "\"doctors\"");
    put_key_policy(&cloud, HERE, &key, &other_table).await?;
    let report = table.doctor().run().await;
    for finding in report.findings() {
        if finding.severity() == Severity::Error {
            let region = finding.region().unwrap_or("all regions");
            println!("{} in {region}: {}\n", finding.check(), finding.message());
        }
    }
    let builder = SealedTable::<Patient>::builder(TABLE, keyring, &regions);
    match builder.build_checked().await {
        Err(StartError::Unhealthy(report)) => {
            println!(
                "a strict start is refused: {} findings",
                report.findings().len()
            );
        }
        _ => return Err("it started".into()),
    }
    Ok(())
}

async fn put_key_policy(
    cloud: &Cloud,
    region: &str,
    key: &MultiRegionKey,
    policy: &str,
) -> Result<(), Box<dyn Error>> {
    let put = cloud.kms(region).put_key_policy().key_id(key.arn(region));
    put.policy(policy).send().await?;
    Ok(())
}
