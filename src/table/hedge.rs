//! Asking a second region when the first is slow.

use std::time::Duration;

use crate::region::Member;

/// After how long a table read is sent to the next region as well.
///
/// The first conclusive answer wins: an item that a fallback region does not have proves nothing, nor does a
/// page without items, so that the local region is waited for. If that refuses, the fallback's answer does
/// not count: only an outage is gone around. Each hedge takes a token of the fallback region's
/// [retry budget](crate::region::RetryBudget), so a region that is slow for long does not double the load
/// on the next one. Opening comes after the race: calls to KMS are never hedged.
///
/// Gets, batch gets and the first pages of queries and scans are hedged, under
/// [`LocalThenFallback`](super::ReadPolicy::LocalThenFallback), unless they are strongly consistent.
///
/// ```
/// use std::time::Duration;
///
/// use dynaseal::table::Hedge;
///
/// let hedge = Hedge::after_percentile(0.99).at_most(Duration::from_millis(300));
/// # let _ = hedge;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedge {
    percentile: f64,
    at_least: Duration,
    at_most: Duration,
}

impl Hedge {
    /// After the time in which this share, 0 to 1, of the local region's last successful calls were
    /// answered; but not before 10 ms, and not after 1 s, which is also the delay until enough calls are
    /// known.
    #[must_use]
    pub const fn after_percentile(percentile: f64) -> Self {
        Self {
            percentile,
            at_least: Duration::from_millis(10),
            at_most: Duration::from_secs(1),
        }
    }

    /// Not before this time. Default: 10 ms.
    #[must_use]
    pub const fn at_least(mut self, delay: Duration) -> Self {
        self.at_least = delay;
        self
    }

    /// Not after this time, which is also the delay until enough calls are known. Default: 1 s.
    #[must_use]
    pub const fn at_most(mut self, delay: Duration) -> Self {
        self.at_most = delay;
        self
    }

    /// How long a region is waited for alone.
    pub(super) fn delay(self, member: &Member) -> Duration {
        let latency = member.dynamodb_health().latency(self.percentile);
        let latency = latency.unwrap_or(self.at_most);
        latency.max(self.at_least).min(self.at_most)
    }
}
