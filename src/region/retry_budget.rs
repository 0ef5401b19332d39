//! How many retries there may be: a token bucket, so that a storm of failures does not multiply load.

use std::time::{Duration, SystemTime};

use super::steady::Steady;

/// How many retries there may be, in each region and for each service by itself.
///
/// A retry takes a token. Successful calls bring some back, and so does time; a call's first attempt
/// takes none. When all of a region's calls fail, retries are down to [`per_second`](Self::per_second)
/// however many callers there are, once the [`capacity`](Self::capacity) is used up.
///
/// ```
/// use dynaseal::region::RetryBudget;
///
/// let budget = RetryBudget::new().capacity(50).per_success(0.2);
/// # let _ = budget;
/// ```
#[derive(Clone, Debug)]
pub struct RetryBudget {
    capacity: u32,
    per_success: f64,
    per_second: f64,
}

impl RetryBudget {
    /// The defaults: 100 tokens; 0.1 for each successful call, and 1 each second.
    #[must_use]
    pub fn new() -> Self {
        Self {
            capacity: 100,
            per_success: 0.1,
            per_second: 1.0,
        }
    }

    /// How many tokens there are at first, and at most. With 0 nothing is retried. Default: 100.
    #[must_use]
    pub fn capacity(mut self, tokens: u32) -> Self {
        self.capacity = tokens;
        self
    }

    /// How many tokens a successful call brings back, 0 to 1,000, in steps of 0.001. Default: 0.1, which is
    /// one retry for ten successful calls.
    #[must_use]
    pub fn per_success(mut self, tokens: f64) -> Self {
        self.per_success = tokens;
        self
    }

    /// How many tokens come back each second, 0 to 1,000, in steps of 0.001. Default: 1.
    #[must_use]
    pub fn per_second(mut self, tokens: f64) -> Self {
        self.per_second = tokens;
        self
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// A token, in millionths: a thousandth of one each second is a whole number of them each millisecond.
const TOKEN: u64 = 1_000_000;

/// The tokens of one service in one region.
pub(crate) struct RetryTokens {
    /// In millionths, as are all below.
    tokens: u64,
    capacity: u64,
    per_success: u64,
    per_milli: u64,
    steady: Steady,
}

impl RetryTokens {
    pub(crate) fn new(policy: RetryBudget) -> Self {
        let capacity = u64::from(policy.capacity).saturating_mul(TOKEN);
        Self {
            tokens: capacity,
            capacity,
            per_success: thousandths(policy.per_success).saturating_mul(TOKEN / 1000),
            per_milli: thousandths(policy.per_second),
            steady: Steady::new(),
        }
    }

    /// Takes a token, if one is left.
    pub(crate) fn take(&mut self, now: SystemTime) -> bool {
        self.refill(now);
        let left = self.tokens.checked_sub(TOKEN);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// A call succeeded.
    pub(crate) fn succeeded(&mut self, now: SystemTime) {
        self.refill(now);
        self.add(self.per_success);
    }

    fn refill(&mut self, now: SystemTime) {
        let earned = self.steady.advance(now).saturating_mul(self.per_milli);
        self.add(earned);
    }

    fn add(&mut self, millionths: u64) {
        self.tokens = self.tokens.saturating_add(millionths).min(self.capacity);
    }
}

/// A number of tokens in whole thousandths, rounded down; what is no number is none.
fn thousandths(tokens: f64) -> u64 {
    // A duration is decimal, and does not narrow: 0.1 are exactly 100.
    let exact = Duration::try_from_secs_f64(tokens.clamp(0.0, 1000.0)).unwrap_or_default();
    u64::try_from(exact.as_millis()).unwrap_or_default()
}
