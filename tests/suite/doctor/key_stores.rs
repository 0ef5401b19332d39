//! What it finds of key stores: their tables, and what is needed to read them.

use std::sync::Arc;

use dynaseal::MultiKeyring;
use dynaseal::error::FaultClass;
use serde_json::json;

use super::policy::statements;
use super::*;
use crate::support::stack::key_store_table;

pub(super) const STORE: &str = "branch-keys-prod";
const LOGICAL: &str = "branch-keys";

const CHECKS: [&str; 5] = [
    "key-store-exists",
    "key-store-status",
    "key-store-replicas",
    "key-store-keys",
    "key-store-protection",
];

fn store(table_name: &str, regions: &[&str]) -> KeyStoreUse {
    KeyStoreUse::new(table_name, LOGICAL, regions.iter().copied())
}

fn saying(stack: &Stack, key_store: KeyStoreUse) -> Saying {
    Saying::new([used(stack).for_key_store(LOGICAL, None)], [key_store])
}

fn reading(stack: &Stack, key_store: KeyStoreUse) -> SealedTable<Patient> {
    table_with(stack, saying(stack, key_store))
}

/// A stack with a key store beside the table, protected from deletion.
async fn start_with(definition: TableDefinition) -> Stack {
    let stack = start().await;
    stack.cloud.create_global_table(&definition).await.unwrap();
    for region in [US, EU] {
        protect(&stack, region, true).await;
    }
    stack
}

pub(super) async fn start_with_store() -> Stack {
    start_with(key_store_table(STORE)).await
}

pub(super) async fn protect(stack: &Stack, region: &str, is_on: bool) {
    let update = stack.cloud.dynamodb(region).update_table();
    let update = update.table_name(STORE).deletion_protection_enabled(is_on);
    update.send().await.unwrap();
}

#[tokio::test]
async fn finds_nothing_to_complain_of_in_a_key_store_of_its_own() {
    let stack = start_with_store().await;
    let table = reading(&stack, store(STORE, &[US, EU]));
    stack.cloud.reset_calls();
    let report = table.doctor().run().await;
    assert!(report.is_healthy() && report.has_usable_replicas());
    assert_eq!(at(&report, Severity::Warning), [], "{report}");
    for region in [US, EU] {
        for check in CHECKS {
            let found = one(&report, check, region);
            assert_eq!(found.severity(), Severity::Ok, "{report}");
            assert_eq!(found.table(), Some(STORE));
        }
        let calls = stack.cloud.calls(region, Service::DynamoDb);
        assert_eq!(
            calls, 2,
            "each table is described once, and nothing is read"
        );
    }
    let none = super::table::<Patient>(&stack).doctor().run().await;
    let of_stores = none.findings().iter();
    let of_stores = of_stores.filter(|found| found.check().starts_with("key-store"));
    assert_eq!(of_stores.count(), 0);
}

#[tokio::test]
async fn finds_a_key_store_that_a_region_lacks() {
    let stack = start_with_store().await;
    protect(&stack, EU, false).await;
    let delete = stack.cloud.dynamodb(EU).delete_table().table_name(STORE);
    delete.send().await.unwrap();
    let table = reading(&stack, store(STORE, &[US, EU]));
    let report = table.doctor().run().await;
    let missing = [
        ("key-store-exists", Some(EU)),
        ("key-store-replicas", Some(US)),
    ];
    assert_eq!(errors(&report), missing);
    assert!(!report.has_usable_replicas());
    let message = one(&report, "key-store-exists", EU).message();
    assert!(
        message.contains("no such table in this region"),
        "{message}"
    );
}

#[tokio::test]
async fn finds_a_key_store_without_protection_from_deletion() {
    let stack = start_with_store().await;
    protect(&stack, EU, false).await;
    let table = reading(&stack, store(STORE, &[US, EU]));
    let report = table.doctor().run().await;
    assert!(report.is_healthy());
    let unprotected = [("key-store-protection", Some(EU))];
    assert_eq!(at(&report, Severity::Warning), unprotected);
    let message = one(&report, "key-store-protection", EU).message();
    assert!(message.contains("destroys every item"), "{message}");
}

#[tokio::test]
async fn finds_a_table_that_is_no_key_store() {
    let by_id = || TableDefinition::new(STORE).partition_key("branch-key-id", KeyType::S);
    for (definition, part) in [
        (
            by_id(),
            "[branch-key-id], those of a key store [branch-key-id, type]",
        ),
        (
            by_id().sort_key("type", KeyType::N),
            "`type` is not of type S",
        ),
    ] {
        let stack = start_with(definition).await;
        let table = reading(&stack, store(STORE, &[US, EU]));
        let report = table.doctor().run().await;
        let found = [("key-store-keys", Some(EU)), ("key-store-keys", Some(US))];
        assert_eq!(errors(&report), found);
        assert!(!report.has_usable_replicas());
        let message = one(&report, "key-store-keys", US).message();
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn finds_branch_keys_in_the_table_of_the_items() {
    let stack = start().await;
    let table = reading(&stack, store(TABLE, &[US, EU]));
    let report = table.doctor().run().await;
    assert!(at(&report, Severity::Warning).contains(&("key-store", None)));
    let found = report
        .findings()
        .iter()
        .find(|found| found.check() == "key-store");
    assert!(
        found
            .unwrap()
            .message()
            .contains("in the table of the items")
    );
}

#[tokio::test]
async fn finds_a_key_store_of_other_regions_than_the_table_s() {
    let stack = start_with_store().await;
    let table = reading(&stack, store(STORE, &[US, "ap-south-1"]));
    let report = table.doctor().run().await;
    let of_regions = |region| one(&report, "key-store", region).message();
    assert!(of_regions("ap-south-1").contains("none of the table's set"));
    assert!(of_regions(EU).contains("not read in this region"));
    assert!(all(&report, "key-store-exists", EU).is_empty());
    let alone = reading(&stack, store(STORE, &[US])).doctor().run().await;
    assert!(all(&alone, "key-store-replicas", US).is_empty());
}

#[tokio::test]
async fn says_that_a_key_store_is_not_seen_where_describing_it_is_denied() {
    let stack = start_with_store().await;
    let denied = Fault::Status(400, "AccessDeniedException").on("DescribeTable");
    stack.cloud.region(US).fail(Service::DynamoDb, denied);
    let table = reading(&stack, store(STORE, &[US, EU]));
    let report = table.doctor().run().await;
    assert!(report.is_healthy(), "{report}");
    let unseen = one(&report, "key-store-exists", US);
    let expected = (Severity::Warning, Some(FaultClass::Denied));
    assert_eq!((unseen.severity(), unseen.fault()), expected);
}

#[tokio::test]
async fn looks_once_at_a_key_store_that_several_keyrings_read() {
    let stack = start_with_store().await;
    let part = || Arc::new(saying(&stack, store(STORE, &[US, EU])));
    let multi = MultiKeyring::new(part()).child(part());
    let table = table_with::<Patient>(&stack, multi);
    let report = table.doctor().run().await;
    assert_eq!(
        one(&report, "key-store-exists", US).severity(),
        Severity::Ok
    );
    assert_eq!(all(&report, "key-exists", US).len(), 2);
}

#[tokio::test]
async fn warns_of_a_key_store_that_a_keyring_around_does_not_pass_on() {
    let stack = start().await;
    let keyring = Saying::new([used(&stack).for_key_store(LOGICAL, None)], []);
    let report = table_with::<Patient>(&stack, keyring).doctor().run().await;
    assert_eq!(at(&report, Severity::Warning), [("key-store", None)]);
    assert!(report.findings()[0].message().contains("key_stores()"));
}

#[tokio::test]
async fn allows_reading_single_records_of_the_key_store_in_each_region() {
    let stack = start().await;
    let table = reading(&stack, store(STORE, &[US, EU]));
    let arn = |region| format!("arn:aws:dynamodb:{region}:*:table/{STORE}");
    let expected = json!({
        "Sid": "ReadKeyStore1",
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem"],
        "Resource": [arn(US), arn(EU)],
    });
    for policy in [
        table.doctor().iam_policy(),
        table.seal_only().doctor().iam_policy(),
        table.open_only().doctor().iam_policy(),
    ] {
        assert_eq!(statements(&policy).last(), Some(&expected));
    }
    let china = "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234";
    let used = KmsKeyUse::new("saying", china, ["cn-north-1"]).unwrap();
    let store = KeyStoreUse::new(STORE, LOGICAL, ["cn-north-1"]);
    let saying = Saying::new([used.for_key_store(LOGICAL, None)], [store]);
    let policy = table_with::<Patient>(&stack, saying).doctor().iam_policy();
    let arn = format!("arn:aws-cn:dynamodb:cn-north-1:*:table/{STORE}");
    assert_eq!(
        statements(&policy).last().unwrap()["Resource"],
        json!([arn])
    );
}
