//! A process: a region set, a keyring with a policy, two tables.

use std::sync::Arc;
use std::time::Duration;

use aws_types::SdkConfig;
use aws_types::sdk_config::RetryConfig;
use dynaseal::keyring::Keyring;
use dynaseal::region::{BreakerPolicy, HealthPolicy, KmsFallback, RetryBudget};
use dynaseal::table::{Hedge, ReadPolicy};
use dynaseal::testkit::{Cloud, MultiRegionKey};
use dynaseal::{RegionSet, SealedTable};

use super::clock::{Clock, exactly};
use super::custody::Custody;
use super::keyrings::KeyringChoice;
use super::schedule::{self, KmsPolicy};
use super::subject::{Account, Note, Subject};
use super::watch::{Call, Fallback, Watch};

pub(super) const ATTEMPT_TIMEOUT: Duration = exactly(3000);

/// Retries that come back by themselves each second, and with each success.
pub(super) const RETRIES_PER_SECOND: f64 = 0.2;
pub(super) const RETRIES_PER_SUCCESS: f64 = 0.1;

pub(super) struct Process {
    pub(super) is: schedule::Process,
    pub(super) watch: Watch,
    /// Of whoever asks KMS.
    pub(super) keys: Watch,
    pub(super) custody: Custody,
    /// When it began, in virtual time.
    pub(super) since: Duration,
    pub(super) notes: SealedTable<Note>,
    pub(super) accounts: SealedTable<Account>,
}

impl Process {
    pub(super) fn start(
        is: &schedule::Process,
        choice: &KeyringChoice,
        cloud: &Cloud,
        key: &MultiRegionKey,
        clock: &Clock,
        since: Duration,
    ) -> Self {
        let config = config(is, cloud, clock);
        let watch = Watch::new(clock.time());
        let set = regions(is, &config, &watch);
        // A key store has a region set of its own, so that its requests are told apart from those of tables.
        let (keys, set_of_keys) = if choice.has_key_store() {
            let keys = Watch::of_keys(clock.time());
            let set_of_keys = regions(is, &config, &keys);
            (keys, set_of_keys)
        } else {
            (watch.clone(), set.clone())
        };
        let keyring = choice.build(&key.arn(is.region), &set_of_keys, fallback(is));
        let keyring = keyring.unwrap();
        Self {
            notes: table(is, &keyring, &set),
            accounts: table(is, &keyring, &set),
            is: is.clone(),
            watch,
            keys,
            custody: Custody::since(since),
            since,
        }
    }

    /// What it was told of since the last time, of tables and of keys.
    pub(super) fn take(&self) -> (Vec<Call>, Vec<Fallback>, usize) {
        let (mut calls, mut fallbacks, hedges) = self.watch.take();
        let (more, others, _) = self.keys.take();
        calls.extend(more);
        fallbacks.extend(others);
        (calls, fallbacks, hedges)
    }
}

fn table<T: Subject>(
    is: &schedule::Process,
    keyring: &Arc<dyn Keyring>,
    regions: &RegionSet,
) -> SealedTable<T> {
    let reads = if is.reads_elsewhere {
        ReadPolicy::LocalThenFallback
    } else {
        ReadPolicy::Local
    };
    let table = SealedTable::builder(T::WHICH.table(), Arc::clone(keyring), regions);
    let mut table = table.read_policy(reads).home_region(is.home);
    if is.hedges {
        table = table.hedge(Hedge::after_percentile(0.9).at_most(exactly(1000)));
    }
    table.deadline(is.deadline).build().unwrap()
}

fn config(is: &schedule::Process, cloud: &Cloud, clock: &Clock) -> SdkConfig {
    let retries = RetryConfig::standard().with_max_attempts(is.max_attempts);
    let config = cloud.sdk_config(is.region).into_builder();
    config
        .retry_config(retries)
        .sleep_impl(clock.clone())
        .time_source(clock.clone())
        .stalled_stream_protection(aws_sdk_kms::config::StalledStreamProtectionConfig::disabled())
        .build()
}

fn regions(is: &schedule::Process, config: &SdkConfig, watch: &Watch) -> RegionSet {
    let breaker = BreakerPolicy::new()
        .failures(is.breaker_failures)
        .jitter(0.0);
    let health = HealthPolicy::new()
        .attempt_timeout(ATTEMPT_TIMEOUT)
        .breaker(breaker)
        .retry_budget(
            RetryBudget::new()
                .capacity(is.retry_capacity)
                .per_second(RETRIES_PER_SECOND)
                .per_success(RETRIES_PER_SUCCESS),
        );
    let builder = RegionSet::builder(config).local(is.region).health(health);
    let names = is.fallbacks.iter();
    let builder = names.fold(builder, |builder, name| builder.fallback(*name));
    builder.observer(watch.clone()).build().unwrap()
}

fn fallback(is: &schedule::Process) -> KmsFallback {
    let fallback = match is.kms {
        KmsPolicy::Never => KmsFallback::never(),
        KmsPolicy::OnUnavailable => KmsFallback::on_unavailable(),
        KmsPolicy::OnUnavailableOrThrottled => KmsFallback::on_unavailable_or_throttled(),
    };
    if is.on_replica_missing {
        fallback.on_replica_missing()
    } else {
        fallback
    }
}
