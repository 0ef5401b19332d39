//! DynamoDB and KMS in several regions, in this process.
//!
//! A [`Cloud`] serves both over loopback, one listener for each service and region, and hands out
//! an ordinary [`SdkConfig`](aws_types::SdkConfig). Its HTTP client routes by host, so code under test
//! needs no `endpoint_url` and cannot reach the network: a host that no region answers for is an error.
//!
//! * **Keys** are multi-Region keys of a KMS double with real AES-256-GCM and the encryption context as
//!   additional authenticated data.
//! * **Replication** of global tables happens when the test says so ([`Cloud::replicate`]); until then
//!   the regions lag. The last writer wins, and a region can be cut off and healed. In a
//!   [strongly consistent cloud](Cloud::start_strongly_consistent) there is no lag, and nothing to replicate.
//! * **Replicas** of keys and tables can go missing in one region ([`RegionHandle::remove_replica`],
//!   [`RegionHandle::remove_table`]), and those of keys come back.
//! * **Faults** strike by region, service and operation, and every attempt is counted and
//!   [recorded](Cloud::attempts).
//! * **Time** can be [virtual](VirtualTime): it passes while everybody waits, so that no test does.
//!
//! ```
//! use aws_sdk_dynamodb::types::AttributeValue;
//! use dynaseal::testkit::{Cloud, Fault, KeyType, Service, TableDefinition};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cloud = Cloud::start(["us-east-1", "eu-west-1"]).await?;
//! let customers = TableDefinition::new("customers").partition_key("customerId", KeyType::S);
//! cloud.create_global_table(&customers).await?;
//!
//! let id = AttributeValue::S("c#1".into());
//! cloud
//!     .dynamodb("us-east-1")
//!     .put_item()
//!     .table_name("customers")
//!     .item("customerId", id.clone())
//!     .send()
//!     .await?;
//!
//! let read = || {
//!     let eu = cloud.dynamodb("eu-west-1");
//!     eu.get_item().table_name("customers").key("customerId", id.clone()).send()
//! };
//! assert!(read().await?.item().is_none()); // not replicated yet
//! cloud.replicate().await;
//! assert!(read().await?.item().is_some());
//!
//! cloud.region("eu-west-1").fail(Service::DynamoDb, Fault::Status(400, "ResourceNotFoundException"));
//! assert!(read().await.is_err());
//! assert_eq!(cloud.calls("eu-west-1", Service::DynamoDb), 3);
//! # Ok(())
//! # }
//! ```
//!
//! The kit needs a Tokio runtime with I/O and time enabled and starts none; a current-thread runtime is
//! enough. A paused Tokio clock does not go with it, since that clock jumps while a socket waits; [`VirtualTime`]
//! does not.

mod answer;
mod attempt;
mod batch;
mod clock;
mod cloud;
mod description;
mod error;
mod fault;
mod kms;
mod region;
mod replication;
mod route;
mod server;
mod stored;
mod table;
mod traffic;
mod virtual_time;
mod wire;

pub use attempt::AttemptRecord;
pub use cloud::{Cloud, MultiRegionKey};
pub use error::TestkitError;
pub use fault::{Fault, FaultRule};
pub use kms::ACCOUNT_ID;
pub use region::RegionHandle;
pub use replication::Replicated;
pub use table::{KeyType, SecondaryIndex, TableDefinition};
pub use traffic::Service;
pub use virtual_time::VirtualTime;
