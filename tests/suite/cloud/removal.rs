//! Tables that a region does not have any more.

use super::*;

#[tokio::test]
async fn removes_a_table_from_one_region_and_stops_replication_to_it() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(US), "a", "1").await;
    cloud.replicate().await;
    cloud.region(EU).remove_table(TABLE).unwrap();

    let eu = Client::new(&without_retries(&cloud, EU).build());
    let read = eu.get_item().table_name(TABLE).key("id", s("a"));
    let error = read.key("part", part()).send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());

    put(&cloud.dynamodb(US), "a", "2").await;
    put(&cloud.dynamodb(AP), "b", "1").await;
    let replicated = cloud.replicate().await;
    assert_eq!((replicated.changes(), replicated.failures().len()), (2, 0));
    for region in [US, AP] {
        let client = cloud.dynamodb(region);
        assert_eq!(get(&client, "a").await.as_deref(), Some("2"));
        assert_eq!(get(&client, "b").await.as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn loses_with_a_table_what_was_not_replicated_from_there() {
    let cloud = cloud_with_table().await;
    put(&cloud.dynamodb(EU), "a", "1").await;
    cloud.region(EU).remove_table(TABLE).unwrap();
    assert_eq!(cloud.replicate().await.changes(), 0);
    assert_eq!(get(&cloud.dynamodb(US), "a").await, None);
}

#[tokio::test]
async fn removes_no_table_that_is_not_there() {
    let cloud = cloud_with_table().await;
    assert!(cloud.region(EU).remove_table("other").is_err());
    assert!(cloud.region("nowhere").remove_table(TABLE).is_err());
    cloud.region(EU).remove_table(TABLE).unwrap();
    let again = cloud.region(EU).remove_table(TABLE).unwrap_err();
    assert_eq!(
        again.to_string(),
        "no global table `records` has a replica in `eu-west-1`"
    );
}

#[tokio::test]
async fn removes_no_replica_of_a_strongly_consistent_table() {
    let cloud = Cloud::start_strongly_consistent(REGIONS).await.unwrap();
    let table = TableDefinition::new(TABLE)
        .partition_key("id", KeyType::S)
        .sort_key("part", KeyType::N);
    cloud.create_global_table(&table).await.unwrap();
    assert!(cloud.region(EU).remove_table(TABLE).is_err());
    put(&cloud.dynamodb(EU), "a", "1").await;
}
