//! One region: its clients, and how well its services are.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::backoff::max_attempts;
use super::health::Health;
use super::key_state::KeyStates;
use super::policy::HealthPolicy;
use crate::cache::Clock;
use crate::error::ConfigError;
use crate::observe::{Observers, Service};

/// The clients of a region, as the caller made them.
#[derive(Clone)]
pub(super) struct Clients {
    pub(super) region: String,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) kms: aws_sdk_kms::Client,
}

impl Clients {
    /// `config` must have been checked: the SDK panics on what is missing in it.
    pub(super) fn from_config(config: &SdkConfig, region: String) -> Self {
        let config = config.to_builder().region(Region::new(region.clone()));
        let config = config.build();
        Self {
            region,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            kms: aws_sdk_kms::Client::new(&config),
        }
    }

    pub(super) fn check_regions(&self) -> Result<(), ConfigError> {
        let dynamodb = self.dynamodb.config().region();
        let kms = self.kms.config().region();
        for (service, region) in [("DynamoDB", dynamodb), ("KMS", kms)] {
            let region = region.map_or("no region", AsRef::as_ref);
            if region != self.region {
                let name = &self.region;
                return Err(ConfigError::new(format!(
                    "the {service} client given for {name} is configured for {region}"
                )));
            }
        }
        Ok(())
    }
}

/// A region of a set.
///
/// Requests of ours go through clients that send once and give up in time: what fails is sent again by
/// us alone, so that our attempts and the SDK's do not multiply.
pub(crate) struct Member {
    clients: Clients,
    dynamodb_once: aws_sdk_dynamodb::Client,
    kms_once: aws_sdk_kms::Client,
    dynamodb_health: Health,
    kms_health: Arc<Health>,
    key_states: KeyStates,
}

impl Member {
    pub(super) fn new(clients: Clients, policy: &HealthPolicy, observers: &Observers) -> Self {
        let Clients {
            region,
            dynamodb,
            kms,
        } = &clients;
        let clock = time_source(dynamodb);
        let health =
            |service| Health::new(service, region, clock.clone(), policy, observers.clone());
        Self {
            dynamodb_once: dynamodb_once(dynamodb, policy.attempt_timeout),
            kms_once: kms_once(kms, policy.attempt_timeout),
            dynamodb_health: health(Service::DynamoDb),
            kms_health: Arc::new(health(Service::Kms)),
            key_states: KeyStates::new(Clock::new(clock.clone()), observers.clone()),
            clients,
        }
    }

    pub(crate) fn region(&self) -> &str {
        &self.clients.region
    }

    /// The caller's own client.
    pub(crate) fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.clients.dynamodb
    }

    /// The caller's own client.
    pub(crate) fn kms(&self) -> &aws_sdk_kms::Client {
        &self.clients.kms
    }

    /// Sends once, and gives up in time.
    pub(crate) fn dynamodb_once(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb_once
    }

    /// Sends once, and gives up in time.
    pub(crate) fn kms_once(&self) -> &aws_sdk_kms::Client {
        &self.kms_once
    }

    pub(crate) fn dynamodb_health(&self) -> &Health {
        &self.dynamodb_health
    }

    pub(crate) fn kms_health(&self) -> &Arc<Health> {
        &self.kms_health
    }

    /// What `DescribeKey` said of keys lately.
    pub(crate) fn key_states(&self) -> &KeyStates {
        &self.key_states
    }

    /// The clients' clock, and a monotonic one beside it.
    pub(crate) fn clock(&self) -> Clock {
        Clock::new(time_source(&self.clients.dynamodb))
    }

    /// How often one request to DynamoDB is sent at most.
    pub(crate) fn dynamodb_max_attempts(&self) -> u32 {
        max_attempts(self.clients.dynamodb.config().retry_config())
    }

    /// How often one request to KMS is sent at most.
    pub(crate) fn kms_max_attempts(&self) -> u32 {
        max_attempts(self.clients.kms.config().retry_config())
    }

    /// How long an operation may take, with all its attempts, if the caller's configuration says so.
    pub(crate) fn operation_timeout(&self) -> Option<Duration> {
        self.clients
            .dynamodb
            .config()
            .timeout_config()?
            .operation_timeout()
    }

    /// Waits.
    pub(crate) async fn wait(&self, duration: Duration) {
        // A region set is not built without one.
        if let Some(sleep) = self.sleep() {
            sleep.sleep(duration).await;
        }
    }

    /// The time, by the time source of the caller's configuration.
    pub(crate) fn now(&self) -> SystemTime {
        time_source(&self.clients.dynamodb).now()
    }

    /// What waits between attempts.
    pub(crate) fn sleep(&self) -> Option<SharedAsyncSleep> {
        self.clients.dynamodb.config().sleep_impl()
    }
}

fn time_source(client: &aws_sdk_dynamodb::Client) -> SharedTimeSource {
    let clock = client.config().time_source();
    clock.unwrap_or_else(|| SharedTimeSource::new(SystemTimeSource::new()))
}

/// The caller's time-out of an attempt, or ours.
fn timeouts(configured: Option<&TimeoutConfig>, attempt: Duration) -> TimeoutConfig {
    let configured = configured.cloned();
    let configured = configured.unwrap_or_else(|| TimeoutConfig::builder().build());
    if configured.operation_attempt_timeout().is_some() {
        return configured;
    }
    let builder = configured.into_builder();
    builder.operation_attempt_timeout(attempt).build()
}

fn dynamodb_once(client: &aws_sdk_dynamodb::Client, attempt: Duration) -> aws_sdk_dynamodb::Client {
    let timeouts = timeouts(client.config().timeout_config(), attempt);
    let config = client.config().to_builder().timeout_config(timeouts);
    let config = config.retry_config(RetryConfig::disabled());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn kms_once(client: &aws_sdk_kms::Client, attempt: Duration) -> aws_sdk_kms::Client {
    let timeouts = timeouts(client.config().timeout_config(), attempt);
    let config = client.config().to_builder().timeout_config(timeouts);
    let config = config.retry_config(RetryConfig::disabled());
    aws_sdk_kms::Client::from_conf(config.build())
}
