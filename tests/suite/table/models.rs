//! Models that do not fit, items without a model, and schemas of another table.

use std::sync::Arc;

use dynaseal::item::{Key, MismatchCause, ModelMismatch};
use dynaseal::{CryptoAction, ItemSchema, SealedTable};

use super::*;

/// A later program's idea of a customer: the passport is a number, the plan has other variants.
#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct Successor<Ssn: zeroize::Zeroize> {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    ssn: Redacted<Ssn>,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
#[serde(rename_all = "camelCase")]
struct OtherPlans {
    #[seal(partition_key)]
    customer_id: String,
    #[seal(sort_key)]
    record: u64,
    #[seal(sign)]
    plan: OtherPlan,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
enum OtherPlan {
    Gold,
}

async fn mismatch<T>(stack: &Stack) -> ModelMismatch
where
    T: dynaseal::item::Model<KeyShape = dynaseal::item::PartitionAndSortKey> + std::fmt::Debug,
{
    match stack.table::<T>(US).get(("c-1", 7_u64)).send().await {
        Err(OperationError::Model(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_model_that_does_not_fit_names_the_attribute_and_no_value() {
    let (stack, _) = start_with_customer().await;
    let error = mismatch::<Successor<u64>>(&stack).await;
    assert_eq!(error.attribute(), Some("ssn"));
    assert_eq!(error.cause(), MismatchCause::WrongType);
    let error = mismatch::<OtherPlans>(&stack).await;
    assert_eq!(error.attribute(), Some("plan"));
    assert_eq!(error.cause(), MismatchCause::InvalidValue);
    assert!(!format!("{error} {error:?}").contains("Paid"));
}

#[tokio::test]
async fn a_model_that_knows_fewer_attributes_reads_what_it_knows() {
    let (stack, _) = start_with_customer().await;
    let found = stack.table::<Successor<String>>(US).get(("c-1", 7)).send();
    let found = found.await.unwrap().unwrap();
    assert_eq!(found.ssn.expose(), "078-05-1120");
}

#[tokio::test]
async fn a_model_that_has_signed_what_it_calls_unsigned_now_is_refused() {
    #[derive(Debug, Serialize, Deserialize, Seal)]
    #[seal(table = "customers", default = "encrypt")]
    struct Unsigning {
        #[seal(partition_key)]
        #[serde(rename = "customerId")]
        customer_id: String,
        #[seal(sort_key)]
        record: u64,
        #[seal(unsigned)]
        plan: Unsigned<Plan>,
        #[seal(unsigned)]
        #[serde(rename = ":views")]
        views: Unsigned<u64>,
    }
    let (stack, _) = start_with_customer().await;
    let found = stack.table::<Unsigning>(US).get(("c-1", 7)).send().await;
    let error = found.unwrap_err();
    assert!(
        matches!(error, OperationError::Open(OpenError::SchemaChanged(_))),
        "{error:?}"
    );
}

fn untyped_schema() -> Arc<ItemSchema> {
    let schema = ItemSchema::builder("customers", "customerId")
        .sort_key_name("record")
        .action("ssn", CryptoAction::EncryptAndSign)
        .allowed_unsigned_attribute(":views");
    Arc::new(schema.build().unwrap())
}

fn untyped(stack: &Stack, schema: Arc<ItemSchema>) -> SealedTable {
    let builder = SealedTable::builder(TABLE, stack.keyring(US), &stack.regions(US));
    builder.schema(schema).build().unwrap()
}

#[tokio::test]
async fn untyped_items_are_sealed_and_opened_by_their_schema() {
    let stack = start().await;
    let table = untyped(&stack, untyped_schema());
    let mut written = key("c-1");
    written.insert("ssn".to_owned(), s("078-05-1120"));
    table.put(&written).send().await.unwrap();
    assert!(stack.stored(US, &key("c-1")).await.unwrap()["ssn"].is_b());
    assert_eq!(
        table.get(("c-1", 7)).send().await.unwrap().unwrap(),
        written
    );

    written.insert("unheard-of".to_owned(), s("x"));
    let error = table.put(&written).send().await.unwrap_err();
    let OperationError::Seal(dynaseal::SealError::Attribute(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.name(), "unheard-of");
}

#[tokio::test]
async fn untyped_tables_read_what_models_wrote_and_models_what_untyped_tables_wrote() {
    let (stack, _) = start_with_customer().await;
    let table = untyped(&stack, untyped_schema());
    let opened = table.get(("c-1", 7)).send_opened().await.unwrap().unwrap();
    assert_eq!(opened.item()["ssn"], s("078-05-1120"));
    assert_eq!(opened.region(), Some(US));
    assert_eq!(opened.key(), Some(&*stack.key.arn(US)));
    let mut written = key("c-2");
    written.insert("ssn".to_owned(), s("219-09-9999"));
    written.insert(":views".to_owned(), n("1"));
    table.put(&written).send().await.unwrap();
    let found = stack.table::<Successor<String>>(US).get(("c-2", 7)).send();
    assert_eq!(found.await.unwrap().unwrap().ssn.expose(), "219-09-9999");
}

#[tokio::test]
async fn a_key_of_another_shape_is_refused_before_anything_is_sent() {
    let stack = start().await;
    let table = untyped(&stack, untyped_schema());
    let error = table.get("c-1").send().await.unwrap_err();
    assert!(
        matches!(&error, OperationError::Refused(e) if e.to_string().contains("has a sort key"))
    );
    let error = table.delete("c-1").send().await.unwrap_err();
    assert!(matches!(error, OperationError::Refused(_)));
    let error = stack
        .table::<Customer>(US)
        .get(Key::new("c-1"))
        .send()
        .await;
    assert!(matches!(error.unwrap_err(), OperationError::Refused(_)));

    let narrow = ItemSchema::builder("customers", "customerId")
        .build()
        .unwrap();
    let table = untyped(&stack, Arc::new(narrow));
    let error = table.get(("c-1", 7)).send().await.unwrap_err();
    assert!(matches!(&error, OperationError::Refused(e) if e.to_string().contains("no sort key")));
    let error = table.delete(("c-1", 7)).send().await.unwrap_err();
    assert!(matches!(error, OperationError::Refused(_)));
    assert_eq!(
        stack.cloud.calls(US, dynaseal::testkit::Service::DynamoDb),
        0
    );
}

#[tokio::test]
async fn another_logical_table_name_does_not_open_an_item() {
    let (stack, _) = start_with_customer().await;
    let builder = SealedTable::<Customer>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let renamed = builder.logical_table_name("srevocustom").build().unwrap();
    let error = renamed.get(("c-1", 7)).send().await.unwrap_err();
    assert!(
        matches!(error, OperationError::Open(OpenError::Keyring(_))),
        "{error:?}"
    );
    renamed.put(&customer("c-1")).send().await.unwrap();
    assert!(renamed.get(("c-1", 7)).send().await.unwrap().is_some());
    assert!(matches!(
        refusal(&stack, US, "c-1").await,
        OpenError::Keyring(_)
    ));
}

#[tokio::test]
async fn tables_are_not_built_from_parts_that_contradict_each_other() {
    let stack = start().await;
    let regions = stack.regions(US);
    let typed = || SealedTable::<Customer>::builder(TABLE, stack.keyring(US), &regions);
    let untyped = || SealedTable::<Item>::builder(TABLE, stack.keyring(US), &regions);
    assert!(
        typed().schema(untyped_schema()).build().is_err(),
        "two schemas"
    );
    assert!(untyped().build().is_err(), "no schema");
    assert!(
        untyped()
            .schema(untyped_schema())
            .logical_table_name("x")
            .build()
            .is_err()
    );
    assert!(typed().max_encrypted_data_keys(0).build().is_err());
    assert!(typed().logical_table_name("").build().is_err());
    let unnamed = SealedTable::<Customer>::builder("no table!", stack.keyring(US), &regions);
    assert!(unnamed.build().is_err());
}

/// Its map takes whatever the struct does not name.
#[derive(Debug, Serialize, Deserialize, Seal)]
#[seal(table = "customers", default = "encrypt")]
struct Loose {
    #[seal(partition_key)]
    id: String,
    #[seal(others = "encrypt")]
    #[serde(flatten)]
    others: BTreeMap<String, String>,
}

#[test]
fn a_map_of_others_never_takes_what_anybody_can_write() {
    let schema = || ItemSchema::of_model(Loose::SCHEMA, None).unwrap();
    schema()
        .build()
        .expect("named attributes alone are unsigned");
    let open = schema().allowed_unsigned_attribute_prefix(":").build();
    let error = open.unwrap_err().to_string();
    assert!(error.contains("flattened map"), "{error}");
}
