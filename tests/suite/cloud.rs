//! The cloud itself: tables, replication, faults, counts and routes.

mod descriptions;
mod faults;
mod lifetime;
mod removal;
mod replication;
mod routing;
mod strong;
mod tables;
mod traffic;
mod transactions;
mod virtual_time;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::test_util::{InstantSleep, instant_time_and_sleep};
use aws_types::sdk_config::Builder;
use dynaseal::testkit::{Cloud, KeyType, TableDefinition};

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";
const AP: &str = "ap-southeast-1";
const REGIONS: [&str; 3] = [US, EU, AP];
const TABLE: &str = "records";

/// Three regions with one table.
async fn cloud_with_table() -> Cloud {
    let cloud = Cloud::start(REGIONS).await.unwrap();
    let table = TableDefinition::new(TABLE)
        .partition_key("id", KeyType::S)
        .sort_key("part", KeyType::N);
    cloud.create_global_table(&table).await.unwrap();
    cloud
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn part() -> AttributeValue {
    AttributeValue::N("0".to_owned())
}

async fn put(client: &Client, id: &str, value: &str) {
    let request = client
        .put_item()
        .table_name(TABLE)
        .item("id", s(id))
        .item("part", part());
    request.item("value", s(value)).send().await.unwrap();
}

async fn delete(client: &Client, id: &str) {
    let request = client
        .delete_item()
        .table_name(TABLE)
        .key("id", s(id))
        .key("part", part());
    request.send().await.unwrap();
}

async fn get(client: &Client, id: &str) -> Option<String> {
    let request = client
        .get_item()
        .table_name(TABLE)
        .key("id", s(id))
        .key("part", part());
    let item = request.send().await.unwrap().item?;
    Some(item["value"].as_s().unwrap().clone())
}

/// Every region shows this value.
async fn assert_everywhere(cloud: &Cloud, id: &str, value: Option<&str>) {
    for region in REGIONS {
        assert_eq!(
            get(&cloud.dynamodb(region), id).await.as_deref(),
            value,
            "{id} in {region}"
        );
    }
}

/// A configuration whose attempts are not repeated.
fn without_retries(cloud: &Cloud, region: &str) -> Builder {
    cloud
        .sdk_config(region)
        .into_builder()
        .retry_config(RetryConfig::disabled())
}

/// A configuration in which no time passes, whatever waits.
fn on_virtual_time(cloud: &Cloud, region: &str) -> (Builder, InstantSleep) {
    let (time, sleep) = instant_time_and_sleep(std::time::SystemTime::UNIX_EPOCH);
    let config = cloud.sdk_config(region).into_builder();
    let config = config
        .time_source(time)
        .sleep_impl(sleep.clone())
        // It would take the answer for stalled, since the socket takes real time.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    (config, sleep)
}
