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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::new();
        for millis in millis {
            latencies.record(Duration::from_millis(millis));
        }
        latencies
    }

    fn millis(latencies: &Latencies, p: f64) -> Option<u128> {
        latencies.percentile(p).map(|latency| latency.as_millis())
    }

    #[test]
    fn says_nothing_before_there_are_sixteen() {
        assert_eq!(Latencies::new().percentile(0.5), None);
        assert_eq!(of(1..=15).percentile(0.5), None);
        assert_eq!(millis(&of(1..=16), 0.5), Some(8));
    }

    #[test]
    fn takes_the_nearest_rank() {
        let latencies = of((1..=100).rev());
        for (p, expected) in [
            (0.0, 1),
            (0.01, 1),
            (0.5, 50),
            (0.501, 51),
            (0.99, 99),
            (1.0, 100),
            (-1.0, 1),
            (95.0, 100),
            (f64::NAN, 100),
        ] {
            assert_eq!(millis(&latencies, p), Some(expected), "{p}");
        }
    }

    #[test]
    fn forgets_all_but_the_last_128() {
        let latencies = of(std::iter::repeat_n(9000, 500).chain(1..=128));
        assert_eq!(millis(&latencies, 1.0), Some(128));
        assert_eq!(millis(&latencies, 0.0), Some(1));
        assert_eq!(latencies.last.len(), 128);
    }

    proptest! {
        #[test]
        fn is_the_shortest_that_this_part_of_the_calls_did_not_exceed(
            all in vec(0..50_u64, 16..300),
            hundredths in 0..=100_u32,
        ) {
            let percentile = of(all.clone()).percentile(f64::from(hundredths) / 100.0);
            let percentile = u64::try_from(percentile.unwrap().as_millis()).unwrap();
            let kept = &all[all.len().saturating_sub(128)..];
            let part = |most: Option<u64>| {
                let not_longer = kept.iter().filter(|latency| Some(**latency) <= most);
                100 * not_longer.count()
            };
            let wanted = hundredths as usize * kept.len();
            prop_assert!(kept.contains(&percentile));
            prop_assert!(part(Some(percentile)) >= wanted);
            if percentile > 0 && hundredths > 0 {
                // But for what rounding adds to a rank that is a whole number.
                prop_assert!(part(Some(percentile - 1)) <= wanted);
            }
        }
    }
}
