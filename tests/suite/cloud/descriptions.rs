//! What `DescribeTable` says of global tables and of encryption at rest.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, ScalarAttributeType,
};
use aws_sdk_dynamodb::types::{ReplicaStatus, TableDescription};
use dynaseal::testkit::{Fault, Service};

use super::*;

async fn describe(cloud: &Cloud, region: &str) -> TableDescription {
    let client = Client::from_conf(aws_sdk_dynamodb::Config::from(
        &without_retries(cloud, region).build(),
    ));
    let described = client.describe_table().table_name(TABLE).send().await;
    described.unwrap().table.unwrap()
}

fn replicas(table: &TableDescription) -> Vec<&str> {
    let active = |replica: &&aws_sdk_dynamodb::types::ReplicaDescription| {
        replica.replica_status() == Some(&ReplicaStatus::Active)
    };
    let active = table.replicas().iter().filter(active);
    active.filter_map(|replica| replica.region_name()).collect()
}

#[tokio::test]
async fn shows_the_other_replicas_of_a_global_table() {
    let cloud = cloud_with_table().await;
    assert_eq!(replicas(&describe(&cloud, US).await), [AP, EU]);
    assert_eq!(replicas(&describe(&cloud, EU).await), [AP, US]);

    let delete = cloud.dynamodb(AP).delete_table().table_name(TABLE);
    delete.send().await.unwrap();
    assert_eq!(replicas(&describe(&cloud, US).await), [EU]);
}

#[tokio::test]
async fn shows_no_replicas_of_tables_that_have_only_their_name_in_common() {
    let cloud = Cloud::start(REGIONS).await.unwrap();
    for region in REGIONS {
        let create = cloud.dynamodb(region).create_table().table_name(TABLE);
        let key = KeySchemaElement::builder().attribute_name("id");
        let key = key.key_type(aws_sdk_dynamodb::types::KeyType::Hash);
        let id = AttributeDefinition::builder().attribute_name("id");
        let id = id.attribute_type(ScalarAttributeType::S);
        let create = create.key_schema(key.build().unwrap());
        let create = create.attribute_definitions(id.build().unwrap());
        let create = create.billing_mode(BillingMode::PayPerRequest);
        create.send().await.unwrap();
    }
    assert_eq!(replicas(&describe(&cloud, US).await), [""; 0]);
}

#[tokio::test]
async fn shows_the_key_that_a_test_says_encrypts_the_table() {
    let cloud = cloud_with_table().await;
    assert!(describe(&cloud, US).await.sse_description().is_none());
    let key = "arn:aws:kms:us-east-1:123456789012:key/mrk-1";
    cloud
        .region(US)
        .set_table_encryption(TABLE, Some(key.to_owned()));
    let shown = describe(&cloud, US).await;
    let shown = shown.sse_description().unwrap().kms_master_key_arn();
    assert_eq!(shown, Some(key));
    assert!(describe(&cloud, EU).await.sse_description().is_none());
    cloud.region(US).set_table_encryption(TABLE, None);
    assert!(describe(&cloud, US).await.sse_description().is_none());
}

#[tokio::test]
async fn counts_one_call_and_lets_faults_strike() {
    let cloud = cloud_with_table().await;
    describe(&cloud, US).await;
    let counts = REGIONS.map(|region| cloud.calls(region, Service::DynamoDb));
    assert_eq!(counts, [1, 0, 0]);
    cloud.region(US).fail(Service::DynamoDb, Fault::Unavailable);
    let describe = cloud.dynamodb(US).describe_table().table_name(TABLE);
    assert!(describe.send().await.is_err());
    let missing = cloud.dynamodb(EU).describe_table().table_name("nothing");
    let error = missing.send().await.unwrap_err().into_service_error();
    assert!(error.is_resource_not_found_exception());
}
