//! The region set: one DynamoDB and one KMS client per region, the local region first.

mod builder;

use std::fmt;
use std::sync::Arc;

use aws_types::SdkConfig;

pub use self::builder::{ClientSetBuilder, RegionSetBuilder};
use super::member::Member;
use crate::cache::Clock;
use crate::observe::Observers;

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
    observers: Observers,
}

impl RegionSet {
    /// Starts a set whose clients are made from `config`, with the region overridden.
    ///
    /// Credentials, retries, timeouts and the HTTP client pass through.
    #[must_use]
    pub fn builder(config: &SdkConfig) -> RegionSetBuilder {
        RegionSetBuilder::new(config)
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
        ClientSetBuilder::new(local.into(), dynamodb, kms)
    }

    /// The region that requests go to first.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.local.region()
    }

    /// All regions: the local one, then the fallbacks in order.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.members().map(Member::region)
    }

    /// The DynamoDB client of a region of this set.
    #[must_use]
    pub fn dynamodb(&self, region: &str) -> Option<&aws_sdk_dynamodb::Client> {
        self.member(region).map(Member::dynamodb)
    }

    /// The KMS client of a region of this set.
    #[must_use]
    pub fn kms(&self, region: &str) -> Option<&aws_sdk_kms::Client> {
        self.member(region).map(Member::kms)
    }

    /// Whether both are clones of one set, and so have the same clients.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// All regions, the local one first.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.0.local).chain(&self.0.fallbacks)
    }

    pub(crate) fn member(&self, region: &str) -> Option<&Member> {
        self.members().find(|member| member.region() == region)
    }

    pub(crate) fn local_member(&self) -> &Member {
        &self.0.local
    }

    /// The local region's clock, and a monotonic one beside it: what caches go by.
    pub(crate) fn clock(&self) -> Clock {
        self.0.local.clock()
    }

    /// Who is told what happens.
    pub(crate) fn observers(&self) -> &Observers {
        &self.0.observers
    }
}

impl fmt::Debug for RegionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.regions()).finish()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::config::BehaviorVersion;
    use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
    use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource, SystemTimeSource};
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
    fn reads_the_clock_of_its_clients() {
        let config = config().time_source(StaticTimeSource::from_secs(1000));
        let clock = build(config, "eu-west-1", &[]).unwrap().clock();
        let wall = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        assert!(format!("{:?}", clock.now()).contains(&format!("{wall:?}")));
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
