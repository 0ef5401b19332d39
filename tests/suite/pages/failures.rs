//! What is reported when an item, or a page, is not what it should be.

use std::error::Error;

use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use dynaseal::error::AttributeIssue;
use dynaseal::expression::attribute;
use dynaseal::item::Key;
use dynaseal::table::{ItemError, PageFailure, UnopenedItem};
use dynaseal::testkit::Fault;
use dynaseal::{OpenError, OperationError};

use super::*;

fn authentication(item: &UnopenedItem) -> bool {
    matches!(item.error(), ItemError::Open(OpenError::Authentication(_)))
}

#[tokio::test]
async fn a_corrupt_row_does_not_hide_the_others() {
    let stack = start(5).await;
    corrupt(&stack, "c-1", 3).await;
    let table = stack.table::<Order>(US);
    let (opened, unopened) = table.query("c-1").items().partition().await.unwrap();
    assert_eq!(numbers(&opened), [1, 2, 4, 5]);
    let [item] = &unopened[..] else {
        panic!("{unopened:?}")
    };
    assert!(authentication(item), "{item:?}");
    assert_eq!(item.key(), Some(&Key::with_sort("c-1", 3)));
    assert!(!item.is_retryable());
    assert!(!format!("{item:?} {item}").contains("c-1"));

    let page = table.query("c-1").page().await.unwrap();
    let is_ok: Vec<_> = page.items().iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, true, false, true, true]);

    let mut items = table.scan().filter(attribute("customer").eq("c-1")).items();
    let mut seen = Vec::new();
    while let Some(item) = items.next().await {
        seen.push(item.is_ok());
    }
    assert_eq!(seen, [true, true, false, true, true]);
}

#[tokio::test]
async fn collecting_is_all_or_nothing() {
    let stack = start(3).await;
    corrupt(&stack, "c-1", 2).await;
    let table = stack.table::<Order>(US);
    let error = table.query("c-1").items().collect().await.unwrap_err();
    let PageFailure::Item(item) = &error else {
        panic!("{error:?}")
    };
    assert!(authentication(item));
    assert!(!error.is_retryable());
    assert_eq!(error.to_string(), "an item was not read");
    let cause = error.source().unwrap().source().unwrap();
    assert!(cause.is::<OpenError>());
}

#[tokio::test]
async fn an_item_that_does_not_fit_the_model_is_one_of_them() {
    #[derive(Debug, Serialize, Deserialize, Seal)]
    #[seal(table = "orders", default = "encrypt")]
    struct Narrow {
        #[seal(partition_key)]
        customer: String,
        #[seal(sort_key)]
        number: u32,
        #[seal(sign)]
        state: u64,
        #[seal(unsigned)]
        #[serde(rename = ":views")]
        views: Unsigned<u64>,
    }
    let stack = start(1).await;
    let table = stack.table::<Narrow>(US);
    let (_, unopened) = table.query("c-1").items().partition().await.unwrap();
    let error = unopened[0].error();
    assert!(
        matches!(error, ItemError::Model(m) if m.attribute() == Some("state")),
        "{error:?}"
    );
    let opened = table.query("c-1").opened_items().collect().await.unwrap();
    assert_eq!(opened[0].item()["state"], s("paid"));
}

#[tokio::test]
async fn items_of_another_partition_are_refused_however_validly_sealed() {
    let stack = start(2).await;
    let table = stack.meddled::<Order, _>(|input: &mut QueryInput| {
        let values = input.expression_attribute_values.as_mut().unwrap();
        for value in values.values_mut().filter(|value| **value == s("c-2")) {
            *value = s("c-1");
        }
    });
    let (opened, unopened) = table.query("c-2").items().partition().await.unwrap();
    assert!(opened.is_empty());
    assert_eq!(unopened.len(), 2);
    for item in unopened {
        let ItemError::Open(OpenError::Attribute(error)) = item.error() else {
            panic!("{item:?}")
        };
        assert_eq!(
            (error.name(), error.issue()),
            ("customer", AttributeIssue::AnotherKey)
        );
    }
    assert_eq!(stack.decrypts(US), 0, "they were not even opened");
    assert_eq!(table.query("c-1").items().collect().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_page_that_fails_ends_the_stream_and_says_where_to_go_on() {
    let stack = start(5).await;
    let table = stack.table::<Order>(US);
    let mut items = table.query("c-1").page_size(2).items();
    assert_eq!(items.next().await.unwrap().unwrap().number, 1);
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unavailable);
    assert_eq!(items.next().await.unwrap().unwrap().number, 2);
    let error = items.next().await.unwrap().unwrap_err();
    assert!(error.is_retryable());
    let PageFailure::Page(OperationError::Sdk(failure)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(failure.region(), US);
    assert!(items.next().await.is_none() && items.next().await.is_none());

    stack.cloud.region(US).recover();
    let rest = table.query("c-1").start_from(items.last_evaluated_key());
    assert_eq!(numbers(&rest.items().collect().await.unwrap()), [3, 4, 5]);
    let failed = table.query("c-1").page_size(2);
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unavailable);
    assert!(matches!(
        failed.items().partition().await,
        Err(OperationError::Sdk(_))
    ));
}

#[tokio::test]
async fn keys_out_of_reach_fail_each_item_and_are_retryable() {
    let stack = start(2).await;
    stack
        .cloud
        .region(US)
        .fail(Service::Kms, Fault::Unavailable);
    let table = stack.table::<Order>(US);
    let (opened, unopened) = table.query("c-1").items().partition().await.unwrap();
    assert_eq!((opened.len(), unopened.len()), (0, 2));
    for item in unopened {
        assert!(item.is_retryable());
        assert_eq!(item.error().region(), Some(US));
    }
}

/// Whatever is asked for, it is the first page.
fn always_the_first(stack: &Stack) -> SealedTable<Order> {
    stack.meddled::<Order, _>(|input: &mut QueryInput| {
        input.exclusive_start_key = None;
    })
}

#[tokio::test]
async fn pages_that_lead_to_themselves_end_in_an_error() {
    let stack = start(3).await;
    let table = always_the_first(&stack);
    let mut items = table.query("c-1").page_size(1).items();
    assert_eq!(items.next().await.unwrap().unwrap().number, 1);
    let error = items.next().await.unwrap().unwrap_err();
    assert!(!error.is_retryable());
    assert!(
        matches!(error, PageFailure::Page(OperationError::Sdk(_))),
        "{error:?}"
    );
    assert!(items.next().await.is_none());
    assert_eq!(calls(&stack, "Query"), 2);

    let count = table.query("c-1").page_size(1).count_unverified().await;
    assert!(matches!(count, Err(OperationError::Sdk(_))), "{count:?}");

    let first = stack.table::<Order>(US).query("c-1").page_size(1);
    let first = first.page().await.unwrap().last_evaluated_key();
    let second = table.query("c-1").page_size(1).start_from(first).page();
    assert!(matches!(second.await, Err(OperationError::Sdk(_))));
}

#[tokio::test]
async fn scans_that_lead_to_themselves_end_in_an_error() {
    let stack = start(3).await;
    let table = stack.meddled::<Order, _>(|input: &mut ScanInput| {
        input.exclusive_start_key = None;
    });
    let items = table.scan().page_size(1).items().collect().await;
    assert!(
        matches!(items, Err(PageFailure::Page(OperationError::Sdk(_)))),
        "{items:?}"
    );
    let counted = table.scan().page_size(1).segments(1).count_unverified();
    assert!(matches!(counted.await, Err(OperationError::Sdk(_))));
}
