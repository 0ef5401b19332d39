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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + Duration::from_millis(millis)
    }

    fn taken(tokens: &mut RetryTokens, now: SystemTime) -> usize {
        (0..1000).take_while(|_| tokens.take(now)).count()
    }

    #[test]
    fn starts_full_and_gets_one_token_each_second() {
        let mut tokens = RetryTokens::new(RetryBudget::default());
        assert_eq!(taken(&mut tokens, at(0)), 100);
        assert_eq!(taken(&mut tokens, at(999)), 0);
        assert_eq!(taken(&mut tokens, at(1000)), 1);
        assert_eq!(taken(&mut tokens, at(31_000)), 30);
        assert_eq!(taken(&mut tokens, at(3_600_000)), 100);
    }

    #[test]
    fn gets_a_token_for_ten_successful_calls() {
        let mut tokens = RetryTokens::new(RetryBudget::new().capacity(2));
        assert_eq!(taken(&mut tokens, at(0)), 2);
        for _ in 0..9 {
            tokens.succeeded(at(0));
        }
        assert_eq!(taken(&mut tokens, at(0)), 0);
        tokens.succeeded(at(0));
        assert_eq!(taken(&mut tokens, at(0)), 1);
        for _ in 0..1000 {
            tokens.succeeded(at(0));
        }
        assert_eq!(
            taken(&mut tokens, at(0)),
            2,
            "no more than there is room for"
        );
    }

    #[test]
    fn grants_nothing_without_capacity() {
        let mut tokens = RetryTokens::new(RetryBudget::new().capacity(0).per_success(1.0));
        tokens.succeeded(at(0));
        assert_eq!(taken(&mut tokens, at(3_600_000)), 0);
    }

    #[test]
    fn earns_slowly_however_often_it_is_asked() {
        let mut tokens = RetryTokens::new(RetryBudget::new().per_second(0.001));
        assert_eq!(taken(&mut tokens, at(0)), 100);
        let granted = (0..=2_000_000).step_by(7).filter(|ms| tokens.take(at(*ms)));
        assert_eq!(granted.count(), 1);
        assert_eq!(taken(&mut tokens, at(2_000_000)), 1);
    }

    #[test]
    fn takes_what_is_out_of_bounds_for_the_bound() {
        for (tokens, expected) in [
            (0.1, 100),
            (0.3, 300),
            (0.0019, 1),
            (0.0, 0),
            (-1.0, 0),
            (f64::NAN, 0),
            (1e300, 1_000_000),
            (f64::INFINITY, 1_000_000),
        ] {
            assert_eq!(thousandths(tokens), expected, "{tokens}");
        }
        let boundless = RetryBudget::new().capacity(u32::MAX).per_second(1e9);
        let mut tokens = RetryTokens::new(boundless);
        assert!(tokens.take(at(0)) && tokens.take(at(u64::MAX / 4)));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Take,
        Succeeded,
        Wait(u64),
        /// The clock is set, and no time passes.
        SetBack(u64),
        /// A reading that is older than another that came before.
        TakeLate(u64),
    }

    /// One or the other: together they are a clock that is set forward, which earns.
    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let with = |disorder: BoxedStrategy<Step>| {
            let step = prop_oneof![
                8 => Just(Step::Take),
                3 => Just(Step::Succeeded),
                2 => (0..3000_u64).prop_map(Step::Wait),
                2 => disorder,
            ];
            vec(step, 0..500)
        };
        prop_oneof![
            with((0..60_000_u64).prop_map(Step::SetBack).boxed()),
            with((0..5000_u64).prop_map(Step::TakeLate).boxed()),
        ]
    }

    proptest! {
        #[test]
        fn never_grants_more_than_it_had_and_earned(
            capacity in 0..20_u32,
            per_success in 0..1000_u32,
            per_second in 0..3000_u32,
            steps in steps(),
        ) {
            let policy = RetryBudget::new()
                .capacity(capacity)
                .per_success(f64::from(per_success) / 1000.0)
                .per_second(f64::from(per_second) / 1000.0);
            let mut tokens = RetryTokens::new(policy);
            let mut clock = 3_600_000_000;
            tokens.succeeded(at(clock));
            // In thousandths of a thousandth.
            let mut earned = u64::from(capacity) * 1_000_000;
            for step in steps {
                let granted = match step {
                    Step::Take => tokens.take(at(clock)),
                    Step::TakeLate(late) => tokens.take(at(clock - late)),
                    Step::Succeeded => {
                        tokens.succeeded(at(clock));
                        earned += u64::from(per_success) * 1000;
                        false
                    }
                    Step::Wait(millis) => {
                        clock += millis;
                        earned += u64::from(per_second) * millis;
                        false
                    }
                    Step::SetBack(millis) => {
                        clock -= millis;
                        false
                    }
                };
                if granted {
                    prop_assert!(earned >= 1_000_000, "{earned} are no token");
                    earned -= 1_000_000;
                }
            }
        }

        #[test]
        fn grants_all_that_it_earned_while_there_is_room(
            per_success in 1..1000_u32,
            per_second in 1..1000_u32,
            waits in vec(0..2000_u64, 1..200),
        ) {
            let policy = RetryBudget::new()
                .capacity(1000)
                .per_success(f64::from(per_success) / 1000.0)
                .per_second(f64::from(per_second) / 1000.0);
            let mut tokens = RetryTokens::new(policy);
            prop_assert_eq!(taken(&mut tokens, at(0)), 1000);
            let mut now = 0;
            for wait in &waits {
                now += wait;
                tokens.succeeded(at(now));
            }
            let successes = waits.len() as u64;
            let earned = u64::from(per_success) * 1000 * successes + u64::from(per_second) * now;
            prop_assert_eq!(taken(&mut tokens, at(now)) as u64, earned / 1_000_000);
        }
    }
}
