//! How long successful calls took lately.

use std::collections::VecDeque;
use std::time::Duration;

/// The last latencies of successful calls: where hedging takes its delay from.
pub(crate) struct Latencies {
    /// The oldest first.
    last: VecDeque<Duration>,
}

const KEPT: usize = 128;
/// Fewer say nothing of what is usual.
const ENOUGH: usize = 16;

impl Latencies {
    pub(crate) fn new() -> Self {
        Self {
            last: VecDeque::with_capacity(KEPT),
        }
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        if self.last.len() >= KEPT {
            self.last.pop_front();
        }
        self.last.push_back(latency);
    }

    /// The shortest latency that at least this part of the calls did not exceed; `p` is from 0 to 1.
    /// `None` before there are enough calls.
    pub(crate) fn percentile(&self, p: f64) -> Option<Duration> {
        if self.last.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<Duration> = self.last.iter().copied().collect();
        sorted.sort_unstable();
        let longest = sorted.last().copied();
        let count = u32::try_from(sorted.len()).ok()?;
        let wanted = p * f64::from(count);
        let mut ranked = (1..=count).zip(sorted);
        let found = ranked.find(|(rank, _)| f64::from(*rank) >= wanted);
        found.map(|(_, latency)| latency).or(longest)
    }
}
