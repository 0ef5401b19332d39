//! Time that passes only while everybody waits for it.

mod sleeper;

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use futures_util::future::{Either, select};

use crate::testkit::cloud::Cloud;
use crate::testkit::wire::Wire;
use sleeper::{Sleeper, Sleepers};

/// A clock for SDK clients that jumps to the next sleeper whenever nothing else can happen.
///
/// An hour's outage takes as long as its requests do, over real sockets and without a wait: time-outs,
/// backoff, hedging, [`Fault::Latency`](crate::testkit::Fault::Latency) and the like all sleep on this
/// clock. Clients get it with [`Cloud::sdk_config_at`], and it runs inside [`run`](Self::run). Clones share it.
///
/// While a request is truly on the wire, time stands still: no client times out because the machine is slow.
/// An attempt that a fault holds up is not on the wire.
///
/// # Limits
///
/// * It sees the requests of the cloud it belongs to, and its own sleepers. Other real waits (blocking tasks,
///   Tokio's timers, files, sockets, another cloud) it takes for idleness, and jumps meanwhile.
/// * It is made for a current-thread runtime. On several threads a task that computes is taken for idle, too.
/// * The servers stay on the clock of the machine: what they stamp (creation dates, the order of writes) is
///   real time. So is the age of credentials, if a provider of your own tells one.
/// * A client that drops a request on the wire, such as the loser of a hedge, is not waited for. It may take
///   effect later.
/// * Order is that of deadlines, and of creation where these are equal. In which order requests that are on
///   the wire at once are answered is for the sockets to decide, unless they go [in turn](Self::in_turn).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use dynaseal::testkit::{Cloud, Fault, Service, VirtualTime};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cloud = Cloud::start(["us-east-1"]).await?;
/// let time = VirtualTime::of(&cloud);
/// let kms = aws_sdk_kms::Client::new(&cloud.sdk_config_at("us-east-1", &time));
///
/// let hour = Duration::from_secs(3600);
/// cloud.region("us-east-1").fail_times(Service::Kms, Fault::Latency(hour), 1);
/// time.run(kms.list_keys().send()).await?;
/// assert_eq!(time.elapsed(), hour);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VirtualTime {
    wire: Wire,
    start: SystemTime,
    sleepers: Arc<Mutex<Sleepers>>,
}

impl VirtualTime {
    /// Starts a clock for the clients of a cloud, at the beginning of 2026.
    #[must_use]
    pub fn of(cloud: &Cloud) -> Self {
        Self::starting_at(cloud, SystemTime::UNIX_EPOCH + YEAR_2026)
    }

    /// Starts a clock for the clients of a cloud at any time.
    #[must_use]
    pub fn starting_at(cloud: &Cloud, start: SystemTime) -> Self {
        Self {
            wire: cloud.routes.wire.clone(),
            start,
            sleepers: Arc::new(Mutex::new(Sleepers::new(start))),
        }
    }

    /// Lets only one request be on the wire at a time, for all clients of the cloud: they go in the order in
    /// which they were made, each when the one before it was answered.
    ///
    /// Nothing is left to the sockets then: a test that does the same twice sees the same twice.
    #[must_use]
    pub fn in_turn(self) -> Self {
        self.wire.take_turns();
        self
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.lock().now()
    }

    /// How much time has passed since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        // Time never runs backwards here.
        self.now().duration_since(self.start).unwrap_or_default()
    }

    /// Sleeps until so much time has passed.
    ///
    /// Who sleeps beyond the end of [`SystemTime`] never wakes.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(Sleeper::new(&self.sleepers, duration))
    }

    /// Moves the clock on by hand and wakes, in order, those whose time has come.
    ///
    /// All of them then read the new time, as after a machine was suspended. Nothing happens if the sum is
    /// beyond the end of [`SystemTime`].
    pub fn advance(&self, duration: Duration) {
        let due = {
            let mut sleepers = self.lock();
            let to = sleepers.now().checked_add(duration);
            to.map(|to| sleepers.advance_to(to)).unwrap_or_default()
        };
        due.wake();
    }

    /// Runs a future while time passes, for it and for all tasks of this runtime.
    ///
    /// Whenever no request is on the wire and nobody has come or gone for some rounds of the runtime, the clock
    /// jumps to the earliest deadline. Outside of `run` it stands still.
    ///
    /// If nobody sleeps either, the future waits for something that this clock knows nothing of (or for
    /// nothing, such as [`Fault::Hang`](crate::testkit::Fault::Hang) without a time-out). Then `run` looks
    /// again every real millisecond, and never gives up: put a real time-out around it if you want one.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        match select(pin!(future), pin!(self.pass())).await {
            Either::Left((output, _)) => output,
            Either::Right((never, _)) => match never {},
        }
    }

    async fn pass(&self) -> Infallible {
        loop {
            self.wire.empty().await;
            // The root future of a runtime is polled ahead of its turn; a task takes its place in the queue.
            let quiet = tokio::spawn(self.clone().quiet()).await;
            match quiet {
                Ok(Some(seen)) if self.jump(seen) => {}
                Ok(None) => {}
                _ => tokio::time::sleep(NOBODY_SLEEPS).await,
            }
        }
    }

    /// The number of changes so far, if it stays the same for long enough.
    async fn quiet(self) -> Option<u64> {
        let seen = self.changes();
        for _ in 0..QUIET_ROUNDS {
            tokio::task::yield_now().await;
            if !self.is_unchanged(seen) {
                return None;
            }
        }
        Some(seen)
    }

    /// Goes to the earliest deadline; answers whether there was a reason to look again at once.
    fn jump(&self, seen: u64) -> bool {
        if !self.is_unchanged(seen) {
            return true;
        }
        let due = self.lock().advance_to_next();
        let any = !due.is_empty();
        due.wake();
        any
    }

    fn is_unchanged(&self, seen: u64) -> bool {
        self.wire.is_empty() && self.changes() == seen
    }

    /// Both only grow, and so does their sum.
    fn changes(&self) -> u64 {
        self.wire.changes().wrapping_add(self.lock().changes())
    }

    fn lock(&self) -> MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 2026-01-01T00:00:00Z.
const YEAR_2026: Duration = Duration::from_secs(1_767_225_600);

/// How often the runtime goes through its queue without any change before time passes. A chain of tasks that
/// wake each other needs about one round for each link.
const QUIET_ROUNDS: usize = 32;

/// Real time between two looks when there is no deadline to go to.
const NOBODY_SLEEPS: Duration = Duration::from_millis(1);

impl AsyncSleep for VirtualTime {
    fn sleep(&self, duration: Duration) -> Sleep {
        Self::sleep(self, duration)
    }
}

impl TimeSource for VirtualTime {
    fn now(&self) -> SystemTime {
        Self::now(self)
    }
}

impl fmt::Debug for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualTime")
            .field("elapsed", &self.elapsed())
            .finish_non_exhaustive()
    }
}
