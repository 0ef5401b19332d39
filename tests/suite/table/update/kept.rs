//! What an update leaves as it is: attributes that the model does not know, and unsigned ones.

use dynaseal::OpenedItem;
use dynaseal::expression::UpdateExpression;
use dynaseal::item::HeaderVersion;

use super::*;

/// Knows little of what a customer has.
#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Slim {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    phones: Vec<String>,
    #[seal(context)]
    tenant: String,
    #[serde(default)]
    added_later: u8,
}

fn slim(stack: &Stack) -> SealedTable<Slim> {
    let builder = SealedTable::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let builder = builder.allowed_unsigned_attribute_prefix(":");
    builder.build().unwrap()
}

fn actions(table: &SealedTable<Customer>, stored: Item) -> BTreeMap<String, CryptoAction> {
    let description = table.encryptor().describe(stored).unwrap();
    description.unauthenticated().actions().clone()
}

#[tokio::test]
async fn attributes_that_the_model_does_not_know_survive_with_their_actions() {
    let (stack, before) = start_with_customer().await;
    let full = stack.table::<Customer>(US);
    let update = slim(&stack).update(("c-1", 7), |slim| slim.phones.clear());
    let updated = update.send().await.unwrap();
    assert!(updated.model().phones.is_empty());

    let after = stack.stored(US, &key("c-1")).await.unwrap();
    assert_eq!(
        actions(&full, before.clone()),
        actions(&full, after.clone())
    );
    assert!(!after.contains_key("addedLater"), "a default is no change");
    let names = |item: &Item| item.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&before), names(&after));

    let found = full.get(("c-1", 7)).send().await.unwrap().unwrap();
    let expected = Customer {
        phones: Vec::new(),
        ..customer("c-1")
    };
    assert_eq!(
        crate::support::canonical(&found.to_item().unwrap()),
        crate::support::canonical(&expected.to_item().unwrap())
    );
}

fn tenant_in_context(found: &OpenedItem) -> Option<&str> {
    found.context().get("aws-crypto-attr.tenant")
}

#[tokio::test]
async fn context_attributes_can_change() {
    let (stack, _) = start_with_customer().await;
    let update = slim(&stack).update(("c-1", 7), |slim| slim.tenant = "globex".to_owned());
    update.send().await.unwrap();
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send_opened();
    let found = found.await.unwrap().unwrap();
    assert_eq!(found.item()["tenant"], s("globex"));
    assert_eq!(tenant_in_context(&found), Some("globex"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsigned_counters_keep_what_is_counted_meanwhile() {
    for exactly_once in [false, true] {
        let (stack, other) = start_with_purse().await;
        let count = || {
            let seen = UpdateExpression::new().increment(":views", 1);
            let hidden = UpdateExpression::new().set(":hidden", 1);
            async {
                other
                    .update_unsigned(("c-1", 7), seen)
                    .send()
                    .await
                    .unwrap();
                // Not even the model knows this one.
                let builder =
                    SealedTable::<Slim>::builder(TABLE, stack.keyring(US), &stack.regions(US));
                let builder = builder.allowed_unsigned_attribute_prefix(":");
                let slim = builder.build().unwrap();
                slim.update_unsigned(("c-1", 7), hidden)
                    .send()
                    .await
                    .unwrap();
            }
        };
        let table = retrying::<Purse>(&stack, NoWait::default());
        let mut update = table.update(("c-1", 7), |purse| {
            now(count());
            purse.coins += 1;
        });
        if exactly_once {
            update = update.exactly_once();
        }
        let updated = update.send().await.unwrap();
        assert_eq!(updated.attempts(), 1, "it is no conflict");
        assert_eq!(updated.model().views, Unsigned::new(3), "as it was read");
        let sealed = stack.stored(US, &key("c-1")).await.unwrap();
        assert_eq!(sealed[":views"], n("4"));
        assert_eq!(sealed[":hidden"], n("1"));
        let builder = SealedTable::<Purse>::builder(TABLE, stack.keyring(US), &stack.regions(US));
        let builder = builder.allowed_unsigned_attribute_prefix(":");
        let found = stored(&builder.build().unwrap()).await;
        assert_eq!((found.coins, found.views), (1, Unsigned::new(4)));
    }
}

/// Untyped, under the schema of a few attributes.
fn untyped(stack: &Stack) -> SealedTable {
    let schema = dynaseal::ItemSchema::builder(TABLE, "customerId")
        .sort_key_name("record")
        .action("coins", CryptoAction::EncryptAndSign)
        .action("lucky", CryptoAction::EncryptAndSign)
        .action("state", CryptoAction::SignOnly)
        .allowed_unsigned_attribute_prefix(":")
        .build();
    let builder = SealedTable::builder(TABLE, stack.keyring(US), &stack.regions(US));
    builder.schema(schema.unwrap()).build().unwrap()
}

#[tokio::test]
async fn untyped_items_are_updated_alike() {
    let stack = start().await;
    let table = untyped(&stack);
    let mut written = key("c-1");
    written.extend(item([
        ("coins", n("1")),
        ("state", s("open")),
        (":views", n("3")),
    ]));
    table.put(&written).send().await.unwrap();
    let update = table.update(("c-1", 7), |item| {
        item.insert("coins".to_owned(), n("2"));
        item.insert("lucky".to_owned(), n("13"));
        item.remove("state");
    });
    let updated = update.send().await.unwrap();
    written.extend(item([("coins", n("2")), ("lucky", n("13"))]));
    written.remove("state");
    assert_eq!(updated.model(), &written);
    let found = table.get(("c-1", 7)).send().await.unwrap().unwrap();
    assert_eq!(found, written);
    let sealed = stack.stored(US, &key("c-1")).await.unwrap();
    assert!(sealed["lucky"].is_b() && !sealed.contains_key("state"));
}

#[tokio::test]
async fn another_spelling_of_the_same_value_is_no_change() {
    use aws_sdk_dynamodb::types::AttributeValue::Ns;
    let stack = start().await;
    let table = untyped(&stack);
    let mut written = key("c-1");
    let lucky = |members: [&str; 2]| Ns(members.map(str::to_owned).into());
    written.extend(item([("coins", n("10")), ("lucky", lucky(["1", "20"]))]));
    table.put(&written).send().await.unwrap();
    let update = table.update(("c-1", 7), |item| {
        item.insert("coins".to_owned(), n("1e1"));
        item.insert("lucky".to_owned(), lucky(["20.0", "1"]));
        item.insert("record".to_owned(), n("7.0"));
    });
    assert!(!update.send().await.unwrap().is_written());
    assert_eq!(calls(&stack, "UpdateItem"), 0);
}

/// A model from before there was a context attribute.
#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Early {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    phones: Vec<String>,
}

#[tokio::test]
async fn context_attributes_survive_a_model_that_has_none() {
    let (stack, before) = start_with_customer().await;
    let early = SealedTable::<Early>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let early = early
        .allowed_unsigned_attribute_prefix(":")
        .build()
        .unwrap();
    let update = early.update(("c-1", 7), |early| early.phones.clear());
    update.send().await.unwrap();

    let full = stack.table::<Customer>(US);
    let after = stack.stored(US, &key("c-1")).await.unwrap();
    assert_eq!(actions(&full, before), actions(&full, after));
    let found = full.get(("c-1", 7)).send_opened().await.unwrap().unwrap();
    assert_eq!(found.header_version(), HeaderVersion::V2);
    assert_eq!(found.item()["tenant"], s("acme"));
    assert_eq!(tenant_in_context(&found), Some("acme"));
}
