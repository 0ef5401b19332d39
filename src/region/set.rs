//! The region set: one DynamoDB and one KMS client per region, the local region first.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::check::{check_components, check_endpoints, check_names};
use crate::error::ConfigError;

/// The regions that a process talks to: the local one, then fallbacks in order.
///
/// It owns a DynamoDB and a KMS client for each. Clones share them.
///
/// ```no_run
/// # async fn run() -> Result<(), dynaseal::ConfigError> {
/// use dynaseal::RegionSet;
///
/// let config = aws_config::load_from_env().await;
/// let regions = RegionSet::builder(&config).local("eu-west-1").fallback("us-east-1").build()?;
/// assert_eq!(regions.local(), "eu-west-1");
/// assert!(regions.kms("ap-south-1").is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RegionSet(Arc<Inner>);

struct Inner {
    local: Member,
    fallbacks: Vec<Member>,
}

struct Member {
    name: String,
    dynamodb: aws_sdk_dynamodb::Client,
    /// The same, but what fails is not sent again: a conditional write must see each failure.
    dynamodb_once: aws_sdk_dynamodb::Client,
    kms: aws_sdk_kms::Client,
}

impl RegionSet {
    /// Starts a set whose clients are made from `config`, with the region overridden.
    ///
    /// Credentials, retries, timeouts and the HTTP client pass through.
    #[must_use]
    pub fn builder(config: &SdkConfig) -> RegionSetBuilder {
        RegionSetBuilder {
            config: config.clone(),
            local: None,
            fallbacks: Vec::new(),
        }
    }

    /// Starts a set of clients that exist already, with the local region's.
    ///
    /// The way to give each region and service an endpoint of its own.
    ///
    /// ```no_run
    /// # fn run(dynamodb: aws_sdk_dynamodb::Client, kms: aws_sdk_kms::Client) -> Result<(), dynaseal::ConfigError> {
    /// use dynaseal::RegionSet;
    ///
    /// let regions = RegionSet::from_clients("eu-west-1", dynamodb, kms).build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_clients(
        local: impl Into<String>,
        dynamodb: aws_sdk_dynamodb::Client,
        kms: aws_sdk_kms::Client,
    ) -> ClientSetBuilder {
        ClientSetBuilder {
            local: Member::new(local, dynamodb, kms),
            fallbacks: Vec::new(),
        }
    }

    /// The region that requests go to first.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.0.local.name
    }

    /// All regions: the local one, then the fallbacks in order.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.0.members().map(|member| member.name.as_str())
    }

    /// The DynamoDB client of a region of this set.
    #[must_use]
    pub fn dynamodb(&self, region: &str) -> Option<&aws_sdk_dynamodb::Client> {
        self.0.find(region).map(|member| &member.dynamodb)
    }

    /// The KMS client of a region of this set.
    #[must_use]
    pub fn kms(&self, region: &str) -> Option<&aws_sdk_kms::Client> {
        self.0.find(region).map(|member| &member.kms)
    }

    /// Whether both are clones of one set, and so have the same clients.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The DynamoDB client of the local region.
    pub(crate) fn local_dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.0.local.dynamodb
    }

    /// The DynamoDB client of the local region, with the SDK's retries off.
    pub(crate) fn local_dynamodb_once(&self) -> &aws_sdk_dynamodb::Client {
        &self.0.local.dynamodb_once
    }

    /// The KMS client of the local region.
    pub(crate) fn local_kms(&self) -> &aws_sdk_kms::Client {
        &self.0.local.kms
    }
}

impl fmt::Debug for RegionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.regions()).finish()
    }
}

impl Inner {
    fn new(local: Member, fallbacks: Vec<Member>) -> Result<Self, ConfigError> {
        let inner = Self { local, fallbacks };
        let names: Vec<&str> = inner.members().map(|member| &*member.name).collect();
        check_names(&names)?;
        Ok(inner)
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.local).chain(&self.fallbacks)
    }

    fn find(&self, region: &str) -> Option<&Member> {
        self.members().find(|member| member.name == region)
    }
}

impl Member {
    fn new(
        name: impl Into<String>,
        dynamodb: aws_sdk_dynamodb::Client,
        kms: aws_sdk_kms::Client,
    ) -> Self {
        let name = name.into();
        let once = dynamodb.config().to_builder();
        let once = once.retry_config(RetryConfig::disabled()).build();
        Self {
            name,
            dynamodb_once: aws_sdk_dynamodb::Client::from_conf(once),
            dynamodb,
            kms,
        }
    }

    /// `config` must have been checked: the SDK panics on what is missing in it.
    fn from_config(config: &SdkConfig, name: String) -> Self {
        let region = Region::new(name.clone());
        let config = config.to_builder().region(region).build();
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let kms = aws_sdk_kms::Client::new(&config);
        Self::new(name, dynamodb, kms)
    }

    fn check_regions(&self) -> Result<(), ConfigError> {
        let dynamodb = self.dynamodb.config().region();
        let kms = self.kms.config().region();
        for (service, region) in [("DynamoDB", dynamodb), ("KMS", kms)] {
            let region = region.map_or("no region", AsRef::as_ref);
            if region != self.name {
                let name = &self.name;
                return Err(ConfigError::new(format!(
                    "the {service} client given for {name} is configured for {region}"
                )));
            }
        }
        Ok(())
    }
}

/// Builds a [`RegionSet`] from an [`SdkConfig`].
#[derive(Clone)]
pub struct RegionSetBuilder {
    config: SdkConfig,
    local: Option<String>,
    fallbacks: Vec<String>,
}

impl RegionSetBuilder {
    /// The region this process runs in, or is closest to. Required.
    #[must_use]
    pub fn local(mut self, region: impl Into<String>) -> Self {
        self.local = Some(region.into());
        self
    }

    /// Adds a region after those already given.
    ///
    /// Nothing falls over to it by itself: tables and multi-Region keyrings ask the local region
    /// alone. Its clients are for a keyring whose key lives there, and for the program.
    #[must_use]
    pub fn fallback(mut self, region: impl Into<String>) -> Self {
        self.fallbacks.push(region.into());
        self
    }

    /// Makes the clients.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without a local region; for a region that is malformed, given twice or in
    /// another partition; for an endpoint URL that would serve several regions; and for a
    /// configuration without behavior version, sleep implementation or time source, without which
    /// the SDK's clients panic.
    pub fn build(self) -> Result<RegionSet, ConfigError> {
        let local = self.local.ok_or_else(|| {
            ConfigError::new("a region set needs a local region: call `.local(\"…\")`")
        })?;
        let mut names = vec![local.as_str()];
        names.extend(self.fallbacks.iter().map(String::as_str));
        check_names(&names)?;
        check_components(&self.config)?;
        if !self.fallbacks.is_empty() {
            check_endpoints(&self.config)?;
        }
        let fallbacks = self.fallbacks.into_iter();
        let fallbacks = fallbacks.map(|name| Member::from_config(&self.config, name));
        let fallbacks = fallbacks.collect();
        let local = Member::from_config(&self.config, local);
        Ok(RegionSet(Arc::new(Inner::new(local, fallbacks)?)))
    }
}

impl fmt::Debug for RegionSetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionSetBuilder")
            .field("local", &self.local)
            .field("fallbacks", &self.fallbacks)
            .finish_non_exhaustive()
    }
}

/// Builds a [`RegionSet`] from clients that exist already.
pub struct ClientSetBuilder {
    local: Member,
    fallbacks: Vec<Member>,
}

impl ClientSetBuilder {
    /// Adds a region and its clients after those already given. Nothing falls over to it by itself.
    #[must_use]
    pub fn fallback(
        mut self,
        region: impl Into<String>,
        dynamodb: aws_sdk_dynamodb::Client,
        kms: aws_sdk_kms::Client,
    ) -> Self {
        self.fallbacks.push(Member::new(region, dynamodb, kms));
        self
    }

    /// Checks that every client belongs to its region.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a client that is configured for another region than it was given for, and
    /// for a region that is malformed, given twice or in another partition.
    pub fn build(self) -> Result<RegionSet, ConfigError> {
        for member in std::iter::once(&self.local).chain(&self.fallbacks) {
            member.check_regions()?;
        }
        let inner = Inner::new(self.local, self.fallbacks)?;
        Ok(RegionSet(Arc::new(inner)))
    }
}

impl fmt::Debug for ClientSetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fallbacks = self.fallbacks.iter().map(|member| &member.name);
        f.debug_struct("ClientSetBuilder")
            .field("local", &self.local.name)
            .field("fallbacks", &fallbacks.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::config::BehaviorVersion;
    use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
    use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
    use aws_types::sdk_config::Builder;
    use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

    use super::*;

    fn config() -> Builder {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
    }

    fn build(config: Builder, local: &str, fallbacks: &[&str]) -> Result<RegionSet, String> {
        let builder = RegionSet::builder(&config.build()).local(local);
        let builder = fallbacks.iter().fold(builder, |b, name| b.fallback(*name));
        builder.build().map_err(|error| error.to_string())
    }

    #[test]
    fn hands_out_clients_of_its_regions_only_local_first() {
        let regions = build(config(), "eu-west-1", &["us-east-1", "ap-south-1"]).unwrap();
        assert_eq!(regions.local(), "eu-west-1");
        let names: Vec<_> = regions.regions().collect();
        assert_eq!(names, ["eu-west-1", "us-east-1", "ap-south-1"]);
        for name in names {
            let kms = regions.kms(name).unwrap().config().region().unwrap();
            let dynamodb = regions.dynamodb(name).unwrap().config().region().unwrap();
            assert_eq!([kms.as_ref(), dynamodb.as_ref()], [name, name]);
        }
        assert!(regions.kms("eu-west-2").is_none());
        assert!(regions.dynamodb("eu-west-2").is_none());
        assert_eq!(
            format!("{regions:?}"),
            r#"["eu-west-1", "us-east-1", "ap-south-1"]"#
        );
    }

    #[test]
    fn refuses_to_build_without_a_local_region() {
        let error = RegionSet::builder(&config().build()).build().unwrap_err();
        assert!(error.to_string().contains("local region"));
    }

    #[test]
    fn refuses_names_that_are_malformed_repeated_or_of_another_partition() {
        for name in [
            "",
            "EU-WEST-1",
            "eu-west-1.example.com",
            "eu west",
            "-eu",
            "eu-",
            "é",
        ] {
            assert!(build(config(), name, &[]).is_err(), "{name}");
        }
        let error = build(config(), "eu-west-1", &["us-east-1", "eu-west-1"]).unwrap_err();
        assert_eq!(error, "region eu-west-1 is given twice");
        for other in ["cn-north-1", "us-gov-west-1"] {
            let error = build(config(), "eu-west-1", &[other]).unwrap_err();
            assert!(error.contains("partitions"), "{error}");
        }
    }

    /// The SDK's clients panic on the first two, and fail late on the third.
    #[test]
    fn refuses_a_config_that_the_sdk_would_panic_on() {
        let without = |remove: fn(&mut Builder)| {
            let mut config = config();
            remove(&mut config);
            build(config, "eu-west-1", &[]).unwrap_err()
        };
        let error = without(|config| _ = config.set_behavior_version(None));
        assert!(error.contains("behavior_version"), "{error}");
        let error = without(|config| _ = config.set_sleep_impl(None));
        assert!(error.contains("sleep_impl"), "{error}");
        let error = without(|config| _ = config.set_time_source(None));
        assert!(error.contains("time_source"), "{error}");
    }

    #[derive(Debug)]
    struct Environment(&'static str);

    impl LoadServiceConfig for Environment {
        fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
            let found = key.service_id() == self.0 && key.env() == "AWS_ENDPOINT_URL";
            found.then(|| "http://localhost".into())
        }
    }

    #[test]
    fn refuses_one_endpoint_for_several_regions_wherever_it_is_set() {
        let refused = |config: fn() -> Builder| {
            assert!(build(config(), "eu-west-1", &[]).is_ok(), "one region may");
            build(config(), "eu-west-1", &["us-east-1"]).unwrap_err()
        };
        let error = refused(|| config().endpoint_url("http://localhost"));
        assert!(error.contains("`endpoint_url`"), "{error}");
        let error = refused(|| config().service_config(Environment("KMS")));
        assert!(error.contains("`AWS_ENDPOINT_URL_KMS`"), "{error}");
        let error = refused(|| config().service_config(Environment("DynamoDB")));
        assert!(error.contains("`AWS_ENDPOINT_URL_DYNAMODB`"), "{error}");
        let other = config().service_config(Environment("S3"));
        assert!(build(other, "eu-west-1", &["us-east-1"]).is_ok());
    }

    #[test]
    fn takes_ready_clients_of_the_region_they_are_given_for() {
        let regions = build(config(), "eu-west-1", &["us-east-1"]).unwrap();
        let clients = |name: &str| {
            let dynamodb = regions.dynamodb(name).unwrap().clone();
            (dynamodb, regions.kms(name).unwrap().clone())
        };
        let (eu, us) = (clients("eu-west-1"), clients("us-east-1"));
        let ready = RegionSet::from_clients("eu-west-1", eu.0.clone(), eu.1.clone());
        let both = ready.fallback("us-east-1", us.0.clone(), us.1.clone());
        assert_eq!(
            format!("{:?}", both.build().unwrap()),
            format!("{regions:?}")
        );

        let crossed = RegionSet::from_clients("eu-west-1", eu.0.clone(), us.1).build();
        let error = crossed.unwrap_err().to_string();
        assert!(error.contains("KMS client given for eu-west-1"), "{error}");
        let twice = RegionSet::from_clients("eu-west-1", eu.0.clone(), eu.1.clone());
        assert!(twice.fallback("eu-west-1", eu.0, eu.1).build().is_err());
    }

    #[test]
    fn shows_neither_clients_nor_credentials() {
        let builder = RegionSet::builder(&config().build()).local("eu-west-1");
        assert_eq!(
            format!("{builder:?}"),
            r#"RegionSetBuilder { local: Some("eu-west-1"), fallbacks: [], .. }"#
        );
    }
}
