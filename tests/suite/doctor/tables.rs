//! What it finds of the table, in each region.

use dynaseal::error::FaultClass;
use dynaseal::testkit::SecondaryIndex;
use dynaseal::{CryptoAction, Item, ItemSchema};

use super::*;

#[tokio::test]
async fn finds_a_table_that_is_missing_in_one_region() {
    let stack = start().await;
    let delete = stack.cloud.dynamodb(EU).delete_table().table_name(TABLE);
    delete.send().await.unwrap();
    let report = table::<Patient>(&stack).doctor().run().await;
    assert_eq!(
        errors(&report),
        [("table-exists", Some(EU)), ("table-replicas", Some(US))]
    );
    let missing = one(&report, "table-exists", EU);
    assert_eq!(missing.table(), Some(TABLE));
    assert!(
        missing.message().contains("add a replica"),
        "{}",
        missing.message()
    );
    assert!(
        one(&report, "table-replicas", US)
            .message()
            .contains("eu-west-1 (none)")
    );
    assert!(!report.has_usable_replicas());
}

#[tokio::test]
async fn finds_tables_that_have_only_their_name_in_common() {
    let stack = Stack::start(&TableDefinition::new("other").partition_key("id", KeyType::S)).await;
    for region in [US, EU] {
        use aws_sdk_dynamodb::types as of;
        let create = stack
            .cloud
            .dynamodb(region)
            .create_table()
            .table_name(TABLE);
        let key = of::KeySchemaElement::builder().attribute_name("id");
        let key = key.key_type(of::KeyType::Hash).build().unwrap();
        let id = of::AttributeDefinition::builder().attribute_name("id");
        let id = id
            .attribute_type(of::ScalarAttributeType::S)
            .build()
            .unwrap();
        let create = create.key_schema(key).attribute_definitions(id);
        let create = create.billing_mode(of::BillingMode::PayPerRequest);
        create.send().await.unwrap();
    }
    let report = table::<Patient>(&stack).doctor().run().await;
    let unrelated = [("table-replicas", Some(EU)), ("table-replicas", Some(US))];
    assert_eq!(errors(&report), unrelated);
}

#[tokio::test]
async fn finds_keys_that_are_not_those_of_the_schema() {
    let definition = TableDefinition::new(TABLE).partition_key("patient", KeyType::S);
    let stack = Stack::start(&definition.sort_key("day", KeyType::N)).await;
    let report = table::<Patient>(&stack).doctor().run().await;
    assert_eq!(
        errors(&report),
        [("table-keys", Some(EU)), ("table-keys", Some(US))]
    );
    let message = one(&report, "table-keys", US).message();
    assert!(
        message.contains("[patient, day]") && message.contains("[id]"),
        "{message}"
    );
}

#[tokio::test]
async fn finds_keys_of_another_type_than_a_sample_s() {
    let definition = TableDefinition::new(TABLE).partition_key("id", KeyType::N);
    let stack = Stack::start(&definition).await;
    let table = table::<Patient>(&stack);
    assert!(
        table.doctor().run().await.is_healthy(),
        "nobody knows without a sample"
    );
    let report = table.doctor().sample_key("17").run().await;
    assert_eq!(
        errors(&report),
        [("table-keys", Some(EU)), ("table-keys", Some(US))]
    );
    assert!(
        one(&report, "table-keys", US)
            .message()
            .contains("key `id`")
    );
}

#[tokio::test]
async fn finds_a_table_that_is_encrypted_under_the_sealing_key() {
    let stack = start().await;
    let table = table::<Patient>(&stack);
    let other = stack.cloud.create_multi_region_key(EU, [US]).await.unwrap();
    stack
        .cloud
        .region(EU)
        .set_table_encryption(TABLE, Some(other.arn(EU)));
    let report = table.doctor().run().await;
    let fine = one(&report, "table-encryption", EU);
    assert_eq!(fine.severity(), Severity::Ok, "{}", fine.message());

    stack
        .cloud
        .region(EU)
        .set_table_encryption(TABLE, Some(stack.key.arn(EU)));
    let report = table.doctor().run().await;
    assert_eq!(errors(&report), [("table-encryption", Some(EU))]);
    let why = one(&report, "table-encryption", EU).message();
    for reason in [
        "no longer separates",
        "takes down the whole table",
        "another key",
    ] {
        assert!(why.contains(reason), "{why}");
    }
    assert!(
        report.has_usable_replicas(),
        "it works, and does not protect"
    );
}

#[tokio::test]
async fn finds_indexes_over_ciphertexts() {
    let index = |name: &str, key: &str| SecondaryIndex::new(name).partition_key(key, KeyType::S);
    let definition = definition()
        .secondary_index(index("by-name", "name"))
        .secondary_index(index("by-plan", "plan"))
        .secondary_index(index("by-plan-keys", "plan").keys_only())
        .secondary_index(index("by-beacon", "aws_dbe_b_name"));
    let stack = Stack::start(&definition).await;
    let report = table::<Patient>(&stack).doctor().run().await;
    assert_eq!(
        errors(&report),
        [("index-keys", Some(EU)), ("index-keys", Some(US))]
    );
    let found = all(&report, "index-keys", US);
    let found: Vec<_> = found.iter().map(|f| (f.severity(), f.message())).collect();
    let expected = [
        (Severity::Error, "`name`"),
        (Severity::Warning, "`aws_dbe_b_name`"),
        (Severity::Info, "`fetch_from_table`"),
        (Severity::Ok, "`by-plan`"),
    ];
    assert_eq!(found.len(), expected.len(), "{report}");
    for ((severity, message), (expected, part)) in found.into_iter().zip(expected) {
        assert_eq!(severity, expected, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn says_that_a_table_is_not_seen_where_describing_it_is_denied() {
    let stack = start().await;
    let denied = Fault::Status(400, "AccessDeniedException").on("DescribeTable");
    stack.cloud.region(US).fail(Service::DynamoDb, denied);
    let report = table::<Patient>(&stack).doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let unseen = one(&report, "table-exists", US);
    assert_eq!(
        (unseen.severity(), unseen.fault()),
        (Severity::Warning, Some(FaultClass::Denied))
    );
    assert!(unseen.message().contains("allow dynamodb:DescribeTable"));
}

#[tokio::test]
async fn says_which_samples_are_none_of_the_table() {
    let definition = definition().sort_key("day", KeyType::N);
    let stack = Stack::start(&definition).await;
    let schema = ItemSchema::builder("patients", "id").sort_key_name("day");
    let schema = schema
        .action("name", CryptoAction::EncryptAndSign)
        .build()
        .unwrap();
    let builder = SealedTable::<Item>::builder(TABLE, keyring(&stack), &regions(&stack));
    let table = builder.schema(schema).build().unwrap();
    let doctor = table.doctor().sample_key(("p-1", 7)).sample_key("p-1");
    let report = doctor.run().await;
    assert!(report.is_healthy(), "{report}");
    assert_eq!(at(&report, Severity::Warning), [("sample", None)]);
    let message = report.findings()[0].message();
    assert!(
        message.starts_with("sample 2 is none of this table: "),
        "{message}"
    );
}
