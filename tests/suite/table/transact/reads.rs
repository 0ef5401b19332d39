//! Several items as they were at one moment.

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsInput;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use dynaseal::error::AttributeIssue;
use dynaseal::table::{SlotError, TransactGet};

use super::*;

async fn start_filled() -> (Stack, Shop) {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    TransactWrite::new()
        .put(&shop.customers, &customer("c-1"))
        .put(&shop.accounts, &account("a-1", 5, 0))
        .put(&shop.orders, &order("o-1", "open"))
        .put(&shop.orders, &order("o-2", "paid"))
        .send()
        .await
        .unwrap();
    stack.cloud.reset_calls();
    (stack, shop)
}

#[tokio::test]
async fn each_read_comes_back_as_its_own_model() {
    let (stack, shop) = start_filled().await;
    let mut reads = TransactGet::new();
    let order = reads.get(&shop.orders, "o-1");
    let nothing = reads.get(&shop.orders, "o-9");
    let customer = reads.get(&shop.customers, ("c-1", 7));
    let account = reads.get(&shop.accounts, "a-1");
    let raw = reads.get(&shop.raw_orders, "o-2");
    let total = ReturnConsumedCapacity::Total;
    let reads = reads.customize(|b| b.return_consumed_capacity(total));
    let mut found = reads.send().await.unwrap();
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 1);
    assert_eq!(
        (stack.decrypts(US), stack.cloud.calls(US, Service::Kms)),
        (4, 4)
    );
    assert_eq!(found.sdk_output().consumed_capacity().len(), 3);

    // In whatever order they are taken.
    let raw: Item = found.take(raw).unwrap().unwrap();
    assert_eq!((&raw["card"], &raw["state"]), (&s("4111-1111"), &s("paid")));
    let opened = found.take_opened(account).unwrap().unwrap();
    assert_eq!(opened.key(), Some(&*stack.key.arn(US)));
    assert_eq!(opened.item()["owner"], s("Ada Lovelace"));
    let customer: Customer = found.take(customer).unwrap().unwrap();
    assert_eq!(customer.ssn.expose(), "078-05-1120");
    assert!(found.take(nothing).unwrap().is_none());
    assert_eq!(found.take(order).unwrap().unwrap().state, "open");
}

#[tokio::test]
async fn another_region_reads_with_its_own_replica_of_the_key() {
    let (stack, _) = start_filled().await;
    stack.cloud.replicate().await;
    stack.cloud.reset_calls();
    let shop = Shop::of(&stack, EU);
    let mut reads = TransactGet::new();
    let order = reads.get(&shop.orders, "o-1");
    let customer = reads.get(&shop.customers, ("c-1", 7));
    let mut found = reads.send().await.unwrap();
    assert!(found.take(order).unwrap().is_some());
    assert!(found.take(customer).unwrap().is_some());
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stack.decrypts(EU), 2);
}

#[tokio::test]
async fn a_corrupt_item_does_not_hide_the_others() {
    let (stack, shop) = start_filled().await;
    let mut changed = stored(&stack, US, "orders", "o-1").await.unwrap();
    changed.insert("state".to_owned(), s("paid"));
    store(&stack, "orders", changed).await;
    let mut misfit = order("o-3", "open").to_item().unwrap();
    misfit.insert("state".to_owned(), n("1"));
    shop.raw_orders.put(&misfit).send().await.unwrap();

    let mut reads = TransactGet::new();
    let corrupt = reads.get(&shop.orders, "o-1");
    let fine = reads.get(&shop.orders, "o-2");
    let misfit = reads.get(&shop.orders, "o-3");
    let mut found = reads.send().await.unwrap();
    let error = found.take(corrupt).unwrap_err();
    assert!(
        matches!(error, SlotError::Open(OpenError::Authentication(_))),
        "{error:?}"
    );
    assert!(!error.is_retryable());
    assert_eq!(found.take(fine).unwrap().unwrap().state, "paid");
    let error = found.take(misfit).unwrap_err();
    assert!(
        matches!(&error, SlotError::Model(e) if e.attribute() == Some("state")),
        "{error:?}"
    );
}

#[tokio::test]
async fn another_item_than_the_one_asked_for_is_refused_however_validly_sealed() {
    let (stack, _) = start_filled().await;
    // A store that answers with another item than it was asked for.
    let orders = meddled_orders(&stack, |input: &mut TransactGetItemsInput| {
        let reads = input.transact_items.iter_mut().flatten();
        for get in reads.filter_map(|read| read.get.as_mut()) {
            get.key.insert("id".to_owned(), s("o-2"));
        }
    });
    let mut reads = TransactGet::new();
    let slot = reads.get(&orders, "o-1");
    let error = reads.send().await.unwrap().take(slot).unwrap_err();
    let SlotError::Open(OpenError::Attribute(invalid)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (invalid.name(), invalid.issue()),
        ("id", AttributeIssue::AnotherKey)
    );
}

#[tokio::test]
async fn a_key_that_is_out_of_reach_is_retryable_item_by_item() {
    let (stack, shop) = start_filled().await;
    let rule = Fault::Unavailable.on("Decrypt").times(1);
    stack.cloud.region(US).fail(Service::Kms, rule);
    let mut reads = TransactGet::new();
    let slots = ["o-1", "o-2"].map(|id| reads.get(&shop.orders, id));
    let mut found = reads.send().await.unwrap();
    let taken = slots.map(|slot| found.take(slot));
    let failed: Vec<_> = taken
        .iter()
        .filter_map(|found| found.as_ref().err())
        .collect();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].is_retryable());
    assert_eq!(failed[0].region(), Some(US));
}

#[tokio::test]
async fn a_slot_of_another_transaction_gives_nothing_out() {
    let (_stack, shop) = start_filled().await;
    let mut first = TransactGet::new();
    let slot = first.get(&shop.orders, "o-1");
    let mut second = TransactGet::new();
    let own = second.get(&shop.orders, "o-2");
    let mut found = second.send().await.unwrap();
    let error = found.take(slot).unwrap_err();
    assert!(matches!(error, SlotError::AnotherTransaction), "{error:?}");
    assert_eq!(
        found.take(own).unwrap().unwrap().id,
        "o-2",
        "it is still there"
    );
}

#[tokio::test]
async fn conflicts_with_writes_are_met_by_asking_again() {
    let (stack, _) = start_filled().await;
    let (shop, _) = Shop::retrying(&stack);
    let conflict = |times| {
        let rule = Fault::TransactionConflict
            .on("TransactGetItems")
            .times(times);
        stack.cloud.region(US).fail(Service::DynamoDb, rule);
    };
    let read = || {
        let mut reads = TransactGet::new();
        let slots = ["o-1", "o-2"].map(|id| reads.get(&shop.orders, id));
        async move { (reads.send().await, slots) }
    };
    conflict(2);
    let (found, [slot, _]) = read().await;
    assert!(found.unwrap().take(slot).unwrap().is_some());
    assert_eq!(
        stack
            .cloud
            .calls_of(US, Service::DynamoDb, "TransactGetItems"),
        3
    );

    conflict(3);
    let error = read().await.0.unwrap_err();
    let codes: Vec<_> = error
        .reasons()
        .iter()
        .map(CancellationReason::code)
        .collect();
    assert_eq!(
        codes,
        [
            CancellationCode::TransactionConflict,
            CancellationCode::None
        ]
    );
    assert!(error.is_retryable());
}

#[tokio::test]
async fn opens_up_to_sixteen_items_at_a_time() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let ids: Vec<String> = (0..40).map(|at| format!("o-{at}")).collect();
    let all = ids.iter().fold(TransactWrite::new(), |all, id| {
        all.put(&shop.orders, &order(id, "open"))
    });
    all.send().await.unwrap();
    stack.cloud.reset_calls();
    let slow = Fault::Latency(Duration::from_millis(20));
    stack.cloud.region(US).fail(Service::Kms, slow);
    let mut reads = TransactGet::new();
    let slots: Vec<_> = ids.iter().map(|id| reads.get(&shop.orders, id)).collect();
    let mut found = reads.send().await.unwrap();
    let found = slots
        .into_iter()
        .map(|slot| found.take(slot).unwrap().unwrap().id);
    assert_eq!(found.collect::<Vec<_>>(), ids);
    assert_eq!(stack.cloud.max_in_flight(US, Service::Kms), 16);
    assert_eq!(stack.decrypts(US), 40);
}
