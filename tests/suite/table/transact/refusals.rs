//! What is refused, and never leaves.

use aws_sdk_dynamodb::types::{TransactGetItem, TransactWriteItem};
use dynaseal::SealError;
use dynaseal::expression::{Condition, NO_NAMES, NO_VALUES};
use dynaseal::table::TransactGet;

use super::*;

/// Why a transaction was not sent; nothing was.
async fn refused(stack: &Stack, transaction: TransactWrite) -> Failure {
    stack.cloud.reset_calls();
    let error = transaction.send().await.expect_err("it went through");
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0, "{error:?}");
    assert_eq!(stack.cloud.calls(EU, Service::DynamoDb), 0, "{error:?}");
    assert!(!error.is_retryable(), "{error:?}");
    error
}

/// The text of the refusal of the whole transaction.
fn whole(error: &Failure) -> String {
    match error {
        TransactionError::Refused(refused) => refused.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The index of the operation that is refused, and why.
fn of_one(error: &Failure) -> (usize, String) {
    let failed = error.failed_operation().expect("one operation");
    let refused = failed.refused().unwrap_or_else(|| panic!("{error:?}"));
    (failed.index(), refused.to_string())
}

#[tokio::test]
async fn a_transaction_has_one_to_a_hundred_operations() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let error = refused(&stack, TransactWrite::new()).await;
    assert!(whole(&error).contains("without operations"), "{error:?}");
    let many = (0..101).fold(TransactWrite::new(), |all, at| {
        all.delete(&shop.orders, format!("o-{at}"))
    });
    let error = refused(&stack, many).await;
    assert!(whole(&error).contains("at most 100 operations, and this has 101"));

    let mut reads = TransactGet::new();
    let error = TransactGet::new().send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Refused(_)), "{error:?}");
    for at in 0..101 {
        drop(reads.get(&shop.orders, format!("o-{at}")));
    }
    let error = reads.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Refused(_)), "{error:?}");
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn an_item_is_in_a_transaction_once() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let same =
        |at| format!("operation {at} is on the same item, and a transaction has one for each");
    let twice = TransactWrite::new()
        .delete(&shop.orders, "o-2")
        .put(&shop.orders, &order("o-1", "open"))
        .delete(&shop.customers, ("o-1", 7))
        .check(&shop.raw_orders, "o-1", attribute("state").exists());
    let error = refused(&stack, twice).await;
    assert_eq!(of_one(&error), (3, same(1)));
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0, "not even sealed");

    // 7 and 7.0 are one number.
    let schema = ItemSchema::of_model(Customer::SCHEMA, None).unwrap();
    let regions = stack.regions(US);
    let raw = SealedTable::builder(TABLE, stack.keyring(US), &regions);
    let raw: SealedTable = raw.schema(schema.build().unwrap()).build().unwrap();
    let twice = TransactWrite::new()
        .delete(&raw, ("c-1", n("7")))
        .delete(&raw, ("c-1", n("7.0")));
    let error = refused(&stack, twice).await;
    assert_eq!(of_one(&error), (1, same(0)));

    let mut reads = TransactGet::new();
    drop(reads.get(&shop.orders, "o-1"));
    drop(reads.get(&shop.raw_orders, "o-1"));
    let error = reads.send().await.unwrap_err();
    assert_eq!(error.failed_operation().unwrap().index(), 1);
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn tables_of_several_region_sets_are_not_one_transaction() {
    let stack = start_shop().await;
    let (us, eu) = (Shop::of(&stack, US), Shop::of(&stack, EU));
    let apart = TransactWrite::new()
        .delete(&us.orders, "o-1")
        .delete(&eu.customers, ("c-1", 7));
    let error = refused(&stack, apart).await;
    assert!(
        whole(&error).contains("asked in us-east-1 and eu-west-1"),
        "{error:?}"
    );

    let others = Shop::of(&stack, US);
    let apart = TransactWrite::new()
        .delete(&us.orders, "o-1")
        .delete(&others.customers, ("c-1", 7));
    let error = refused(&stack, apart).await;
    assert!(whole(&error).contains("clones of one"), "{error:?}");

    let mut reads = TransactGet::new();
    drop(reads.get(&us.orders, "o-1"));
    drop(reads.get(&eu.orders, "o-2"));
    let error = reads.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Refused(_)), "{error:?}");
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn operations_and_token_belong_to_the_transaction() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let delete = || TransactWrite::new().delete(&shop.orders, "o-1");
    let smuggled = TransactWriteItem::builder().build();
    let error = refused(&stack, delete().customize(|b| b.transact_items(smuggled))).await;
    assert!(whole(&error).contains("`transact_items`"), "{error:?}");
    let error = refused(&stack, delete().customize(|b| b.client_request_token("t"))).await;
    assert!(
        whole(&error).contains("`prepare` the transaction"),
        "{error:?}"
    );

    let mut reads = TransactGet::new();
    drop(reads.get(&shop.orders, "o-1"));
    let smuggled = TransactGetItem::builder().build();
    let reads = reads.customize(|b| b.transact_items(smuggled));
    let error = reads.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Refused(_)), "{error:?}");
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn conditions_name_only_what_dynamodb_can_see() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let hidden = [
        attribute("card").eq("4111-1111"),
        attribute("card").size().gt(3),
        attribute("card").field("number").exists(),
        attribute("unheard_of").exists(),
        attribute("aws_dbe_foot").exists(),
        attribute("state")
            .eq("open")
            .or(attribute("card").begins_with("4")),
        Condition::parse("\tsize\n(card) > id", NO_NAMES, NO_VALUES).unwrap(),
    ];
    for condition in hidden {
        let fine = || TransactWrite::new().delete(&shop.orders, "o-0");
        let new = order("o-1", "open");
        for transaction in [
            fine().put_if(&shop.orders, &new, condition.clone()),
            fine().delete_if(&shop.orders, "o-1", condition.clone()),
            fine().check(&shop.orders, "o-1", condition.clone()),
            fine().update_unsigned_if(&shop.orders, "o-1", see(), condition.clone()),
        ] {
            let error = refused(&stack, transaction).await;
            let (index, why) = of_one(&error);
            assert_eq!(index, 1, "{condition:?}");
            assert!(why.starts_with("attribute `"), "{why}");
        }
    }
    let seen = attribute("card").exists();
    let check = TransactWrite::new().check(&shop.orders, "o-1", seen);
    let error = check.send().await.unwrap_err();
    assert!(
        matches!(error, TransactionError::Cancelled(_)),
        "existence is in clear"
    );
}

#[tokio::test]
async fn updates_leave_alone_what_is_signed() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.orders.put(&order("o-1", "open")).send().await.unwrap();
    let updates = [
        UpdateExpression::new().set("state", "paid"),
        UpdateExpression::new().remove("card"),
        UpdateExpression::new().set("unconfigured", 1),
        UpdateExpression::new().remove("aws_dbe_head"),
        UpdateExpression::new().set(":seen", attribute("state")),
        UpdateExpression::parse("SET\tstate\n= id", NO_NAMES, NO_VALUES).unwrap(),
    ];
    for update in updates {
        let transaction = TransactWrite::new().update_unsigned(&shop.orders, "o-1", update);
        let error = refused(&stack, transaction).await;
        let (index, why) = of_one(&error);
        assert_eq!(index, 0);
        assert!(why.starts_with("attribute `"), "{why}");
    }
    let empty = TransactWrite::new().update_unsigned(&shop.orders, "o-1", UpdateExpression::new());
    assert_eq!(of_one(&refused(&stack, empty).await).0, 0);
    assert_eq!(shop.order("o-1").await.unwrap().state, "open");
}

#[tokio::test]
async fn keys_have_the_shape_of_their_table() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    for transaction in [
        TransactWrite::new().delete(&shop.raw_orders, ("o-1", 7)),
        TransactWrite::new().check(&shop.raw_orders, ("o-1", 7), attribute("state").exists()),
        TransactWrite::new().update_unsigned(&shop.raw_orders, n("x"), see()),
    ] {
        assert_eq!(of_one(&refused(&stack, transaction).await).0, 0);
    }
    let mut reads = TransactGet::new();
    drop(reads.get(&shop.raw_orders, ("o-1", 7)));
    let error = reads.send().await.unwrap_err();
    assert!(error.failed_operation().unwrap().refused().is_some());
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn one_item_that_cannot_be_sealed_keeps_all_others_back() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let mut unknown = order("o-2", "open").to_item().unwrap();
    unknown.insert("unheard_of".to_owned(), s("x"));
    let keyless = item([("state", s("open"))]);
    for (bad, name) in [(unknown, "unheard_of"), (keyless, "id")] {
        let transaction = TransactWrite::new()
            .put(&shop.orders, &order("o-1", "open"))
            .put(&shop.raw_orders, &bad);
        let error = refused(&stack, transaction).await;
        let failed = error.failed_operation().unwrap();
        assert_eq!(failed.index(), 1);
        let Some(SealError::Attribute(invalid)) = failed.seal_error() else {
            panic!("{error:?}")
        };
        assert_eq!(invalid.name(), name);
    }
}

#[tokio::test]
async fn without_the_key_nothing_is_sent() {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    let rule = Fault::Unavailable.on("GenerateDataKey").times(1);
    stack.cloud.region(US).fail(Service::Kms, rule);
    let transaction = TransactWrite::new()
        .delete(&shop.orders, "o-1")
        .put(&shop.orders, &order("o-2", "open"));
    let error = transaction.prepare().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(error.region(), Some(US));
    let failed = error.failed_operation().unwrap();
    assert!(matches!(failed.seal_error(), Some(SealError::Keyring(_))));
    assert_eq!(failed.to_string(), "operation 1: its item was not sealed");
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}
