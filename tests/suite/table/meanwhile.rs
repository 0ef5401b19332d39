//! What happens between two steps of a write: tables that wait for nothing, waits in which somebody
//! else writes, and closures in which they do.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_types::SdkConfig;
use aws_types::sdk_config::{Builder, RetryConfig};
use dynaseal::item::Model;
use dynaseal::testkit::{Fault, FaultRule, Service};
use dynaseal::{KmsMrkKeyring, RegionSet, SealedTable};

use super::{Stack, TABLE, US};
pub(super) use crate::support::stack::calls;

type Event = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits for nothing. Something may happen in the first wait of an operation of ours.
#[derive(Clone, Default)]
pub(super) struct NoWait(Arc<Mutex<Option<Event>>>);

impl NoWait {
    /// Lets this happen in the next wait.
    pub(super) fn then(&self, event: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap() = Some(Box::pin(event));
    }

    /// Whether it has happened.
    pub(super) fn is_over(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

impl AsyncSleep for NoWait {
    fn sleep(&self, duration: Duration) -> Sleep {
        // No backoff is longer than five seconds; the SDK's own time-outs never come.
        if duration > Duration::from_secs(5) {
            return Sleep::new(std::future::pending());
        }
        match self.0.lock().unwrap().take() {
            Some(event) => {
                let event = tokio::spawn(event);
                Sleep::new(async { event.await.unwrap() })
            }
            None => Sleep::new(std::future::ready(())),
        }
    }
}

impl fmt::Debug for NoWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoWait")
    }
}

/// A table that sends up to three times.
pub(super) fn retrying<T: Model>(stack: &Stack, no_wait: NoWait) -> SealedTable<T> {
    table(stack, |config| {
        config
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .sleep_impl(SharedAsyncSleep::new(no_wait))
    })
}

/// A table with another configuration than the stack's.
pub(super) fn table<T: Model>(
    stack: &Stack,
    configure: impl FnOnce(Builder) -> Builder,
) -> SealedTable<T> {
    let config: SdkConfig = stack.config(US);
    let config = config
        .into_builder()
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let regions = RegionSet::builder(&configure(config).build()).local(US);
    let regions = regions.build().unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    let table = SealedTable::builder(TABLE, keyring, &regions);
    table.build().unwrap()
}

/// Runs this while a closure of an update runs. The runtime must have several threads.
pub(super) fn now<T: Send>(event: impl Future<Output = T> + Send) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(event))
}

pub(super) fn fail(stack: &Stack, rule: impl Into<FaultRule>) {
    stack.cloud.region(US).fail(Service::DynamoDb, rule);
}

pub(super) fn lose_the_next(stack: &Stack, operation: &str) {
    fail(stack, Fault::LostResponse.on(operation).times(1));
}

/// The next request does not arrive, and nobody knows.
pub(super) fn delay_the_next(stack: &Stack, operation: &str) {
    let late = Fault::Timeout(Duration::from_millis(1));
    fail(stack, late.on(operation).times(1));
}
