//! Every operation on a mixed table, and on a table of one of its types.

use dynaseal::UpdateError;
use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::table::{ItemError, TransactGet, TransactWrite};

use super::*;

fn name_of(entity: &Entity) -> &str {
    entity.name().expect("opened")
}

#[tokio::test]
async fn a_query_yields_each_item_with_its_name() {
    let (_stack, table) = start_with_items().await;
    let found = table.query("CUSTOMER#1").items().collect().await.unwrap();
    let names: Vec<_> = found.iter().map(name_of).collect();
    assert_eq!(
        names,
        ["note", "order", "customer"],
        "in the order of sort keys"
    );
    let found = table.scan().items().collect().await.unwrap();
    assert_eq!(found.len(), 3);
    let found = table.scan().segments(3).items().collect().await.unwrap();
    assert_eq!(found.len(), 3);
}

/// A partition holds several types, so a table of one gets the others as results of their own.
#[tokio::test]
async fn a_query_of_one_type_has_a_result_for_each_other_item() {
    let (_stack, table) = start_with_items().await;
    let orders = table.typed::<Order>().unwrap();
    let (found, unopened) = orders
        .query("CUSTOMER#1")
        .items()
        .partition()
        .await
        .unwrap();
    assert_eq!(
        found,
        [Order {
            version: 1,
            ..order()
        }]
    );
    let others: Vec<_> = unopened
        .iter()
        .map(|unopened| match unopened.error() {
            ItemError::Open(OpenError::Entity(error)) => error.found().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(others, ["note", "customer"]);
}

#[tokio::test]
async fn a_filter_is_held_to_what_any_type_encrypts() {
    let (stack, table) = start_with_items().await;
    stack.cloud.reset_calls();
    // Signed in an order, encrypted in a customer.
    let by_plan = || attribute("plan").eq("gold");
    let refused = table.query("CUSTOMER#1").filter(by_plan()).page().await;
    assert!(
        matches!(refused, Err(OperationError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    let by_kind = attribute("kind").eq("note");
    let found = table
        .query("CUSTOMER#1")
        .filter(by_kind)
        .items()
        .collect()
        .await;
    assert_eq!(name_of(&found.unwrap()[0]), "note");
    let orders = table.typed::<Order>().unwrap();
    let by_plan = orders.query("CUSTOMER#1").filter(by_plan()).page().await;
    assert_eq!(by_plan.unwrap().items().len(), 1, "an order's own rule");
}

#[tokio::test]
async fn batches_and_transactions_take_every_type() {
    let (stack, table) = start_with_items().await;
    let keys = [("CUSTOMER#1", "PROFILE"), ("CUSTOMER#1", "NOTE#1")];
    let found = table.batch_get(keys).send().await.unwrap().found().unwrap();
    assert_eq!(
        found.iter().map(name_of).collect::<Vec<_>>(),
        ["customer", "note"]
    );

    let customers = table.typed::<Customer>().unwrap();
    let orders = table.typed::<Order>().unwrap();
    let second = Order {
        sk: "ORDER#8".to_owned(),
        ..order()
    };
    let write = TransactWrite::new()
        .put(&customers, &customer())
        .put(&orders, &second)
        .send();
    assert_eq!(write.await.unwrap().version(1), Some(1));
    let mut get = TransactGet::new();
    let one = get.get(&table, ("CUSTOMER#1", "ORDER#8"));
    let other = get.get(&customers, ("CUSTOMER#1", "PROFILE"));
    let mut found = get.send().await.unwrap();
    assert_eq!(name_of(&found.take(one).unwrap().unwrap()), "order");
    assert_eq!(found.take(other).unwrap().unwrap(), customer());

    let unversioned = [
        Entity::from_item(customer().to_item().unwrap()).unwrap(),
        Entity::from_item(note()).unwrap(),
    ];
    let output = table.batch_write().puts(&unversioned).send().await.unwrap();
    assert_eq!(output.written(), 2);
    stack.cloud.reset_calls();
    let versioned = Entity::from_item(second.to_item().unwrap()).unwrap();
    let refused = table
        .batch_write()
        .put(&unversioned[0])
        .put(&versioned)
        .send()
        .await;
    assert!(refused.unwrap_err().written().is_empty());
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn an_update_keeps_type_and_version_by_type() {
    let (stack, table) = start_with_items().await;
    let upgrade = |entity: &mut Entity| {
        assert_eq!(entity.name(), Some("order"));
        entity.item_mut().insert("plan".to_owned(), s("platinum"));
    };
    let updated = table
        .update(("CUSTOMER#1", "ORDER#7"), upgrade)
        .send()
        .await
        .unwrap();
    assert_eq!(updated.version(), Some(2));
    assert_eq!(name_of(updated.model()), "order");
    let read = table
        .typed::<Order>()
        .unwrap()
        .get(("CUSTOMER#1", "ORDER#7"));
    let read = read.send().await.unwrap().unwrap();
    assert_eq!((read.plan.as_str(), read.version), ("platinum", 2));

    let tamper = |entity: &mut Entity| {
        entity.item_mut().insert("version".to_owned(), n("9"));
    };
    let error = table
        .update(("CUSTOMER#1", "ORDER#7"), tamper)
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error, UpdateError::VersionChanged { .. }),
        "{error:?}"
    );

    // Changed to what is of no type: nothing is written.
    stack.cloud.reset_calls();
    let estrange = |entity: &mut Entity| {
        entity.item_mut().insert("kind".to_owned(), s("customer"));
    };
    let error = table
        .update(("CUSTOMER#1", "ORDER#7"), estrange)
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            UpdateError::Write(OperationError::Seal(SealError::Entity(_)))
        ),
        "{error:?}"
    );
    assert_eq!(stack.cloud.calls_of(US, Service::DynamoDb, "UpdateItem"), 0);
}

/// An attribute that only another type leaves unsigned is passed over when an item is sealed again.
#[tokio::test]
async fn an_update_leaves_foreign_unsigned_attributes_alone() {
    let (stack, table) = start_with_items().await;
    let mut stored = stack.stored(US, &key("ORDER#7")).await.unwrap();
    stored.insert("views".to_owned(), n("1000"));
    stack.store(US, &stored).await;
    let orders = table.typed::<Order>().unwrap();
    let change = |order: &mut Order| order.plan = "silver".to_owned();
    orders
        .update(("CUSTOMER#1", "ORDER#7"), change)
        .send()
        .await
        .unwrap();
    let stored = stack.stored(US, &key("ORDER#7")).await.unwrap();
    assert_eq!(
        (&stored["views"], &stored["plan"]),
        (&n("1000"), &s("silver"))
    );
}

#[tokio::test]
async fn unsigned_attributes_are_updated_in_place() {
    let (_stack, table) = start_with_items().await;
    let count = || UpdateExpression::new().add("views", 1);
    let update = table.update_unsigned(("CUSTOMER#1", "PROFILE"), count());
    update.send().await.unwrap();
    let read = table
        .typed::<Customer>()
        .unwrap()
        .get(("CUSTOMER#1", "PROFILE"));
    assert_eq!(read.send().await.unwrap().unwrap().views, Unsigned::new(4));
    let signed = UpdateExpression::new().set("plan", "free");
    let refused = table
        .update_unsigned(("CUSTOMER#1", "ORDER#7"), signed)
        .send()
        .await;
    assert!(
        matches!(refused, Err(UpdateError::Write(OperationError::Refused(_)))),
        "{refused:?}"
    );
}
