//! Nothing that is written names the three attributes.

use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use dynaseal::expression::UpdateExpression;

use super::*;

#[tokio::test]
async fn an_update_works_and_leaves_them_where_they_are() {
    for exactly_once in [false, true] {
        let (stack, table) = start().await;
        for state in ["on its way", "there"] {
            let mut update = table.update("p-1", |parcel| {
                parcel.state = state.to_owned();
                parcel.others.clear();
            });
            if exactly_once {
                update = update.exactly_once();
            }
            assert_eq!(update.send().await.unwrap().model().state, state);
        }
        assert_replicated(&stack.stored(US, &key()).await.unwrap());
        let found = table.get("p-1").send().await.unwrap().unwrap();
        assert_eq!((found.state.as_str(), found.others.len()), ("there", 0));
    }
}

#[tokio::test]
async fn an_update_neither_sets_nor_removes_them() {
    let (stack, _) = start().await;
    let (table, seen) = stack.witnessed::<Parcel, UpdateItemInput>();
    let update = table.update("p-1", |parcel| parcel.state = "there".to_owned());
    update.send().await.unwrap();
    let sent = &seen.lock().unwrap()[0];
    let names = sent.expression_attribute_names().unwrap().values();
    let names: Vec<_> = names.filter(|name| name.starts_with("aws:")).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn an_update_in_place_leaves_them_and_an_item_that_is_put_has_none() {
    let (stack, table) = start().await;
    let seen = UpdateExpression::new().increment(":views", 1);
    let update = table.update_unsigned("p-1", seen).return_new();
    let updated = update.send().await.unwrap();
    let item = updated.item().unwrap().as_ref().unwrap().item();
    assert!(REPLICATION.iter().all(|name| !item.contains_key(*name)));
    assert_replicated(&stack.stored(US, &key()).await.unwrap());

    table.put(&parcel()).send().await.unwrap();
    let stored = stack.stored(US, &key()).await.unwrap();
    assert!(REPLICATION.iter().all(|name| !stored.contains_key(*name)));
}
