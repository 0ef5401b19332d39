//! What an update refuses before anything is sent to be written.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::SealError;
use dynaseal::error::AttributeIssue;

use super::*;

/// Asserts that nothing was written, nor sealed.
fn assert_untouched(stack: &Stack) {
    assert_eq!(calls(stack, "UpdateItem"), 0);
    assert_eq!(calls(stack, "TransactWriteItems"), 0);
    assert_eq!(stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"), 0);
}

#[tokio::test]
async fn an_update_makes_no_item() {
    let stack = start().await;
    let table = stack.table::<Purse>(US);
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let error = update.await.unwrap_err();
    assert!(matches!(error, UpdateError::NotFound), "{error:?}");
    assert_untouched(&stack);
    assert!(stack.stored(US, &key("c-1")).await.is_none());
}

#[tokio::test]
async fn another_item_than_the_one_to_update_is_refused_however_validly_sealed() {
    let (stack, table) = start_with_purse().await;
    let other = Purse {
        customer_id: "c-2".to_owned(),
        ..purse()
    };
    table.put(&other).send().await.unwrap();
    stack.cloud.reset_calls();
    // A store that answers with another item than it was asked for.
    let table = stack.meddled::<Purse, _>(|input: &mut GetItemInput| {
        input.key = Some(key("c-2"));
    });
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let error = update.await.unwrap_err();
    let UpdateError::Read(OperationError::Open(OpenError::Attribute(invalid))) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (invalid.name(), invalid.issue()),
        ("customerId", AttributeIssue::AnotherKey)
    );
    assert_untouched(&stack);
}

#[tokio::test]
async fn a_key_of_another_shape_asks_nobody() {
    let (stack, table) = start_with_purse().await;
    let alone = dynaseal::item::Key::new("c-1");
    let update = table.update(alone, |purse| purse.coins += 1).send();
    let error = update.await.unwrap_err();
    assert!(
        matches!(error, UpdateError::Write(OperationError::Refused(_))),
        "{error:?}"
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[tokio::test]
async fn a_changed_key_unsigned_attribute_or_version_is_refused_by_name() {
    let (stack, table) = start_with_purse().await;
    type Change = fn(&mut Purse);
    let changes: [(Change, &str); 4] = [
        (
            |purse| purse.customer_id.push('x'),
            "KeyChanged { attribute: \"customerId\" }",
        ),
        (
            |purse| purse.record = 8,
            "KeyChanged { attribute: \"record\" }",
        ),
        (
            |purse| *purse.views.unauthenticated_mut() += 1,
            "UnsignedChanged { attribute: \":views\" }",
        ),
        (
            |purse| purse.version = 9,
            "VersionChanged { attribute: \"version\" }",
        ),
    ];
    for (change, expected) in changes {
        let with_more = move |purse: &mut Purse| {
            purse.coins += 1;
            change(purse);
        };
        let error = table.update(("c-1", 7), with_more).send().await;
        assert_eq!(format!("{:?}", error.unwrap_err()), expected);
    }
    assert_untouched(&stack);
}

#[tokio::test]
async fn names_of_the_format_and_names_without_action_are_refused() {
    let (stack, _) = start_with_purse().await;
    let schema = dynaseal::ItemSchema::builder(TABLE, "customerId")
        .sort_key_name("record")
        .action("coins", CryptoAction::EncryptAndSign)
        .allowed_unsigned_attribute_prefix(":");
    let builder = SealedTable::<Item>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = builder.schema(schema.build().unwrap()).build().unwrap();
    for (name, issue) in [
        ("aws_dbe_foot", AttributeIssue::Reserved),
        ("aws_dbe_b_coins", AttributeIssue::Reserved),
        ("unheardOf", AttributeIssue::NoAction),
    ] {
        let update = table.update(("c-1", 7), |item| {
            item.insert(name.to_owned(), AttributeValue::B(Blob::new([1])));
        });
        let error = update.send().await.unwrap_err();
        let UpdateError::Write(OperationError::Seal(SealError::Attribute(error))) = error else {
            panic!("{error:?}")
        };
        assert_eq!((error.name(), error.issue()), (name, issue));
    }
    let update = table.update(("c-1", 7), |item| drop(item.remove("customerId")));
    let error = update.send().await.unwrap_err();
    assert!(matches!(error, UpdateError::KeyChanged { .. }), "{error:?}");
    let update = table.update(("c-1", 7), |item| drop(item.remove(":views")));
    let error = update.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::UnsignedChanged { .. }),
        "{error:?}"
    );
    assert_untouched(&stack);
}

/// What an update says of a stored item that an administrator has changed.
async fn error_of(stack: &Stack, stored: &Item) -> UpdateError {
    stack.store(US, stored).await;
    let table = stack.table::<Purse>(US);
    let update = table.update(("c-1", 7), |purse| purse.coins += 1).send();
    let error = update.await.unwrap_err();
    assert_untouched(stack);
    error
}

#[tokio::test]
async fn items_that_are_not_sealed_whole_verified_and_without_beacons_are_refused() {
    let (stack, _) = start_with_purse().await;
    let sealed = stack.stored(US, &key("c-1")).await.unwrap();
    let without = |names: &[&str]| {
        let mut item = sealed.clone();
        item.retain(|name, _| !names.contains(&name.as_str()));
        item
    };
    let plaintext = without(&["aws_dbe_head", "aws_dbe_foot"]);
    let error = error_of(&stack, &plaintext).await;
    assert!(matches!(error, UpdateError::PlaintextItem), "{error:?}");

    for half in ["aws_dbe_head", "aws_dbe_foot"] {
        let error = error_of(&stack, &without(&[half])).await;
        let UpdateError::Read(OperationError::Open(OpenError::NotSealed(_))) = error else {
            panic!("{half}: {error:?}")
        };
    }

    let with = |name: &str, value| {
        let mut item = sealed.clone();
        item.insert(name.to_owned(), value);
        item
    };
    let error = error_of(&stack, &with("aws_dbe_b_coins", s("beacon"))).await;
    assert!(matches!(error, UpdateError::BeaconsPresent), "{error:?}");
    let error = error_of(&stack, &with("state", s("shut"))).await;
    let UpdateError::Read(OperationError::Open(OpenError::Authentication(_))) = error else {
        panic!("{error:?}")
    };
    let unsigned = with(":views", s("many"));
    let error = error_of(&stack, &unsigned).await;
    assert!(
        matches!(error, UpdateError::Read(OperationError::Model(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_version_that_cannot_be_advanced_is_refused() {
    let (stack, table) = start_with_purse().await;
    let encryptor = table.encryptor();
    let mut last = purse().to_item().unwrap();
    last.insert("version".to_owned(), n(&u64::MAX.to_string()));
    let sealed = encryptor.seal(last).await.unwrap();
    stack.cloud.reset_calls();
    let error = error_of(&stack, &sealed).await;
    let UpdateError::Write(OperationError::Seal(SealError::Attribute(error))) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.issue(), AttributeIssue::NotAVersion);
}
