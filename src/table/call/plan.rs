//! Where the next attempt of one read goes, and when: a pure state machine over failures.
//!
//! A region that does not answer costs one attempt where there is another region, and is asked again
//! where there is none. It is the sibling of the one that keyrings follow.

use crate::error::FaultClass;

/// Why an attempt brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The circuit breaker is open, so there was no attempt.
    NotAsked,
    Class(FaultClass),
}

impl Failure {
    /// Whether the next region may be asked for it.
    pub(super) fn may_move(self) -> bool {
        matches!(self, Self::NotAsked | Self::Class(FaultClass::Unavailable))
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask the same region again, after a backoff.
    Again,
    NextRegion,
    Stop,
}

/// One read on its way through the regions that it may ask.
pub(super) struct Plan {
    max_attempts: u32,
    regions_left: usize,
    attempts_here: u32,
}

impl Plan {
    /// `regions` counts the one that is asked first.
    pub(super) fn new(regions: usize, max_attempts: u32) -> Self {
        Self {
            max_attempts,
            regions_left: regions.saturating_sub(1),
            attempts_here: 0,
        }
    }

    /// What to do after the region that was asked now has failed. `may_retry` takes a retry in it.
    pub(super) fn after(&mut self, failure: Failure, may_retry: impl FnOnce() -> bool) -> Step {
        let class = match failure {
            Failure::NotAsked => return self.next_region(),
            Failure::Class(class) => class,
        };
        self.attempts_here += 1;
        match class {
            FaultClass::Unavailable if self.regions_left > 0 => self.next_region(),
            // Of reads, those in transactions meet conflicts.
            FaultClass::Unavailable | FaultClass::Throttled | FaultClass::Conflict => {
                self.again(may_retry)
            }
            _ => Step::Stop,
        }
    }

    fn again(&self, may_retry: impl FnOnce() -> bool) -> Step {
        if self.attempts_here < self.max_attempts && may_retry() {
            Step::Again
        } else {
            Step::Stop
        }
    }

    fn next_region(&mut self) -> Step {
        if self.regions_left == 0 {
            return Step::Stop;
        }
        self.regions_left -= 1;
        self.attempts_here = 0;
        Step::NextRegion
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLASSES: [FaultClass; 11] = [
        FaultClass::Unavailable,
        FaultClass::Throttled,
        FaultClass::Denied,
        FaultClass::Disabled,
        FaultClass::ReplicaCreating,
        FaultClass::ReplicaMissing,
        FaultClass::WrongKey,
        FaultClass::InvalidCiphertext,
        FaultClass::Conflict,
        FaultClass::InvalidResponse,
        FaultClass::Caller,
    ];

    fn steps(regions: usize, class: FaultClass, may_retry: bool) -> Vec<Step> {
        let mut plan = Plan::new(regions, 3);
        let step = || plan.after(Failure::Class(class), || may_retry);
        let mut steps: Vec<Step> = std::iter::repeat_with(step).take(20).collect();
        let end = steps.iter().position(|step| *step == Step::Stop).unwrap();
        steps.truncate(end + 1);
        steps
    }

    #[test]
    fn asks_an_unavailable_region_once_where_there_is_another() {
        use Step::{Again, NextRegion, Stop};
        let found = |regions, may_retry| steps(regions, FaultClass::Unavailable, may_retry);
        assert_eq!(found(3, true), [NextRegion, NextRegion, Again, Again, Stop]);
        assert_eq!(found(1, true), [Again, Again, Stop]);
        assert_eq!(found(1, false), [Stop]);
        assert_eq!(found(2, false), [NextRegion, Stop]);
    }

    #[test]
    fn leaves_a_region_for_nothing_else() {
        use Step::{Again, Stop};
        for class in CLASSES {
            let expected = match class {
                FaultClass::Unavailable => continue,
                FaultClass::Throttled | FaultClass::Conflict => vec![Again, Again, Stop],
                _ => vec![Stop],
            };
            assert_eq!(steps(3, class, true), expected, "{class}");
        }
    }

    #[test]
    fn goes_on_from_an_open_breaker_as_from_an_outage_and_spends_no_retry() {
        let mut plan = Plan::new(2, 3);
        let spent = || panic!("a retry of a region that is not asked");
        assert_eq!(plan.after(Failure::NotAsked, spent), Step::NextRegion);
        assert_eq!(plan.after(Failure::NotAsked, spent), Step::Stop);
    }

    proptest! {
        /// Whatever happens in whatever order.
        #[test]
        fn asks_each_region_once_but_one_and_that_one_as_often_as_configured(
            regions in 1..4_usize,
            attempts in 1..5_u32,
            failures in proptest::collection::vec(proptest::sample::select(&CLASSES[..]), 40),
        ) {
            let mut plan = Plan::new(regions, attempts);
            let (mut moves, mut sent) = (0, 0);
            for class in failures {
                sent += 1;
                match plan.after(Failure::Class(class), || true) {
                    Step::Stop => break,
                    Step::NextRegion => {
                        prop_assert_eq!(class, FaultClass::Unavailable);
                        moves += 1;
                    }
                    Step::Again => {}
                }
            }
            prop_assert!(moves < regions);
            prop_assert!(sent <= attempts * u32::try_from(regions).unwrap());
        }
    }
}
