//! Several entity types in one table: each item chooses its schema, and nobody else does.

mod attacks;
mod operations;
mod rules;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::error::{AttributeIssue, EntityMismatch};
use dynaseal::item::{
    Discriminator, Entities, EntitiesBuilder, Entity, HeaderVersion, MismatchCause, Model,
};
use dynaseal::testkit::{KeyType, Service, TableDefinition};
use dynaseal::{
    AlgorithmSuite, CryptoAction, Item, ItemSchema, OpenError, OperationError, Seal, SealError,
    SealedTable, Unsigned,
};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, item, n, s};

const TABLE: &str = "app";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "app", default = "encrypt")]
struct Customer {
    #[seal(partition_key)]
    pk: String,
    #[seal(sort_key)]
    sk: String,
    #[seal(sign)]
    kind: String,
    email: String,
    plan: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "app", default = "encrypt")]
struct Order {
    #[seal(partition_key)]
    pk: String,
    #[seal(sort_key)]
    sk: String,
    #[seal(context)]
    kind: String,
    card: String,
    #[seal(sign)]
    plan: String,
    #[seal(version, start = "one")]
    version: u64,
}

fn customer() -> Customer {
    Customer {
        pk: "CUSTOMER#1".to_owned(),
        sk: "PROFILE".to_owned(),
        kind: "customer".to_owned(),
        email: "ada@example.com".to_owned(),
        plan: "gold".to_owned(),
        views: Unsigned::new(3),
    }
}

fn order() -> Order {
    Order {
        pk: "CUSTOMER#1".to_owned(),
        sk: "ORDER#7".to_owned(),
        kind: "order".to_owned(),
        card: "4111 1111".to_owned(),
        plan: "gold".to_owned(),
        version: 0,
    }
}

/// An untyped third, with a weaker suite.
fn note_schema() -> ItemSchema {
    let schema = ItemSchema::builder("app", "pk").sort_key_name("sk");
    let schema = schema.action("kind", CryptoAction::SignOnly);
    let schema = schema.action("text", CryptoAction::EncryptAndSign);
    let schema = schema.algorithm_suite(AlgorithmSuite::SymsigHmacSha384);
    schema.build().unwrap()
}

fn note() -> Item {
    item([
        ("pk", s("CUSTOMER#1")),
        ("sk", s("NOTE#1")),
        ("kind", s("note")),
        ("text", s("likes analytical engines")),
    ])
}

fn entities() -> EntitiesBuilder {
    let kind = |value| Discriminator::attribute("kind", value);
    Entities::builder()
        .entity::<Customer>(
            "customer",
            kind("customer").and(Discriminator::sort_key("PROFILE")),
        )
        .entity::<Order>(
            "order",
            kind("order").and(Discriminator::sort_key_prefix("ORDER#")),
        )
        .untyped_entity("note", kind("note"), note_schema())
}

async fn start() -> Stack {
    let definition = TableDefinition::new(TABLE)
        .partition_key("pk", KeyType::S)
        .sort_key("sk", KeyType::S);
    Stack::start(&definition).await
}

fn table(stack: &Stack, region: &str) -> SealedTable<Entity> {
    let (keyring, regions) = (stack.keyring(region), stack.regions(region));
    let builder = SealedTable::<Entity>::builder(TABLE, keyring, &regions);
    let entities = entities().build().unwrap();
    builder.entities(&entities).build().unwrap()
}

/// Three items, one of each type, and the table they are in.
async fn start_with_items() -> (Stack, SealedTable<Entity>) {
    let stack = start().await;
    let table = table(&stack, US);
    let customers = table.typed().unwrap();
    customers.put(&customer()).send().await.unwrap();
    table.typed().unwrap().put(&order()).send().await.unwrap();
    table.untyped().put(&note()).send().await.unwrap();
    (stack, table)
}

fn key(sk: &str) -> Item {
    item([("pk", s("CUSTOMER#1")), ("sk", s(sk))])
}

async fn refusal(table: &SealedTable<Entity>, sk: &str) -> OpenError {
    match table.get(("CUSTOMER#1", sk)).send().await {
        Err(OperationError::Open(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(found) => panic!("went unnoticed: {found:?}"),
    }
}

fn mismatch(error: SealError) -> EntityMismatch {
    match error {
        SealError::Entity(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_item_comes_back_with_its_name_and_into_its_model() {
    let (stack, _) = start_with_items().await;
    stack.cloud.replicate().await;
    let table = table(&stack, EU);
    let get = async |sk| table.get(("CUSTOMER#1", sk)).send().await.unwrap().unwrap();

    let found = get("PROFILE").await;
    assert_eq!(found.name(), Some("customer"));
    let other = found.clone().into::<Order>().unwrap_err();
    assert_eq!(
        other.cause(),
        MismatchCause::AnotherModel,
        "whatever fields it has"
    );
    assert_eq!(found.into::<Customer>().unwrap(), customer());
    let found = get("ORDER#7").await;
    assert_eq!(found.name(), Some("order"));
    let read: Order = found.into().unwrap();
    assert_eq!(
        read,
        Order {
            version: 1,
            ..order()
        }
    );
    let found = get("NOTE#1").await;
    assert_eq!(found.name(), Some("note"));
    assert_eq!(found.into_item(), note());

    let orders = table.typed::<Order>().unwrap();
    let read = orders.get(("CUSTOMER#1", "ORDER#7")).send().await.unwrap();
    assert_eq!(read.unwrap().card, "4111 1111");
}

#[tokio::test]
async fn each_item_is_sealed_by_the_schema_of_its_type() {
    let (stack, table) = start_with_items().await;
    let stored = async |sk| stack.stored(US, &key(sk)).await.unwrap();
    let customer = stored("PROFILE").await;
    assert!(customer["email"].is_b() && customer["plan"].is_b());
    assert_eq!(customer["views"], n("3"));
    let order = stored("ORDER#7").await;
    assert!(order["card"].is_b());
    assert_eq!(order["plan"], s("gold"), "signed alone in an order");

    let opened = async |sk| {
        let get = table.get(("CUSTOMER#1", sk)).send_opened().await;
        let opened = get.unwrap().unwrap();
        (opened.header_version(), opened.suite())
    };
    let ecdsa = AlgorithmSuite::EcdsaP384;
    assert_eq!(opened("PROFILE").await, (HeaderVersion::V1, ecdsa));
    assert_eq!(opened("ORDER#7").await, (HeaderVersion::V2, ecdsa));
    let symmetric = AlgorithmSuite::SymsigHmacSha384;
    assert_eq!(opened("NOTE#1").await, (HeaderVersion::V1, symmetric));
}

#[tokio::test]
async fn a_mixed_table_writes_what_it_read_and_advances_the_version_of_its_type() {
    let (_stack, table) = start_with_items().await;
    let found = table.get(("CUSTOMER#1", "ORDER#7")).send().await.unwrap();
    let mut found = found.unwrap();
    found.item_mut().insert("plan".to_owned(), s("silver"));
    let output = table.put(&found).send().await.unwrap();
    assert_eq!(output.version(), Some(2));
    let error = table.put(&found).send().await.unwrap_err();
    assert!(error.sdk_error().is_some(), "version 1 is gone: {error:?}");

    let found = table.get(("CUSTOMER#1", "PROFILE")).send().await.unwrap();
    let output = table.put(&found.unwrap()).send().await.unwrap();
    assert_eq!(output.version(), None, "a customer has none");
    let fresh = Entity::from_item(
        Order {
            sk: "ORDER#8".to_owned(),
            ..order()
        }
        .to_item()
        .unwrap(),
    );
    assert_eq!(fresh.as_ref().unwrap().name(), None);
    let output = table.put(&fresh.unwrap()).send().await.unwrap();
    assert_eq!(output.version(), Some(1));
}

#[tokio::test]
async fn an_item_of_no_type_is_refused_before_anything_is_sent() {
    let stack = start().await;
    let table = table(&stack, US).untyped();
    let mut no_type = customer().to_item().unwrap();
    no_type.insert("kind".to_owned(), s("order"));
    let mut untold = no_type.clone();
    untold.remove("kind");
    for item in [no_type, untold] {
        let error = table.put(&item).send().await.unwrap_err();
        let OperationError::Seal(error) = error else {
            panic!("{error:?}")
        };
        assert!(!error.is_retryable());
        let error = mismatch(error);
        assert_eq!((error.found(), error.expected()), (None, None));
        let text = "the item's keys and type attribute select no entity type";
        assert_eq!(error.to_string(), text);
    }
    let mut keyless = customer().to_item().unwrap();
    keyless.remove("sk");
    let error = table.put(&keyless).send().await.unwrap_err();
    let OperationError::Seal(SealError::Attribute(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error.name(), error.issue()),
        ("sk", AttributeIssue::Missing)
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn a_handle_of_one_model_seals_and_opens_no_other() {
    let (stack, table) = start_with_items().await;
    let customers = table.typed::<Customer>().unwrap();
    stack.cloud.reset_calls();
    let disguised = Customer {
        kind: "order".to_owned(),
        sk: "ORDER#7".to_owned(),
        ..customer()
    };
    let error = customers.put(&disguised).send().await.unwrap_err();
    let OperationError::Seal(error) = error else {
        panic!("{error:?}")
    };
    let error = mismatch(error);
    assert_eq!(
        (error.found(), error.expected()),
        (Some("order"), Some("customer"))
    );
    assert_eq!(
        error.to_string(),
        "the item is of entity type `order`, not `customer`"
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);

    let error = customers
        .get(("CUSTOMER#1", "ORDER#7"))
        .send()
        .await
        .unwrap_err();
    let OperationError::Open(OpenError::Entity(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error.found(), error.expected()),
        (Some("order"), Some("customer"))
    );
    let opened = customers
        .encryptor()
        .open(stack.stored(US, &key("NOTE#1")).await.unwrap())
        .await;
    assert!(matches!(opened, Err(OpenError::Entity(_))), "{opened:?}");
}

#[tokio::test]
async fn the_encryptor_of_the_table_opens_items_of_every_type() {
    let (stack, table) = start_with_items().await;
    for (sk, name) in [
        ("PROFILE", "customer"),
        ("ORDER#7", "order"),
        ("NOTE#1", "note"),
    ] {
        let stored = stack.stored(US, &key(sk)).await.unwrap();
        let claim = table.encryptor().describe(stored.clone()).unwrap();
        assert!(claim.unauthenticated().actions().contains_key("kind"));
        let opened = table.encryptor().open(stored).await.unwrap();
        assert_eq!(opened.entity(), Some(name));
        assert!(format!("{opened:?}").contains(name));
    }
}

#[tokio::test]
async fn an_attribute_that_only_another_type_leaves_unsigned_is_not_sealed() {
    let (stack, table) = start_with_items().await;
    let mut order = order().to_item().unwrap();
    order.insert("views".to_owned(), n("1"));
    stack.cloud.reset_calls();
    let error = table.untyped().put(&order).send().await.unwrap_err();
    let OperationError::Seal(SealError::Attribute(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error.name(), error.issue()),
        ("views", AttributeIssue::NoAction)
    );
    assert_eq!(stack.cloud.calls(US, Service::DynamoDb), 0);
}

#[test]
fn the_schema_of_a_table_encrypts_what_any_type_encrypts() {
    let entities = entities().build().unwrap();
    assert_eq!(
        entities.names().collect::<Vec<_>>(),
        ["customer", "order", "note"]
    );
    let keyring = dynaseal::RawAesKeyring::new("app", "key", [7; 32]).unwrap();
    let encryptor = dynaseal::ItemEncryptor::of_entities(&entities, keyring);
    let schema = encryptor.schema();
    assert_eq!(schema.logical_table_name(), "app");
    assert_eq!(
        (schema.partition_key_name(), schema.sort_key_name()),
        ("pk", Some("sk"))
    );
    use CryptoAction as A;
    for (name, action) in [
        ("email", Some(A::EncryptAndSign)),
        ("plan", Some(A::EncryptAndSign)),
        ("kind", Some(A::SignAndIncludeInEncryptionContext)),
        ("version", Some(A::SignOnly)),
        ("views", Some(A::DoNothing)),
        ("unheard-of", None),
    ] {
        assert_eq!(schema.action(name), action, "{name}");
    }
    assert!(!schema.is_in_signature_scope("views"));
    let order = entities.schema("order").unwrap();
    assert_eq!(order.action("plan"), Some(A::SignOnly));
    assert_eq!(order.action("views"), None, "sealing refuses it");
    assert!(
        !order.is_in_signature_scope("views"),
        "and reading ignores it"
    );
    assert!(entities.schema("invoice").is_none());
}

#[tokio::test]
async fn debug_of_an_entity_shows_names_and_no_values() {
    let (_stack, table) = start_with_items().await;
    let found = table.get(("CUSTOMER#1", "ORDER#7")).send().await.unwrap();
    let shown = format!("{:?} {table:?}", found.unwrap());
    assert!(shown.contains("order") && shown.contains("card"), "{shown}");
    assert!(
        !shown.contains("4111") && !shown.contains("CUSTOMER#1"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_table_of_entities_takes_everything_else_from_them() {
    let regions = start().await.regions(US);
    let builder = || {
        let keyring = dynaseal::RawAesKeyring::new("app", "key", [7; 32]).unwrap();
        SealedTable::<Entity>::builder(TABLE, keyring, &regions)
    };
    let entities = entities().build().unwrap();
    for builder in [
        builder().entities(&entities).logical_table_name("other"),
        builder().entities(&entities).schema(note_schema()),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(
            error.contains("takes schemas, table name, suites and limits"),
            "{error}"
        );
    }
    let error = builder().build().unwrap_err().to_string();
    assert!(error.contains("`.entities(…)`"), "{error}");
    let table = builder().entities(&entities).build().unwrap();
    let error = table.typed::<super::Customer>().unwrap_err().to_string();
    assert!(
        error.contains("none of the table's entity types"),
        "{error}"
    );
    let nameless = builder().schema(note_schema()).build().unwrap();
    let error = nameless.typed::<Customer>().unwrap_err().to_string();
    assert!(error.contains("has no entity types"), "{error}");
}

/// Takes the value for a test of an attribute that is there.
fn of(item: &Item, name: &str) -> AttributeValue {
    item[name].clone()
}
