//! A tenant is erased: what opens no more, what backups still open, and the receipt.
//!
//! `cargo run --example erasure`. Everything runs in this process, on a clock that jumps over the waits.

use std::error::Error;

use aws_sdk_kms::types::{KeySpec, KeyUsageType, MacAlgorithmSpec};
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::HierarchicalKeyring;
use dynaseal::table::{ErasureReceipt, ReceiptKey};
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, TableDefinition, VirtualTime};
use dynaseal::{ConfigError, Item, Redacted, RegionSet, Seal, SealedTable};
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

struct World {
    cloud: Cloud,
    time: VirtualTime,
    key: MultiRegionKey,
    regions: RegionSet,
}

impl World {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let cloud = Cloud::start([US, EU]).await?;
        let time = VirtualTime::of(&cloud);
        let key = cloud.create_multi_region_key(US, [EU]).await?;
        let patients = TableDefinition::new("patients").partition_key("id", KeyType::S);
        cloud.create_global_table(&patients).await?;
        let keys = TableDefinition::new("branch-keys").partition_key("branch-key-id", KeyType::S);
        let keys = keys.sort_key("type", KeyType::S);
        cloud.create_global_table(&keys).await?;
        let regions = RegionSet::builder(&cloud.sdk_config_at(US, &time));
        let regions = regions.local(US).fallback(EU).build()?;
        Ok(Self {
            cloud,
            time,
            key,
            regions,
        })
    }

    fn store(&self) -> Result<KeyStore, ConfigError> {
        let kms = KeyStoreKms::mrk_arn(self.key.arn(US));
        KeyStore::builder("branch-keys", "branch-keys", kms, &self.regions).build()
    }

    /// As a process that starts: nothing is in memory.
    fn patients(&self) -> Result<SealedTable<Patient>, ConfigError> {
        let keyring = HierarchicalKeyring::builder(&self.store()?);
        let keyring = keyring.branch_key_per_tenant("clinic").build()?;
        SealedTable::builder("patients", keyring, &self.regions).build()
    }

    async fn fill(&self) -> Result<(), Box<dyn Error>> {
        let (store, patients) = (self.store()?, self.patients()?);
        for (id, clinic) in [("p-1", "north"), ("p-2", "south")] {
            let create = store.create_key().branch_key_id(clinic);
            let create = create.encryption_context([("clinic", clinic)]);
            create.send().await?;
            let patient = Patient {
                id: id.to_owned(),
                clinic: clinic.to_owned(),
                diagnosis: "none of your business".to_owned().into(),
            };
            patients.put(&patient).send().await?;
        }
        self.cloud.replicate().await;
        Ok(())
    }

    async fn erase(&self, clinic: &str) -> Result<ErasureReceipt, Box<dyn Error>> {
        let key = ReceiptKey::mac(self.create_mac_key().await?, MacAlgorithmSpec::HmacSha256);
        let erase = self.patients()?.erase_tenant(clinic).signed_by(key);
        let receipt = erase.send().await?;
        self.cloud.replicate().await;
        Ok(receipt)
    }

    async fn create_mac_key(&self) -> Result<String, Box<dyn Error>> {
        let create = self.cloud.kms(US).create_key().key_spec(KeySpec::Hmac256);
        let create = create.key_usage(KeyUsageType::GenerateVerifyMac);
        let metadata = create.send().await?.key_metadata;
        let metadata = metadata.ok_or("KMS describes what it creates")?;
        Ok(metadata.arn.ok_or("keys have an ARN")?)
    }

    async fn restore(&self, rows: Vec<Item>) -> Result<(), Box<dyn Error>> {
        for row in rows {
            let put = self.cloud.dynamodb(US).put_item().table_name("branch-keys");
            put.set_item(Some(row)).send().await?;
        }
        Ok(())
    }

    /// Replaces the key's policy in every region. Yours has more statements: add this one to them.
    async fn deny(&self, statement: &str) -> Result<(), Box<dyn Error>> {
        let rest = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
        let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{rest}, {statement}]}}"#);
        for region in [US, EU] {
            let put = self.cloud.kms(region).put_key_policy();
            let put = put.key_id(self.key.arn(region)).policy(&policy);
            put.send().await?;
        }
        Ok(())
    }

    /// What a process reads that starts now.
    async fn show(&self) -> Result<(), Box<dyn Error>> {
        let patients = self.patients()?;
        for id in ["p-1", "p-2"] {
            match patients.get(id).send().await {
                Ok(Some(patient)) => println!("  {id}: opens, a patient of `{}`", patient.clinic),
                Ok(None) => println!("  {id}: there is none"),
                Err(error) => println!("  {id}: does not open: {}", innermost(&error)),
            }
        }
        Ok(())
    }
}

async fn story(world: &World) -> Result<(), Box<dyn Error>> {
    world.fill().await?;
    println!(
        "Two patients: p-1 of clinic `north`, p-2 of clinic `south`. A process that starts now reads:"
    );
    world.show().await?;
    // Somebody keeps a copy of the key store, as a backup does.
    let backup = world.cloud.stored(US, "branch-keys")?;

    let receipt = world.erase("north").await?;
    println!(
        "\nThe tenant `north` is erased. It took {:?}, most of it the wait for processes that may still have \
         its key in memory. The receipt, to be kept as it is:\n",
        world.time.elapsed()
    );
    println!("{}", receipt.document());
    let signature = receipt.signature().ok_or("a key was named")?;
    let (signer, algorithm) = (signature.key_arn(), signature.algorithm());
    println!("\nIt is signed by {signer} ({algorithm}).");

    println!("\nA process that starts now reads:");
    world.show().await?;

    println!("\nSomebody restores the key store from a backup, which brings the keys back:");
    world.restore(backup).await?;
    world.show().await?;

    println!(
        "\nSo the statement from the receipt goes into the key's policy, in every region. Then:"
    );
    world.deny(&receipt.key_policy_statement()).await?;
    world.show().await
}

/// What the keyring said. The SDK's own error, below that, is long.
fn innermost(error: &dyn Error) -> String {
    match error.source() {
        Some(source) if source.source().is_some() => innermost(source),
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::start().await?;
    world.time.run(story(&world)).await
}
