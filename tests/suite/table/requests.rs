//! What reaches the wire of a caller's own settings, and what is refused.

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionalOperator, ExpectedAttributeValue, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use dynaseal::SealedTable;
use dynaseal::error::AttributeIssue;
use dynaseal::testkit::Service;

use super::*;

#[tokio::test]
async fn another_item_than_the_one_asked_for_is_refused_however_validly_sealed() {
    let (stack, _) = start_with_customer().await;
    stack.table(US).put(&customer("c-2")).send().await.unwrap();
    // A store that answers with another item than it was asked for.
    let table = stack.meddled::<Customer, _>(|input: &mut GetItemInput| {
        input.key = Some(key("c-2"));
    });
    assert!(table.get(("c-2", 7)).send().await.unwrap().is_some());
    let error = table.get(("c-1", 7)).send().await.unwrap_err();
    let OperationError::Open(OpenError::Attribute(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.name(), "customerId");
    assert_eq!(error.issue(), AttributeIssue::AnotherKey);
}

#[tokio::test]
async fn consistency_reaches_the_wire() {
    let (stack, _) = start_with_customer().await;
    let (table, seen) = stack.witnessed::<Customer, GetItemInput>();
    let get = table.get(("c-1", 7)).customize(|b| b.consistent_read(true));
    assert!(get.send().await.unwrap().is_some());
    assert!(table.get(("c-1", 7)).send().await.unwrap().is_some());
    let seen = seen.lock().unwrap();
    let consistent: Vec<_> = seen.iter().map(GetItemInput::consistent_read).collect();
    assert_eq!(consistent, [Some(true), None]);
    assert!(
        seen.iter()
            .all(|input| input.projection_expression().is_none())
    );
}

#[tokio::test]
async fn consumed_capacity_is_asked_for_and_answered() {
    let stack = start().await;
    let table = stack.table(US);
    let customer = customer("c-1");
    let total = ReturnConsumedCapacity::Total;
    let put = table
        .put(&customer)
        .customize(|b| b.return_consumed_capacity(total.clone()));
    let output = put.send().await.unwrap();
    let capacity = output.sdk_output().consumed_capacity().unwrap();
    assert!(capacity.capacity_units().unwrap() >= 1.0);
    let silent = table.put(&customer).send().await.unwrap();
    assert!(silent.sdk_output().consumed_capacity().is_none());
    let delete = table
        .delete(("c-1", 7))
        .customize(|b| b.return_consumed_capacity(total.clone()));
    let output = delete.send().await.unwrap();
    assert!(output.sdk_output().consumed_capacity().is_some());

    table.put(&customer).send().await.unwrap();
    let get = table
        .get(("c-1", 7))
        .customize(|b| b.return_consumed_capacity(total));
    let (found, capacity) = get.send_metered().await.unwrap();
    assert!(found.is_some());
    assert!(capacity.unwrap().capacity_units().unwrap() > 0.0);
    let (_, capacity) = table.get(("c-1", 7)).send_metered().await.unwrap();
    assert!(capacity.is_none());
}

#[tokio::test]
async fn what_belongs_to_the_table_is_refused_in_puts() {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    let customer = customer("c-1");
    let expected = ExpectedAttributeValue::builder().exists(false).build();
    let put = || table.put(&customer);
    let refused = [
        put().customize(|b| b.table_name("elsewhere")),
        put().customize(|b| b.item("ssn", s("plaintext"))),
        put().customize(|b| b.set_item(Some(Item::default()))),
        put().customize(|b| b.expected("plan", expected)),
        put().customize(|b| b.conditional_operator(ConditionalOperator::Or)),
        put().customize(|b| b.condition_expression("attribute_exists(ssn)")),
        put().customize(|b| b.expression_attribute_names("#a", "ssn")),
        put().customize(|b| b.expression_attribute_values(":a", s("x"))),
        put().customize(|b| b.return_values(ReturnValue::AllOld)),
        put().customize(|b| {
            b.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        }),
        put()
            .customize(|b| b.table_name("elsewhere"))
            .customize(|b| b),
        put()
            .if_not_exists()
            .customize(|b| b.condition_expression("#0 = :0")),
    ];
    for (at, put) in refused.into_iter().enumerate() {
        let error = put.send().await.unwrap_err();
        assert!(
            matches!(error, OperationError::Refused(_)),
            "{at}: {error:?}"
        );
        assert!(!error.is_retryable());
    }
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(
        stack.cloud.calls(US, Service::Kms),
        0,
        "not even a key was asked for"
    );
}

#[tokio::test]
async fn what_belongs_to_the_table_is_refused_in_gets() {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    let get = || table.get(("c-1", 7));
    let refused = [
        get().customize(|b| b.table_name("elsewhere")),
        get().customize(|b| b.key("customerId", s("c-2"))),
        get().customize(|b| b.projection_expression("ssn")),
        get().customize(|b| b.expression_attribute_names("#a", "ssn")),
        get().customize(|b| b.attributes_to_get("ssn")),
    ];
    for (at, get) in refused.into_iter().enumerate() {
        let error = get.send().await.unwrap_err();
        assert!(
            matches!(error, OperationError::Refused(_)),
            "{at}: {error:?}"
        );
    }
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn what_belongs_to_the_table_is_refused_in_deletes() {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    let expected = ExpectedAttributeValue::builder().exists(true).build();
    let delete = || table.delete(("c-1", 7));
    let refused = [
        delete().customize(|b| b.table_name("elsewhere")),
        delete().customize(|b| b.key("customerId", s("c-2"))),
        delete().customize(|b| b.expected("plan", expected)),
        delete().customize(|b| b.conditional_operator(ConditionalOperator::And)),
        delete().customize(|b| b.condition_expression("attribute_exists(ssn)")),
        delete().customize(|b| b.expression_attribute_names("#a", "ssn")),
        delete().customize(|b| b.expression_attribute_values(":a", AttributeValue::Null(true))),
        delete().customize(|b| b.return_values(ReturnValue::AllOld)),
        delete().customize(|b| {
            b.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        }),
    ];
    for (at, delete) in refused.into_iter().enumerate() {
        let error = delete.send().await.unwrap_err();
        assert!(
            matches!(error, OperationError::Refused(_)),
            "{at}: {error:?}"
        );
    }
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn metrics_are_the_callers_to_ask_for() {
    let stack = start().await;
    let table = stack.table(US);
    let customer = customer("c-1");
    let size = ReturnItemCollectionMetrics::Size;
    let put = table
        .put(&customer)
        .customize(|b| b.return_item_collection_metrics(size.clone()));
    put.send().await.unwrap();
    let delete = table
        .delete(("c-1", 7))
        .customize(|b| b.return_item_collection_metrics(size));
    delete.send().await.unwrap();
}

#[tokio::test]
async fn an_arn_names_the_same_table_and_is_no_way_around_sealing() {
    let stack = start().await;
    let arn = format!("arn:aws:dynamodb:{US}:111122223333:table/{TABLE}");
    let builder = SealedTable::<Customer>::builder(arn, stack.keyring(US), &stack.regions(US));
    let by_arn = builder.build().unwrap();
    by_arn.put(&customer("c-1")).send().await.unwrap();
    let stored = stack.stored(US, &key("c-1")).await.unwrap();
    assert!(stored["ssn"].is_b() && stored.contains_key("aws_dbe_foot"));
    let by_name = stack.table::<Customer>(US);
    assert!(by_name.get(("c-1", 7)).send().await.unwrap().is_some());
    assert!(by_arn.get(("c-1", 7)).send().await.unwrap().is_some());
}
