//! BatchWriteItem: sealed first, sent then, and nothing lost on the way.

use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, WriteRequest};
use dynaseal::item::{Key, Model};
use dynaseal::table::{BatchWriteCause, Write};
use dynaseal::testkit::Fault;
use dynaseal::{OperationError, SealError};

use super::*;
use crate::support::patience::Patience;

fn batch(count: u32) -> Vec<Order> {
    (1..=count).map(|number| order("c-1", number)).collect()
}

/// The numbers of orders that were to be put.
fn put_numbers(writes: &[Write]) -> Vec<u32> {
    let mut numbers: Vec<_> = writes
        .iter()
        .map(|write| match write {
            Write::Put(item) => Order::from_item(item.clone()).unwrap().number,
            other => panic!("{other:?}"),
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn sixty_puts_are_three_requests_and_every_item_is_sealed() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let total = ReturnConsumedCapacity::Total;
    let write = table
        .batch_write()
        .puts(&batch(60))
        .customize(|b| b.return_consumed_capacity(total));
    let output = write.send().await.unwrap();
    assert_eq!(output.written(), 60);
    assert_eq!(output.sdk_outputs().len(), 3);
    assert!(
        output
            .sdk_outputs()
            .iter()
            .all(|sdk| sdk.consumed_capacity().len() == 1)
    );
    assert_eq!(calls(&stack, "BatchWriteItem"), 3);
    assert_eq!(
        stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"),
        60
    );
    let stored = stack.stored(US, &key("c-1", 60)).await.unwrap();
    assert!(stored["card"].is_b() && stored.contains_key("aws_dbe_foot"));

    stack.cloud.replicate().await;
    let eu = stack.table::<Order>(EU);
    assert_eq!(eu.query("c-1").items().collect().await.unwrap(), batch(60));
}

#[tokio::test]
async fn puts_and_deletes_go_together_also_untyped() {
    let stack = start(5).await;
    let table = stack.table::<Order>(US);
    let write = table.batch_write().put(&order("c-1", 6)).delete(("c-1", 1));
    let write = write.deletes([("c-1", 2), ("c-1", 404)]);
    assert_eq!(write.send().await.unwrap().written(), 4);
    let found = table.query("c-1").items().collect().await.unwrap();
    assert_eq!(numbers(&found), [3, 4, 5, 6]);

    let schema = dynaseal::ItemSchema::of_model(Order::SCHEMA, None).unwrap();
    let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let untyped = builder.schema(schema.build().unwrap()).build().unwrap();
    let item = order("c-1", 7).to_item().unwrap();
    let write = untyped
        .batch_write()
        .put(&item)
        .delete(Key::with_sort("c-1", 3));
    write.send().await.unwrap();
    let found = table.query("c-1").items().collect().await.unwrap();
    assert_eq!(numbers(&found), [4, 5, 6, 7]);
}

#[tokio::test]
async fn one_key_twice_is_refused_before_anything_is_sealed() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let writes = || table.batch_write().put(&order("c-1", 1));
    let same = Key::with_sort("c-1", n("1.0"));
    for write in [
        writes().put(&order("c-1", 1)),
        writes().delete(("c-1", 1)),
        writes().delete(same),
    ] {
        let failure = write.send().await.unwrap_err();
        let cause = failure.cause();
        assert!(
            matches!(
                cause,
                BatchWriteCause::Operation(OperationError::Refused(_))
            ),
            "{cause:?}"
        );
        assert!(!failure.is_retryable());
        assert_eq!((failure.written().len(), failure.unwritten().len()), (0, 2));
    }
    assert_silent(&stack);
}

#[tokio::test]
async fn a_model_with_a_version_is_refused_and_its_deletion_is_not() {
    #[derive(Debug, Serialize, Deserialize, Seal)]
    #[seal(table = "orders", default = "encrypt")]
    struct Versioned {
        #[seal(partition_key)]
        customer: String,
        #[seal(sort_key)]
        number: u32,
        #[seal(version)]
        version: u64,
    }
    let stack = start(1).await;
    let table = stack.table::<Versioned>(US);
    let versioned = Versioned {
        customer: "c-1".to_owned(),
        number: 1,
        version: 0,
    };
    let failure = table
        .batch_write()
        .put(&versioned)
        .send()
        .await
        .unwrap_err();
    let cause = failure.cause();
    assert!(
        matches!(
            cause,
            BatchWriteCause::Operation(OperationError::Refused(_))
        ),
        "{cause:?}"
    );
    assert_silent(&stack);
    table.batch_write().delete(("c-1", 1)).send().await.unwrap();
    assert!(stack.stored(US, &key("c-1", 1)).await.is_none());
}

#[tokio::test]
async fn an_item_that_cannot_be_sealed_keeps_all_from_being_sent() {
    let stack = start(0).await;
    // The last of 30 fails.
    let throttled = Fault::Unavailable.on("GenerateDataKey");
    let table = stack.table::<Order>(US);
    let healthy = table.batch_write().puts(&batch(3));
    stack
        .cloud
        .region(US)
        .fail(Service::Kms, throttled.times(1));
    let failure = healthy.send().await.unwrap_err();
    let cause = failure.cause();
    assert!(
        matches!(
            cause,
            BatchWriteCause::Operation(OperationError::Seal(SealError::Keyring(_)))
        ),
        "{cause:?}"
    );
    assert!(failure.is_retryable());
    assert_eq!(failure.region(), Some(US));
    assert_eq!(put_numbers(failure.unwritten()), [1, 2, 3]);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    let remaining = failure.into_remaining();
    table.batch_write().writes(remaining).send().await.unwrap();
    assert_eq!(table.query("c-1").count_unverified().await.unwrap(), 3);
}

#[tokio::test]
async fn items_are_sealed_concurrently() {
    let stack = start(0).await;
    // Long enough for all of them to start before the first is done.
    let latency = Fault::Latency(std::time::Duration::from_millis(200));
    stack.cloud.region(US).fail(Service::Kms, latency);
    let table = stack.table::<Order>(US);
    table
        .batch_write()
        .puts(&batch(20))
        .concurrency(8)
        .send()
        .await
        .unwrap();
    assert_eq!(stack.cloud.max_in_flight(US, Service::Kms), 8);
}

/// The puts of a request, by number, with the footer that was sent.
fn footers(input: &BatchWriteItemInput) -> BTreeMap<String, AttributeValue> {
    let requests = &input.request_items().unwrap()[TABLE];
    let put = |request: &WriteRequest| {
        let item = request.put_request().unwrap().item();
        (
            item["number"].as_n().unwrap().clone(),
            item["aws_dbe_foot"].clone(),
        )
    };
    requests.iter().map(put).collect()
}

#[tokio::test]
async fn what_is_left_unprocessed_is_sent_again_as_it_was_sealed() {
    let stack = start(0).await;
    let once = Fault::Unprocessed(10).on("BatchWriteItem").times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, once);
    let (table, seen) = stack.witnessed::<Order, BatchWriteItemInput>();
    let output = table.batch_write().puts(&batch(30)).send().await.unwrap();
    assert_eq!(output.written(), 30);
    assert!(
        output
            .sdk_outputs()
            .iter()
            .all(|sdk| sdk.unprocessed_items().is_none())
    );
    assert_eq!(
        stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"),
        30,
        "sealed once"
    );
    let seen: Vec<_> = seen.lock().unwrap().iter().map(footers).collect();
    let sizes: Vec<_> = seen.iter().map(BTreeMap::len).collect();
    assert_eq!(sizes, [25, 15]);
    let again = seen[1]
        .iter()
        .filter(|(number, _)| seen[0].contains_key(*number));
    let same = again
        .clone()
        .filter(|(number, footer)| seen[0][*number] == **footer);
    assert_eq!((again.count(), same.count()), (10, 10));
    assert_eq!(
        table.query("c-1").items().collect().await.unwrap(),
        batch(30)
    );
}

#[tokio::test]
async fn what_is_left_at_the_deadline_comes_back_as_it_was_given() {
    let stack = start(0).await;
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(2));
    let table: SealedTable<Order> = Patience::until(3).table(&stack, TABLE);
    let write = table.batch_write().puts(&batch(4)).delete(("c-2", 1));
    let failure = write.send().await.unwrap_err();
    assert!(
        matches!(failure.cause(), BatchWriteCause::Deadline),
        "{failure:?}"
    );
    assert!(failure.is_retryable() && failure.unknown().is_empty());
    assert_eq!(put_numbers(failure.written()), [1, 2, 3]);
    let [Write::Put(item), Write::Delete(deleted)] = failure.unwritten() else {
        panic!("{failure:?}")
    };
    assert_eq!(
        *item,
        order("c-1", 4).to_item().unwrap(),
        "in clear, to the last attribute"
    );
    assert_eq!(*deleted, Key::with_sort("c-2", 1));
    assert_eq!(calls(&stack, "BatchWriteItem"), 3);
    assert!(stack.stored(US, &key("c-1", 4)).await.is_none());
    for text in [format!("{failure:?}"), failure.to_string()] {
        assert!(!text.contains("4111") && !text.contains("c-2"), "{text}");
    }

    stack.cloud.region(US).recover();
    let table = stack.table::<Order>(US);
    table
        .batch_write()
        .writes(failure.into_remaining())
        .send()
        .await
        .unwrap();
    assert_eq!(table.scan().items().collect().await.unwrap(), batch(4));
}

#[tokio::test]
async fn a_request_that_fails_leaves_each_write_in_its_place() {
    let stack = start(0).await;
    let (table, _) = stack.witnessed::<Order, BatchWriteItemInput>();
    // The second request arrives, and its answer does not.
    let first = Fault::Latency(std::time::Duration::ZERO)
        .on("BatchWriteItem")
        .times(1);
    let second = Fault::LostResponse.on("BatchWriteItem").times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, first);
    stack.cloud.region(US).fail(Service::DynamoDb, second);
    let failure = table
        .batch_write()
        .puts(&batch(60))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(
        failure.cause(),
        BatchWriteCause::Operation(OperationError::Sdk(_))
    ));
    assert!(failure.is_retryable());
    assert_eq!(put_numbers(failure.written()), (1..=25).collect::<Vec<_>>());
    assert_eq!(
        put_numbers(failure.unknown()),
        (26..=50).collect::<Vec<_>>()
    );
    assert_eq!(
        put_numbers(failure.unwritten()),
        (51..=60).collect::<Vec<_>>()
    );
    assert_eq!(
        failure.to_string(),
        "25 writes of the batch are done, 10 are not, and of 25 it is unknown"
    );
    assert!(
        stack.stored(US, &key("c-1", 50)).await.is_some(),
        "it did arrive"
    );
    table
        .batch_write()
        .writes(failure.into_remaining())
        .send()
        .await
        .unwrap();
    assert_eq!(
        table.query("c-1").items().collect().await.unwrap(),
        batch(60)
    );
}

#[tokio::test]
async fn a_write_that_is_handed_back_and_was_not_sent_leaves_the_others_unknown() {
    let stack = start(0).await;
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(1));
    let table = stack.meddled::<Order, _>(|input: &mut BatchWriteItemInput| {
        let requests = input
            .request_items
            .as_mut()
            .unwrap()
            .get_mut(TABLE)
            .unwrap();
        let last = requests.last_mut().unwrap().put_request.as_mut().unwrap();
        last.item.insert("number".to_owned(), n("404"));
    });
    let failure = table.batch_write().puts(&batch(30)).send().await;
    let failure = failure.unwrap_err();
    assert!(matches!(failure.cause(), BatchWriteCause::NotOurs));
    assert!(!failure.is_retryable() && failure.written().is_empty());
    assert_eq!(failure.unknown().len(), 25);
    assert_eq!(
        put_numbers(failure.unwritten()),
        (26..=30).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn what_is_handed_back_of_another_table_is_not_taken_for_written() {
    let stack = start(0).await;
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(1));
    let table = stack.lied_to::<Order, _>(|output: &mut BatchWriteItemOutput| {
        let all = output.unprocessed_items.as_mut().unwrap();
        if let Some(requests) = all.remove(TABLE) {
            all.insert("customers".to_owned(), requests);
        }
    });
    let failure = table.batch_write().puts(&batch(3)).send().await;
    let failure = failure.unwrap_err();
    assert!(matches!(failure.cause(), BatchWriteCause::NotOurs));
    assert!(failure.written().is_empty());
    assert_eq!(put_numbers(failure.unknown()), [1, 2, 3]);
}
