//! Tables end to end: models in, sealed items over the wire and into two regions, models out.

mod attacks;
mod conditions;
mod entities;
mod handles;
mod keys;
mod lost;
mod machine;
mod meanwhile;
mod models;
mod names;
mod plaintext;
mod recipients;
mod requests;
mod strong;
mod transact;
mod twice;
mod update;
mod update_unsigned;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Item, OpenError, OperationError, Redacted, Seal, Unsigned};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, item, n, s};

const TABLE: &str = "customers";

/// Every mark but `version`, and every type of attribute.
#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Customer {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    ssn: Redacted<String>,
    twin_ssn: Redacted<String>,
    address: Address,
    phones: Vec<String>,
    #[serde(with = "dynaseal::bytes")]
    scan: Redacted<Vec<u8>>,
    #[serde(with = "serde_dynamo::string_set")]
    tags: BTreeSet<String>,
    #[serde(with = "serde_dynamo::number_set")]
    lucky: BTreeSet<i64>,
    #[serde(with = "serde_dynamo::binary_set")]
    digests: Vec<Blob8>,
    absent: Option<String>,
    present: Option<f64>,
    #[seal(sign)]
    plan: Plan,
    #[seal(context)]
    tenant: String,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Address {
    street: String,
    geo: BTreeMap<String, Vec<i32>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Plan {
    Free,
    Paid { cents: u32 },
}

/// Eight bytes that serde sees as bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Blob8(#[serde(with = "dynaseal::bytes")] [u8; 8]);

fn customer(id: &str) -> Customer {
    Customer {
        customer_id: id.to_owned(),
        record: 7,
        ssn: "078-05-1120".to_owned().into(),
        twin_ssn: "219-09-9999".to_owned().into(),
        address: Address {
            street: "Elm Street 13".to_owned(),
            geo: BTreeMap::from([("springwood".to_owned(), vec![-41, 83])]),
        },
        phones: vec!["555-0199".to_owned(), "555-0100".to_owned()],
        scan: b"PNG of a passport".to_vec().into(),
        tags: ["vip", "litigant"].map(str::to_owned).into(),
        lucky: [-13, 4217].into(),
        digests: vec![Blob8(*b"digest-1"), Blob8(*b"digest-2")],
        absent: None,
        present: Some(2.5),
        plan: Plan::Paid { cents: 4299 },
        tenant: "acme".to_owned(),
        views: Unsigned::new(3),
    }
}

/// What an administrator must not find in a stored customer.
const PLAINTEXTS: [&[u8]; 10] = [
    b"078-05-1120",
    b"219-09-9999",
    b"Elm Street",
    b"springwood",
    b"555-0199",
    b"passport",
    b"vip",
    b"litigant",
    b"4217",
    b"digest-",
];

fn definition() -> TableDefinition {
    TableDefinition::new(TABLE)
        .partition_key("customerId", KeyType::S)
        .sort_key("record", KeyType::N)
}

async fn start() -> Stack {
    Stack::start(&definition()).await
}

fn key(id: &str) -> Item {
    item([("customerId", s(id)), ("record", n("7"))])
}

/// The stored item of a customer that was put in `US`, and the stack it is in.
async fn start_with_customer() -> (Stack, Item) {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    table.put(&customer("c-1")).send().await.unwrap();
    let stored = stack.stored(US, &key("c-1")).await.unwrap();
    (stack, stored)
}

/// Why the item under this id did not open.
async fn refusal(stack: &Stack, region: &str, id: &str) -> OpenError {
    match stack.table::<Customer>(region).get((id, 7)).send().await {
        Err(OperationError::Open(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(found) => panic!("went unnoticed: {found:?}"),
    }
}

#[tokio::test]
async fn writes_in_one_region_and_reads_in_another_with_the_local_replica_of_the_key() {
    use dynaseal::item::Model;
    use dynaseal::testkit::Service;

    let stack = start().await;
    let written = customer("c-1");
    stack.table(US).put(&written).send().await.unwrap();
    assert_eq!(stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"), 1);
    let eu = stack.table::<Customer>(EU);
    assert!(eu.get(("c-1", 7)).send().await.unwrap().is_none(), "lag");

    stack.cloud.replicate().await;
    stack.cloud.reset_calls();
    let read = eu
        .get(("c-1", 7))
        .send()
        .await
        .unwrap()
        .expect("replicated");
    assert_eq!(
        crate::support::canonical(&read.to_item().unwrap()),
        crate::support::canonical(&written.to_item().unwrap())
    );
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stack.cloud.calls(EU, Service::Kms), 1);
    assert_eq!(stack.decrypts(EU), 1);
    assert_eq!(stack.cloud.calls(EU, Service::DynamoDb), 1);
}

#[tokio::test]
async fn shows_an_administrator_no_plaintext() {
    let (_stack, stored) = start_with_customer().await;
    let mut seen = Vec::new();
    for (name, value) in BTreeMap::from_iter(&stored) {
        seen.extend_from_slice(name.as_bytes());
        all_bytes(value, &mut seen);
    }
    let has = |wanted: &[u8]| seen.windows(wanted.len()).any(|part| part == wanted);
    assert!(
        has(b"acme") && has(b"Paid"),
        "what is signed alone is in clear"
    );
    for plaintext in PLAINTEXTS {
        assert!(!has(plaintext), "{}", plaintext.escape_ascii());
    }
    let encrypted = [
        "ssn", "twinSsn", "address", "phones", "scan", "tags", "lucky", "digests", "absent",
        "present",
    ];
    for name in encrypted {
        assert!(stored[name].is_b(), "{name} is {:?}", stored[name]);
    }
}

/// Every byte of a value that holds any.
fn all_bytes(value: &aws_sdk_dynamodb::types::AttributeValue, out: &mut Vec<u8>) {
    use aws_sdk_dynamodb::types::AttributeValue as V;
    let mut add = |bytes: &[u8]| out.extend_from_slice(bytes);
    match value {
        V::S(text) | V::N(text) => add(text.as_bytes()),
        V::B(blob) => add(blob.as_ref()),
        V::Ss(set) | V::Ns(set) => set.iter().for_each(|text| add(text.as_bytes())),
        V::Bs(set) => set.iter().for_each(|blob: &Blob| add(blob.as_ref())),
        V::L(list) => list.iter().for_each(|value| all_bytes(value, out)),
        V::M(map) => {
            for (name, value) in BTreeMap::from_iter(map) {
                out.extend_from_slice(name.as_bytes());
                all_bytes(value, out);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn finds_nothing_where_nothing_is_and_after_a_delete() {
    let (stack, _) = start_with_customer().await;
    let table = stack.table::<Customer>(US);
    assert!(table.get(("c-2", 7)).send().await.unwrap().is_none());
    assert!(table.get(("c-1", 8)).send().await.unwrap().is_none());
    assert!(table.get(("c-1", 7)).send().await.unwrap().is_some());
    table.delete(("c-1", 7)).send().await.unwrap();
    assert!(table.get(("c-1", 7)).send().await.unwrap().is_none());
    table
        .delete(("c-1", 7))
        .send()
        .await
        .expect("twice is no error");
}

#[test]
fn runs_on_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let (stack, _) = start_with_customer().await;
        let table = stack.table::<Customer>(US);
        assert!(table.get(("c-1", 7)).send().await.unwrap().is_some());
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_futures_are_send_and_borrow_nothing() {
    fn spawnable<F: Future + Send + 'static>(future: F) -> F {
        future
    }
    let stack = start().await;
    let (put, opened, get, delete) = {
        let table = stack.table::<Customer>(US);
        let customer = customer("c-1");
        (
            spawnable(table.put(&customer).send()),
            spawnable(table.get(("c-1", 7)).send_opened()),
            spawnable(table.get(("c-1", 7)).send()),
            spawnable(table.delete(("c-1", 7)).send()),
        )
    };
    tokio::spawn(put).await.unwrap().unwrap();
    assert!(tokio::spawn(opened).await.unwrap().unwrap().is_some());
    assert!(tokio::spawn(get).await.unwrap().unwrap().is_some());
    tokio::spawn(delete).await.unwrap().unwrap();
    assert!(stack.stored(US, &key("c-1")).await.is_none());
}
