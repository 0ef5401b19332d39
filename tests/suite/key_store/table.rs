//! The table of a key store.

use aws_sdk_dynamodb::types::BillingMode;
use dynaseal::testkit::Fault;

use super::*;

impl World {
    fn store_on(&self, table: &str) -> KeyStore {
        let kms = KeyStoreKms::mrk_arn(self.key.arn(US));
        let builder = KeyStore::builder(table, LOGICAL, kms, &self.regions(US, false));
        builder.build().unwrap()
    }
}

#[tokio::test]
async fn creates_the_table_once_and_uses_it() {
    let world = World::start().await;
    let store = world.store_on("fresh");
    let arn = world.run(store.create_key_store()).await.unwrap();
    assert!(arn.ends_with("table/fresh"), "{arn}");
    assert_eq!(world.run(store.create_key_store()).await.unwrap(), arn);
    assert_eq!(
        world.cloud.calls_of(US, Service::DynamoDb, "CreateTable"),
        1
    );
    let described = world
        .cloud
        .dynamodb(US)
        .describe_table()
        .table_name("fresh");
    let table = described.send().await.unwrap().table.unwrap();
    let billing = table
        .billing_mode_summary()
        .and_then(|mode| mode.billing_mode());
    assert_eq!(billing, Some(&BillingMode::PayPerRequest));
    let id = world.run(store.create_key().send()).await.unwrap();
    world.active(&store, &id).await.unwrap();
}

#[tokio::test]
async fn takes_a_table_that_somebody_made_with_the_same_keys() {
    let world = World::start().await;
    let arn = world.run(world.store(EU).create_key_store()).await.unwrap();
    assert!(arn.ends_with("table/branch-keys"), "{arn}");
    // At home.
    let asked = |region| world.cloud.calls(region, Service::DynamoDb);
    assert_eq!([US, EU].map(asked), [1, 0]);
    assert_eq!(
        world.cloud.calls_of(US, Service::DynamoDb, "CreateTable"),
        0
    );
}

#[tokio::test]
async fn refuses_a_table_with_other_keys() {
    let world = World::start().await;
    let hash = |name: &str| TableDefinition::new(name).partition_key("branch-key-id", KeyType::S);
    for table in [
        hash("no-sort-key"),
        hash("another-sort-key").sort_key("kind", KeyType::S),
        hash("another-type").sort_key("type", KeyType::N),
    ] {
        world.cloud.create_global_table(&table).await.unwrap();
        let store = world.store_on(table.name());
        let error = world.run(store.create_key_store()).await.unwrap_err();
        assert_eq!(error.kind(), KeyStoreErrorKind::WrongTable);
    }
}

#[tokio::test]
async fn takes_a_lost_answer_for_what_it_was() {
    let world = World::start().await;
    let lost = Fault::LostResponse.on("CreateTable").times(1);
    world.cloud.region(US).fail(Service::DynamoDb, lost);
    let store = world.store_on("fresh");
    world.run(store.create_key_store()).await.unwrap();
    let denied = Fault::Status(400, "AccessDeniedException").on("DescribeTable");
    world.cloud.region(US).fail(Service::DynamoDb, denied);
    let error = world.run(store.create_key_store()).await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Denied);
}
