//! The cloud: regions, their clients, keys and tables.

mod attempts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use aws_sdk_kms::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use dynoxide::Database;

use crate::testkit::clock::OrderedClock;
use crate::testkit::error::TestkitError;
use crate::testkit::kms::{Kms, key_arn};
use crate::testkit::region::RegionHandle;
use crate::testkit::replication::{Consistency, Replicated, Replication};
use crate::testkit::route::Routes;
use crate::testkit::server::Servers;
use crate::testkit::table::TableDefinition;
use crate::testkit::traffic::Service;
use crate::testkit::virtual_time::VirtualTime;

/// Several regions with DynamoDB and KMS each, in this process.
///
/// The servers stop when the cloud is dropped; clients that outlive it fail with an I/O error.
///
/// # Examples
///
/// ```
/// use dynaseal::testkit::Cloud;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cloud = Cloud::start(["us-east-1", "eu-west-1"]).await?;
/// let key = cloud.create_multi_region_key("us-east-1", ["eu-west-1"]).await?;
///
/// let replica = cloud.kms("eu-west-1").describe_key().key_id(key.arn("eu-west-1")).send().await?;
/// assert_eq!(replica.key_metadata().map(|metadata| metadata.key_id()), Some(key.id()));
/// # Ok(())
/// # }
/// ```
pub struct Cloud {
    databases: BTreeMap<String, Database>,
    pub(super) kms: Kms,
    pub(super) replication: Replication,
    pub(super) routes: Arc<Routes>,
    http_client: SharedHttpClient,
    /// Stops the listeners when it goes.
    _servers: Servers,
}

impl Cloud {
    /// Starts DynamoDB and KMS in each of these regions, without tables or keys.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if no region is named, or a database or loopback port cannot be had.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with I/O enabled, as all of Tokio's sockets do.
    pub async fn start(
        regions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, TestkitError> {
        let regions = names_of(regions)?;
        let databases = open_databases(&regions)?;
        Self::serve(databases, Consistency::Eventual).await
    }

    /// Starts DynamoDB and KMS in each of these regions; tables are global and strongly consistent.
    ///
    /// A write is there in every region at once, for every kind of read, so that there is nothing to
    /// [replicate](Self::replicate), and cutting off a region has no effect. As in AWS, transactions are refused
    /// with a `ValidationException`, and a single replica of a table cannot be
    /// [removed](RegionHandle::remove_table). Writes that conflict with one of another region are a
    /// [fault](crate::testkit::Fault::ReplicatedWriteConflict). Keys are per region as ever.
    ///
    /// AWS wants three regions, or two and a witness that serves nobody; this does not check it.
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub async fn start_strongly_consistent(
        regions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, TestkitError> {
        let regions = names_of(regions)?;
        let database = open_database(Arc::default())?;
        let databases = regions
            .into_iter()
            .map(|region| (region, database.clone()))
            .collect();
        Self::serve(databases, Consistency::Strong).await
    }

    async fn serve(
        databases: BTreeMap<String, Database>,
        consistency: Consistency,
    ) -> Result<Self, TestkitError> {
        let (servers, kms) = (Servers::new(), Kms::default());
        let mut routes = Routes::new(consistency);
        for (region, database) in &databases {
            let dynamodb = servers.serve_dynamodb(database.clone()).await?;
            routes
                .listeners
                .insert((region.clone(), Service::DynamoDb), dynamodb);
            let kms = servers.serve_kms(&kms, region).await?;
            routes.listeners.insert((region.clone(), Service::Kms), kms);
        }
        let routes = Arc::new(routes);
        let http_client = routes.http_client();
        Ok(Self {
            databases,
            kms,
            replication: Replication::new(consistency),
            routes,
            http_client,
            _servers: servers,
        })
    }

    /// The names of the regions, sorted.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(String::as_str)
    }

    /// An ordinary SDK configuration for a region, with everything that a client needs.
    ///
    /// It names no endpoint: its HTTP client routes by host, in all regions. So a configuration for one
    /// region also serves clients whose region was changed afterwards. Credentials carry no account id;
    /// with one, DynamoDB is reached through its account-based host.
    ///
    /// The region need not be one of the cloud; calls to another one fail and name the host.
    #[must_use]
    pub fn sdk_config(&self, region: impl Into<String>) -> SdkConfig {
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "testkit");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.into()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.http_client.clone())
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new())
            .build()
    }

    /// [`sdk_config`](Self::sdk_config) on virtual time: clients wait, time out and sign by this clock.
    ///
    /// Protection against stalled streams is off. It compares with real time how fast bytes arrive.
    #[must_use]
    pub fn sdk_config_at(&self, region: impl Into<String>, time: &VirtualTime) -> SdkConfig {
        self.sdk_config(region)
            .into_builder()
            .sleep_impl(time.clone())
            .time_source(time.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// A DynamoDB client for a region, made from [`sdk_config`](Self::sdk_config).
    #[must_use]
    pub fn dynamodb(&self, region: impl Into<String>) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk_config(region))
    }

    /// A client for the streams of a region's tables, made from [`sdk_config`](Self::sdk_config).
    ///
    /// Every table has a stream with old and new images.
    #[cfg(feature = "streams")]
    #[must_use]
    pub fn dynamodb_streams(&self, region: impl Into<String>) -> aws_sdk_dynamodbstreams::Client {
        aws_sdk_dynamodbstreams::Client::new(&self.sdk_config(region))
    }

    /// A KMS client for a region, made from [`sdk_config`](Self::sdk_config).
    #[must_use]
    pub fn kms(&self, region: impl Into<String>) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::new(&self.sdk_config(region))
    }

    /// Creates a symmetric multi-Region key with a replica in each of `replicas`.
    ///
    /// Nothing is counted and no fault strikes.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if a region is not one of the cloud or is named twice.
    pub async fn create_multi_region_key(
        &self,
        primary: impl Into<String>,
        replicas: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<MultiRegionKey, TestkitError> {
        let primary = primary.into();
        let replicas: Vec<String> = replicas.into_iter().map(Into::into).collect();
        for region in replicas.iter().chain([&primary]) {
            self.expect_region(region)?;
        }
        let id = self.kms.create_multi_region_key(&primary, &replicas)?;
        Ok(MultiRegionKey {
            id,
            primary,
            replicas,
        })
    }

    /// Creates a table with a replica in every region, with streams that show old and new images.
    ///
    /// Nothing is counted and no fault strikes.
    ///
    /// # Errors
    ///
    /// [`TestkitError`] if the definition is not valid or a region has a table of this name.
    pub async fn create_global_table(
        &self,
        definition: &TableDefinition,
    ) -> Result<(), TestkitError> {
        self.routes.descriptions.is_global(definition.name());
        self.replication.create_table(definition, &self.databases)
    }

    /// Replicates everything written so far, deletes included: the last writer of an item wins.
    ///
    /// Not calling it is replication lag. Regions that are [cut](RegionHandle::cut) take no part.
    pub async fn replicate(&self) -> Replicated {
        self.replication.run()
    }

    /// A region, to make it fail, cut it off, or set its keys' states.
    ///
    /// A region that is not one of the cloud has no effect on anything.
    #[must_use]
    pub fn region<'a>(&'a self, name: &'a str) -> RegionHandle<'a> {
        RegionHandle { cloud: self, name }
    }

    /// The database of a region.
    pub(super) fn database(&self, region: &str) -> Result<&Database, TestkitError> {
        let unknown = || TestkitError::new(format!("the cloud has no region `{region}`"));
        self.databases.get(region).ok_or_else(unknown)
    }

    pub(super) fn expect_region(&self, region: &str) -> Result<(), TestkitError> {
        self.database(region).map(drop)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.routes.close();
    }
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud")
            .field("regions", &self.databases.keys())
            .finish_non_exhaustive()
    }
}

fn names_of(
    regions: impl IntoIterator<Item = impl Into<String>>,
) -> Result<BTreeSet<String>, TestkitError> {
    let regions: BTreeSet<String> = regions.into_iter().map(Into::into).collect();
    if regions.is_empty() {
        return Err(TestkitError::new("a cloud needs at least one region"));
    }
    Ok(regions)
}

/// One empty database for each region, all on one clock.
fn open_databases(regions: &BTreeSet<String>) -> Result<BTreeMap<String, Database>, TestkitError> {
    let clock = Arc::new(OrderedClock::default());
    let open = |region: &String| Ok((region.clone(), open_database(Arc::clone(&clock))?));
    regions.iter().map(open).collect()
}

fn open_database(clock: Arc<OrderedClock>) -> Result<Database, TestkitError> {
    Database::memory_with_clock(clock)
        .map_err(|error| TestkitError::because("could not open a database", error))
}

/// A multi-Region key, from [`Cloud::create_multi_region_key`].
#[derive(Debug, Clone)]
pub struct MultiRegionKey {
    id: String,
    primary: String,
    replicas: Vec<String>,
}

impl MultiRegionKey {
    /// The key id, `mrk-…`, the same in every region.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key ARN in a region, whether or not the key has a replica there.
    #[must_use]
    pub fn arn(&self, region: &str) -> String {
        key_arn(region, &self.id)
    }

    /// The region of the primary key at the time of creation.
    #[must_use]
    pub fn primary_region(&self) -> &str {
        &self.primary
    }

    /// The regions of the replica keys at the time of creation.
    pub fn replica_regions(&self) -> impl Iterator<Item = &str> {
        self.replicas.iter().map(String::as_str)
    }
}
