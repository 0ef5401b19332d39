//! Single-table design: customers and orders in one table, each type sealed by its own model, read
//! together and told apart. Then an administrator tries to have one read as the other, and a table that
//! is still being migrated is read.
//!
//! `cargo run --example single_table`

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::item::{Discriminator, Entities, Entity, Model};
use dynaseal::table::{Found, PlaintextKeys, PlaintextPolicy};
use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
use dynaseal::{Item, KmsMrkKeyring, Redacted, RegionSet, Seal, SealedTable};
use serde::{Deserialize, Serialize};

const REGION: &str = "eu-west-1";

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "shop", default = "encrypt")]
struct Customer {
    #[seal(partition_key)]
    pk: String,
    #[seal(sort_key)]
    sk: String,
    ssn: Redacted<String>,
}

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "shop", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    pk: String,
    #[seal(sort_key)]
    sk: String,
    card: Redacted<String>,
    #[seal(sign)]
    cents: u64,
    #[seal(version)]
    version: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([REGION]).await?;
    let key = cloud.create_multi_region_key(REGION, [""; 0]).await?;
    let definition = TableDefinition::new("shop")
        .partition_key("pk", KeyType::S)
        .sort_key("sk", KeyType::S);
    cloud.create_global_table(&definition).await?;
    let config = cloud.sdk_config(REGION);
    let regions = RegionSet::builder(&config).local(REGION).build()?;
    let keyring = KmsMrkKeyring::new(key.arn(REGION), &regions)?;

    show_ambiguous_types();
    let entities = Entities::builder()
        .entity::<Customer>("customer", Discriminator::sort_key("PROFILE"))
        .entity::<Order>("order", Discriminator::sort_key_prefix("ORDER#"))
        .build()?;
    // Orders of before the migration, until it is over.
    let unsealed = PlaintextKeys::new();
    let now = config.time_source().ok_or("no clock")?.now();
    let policy = PlaintextPolicy::allow_keys(unsealed.clone(), now + Duration::from_secs(3600));
    let table = SealedTable::<Entity>::builder("shop", keyring, &regions)
        .entities(&entities)
        .plaintext_policy(policy)
        .build()?;

    let dynamodb = cloud.dynamodb(REGION);
    write_and_read(&table).await?;
    steal(&dynamodb, &table).await?;
    migrate(&dynamodb, &table, &unsealed).await
}

fn show_ambiguous_types() {
    println!("Types that one item could satisfy together are refused when the table is built:");
    let ambiguous = Entities::builder()
        .entity::<Customer>("customer", Discriminator::partition_key_prefix("CUSTOMER#"))
        .entity::<Order>("order", Discriminator::sort_key_prefix("ORDER#"))
        .build();
    show(ambiguous);
}

async fn write_and_read(table: &SealedTable<Entity>) -> Result<(), Box<dyn Error>> {
    let customers = table.typed::<Customer>()?;
    let orders = table.typed::<Order>()?;
    let ada = Customer {
        pk: "CUSTOMER#1".to_owned(),
        sk: "PROFILE".to_owned(),
        ssn: "078-05-1120".to_owned().into(),
    };
    customers.put(&ada).if_not_exists().send().await?;
    orders.put(&order("ORDER#7")).send().await?;

    println!("\nRead together, each comes with its name and goes into its model:");
    for sk in ["PROFILE", "ORDER#7"] {
        let found = table.get(("CUSTOMER#1", sk)).send().await?;
        let found = found.ok_or("just written")?;
        match found.name() {
            Some("customer") => println!("  {:?}", found.into::<Customer>()?),
            Some("order") => println!("  {:?}", found.into::<Order>()?),
            other => return Err(format!("{other:?} is no type of ours").into()),
        }
    }

    println!("\nA table of customers seals no order, and reads none:");
    let disguised = Customer {
        sk: "ORDER#7".to_owned(),
        ..ada
    };
    show(customers.put(&disguised).send().await);
    show(customers.get(("CUSTOMER#1", "ORDER#7")).send().await);

    println!("\nNor does the whole table, what is of no type:");
    let mut stray = order("ORDER#8").to_item()?;
    stray.insert("sk".to_owned(), text("INVOICE#1"));
    show(table.untyped().put(&stray).send().await);
    Ok(())
}

async fn steal(dynamodb: &Client, table: &SealedTable<Entity>) -> Result<(), Box<dyn Error>> {
    println!(
        "\nAn administrator moves an order under another key, of the same type and of the other:"
    );
    for sk in ["ORDER#9", "PROFILE"] {
        let get = dynamodb.get_item().table_name("shop");
        let get = get.set_key(Some(stored_key("ORDER#7")));
        let mut stolen = get.send().await?.item.ok_or("stored")?;
        stolen.insert("sk".to_owned(), text(sk));
        let put = dynamodb.put_item().table_name("shop");
        put.set_item(Some(stolen)).send().await?;
        show(table.get(("CUSTOMER#1", sk)).send().await);
    }
    Ok(())
}

async fn migrate(
    dynamodb: &Client,
    table: &SealedTable<Entity>,
    unsealed: &PlaintextKeys,
) -> Result<(), Box<dyn Error>> {
    let orders = table.typed::<Order>()?;
    println!(
        "\nAn order from before the migration, for who asks for plaintext and only until it is sealed:"
    );
    let put = dynamodb.put_item().table_name("shop");
    let old = Order {
        version: 3,
        ..order("ORDER#1")
    }
    .to_item()?;
    put.set_item(Some(old.clone())).send().await?;
    show(
        orders
            .get(("CUSTOMER#1", "ORDER#1"))
            .allow_plaintext()
            .send()
            .await,
    );
    unsealed.insert(("CUSTOMER#1", "ORDER#1"));
    let get = orders.get(("CUSTOMER#1", "ORDER#1")).allow_plaintext();
    let Some(Found::Plaintext(found)) = get.send().await? else {
        return Err("not sealed yet".into());
    };
    println!("  nobody vouches for {:?}", found.unauthenticated());
    orders.put(&found.into_unauthenticated()).send().await?;
    println!(
        "  sealed: {} left, {} read; the old item put back:",
        unsealed.len(),
        table.plaintext_reads()
    );
    let put = dynamodb.put_item().table_name("shop");
    put.set_item(Some(old)).send().await?;
    show(
        orders
            .get(("CUSTOMER#1", "ORDER#1"))
            .allow_plaintext()
            .send()
            .await,
    );
    Ok(())
}

fn order(sk: &str) -> Order {
    Order {
        pk: "CUSTOMER#1".to_owned(),
        sk: sk.to_owned(),
        card: "4111 1111 1111 1111".to_owned().into(),
        cents: 4299,
        version: 0,
    }
}

fn stored_key(sk: &str) -> Item {
    Item::from([
        ("pk".to_owned(), text("CUSTOMER#1")),
        ("sk".to_owned(), text(sk)),
    ])
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Prints an error that had to come, with everything it came from.
fn show<T, E: Error>(result: Result<T, E>) {
    let error = result.err().expect("refused");
    let mut line = format!("  {error}");
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(&format!(": {error}"));
        source = error.source();
    }
    println!("{line}");
}
