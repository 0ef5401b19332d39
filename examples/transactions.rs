//! An order is placed in one transaction over four tables: the customer must be in good standing, the
//! stock goes down, the order comes into being and is counted. Then what happens when a condition fails, when two buyers want
//! the last piece, and when an answer is lost.
//!
//! `cargo run --example transactions`

use std::error::Error;

use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::item::Model;
use dynaseal::table::{TransactGet, TransactWrite};
use dynaseal::testkit::{Cloud, Fault, KeyType, Service, TableDefinition};
use dynaseal::{KmsMrkKeyring, Redacted, RegionSet, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

const REGION: &str = "eu-west-1";

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
struct Customer {
    #[seal(partition_key)]
    id: String,
    card: Redacted<String>,
    #[seal(sign)]
    state: String,
}

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "products", default = "encrypt")]
struct Product {
    #[seal(partition_key)]
    id: String,
    #[seal(sign)]
    in_stock: u32,
    supplier: String,
    #[seal(version)]
    version: u64,
}

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "orders", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    id: String,
    customer: String,
    product: String,
}

/// A counter in an item of its own: whoever puts an item replaces its unsigned attributes as well.
#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "tallies", default = "encrypt")]
struct Tally {
    #[seal(partition_key)]
    id: String,
    #[seal(unsigned)]
    #[serde(rename = ":count")]
    count: Unsigned<u64>,
}

/// Transactions take tables that were built with clones of one region set.
struct Shop {
    customers: SealedTable<Customer>,
    products: SealedTable<Product>,
    orders: SealedTable<Order>,
    tallies: SealedTable<Tally>,
}

impl Shop {
    async fn open(cloud: &Cloud) -> Result<Self, Box<dyn Error>> {
        for name in ["customers", "products", "orders", "tallies"] {
            let definition = TableDefinition::new(name).partition_key("id", KeyType::S);
            cloud.create_global_table(&definition).await?;
        }
        let key = cloud.create_multi_region_key(REGION, [""; 0]).await?;
        let regions = RegionSet::builder(&cloud.sdk_config(REGION))
            .local(REGION)
            .build()?;
        let keyring = KmsMrkKeyring::new(key.arn(REGION), &regions)?;
        Ok(Self {
            customers: SealedTable::builder("customers", keyring.clone(), &regions).build()?,
            products: SealedTable::builder("products", keyring.clone(), &regions).build()?,
            orders: SealedTable::builder("orders", keyring.clone(), &regions).build()?,
            tallies: SealedTable::builder("tallies", keyring, &regions).build()?,
        })
    }

    /// The customer and the product as they were at one moment, each as its own model.
    async fn look(&self) -> Result<(Customer, Product), Box<dyn Error>> {
        let mut reads = TransactGet::new();
        let customer = reads.get(&self.customers, "ada");
        let product = reads.get(&self.products, "teapot");
        let mut found = reads.send().await?;
        let customer = found.take(customer)?.ok_or("no such customer")?;
        let product = found.take(product)?.ok_or("no such product")?;
        Ok((customer, product))
    }

    /// Everything that belongs to an order of one piece. The version of the product sees to it that
    /// nobody else changes the stock meanwhile.
    fn order(&self, order: &str, product: Product) -> TransactWrite {
        let order = Order {
            id: order.to_owned(),
            customer: "ada".to_owned(),
            product: product.id.clone(),
        };
        let product = Product {
            in_stock: product.in_stock - 1,
            ..product
        };
        let counted = UpdateExpression::new().add(":count", 1);
        TransactWrite::new()
            .check(&self.customers, "ada", attribute("state").eq("active"))
            .put(&self.products, &product)
            .put_if_not_exists(&self.orders, &order)
            .update_unsigned(&self.tallies, "orders", counted)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([REGION]).await?;
    let shop = Shop::open(&cloud).await?;
    let ada = stock(&shop).await?;
    fail_a_condition(&shop).await?;
    let active = Customer {
        state: "active".to_owned(),
        ..ada
    };
    shop.customers.put(&active).send().await?;
    race(&shop).await?;
    lose_an_answer(&cloud, &shop).await?;
    refusals(&shop).await
}

/// A customer, three teapots and no order yet, all at once.
async fn stock(shop: &Shop) -> Result<Customer, Box<dyn Error>> {
    let ada = Customer {
        id: "ada".to_owned(),
        card: "4111 1111 1111 1111".to_owned().into(),
        state: "blocked".to_owned(),
    };
    let teapots = Product {
        id: "teapot".to_owned(),
        in_stock: 3,
        supplier: "Utah Pottery".to_owned(),
        version: 0,
    };
    let orders = Tally {
        id: "orders".to_owned(),
        count: Unsigned::new(0),
    };
    TransactWrite::new()
        .put(&shop.customers, &ada)
        .put_if_not_exists(&shop.products, &teapots)
        .put_if_not_exists(&shop.tallies, &orders)
        .send()
        .await?;
    Ok(ada)
}

async fn fail_a_condition(shop: &Shop) -> Result<(), Box<dyn Error>> {
    println!("A condition fails, so nothing happens:");
    let (_, product) = shop.look().await?;
    let error = shop
        .order("o-1", product)
        .send()
        .await
        .expect_err("she is blocked");
    println!("  {error}");
    for (index, reason) in error.reasons().iter().enumerate() {
        println!("  operation {index}: {}", reason.code());
        if let Some(stored) = reason.item() {
            let customer = Customer::from_opened(stored.clone()?)?;
            println!("    what is stored, verified and opened: {customer:?}");
        }
    }
    Ok(())
}

async fn race(shop: &Shop) -> Result<(), Box<dyn Error>> {
    println!("\nTwo buyers read the same stock, and one of them is faster:");
    let ((_, first), (_, second)) = (shop.look().await?, shop.look().await?);
    let output = shop.order("o-1", first).send().await?;
    println!(
        "  the first wrote version {:?} of the product",
        output.version(1)
    );
    let error = shop
        .order("o-2", second)
        .send()
        .await
        .expect_err("the version is gone");
    println!("  the second: {}", source(&error));
    let (_, product) = shop.look().await?;
    shop.order("o-2", product).send().await?;
    println!(
        "  and after reading again: {} left",
        shop.look().await?.1.in_stock
    );
    Ok(())
}

async fn lose_an_answer(cloud: &Cloud, shop: &Shop) -> Result<(), Box<dyn Error>> {
    println!("\nAn answer is lost, and the caller does not know what happened:");
    let (_, product) = shop.look().await?;
    let prepared = shop.order("o-3", product).prepare().await?;
    let every_attempt = Fault::LostResponse.on("TransactWriteItems").times(3);
    cloud.region(REGION).fail(Service::DynamoDb, every_attempt);
    let error = prepared.send().await.expect_err("no answer arrives");
    println!("  {error}");
    prepared.send().await?;
    let tally = shop.tallies.get("orders").send().await?.ok_or("no tally")?;
    let count = *tally.count.unauthenticated();
    println!("  sent again, the same bytes under the same token: {count} orders, 3 teapots sold");
    assert_eq!((count, shop.look().await?.1.in_stock), (3, 0));
    Ok(())
}

async fn refusals(shop: &Shop) -> Result<(), Box<dyn Error>> {
    println!("\nWhat is refused never leaves:");
    let guess = attribute("supplier").eq("Utah Pottery");
    let encrypted = TransactWrite::new().check(&shop.products, "teapot", guess);
    let error = encrypted
        .send()
        .await
        .expect_err("DynamoDB would compare ciphertext");
    println!("  {}", source(&error));
    let twice = TransactWrite::new()
        .delete(&shop.orders, "o-1")
        .delete(&shop.orders, "o-1");
    let error = twice.send().await.expect_err("one item, two operations");
    println!("  {}", source(&error));
    Ok(())
}

/// The error and its cause. Neither shows a value.
fn source(error: &dyn Error) -> String {
    let cause = error.source().map(|cause| format!("{error}: {cause}"));
    let cause = cause.unwrap_or_else(|| error.to_string());
    match error.source().and_then(Error::source) {
        Some(inner) => format!("{cause}: {inner}"),
        None => cause,
    }
}
