//! Two clocks in the hands of a test.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::{SharedTimeSource, TimeSource};

use super::clock::{Clock, Moment, Monotonic};

/// Stands still until it is told. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct TestClock(Arc<Mutex<(SystemTime, Duration)>>);

impl TestClock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Self(Arc::new(Mutex::new((wall, Duration::from_secs(1000)))))
    }

    pub(crate) fn clock(&self) -> Clock {
        let wall = SharedTimeSource::new(self.clone());
        Clock::with_monotonic(wall, Arc::new(self.clone()))
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock().now()
    }

    /// Time passes.
    pub(crate) fn advance(&self, by: Duration) {
        self.change(|wall, steady| {
            *wall += by;
            *steady += by;
        });
    }

    /// Time passes while the machine is suspended, or somebody sets the wall clock forwards.
    pub(crate) fn suspend(&self, by: Duration) {
        self.change(|wall, _| *wall += by);
    }

    /// Somebody sets the wall clock back.
    pub(crate) fn set_back(&self, by: Duration) {
        self.change(|wall, _| *wall -= by);
    }

    fn change(&self, change: impl FnOnce(&mut SystemTime, &mut Duration)) {
        let mut clocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, steady) = &mut *clocks;
        change(wall, steady);
    }
}

impl TimeSource for TestClock {
    fn now(&self) -> SystemTime {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Monotonic for TestClock {
    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
