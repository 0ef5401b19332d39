//! The health of one service in one region, as this process has seen it.
//!
//! Every attempt that goes out begins here and ends here, so that breaker, budget and observers see each
//! one exactly once, also those that nobody waited for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::SharedTimeSource;

use super::breaker::{Admission, Breaker, Ticket, Verdict};
use super::latencies::Latencies;
use super::policy::HealthPolicy;
use super::retry_budget::RetryTokens;
use super::share::Share;
use crate::crypto::random::{Random, SystemRandom};
use crate::error::FaultClass;
use crate::observe::{BreakerEvent, BreakerState, CallEvent, CallOutcome, Event, Observers};
use crate::observe::{RetryEvent, Service};

/// One service in one region.
pub(crate) struct Health {
    service: Service,
    region: String,
    clock: SharedTimeSource,
    attempt_timeout: Duration,
    observers: Observers,
    state: Mutex<State>,
}

struct State {
    breaker: Breaker,
    tokens: RetryTokens,
    share: Share,
    latencies: Latencies,
}

/// Why an attempt was not made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CircuitOpen {
    pub(crate) retry_after: Duration,
}

impl Health {
    pub(super) fn new(
        service: Service,
        region: &str,
        clock: SharedTimeSource,
        policy: &HealthPolicy,
        observers: Observers,
    ) -> Self {
        Self {
            service,
            region: region.to_owned(),
            clock,
            attempt_timeout: policy.attempt_timeout,
            observers,
            state: Mutex::new(State {
                breaker: Breaker::new(policy.breaker.clone()),
                tokens: RetryTokens::new(policy.retry_budget.clone()),
                share: Share::new(),
                latencies: Latencies::new(),
            }),
        }
    }

    /// Begins an attempt, unless the circuit breaker is open.
    pub(crate) fn begin(&self, operation: &'static str) -> Result<Attempt<'_>, CircuitOpen> {
        let now = self.clock.now();
        match self.change(|state| state.breaker.admit(now)) {
            Admission::Go(ticket) => Ok(Attempt {
                health: self,
                operation,
                begun: now,
                ticket: Some(ticket),
            }),
            Admission::Refused { retry_after } => Err(CircuitOpen { retry_after }),
        }
    }

    /// Whether an attempt would be refused.
    pub(crate) fn is_open(&self) -> bool {
        let now = self.clock.now();
        self.lock().breaker.is_open(now)
    }

    /// Takes a retry from the budget, if one is left.
    pub(crate) fn may_retry(&self) -> bool {
        let now = self.clock.now();
        let granted = self.lock().tokens.take(now);
        self.observers.emit(&Event::Retry(RetryEvent {
            service: self.service,
            region: &self.region,
            granted,
        }));
        granted
    }

    /// Whether a call that another region throttles may move here.
    pub(crate) fn may_spill(&self, share: f64) -> bool {
        let now = self.clock.now();
        self.lock().share.take(share, now)
    }

    /// How long successful calls took lately, at this percentile.
    pub(crate) fn latency(&self, percentile: f64) -> Option<Duration> {
        self.lock().latencies.percentile(percentile)
    }

    fn end(&self, operation: &str, ticket: Ticket, begun: SystemTime, outcome: CallOutcome) {
        let now = self.clock.now();
        let latency = now.duration_since(begun).unwrap_or_default();
        let verdict = self.verdict(outcome, latency);
        self.change(|state| {
            state.breaker.record(ticket, verdict, now, jitter());
            if matches!(outcome, CallOutcome::Ok | CallOutcome::ConditionFailed) {
                state.tokens.succeeded(now);
                state.share.succeeded(now);
                state.latencies.record(latency);
            }
        });
        self.observers.emit(&Event::Call(CallEvent {
            service: self.service,
            region: &self.region,
            operation,
            outcome,
            latency,
        }));
    }

    /// What an outcome says of the region. Only unavailability speaks against it; whoever answers is well.
    fn verdict(&self, outcome: CallOutcome, latency: Duration) -> Verdict {
        match outcome {
            CallOutcome::Fault(FaultClass::Unavailable) => Verdict::Unwell,
            // Nobody waits any more, and had waited for long: a deadline is shorter than the time-out.
            CallOutcome::Abandoned if latency >= self.attempt_timeout / 2 => Verdict::Unwell,
            // Never sent, or answered by something that is not the service.
            CallOutcome::Abandoned
            | CallOutcome::Fault(FaultClass::Caller | FaultClass::InvalidResponse) => {
                Verdict::Unknown
            }
            CallOutcome::Ok | CallOutcome::ConditionFailed | CallOutcome::Fault(_) => Verdict::Well,
        }
    }

    /// Changes the state, and tells if that opened or closed the breaker.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (changed, before, after) = {
            let mut state = self.lock();
            let before = state.breaker.state();
            let changed = change(&mut state);
            (changed, before, state.breaker.state())
        };
        if before != after {
            self.tell(after);
        }
        changed
    }

    fn tell(&self, state: BreakerState) {
        let (service, region) = (self.service, self.region.as_str());
        tracing::warn!(
            service = service.as_str(),
            region,
            state = state.as_str(),
            "circuit breaker"
        );
        self.observers.emit(&Event::Breaker(BreakerEvent {
            service,
            region,
            state,
        }));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt on its way. One that is dropped before it ended was abandoned.
pub(crate) struct Attempt<'a> {
    health: &'a Health,
    operation: &'static str,
    begun: SystemTime,
    ticket: Option<Ticket>,
}

impl Attempt<'_> {
    pub(crate) fn end(mut self, outcome: CallOutcome) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: CallOutcome) {
        if let Some(ticket) = self.ticket.take() {
            self.health.end(self.operation, ticket, self.begun, outcome);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.finish(CallOutcome::Abandoned);
    }
}

/// Between 0 and 1; the middle if there is no randomness.
fn jitter() -> f64 {
    let mut byte = [u8::MAX / 2];
    let _ = SystemRandom.fill(&mut byte);
    f64::from(byte[0]) / f64::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_smithy_async::time::TimeSource;

    use super::*;
    use crate::observe;
    use crate::region::BreakerPolicy;

    #[derive(Clone, Debug, Default)]
    struct Clock(Arc<Mutex<Duration>>);

    impl Clock {
        fn pass(&self, duration: Duration) {
            *self.0.lock().unwrap() += duration;
        }
    }

    impl TimeSource for Clock {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + *self.0.lock().unwrap()
        }
    }

    struct Watched {
        clock: Clock,
        told: Arc<Mutex<Vec<String>>>,
        health: Health,
    }

    const TIMEOUT: Duration = Duration::from_secs(2);

    fn watched(failures: u32) -> Watched {
        let (clock, told) = (Clock::default(), Arc::<Mutex<Vec<String>>>::default());
        let heard = Arc::clone(&told);
        let listen = move |event: &Event<'_>| {
            heard.lock().unwrap().push(match event {
                Event::Call(call) => {
                    format!("{} {} {:?}", call.operation, call.outcome, call.latency)
                }
                Event::Breaker(breaker) => breaker.state.to_string(),
                other => format!("{other:?}"),
            });
        };
        let policy = HealthPolicy::new().attempt_timeout(TIMEOUT);
        let policy = policy.breaker(BreakerPolicy::new().failures(failures).successes(1));
        let observers = Observers::new(vec![Arc::new(observe::from_fn(listen))]);
        let source = SharedTimeSource::new(clock.clone());
        Watched {
            health: Health::new(Service::Kms, "eu-west-1", source, &policy, observers),
            clock,
            told,
        }
    }

    impl Watched {
        fn told(&self) -> Vec<String> {
            std::mem::take(&mut self.told.lock().unwrap())
        }

        fn fail(&self, class: FaultClass) {
            let attempt = self.health.begin("Decrypt").ok().unwrap();
            attempt.end(CallOutcome::Fault(class));
        }
    }

    #[test]
    fn tells_of_each_attempt_once_with_its_latency() {
        let watched = watched(1);
        let attempt = watched.health.begin("Decrypt").ok().unwrap();
        watched.clock.pass(Duration::from_millis(7));
        attempt.end(CallOutcome::Ok);
        drop(watched.health.begin("DescribeKey"));
        assert_eq!(
            watched.told(),
            ["Decrypt ok 7ms", "DescribeKey abandoned 0ns"]
        );
    }

    #[test]
    fn opens_and_closes_and_says_so() {
        let watched = watched(2);
        (0..2).for_each(|_| watched.fail(FaultClass::Unavailable));
        assert!(watched.health.is_open());
        let refused = watched.health.begin("Decrypt").err().unwrap();
        assert!(refused.retry_after >= Duration::from_secs(5));
        watched.clock.pass(refused.retry_after);
        assert!(!watched.health.is_open());
        let probe = watched.health.begin("Decrypt").ok().unwrap();
        assert!(watched.health.is_open(), "one probe at a time");
        probe.end(CallOutcome::Ok);
        let told = watched.told();
        let states: Vec<_> = told.iter().filter(|told| !told.contains(' ')).collect();
        assert_eq!(states, ["open", "half_open", "closed"]);
    }

    #[test]
    fn takes_every_answer_for_a_sign_of_life() {
        let watched = watched(2);
        for class in [
            FaultClass::Throttled,
            FaultClass::Denied,
            FaultClass::InvalidCiphertext,
            FaultClass::Conflict,
        ] {
            watched.fail(FaultClass::Unavailable);
            watched.fail(class);
            assert!(!watched.health.is_open(), "{class}");
        }
        watched.fail(FaultClass::Unavailable);
        watched.fail(FaultClass::Caller);
        watched.fail(FaultClass::Unavailable);
        assert!(
            watched.health.is_open(),
            "a mistake of the caller says nothing"
        );
    }

    /// A deadline may be shorter than the time-out of an attempt; then no attempt ever times out.
    #[test]
    fn counts_an_attempt_that_was_given_up_after_long_enough() {
        let watched = watched(1);
        let short = watched.health.begin("Decrypt");
        watched.clock.pass(TIMEOUT / 2 - Duration::from_millis(1));
        drop(short);
        assert!(!watched.health.is_open());
        let long = watched.health.begin("Decrypt");
        watched.clock.pass(TIMEOUT / 2);
        drop(long);
        assert!(watched.health.is_open());
    }
}
