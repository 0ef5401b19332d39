//! Many items at once: queries, scans, batches, and what is reported of each item.

mod batch_get;
mod batch_write;
mod failures;
mod indexes;
mod kms_calls;
mod properties;
mod query;
mod refused;
mod scan;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::testkit::{KeyType, Service, TableDefinition};
use dynaseal::{Item, RegionSet, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, item, n, s};

const TABLE: &str = "orders";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "orders", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    customer: String,
    #[seal(sort_key)]
    number: u32,
    #[seal(sign)]
    state: String,
    #[seal(sign)]
    total: u32,
    card: String,
    address: BTreeMap<String, String>,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

fn order(customer: &str, number: u32) -> Order {
    Order {
        customer: customer.to_owned(),
        number,
        state: if number.is_multiple_of(2) {
            "open"
        } else {
            "paid"
        }
        .to_owned(),
        total: number * 100,
        card: "4111 1111".to_owned(),
        address: BTreeMap::from([("city".to_owned(), "Springwood".to_owned())]),
        views: Unsigned::new(3),
    }
}

fn definition() -> TableDefinition {
    use dynaseal::testkit::SecondaryIndex;
    let index = |name: &str| {
        let index = SecondaryIndex::new(name).partition_key("state", KeyType::S);
        index.sort_key("total", KeyType::N)
    };
    TableDefinition::new(TABLE)
        .partition_key("customer", KeyType::S)
        .sort_key("number", KeyType::N)
        .secondary_index(index("by-state"))
        .secondary_index(index("keys-by-state").keys_only())
        .secondary_index(index("some-by-state").include([":views"]))
        .secondary_index(SecondaryIndex::new("by-card").partition_key("card", KeyType::B))
}

/// Orders 1 to `count` of customer `c-1`, and one of somebody else.
async fn start(count: u32) -> Stack {
    let stack = Stack::start(&definition()).await;
    let table = stack.table::<Order>(US);
    let orders: Vec<_> = (1..=count).map(|number| order("c-1", number)).collect();
    let batch = table.batch_write().puts(&orders).put(&order("c-2", 1));
    batch.send().await.unwrap();
    stack.cloud.reset_calls();
    stack
}

fn key(customer: &str, number: u32) -> Item {
    item([
        ("customer", s(customer)),
        ("number", n(&number.to_string())),
    ])
}

/// Changes one signed attribute, as an administrator of the table can.
async fn corrupt(stack: &Stack, customer: &str, number: u32) {
    let mut stored = stack.stored(US, &key(customer, number)).await.unwrap();
    let card = stored["card"].as_b().unwrap().as_ref();
    let mut changed = card.to_vec();
    changed[0] ^= 1;
    stored.insert("card".to_owned(), AttributeValue::B(Blob::new(changed)));
    stack.store(US, &stored).await;
}

fn numbers(orders: &[Order]) -> Vec<u32> {
    orders.iter().map(|order| order.number).collect()
}

fn calls(stack: &Stack, operation: &str) -> usize {
    stack.cloud.calls_of(US, Service::DynamoDb, operation)
}

/// Nothing was sent, to nobody.
fn assert_silent(stack: &Stack) {
    for region in [US, EU] {
        assert_eq!(stack.cloud.calls(region, Service::DynamoDb), 0);
        assert_eq!(stack.cloud.calls(region, Service::Kms), 0);
    }
}

/// Sees, and may change, what a client is about to send.
struct Meddler<I, F>(F, PhantomData<fn(I)>);

impl<I, F> fmt::Debug for Meddler<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

impl<I: fmt::Debug + Send + Sync + 'static, F: Fn(&mut I) + Send + Sync> Intercept
    for Meddler<I, F>
{
    fn name(&self) -> &'static str {
        "meddler"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(input) = context.input_mut().downcast_mut() {
            (self.0)(input);
        }
        Ok(())
    }
}

/// The orders, through a client whose inputs of type `I` are meddled with.
fn meddled<I: fmt::Debug + Send + Sync + 'static>(
    stack: &Stack,
    meddle: impl Fn(&mut I) + Send + Sync + 'static,
) -> SealedTable<Order> {
    intercepted(stack, Meddler(meddle, PhantomData))
}

/// Changes what a client is answered.
struct Liar<O, F>(F, PhantomData<fn(O)>);

impl<O, F> fmt::Debug for Liar<O, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Liar")
    }
}

impl<O: fmt::Debug + Send + Sync + 'static, F: Fn(&mut O) + Send + Sync> Intercept for Liar<O, F> {
    fn name(&self) -> &'static str {
        "liar"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Ok(output)) = context.output_or_error_mut()
            && let Some(output) = output.downcast_mut()
        {
            (self.0)(output);
        }
        Ok(())
    }
}

/// The orders, as a store hands them out that changes answers of type `O`.
fn lied_to<O: fmt::Debug + Send + Sync + 'static>(
    stack: &Stack,
    lie: impl Fn(&mut O) + Send + Sync + 'static,
) -> SealedTable<Order> {
    intercepted(stack, Liar(lie, PhantomData))
}

fn intercepted(stack: &Stack, interceptor: impl Intercept + 'static) -> SealedTable<Order> {
    let config = stack.config(US);
    let builder = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(interceptor);
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(builder.build());
    let regions = RegionSet::from_clients(US, dynamodb, aws_sdk_kms::Client::new(&config));
    let regions = regions.build().unwrap();
    let table = SealedTable::builder(TABLE, stack.keyring(US), &regions);
    table.build().unwrap()
}

/// The orders, and everything of type `I` that is sent.
fn witnessed<I: Clone + fmt::Debug + Send + Sync + 'static>(
    stack: &Stack,
) -> (SealedTable<Order>, Arc<Mutex<Vec<I>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let table = meddled(stack, move |input: &mut I| {
        kept.lock().unwrap().push(input.clone());
    });
    (table, seen)
}
