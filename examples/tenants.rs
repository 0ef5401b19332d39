//! Many tenants in one table, each under a branch key of its own: a handle for each tenant, an attacker with
//! full rights on the table, and rotation.
//!
//! `cargo run --example tenants`. Everything runs in this process.

use std::error::Error;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::HierarchicalKeyring;
use dynaseal::testkit::{Cloud, KeyType, Service, TableDefinition};
use dynaseal::{Redacted, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

const REGION: &str = "us-east-1";

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "invoices", default = "encrypt")]
struct Invoice {
    #[seal(partition_key)]
    id: String,
    /// Chooses the keys; in clear, signed, and bound to them.
    #[seal(tenant)]
    tenant: String,
    iban: Redacted<String>,
}

type Invoices = SealedTable<Invoice>;

fn invoice(id: &str, tenant: &str) -> Invoice {
    Invoice {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        iban: "DE89370400440532013000".to_owned().into(),
    }
}

/// An administrator's work, once: the key store, and a branch key for each tenant.
async fn create_keys(store: &KeyStore) -> Result<(), Box<dyn Error>> {
    store.create_key_store().await?;
    for tenant in ["acme", "globex"] {
        let create = store.create_key().branch_key_id(tenant);
        let create = create.encryption_context([("tenant", tenant)]);
        create.send().await?;
    }
    Ok(())
}

async fn write(acme: &Invoices, globex: &Invoices) -> Result<(), Box<dyn Error>> {
    for number in 0..50 {
        let (own, other) = (format!("a-{number}"), format!("g-{number}"));
        acme.put(&invoice(&own, "acme")).send().await?;
        globex.put(&invoice(&other, "globex")).send().await?;
    }
    Ok(())
}

async fn mix_up(acme: &Invoices) {
    println!("\nA handle sees one tenant:");
    let refused = report(acme.put(&invoice("a-1", "globex")).send().await);
    println!("  acme's handle writes an invoice of globex: {refused}");
    let refused = report(acme.get("g-1").send().await);
    println!("  acme's handle reads g-1, an invoice of globex: {refused}");
}

async fn attack(cloud: &Cloud, acme: &Invoices) -> Result<(), Box<dyn Error>> {
    println!(
        "\nAn administrator of the table copies globex's invoice g-1 over a-1, with acme's name in it:"
    );
    let dynamodb = cloud.dynamodb(REGION);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let stolen = dynamodb.get_item().table_name("invoices");
    let stolen = stolen.key("id", text("g-1")).send().await?;
    let mut item = stolen.item.ok_or("it is there")?;
    item.insert("id".to_owned(), text("a-1"));
    item.insert("tenant".to_owned(), text("acme"));
    let put = dynamodb.put_item().table_name("invoices");
    put.set_item(Some(item)).send().await?;
    let refused = report(acme.get("a-1").send().await);
    println!("  acme's handle reads a-1: {refused}");
    Ok(())
}

async fn rotate(store: &KeyStore, acme: &Invoices) -> Result<(), Box<dyn Error>> {
    let version = store.version_key("acme").await?;
    println!(
        "\nacme's branch key is rotated to version {version}. What was sealed before and after:"
    );
    acme.put(&invoice("a-50", "acme")).send().await?;
    for id in ["a-2", "a-50"] {
        let opened = acme.get(id).send().await?.ok_or("it is there")?;
        println!("  {id}: opens, iban {:?} (hidden by its type)", opened.iban);
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([REGION]).await?;
    let key = cloud.create_multi_region_key(REGION, [""; 0]).await?;
    let definition = TableDefinition::new("invoices").partition_key("id", KeyType::S);
    cloud.create_global_table(&definition).await?;
    let regions = RegionSet::builder(&cloud.sdk_config(REGION));
    let regions = regions.local(REGION).build()?;

    let kms = KeyStoreKms::mrk_arn(key.arn(REGION));
    let store = KeyStore::builder("branch-keys", "branch-keys", kms, &regions).build()?;
    create_keys(&store).await?;
    let keyring = HierarchicalKeyring::builder(&store);
    let keyring = keyring.branch_key_per_tenant("tenant").build()?;
    let table = Invoices::builder("invoices", keyring, &regions).build()?;
    let (acme, globex) = (table.tenant("acme")?, table.tenant("globex")?);

    cloud.reset_calls();
    write(&acme, &globex).await?;
    let calls = cloud.calls(REGION, Service::Kms);
    println!(
        "100 invoices of 2 tenants are written: {calls} calls to KMS, one for each branch key."
    );
    mix_up(&acme).await;
    attack(&cloud, &acme).await?;
    rotate(&store, &acme).await
}

fn report<T, E: Error>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(_) => "done".to_owned(),
        Err(error) => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
