//! What a cancelled transaction says of each operation.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use dynaseal::error::AttributeIssue;

use super::*;

/// A transaction that every stored order named here cancels.
async fn cancel(shop: &Shop, ids: &[&str]) -> Failure {
    let all = ids.iter().fold(TransactWrite::new(), |all, id| {
        all.put_if_not_exists(&shop.orders, &order(id, "new"))
    });
    all.send().await.unwrap_err()
}

#[tokio::test]
async fn comes_with_the_stored_items_opened_in_the_order_of_the_operations() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.orders.put(&order("o-1", "open")).send().await.unwrap();
    shop.orders.put(&order("o-3", "paid")).send().await.unwrap();
    shop.accounts
        .put(&account("a-1", 9, 0))
        .send()
        .await
        .unwrap();
    let never = attribute("state").eq("lost");
    let error = TransactWrite::new()
        .put_if_not_exists(&shop.orders, &order("o-1", "new"))
        .put_if_not_exists(&shop.orders, &order("o-2", "new"))
        .delete_if(&shop.orders, "o-3", never.clone())
        .check(&shop.accounts, "a-1", attribute("balance").ge(10))
        .update_unsigned_if(&shop.orders, "o-4", see(), never)
        .send();
    let error = error.await.unwrap_err();
    let found: Vec<_> = error
        .reasons()
        .iter()
        .map(|reason| reason.item().map(|item| item.as_ref().unwrap().item()))
        .collect();
    assert_eq!(found.len(), 5);
    assert_eq!(found[0].unwrap()["card"], s("4111-1111"));
    assert_eq!(found[0].unwrap()["state"], s("open"));
    assert!(found[1].is_none(), "nothing was wrong with it");
    assert_eq!(found[2].unwrap()["state"], s("paid"));
    assert_eq!(found[3].unwrap()["owner"], s("Ada Lovelace"));
    assert!(found[4].is_none(), "nothing was stored");
    assert_eq!(codes(&error)[4], CancellationCode::ConditionalCheckFailed);
}

#[tokio::test]
async fn a_changed_item_does_not_hide_the_others() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    for id in ["o-1", "o-2"] {
        shop.orders.put(&order(id, "open")).send().await.unwrap();
    }
    let mut changed = stored(&stack, US, "orders", "o-1").await.unwrap();
    changed.insert("state".to_owned(), s("paid"));
    store(&stack, "orders", changed).await;
    store(&stack, "orders", item([("id", s("o-3"))])).await;
    let error = cancel(&shop, &["o-1", "o-2", "o-3"]).await;
    let items: Vec<_> = error
        .reasons()
        .iter()
        .map(|reason| reason.item().unwrap().as_ref())
        .collect();
    assert!(matches!(items[0], Err(OpenError::Authentication(_))));
    assert_eq!(items[1].unwrap().item()["state"], s("open"));
    assert!(matches!(items[2], Err(OpenError::NotSealed(_))));
}

#[tokio::test]
async fn shows_no_value_and_keeps_the_sdks_error() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.orders
        .put(&order("o-1", "secret-state"))
        .send()
        .await
        .unwrap();
    let error = cancel(&shop, &["o-1"]).await;
    let mut shown = format!("{error} {error:?}");
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(inner) = cause {
        shown.push_str(&inner.to_string());
        cause = inner.source();
    }
    for value in ["4111", "secret-state", "o-1"] {
        assert!(!shown.contains(value), "{shown}");
    }
    let TransactionError::Cancelled(cancelled) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        cancelled.to_string(),
        "operation 0 cancelled it: its condition did not hold"
    );
    let sdk = error
        .sdk_error()
        .and_then(|e| e.as_service_error())
        .unwrap();
    assert!(sdk.is_transaction_canceled_exception());
}

#[tokio::test]
async fn an_invalid_operation_is_a_reason_as_well() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let mut text = order("o-2", "open").to_item().unwrap();
    text.insert(":seen".to_owned(), s("not a number"));
    shop.raw_orders.put(&text).send().await.unwrap();
    let transaction = TransactWrite::new()
        .put(&shop.orders, &order("o-1", "open"))
        .update_unsigned(&shop.orders, "o-2", see());
    let error = transaction.send().await.unwrap_err();
    assert_eq!(
        codes(&error),
        [CancellationCode::None, CancellationCode::ValidationError]
    );
    assert!(error.reasons()[1].item().is_none());
    assert!(!error.is_retryable());
    assert!(shop.order("o-1").await.is_none());
}

#[tokio::test]
async fn an_item_under_another_key_is_refused_however_validly_sealed() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.orders.put(&order("o-1", "open")).send().await.unwrap();
    // A store that evaluates the condition of another key, and answers with its item.
    let decoy = meddled_orders(&stack, |input: &mut TransactWriteItemsInput| {
        let items = input.transact_items.iter_mut().flatten();
        for put in items.filter_map(|item| item.put.as_mut()) {
            put.item.insert("id".to_owned(), s("o-1"));
        }
    });
    let error = TransactWrite::new()
        .put_if_not_exists(&decoy, &order("o-2", "new"))
        .send();
    let error = error.await.unwrap_err();
    let item = error.reasons()[0].item().unwrap();
    let Err(OpenError::Attribute(invalid)) = item else {
        panic!("{item:?}")
    };
    assert_eq!(
        (invalid.name(), invalid.issue()),
        ("id", AttributeIssue::AnotherKey)
    );
}
