//! Other requests at work on the same items.

use dynaseal::table::TransactGet;

use super::*;

#[tokio::test]
async fn a_conflict_is_met_by_sending_again() {
    let stack = start_shop().await;
    let (shop, _) = Shop::retrying(&stack);
    fail(&stack, Fault::TransactionConflict, 2);
    TransactWrite::new()
        .put_if_not_exists(&shop.orders, &order("o-1", "open"))
        .send()
        .await
        .unwrap();
    assert_eq!(sent(&stack), 3);
    let sealed = stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey");
    assert_eq!(sealed, 1, "the same bytes");
}

#[tokio::test]
async fn a_conflict_that_stays_is_a_retryable_error_with_its_reason() {
    let stack = start_shop().await;
    let (shop, _) = Shop::retrying(&stack);
    fail(&stack, Fault::TransactionConflict, 3);
    let transaction = TransactWrite::new()
        .put(&shop.orders, &order("o-1", "open"))
        .put(&shop.orders, &order("o-2", "open"));
    let error = transaction.send().await.unwrap_err();
    assert_eq!(
        codes(&error),
        [
            CancellationCode::TransactionConflict,
            CancellationCode::None
        ]
    );
    assert!(error.is_retryable());
    assert_eq!(sent(&stack), 3);
}

#[tokio::test]
async fn a_failed_condition_is_not_tried_again() {
    let stack = start_shop().await;
    let (shop, _) = Shop::retrying(&stack);
    let check = attribute("state").exists();
    let transaction = TransactWrite::new().check(&shop.orders, "o-1", check);
    let error = transaction.send().await.unwrap_err();
    assert!(!error.is_retryable());
    assert_eq!(sent(&stack), 1);
}

#[tokio::test]
async fn of_two_that_race_on_a_version_one_wins_and_the_other_sees_its_item() {
    let stack = start_shop().await;
    let (shop, _) = Shop::retrying(&stack);
    let first = shop.accounts.put(&account("a-1", 100, 0)).send().await;
    let version = first.unwrap().version().unwrap();
    let write = |balance, order_id: &str| {
        TransactWrite::new()
            .put(&shop.accounts, &account("a-1", balance, version))
            .put(&shop.orders, &order(order_id, "paid"))
            .send()
    };
    let (one, two) = tokio::join!(write(60, "o-60"), write(30, "o-30"));
    let (winner, error) = match (one, two) {
        (Ok(output), Err(error)) => ((60, "o-60", output), error),
        (Err(error), Ok(output)) => ((30, "o-30", output), error),
        other => panic!("{other:?}"),
    };
    let (balance, order_id, output) = winner;
    assert_eq!(output.version(0), Some(version + 1));
    let met = error.reasons()[0].item().unwrap().as_ref().unwrap();
    assert_eq!(met.item()["balance"], n(&balance.to_string()));
    assert_eq!(met.item()["version"], n(&(version + 1).to_string()));
    let stored = shop.accounts.get("a-1").send().await.unwrap().unwrap();
    assert_eq!(stored.balance, balance);
    let orders: Vec<bool> = vec![
        shop.order("o-60").await.is_some(),
        shop.order("o-30").await.is_some(),
    ];
    assert_eq!(orders, [order_id == "o-60", order_id == "o-30"]);
}

/// Each moves one from an account to another, as a program does: read both, write both, start over
/// where somebody was faster.
async fn transfer(shop: &Shop) {
    loop {
        let mut reads = TransactGet::new();
        let slots = ["a-1", "a-2"].map(|id| reads.get(&shop.accounts, id));
        let mut found = reads.send().await.unwrap();
        let [from, to] = slots.map(|slot| found.take(slot).unwrap().unwrap());
        let written = TransactWrite::new()
            .put(
                &shop.accounts,
                &account("a-1", from.balance - 1, from.version),
            )
            .put(&shop.accounts, &account("a-2", to.balance + 1, to.version))
            .send();
        match written.await {
            Ok(_) => return,
            Err(error) => assert_eq!(codes(&error).len(), 2, "{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_transfers_at_once_lose_nothing() {
    let stack = start_shop().await;
    let (shop, _) = Shop::retrying(&stack);
    let open = |id, balance| TransactWrite::new().put(&shop.accounts, &account(id, balance, 0));
    open("a-1", 100).send().await.unwrap();
    open("a-2", 0).send().await.unwrap();
    let shop = std::sync::Arc::new(shop);
    let transfers = (0..10).map(|_| {
        let shop = std::sync::Arc::clone(&shop);
        tokio::spawn(async move { transfer(&shop).await })
    });
    for transfer in transfers.collect::<Vec<_>>() {
        transfer.await.unwrap();
    }
    let mut reads = TransactGet::new();
    let slots = ["a-1", "a-2"].map(|id| reads.get(&shop.accounts, id));
    let mut found = reads.send().await.unwrap();
    let balances = slots.map(|slot| found.take(slot).unwrap().unwrap().balance);
    assert_eq!(balances, [90, 10]);
}
