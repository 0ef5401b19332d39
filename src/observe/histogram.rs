//! Latencies in fixed buckets.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// How many bounds there are; one more bucket takes what is above the last.
const BOUNDS: usize = 77;

/// The buckets' upper bounds in microseconds, as [`Histogram`] writes them down.
const BOUNDS_US: [u64; BOUNDS] = bounds();

/// Latencies in fixed exponential buckets: four for each doubling, from 128 µs to 67 s.
///
/// The upper bounds, each part of its bucket, are 2ᵏ, 1.25 · 2ᵏ, 1.5 · 2ᵏ and 1.75 · 2ᵏ µs for k from 7
/// to 25, and 2²⁶ µs: 128, 160, 192, 224, 256, 320 µs and so on up to 67.108864 s. One more bucket takes
/// what is longer. So a [`quantile`](Self::quantile) between the first and the last bound is at most a
/// quarter above the truth.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BOUNDS + 1],
    count: u64,
    sum: Duration,
    max: Duration,
}

impl Histogram {
    /// How many latencies were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The longest. In a difference of two snapshots it is the longest of all time, since that of the
    /// time between is not known.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    /// A latency that at least the share `q` of the recorded ones did not exceed; `None` if there are
    /// none.
    ///
    /// It is the upper bound of the bucket in which that share is reached, or the longest latency if
    /// that is less. A `q` below 0 is taken for 0, and one above 1, or no number, for 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let wanted = if q.is_nan() { 1.0 } else { q.clamp(0.0, 1.0) };
        // Counts are exact up to 2⁵³. Nobody's share is reached before the first latency.
        let wanted = (wanted * self.count as f64).max(1.0);
        let mut seen = 0_u64;
        let reached = self.buckets().find(|(_, count)| {
            seen = seen.saturating_add(*count);
            seen as f64 >= wanted
        });
        let bound = reached.and_then(|(bound, _)| bound);
        Some(bound.map_or(self.max, |bound| bound.min(self.max)))
    }

    /// Every bucket from the shortest on: its upper bound, which the last one lacks, and how many
    /// latencies it holds and those before do not.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        let bounds = BOUNDS_US.iter().map(|us| Some(Duration::from_micros(*us)));
        bounds.chain([None]).zip(self.buckets.iter().copied())
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let index = BOUNDS_US.partition_point(|bound| *bound < micros(latency));
        if let Some(bucket) = self.buckets.get_mut(index) {
            *bucket = bucket.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(latency);
        self.max = self.max.max(latency);
    }

    /// Adds what another one holds.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket = bucket.saturating_add(more);
        }
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }

    /// What was recorded after `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let mut later = self.clone();
        for (bucket, before) in later.buckets.iter_mut().zip(earlier.buckets) {
            *bucket = bucket.saturating_sub(before);
        }
        // From the buckets, so that it fits them even if `earlier` is of another process.
        later.count = later.buckets.iter().copied().fold(0, u64::saturating_add);
        later.sum = self.sum.saturating_sub(earlier.sum);
        later
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [0; BOUNDS + 1],
            count: 0,
            sum: Duration::ZERO,
            max: Duration::ZERO,
        }
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("sum", &self.sum)
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

/// `count`, `sum_us`, `max_us`, `p50_us`, `p90_us`, `p99_us`, and `buckets`: pairs of upper bound in
/// microseconds (`null` for the last bucket) and count, without the empty ones.
impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let filled = self.buckets().filter(|(_, count)| *count > 0);
        let buckets: Vec<_> = filled
            .map(|(bound, count)| (bound.map(micros), count))
            .collect();
        let mut map = serializer.serialize_struct("Histogram", 7)?;
        map.serialize_field("count", &self.count)?;
        map.serialize_field("sum_us", &micros(self.sum))?;
        map.serialize_field("max_us", &micros(self.max))?;
        map.serialize_field("p50_us", &self.quantile(0.5).map(micros))?;
        map.serialize_field("p90_us", &self.quantile(0.9).map(micros))?;
        map.serialize_field("p99_us", &self.quantile(0.99).map(micros))?;
        map.serialize_field("buckets", &buckets)?;
        map.end()
    }
}

/// In whole microseconds, rounded up, so that an upper bound stays one.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse an index out of bounds"
)]
const fn bounds() -> [u64; BOUNDS] {
    const FIRST_US: u64 = 128;
    let mut bounds = [0; BOUNDS];
    let (mut index, mut power, mut quarters) = (0, FIRST_US, 4);
    while index < BOUNDS {
        bounds[index] = power / 4 * quarters;
        (index, quarters) = (index + 1, quarters + 1);
        if quarters == 8 {
            (power, quarters) = (power * 2, 4);
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn of(latencies: &[Duration]) -> Histogram {
        let mut histogram = Histogram::default();
        for latency in latencies {
            histogram.record(*latency);
        }
        histogram
    }

    /// Short ones, long ones, and those at a bound.
    fn latency() -> impl Strategy<Value = Duration> {
        let at_bound = (0..BOUNDS, 0..3_u64).prop_map(|(index, off)| {
            Duration::from_nanos(BOUNDS_US[index] * 1_000 + off)
                .saturating_sub(Duration::from_nanos(1))
        });
        prop_oneof![
            (0..1_000_000_u64).prop_map(Duration::from_nanos),
            (0..200_000_000_u64).prop_map(Duration::from_micros),
            at_bound,
        ]
    }

    #[test]
    fn has_the_bounds_that_are_written_down() {
        assert_eq!(BOUNDS_US[..6], [128, 160, 192, 224, 256, 320]);
        assert_eq!(BOUNDS_US[BOUNDS - 1], 1 << 26);
        assert!(BOUNDS_US.is_sorted_by(|a, b| a < b && b * 4 <= a * 5));
    }

    #[test]
    fn counts_a_latency_at_a_bound_below_it() {
        let bound = Duration::from_micros(160);
        let histogram = of(&[bound, bound + Duration::from_nanos(1)]);
        let filled: Vec<_> = histogram
            .buckets()
            .filter(|(_, count)| *count > 0)
            .collect();
        let next = Duration::from_micros(192);
        assert_eq!(filled, [(Some(bound), 1), (Some(next), 1)]);
    }

    #[test]
    fn has_no_quantile_of_nothing() {
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn takes_a_share_that_is_none_for_the_nearest() {
        let histogram = of(&[Duration::from_micros(100), Duration::from_secs(100)]);
        let (least, most) = (histogram.quantile(0.0), histogram.quantile(1.0));
        assert_eq!(least, Some(Duration::from_micros(128)));
        assert_eq!(most, Some(Duration::from_secs(100)));
        assert_eq!(histogram.quantile(-1.0), least);
        assert_eq!(histogram.quantile(2.0), most);
        assert_eq!(histogram.quantile(f64::NAN), most);
    }

    proptest! {
        #[test]
        fn counts_and_sums_every_record(latencies in vec(latency(), 0..200)) {
            let histogram = of(&latencies);
            prop_assert_eq!(histogram.count(), latencies.len() as u64);
            prop_assert_eq!(histogram.buckets().map(|(_, count)| count).sum::<u64>(), histogram.count());
            prop_assert_eq!(histogram.sum(), latencies.iter().sum::<Duration>());
            prop_assert_eq!(histogram.max(), latencies.iter().max().copied().unwrap_or_default());
        }

        #[test]
        fn bounds_the_true_quantile_by_a_quarter(
            mut latencies in vec(latency(), 1..200),
            q in 0.0..=1.0_f64,
        ) {
            let bound = of(&latencies).quantile(q).expect("latencies");
            latencies.sort_unstable();
            let rank = (q * latencies.len() as f64).ceil().max(1.0) as usize;
            let truth = latencies[rank - 1];
            prop_assert!(truth <= bound, "{truth:?} > {bound:?}");
            let above = truth + truth / 4 + Duration::from_nanos(1);
            let coarse = bound <= Duration::from_micros(128) || truth > Duration::from_micros(1 << 26);
            prop_assert!(coarse || bound <= above, "{bound:?} > {above:?}");
        }

        #[test]
        fn merges_to_the_histogram_of_all(a in vec(latency(), 0..50), b in vec(latency(), 0..50)) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            prop_assert_eq!(merged, of(&[a, b].concat()));
        }

        #[test]
        fn subtracts_what_was_there_earlier(a in vec(latency(), 0..50), b in vec(latency(), 0..50)) {
            let all = of(&[&a[..], &b].concat());
            let after = all.since(&of(&a));
            let expected = of(&b);
            prop_assert_eq!(after.buckets, expected.buckets);
            prop_assert_eq!(after.count(), expected.count());
            prop_assert_eq!(after.sum(), expected.sum());
            prop_assert_eq!(after.max(), all.max());
        }

        #[test]
        fn keeps_count_and_buckets_together_in_any_difference(
            a in vec(latency(), 0..50),
            b in vec(latency(), 0..50),
        ) {
            let difference = of(&a).since(&of(&b));
            let buckets = difference.buckets().map(|(_, count)| count).sum::<u64>();
            prop_assert_eq!(difference.count(), buckets);
        }
    }
}
