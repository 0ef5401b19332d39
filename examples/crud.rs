//! A table's everyday work, in one process: put under a condition, get, query, update by closure,
//! count in place, batch, delete; and what is refused before it leaves, with the words of the errors.
//!
//! `cargo run --example crud`

use std::error::Error;

use dynaseal::expression::{SortKeyCondition, UpdateExpression, attribute};
use dynaseal::testkit::{Cloud, KeyType, Service, TableDefinition};
use dynaseal::{KmsMrkKeyring, OperationError, Redacted, RegionSet, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

const REGION: &str = "eu-west-1";

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
struct Account {
    #[seal(partition_key)]
    customer: String,
    #[seal(sort_key)]
    number: u32,
    iban: Redacted<String>,
    balance: i64,
    #[seal(sign)]
    plan: String,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
    #[seal(version)]
    version: u64,
}

fn account(number: u32, plan: &str) -> Account {
    Account {
        customer: "c-1".to_owned(),
        number,
        iban: format!("DE02 1203 0000 0000 {number:04}").into(),
        balance: 100,
        plan: plan.to_owned(),
        views: Unsigned::new(0),
        version: 0, // not stored yet
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cloud = Cloud::start([REGION]).await?;
    let key = cloud.create_multi_region_key(REGION, [""; 0]).await?;
    let definition = TableDefinition::new("accounts")
        .partition_key("customer", KeyType::S)
        .sort_key("number", KeyType::N);
    cloud.create_global_table(&definition).await?;
    let regions = RegionSet::builder(&cloud.sdk_config(REGION))
        .local(REGION)
        .build()?;
    let keyring = KmsMrkKeyring::new(key.arn(REGION), &regions)?;
    let table = SealedTable::<Account>::builder("accounts", keyring, &regions).build()?;

    write_and_read(&table).await?;
    change(&table).await?;
    refusals(&cloud, &table).await?;
    table
        .delete(("c-1", 1))
        .condition(attribute("plan").eq("gold"))
        .send()
        .await?;
    println!("deleted c-1/1, which was on the gold plan");
    Ok(())
}

async fn write_and_read(table: &SealedTable<Account>) -> Result<(), Box<dyn Error>> {
    let put = table.put(&account(1, "free")).send().await?;
    println!("put c-1/1, version {:?}", put.version());

    // A versioned model is an optimistic lock: this one says "not stored yet", and it is.
    let error = table
        .put(&account(1, "free"))
        .send()
        .await
        .expect_err("it is there");
    println!("a second writer: {error}");
    let met = error.item().expect("comes with the error").as_ref();
    println!(
        "   what it met: version {:?}",
        met.expect("it opens").item()["version"]
    );

    table.put(&account(2, "free")).send().await?;
    table.put(&account(3, "gold")).send().await?;
    let gold = table.query("c-1").sort_key(SortKeyCondition::ge(2));
    let gold = gold
        .filter(attribute("plan").eq("gold"))
        .items()
        .collect()
        .await?;
    println!("from 2 on, {} on gold: {}", gold.len(), gold[0].number);
    let found = table
        .batch_get([("c-1", 1), ("c-1", 2), ("c-1", 9)])
        .send()
        .await?;
    println!("3 keys asked, {} found", found.found()?.len());
    Ok(())
}

async fn change(table: &SealedTable<Account>) -> Result<(), Box<dyn Error>> {
    // Read, verified, changed, sealed again, and written only if nobody else wrote meanwhile.
    let raise = |account: &mut Account| {
        account.balance += 25;
        "gold".clone_into(&mut account.plan);
    };
    let updated = table.update(("c-1", 1), raise).send().await?;
    println!(
        "balance {}, version {:?}",
        updated.model().balance,
        updated.version()
    );

    // Unsigned attributes can be changed in place, without reading and without a key.
    let seen = UpdateExpression::new().add(":views", 1);
    table.update_unsigned(("c-1", 1), seen).send().await?;
    let account = table.get(("c-1", 1)).send().await?.expect("it is there");
    println!(
        "seen {} times, or so somebody says",
        account.views.unauthenticated()
    );
    Ok(())
}

/// Each of these would go around what the table promises, so none is sent.
async fn refusals(cloud: &Cloud, table: &SealedTable<Account>) -> Result<(), Box<dyn Error>> {
    cloud.reset_calls();
    let on_ciphertext = attribute("balance").gt(50);
    let error = table
        .delete(("c-1", 1))
        .condition(on_ciphertext)
        .send()
        .await;
    show(&error.expect_err("the balance is encrypted"));

    let signed = UpdateExpression::new().set("plan", "gold");
    let error = table.update_unsigned(("c-1", 1), signed).send().await;
    println!(
        "refused: {}",
        cause(&error.expect_err("the plan is signed"))
    );

    let part = table
        .get(("c-1", 1))
        .customize(|get| get.projection_expression("plan"));
    show(&part.send().await.expect_err("a part does not verify"));

    let moved = table
        .update(("c-1", 1), |account| account.number = 7)
        .send()
        .await;
    println!("refused: {}", moved.expect_err("keys stay"));
    let writes = ["PutItem", "UpdateItem", "DeleteItem"];
    let sent = writes.map(|name| cloud.calls_of(REGION, Service::DynamoDb, name));
    println!("writes sent: {}", sent.iter().sum::<usize>());
    Ok(())
}

fn show<E: Error + 'static>(error: &OperationError<E>) {
    assert!(matches!(error, OperationError::Refused(_)));
    println!("refused: {}", cause(error));
}

/// The innermost reason.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
