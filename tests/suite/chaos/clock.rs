//! Virtual time for clients, with the jitter of waits taken from the seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use dynaseal::testkit::VirtualTime;

use super::prng::Prng;

/// Whoever waits between attempts waits for as long as the operating system's randomness says. Here the
/// seed says it, so that a seed always tells the same story.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    time: VirtualTime,
    waits: Arc<Mutex<Prng>>,
    readings: Arc<AtomicU64>,
}

/// The longest wait that stands for one with jitter.
const LONGEST_WAIT_MILLIS: usize = 400;

impl Clock {
    pub(super) fn new(time: VirtualTime, waits: Prng) -> Self {
        Self {
            time,
            waits: Arc::new(Mutex::new(waits)),
            readings: Arc::default(),
        }
    }

    pub(super) fn time(&self) -> &VirtualTime {
        &self.time
    }

    /// Whether a duration is anybody's intention: ours, a deadline, or how long a new replica is waited for.
    /// No wait with jitter is as long as the second, or exactly as long as the third.
    fn is_meant(duration: Duration) -> bool {
        let rest = duration.subsec_nanos() % 500_000;
        rest == MARK.subsec_nanos()
            || rest == MARK.subsec_nanos() / 2
            || duration > Duration::from_secs(5)
            || [500, 2500].map(Duration::from_millis).contains(&duration)
    }
}

/// By this much, durations that a run configures differ from all others. The library halves some.
const MARK: Duration = Duration::from_nanos(7007);

/// A duration that is slept as it is.
pub(super) const fn exactly(millis: u64) -> Duration {
    Duration::from_millis(millis).saturating_add(MARK)
}

impl AsyncSleep for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        if Self::is_meant(duration) {
            return self.time.sleep(duration);
        }
        let millis = self.waits.lock().unwrap().below(LONGEST_WAIT_MILLIS);
        self.time
            .sleep(Duration::from_millis(u64::try_from(millis).unwrap()))
    }
}

impl TimeSource for Clock {
    /// A microsecond later at each reading: time passes, if little, also while nobody waits. Versions of
    /// new items start at it.
    fn now(&self) -> SystemTime {
        let readings = self.readings.fetch_add(1, Ordering::Relaxed);
        self.time.now() + Duration::from_micros(readings)
    }
}
