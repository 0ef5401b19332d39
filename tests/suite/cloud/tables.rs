//! Tables of any shape.

use aws_sdk_dynamodb::types::KeySchemaElement;
use dynaseal::testkit::SecondaryIndex;

use super::*;

#[tokio::test]
async fn creates_a_table_in_every_region() {
    let cloud = cloud_with_table().await;
    for region in REGIONS {
        let described = cloud
            .dynamodb(region)
            .describe_table()
            .table_name(TABLE)
            .send()
            .await;
        let table = described.unwrap().table.unwrap();
        let keys: Vec<_> = table
            .key_schema()
            .iter()
            .map(KeySchemaElement::attribute_name)
            .collect();
        assert_eq!(keys, ["id", "part"]);
        let stream = table.stream_specification().unwrap();
        assert_eq!(
            stream.stream_view_type().unwrap().as_str(),
            "NEW_AND_OLD_IMAGES"
        );
    }
}

#[tokio::test]
async fn creates_a_table_with_a_binary_partition_key_alone() {
    let cloud = Cloud::start([US, EU]).await.unwrap();
    let table = TableDefinition::new("blobs").partition_key("hash", KeyType::B);
    cloud.create_global_table(&table).await.unwrap();
    let hash = AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([0, 255]));
    let us = cloud.dynamodb(US);
    us.put_item()
        .table_name("blobs")
        .item("hash", hash.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(cloud.replicate().await.changes(), 1);
    let found = cloud
        .dynamodb(EU)
        .get_item()
        .table_name("blobs")
        .key("hash", hash)
        .send()
        .await;
    assert!(found.unwrap().item().is_some());
}

#[tokio::test]
async fn queries_a_secondary_index() {
    let cloud = Cloud::start([US]).await.unwrap();
    let by_email = SecondaryIndex::new("byEmail")
        .partition_key("email", KeyType::S)
        .sort_key("id", KeyType::S);
    let table = TableDefinition::new("customers")
        .partition_key("id", KeyType::S)
        .secondary_index(by_email);
    cloud.create_global_table(&table).await.unwrap();
    let us = cloud.dynamodb(US);
    let put = us.put_item().table_name("customers").item("id", s("1"));
    put.item("email", s("a@example.com")).send().await.unwrap();
    let query = us.query().table_name("customers").index_name("byEmail");
    let query = query.key_condition_expression("email = :e");
    let found = query
        .expression_attribute_values(":e", s("a@example.com"))
        .send()
        .await
        .unwrap();
    assert_eq!(found.count(), 1);
}

#[tokio::test]
async fn refuses_a_table_without_a_key_or_with_a_name_that_is_taken() {
    let cloud = cloud_with_table().await;
    assert!(
        cloud
            .create_global_table(&TableDefinition::new("keyless"))
            .await
            .is_err()
    );
    let taken = TableDefinition::new(TABLE).partition_key("id", KeyType::S);
    assert!(cloud.create_global_table(&taken).await.is_err());
}

#[tokio::test]
async fn indexes_project_what_they_are_told_to() {
    let cloud = Cloud::start([US]).await.unwrap();
    let index = |name: &str| SecondaryIndex::new(name).partition_key("plan", KeyType::S);
    let table = TableDefinition::new(TABLE)
        .partition_key("id", KeyType::S)
        .sort_key("part", KeyType::N)
        .secondary_index(index("all"))
        .secondary_index(index("keys").keys_only())
        .secondary_index(index("some").include(["value"]));
    cloud.create_global_table(&table).await.unwrap();
    let us = cloud.dynamodb(US);
    let put = us.put_item().table_name(TABLE).item("id", s("a"));
    let put = put.item("part", part()).item("plan", s("gold"));
    put.item("value", s("v"))
        .item("more", s("m"))
        .send()
        .await
        .unwrap();
    for (name, expected) in [
        ("all", &["id", "more", "part", "plan", "value"][..]),
        ("keys", &["id", "part", "plan"]),
        ("some", &["id", "part", "plan", "value"]),
    ] {
        let scan = us.scan().table_name(TABLE).index_name(name);
        let items = scan.send().await.unwrap().items.unwrap();
        let mut names: Vec<_> = items[0].keys().collect();
        names.sort();
        assert_eq!(names, expected, "{name}");
    }
}
