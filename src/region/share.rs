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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + Duration::from_millis(millis)
    }

    /// After so many successful calls at `at(0)`.
    fn after(successes: usize) -> Share {
        let mut share = Share::new();
        for _ in 0..successes {
            share.succeeded(at(0));
        }
        share
    }

    fn taken(share: &mut Share, part: f64, now: SystemTime) -> usize {
        (0..1000).take_while(|_| share.take(part, now)).count()
    }

    #[test]
    fn lets_one_move_each_second_where_nothing_succeeded() {
        let mut share = Share::new();
        let moved = (0..10_000).filter(|millis| share.take(1.0, at(*millis)));
        assert_eq!(moved.count(), 10);
        assert_eq!(taken(&mut Share::new(), 0.0, at(0)), 1);
    }

    #[test]
    fn lets_a_share_of_the_successful_calls_move() {
        for (part, expected) in [
            (0.1, 20),
            (0.999, 199),
            (1.0, 200),
            (7.0, 200),
            (0.0, 1),
            (-1.0, 1),
            (f64::NAN, 1),
        ] {
            assert_eq!(taken(&mut after(200), part, at(0)), expected, "{part}");
        }
    }

    #[test]
    fn counts_those_that_moved_for_a_minute() {
        let mut share = after(200);
        assert_eq!(taken(&mut share, 0.1, at(0)), 20);
        for second in 1..60 {
            share.succeeded(at(1000 * second));
            assert_eq!(taken(&mut share, 0.1, at(1000 * second)), 1);
        }
        // 59 succeeded and 79 moved in the last minute.
        assert_eq!(taken(&mut share, 0.1, at(60_000)), 1);
        for _ in 0..941 {
            share.succeeded(at(60_000));
        }
        assert_eq!(taken(&mut share, 0.1, at(60_999)), 20);
        assert_eq!(taken(&mut share, 0.1, at(61_000)), 19);
    }

    #[test]
    fn forgets_successful_calls_after_a_minute() {
        assert_eq!(taken(&mut after(200), 1.0, at(59_999)), 200);
        assert_eq!(taken(&mut after(200), 1.0, at(60_000)), 1);
    }

    #[test]
    fn grants_nothing_for_a_clock_that_is_set_back() {
        let mut share = after(100);
        assert_eq!(taken(&mut share, 0.5, at(0)), 50);
        for step in 1..100 {
            let earlier = at(0) - Duration::from_secs(10 * step);
            assert_eq!(taken(&mut share, 0.5, earlier), 0);
        }
        // Time goes on from there.
        let now = at(0) - Duration::from_secs(990 - 1);
        assert_eq!(taken(&mut share, 0.5, now), 1);
    }

    #[test]
    fn keeps_a_minute_however_long_it_lives() {
        let mut share = Share::new();
        for second in 0..10_000 {
            share.succeeded(at(1000 * second));
            assert!(share.seconds.len() <= KEPT);
        }
        assert_eq!(taken(&mut share, 1.0, at(9_999_999)), 60);
        share.succeeded(at(u64::MAX / 4));
        assert_eq!(share.seconds.len(), KEPT);
        assert_eq!(taken(&mut share, 1.0, at(u64::MAX / 4)), 1);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Take(u32),
        Succeeded(u32),
        Wait(u64),
        SetBack(u64),
    }

    fn step(set_back: u32) -> impl Strategy<Value = Step> {
        let wait = prop_oneof![0..300_u64, 0..40_000_u64, select(&[1000, 60_000][..])];
        prop_oneof![
            5 => (1..20_u32).prop_map(Step::Take),
            4 => (1..50_u32).prop_map(Step::Succeeded),
            4 => wait.prop_map(Step::Wait),
            set_back => (0..100_000_u64).prop_map(Step::SetBack),
        ]
    }

    /// How many of them lie in the minute that ends at `end`.
    fn in_minute(times: &[u64], end: u64) -> u32 {
        let in_it = times.iter().filter(|time| **time + 60_000 > end);
        u32::try_from(in_it.count()).unwrap()
    }

    proptest! {
        #[test]
        fn lets_no_more_than_its_share_of_a_minute_move(
            per_mille in 0..=1000_u32,
            steps in vec(step(0), 0..100),
        ) {
            let part = f64::from(per_mille) / 1000.0;
            // Seconds are counted from the first call.
            let mut share = after(1);
            let mut now = 0;
            let (mut succeeded, mut moved) = (vec![0], Vec::new());
            for step in steps {
                match step {
                    Step::Take(times) => for _ in 0..times {
                        let is_first = moved.last().is_none_or(|last| last + 1000 <= now);
                        if share.take(part, at(now)) {
                            moved.push(now);
                            let count = in_minute(&moved, now);
                            let allowed = in_minute(&succeeded, now) * per_mille / 1000;
                            // At least one each second: 61 seconds are touched by a minute.
                            prop_assert!(count <= allowed || second_began(&moved));
                        } else {
                            prop_assert!(!is_first, "one each second");
                        }
                    },
                    Step::Succeeded(times) => for _ in 0..times {
                        share.succeeded(at(now));
                        succeeded.push(now);
                    },
                    Step::Wait(millis) | Step::SetBack(millis) => now += millis,
                }
            }
        }

        #[test]
        fn lets_no_more_than_its_share_of_all_move_whatever_the_clock_does(
            per_mille in 0..=1000_u32,
            steps in vec(step(2), 0..200),
        ) {
            let mut share = Share::new();
            let (mut clock, mut passed) = (3_600_000_000, 0);
            let (mut succeeded, mut moved) = (0, 0);
            for step in steps {
                match step {
                    Step::Take(times) => {
                        let part = f64::from(per_mille) / 1000.0;
                        let granted = (0..times).filter(|_| share.take(part, at(clock)));
                        moved += granted.count() as u64;
                    }
                    Step::Succeeded(times) => for _ in 0..times {
                        share.succeeded(at(clock));
                        succeeded += 1;
                    },
                    Step::Wait(millis) => {
                        clock += millis;
                        passed += millis;
                    }
                    Step::SetBack(millis) => clock -= millis,
                }
                let allowed = succeeded * u64::from(per_mille) / 1000;
                prop_assert!(moved <= allowed + passed / 1000 + 1);
            }
        }
    }

    /// Whether nothing moved in the same second before the last one.
    fn second_began(moved: &[u64]) -> bool {
        match moved {
            [.., before, last] => before / 1000 < last / 1000,
            _ => true,
        }
    }
}
