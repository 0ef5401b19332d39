//! What is written together.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::*;

#[tokio::test]
async fn writes_checks_updates_and_deletes_in_several_tables_at_once() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    for id in ["o-kept", "o-gone", "o-seen"] {
        shop.orders.put(&order(id, "open")).send().await.unwrap();
    }
    let first = shop.accounts.put(&account("a-1", 100, 0)).send().await;
    let version = first.unwrap().version().unwrap();
    stack.cloud.reset_calls();
    let raw = order("o-raw", "open").to_item().unwrap();
    let output = TransactWrite::new()
        .put(&shop.customers, &customer("c-1"))
        .put(&shop.accounts, &account("a-1", 50, version))
        .put_if_not_exists(&shop.orders, &order("o-new", "open"))
        .put(&shop.raw_orders, &raw)
        .check(&shop.orders, "o-kept", attribute("state").eq("open"))
        .delete_if(&shop.orders, "o-gone", attribute("state").eq("open"))
        .delete(&shop.orders, "o-never")
        .update_unsigned(&shop.orders, "o-seen", see())
        .customize(|b| b.return_consumed_capacity(ReturnConsumedCapacity::Total))
        .send();
    let output = output.await.unwrap();

    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 1, "one request");
    let written = stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey");
    assert_eq!(
        (written, stack.cloud.calls(US, Service::Kms)),
        (4, 4),
        "one for each item that is put"
    );
    let versions: Vec<_> = (0..9).map(|at| output.version(at)).collect();
    assert_eq!(versions[1], Some(version + 1));
    assert_eq!(versions.iter().flatten().count(), 1);
    assert_eq!(output.sdk_output().consumed_capacity().len(), 3);

    let found = shop.accounts.get("a-1").send().await.unwrap().unwrap();
    assert_eq!((found.balance, found.version), (50, version + 1));
    assert!(
        shop.customers
            .get(("c-1", 7))
            .send()
            .await
            .unwrap()
            .is_some()
    );
    assert!(shop.order("o-new").await.is_some());
    assert_eq!(
        shop.order("o-raw").await.unwrap().card.expose(),
        "4111-1111"
    );
    assert!(shop.order("o-gone").await.is_none());
    assert_eq!(shop.seen("o-seen").await, 1);
    assert_eq!(shop.seen("o-kept").await, 0);
    let stored = stored(&stack, US, "orders", "o-new").await.unwrap();
    assert!(stored["card"].is_b(), "sealed before it was sent");
}

#[tokio::test]
async fn each_region_writes_with_its_own_replica_of_the_key() {
    let stack = start_shop().await;
    let (us, eu) = (Shop::of(&stack, US), Shop::of(&stack, EU));
    let transfer = |shop: &Shop, id: &str| {
        TransactWrite::new()
            .put(&shop.orders, &order(id, "paid"))
            .put(&shop.customers, &customer(id))
            .send()
    };
    transfer(&us, "u").await.unwrap();
    assert_eq!(stack.cloud.calls(EU, Service::Kms), 0);
    assert_eq!(stack.cloud.calls(EU, Service::DynamoDb), 0);
    stack.cloud.reset_calls();
    transfer(&eu, "e").await.unwrap();
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stack.cloud.calls_of(EU, Service::Kms, "GenerateDataKey"), 2);

    stack.cloud.replicate().await;
    for shop in [us, eu] {
        for id in ["u", "e"] {
            assert_eq!(shop.order(id).await.unwrap().state, "paid");
            assert!(shop.customers.get((id, 7)).send().await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn nothing_happens_where_one_condition_fails() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.orders
        .put(&order("o-1", "shipped"))
        .send()
        .await
        .unwrap();
    let before = stored(&stack, US, "orders", "o-1").await;
    let error = TransactWrite::new()
        .put(&shop.customers, &customer("c-1"))
        .update_unsigned(&shop.orders, "o-1", see())
        .check(&shop.accounts, "a-1", attribute("balance").ge(10))
        .send();
    let error = error.await.unwrap_err();
    use CancellationCode::{ConditionalCheckFailed, None as Fine};
    assert_eq!(codes(&error), [Fine, Fine, ConditionalCheckFailed]);
    assert!(!error.is_retryable());
    assert_eq!(error.region(), Some(US));
    assert!(
        shop.customers
            .get(("c-1", 7))
            .send()
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(stored(&stack, US, "orders", "o-1").await, before);
}

#[tokio::test]
async fn conditions_are_joined_with_the_version() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let put = |balance, version, condition| {
        TransactWrite::new()
            .put_if(&shop.accounts, &account("a-1", balance, version), condition)
            .send()
    };
    let new = || attribute("balance").not_exists();
    let output = put(10, 0, new()).await.unwrap();
    let version = output.version(0).unwrap();
    let rich = || attribute("balance").ge(100).or(attribute("balance").eq(10));
    // The version holds and the condition does not, and the other way round.
    for (version, condition) in [
        (version, attribute("balance").ge(100)),
        (version + 7, rich()),
    ] {
        let error = put(20, version, condition).await.unwrap_err();
        assert_eq!(codes(&error), [CancellationCode::ConditionalCheckFailed]);
    }
    assert!(put(20, 0, rich()).await.is_err(), "0 says that it is new");
    assert!(put(20, version, rich()).await.is_ok());
}

#[tokio::test]
async fn an_item_that_exists_is_not_put_as_a_new_one() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.accounts
        .put(&account("a-1", 1, 0))
        .send()
        .await
        .unwrap();
    shop.orders.put(&order("o-1", "open")).send().await.unwrap();
    for transaction in [
        TransactWrite::new().put_if_not_exists(&shop.orders, &order("o-1", "new")),
        TransactWrite::new().put_if_not_exists(&shop.accounts, &account("a-1", 2, 0)),
        // Whatever version the model says it was read with.
        TransactWrite::new().put_if_not_exists(&shop.accounts, &account("a-1", 2, 1)),
    ] {
        let error = transaction.send().await.unwrap_err();
        assert_eq!(codes(&error), [CancellationCode::ConditionalCheckFailed]);
    }
    TransactWrite::new()
        .put(&shop.orders, &order("o-1", "replaced"))
        .send()
        .await
        .unwrap();
    assert_eq!(shop.order("o-1").await.unwrap().state, "replaced");
}

#[tokio::test]
async fn an_unsigned_update_makes_no_item_up_and_touches_no_plaintext() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    store(&stack, "orders", item([("id", s("o-plain"))])).await;
    for id in ["o-none", "o-plain"] {
        let update = TransactWrite::new().update_unsigned(&shop.orders, id, see());
        let error = update.send().await.unwrap_err();
        assert_eq!(
            codes(&error),
            [CancellationCode::ConditionalCheckFailed],
            "{id}"
        );
    }
    assert!(stored(&stack, US, "orders", "o-none").await.is_none());
    let plain = stored(&stack, US, "orders", "o-plain").await.unwrap();
    assert_eq!(plain.len(), 1);

    shop.orders.put(&order("o-1", "open")).send().await.unwrap();
    let seen_if = |state| {
        let condition = attribute("state").eq(state);
        TransactWrite::new()
            .update_unsigned_if(&shop.orders, "o-1", see(), condition)
            .send()
    };
    assert!(seen_if("shipped").await.is_err());
    seen_if("open").await.unwrap();
    assert_eq!(shop.seen("o-1").await, 1);
}

#[tokio::test]
async fn seals_up_to_sixteen_items_at_a_time_and_takes_a_hundred() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let slow = Fault::Latency(Duration::from_millis(20));
    stack.cloud.region(US).fail(Service::Kms, slow);
    let all = (0..100).fold(TransactWrite::new(), |all, at| {
        all.put(&shop.orders, &order(&format!("o-{at}"), "open"))
    });
    all.send().await.unwrap();
    assert_eq!(stack.cloud.max_in_flight(US, Service::Kms), 16);
    assert_eq!(
        stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"),
        100
    );
    assert!(shop.order("o-99").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn futures_are_send_and_borrow_nothing() {
    let stack = start_shop().await;
    let (write, prepare, read) = {
        let shop = Shop::of(&stack, US);
        let write = TransactWrite::new().put(&shop.orders, &order("o-1", "open"));
        let prepare = TransactWrite::new().put(&shop.orders, &order("o-2", "open"));
        let mut read = dynaseal::table::TransactGet::new();
        let slot = read.get(&shop.orders, "o-2");
        (write.send(), prepare.prepare(), (read.send(), slot))
    };
    tokio::spawn(write).await.unwrap().unwrap();
    let prepared = tokio::spawn(prepare).await.unwrap().unwrap();
    let sending = {
        let clone = prepared.clone();
        drop(prepared);
        clone.send()
    };
    tokio::spawn(sending).await.unwrap().unwrap();
    let mut found = tokio::spawn(read.0).await.unwrap().unwrap();
    assert!(found.take(read.1).unwrap().is_some());
}
