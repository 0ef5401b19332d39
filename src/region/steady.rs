//! Time that does not run backwards, made of a clock that may step.

use std::time::{Duration, SystemTime};

/// Measures how far a clock has moved forwards since it was last asked.
///
/// Several threads read the clock first and come here after that, in any order, so a reading may be a
/// little older than the one before. Following it back would count the same time twice. A clock that is
/// further behind was set back, and time goes on from there.
pub(super) struct Steady {
    last: Option<SystemTime>,
}

/// More than what lies between reading the clock and coming here.
const DISORDER: Duration = Duration::from_secs(5);

impl Steady {
    pub(super) fn new() -> Self {
        Self { last: None }
    }

    /// Whole milliseconds since the last call; the rest is counted the next time.
    pub(super) fn advance(&mut self, now: SystemTime) -> u64 {
        let Some(last) = self.last else {
            self.last = Some(now);
            return 0;
        };
        match now.duration_since(last) {
            Ok(passed) => {
                let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
                let counted = last.checked_add(Duration::from_millis(millis));
                self.last = Some(counted.unwrap_or(now));
                millis
            }
            Err(behind) => {
                if behind.duration() > DISORDER {
                    self.last = Some(now);
                }
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000 + millis)
    }

    #[test]
    fn counts_from_the_first_reading() {
        let mut steady = Steady::new();
        assert_eq!(steady.advance(at(500)), 0);
        assert_eq!(steady.advance(at(1700)), 1200);
        assert_eq!(steady.advance(at(1700)), 0);
    }

    #[test]
    fn loses_no_part_of_a_millisecond() {
        let mut steady = Steady::new();
        let passed = (0..=10_000).map(|step| at(0) + Duration::from_micros(300) * step);
        assert_eq!(passed.map(|now| steady.advance(now)).sum::<u64>(), 3000);
    }

    #[test]
    fn counts_no_time_twice_when_readings_come_out_of_order() {
        let mut steady = Steady::new();
        let mut readings = Vec::new();
        for step in 0..1000 {
            readings.extend([at(5000 + step), at(step)]);
        }
        let passed = readings.into_iter().map(|now| steady.advance(now));
        assert_eq!(passed.sum::<u64>(), 999);
    }

    #[test]
    fn goes_on_from_where_a_clock_was_set_back_to() {
        let mut steady = Steady::new();
        assert_eq!(steady.advance(at(3_600_000)), 0);
        assert_eq!(steady.advance(at(0)), 0);
        assert_eq!(steady.advance(at(1000)), 1000);
    }
}
