//! Transactions, on a shop of several tables: customers, their accounts with a version, and orders.

mod conflicts;
mod outcomes;
mod reads;
mod reasons;
mod refusals;
mod writes;

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_smithy_async::test_util::ManualTimeSource;
use aws_types::SdkConfig;
use aws_types::sdk_config::RetryConfig;
use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::item::Model;
use dynaseal::table::{CancellationCode, CancellationReason, TransactWrite, TransactionError};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{ItemSchema, KmsMrkKeyring, RegionSet, SealedTable};

use super::*;
use crate::support::hurry::Hurry;
use crate::support::meddler::meddled_regions;

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
struct Account {
    #[seal(partition_key)]
    id: String,
    owner: Redacted<String>,
    #[seal(sign)]
    balance: i64,
    #[seal(version)]
    version: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "orders", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    id: String,
    card: Redacted<String>,
    #[seal(sign)]
    state: String,
    #[seal(unsigned)]
    #[serde(rename = ":seen")]
    seen: Unsigned<u64>,
}

fn account(id: &str, balance: i64, version: u64) -> Account {
    Account {
        id: id.to_owned(),
        owner: "Ada Lovelace".to_owned().into(),
        balance,
        version,
    }
}

fn order(id: &str, state: &str) -> Order {
    Order {
        id: id.to_owned(),
        card: "4111-1111".to_owned().into(),
        state: state.to_owned(),
        seen: Unsigned::new(0),
    }
}

/// Counts one more look at an order.
fn see() -> UpdateExpression {
    UpdateExpression::new().add(":seen", 1)
}

/// The tables of one region, built with clones of one region set.
struct Shop {
    customers: SealedTable<Customer>,
    accounts: SealedTable<Account>,
    orders: SealedTable<Order>,
    /// The orders again, as items.
    raw_orders: SealedTable,
}

async fn start_shop() -> Stack {
    let stack = start().await;
    for name in ["accounts", "orders"] {
        let definition = TableDefinition::new(name).partition_key("id", KeyType::S);
        stack.cloud.create_global_table(&definition).await.unwrap();
    }
    stack
}

impl Shop {
    fn of(stack: &Stack, region: &str) -> Self {
        Self::with(stack, region, &stack.config(region))
    }

    fn with(stack: &Stack, region: &str, config: &SdkConfig) -> Self {
        let regions = RegionSet::builder(config).local(region).build().unwrap();
        let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
        let schema = ItemSchema::of_model(Order::SCHEMA, None).unwrap();
        let raw = SealedTable::builder("orders", keyring.clone(), &regions);
        Self {
            customers: open_table(TABLE, &keyring, &regions),
            accounts: open_table("accounts", &keyring, &regions),
            orders: open_table("orders", &keyring, &regions),
            raw_orders: raw.schema(schema.build().unwrap()).build().unwrap(),
        }
    }

    /// A shop whose clients try three times and wait for nothing, and its clock.
    fn retrying(stack: &Stack) -> (Self, ManualTimeSource) {
        let (config, time) = Hurry::apply(stack.config(US).into_builder());
        let config = config
            .retry_config(RetryConfig::standard())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        (Self::with(stack, US, &config.build()), time)
    }

    async fn order(&self, id: &str) -> Option<Order> {
        self.orders.get(id).send().await.unwrap()
    }

    async fn seen(&self, id: &str) -> u64 {
        *self.order(id).await.unwrap().seen.unauthenticated()
    }
}

fn open_table<T: Model>(
    name: &str,
    keyring: &KmsMrkKeyring,
    regions: &RegionSet,
) -> SealedTable<T> {
    let builder = SealedTable::builder(name, keyring.clone(), regions);
    builder.build().unwrap()
}

/// The orders, through a client whose inputs of type `I` are meddled with.
fn meddled_orders<I: std::fmt::Debug + Send + Sync + 'static>(
    stack: &Stack,
    meddle: impl Fn(&mut I) + Send + Sync + 'static,
) -> SealedTable<Order> {
    let regions = meddled_regions(&stack.config(US), meddle);
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    open_table("orders", &keyring, &regions)
}

fn sent(stack: &Stack) -> usize {
    stack
        .cloud
        .calls_of(US, Service::DynamoDb, "TransactWriteItems")
}

fn fail(stack: &Stack, fault: Fault, times: usize) {
    let rule = fault.on("TransactWriteItems").times(times);
    stack.cloud.region(US).fail(Service::DynamoDb, rule);
}

type Failure = TransactionError<TransactWriteItemsError>;

fn codes(error: &Failure) -> Vec<CancellationCode> {
    let reasons = error.reasons().iter();
    reasons.map(CancellationReason::code).collect()
}

/// The item under a key of any table, as an administrator sees it.
async fn stored(stack: &Stack, region: &str, table: &str, id: &str) -> Option<Item> {
    let get = stack.cloud.dynamodb(region).get_item().table_name(table);
    let get = get.set_key(Some(item([("id", s(id))])));
    get.send().await.unwrap().item
}

/// Writes past sealing, as an administrator can.
async fn store(stack: &Stack, table: &str, item: Item) {
    let put = stack.cloud.dynamodb(US).put_item().table_name(table);
    put.set_item(Some(item)).send().await.unwrap();
}
