//! Two clocks, and what holds only while both agree.
//!
//! A monotonic clock stands still while a machine is suspended, and a wall clock can be set back. Each
//! alone would let "five minutes" last for hours, so what expires here does so by the earlier of the two.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_smithy_async::time::SharedTimeSource;

/// Several threads read the clocks first and come to a cache after that, in any order. A wall clock that
/// is further behind than this, and than the monotonic clock explains, was set back.
const DISORDER: Duration = Duration::from_secs(1);

/// No secret lives longer, and no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Time that never runs backwards, since any moment before the first reading.
pub(crate) trait Monotonic: fmt::Debug + Send + Sync {
    fn elapsed(&self) -> Duration;
}

/// The machine's own, from the first reading of this process on.
#[derive(Debug)]
struct SinceFirstReading;

impl Monotonic for SinceFirstReading {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where monotonic time comes in; whoever uses it takes a `Clock`"
    )]
    fn elapsed(&self) -> Duration {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let first = *FIRST.get_or_init(Instant::now);
        Instant::now().saturating_duration_since(first)
    }
}

/// The wall clock of an SDK client, and a monotonic clock beside it. Clones read the same.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    wall: SharedTimeSource,
    steady: Arc<dyn Monotonic>,
}

impl Clock {
    /// The client's clock, and the machine's monotonic one.
    pub(crate) fn new(wall: SharedTimeSource) -> Self {
        Self {
            wall,
            steady: Arc::new(SinceFirstReading),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_monotonic(wall: SharedTimeSource, steady: Arc<dyn Monotonic>) -> Self {
        Self { wall, steady }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment {
            wall: self.wall.now(),
            steady: self.steady.elapsed(),
        }
    }
}

/// What both clocks showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    wall: SystemTime,
    steady: Duration,
}

impl Moment {
    /// Whether the wall clock was set back after it showed `latest`: by more than a second beyond what
    /// this reading is older by the monotonic clock.
    pub(super) fn is_set_back_from(self, latest: Self) -> bool {
        let behind = latest.wall.duration_since(self.wall).unwrap_or_default();
        let older = latest.steady.saturating_sub(self.steady);
        behind > older.saturating_add(DISORDER)
    }

    pub(super) fn wall(self) -> SystemTime {
        self.wall
    }

    pub(super) fn steady(self) -> Duration {
        self.steady
    }

    /// The later reading of each clock.
    pub(super) fn latest(self, other: Self) -> Self {
        Self {
            wall: self.wall.max(other.wall),
            steady: self.steady.max(other.steady),
        }
    }
}

/// An end that comes when either clock says so, or when the wall clock shows a time before the beginning.
///
/// A wall clock that is set back, but not so far, is for those to notice who saw it before: a
/// [`Cache`](super::Cache) does, and drops everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValidUntil {
    not_before: SystemTime,
    wall_end: SystemTime,
    steady_end: Duration,
}

impl ValidUntil {
    /// Ten years at most.
    pub(crate) fn after(now: Moment, ttl: Duration) -> Self {
        let ttl = ttl.min(LONGEST);
        Self {
            not_before: now.wall,
            // At the end of time nothing is valid.
            wall_end: now.wall.checked_add(ttl).unwrap_or(now.wall),
            steady_end: now.steady.saturating_add(ttl),
        }
    }

    pub(crate) fn holds(self, now: Moment) -> bool {
        let before = self.not_before.duration_since(now.wall).unwrap_or_default();
        before <= DISORDER && now.wall < self.wall_end && now.steady < self.steady_end
    }

    /// What is left by the clock that has less; nothing if it does not hold.
    pub(crate) fn remaining(self, now: Moment) -> Duration {
        if !self.holds(now) {
            return Duration::ZERO;
        }
        let wall = self.wall_end.duration_since(now.wall).unwrap_or_default();
        wall.min(self.steady_end.saturating_sub(now.steady))
    }

    pub(super) fn wall_end(self) -> SystemTime {
        self.wall_end
    }

    pub(super) fn steady_end(self) -> Duration {
        self.steady_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::test_support::TestClock;

    const TTL: Duration = Duration::from_secs(300);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn ends_when_either_clock_says_so() {
        let clock = TestClock::new();
        let until = ValidUntil::after(clock.now(), TTL);
        clock.advance(TTL - SECOND);
        assert!(until.holds(clock.now()));
        assert_eq!(until.remaining(clock.now()), SECOND);
        clock.suspend(SECOND);
        assert!(!until.holds(clock.now()));

        let until = ValidUntil::after(clock.now(), TTL);
        for _ in 0..300 {
            clock.advance(SECOND);
            clock.set_back(SECOND);
        }
        assert!(!until.holds(clock.now()), "by the monotonic clock alone");
        assert_eq!(until.remaining(clock.now()), Duration::ZERO);
    }

    #[test]
    fn ends_when_the_wall_clock_is_set_to_before_the_beginning() {
        let clock = TestClock::new();
        let until = ValidUntil::after(clock.now(), TTL);
        clock.set_back(SECOND);
        assert!(until.holds(clock.now()), "disorder of readings");
        clock.set_back(Duration::from_millis(1));
        assert!(!until.holds(clock.now()));
    }

    #[test]
    fn tells_an_old_reading_from_a_clock_that_was_set_back() {
        let clock = TestClock::new();
        let old = clock.now();
        clock.advance(TTL);
        assert!(!old.is_set_back_from(clock.now()));
        let latest = clock.now();
        clock.set_back(SECOND);
        assert!(!clock.now().is_set_back_from(latest));
        clock.set_back(SECOND);
        assert!(clock.now().is_set_back_from(latest));
    }

    #[test]
    fn survives_the_longest_durations() {
        let clock = TestClock::new();
        let until = ValidUntil::after(clock.now(), Duration::MAX);
        assert_eq!(until.remaining(clock.now()), LONGEST);
        assert!(!ValidUntil::after(clock.now(), Duration::ZERO).holds(clock.now()));
    }

    #[test]
    fn reads_monotonic_time_of_the_machine() {
        let first = SinceFirstReading.elapsed();
        assert!(SinceFirstReading.elapsed() >= first);
    }
}
