//! BatchGetItem: any number of keys, a result for each.

use std::time::Duration;

use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use dynaseal::item::Key;
use dynaseal::table::ItemError;
use dynaseal::testkit::Fault;
use dynaseal::{OpenError, OperationError};

use super::*;
use crate::support::patience::Patience;

#[tokio::test]
async fn reads_any_number_of_keys_in_the_order_they_were_given_in_both_regions() {
    let stack = start(250).await;
    stack.cloud.replicate().await;
    for region in [US, EU] {
        stack.cloud.reset_calls();
        let table = stack.table::<Order>(region);
        let keys: Vec<u32> = (1..=250).rev().collect();
        let output = table
            .batch_get(keys.iter().map(|n| ("c-1", *n)))
            .send()
            .await
            .unwrap();
        let asked: Vec<_> = output
            .results()
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        let expected: Vec<_> = keys.iter().map(|n| Key::with_sort("c-1", *n)).collect();
        assert_eq!(asked, expected);
        assert_eq!(numbers(&output.found().unwrap()), keys);
        let requests = stack
            .cloud
            .calls_of(region, Service::DynamoDb, "BatchGetItem");
        assert_eq!(requests, 3);
    }
}

#[tokio::test]
async fn asks_for_each_key_once_and_says_what_is_not_there() {
    let stack = start(3).await;
    let table = stack.table::<Order>(US);
    let keys = [("c-1", 2), ("c-1", 404), ("c-1", 1), ("c-1", 2)];
    let output = table.batch_get(keys).send().await.unwrap();
    let found: Vec<_> = output
        .results()
        .iter()
        .map(|(_, result)| result.as_ref().unwrap().as_ref().map(|order| order.number))
        .collect();
    assert_eq!(found, [Some(2), None, Some(1)]);
    assert_eq!(output.unprocessed().count(), 0);
    assert_eq!(numbers(&output.found().unwrap()), [2, 1]);
}

#[tokio::test]
async fn no_keys_are_no_request() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let output = table.batch_get([("c-1", 1); 0]).send().await.unwrap();
    assert!(output.results().is_empty());
    let output = table.batch_write().send().await.unwrap();
    assert_eq!(output.written(), 0);
    assert_silent(&stack);
}

#[tokio::test]
async fn reads_untyped_keys_whatever_their_spelling_and_refuses_others() {
    let stack = start(3).await;
    let schema = dynaseal::ItemSchema::of_model(Order::SCHEMA, None).unwrap();
    let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = builder.schema(schema.build().unwrap()).build().unwrap();
    let spelled = [
        Key::with_sort("c-1", n("2.0")),
        Key::with_sort("c-1", n("2")),
    ];
    let output = table.batch_get(spelled).send_opened().await.unwrap();
    assert_eq!(output.results().len(), 1, "one key");
    assert!(output.results()[0].1.as_ref().unwrap().is_some());

    stack.cloud.reset_calls();
    for wrong in [Key::new("c-1"), Key::with_sort("c-1", n("two"))] {
        let error = table.batch_get([wrong]).send().await.unwrap_err();
        assert!(matches!(error, OperationError::Refused(_)), "{error:?}");
        assert!(!error.to_string().contains("two"));
    }
    assert_silent(&stack);
}

#[tokio::test]
async fn what_is_left_unprocessed_is_asked_for_again() {
    let stack = start(120).await;
    let twice = Fault::Unprocessed(90).on("BatchGetItem").times(2);
    stack.cloud.region(US).fail(Service::DynamoDb, twice);
    let table = stack.table::<Order>(US);
    let output = table
        .batch_get((1..=120).map(|n| ("c-1", n)))
        .send()
        .await
        .unwrap();
    assert_eq!(output.unprocessed().count(), 0);
    assert_eq!(
        numbers(&output.found().unwrap()),
        (1..=120).collect::<Vec<_>>()
    );
    assert_eq!(
        calls(&stack, "BatchGetItem"),
        3,
        "100, then 90 + 20, of which 90 again"
    );
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_said_by_key() {
    let stack = start(5).await;
    let always = Fault::Unprocessed(2).on("BatchGetItem");
    stack.cloud.region(US).fail(Service::DynamoDb, always);
    let table: SealedTable<Order> = Patience::until(4).table(&stack, TABLE);
    let output = table
        .batch_get((1..=5).map(|n| ("c-1", n)))
        .send()
        .await
        .unwrap();
    let unprocessed: Vec<_> = output.unprocessed().cloned().collect();
    assert_eq!(
        unprocessed,
        [Key::with_sort("c-1", 4), Key::with_sort("c-1", 5)]
    );
    assert_eq!(calls(&stack, "BatchGetItem"), 4);
    let (_, last) = output.results().last().unwrap();
    assert!(last.as_ref().unwrap_err().is_retryable());
    let error = output.found().unwrap_err();
    assert!(matches!(error.error(), ItemError::Unprocessed));
    stack.cloud.region(US).recover();
    let table = stack.table::<Order>(US);
    let again = table.batch_get(unprocessed).send().await.unwrap();
    assert_eq!(numbers(&again.found().unwrap()), [4, 5]);
}

#[tokio::test]
async fn a_request_that_outlasts_the_deadline_is_given_up() {
    let stack = start(150).await;
    let table: SealedTable<Order> = Patience::until(0).table(&stack, TABLE);
    let get = table.batch_get((1..=150).map(|n| ("c-1", n)));
    let output = get.deadline(Duration::from_secs(60)).send().await.unwrap();
    assert_eq!(calls(&stack, "BatchGetItem"), 1);
    assert_eq!(output.unprocessed().count(), 150);
}

#[tokio::test]
async fn a_corrupt_item_is_a_result_of_its_own() {
    let stack = start(3).await;
    corrupt(&stack, "c-1", 2).await;
    let table = stack.table::<Order>(US);
    let output = table
        .batch_get((1..=3).map(|n| ("c-1", n)))
        .send()
        .await
        .unwrap();
    let is_ok: Vec<_> = output
        .results()
        .iter()
        .map(|(_, result)| result.is_ok())
        .collect();
    assert_eq!(is_ok, [true, false, true]);
    let error = output.found().unwrap_err();
    assert_eq!(error.key(), Some(&Key::with_sort("c-1", 2)));
    assert!(matches!(
        error.error(),
        ItemError::Open(OpenError::Authentication(_))
    ));
}

#[tokio::test]
async fn an_item_that_was_not_asked_for_fails_the_call() {
    let stack = start(3).await;
    let table = stack.meddled::<Order, _>(|input: &mut BatchGetItemInput| {
        *asked(input) = vec![key("c-1", 3)];
    });
    let error = table.batch_get([("c-1", 1)]).send().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Open(OpenError::Attribute(_))),
        "{error:?}"
    );
    assert_eq!(stack.decrypts(US), 0);
    assert!(table.batch_get([("c-1", 3)]).send().await.is_ok());
}

#[tokio::test]
async fn settings_reach_the_wire_and_failures_are_the_sdks() {
    let stack = start(2).await;
    let (table, seen) = stack.witnessed::<Order, BatchGetItemInput>();
    let total = ReturnConsumedCapacity::Total;
    let get = table.batch_get([("c-1", 1)]).consistent_read(true);
    let output = get
        .customize(|b| b.return_consumed_capacity(total))
        .send()
        .await
        .unwrap();
    assert_eq!(output.consumed_capacity().len(), 1);
    let sent = seen.lock().unwrap()[0].request_items().unwrap()[TABLE].clone();
    assert_eq!(sent.consistent_read(), Some(true));

    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Status(400, "ThrottlingException"));
    let error = table.batch_get([("c-1", 1)]).send().await.unwrap_err();
    assert!(error.is_retryable() && error.sdk_error().is_some());
    assert_eq!(error.region(), Some(US));
}

#[tokio::test]
async fn keys_handed_back_that_were_not_asked_for_fail_the_call() {
    let stack = start(3).await;
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(1));
    type Lie = fn(&mut BatchGetItemOutput);
    let of_another_table: Lie = |output| {
        let all = output.unprocessed_keys.as_mut().unwrap();
        let keys = all.remove(TABLE).unwrap();
        all.insert("customers".to_owned(), keys);
    };
    let of_another_item: Lie = |output| {
        let all = output.unprocessed_keys.as_mut().unwrap();
        all.get_mut(TABLE).unwrap().keys = vec![key("c-2", 1)];
    };
    let without_an_item: Lie = |output| {
        let all = output.unprocessed_keys.as_mut().unwrap();
        all.get_mut(TABLE).unwrap().keys = vec![Item::default()];
    };
    let found_in_another_table: Lie = |output| {
        let all = output.responses.as_mut().unwrap();
        let found = all.remove(TABLE).unwrap();
        all.insert("customers".to_owned(), found);
    };
    for lie in [
        of_another_table,
        of_another_item,
        without_an_item,
        found_in_another_table,
    ] {
        let table = stack.lied_to::<Order, _>(lie);
        let error = table.batch_get([("c-1", 1), ("c-1", 2)]).send().await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, OperationError::Open(OpenError::Attribute(_))),
            "{error:?}"
        );
    }
}
