//! What a page costs whose items share keys: table keys and branch keys, with and without garbage.

use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{HierarchicalKeyring, Keyring, TableKeyKeyring};

use super::*;
use crate::support::header::{Edk, edks, with_edks};

const STORE: &str = "branch-keys";

async fn empty() -> Stack {
    Stack::start(&definition()).await
}

fn table_with(stack: &Stack, keyring: impl Keyring + 'static) -> SealedTable<Order> {
    let builder = SealedTable::builder(TABLE, keyring, &stack.regions(US));
    builder.build().unwrap()
}

/// A process of its own: it shares no table key with others.
fn table_keys(stack: &Stack) -> SealedTable<Order> {
    let keyring = TableKeyKeyring::new(stack.key.arn(US), &stack.regions(US));
    table_with(stack, keyring.unwrap())
}

fn store(stack: &Stack) -> KeyStore {
    let kms = KeyStoreKms::mrk_arn(stack.key.arn(US));
    let builder = KeyStore::builder(STORE, STORE, kms, &stack.regions(US));
    builder.build().unwrap()
}

/// A process of its own, with one branch key for all items.
fn branch_keys(stack: &Stack) -> SealedTable<Order> {
    let keyring = HierarchicalKeyring::builder(&store(stack)).branch_key_id("orders");
    table_with(stack, keyring.build().unwrap())
}

async fn with_branch_key() -> Stack {
    let stack = empty().await;
    let store = store(&stack);
    store.create_key_store().await.unwrap();
    let create = store.create_key().branch_key_id("orders");
    let create = create.encryption_context([("made-for", "tests")]);
    create.send().await.unwrap();
    stack
}

/// Orders with these numbers, all by the same process.
async fn put(table: &SealedTable<Order>, numbers: std::ops::RangeInclusive<u32>) {
    let orders: Vec<_> = numbers.map(|number| order("c-1", number)).collect();
    table.batch_write().puts(&orders).send().await.unwrap();
}

/// The numbers of what one page of a process that knows no key yet opens, and how many it does not.
async fn read(stack: &Stack, table: &SealedTable<Order>) -> (Vec<u32>, usize) {
    stack.cloud.reset_calls();
    let page = table.query("c-1").concurrency(1).page().await.unwrap();
    let (opened, unopened) = page.partition();
    (numbers(&opened), unopened.len())
}

/// Replaces the recipients of an order by as many forged ones.
async fn poison(stack: &Stack, number: u32, forged: impl Fn(&Edk, u8) -> Edk) {
    let stored = stack.stored(US, &key("c-1", number)).await.unwrap();
    let [honest] = &edks(&stored)[..] else {
        panic!("one recipient")
    };
    let garbage: Vec<_> = (1..=16).map(|n| forged(honest, n)).collect();
    stack.store(US, &with_edks(&stored, &garbage)).await;
}

/// Another table key, of which nobody knows that KMS never made it.
fn of_another_table_key(edk: &Edk, n: u8) -> Edk {
    let mut forged = edk.clone();
    forged.0[2][49] ^= n;
    *forged.0[2].last_mut().unwrap() ^= n;
    forged
}

/// A version of the branch key that nobody made.
fn of_another_version(edk: &Edk, n: u8) -> Edk {
    let mut forged = edk.clone();
    forged.0[2][48 + 28] ^= n;
    forged
}

/// How often the key store's table was asked for a record.
fn lookups(stack: &Stack) -> usize {
    calls(stack, "GetItem")
}

#[tokio::test]
async fn a_hundred_items_under_one_table_key_cost_one_call() {
    let stack = empty().await;
    put(&table_keys(&stack), 1..=100).await;
    let table = table_keys(&stack);
    assert_eq!(read(&stack, &table).await, ((1..=100).collect(), 0));
    assert_eq!(stack.decrypts(US), 1);
    assert_eq!(read(&stack, &table).await.1, 0);
    assert_eq!(stack.decrypts(US), 0);
    // And all at the same time.
    let table = table_keys(&stack);
    stack.cloud.reset_calls();
    let page = table.query("c-1").concurrency(50).page().await.unwrap();
    assert_eq!(page.partition().0.len(), 100);
    assert_eq!(stack.decrypts(US), 1);
}

#[tokio::test]
async fn a_hundred_items_under_as_many_table_keys_cost_a_call_each() {
    let stack = empty().await;
    for number in 1..=100 {
        put(&table_keys(&stack), number..=number).await;
    }
    let (opened, unopened) = read(&stack, &table_keys(&stack)).await;
    assert_eq!((opened.len(), unopened), (100, 0));
    assert_eq!(stack.decrypts(US), 100);
}

#[tokio::test]
async fn forged_table_keys_cost_no_more_than_the_budget_and_no_honest_item() {
    let stack = empty().await;
    for number in 1..=20 {
        put(&table_keys(&stack), number..=number).await;
    }
    for number in 1..=15 {
        poison(&stack, number, of_another_table_key).await;
    }
    let (opened, unopened) = read(&stack, &table_keys(&stack)).await;
    assert_eq!((opened, unopened), (vec![16, 17, 18, 19, 20], 15));
    // 15 own calls, and the 28 that are the page's; the honest ones have spent 5.
    assert_eq!(stack.decrypts(US), 15 + 28 + 5);
}

#[tokio::test]
async fn a_hundred_items_under_one_branch_key_cost_one_lookup_for_each_version() {
    let stack = with_branch_key().await;
    for first in [1, 26, 51, 76] {
        put(&branch_keys(&stack), first..=first + 24).await;
        store(&stack).version_key("orders").await.unwrap();
    }
    let table = branch_keys(&stack);
    assert_eq!(read(&stack, &table).await, ((1..=100).collect(), 0));
    assert_eq!((stack.decrypts(US), lookups(&stack)), (4, 4));
    assert_eq!(read(&stack, &table).await.1, 0);
    assert_eq!((stack.decrypts(US), lookups(&stack)), (0, 0));
}

#[tokio::test]
async fn forged_versions_cost_no_more_lookups_than_the_budget_and_no_honest_item() {
    let stack = with_branch_key().await;
    put(&branch_keys(&stack), 1..=20).await;
    for number in 1..=15 {
        // Of each item others, so that what is remembered to be absent saves nothing.
        let number_byte = u8::try_from(number).unwrap();
        poison(&stack, number, |edk, n| {
            let mut forged = of_another_version(edk, n);
            forged.0[2][48 + 29] ^= number_byte;
            forged
        })
        .await;
    }
    let (opened, unopened) = read(&stack, &branch_keys(&stack)).await;
    assert_eq!((opened, unopened), (vec![16, 17, 18, 19, 20], 15));
    assert_eq!(
        stack.decrypts(US),
        1,
        "KMS is asked for what is there alone"
    );
    // 15 lookups of their own, and the 28 that are the page's, by two reads and a look for a tombstone; the
    // honest items share one.
    assert_eq!(lookups(&stack), (15 + 28) * 3 + 1);
}
