//! Waiting between attempts of ours: exponential, with full jitter.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};

use crate::crypto::random::{Random, SystemRandom};

/// The upper bound of the first wait; it doubles with each one.
const BASE: Duration = Duration::from_millis(50);
/// No single wait is longer.
const CAP: Duration = Duration::from_secs(5);

/// Waits longer each time, by the sleep implementation of the caller's configuration.
pub(crate) struct Backoff {
    sleep: Option<SharedAsyncSleep>,
    ceiling: Duration,
}

impl Backoff {
    pub(crate) fn new(sleep: Option<SharedAsyncSleep>) -> Self {
        Self {
            sleep,
            ceiling: BASE,
        }
    }

    /// Waits a random part of the current ceiling, so that those who collided once do not meet again.
    pub(crate) async fn wait(&mut self) {
        // All of it if there is no randomness.
        let mut byte = u8::MAX;
        let _ = SystemRandom.fill(std::slice::from_mut(&mut byte));
        let delay = jittered(self.ceiling, byte);
        self.ceiling = next_ceiling(self.ceiling);
        // A region set is not built without one.
        if let Some(sleep) = &self.sleep {
            sleep.sleep(delay).await;
        }
    }
}

fn next_ceiling(ceiling: Duration) -> Duration {
    ceiling.saturating_mul(2).min(CAP)
}

/// As much of `ceiling` as `byte` is of 255.
pub(crate) fn jittered(ceiling: Duration, byte: u8) -> Duration {
    ceiling.saturating_mul(u32::from(byte)) / u32::from(u8::MAX)
}

/// How often a request is sent at most: the number of attempts of the caller's retry configuration.
pub(crate) fn max_attempts(config: Option<&RetryConfig>) -> u32 {
    const DEFAULT: u32 = 3;
    config.map_or(DEFAULT, RetryConfig::max_attempts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_the_ceiling_up_to_five_seconds() {
        let ceilings = std::iter::successors(Some(BASE), |ceiling| Some(next_ceiling(*ceiling)));
        let millis: Vec<_> = ceilings.take(9).map(|c| c.as_millis()).collect();
        assert_eq!(millis, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn waits_any_part_of_the_ceiling_and_no_more() {
        assert_eq!(jittered(BASE, 0), Duration::ZERO);
        assert_eq!(jittered(BASE, u8::MAX), BASE);
        let delays: Vec<_> = (0..=u8::MAX).map(|byte| jittered(CAP, byte)).collect();
        assert!(delays.is_sorted_by(|a, b| a < b), "{delays:?}");
        assert!(jittered(Duration::MAX, u8::MAX) <= Duration::MAX);
    }

    #[test]
    fn sends_as_often_as_the_retry_configuration_says() {
        assert_eq!(max_attempts(None), 3);
        let configured = RetryConfig::standard().with_max_attempts(7);
        assert_eq!(max_attempts(Some(&configured)), 7);
        assert_eq!(max_attempts(Some(&RetryConfig::disabled())), 1);
    }
}
