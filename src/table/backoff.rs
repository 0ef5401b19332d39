//! Waiting between attempts of ours: exponential, with full jitter.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};

use crate::crypto::random::{Random, SystemRandom};

/// The upper bound of the first wait; it doubles with each one.
const BASE: Duration = Duration::from_millis(50);
/// No single wait is longer.
const CAP: Duration = Duration::from_secs(5);

/// Waits longer each time, by the sleep implementation of the caller's configuration.
pub(super) struct Backoff {
    sleep: Option<SharedAsyncSleep>,
    ceiling: Duration,
}

impl Backoff {
    pub(super) fn new(client: &Client) -> Self {
        Self {
            sleep: client.config().sleep_impl(),
            ceiling: BASE,
        }
    }

    /// Waits a random part of the current ceiling, so that those who collided once do not meet again.
    pub(super) async fn wait(&mut self) {
        let delay = jittered(self.ceiling);
        self.ceiling = (self.ceiling * 2).min(CAP);
        // A region set is not built without one.
        if let Some(sleep) = &self.sleep {
            sleep.sleep(delay).await;
        }
    }
}

/// A random duration up to `ceiling`; all of it if there is no randomness.
fn jittered(ceiling: Duration) -> Duration {
    let mut byte = [u8::MAX];
    let _ = SystemRandom.fill(&mut byte);
    ceiling.mul_f64(f64::from(byte[0]) / f64::from(u8::MAX))
}

/// How often a request is sent at most: the number of attempts of the caller's retry configuration.
pub(super) fn max_attempts(client: &Client) -> u32 {
    const DEFAULT: u32 = 3;
    let configured = client.config().retry_config();
    configured.map_or(DEFAULT, RetryConfig::max_attempts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_at_most_the_ceiling() {
        for _ in 0..100 {
            assert!(jittered(BASE) <= BASE);
        }
    }
}
