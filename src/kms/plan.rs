//! Where the next attempt of one request goes, and when: a pure state machine over failures.
//!
//! A region that does not answer costs one attempt where the policy has another region, and is asked
//! again where it has none. What somebody may have meant ends the request.

use std::time::Duration;

use crate::error::FaultClass;
use crate::region::KmsFallback;

/// How often, and after how long, a replica that is being created is asked again. Of the attempts that
/// an item may cost, one is left for another region.
const CREATING: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(2500)];

/// Why an attempt brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The circuit breaker is open, so there was no attempt.
    NotAsked,
    Class(FaultClass),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask the same region again, after a backoff.
    Again,
    /// Ask the same region again, after this time.
    After(Duration),
    /// Ask the next region.
    NextRegion,
    Stop,
}

/// What the regions' health has to say.
pub(super) trait Gates {
    /// Takes a retry in the region that is asked now.
    fn may_retry(&self) -> bool;
    /// Takes a place for a throttled call in the next region.
    fn may_spill(&self, share: f64) -> bool;
}

/// One request on its way through the regions.
pub(super) struct Plan {
    fallback: KmsFallback,
    max_attempts: u32,
    regions_left: usize,
    attempts_here: u32,
    waits: std::slice::Iter<'static, Duration>,
}

impl Plan {
    /// `regions` counts the one that is asked first.
    pub(super) fn new(fallback: KmsFallback, regions: usize, max_attempts: u32) -> Self {
        Self {
            fallback,
            max_attempts,
            regions_left: regions.saturating_sub(1),
            attempts_here: 0,
            waits: CREATING.iter(),
        }
    }

    /// What to do after the region that was asked now has failed.
    pub(super) fn after(&mut self, failure: Failure, gates: &impl Gates) -> Step {
        let class = match failure {
            Failure::NotAsked => return self.next_region(FaultClass::Unavailable),
            Failure::Class(class) => class,
        };
        self.attempts_here += 1;
        match class {
            FaultClass::Unavailable if self.has_next(class) => self.next_region(class),
            FaultClass::Unavailable => self.again(gates),
            FaultClass::Throttled => match self.again(gates) {
                Step::Stop if self.may_spill(gates) => self.next_region(class),
                step => step,
            },
            FaultClass::ReplicaCreating => match self.waits.next() {
                Some(wait) => Step::After(*wait),
                None => self.next_region(class),
            },
            class => self.next_region(class),
        }
    }

    fn again(&self, gates: &impl Gates) -> Step {
        if self.attempts_here < self.max_attempts && gates.may_retry() {
            Step::Again
        } else {
            Step::Stop
        }
    }

    fn has_next(&self, class: FaultClass) -> bool {
        self.regions_left > 0 && self.fallback.allows(class)
    }

    fn may_spill(&self, gates: &impl Gates) -> bool {
        self.has_next(FaultClass::Throttled) && gates.may_spill(self.fallback.share())
    }

    fn next_region(&mut self, class: FaultClass) -> Step {
        if !self.has_next(class) {
            return Step::Stop;
        }
        self.regions_left -= 1;
        self.attempts_here = 0;
        self.waits = CREATING.iter();
        Step::NextRegion
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Open(bool, bool);

    impl Gates for Open {
        fn may_retry(&self) -> bool {
            self.0
        }

        fn may_spill(&self, _: f64) -> bool {
            self.1
        }
    }

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

    fn steps(plan: &mut Plan, class: FaultClass, gates: &Open) -> Vec<Step> {
        let step = || plan.after(Failure::Class(class), gates);
        let mut steps: Vec<Step> = std::iter::repeat_with(step).take(20).collect();
        let end = steps.iter().position(|step| *step == Step::Stop).unwrap();
        steps.truncate(end + 1);
        steps
    }

    const ALL: Open = Open(true, true);

    #[test]
    fn asks_an_unavailable_region_once_where_there_is_another() {
        use Step::{Again, NextRegion, Stop};
        let fallback = KmsFallback::on_unavailable();
        let mut plan = Plan::new(fallback, 3, 3);
        let found = steps(&mut plan, FaultClass::Unavailable, &ALL);
        assert_eq!(found, [NextRegion, NextRegion, Again, Again, Stop]);
        let mut alone = Plan::new(KmsFallback::never(), 3, 3);
        let found = steps(&mut alone, FaultClass::Unavailable, &ALL);
        assert_eq!(found, [Again, Again, Stop]);
        let mut broke = Plan::new(KmsFallback::never(), 3, 3);
        let found = steps(&mut broke, FaultClass::Unavailable, &Open(false, true));
        assert_eq!(found, [Stop]);
    }

    #[test]
    fn moves_a_throttled_call_after_its_retries_and_within_the_share() {
        use Step::{Again, NextRegion, Stop};
        let fallback = KmsFallback::on_unavailable_or_throttled();
        let found = |fallback, gates| {
            steps(
                &mut Plan::new(fallback, 2, 2),
                FaultClass::Throttled,
                &gates,
            )
        };
        assert_eq!(found(fallback, ALL), [Again, NextRegion, Again, Stop]);
        assert_eq!(found(fallback, Open(true, false)), [Again, Stop]);
        assert_eq!(found(fallback, Open(false, true)), [NextRegion, Stop]);
        assert_eq!(found(KmsFallback::on_unavailable(), ALL), [Again, Stop]);
    }

    #[test]
    fn waits_for_a_replica_that_is_being_created_and_then_takes_it_for_missing() {
        let waits = CREATING.map(Step::After);
        let mut stays = Plan::new(KmsFallback::on_unavailable(), 2, 1);
        let found = steps(&mut stays, FaultClass::ReplicaCreating, &ALL);
        assert_eq!(found, [&waits[..], &[Step::Stop]].concat());
        let mut moves = Plan::new(KmsFallback::never().on_replica_missing(), 2, 1);
        let found = steps(&mut moves, FaultClass::ReplicaCreating, &ALL);
        let expected = [&waits[..], &[Step::NextRegion], &waits[..], &[Step::Stop]].concat();
        assert_eq!(found, expected);
    }

    #[test]
    fn goes_on_from_an_open_breaker_as_from_an_outage() {
        let mut plan = Plan::new(KmsFallback::on_unavailable(), 2, 3);
        assert_eq!(plan.after(Failure::NotAsked, &ALL), Step::NextRegion);
        assert_eq!(plan.after(Failure::NotAsked, &ALL), Step::Stop);
        let mut never = Plan::new(KmsFallback::never(), 2, 3);
        assert_eq!(never.after(Failure::NotAsked, &ALL), Step::Stop);
    }

    fn policies() -> impl Strategy<Value = KmsFallback> {
        let bases = prop_oneof![
            Just(KmsFallback::never()),
            Just(KmsFallback::on_unavailable()),
            Just(KmsFallback::on_unavailable_or_throttled()),
        ];
        (bases, any::<bool>()).prop_map(|(base, missing)| match missing {
            true => base.on_replica_missing(),
            false => base,
        })
    }

    fn failures() -> impl Strategy<Value = Failure> {
        prop_oneof![
            Just(Failure::NotAsked),
            proptest::sample::select(&CLASSES[..]).prop_map(Failure::Class),
        ]
    }

    proptest! {
        /// Whatever happens in whatever order.
        #[test]
        fn never_leaves_a_region_but_by_policy(
            fallback in policies(),
            regions in 1..4_usize,
            attempts in 1..5_u32,
            failures in proptest::collection::vec(failures(), 40),
            retry in any::<bool>(),
            spill in any::<bool>(),
        ) {
            let mut plan = Plan::new(fallback, regions, attempts);
            let gates = Open(retry, spill);
            let (mut moves, mut sent) = (0, 0);
            for failure in failures {
                sent += u32::from(failure != Failure::NotAsked);
                match plan.after(failure, &gates) {
                    Step::Stop => break,
                    Step::NextRegion => {
                        moves += 1;
                        let allowed = match failure {
                            Failure::NotAsked => fallback.allows(FaultClass::Unavailable),
                            Failure::Class(FaultClass::Throttled) => {
                                spill && fallback.allows(FaultClass::Throttled)
                            }
                            Failure::Class(class) => fallback.allows(class),
                        };
                        prop_assert!(allowed, "{failure:?}");
                    }
                    Step::Again | Step::After(_) => {}
                }
            }
            prop_assert!(moves < regions);
            prop_assert!(sent <= (attempts + 2) * u32::try_from(regions).unwrap());
        }
    }
}
