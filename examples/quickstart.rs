//! The main job, in one process: a model is sealed in us-east-1 under a KMS multi-Region key,
//! replicates as an item of a global table, and is opened in eu-west-1 with the local replica of the
//! key. Then a database administrator with full rights on the table tries five attacks.
//!
//! `cargo run --example quickstart`

use std::error::Error;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::testkit::{Cloud, KeyType, Service, TableDefinition};
use dynaseal::{
    Item, KmsMrkKeyring, OperationError, Redacted, RegionSet, Seal, SealedTable, Unsigned,
};
use serde::{Deserialize, Serialize};

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: String,
    ssn: Redacted<String>,
    address: Address,
    #[seal(sign)]
    plan: String,
    #[seal(context)]
    tenant: String,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Address {
    street: String,
    city: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Two regions of DynamoDB and KMS in this process; against AWS, `aws_config` gives the config.
    let cloud = Cloud::start([US, EU]).await?;
    let key = cloud.create_multi_region_key(US, [EU]).await?;
    let definition = TableDefinition::new("customers")
        .partition_key("customerId", KeyType::S)
        .sort_key("record", KeyType::S);
    cloud.create_global_table(&definition).await?;

    let ada = Customer {
        customer_id: "c-1".to_owned(),
        record: "profile".to_owned(),
        ssn: "078-05-1120".to_owned().into(),
        address: Address {
            street: "12 St James's Square".to_owned(),
            city: "London".to_owned(),
        },
        plan: "gold".to_owned(),
        tenant: "acme".to_owned(),
        views: Unsigned::new(41),
    };
    println!("The model, as the application has it:\n  {ada:?}\n");

    let us = table(&cloud, US, &key.arn(US))?;
    us.put(&ada).if_not_exists().send().await?;
    cloud.replicate().await;
    for region in [US, EU] {
        println!("The item, as an administrator sees it in {region}:");
        print(&raw(&cloud, region, "c-1").await?.ok_or("not replicated")?)?;
    }

    cloud.reset_calls();
    let eu = table(&cloud, EU, &key.arn(US))?;
    let opened = eu
        .get(("c-1", "profile"))
        .send_opened()
        .await?
        .ok_or("not found")?;
    println!("Opened in {EU} with {}", opened.key().unwrap_or_default());
    println!(
        "  suite {}, forgeable only by {:?}",
        opened.suite(),
        opened.authenticity()
    );
    let found = eu
        .get(("c-1", "profile"))
        .send()
        .await?
        .ok_or("not found")?;
    println!(
        "  {found:?}\n  ssn, asked for by name: {}",
        found.ssn.expose()
    );
    println!(
        "KMS calls for two reads: {} in {EU}, {} in {US}\n",
        cloud.calls(EU, Service::Kms),
        cloud.calls(US, Service::Kms)
    );
    assert_eq!(
        cloud.calls(US, Service::Kms),
        0,
        "the read stayed in its region"
    );

    attack(&cloud, &eu).await
}

/// The application's table in one region. The key is named by one ARN everywhere; requests go to
/// the replica of the region they are made in.
fn table(
    cloud: &Cloud,
    region: &str,
    key_arn: &str,
) -> Result<SealedTable<Customer>, Box<dyn Error>> {
    let regions = RegionSet::builder(&cloud.sdk_config(region))
        .local(region)
        .build()?;
    let keyring = KmsMrkKeyring::new(key_arn, &regions)?;
    Ok(SealedTable::builder("customers", keyring, &regions).build()?)
}

/// Five attacks with full rights on the table and none on the key.
async fn attack(cloud: &Cloud, table: &SealedTable<Customer>) -> Result<(), Box<dyn Error>> {
    let sealed = raw(cloud, EU, "c-1").await?.ok_or("not found")?;

    let mut changed = sealed.clone();
    let mut bytes = sealed["ssn"]
        .as_b()
        .map_err(|_| "not encrypted")?
        .as_ref()
        .to_vec();
    bytes[5] ^= 1;
    changed.insert("ssn".to_owned(), AttributeValue::B(Blob::new(bytes)));
    refuse(cloud, table, "one bit of an attribute changed", changed).await?;

    let mut swapped = sealed.clone();
    swapped.insert("ssn".to_owned(), sealed["address"].clone());
    swapped.insert("address".to_owned(), sealed["ssn"].clone());
    refuse(cloud, table, "two encrypted attributes swapped", swapped).await?;

    let mut copied = sealed.clone();
    copied.insert("customerId".to_owned(), AttributeValue::S("c-2".to_owned()));
    refuse(
        cloud,
        table,
        "the whole item copied under another key",
        copied,
    )
    .await?;

    let mut stripped = sealed.clone();
    stripped.retain(|name, _| !name.starts_with("aws_dbe_"));
    refuse(cloud, table, "header and footer stripped", stripped).await?;

    let mut extended = sealed;
    extended.insert("isAdmin".to_owned(), AttributeValue::Bool(true));
    refuse(cloud, table, "an attribute added", extended).await
}

/// Puts the item past the library, and expects the application to refuse it.
async fn refuse(
    cloud: &Cloud,
    table: &SealedTable<Customer>,
    attack: &str,
    item: Item,
) -> Result<(), Box<dyn Error>> {
    let id = item["customerId"].as_s().map_err(|_| "no key")?.clone();
    cloud
        .dynamodb(EU)
        .put_item()
        .table_name("customers")
        .set_item(Some(item))
        .send()
        .await?;
    match table.get((id, "profile")).send().await {
        Ok(_) => Err(format!("went unnoticed: {attack}").into()),
        Err(OperationError::Open(error)) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            println!("Refused: {attack}\n  {error}: {cause}");
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}

/// What the store holds, read without the library.
async fn raw(cloud: &Cloud, region: &str, id: &str) -> Result<Option<Item>, Box<dyn Error>> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let get = cloud.dynamodb(region).get_item().table_name("customers");
    let output = get
        .key("customerId", text(id))
        .key("record", text("profile"))
        .send()
        .await?;
    Ok(output.item)
}

fn print(item: &Item) -> Result<(), Box<dyn Error>> {
    let mut names: Vec<_> = item.keys().collect();
    names.sort_unstable();
    for name in names {
        let json = serde_json::to_string(&serde_dynamo::AttributeValue::from(item[name].clone()))?;
        let shown: String = json.chars().take(60).collect();
        println!(
            "  {name:14} {shown}{}",
            if shown.len() < json.len() { "…" } else { "" }
        );
    }
    println!();
    Ok(())
}
