//! Until when an operation sends requests.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use futures_util::FutureExt as _;
use futures_util::future::{Either, select};

/// How long what is left of a batch is sent again, unless told otherwise.
pub(super) const DEFAULT: Duration = Duration::from_secs(30);

/// One sleep, raced against whatever is waited for: no clock is read.
///
/// It ends waiting, and no request starts after it. A request that is under way is not given up, since
/// nobody could say what became of it; for that there are the SDK's time-outs.
pub(super) struct Deadline {
    /// None once it has passed.
    sleep: Option<Sleep>,
}

impl Deadline {
    pub(super) fn new(sleep: Option<SharedAsyncSleep>, after: Duration) -> Self {
        // A region set is not built without a sleep implementation; without one nothing is waited for.
        Self {
            sleep: sleep.map(|sleep| sleep.sleep(after)),
        }
    }

    pub(super) fn has_passed(&mut self) -> bool {
        if let Some(sleep) = &mut self.sleep
            && sleep.now_or_never().is_some()
        {
            self.sleep = None;
        }
        self.sleep.is_none()
    }

    /// Waits until `other` is done or the deadline has passed.
    pub(super) async fn wait(&mut self, other: impl Future<Output = ()>) {
        if let Some(sleep) = &mut self.sleep
            && let Either::Right(_) = select(pin!(other), sleep).await
        {
            self.sleep = None;
        }
    }
}
