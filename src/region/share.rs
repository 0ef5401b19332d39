//! How many throttled calls of another region may move here.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::steady::Steady;

/// Seconds whose successful calls count.
const WINDOW: usize = 60;
/// One more, since the oldest second is in part more than a minute ago: too many of those that moved are
/// counted, and too few that succeeded.
const KEPT: usize = WINDOW + 1;

/// Caps how many throttled calls may move here: a share of this region's successful calls of the last
/// minute, and at least one each second.
///
/// Otherwise a region that throttles would pass its load on to the next one's quota.
pub(crate) struct Share {
    /// The second under way first. Never empty, never more than [`KEPT`].
    seconds: VecDeque<Second>,
    /// Of the second under way.
    millis: u64,
    steady: Steady,
}

#[derive(Clone, Copy, Default)]
struct Second {
    succeeded: u32,
    moved: u32,
}

impl Share {
    pub(crate) fn new() -> Self {
        Self {
            seconds: VecDeque::from([Second::default()]),
            millis: 0,
            steady: Steady::new(),
        }
    }

    /// A call succeeded here.
    pub(crate) fn succeeded(&mut self, now: SystemTime) {
        self.advance(now);
        if let Some(second) = self.seconds.front_mut() {
            second.succeeded = second.succeeded.saturating_add(1);
        }
    }

    /// Lets a call move here, or not. `share` is from 0 to 1.
    pub(crate) fn take(&mut self, share: f64, now: SystemTime) -> bool {
        self.advance(now);
        let moved = self.seconds.iter().map(|second| second.moved);
        let moved = moved.fold(1, u32::saturating_add);
        let succeeded = self.seconds.iter().take(WINDOW);
        let succeeded = succeeded.fold(0, |sum: u32, s| sum.saturating_add(s.succeeded));
        let within = f64::from(moved) <= share.clamp(0.0, 1.0) * f64::from(succeeded);
        let Some(second) = self.seconds.front_mut() else {
            return false;
        };
        let granted = within || second.moved == 0;
        if granted {
            second.moved = second.moved.saturating_add(1);
        }
        granted
    }

    fn advance(&mut self, now: SystemTime) {
        let millis = self.millis.saturating_add(self.steady.advance(now));
        self.millis = millis % 1000;
        let seconds = usize::try_from(millis / 1000).unwrap_or(KEPT);
        for _ in 0..seconds.min(KEPT) {
            self.seconds.push_front(Second::default());
        }
        self.seconds.truncate(KEPT);
    }
}
