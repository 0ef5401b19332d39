//! What lies in the tables, past every client.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynoxide::AttributeValue as Stored;
use dynoxide::actions::scan::ScanRequest;

use crate::testkit::cloud::Cloud;
use crate::testkit::error::TestkitError;

/// The SDK's item.
#[expect(clippy::disallowed_types, reason = "the SDK fixes this type")]
type Item = std::collections::HashMap<String, AttributeValue>;

impl Cloud {
    /// Every item that a table holds in a region now, as an administrator of its storage sees it.
    ///
    /// Nothing is sent: no fault strikes, and nothing is counted.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if the region is not one of the cloud, or has no such table.
    ///
    /// # Examples
    ///
    /// ```
    /// use aws_sdk_dynamodb::types::AttributeValue;
    /// use dynaseal::testkit::{Cloud, Fault, KeyType, Service, TableDefinition};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cloud = Cloud::start(["eu-west-1"]).await?;
    /// cloud.create_global_table(&TableDefinition::new("notes").partition_key("id", KeyType::S)).await?;
    ///
    /// cloud.region("eu-west-1").fail(Service::DynamoDb, Fault::LostResponse.times(3));
    /// let put = cloud.dynamodb("eu-west-1").put_item().table_name("notes");
    /// put.item("id", AttributeValue::S("n-1".into())).send().await.unwrap_err();
    /// assert_eq!(cloud.stored("eu-west-1", "notes")?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stored(&self, region: &str, table: &str) -> Result<Vec<Item>, TestkitError> {
        let database = self.database(region)?;
        let mut stored = Vec::new();
        let mut next = None;
        loop {
            let scan = ScanRequest {
                table_name: table.to_owned(),
                exclusive_start_key: next,
                ..ScanRequest::default()
            };
            let page = database
                .scan(scan)
                .map_err(|error| TestkitError::because("could not read a table", error))?;
            stored.extend(page.items.into_iter().flatten().map(item));
            next = page.last_evaluated_key;
            if next.is_none() {
                return Ok(stored);
            }
        }
    }
}

fn item(stored: dynoxide::Item) -> Item {
    let attributes = stored.into_iter();
    attributes
        .map(|(name, stored)| (name, value(stored)))
        .collect()
}

fn value(stored: Stored) -> AttributeValue {
    match stored {
        Stored::S(text) => AttributeValue::S(text),
        Stored::N(number) => AttributeValue::N(number),
        Stored::B(bytes) => AttributeValue::B(Blob::new(bytes)),
        Stored::BOOL(flag) => AttributeValue::Bool(flag),
        Stored::NULL(null) => AttributeValue::Null(null),
        Stored::SS(set) => AttributeValue::Ss(set),
        Stored::NS(set) => AttributeValue::Ns(set),
        Stored::BS(set) => AttributeValue::Bs(set.into_iter().map(Blob::new).collect()),
        Stored::L(list) => AttributeValue::L(list.into_iter().map(value).collect()),
        Stored::M(map) => AttributeValue::M(item(map)),
    }
}
