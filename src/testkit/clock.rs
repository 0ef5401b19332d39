//! One clock for the databases of all regions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SystemTimeSource, TimeSource};
use dynoxide::storage_backend::Clock;

/// Wall time that advances at every reading.
///
/// The databases number their stream records by it, so the numbers of all regions together are in the
/// order of the writes: the last writer is always the one who wrote last, however fast a test writes.
#[derive(Debug, Default)]
pub(super) struct OrderedClock {
    last_micros: AtomicU64,
}

/// Two, because a database multiplies seconds as `f64` again and may come out one microsecond low.
const STEP_MICROS: u64 = 2;

impl OrderedClock {
    fn now(&self) -> Duration {
        let wall = since_epoch(SystemTimeSource::new().now()).as_micros();
        let wall = u64::try_from(wall).unwrap_or(u64::MAX);
        let next = |last: u64| wall.max(last.saturating_add(STEP_MICROS));
        let last = self
            .last_micros
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(next(last))
            })
            .unwrap_or_else(|last| last);
        Duration::from_micros(next(last))
    }
}

impl Clock for OrderedClock {
    fn now_unix_secs(&self) -> u64 {
        self.now().as_secs()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.now().as_secs_f64()
    }
}

/// The time since 1970; zero before it.
pub(super) fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advances_by_whole_microseconds_at_every_reading_as_a_float() {
        let clock = OrderedClock::default();
        let mut last = 0.0;
        for _ in 0..10_000 {
            let micros = (clock.now_unix_secs_f64() * 1_000_000.0).floor();
            assert!(micros > last);
            last = micros;
        }
    }
}
