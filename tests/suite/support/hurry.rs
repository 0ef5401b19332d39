//! Time that passes by waiting alone, at once.

use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::test_util::ManualTimeSource;
use aws_types::sdk_config::Builder;

/// Waits are over at once, and have moved the clock on; the time-outs of attempts and the deadlines of
/// operations never come.
#[derive(Clone, Debug)]
pub(crate) struct Hurry(ManualTimeSource);

impl Hurry {
    /// Of an attempt of the [`Stack`](super::stack::Stack), and of an operation.
    const NEVER: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(30)];

    /// Gives a configuration this time, and tells its clock.
    pub(crate) fn apply(config: Builder) -> (Builder, ManualTimeSource) {
        let clock = ManualTimeSource::new(SystemTime::UNIX_EPOCH);
        let config = config.time_source(clock.clone());
        (config.sleep_impl(Self(clock.clone())), clock)
    }
}

impl AsyncSleep for Hurry {
    fn sleep(&self, duration: Duration) -> Sleep {
        if Self::NEVER.contains(&duration) {
            return Sleep::new(std::future::pending());
        }
        self.0.advance(duration);
        Sleep::new(std::future::ready(()))
    }
}
