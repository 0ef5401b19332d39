//! Queries of the table: what is asked, what comes back, and page after page.

use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use dynaseal::expression::{Condition, KeyCondition, NO_NAMES, SortKeyCondition, attribute};
use dynaseal::item::Model;
use dynaseal::table::LastEvaluatedKey;

use super::*;
use crate::support::canonical;

#[tokio::test]
async fn returns_the_items_of_a_partition_in_order_in_both_regions() {
    let stack = start(5).await;
    stack.cloud.replicate().await;
    for region in [US, EU] {
        stack.cloud.reset_calls();
        let table = stack.table::<Order>(region);
        let orders = table.query("c-1").items().collect().await.unwrap();
        let written: Vec<_> = (1..=5).map(|number| order("c-1", number)).collect();
        assert_eq!(orders, written);
        let descending = table.query("c-1").descending().items().collect().await;
        assert_eq!(numbers(&descending.unwrap()), [5, 4, 3, 2, 1]);
        let other = if region == US { EU } else { US };
        assert_eq!(stack.cloud.calls(other, Service::Kms), 0, "{region}");
        assert_eq!(stack.cloud.calls(other, Service::DynamoDb), 0, "{region}");
        assert_eq!(stack.decrypts(region), 10);
    }
}

#[tokio::test]
async fn opens_untyped_items_and_tells_how() {
    let stack = start(2).await;
    let schema = dynaseal::ItemSchema::of_model(Order::SCHEMA, None).unwrap();
    let schema = schema.build().unwrap();
    let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = builder.schema(schema).build().unwrap();
    let items = table.query("c-1").items().collect().await.unwrap();
    let expected = order("c-1", 1).to_item().unwrap();
    assert_eq!(canonical(&items[0]), canonical(&expected));

    let page = table.query("c-1").opened_page().await.unwrap();
    let opened = page.items()[1].as_ref().unwrap();
    assert_eq!(opened.region(), Some(US));
    assert_eq!(opened.keyring(), "kms-mrk");
    let opened = table.query("c-1").opened_items().collect().await.unwrap();
    assert_eq!(opened.len(), 2);
}

#[tokio::test]
async fn reads_by_every_condition_on_the_sort_key() {
    let stack = start(6).await;
    let table = stack.table::<Order>(US);
    let cases = [
        (SortKeyCondition::eq(3), &[3][..]),
        (SortKeyCondition::lt(3), &[1, 2]),
        (SortKeyCondition::le(3), &[1, 2, 3]),
        (SortKeyCondition::gt(3), &[4, 5, 6]),
        (SortKeyCondition::ge(3), &[3, 4, 5, 6]),
        (SortKeyCondition::between(2, 4), &[2, 3, 4]),
    ];
    for (condition, expected) in cases {
        let query = table.query("c-1").sort_key(condition.clone());
        let found = query.items().collect().await.unwrap();
        assert_eq!(numbers(&found), expected, "{condition:?}");
    }
}

#[tokio::test]
async fn takes_key_conditions_as_text_whatever_their_order_and_white_space() {
    let stack = start(6).await;
    let table = stack.table::<Order>(US);
    for text in [
        "customer = :c AND number > :n",
        "number > :n\tAND\ncustomer = :c",
        ":n < number and :c = customer",
    ] {
        let values = [(":c", s("c-1")), (":n", n("4"))];
        let condition = KeyCondition::parse(text, NO_NAMES, values).unwrap();
        let found = table.query(condition).items().collect().await.unwrap();
        assert_eq!(numbers(&found), [5, 6], "{text:?}");
    }
}

#[tokio::test]
async fn filters_by_what_dynamodb_sees_and_by_presence() {
    let stack = start(6).await;
    let table = stack.table::<Order>(US);
    let open = attribute("state").eq("open");
    let found = table.query("c-1").filter(open.clone()).items().collect();
    assert_eq!(numbers(&found.await.unwrap()), [2, 4, 6]);

    let both = table
        .query("c-1")
        .filter(open)
        .filter(attribute("total").gt(300));
    let page = both.page().await.unwrap();
    assert_eq!((page.count(), page.scanned_count()), (2, 6));
    let (found, unopened) = page.partition();
    assert_eq!(numbers(&found), [4, 6]);
    assert!(unopened.is_empty());

    for (filter, expected) in [
        ("attribute_exists(card) AND attribute_not_exists(#v)", 0),
        ("attribute_exists(card)\tAND\n#v = :v", 6),
    ] {
        let names = [("#v", ":views")];
        let values = [(":v", n("3"))];
        let values = values.into_iter().take(usize::from(filter.contains(":v")));
        let filter = Condition::parse(filter, names, values).unwrap();
        let found = table.query("c-1").filter(filter).items().collect().await;
        assert_eq!(found.unwrap().len(), expected);
    }
}

#[tokio::test]
async fn goes_from_page_to_page_and_asks_for_none_too_early() {
    let stack = start(7).await;
    let table = stack.table::<Order>(US);
    let mut items = table.query("c-1").page_size(3).items();
    assert!(items.last_evaluated_key().is_none());
    for number in 1..=3 {
        assert_eq!(items.next().await.unwrap().unwrap().number, number);
    }
    assert_eq!(
        calls(&stack, "Query"),
        1,
        "the page was not read to its end"
    );
    assert_eq!(items.next().await.unwrap().unwrap().number, 4);
    assert_eq!(calls(&stack, "Query"), 2);
    let resume = items.last_evaluated_key();
    assert_eq!(numbers(&items.collect().await.unwrap()), [5, 6, 7]);
    assert_eq!(calls(&stack, "Query"), 3);

    let resumed = table.query("c-1").start_from(resume).items();
    assert_eq!(numbers(&resumed.collect().await.unwrap()), [4, 5, 6, 7]);
}

#[tokio::test]
async fn the_key_of_a_page_survives_being_kept_as_an_item() {
    let stack = start(5).await;
    let table = stack.table::<Order>(US);
    let query = table.query("c-1").page_size(2).descending();
    let first = query.clone().page().await.unwrap();
    let kept = first.last_evaluated_key().unwrap().into_item();
    assert_eq!(kept, key("c-1", 4));
    assert!(!format!("{:?}", LastEvaluatedKey::from(kept.clone())).contains("c-1"));
    let second = query.start_from(LastEvaluatedKey::from(kept)).page().await;
    let (second, _) = second.unwrap().partition();
    assert_eq!(numbers(&second), [3, 2]);
}

#[tokio::test]
async fn finds_nothing_in_an_empty_partition() {
    let stack = start(1).await;
    let table = stack.table::<Order>(US);
    let page = table.query("nobody").page().await.unwrap();
    assert!(page.items().is_empty() && page.last_evaluated_key().is_none());
    assert!(table.query("nobody").items().next().await.is_none());
}

#[tokio::test]
async fn counts_over_all_pages_without_reading_an_item() {
    let stack = start(7).await;
    let table = stack.table::<Order>(US);
    let query = table.query("c-1").page_size(3);
    assert_eq!(query.clone().count_unverified().await.unwrap(), 7);
    assert_eq!(calls(&stack, "Query"), 3);
    let open = query.filter(attribute("state").eq("open"));
    assert_eq!(open.count_unverified().await.unwrap(), 3);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn settings_of_the_caller_reach_the_wire() {
    let stack = start(2).await;
    let (table, seen) = stack.witnessed::<Order, QueryInput>();
    let query = table.query("c-1").customize(|b| {
        b.consistent_read(true)
            .limit(1)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    });
    let page = query.page().await.unwrap();
    assert_eq!(page.consumed_capacity().len(), 1);
    assert!(page.consumed_capacity()[0].capacity_units().unwrap() > 0.0);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0].consistent_read(), Some(true));
    assert_eq!(seen[0].limit(), Some(1));
    assert_eq!(seen[0].table_name(), Some(TABLE));
    assert!(seen[0].projection_expression().is_none() && seen[0].select().is_none());
}

#[tokio::test]
async fn an_arn_names_the_same_table() {
    let stack = start(2).await;
    let arn = format!("arn:aws:dynamodb:{US}:111122223333:table/{TABLE}");
    let builder = SealedTable::<Order>::builder(arn, stack.keyring(US), &stack.regions(US));
    let table = builder.build().unwrap();
    let found = table.query("c-1").items().collect().await.unwrap();
    assert_eq!(numbers(&found), [1, 2]);
    let found = table.batch_get([("c-1", 2)]).send().await.unwrap();
    assert_eq!(numbers(&found.found().unwrap()), [2]);
    let error = table.query("c-1").filter(attribute("card").eq("4111 1111"));
    assert!(error.page().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_streams_and_futures_are_send_and_borrow_nothing() {
    fn spawnable<F: Send + 'static>(future: F) -> F {
        future
    }
    fn stream<S: futures_core::Stream + Send + Unpin + 'static>(stream: S) -> S {
        stream
    }
    let stack = start(2).await;
    let (mut items, page, count, get) = {
        let table = stack.table::<Order>(US);
        (
            stream(table.query("c-1").items()),
            spawnable(table.query("c-1").page()),
            spawnable(table.query("c-1").count_unverified()),
            spawnable(table.batch_get([("c-1", 1)]).send()),
        )
    };
    assert_eq!(format!("{items:?}"), "Items { .. }");
    let first = tokio::spawn(async move { items.next().await.unwrap().unwrap() });
    assert_eq!(first.await.unwrap().number, 1);
    assert_eq!(tokio::spawn(page).await.unwrap().unwrap().items().len(), 2);
    assert_eq!(tokio::spawn(count).await.unwrap().unwrap(), 2);
    assert!(tokio::spawn(get).await.unwrap().unwrap().found().is_ok());
}
