//! What is not sent: each refusal is typed, and nobody was called.

use aws_sdk_dynamodb::types::{
    AttributeValue, Condition as LegacyCondition, ConditionalOperator, Select,
};
use dynaseal::expression::{
    Condition, KeyCondition, NO_NAMES, NO_VALUES, SortKeyCondition, attribute,
};
use dynaseal::table::{PageFailure, Query, Scan};
use dynaseal::{CryptoAction, ItemSchema, OperationError};

use super::*;

async fn assert_query_refused(what: &str, query: Query<Order>) {
    let error = query.clone().page().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Refused(_)),
        "{what}: {error:?}"
    );
    assert!(!error.is_retryable());
    let error = query.clone().count_unverified().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Refused(_)),
        "{what}: {error:?}"
    );
    let mut items = query.items();
    let first = items.next().await.unwrap().unwrap_err();
    assert!(
        matches!(first, PageFailure::Page(OperationError::Refused(_))),
        "{what}"
    );
    assert!(items.next().await.is_none());
}

async fn assert_scan_refused(what: &str, scan: Scan<Order>) {
    let error = scan.clone().page().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Refused(_)),
        "{what}: {error:?}"
    );
    let parallel = scan
        .clone()
        .segments(2)
        .items()
        .collect()
        .await
        .unwrap_err();
    assert!(
        matches!(parallel, PageFailure::Page(OperationError::Refused(_))),
        "{what}"
    );
    let error = scan.count_unverified().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Refused(_)),
        "{what}: {error:?}"
    );
}

fn legacy() -> LegacyCondition {
    let condition = LegacyCondition::builder().attribute_value_list(s("c-1"));
    let condition = condition.comparison_operator("EQ".into());
    condition.build().unwrap()
}

#[tokio::test]
async fn settings_of_a_query_that_belong_to_the_table() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let query = || table.query("c-1");
    let refused = [
        query().customize(|b| b.table_name("elsewhere")),
        query().customize(|b| b.index_name("by-state")),
        query().customize(|b| b.select(Select::Count)),
        query().customize(|b| b.select(Select::SpecificAttributes)),
        query().customize(|b| b.select(Select::AllAttributes)),
        query().customize(|b| b.attributes_to_get("card")),
        query().customize(|b| b.projection_expression("card")),
        query().customize(|b| b.key_conditions("customer", legacy())),
        query().customize(|b| b.query_filter("state", legacy())),
        query().customize(|b| b.conditional_operator(ConditionalOperator::Or)),
        query().customize(|b| b.exclusive_start_key("customer", s("c-1"))),
        query().customize(|b| b.key_condition_expression("customer = :c")),
        query().customize(|b| b.filter_expression("card = :c")),
        query().customize(|b| b.expression_attribute_names("#0", "card")),
        query().customize(|b| b.expression_attribute_values(":0", s("c-2"))),
    ];
    for (at, query) in refused.into_iter().enumerate() {
        assert_query_refused(&at.to_string(), query).await;
    }
    assert_silent(&stack);
}

#[tokio::test]
async fn settings_of_a_scan_that_belong_to_the_table() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let scan = || table.scan();
    let refused = [
        scan().customize(|b| b.table_name("elsewhere")),
        scan().customize(|b| b.index_name("by-state")),
        scan().customize(|b| b.select(Select::SpecificAttributes)),
        scan().customize(|b| b.attributes_to_get("card")),
        scan().customize(|b| b.projection_expression("card")),
        scan().customize(|b| b.scan_filter("state", legacy())),
        scan().customize(|b| b.conditional_operator(ConditionalOperator::And)),
        scan().customize(|b| b.exclusive_start_key("customer", s("c-1"))),
        scan().customize(|b| b.segment(0)),
        scan().customize(|b| b.total_segments(1)),
        scan().customize(|b| b.filter_expression("card = :c")),
        scan().customize(|b| b.expression_attribute_names("#0", "card")),
        scan().customize(|b| b.expression_attribute_values(":0", s("c-2"))),
        scan().fetch_from_table(),
    ];
    for (at, scan) in refused.into_iter().enumerate() {
        assert_scan_refused(&at.to_string(), scan).await;
    }
    assert_silent(&stack);
}

#[tokio::test]
async fn settings_of_batches_that_belong_to_the_table() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let keys = aws_sdk_dynamodb::types::KeysAndAttributes::builder().keys(key("c-1", 1));
    let keys = keys.build().unwrap();
    let get = table
        .batch_get([("c-1", 1)])
        .customize(|b| b.request_items("elsewhere", keys));
    assert!(matches!(get.send().await, Err(OperationError::Refused(_))));
    let write = table.batch_write().put(&order("c-1", 1));
    let failure = write
        .customize(|b| b.request_items("elsewhere", Vec::new()))
        .send()
        .await;
    assert_eq!(failure.unwrap_err().unwritten().len(), 1);
    assert_silent(&stack);
}

#[tokio::test]
async fn filters_on_what_dynamodb_cannot_see() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let refused = [
        attribute("card").eq("4111 1111"),
        attribute("state").eq(attribute("card")),
        attribute("card").size().gt(3),
        attribute("address").field("city").eq("Springwood"),
        attribute("address").field("city").exists(),
        attribute("typo").eq("x"),
        attribute("typo").exists(),
        attribute("aws_dbe_head").exists(),
        attribute("state")
            .eq("open")
            .and(!attribute("card").begins_with("4")),
    ];
    for filter in refused {
        let what = format!("{filter:?}");
        assert_query_refused(&what, table.query("c-1").filter(filter.clone())).await;
        assert_query_refused(
            &what,
            table.query("open").index("by-state").filter(filter.clone()),
        )
        .await;
        assert_scan_refused(&what, table.scan().filter(filter.clone())).await;
        let hidden = table
            .scan()
            .filter(attribute("state").exists())
            .filter(filter);
        assert_scan_refused(&what, hidden).await;
    }
    assert_silent(&stack);
}

/// What the reference client's scanner of words does not see.
#[tokio::test]
async fn encrypted_attributes_however_they_are_written() {
    let names = [
        "orders",
        "index",
        "notes",
        "android",
        "inner",
        "between_x",
        "size_of",
        "containsx",
    ];
    let mut schema = ItemSchema::builder("orders", "customer").sort_key_name("number");
    for name in names {
        schema = schema.action(name, CryptoAction::EncryptAndSign);
    }
    let schema = schema
        .action("plain", CryptoAction::SignOnly)
        .build()
        .unwrap();
    let stack = start(0).await;
    let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = builder.schema(schema).build().unwrap();
    let mut refused = Vec::new();
    for name in names {
        for text in [
            format!("{name} = :v"),
            format!("plain = :v AND\t{name} = :v"),
            format!("plain = :v\nAND\n{name} = :v"),
            format!("plain = :v\r\nOR NOT({name}.x[0] = :v)"),
            format!("attribute_exists({name}) AND {name} = :v"),
            format!("attribute_exists({name}.x) AND plain = :v"),
            format!("size({name}) > :v"),
            format!("plain IN (:v, {name})"),
        ] {
            let filter = Condition::parse(&text, NO_NAMES, [(":v", s("x"))]).unwrap();
            refused.push((text, filter));
        }
        let by_name = [("#a", name)];
        let hidden = Condition::parse("#a = plain", by_name, NO_VALUES).unwrap();
        refused.push((format!("#a, {name}"), hidden));
    }
    for (text, filter) in refused {
        let error = table
            .query("c-1")
            .filter(filter.clone())
            .page()
            .await
            .unwrap_err();
        assert!(
            matches!(error, OperationError::Refused(_)),
            "{text}: {error:?}"
        );
        let error = table.scan().filter(filter).page().await.unwrap_err();
        assert!(
            matches!(error, OperationError::Refused(_)),
            "{text}: {error:?}"
        );
    }
    assert_silent(&stack);
    for name in names {
        let text = format!("attribute_exists({name})\tAND\nplain = :v");
        let filter = Condition::parse(&text, NO_NAMES, [(":v", s("x"))]).unwrap();
        table
            .query("c-1")
            .filter(filter)
            .page()
            .await
            .expect("presence is in clear");
    }
}

#[tokio::test]
async fn key_conditions_on_other_keys() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let refused = [
        table.query(KeyCondition::new("state", "open")),
        table.query(KeyCondition::new("card", "4111 1111")),
        table.query(KeyCondition::new("customer", "c-1").sort("total", SortKeyCondition::gt(1))),
        table.query(KeyCondition::new("customer", "c-1").sort("card", SortKeyCondition::gt(1))),
        table
            .query(KeyCondition::new("customer", "c-1").sort("number", SortKeyCondition::gt(1)))
            .sort_key(SortKeyCondition::lt(9)),
        table.query(AttributeValue::Bool(true)),
        // Of this index nothing is known yet, and nobody is asked.
        table
            .query(KeyCondition::new("card", "4111 1111"))
            .index("by-card"),
        table
            .query(KeyCondition::new("typo", "4111 1111"))
            .index("by-card"),
        table.query("c-1").fetch_from_table(),
    ];
    for (at, query) in refused.into_iter().enumerate() {
        assert_query_refused(&at.to_string(), query).await;
    }
    assert_silent(&stack);
}

#[tokio::test]
async fn segments_that_contradict_each_other() {
    let stack = start(0).await;
    let table = stack.table::<Order>(US);
    let start = dynaseal::table::LastEvaluatedKey::from(key("c-1", 1));
    for scan in [table.scan().segment(0, 2), table.scan().start_from(start)] {
        let error = scan
            .clone()
            .segments(2)
            .items()
            .collect()
            .await
            .unwrap_err();
        assert!(matches!(
            error,
            PageFailure::Page(OperationError::Refused(_))
        ));
        let error = scan.segments(2).count_unverified().await.unwrap_err();
        assert!(matches!(error, OperationError::Refused(_)));
    }
    assert_silent(&stack);
}
