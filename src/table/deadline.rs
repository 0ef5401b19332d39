//! Until when an operation may take.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use futures_util::FutureExt as _;
use futures_util::future::{Either, Shared, select};

use super::error::DeadlineExceeded;

/// How long an operation may take, unless told otherwise.
pub(super) const DEFAULT: Duration = Duration::from_secs(30);

/// One sleep, raced against whatever is waited for: no clock is read. Clones end together.
#[derive(Clone)]
pub(super) struct Deadline {
    after: Duration,
    /// A region set is not built without a sleep implementation; without one nothing is given up, and
    /// nothing is begun again.
    sleep: Option<Shared<Sleep>>,
}

impl Deadline {
    pub(super) fn new(sleep: Option<SharedAsyncSleep>, after: Duration) -> Self {
        Self {
            after,
            sleep: sleep.map(|sleep| sleep.sleep(after).shared()),
        }
    }

    /// Whether nothing is to be begun any more.
    pub(super) fn has_passed(&self) -> bool {
        let passed = |sleep: &Shared<Sleep>| sleep.clone().now_or_never().is_some();
        self.sleep.as_ref().is_none_or(passed)
    }

    /// The same as a reason to stop.
    pub(super) fn check(&self) -> Result<(), DeadlineExceeded> {
        match self.has_passed() {
            true => Err(DeadlineExceeded::new(self.after)),
            false => Ok(()),
        }
    }

    /// The time that a part of the work may take which begins now, so that half is left for the rest.
    pub(super) fn half(&self, sleep: Option<SharedAsyncSleep>) -> Self {
        Self::new(sleep, self.after / 2)
    }

    /// Does some work, and gives it up if the deadline passes first.
    pub(super) async fn run<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, DeadlineExceeded> {
        let work = Box::pin(work);
        let Some(sleep) = self.sleep.clone() else {
            return Ok(work.await);
        };
        match select(work, sleep).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(DeadlineExceeded::new(self.after)),
        }
    }

    /// Waits until `other` is done or the deadline has passed.
    pub(super) async fn wait(&self, other: impl Future<Output = ()>) {
        // Whether it has passed is asked afterwards.
        let _ = self.run(other).await;
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deadline").field(&self.after).finish()
    }
}
