//! The breaker beside what its documentation says, over any outcomes and times.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Admit,
    /// One of the calls on their way ends.
    Record(Index, Verdict, f64),
    Wait(Duration),
    /// The clock is set, and no time passes.
    SetForward(Duration),
    SetBack(Duration),
}

/// Tenths of a second, so that a fifth of each is exact.
fn tenths(most: u64) -> impl Strategy<Value = Duration> {
    (0..=most).prop_map(|tenths| Duration::from_millis(100 * tenths))
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![
        4 => Just(Verdict::Unwell),
        3 => Just(Verdict::Well),
        1 => Just(Verdict::Unknown),
    ];
    let record = (any::<Index>(), verdict, select(&[0.0, 0.5, 1.0][..]));
    prop_oneof![
        6 => Just(Step::Admit),
        6 => record.prop_map(|(call, verdict, jitter)| Step::Record(call, verdict, jitter)),
        2 => tenths(20).prop_map(Step::Wait),
        2 => tenths(200).prop_map(Step::Wait),
        1 => tenths(200).prop_map(Step::SetForward),
        1 => tenths(2000).prop_map(Step::SetBack),
    ]
}

#[derive(Clone, Debug)]
struct Numbers {
    failures: u32,
    open_for: Duration,
    max_open_for: Duration,
    probes: usize,
    successes: u32,
}

prop_compose! {
    fn numbers()(
        failures in 1..4_u32,
        open_for in tenths(50),
        max_open_for in tenths(200),
        probes in 1..4_usize,
        successes in 1..4_u32,
    ) -> Numbers {
        Numbers { failures, open_for, max_open_for, probes, successes }
    }
}

/// What was seen of a breaker from outside, and what follows from it.
struct Watch {
    numbers: Numbers,
    breaker: Breaker,
    clock: SystemTime,
    /// The calls on their way, each with the number of state changes before it.
    calls: Vec<(Ticket, usize, bool)>,
    changes: usize,
    /// Of calls that began after the last change.
    verdicts: Vec<Verdict>,
    /// How often it opened since it was closed.
    openings: u32,
    /// By the clock, at the last opening.
    until: SystemTime,
    /// That has passed in truth since it opened, or since the first call after the clock was set back.
    waited: Duration,
    was_set_back: bool,
}

impl Watch {
    fn new(numbers: Numbers) -> Self {
        let policy = BreakerPolicy::new()
            .failures(numbers.failures)
            .open_for(numbers.open_for)
            .max_open_for(numbers.max_open_for)
            .probes(u32::try_from(numbers.probes).unwrap())
            .successes(numbers.successes);
        Self {
            numbers,
            breaker: Breaker::new(policy),
            clock: at(0),
            calls: Vec::new(),
            changes: 0,
            verdicts: Vec::new(),
            openings: 0,
            until: at(0),
            waited: Duration::ZERO,
            was_set_back: false,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Admit => self.admit(),
            Step::Record(call, verdict, jitter) => self.record(call, verdict, jitter),
            Step::Wait(time) => {
                self.clock += time;
                self.waited += time;
            }
            Step::SetForward(time) => self.clock += time,
            Step::SetBack(time) => {
                self.clock -= time;
                self.was_set_back = true;
            }
        }
    }

    fn longest(&self) -> Duration {
        self.numbers.max_open_for * 6 / 5
    }

    fn probing(&self) -> usize {
        self.calls.iter().filter(|(_, _, probe)| *probe).count()
    }

    /// Whether the period is over, or further from its end than any period is long.
    fn is_over(&self) -> bool {
        self.clock >= self.until || self.clock + self.longest() < self.until
    }

    /// The state in which a call that comes now is admitted or not.
    fn state_for_call(&mut self) -> BreakerState {
        if std::mem::take(&mut self.was_set_back) {
            self.waited = Duration::ZERO;
        }
        match self.breaker.state() {
            BreakerState::Open if self.is_over() => BreakerState::HalfOpen,
            BreakerState::Open => {
                assert!(self.waited < self.longest(), "open for too long");
                BreakerState::Open
            }
            same => same,
        }
    }

    fn admit(&mut self) {
        let before = self.breaker.state();
        let state = self.state_for_call();
        let goes = match state {
            BreakerState::Closed => true,
            BreakerState::Open => false,
            BreakerState::HalfOpen => self.probing() < self.numbers.probes,
        };
        assert_eq!(self.breaker.is_open(self.clock), !goes);
        assert_eq!(self.breaker.state(), before, "asking changes nothing");
        let admission = self.breaker.admit(self.clock);
        assert_eq!(self.breaker.state(), state);
        if state != before {
            self.changed();
        }
        match admission {
            Admission::Go(ticket) => {
                assert!(goes, "admitted while {state}");
                let probe = state == BreakerState::HalfOpen;
                self.calls.push((ticket, self.changes, probe));
            }
            Admission::Refused { retry_after } => {
                assert!(!goes, "refused while {state}");
                assert!(retry_after <= self.longest());
            }
        }
        assert!(self.probing() <= self.numbers.probes);
    }

    fn record(&mut self, call: Index, verdict: Verdict, jitter: f64) {
        if self.calls.is_empty() {
            return;
        }
        let (ticket, began, _) = self.calls.swap_remove(call.index(self.calls.len()));
        let before = self.breaker.state();
        if began == self.changes {
            self.verdicts.push(verdict);
        }
        let expected = match before {
            BreakerState::Closed if self.last_failures() >= self.numbers.failures => {
                BreakerState::Open
            }
            BreakerState::HalfOpen if self.count(Verdict::Unwell) > 0 => BreakerState::Open,
            BreakerState::HalfOpen if self.count(Verdict::Well) >= self.numbers.successes => {
                BreakerState::Closed
            }
            same => same,
        };
        self.breaker.record(ticket, verdict, self.clock, jitter);
        assert_eq!(self.breaker.state(), expected, "{verdict:?} while {before}");
        if expected == before {
            return;
        }
        self.changed();
        if expected == BreakerState::Open {
            self.opened(jitter);
        } else {
            self.openings = 0;
        }
    }

    fn changed(&mut self) {
        self.changes += 1;
        self.verdicts.clear();
    }

    fn opened(&mut self, jitter: f64) {
        let period = self
            .numbers
            .open_for
            .saturating_mul(1 << self.openings.min(20));
        let period = period.min(self.numbers.max_open_for);
        self.until = self.clock + period + (period / 5).mul_f64(jitter);
        self.openings += 1;
        self.waited = Duration::ZERO;
        self.was_set_back = false;
    }

    fn count(&self, verdict: Verdict) -> u32 {
        let same = self.verdicts.iter().filter(|other| **other == verdict);
        u32::try_from(same.count()).unwrap()
    }

    fn last_failures(&self) -> u32 {
        let mut known: Vec<_> = self.verdicts.clone();
        known.retain(|verdict| *verdict != Verdict::Unknown);
        let last = known.rsplit(|verdict| *verdict == Verdict::Well).next();
        u32::try_from(last.unwrap().len()).unwrap()
    }
}

proptest! {
    #[test]
    fn does_what_its_documentation_says(numbers in numbers(), steps in vec(step(), 0..300)) {
        let mut watch = Watch::new(numbers);
        for step in steps {
            watch.step(step);
        }
    }

    #[test]
    fn comes_back_to_a_region_that_is_well_whatever_was_before(
        numbers in numbers(),
        steps in vec(step(), 0..100),
    ) {
        let successes = numbers.successes;
        let mut watch = Watch::new(numbers);
        for step in steps {
            watch.step(step);
        }
        watch.admit();
        for (ticket, _, _) in std::mem::take(&mut watch.calls) {
            watch.breaker.record(ticket, Verdict::Unknown, watch.clock, 0.0);
        }
        let now = watch.clock + watch.longest();
        for _ in 0..successes {
            call(&mut watch.breaker, Verdict::Well, now);
        }
        prop_assert_eq!(watch.breaker.state(), BreakerState::Closed);
    }
}
