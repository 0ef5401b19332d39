//! Replicas that lag, and writes that come between a read and its comparison: neither is a rollback.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsOutput;
use aws_sdk_dynamodb::types::ItemResponse;
use dynaseal::table::TransactGet;
use dynaseal::testkit::Fault;
use dynaseal::testkit::Service;

use super::*;
use crate::support::meddler::lying_regions;

/// What a replica still has, one answer after the other; then it has caught up.
fn lagging(images: impl IntoIterator<Item = Item>) -> impl Fn() -> Option<Item> + Send + Sync {
    let images = Mutex::new(images.into_iter().collect::<VecDeque<_>>());
    move || images.lock().unwrap().pop_front()
}

struct Bank {
    stack: Stack,
    memory: Arc<InMemoryFreshness>,
    table: Table,
    old: Item,
    new: Item,
}

impl Bank {
    async fn start() -> Self {
        let stack = start().await;
        let memory = Arc::new(InMemoryFreshness::default());
        let table = in_regions(&stack, &stack.regions(US), &memory);
        let (old, new) = put_and_raise(&stack, &table).await;
        Self {
            stack,
            memory,
            table,
            old,
            new,
        }
    }

    /// The same table, by way of a store that lies.
    fn reader<O: std::fmt::Debug + Send + Sync + 'static>(
        &self,
        lie: impl Fn(&mut O) + Send + Sync + 'static,
    ) -> Table {
        let regions = lying_regions(&self.stack.config(US), lie);
        in_regions(&self.stack, &regions, &self.memory)
    }

    fn assert_new(&self, account: &Account) {
        assert_eq!(account.version, version(&self.new));
    }
}

#[tokio::test]
async fn a_get_reads_its_own_write_after_a_second_look() {
    let bank = Bank::start().await;
    let answer = lagging([bank.old.clone()]);
    let reader = bank.reader(move |output: &mut GetItemOutput| {
        output.item = answer().or_else(|| output.item.take());
    });
    bank.assert_new(&get(&reader).await.unwrap().unwrap());
    assert_eq!(calls(&bank.stack, "GetItem"), 2);
    bank.assert_new(&get(&reader).await.unwrap().unwrap());
    assert_eq!(
        calls(&bank.stack, "GetItem"),
        3,
        "no second look was needed"
    );
}

#[tokio::test]
async fn items_of_a_query_and_a_batch_are_looked_up_by_their_keys() {
    let bank = Bank::start().await;
    let answer = lagging([bank.old.clone()]);
    let reader = bank.reader(move |output: &mut QueryOutput| {
        output.items = answer()
            .map(|item| vec![item])
            .or_else(|| output.items.take());
    });
    let page = reader.query("ada").page().await.unwrap();
    bank.assert_new(page.items()[0].as_ref().unwrap());
    assert_eq!(calls(&bank.stack, "GetItem"), 1);

    let answer = lagging([bank.old.clone()]);
    let reader = bank.reader(move |output: &mut BatchGetItemOutput| {
        if let (Some(item), Some(responses)) = (answer(), output.responses.as_mut()) {
            responses.insert(TABLE.to_owned(), vec![item]);
        }
    });
    let found = reader.batch_get([KEY]).send().await.unwrap().found();
    bank.assert_new(&found.unwrap()[0]);
    assert_eq!(calls(&bank.stack, "GetItem"), 2);
}

#[tokio::test]
async fn a_transaction_takes_its_picture_again() {
    let bank = Bank::start().await;
    bank.table.put(&account(2)).send().await.unwrap();
    let answer = lagging([bank.old.clone()]);
    let reader = bank.reader(move |output: &mut TransactGetItemsOutput| {
        if let Some(item) = answer() {
            let response = ItemResponse::builder().set_item(Some(item)).build();
            output.responses.as_mut().unwrap()[0] = response;
        }
    });
    let mut reads = TransactGet::new();
    let (first, second) = (reads.get(&reader, KEY), reads.get(&reader, ("ada", 2)));
    let mut found = reads.send().await.unwrap();
    bank.assert_new(&found.take(first).unwrap().unwrap());
    assert_eq!(found.take(second).unwrap().unwrap().number, 2);
    assert_eq!(calls(&bank.stack, "TransactGetItems"), 2);
    assert_eq!(calls(&bank.stack, "GetItem"), 0);
}

#[tokio::test]
async fn an_item_that_is_gone_by_the_second_look_is_gone() {
    let bank = Bank::start().await;
    bank.table.delete(KEY).send().await.unwrap();
    let old = bank.old.clone();
    let reader = {
        let answer = lagging([old.clone()]);
        bank.reader(move |output: &mut GetItemOutput| output.item = answer())
    };
    assert_eq!(get(&reader).await.unwrap(), None);

    let item = old.clone();
    let reader = bank.reader(move |output: &mut QueryOutput| {
        output.items = Some(vec![item.clone()]);
    });
    let page = reader.query("ada").page().await.unwrap();
    assert!(page.items().is_empty(), "{page:?}");

    let reader = bank.reader(move |output: &mut BatchGetItemOutput| {
        let responses = output.responses.as_mut().unwrap();
        responses.insert(TABLE.to_owned(), vec![old.clone()]);
    });
    let batch = reader.batch_get([KEY]).send().await.unwrap();
    assert!(matches!(batch.results(), [(_, Ok(None))]), "{batch:?}");
}

#[tokio::test]
async fn a_second_look_that_fails_leaves_it_unconfirmed() {
    use std::error::Error as _;

    let bank = Bank::start().await;
    let old = bank.old.clone();
    let stack = &bank.stack;
    let reader = bank.reader(move |output: &mut QueryOutput| {
        output.items = Some(vec![old.clone()]);
    });
    let down = Fault::Unavailable.on("GetItem");
    stack.cloud.region(US).fail(Service::DynamoDb, down);
    let page = reader.query("ada").page().await.unwrap();
    let [Err(unopened)] = page.items() else {
        panic!("{page:?}")
    };
    let dynaseal::table::ItemError::Stale(stale) = unopened.error() else {
        panic!("{unopened:?}")
    };
    assert!(!stale.is_confirmed());
    let cause = stale.source().unwrap().source().unwrap();
    assert!(cause.to_string().contains(US));
    assert_eq!(stale.newest(), version(&bank.new));
}

/// Writes of this process, which end between an answer and its comparison.
fn meanwhile<O>(table: &Table, times: usize) -> impl Fn(&mut O) + Send + Sync + 'static {
    let (table, left) = (table.clone(), AtomicUsize::new(times));
    move |_| {
        let less = |left: usize| left.checked_sub(1);
        if left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
        {
            let handle = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| handle.block_on(raise(&table)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_between_an_answer_and_its_comparison_is_no_rollback() {
    // The second answer is overtaken as well: it was the newest when it was asked for.
    for times in [1, 2, 5] {
        let bank = Bank::start().await;
        let reader = bank.reader(meanwhile::<GetItemOutput>(&bank.table, times));
        let read = reader.get(KEY).customize(|get| get.consistent_read(true));
        let found = read.send().await.unwrap().unwrap();
        assert_eq!(
            found.version,
            version(&bank.new) + 1,
            "after {times} writes"
        );

        let bank = Bank::start().await;
        let reader = bank.reader(meanwhile::<TransactGetItemsOutput>(&bank.table, times));
        let mut reads = TransactGet::new();
        let slot = reads.get(&reader, KEY);
        let found = reads.send().await.unwrap().take(slot).unwrap();
        assert_eq!(found.unwrap().version, version(&bank.new) + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_between_the_read_of_an_update_and_its_comparison_is_no_rollback() {
    for times in [1, 2] {
        let bank = Bank::start().await;
        let writer = bank.reader(meanwhile::<GetItemOutput>(&bank.table, times));
        let update = writer.update(KEY, |account| account.balance += 1).send();
        let updated = update.await.unwrap();
        assert_eq!(updated.model().balance, 2 + i64::try_from(times).unwrap());
    }
}
