//! How much an update can write: 4,096 bytes of expression, 400 KB of item.

use dynaseal::ItemSchema;

use super::*;

/// All that is not a key is encrypted.
fn untyped(stack: &Stack) -> SealedTable {
    let schema = ItemSchema::builder(TABLE, "customerId")
        .sort_key_name("record")
        .others(CryptoAction::EncryptAndSign)
        .build();
    let builder = SealedTable::builder(TABLE, stack.keyring(US), &stack.regions(US));
    builder.schema(schema.unwrap()).build().unwrap()
}

fn numbered(count: usize) -> Item {
    let attribute = |at: usize| (format!("attribute-{at:03}"), n(&at.to_string()));
    let mut item = key("c-1");
    item.extend((0..count).map(attribute));
    item
}

/// `SET #0=:0,#1=:1,…`: with header and footer, 431 assignments have 4,093 bytes.
const MOST: usize = 429;

#[tokio::test]
async fn as_many_attributes_as_an_expression_holds_are_updated() {
    let stack = start().await;
    let table = untyped(&stack);
    for (count, exactly_once) in [(MOST, false), (MOST, true)] {
        table.put(&numbered(count)).send().await.unwrap();
        let mut update = table.update(("c-1", 7), |item| {
            item.insert("attribute-000".to_owned(), n("-1"));
        });
        if exactly_once {
            update = update.exactly_once();
        }
        update.send().await.unwrap();
        let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
        assert_eq!(found["attribute-000"], n("-1"));
        assert_eq!(found["attribute-428"], n("428"));
    }
}

#[tokio::test]
async fn one_more_is_refused_before_anything_is_sent() {
    let stack = start().await;
    let table = untyped(&stack);
    table.put(&numbered(MOST + 1)).send().await.unwrap();
    let update = table.update(("c-1", 7), |item| {
        item.insert("attribute-000".to_owned(), n("-1"));
    });
    let error = update.send().await.unwrap_err();
    assert!(
        matches!(error, UpdateError::TooManyAttributes { count: 432 }),
        "{error:?}"
    );
    // What is removed is named too, but in half the bytes.
    let update = table.update(("c-1", 7), |item| {
        item.retain(|name, _| !name.starts_with("attribute-00"));
    });
    update.send().await.unwrap();
    let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
    assert_eq!(found.len(), 2 + MOST + 1 - 10);
    assert_eq!(calls(&stack, "UpdateItem"), 1);
}

#[tokio::test]
async fn an_item_that_would_be_too_large_is_refused_before_anything_is_sent() {
    let stack = start().await;
    let table = untyped(&stack);
    table.put(&numbered(1)).send().await.unwrap();
    let grow = |bytes: usize| {
        table
            .update(("c-1", 7), move |item| {
                item.insert("text".to_owned(), s(&"x".repeat(bytes)));
            })
            .send()
    };
    let error = grow(409_600).await.unwrap_err();
    let UpdateError::ItemTooLarge { size } = error else {
        panic!("{error:?}")
    };
    assert!(size > 409_600 && size < 412_000, "{size}");
    assert_eq!(calls(&stack, "UpdateItem"), 0);

    // Header, footer and tags have the same length each time, so this is the last that fits.
    let excess = size - 409_600;
    let error = grow(409_600 - excess + 1).await.unwrap_err();
    assert!(
        matches!(error, UpdateError::ItemTooLarge { size: 409_601 }),
        "{error:?}"
    );
    assert_eq!(calls(&stack, "UpdateItem"), 0);
    // DynamoDB counts a few bytes more for each clause of an update.
    grow(409_600 - excess - 200).await.unwrap();
    let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
    assert!(found["text"].as_s().unwrap().len() > 400_000);
}
