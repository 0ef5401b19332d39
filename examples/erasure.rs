//! A tenant is erased: what opens no more, what backups still open, and the receipt.
//!
//! `cargo run --example erasure`. Everything runs in this process, on a clock that jumps over the waits.

use std::error::Error;

use aws_sdk_kms::types::{KeySpec, KeyUsageType, MacAlgorithmSpec};
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::HierarchicalKeyring;
use dynaseal::table::ReceiptKey;
use dynaseal::testkit::{Cloud, KeyType, TableDefinition, VirtualTime};
use dynaseal::{Item, Redacted, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";

/// Patients of clinics: what is known of a clinic's patients goes when the clinic does.

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Patient {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    clinic: String,
    diagnosis: Redacted<String>,
}

async fn story(cloud: &Cloud, time: &VirtualTime) -> Result<(), Box<dyn Error>> {
    let key = cloud.create_multi_region_key(US, [EU]).await?;
    let definition = TableDefinition::new("patients").partition_key("id", KeyType::S);
    cloud.create_global_table(&definition).await?;
    let definition = TableDefinition::new("branch-keys").partition_key("branch-key-id", KeyType::S);
    let definition = definition.sort_key("type", KeyType::S);
    cloud.create_global_table(&definition).await?;

    let regions = RegionSet::builder(&cloud.sdk_config_at(US, time))
        .local(US)
        .fallback(EU);
    let regions = regions.build()?;
    let store = || {
        let kms = KeyStoreKms::mrk_arn(key.arn(US));
        KeyStore::builder("branch-keys", "branch-keys", kms, &regions).build()
    };
    for clinic in ["north", "south"] {
        let create = store()?.create_key().branch_key_id(clinic);
        create
            .encryption_context([("clinic", clinic)])
            .send()
            .await?;
    }
    // As a process that starts: nothing is in memory.
    let table = || -> Result<_, Box<dyn Error>> {
        let keyring = HierarchicalKeyring::builder(&store()?);
        let keyring = keyring.branch_key_per_tenant("clinic").build()?;
        Ok(SealedTable::<Patient>::builder("patients", keyring, &regions).build()?)
    };
    let patients = table()?;
    for (id, clinic) in [("p-1", "north"), ("p-2", "south")] {
        let (id, clinic) = (id.to_owned(), clinic.to_owned());
        let diagnosis = "none of your business".to_owned().into();
        patients
            .put(&Patient {
                id,
                clinic,
                diagnosis,
            })
            .send()
            .await?;
    }
    cloud.replicate().await;
    println!(
        "Two patients: p-1 of clinic `north`, p-2 of clinic `south`. A process that starts now reads:"
    );
    show(&table()?).await;
    // Somebody keeps a copy of the key store, as a backup does.
    let backup = cloud.stored(US, "branch-keys")?;

    let mac_key = create_mac_key(cloud).await?;
    let erase = patients.erase_tenant("north");
    let erase = erase.signed_by(ReceiptKey::mac(mac_key, MacAlgorithmSpec::HmacSha256));
    let receipt = erase.send().await?;
    cloud.replicate().await;
    println!(
        "\nThe tenant `north` is erased. It took {:?}, most of it the wait for processes that may still have \
         its key in memory. The receipt, to be kept as it is:\n",
        time.elapsed()
    );
    println!("{}", receipt.document());
    let signature = receipt.signature().ok_or("a key was named")?;
    println!(
        "\nIt is signed by {} ({}).",
        signature.key_arn(),
        signature.algorithm()
    );

    println!("\nA process that starts now reads:");
    show(&table()?).await;

    println!("\nSomebody restores the key store from a backup, which brings the keys back:");
    restore(cloud, backup).await?;
    show(&table()?).await;

    println!(
        "\nSo the statement from the receipt goes into the key's policy, in every region. Then:"
    );
    for region in [US, EU] {
        deny(
            cloud,
            region,
            &key.arn(region),
            &receipt.key_policy_statement(),
        )
        .await?;
    }
    show(&table()?).await;
    Ok(())
}

async fn show(patients: &SealedTable<Patient>) {
    for id in ["p-1", "p-2"] {
        match patients.get(id).send().await {
            Ok(Some(patient)) => println!("  {id}: opens, a patient of `{}`", patient.clinic),
            Ok(None) => println!("  {id}: there is none"),
            Err(error) => println!("  {id}: does not open: {}", innermost(&error)),
        }
    }
}

/// What the keyring said. The SDK's own error, below that, is long.
fn innermost(error: &dyn Error) -> String {
    match error.source() {
        Some(source) if source.source().is_some() => innermost(source),
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

async fn create_mac_key(cloud: &Cloud) -> Result<String, Box<dyn Error>> {
    let create = cloud.kms(US).create_key().key_spec(KeySpec::Hmac256);
    let created = create
        .key_usage(KeyUsageType::GenerateVerifyMac)
        .send()
        .await?;
    let metadata = created
        .key_metadata
        .ok_or("KMS describes what it creates")?;
    Ok(metadata.arn.ok_or("keys have an ARN")?)
}

async fn restore(cloud: &Cloud, rows: Vec<Item>) -> Result<(), Box<dyn Error>> {
    for row in rows {
        let put = cloud.dynamodb(US).put_item().table_name("branch-keys");
        put.set_item(Some(row)).send().await?;
    }
    Ok(())
}

/// Replaces the key's policy in a region. Yours has more statements: add this one to them.
async fn deny(
    cloud: &Cloud,
    region: &str,
    key: &str,
    statement: &str,
) -> Result<(), Box<dyn Error>> {
    let rest = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{rest}, {statement}]}}"#);
    let put = cloud.kms(region).put_key_policy().key_id(key);
    put.policy(policy).send().await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([US, EU]).await?;
    let time = VirtualTime::of(&cloud);
    time.run(story(&cloud, &time)).await
}
