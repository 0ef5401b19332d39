//! Two regions, a multi-Region key in both, a global table: what an application stands on.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use aws_types::sdk_config::RetryConfig;
use dynaseal::item::Model;
use dynaseal::observe::Observer;
use dynaseal::testkit::{Cloud, KeyType, MultiRegionKey, Service, TableDefinition};
use dynaseal::{Item, KmsMrkKeyring, RegionSet, SealedTable};

pub(crate) const US: &str = "us-east-1";
pub(crate) const EU: &str = "eu-west-1";

pub(crate) struct Stack {
    pub(crate) cloud: Cloud,
    pub(crate) key: MultiRegionKey,
    table_name: String,
    observer: Option<Arc<dyn Observer>>,
}

impl Stack {
    pub(crate) async fn start(definition: &TableDefinition) -> Self {
        let cloud = Cloud::start([US, EU]).await.unwrap();
        let key = cloud.create_multi_region_key(US, [EU]).await.unwrap();
        cloud.create_global_table(definition).await.unwrap();
        Self {
            cloud,
            key,
            table_name: definition.name().to_owned(),
            observer: None,
        }
    }

    /// Tells this observer of everything that happens in region sets that are made from here on.
    pub(crate) fn watched_by(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    pub(crate) fn table_name(&self) -> &str {
        &self.table_name
    }

    /// Without retries, so that no test waits for one. An attempt has longer than any wait between two,
    /// so that tests whose waits are over at once can tell them apart.
    pub(crate) fn config(&self, region: &str) -> SdkConfig {
        let config = self.cloud.sdk_config(region).into_builder();
        let attempt = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(20));
        config
            .retry_config(RetryConfig::disabled())
            .timeout_config(attempt.build())
            .build()
    }

    pub(crate) fn regions(&self, local: &str) -> RegionSet {
        let builder = RegionSet::builder(&self.config(local)).local(local);
        let builder = match self.observer() {
            Some(observer) => builder.observer(observer),
            None => builder,
        };
        builder.build().unwrap()
    }

    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        self.observer.clone()
    }

    pub(crate) fn keyring(&self, local: &str) -> KmsMrkKeyring {
        KmsMrkKeyring::new(self.key.arn(US), &self.regions(local)).unwrap()
    }

    pub(crate) fn table<T: Model>(&self, local: &str) -> SealedTable<T> {
        let builder =
            SealedTable::builder(&self.table_name, self.keyring(local), &self.regions(local));
        builder.build().unwrap()
    }

    /// The item as an administrator of the table sees it.
    pub(crate) async fn stored(&self, region: &str, key: &Item) -> Option<Item> {
        let get = self.cloud.dynamodb(region).get_item();
        let get = get.table_name(&self.table_name).set_key(Some(key.clone()));
        get.send().await.unwrap().item
    }

    /// Writes past sealing, as an administrator of the table can.
    pub(crate) async fn store(&self, region: &str, item: &Item) {
        let put = self.cloud.dynamodb(region).put_item();
        let put = put
            .table_name(&self.table_name)
            .set_item(Some(item.clone()));
        put.send().await.unwrap();
    }

    pub(crate) fn decrypts(&self, region: &str) -> usize {
        self.cloud.calls_of(region, Service::Kms, "Decrypt")
    }

    pub(crate) async fn disable_key(&self, region: &str, key: &MultiRegionKey) {
        let kms = self.cloud.kms(region);
        kms.disable_key()
            .key_id(key.arn(region))
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn put_key_policy(&self, region: &str, statements: &str) {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let kms = self.cloud.kms(region);
        let put = kms.put_key_policy().key_id(self.key.arn(region));
        put.policy(policy).send().await.unwrap();
    }
}

/// How often DynamoDB was asked for this in `US`.
pub(crate) fn calls(stack: &Stack, operation: &str) -> usize {
    stack.cloud.calls_of(US, Service::DynamoDb, operation)
}

/// The table of a key store, as DB-ESDK lays it out.
pub(crate) fn key_store_table(name: &str) -> TableDefinition {
    let table = TableDefinition::new(name).partition_key("branch-key-id", KeyType::S);
    table.sort_key("type", KeyType::S)
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn n(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

/// An item of these attributes.
pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
