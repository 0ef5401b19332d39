//! Secondary indexes: declared, looked up, refused, and read by way of the table.

use std::time::Duration;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::{ProjectionType, ReturnConsumedCapacity};
use dynaseal::expression::{KeyCondition, SortKeyCondition, attribute};
use dynaseal::item::Key;
use dynaseal::table::{ItemError, SealedTableBuilder, SecondaryIndex};
use dynaseal::testkit::{Fault, VirtualTime};
use dynaseal::{KmsMrkKeyring, OpenError, OperationError, RegionSet};

use super::*;

fn builder(stack: &Stack) -> SealedTableBuilder<Order> {
    SealedTable::builder(TABLE, stack.keyring(US), &stack.regions(US))
}

fn declared(stack: &Stack) -> SealedTable<Order> {
    let index = |name: &str| SecondaryIndex::new(name, "state").sort_key_name("total");
    let keys = index("keys-by-state").projection_type(ProjectionType::KeysOnly);
    builder(stack)
        .index(index("by-state"))
        .index(keys)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_declared_index_is_queried_without_a_look_at_the_table() {
    let stack = start(6).await;
    let table = declared(&stack);
    let query = table
        .query("open")
        .index("by-state")
        .sort_key(SortKeyCondition::gt(200));
    assert_eq!(numbers(&query.items().collect().await.unwrap()), [4, 6]);
    let condition = KeyCondition::new("state", "open").sort("total", SortKeyCondition::le(400));
    let query = table.query(condition).index("by-state").descending();
    assert_eq!(numbers(&query.items().collect().await.unwrap()), [4, 2]);
    assert_eq!(calls(&stack, "DescribeTable"), 0);
}

#[tokio::test]
async fn any_other_index_is_looked_up_once() {
    let stack = start(6).await;
    let table = stack.table::<Order>(US);
    for _ in 0..2 {
        let open = table
            .query("open")
            .index("by-state")
            .items()
            .collect()
            .await;
        assert_eq!(numbers(&open.unwrap()), [2, 4, 6]);
        let all = table.scan().index("by-state").items().collect().await;
        assert_eq!(all.unwrap().len(), 7);
    }
    assert_eq!(calls(&stack, "DescribeTable"), 1);
    let error = table.query("x").index("no-such").page().await.unwrap_err();
    assert!(matches!(&error, OperationError::Refused(why) if why.to_string().contains("no-such")));
    assert_eq!(calls(&stack, "DescribeTable"), 2, "it may be new");
    assert_eq!(calls(&stack, "Query"), 2);
}

#[tokio::test]
async fn a_failed_look_up_is_typed_and_not_remembered() {
    let stack = start(2).await;
    let table = stack.table::<Order>(US);
    let denied = Fault::Status(400, "AccessDeniedException").on("DescribeTable");
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, denied.times(1));
    let error = table
        .query("open")
        .index("by-state")
        .page()
        .await
        .unwrap_err();
    let Some(sdk) = error.sdk_error() else {
        panic!("{error:?}")
    };
    use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
    assert_eq!(sdk.code(), Some("AccessDeniedException"));
    assert_eq!(calls(&stack, "Query"), 0);
    let page = table.query("open").index("by-state").page().await;
    assert_eq!(page.unwrap().items().len(), 1);
}

#[tokio::test]
async fn an_index_that_lacks_attributes_is_refused_with_the_way_out() {
    let stack = start(2).await;
    for table in [declared(&stack), stack.table::<Order>(US)] {
        stack.cloud.reset_calls();
        for name in ["keys-by-state", "some-by-state"] {
            let error = table.query("open").index(name).page().await.unwrap_err();
            let OperationError::Refused(why) = &error else {
                panic!("{error:?}")
            };
            assert!(why.to_string().contains("fetch_from_table"), "{why}");
            let error = table.scan().index(name).page().await.unwrap_err();
            assert!(matches!(error, OperationError::Refused(_)));
        }
        assert_eq!(calls(&stack, "Query") + calls(&stack, "Scan"), 0);
        let count = table
            .query("open")
            .index("keys-by-state")
            .count_unverified();
        assert_eq!(count.await.unwrap(), 1, "counting needs no attributes");
    }
}

#[tokio::test]
async fn an_encrypted_attribute_is_no_key_of_an_index() {
    let stack = start(1).await;
    let error = builder(&stack)
        .index(SecondaryIndex::new("by-card", "card"))
        .build();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("`card`") && error.contains("encrypted"),
        "{error}"
    );
    let twice = SecondaryIndex::new("i", "state");
    let error = builder(&stack).index(twice.clone()).index(twice).build();
    assert!(error.unwrap_err().to_string().contains("twice"));
    assert_silent(&stack);

    let table = stack.table::<Order>(US);
    for _ in 0..2 {
        let error = table
            .query("4111 1111")
            .index("by-card")
            .page()
            .await
            .unwrap_err();
        assert!(matches!(error, OperationError::Refused(_)), "{error:?}");
        let error = table
            .scan()
            .index("by-card")
            .count_unverified()
            .await
            .unwrap_err();
        assert!(matches!(error, OperationError::Refused(_)), "{error:?}");
    }
    assert_eq!(calls(&stack, "Query") + calls(&stack, "Scan"), 0);
}

#[tokio::test]
async fn items_are_fetched_from_the_table_in_the_order_of_the_index() {
    let stack = start(9).await;
    let (table, queries) = stack.witnessed::<Order, QueryInput>();
    for name in ["keys-by-state", "some-by-state", "by-state"] {
        let query = table
            .query("open")
            .index(name)
            .fetch_from_table()
            .descending();
        let found = query.page_size(3).items().collect().await.unwrap();
        assert_eq!(numbers(&found), [8, 6, 4, 2], "{name}");
        assert_eq!(found[3], order("c-1", 2));
    }
    let sent = queries.lock().unwrap()[0].clone();
    let mut names: Vec<_> = sent
        .expression_attribute_names()
        .unwrap()
        .values()
        .collect();
    names.sort();
    assert_eq!(names, ["customer", "number", "state"]);
    assert_eq!(sent.projection_expression().unwrap().split(',').count(), 2);

    let scan = table.scan().index("keys-by-state").fetch_from_table();
    assert_eq!(scan.items().collect().await.unwrap().len(), 10);
    let filtered = table.scan().index("keys-by-state").fetch_from_table();
    let filtered = filtered.filter(attribute("total").ge(800));
    assert_eq!(filtered.items().collect().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_caller_set_holds_for_the_table_as_well() {
    let stack = start(3).await;
    let (table, gets) = stack.witnessed::<Order, BatchGetItemInput>();
    let query = table
        .query("paid")
        .index("keys-by-state")
        .fetch_from_table();
    let total = ReturnConsumedCapacity::Total;
    let query = query.customize(|b| b.return_consumed_capacity(total));
    let page = query.page().await.unwrap();
    assert_eq!(page.items().len(), 3);
    assert_eq!(
        page.consumed_capacity().len(),
        2,
        "one for the index, one for the table"
    );
    let get = gets.lock().unwrap()[0].request_items().unwrap()[TABLE].clone();
    assert!(get.projection_expression().is_none() && get.attributes_to_get().is_empty());
}

#[tokio::test]
async fn what_left_the_table_or_the_partition_meanwhile_is_counted() {
    let stack = start(6).await;
    let table = stack.meddled::<Order, _>(|input: &mut BatchGetItemInput| {
        // The index still lists number 2; the table has lost it.
        for key in asked(input)
            .iter_mut()
            .filter(|key| key["number"] == n("2"))
        {
            key.insert("number".to_owned(), n("404"));
        }
    });
    let query = || {
        table
            .query("open")
            .index("keys-by-state")
            .fetch_from_table()
    };
    let page = query().page().await.unwrap();
    assert_eq!((page.count(), page.vanished()), (3, 1));
    assert_eq!(numbers(&page.partition().0), [4, 6]);

    // Number 4 is paid by now; it was read from an index that lags.
    let mut moved = order("c-1", 4);
    moved.state = "paid".to_owned();
    stack.table(US).put(&moved).send().await.unwrap();
    let lagging = stack.meddled::<Order, _>(move |input: &mut QueryInput| {
        let values = input.expression_attribute_values.as_mut().unwrap();
        values.values_mut().for_each(|value| *value = s("paid"));
    });
    let query = lagging
        .query("open")
        .index("keys-by-state")
        .fetch_from_table();
    let page = query.page().await.unwrap();
    assert_eq!(
        (page.items().len(), page.vanished()),
        (0, 5),
        "1, 3, 5 and 4, and of c-2"
    );
}

#[tokio::test]
async fn an_item_of_the_table_that_does_not_open_keeps_its_place() {
    let stack = start(6).await;
    corrupt(&stack, "c-1", 4).await;
    let table = declared(&stack);
    let query = table
        .query("open")
        .index("keys-by-state")
        .fetch_from_table();
    let page = query.page().await.unwrap();
    let is_ok: Vec<_> = page.items().iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, false, true]);
    let error = page.items()[1].as_ref().unwrap_err().error();
    assert!(matches!(
        error,
        ItemError::Open(OpenError::Authentication(_))
    ));
}

#[tokio::test]
async fn keys_that_the_table_did_not_process_are_asked_for_again() {
    let stack = start(6).await;
    let twice = Fault::Unprocessed(2).on("BatchGetItem").times(2);
    stack.cloud.region(US).fail(Service::DynamoDb, twice);
    let table = declared(&stack);
    let query = table
        .query("open")
        .index("keys-by-state")
        .fetch_from_table();
    assert_eq!(numbers(&query.items().collect().await.unwrap()), [2, 4, 6]);
    assert_eq!(calls(&stack, "BatchGetItem"), 3);
}

#[tokio::test]
async fn an_item_of_an_index_in_another_partition_is_refused() {
    let stack = start(2).await;
    let table = stack.meddled::<Order, _>(|input: &mut QueryInput| {
        let values = input.expression_attribute_values.as_mut().unwrap();
        values.values_mut().for_each(|value| *value = s("open"));
    });
    let (opened, unopened) = table
        .query("paid")
        .index("by-state")
        .items()
        .partition()
        .await
        .unwrap();
    assert!(opened.is_empty());
    let ItemError::Open(OpenError::Attribute(error)) = unopened[0].error() else {
        panic!("{unopened:?}")
    };
    assert_eq!(error.name(), "state");
}

#[tokio::test]
async fn keys_that_the_table_did_not_process_in_time_keep_their_place() {
    let stack = start(6).await;
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unprocessed(2));
    let time = VirtualTime::of(&stack.cloud);
    let config = stack.cloud.sdk_config_at(US, &time);
    let regions = RegionSet::builder(&config).local(US).build().unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    let table = SealedTable::<Order>::builder(TABLE, keyring, &regions);
    let table = table.build().unwrap();
    let query = table
        .query("open")
        .index("keys-by-state")
        .fetch_from_table();
    let page = time.run(query.page()).await.unwrap();
    let half = Duration::from_secs(15);
    assert_eq!(time.elapsed(), half, "the other half is left to open items");
    assert_eq!(page.vanished(), 0);
    let is_ok: Vec<_> = page.items().iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, false, false]);
    let (_, unopened) = page.partition();
    assert!(matches!(unopened[1].error(), ItemError::Unprocessed));
    assert_eq!(unopened[1].key(), Some(&Key::with_sort("c-1", 6)));
    assert!(calls(&stack, "BatchGetItem") > 2);
}

#[tokio::test]
async fn an_entry_of_an_index_without_a_key_is_reported_in_its_place() {
    let stack = start(4).await;
    let table = stack.meddled::<Order, _>(|input: &mut QueryInput| {
        input.projection_expression = Some("#0".to_owned());
        let names = input.expression_attribute_names.as_mut().unwrap();
        names.retain(|placeholder, _| placeholder == "#0");
        input.key_condition_expression = Some("#0 = :0".to_owned());
    });
    let query = table
        .query("open")
        .index("keys-by-state")
        .fetch_from_table();
    let page = query.page().await.unwrap();
    assert_eq!((page.items().len(), page.vanished()), (2, 0));
    let (_, unopened) = page.partition();
    let ItemError::Open(OpenError::Attribute(error)) = unopened[0].error() else {
        panic!("{unopened:?}")
    };
    assert_eq!(error.name(), "customer");
    assert!(unopened[0].key().is_none());
    assert_eq!(
        calls(&stack, "BatchGetItem"),
        0,
        "there is nothing to ask for"
    );
}
