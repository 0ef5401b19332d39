//! The circuit breaker: whether a region is asked at all.
//!
//! A state machine over outcomes and times. It reads no clock and draws no randomness: both are
//! arguments, and the clock may step.

use std::time::{Duration, SystemTime};

use crate::observe::BreakerState;

/// When a region that fails is no longer asked, and when it is tried again.
///
/// There is one circuit breaker for each region and service. Only failures that say something of the
/// region count: no connection, no answer in time, an answer that it is not well. Refusals, throttling
/// and mistakes of the caller do not.
///
/// * *Closed*: calls go out. After [`failures`](Self::failures) failures in a row, it opens.
/// * *Open*: no call goes out, for [`open_for`](Self::open_for) and up to a fifth more, at random, so
///   that not all processes come back at once ([`jitter`](Self::jitter)).
/// * *Half-open*: [`probes`](Self::probes) calls at the same time go out. After
///   [`successes`](Self::successes) successful ones it closes; at the first that fails it opens for
///   twice as long as before, up to [`max_open_for`](Self::max_open_for).
///
/// ```
/// use std::time::Duration;
///
/// use dynaseal::region::BreakerPolicy;
///
/// let policy = BreakerPolicy::new().failures(3).open_for(Duration::from_secs(2));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug)]
pub struct BreakerPolicy {
    /// None never opens.
    failures: Option<u32>,
    open_for: Duration,
    max_open_for: Duration,
    jitter: f64,
    probes: u32,
    successes: u32,
}

impl BreakerPolicy {
    /// The longest that [`open_for`](Self::open_for) and [`max_open_for`](Self::max_open_for) may be: a
    /// day. What is longer is taken for this.
    pub const LONGEST_OPEN: Duration = Duration::from_secs(24 * 60 * 60);

    /// The defaults: 5 failures open it, for 5 s and at most 60 s; 1 probe at a time, and 2 successful ones
    /// close it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            failures: Some(5),
            open_for: Duration::from_secs(5),
            max_open_for: Duration::from_secs(60),
            jitter: 0.2,
            probes: 1,
            successes: 2,
        }
    }

    /// Switched off: every call goes out. Setting [`failures`](Self::failures) switches it on again.
    #[must_use]
    pub fn never_opens() -> Self {
        Self {
            failures: None,
            ..Self::new()
        }
    }

    /// How many failures in a row open it, at least 1. Default: 5.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = Some(failures.max(1));
        self
    }

    /// How long it is open at first. Doubles at each probe that fails. Default: 5 s.
    #[must_use]
    pub fn open_for(mut self, period: Duration) -> Self {
        self.open_for = period.min(Self::LONGEST_OPEN);
        self
    }

    /// How long it is open at most before a call tries the region again, but for the
    /// [`jitter`](Self::jitter).
    /// Default: 60 s.
    #[must_use]
    pub fn max_open_for(mut self, period: Duration) -> Self {
        self.max_open_for = period.min(Self::LONGEST_OPEN);
        self
    }

    /// How much longer it may be open, at random: a share of the period, 0 to 1. Default: 0.2.
    ///
    /// Without any, all processes that saw a region fail come back to it at once. A test that must go the
    /// same way each time wants it like that.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// How many calls at the same time try a region again, at least 1. Default: 1.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes.max(1);
        self
    }

    /// How many of those calls must succeed before it closes, at least 1. Default: 2.
    #[must_use]
    pub fn successes(mut self, successes: u32) -> Self {
        self.successes = successes.max(1);
        self
    }

    /// How long it is open the first time, without jitter.
    fn first_period(&self) -> Duration {
        self.open_for.min(self.max_open_for)
    }

    /// How long it is open after it was open for `period`, without jitter.
    fn period_after(&self, period: Duration) -> Duration {
        period.saturating_mul(2).min(self.max_open_for)
    }

    /// `period`, and the jitter, of which `jitter` is the part that chance has chosen.
    fn stretched(&self, period: Duration, jitter: f64) -> Duration {
        let most = period.mul_f64(part(self.jitter));
        period.saturating_add(most.mul_f64(part(jitter)))
    }
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// The circuit breaker of one service in one region.
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    state: State,
    /// Counts changes of state. What began under another says nothing of this one.
    generation: u64,
    /// Probes on their way, also those of earlier generations: they are load on the region all the same.
    probing: u32,
}

#[derive(Clone, Copy)]
enum State {
    Closed {
        /// Since the last success.
        failures: u32,
    },
    Open {
        until: SystemTime,
        /// Without jitter.
        period: Duration,
    },
    HalfOpen {
        successes: u32,
        /// How long it was open before.
        period: Duration,
    },
}

/// Whether a call may go out.
#[must_use]
pub(crate) enum Admission {
    /// It may. The ticket must come back by [`Breaker::record`], whatever becomes of the call.
    Go(Ticket),
    /// Not before `retry_after` has passed.
    Refused { retry_after: Duration },
}

/// A call on its way.
#[must_use = "a probe that is never recorded keeps its slot"]
pub(crate) struct Ticket {
    generation: u64,
    probe: bool,
}

/// What the end of a call says of the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered.
    Well,
    /// It did not, or said that it is not well.
    Unwell,
    /// Nothing: nobody waited for the call any more, or it failed before it was sent.
    Unknown,
}

impl Breaker {
    pub(crate) fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            state: State::Closed { failures: 0 },
            generation: 0,
            probing: 0,
        }
    }

    /// Lets a call out, or not. The first one after an open period makes the breaker half-open.
    pub(crate) fn admit(&mut self, now: SystemTime) -> Admission {
        if let State::Open { until, period } = self.state
            && self.time_until(until, now).is_none()
        {
            self.enter(State::HalfOpen {
                successes: 0,
                period,
            });
        }
        if let Some(retry_after) = self.refusal(now) {
            return Admission::Refused { retry_after };
        }
        let probe = matches!(self.state, State::HalfOpen { .. });
        if probe {
            self.probing = self.probing.saturating_add(1);
        }
        Admission::Go(Ticket {
            generation: self.generation,
            probe,
        })
    }

    /// Takes the end of a call into account. `jitter`, from 0 to 1, is how much of the policy's jitter an open
    /// period is stretched by.
    pub(crate) fn record(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        now: SystemTime,
        jitter: f64,
    ) {
        if ticket.probe {
            self.probing = self.probing.saturating_sub(1);
        }
        if ticket.generation != self.generation {
            return;
        }
        match (verdict, self.state) {
            // No call of this generation is on its way while it is open.
            (Verdict::Unknown, _) | (_, State::Open { .. }) => {}
            (Verdict::Well, State::Closed { .. }) => self.state = State::Closed { failures: 0 },
            (Verdict::Unwell, State::Closed { failures }) => {
                let failures = failures.saturating_add(1);
                self.state = State::Closed { failures };
                if self.policy.failures.is_some_and(|most| failures >= most) {
                    self.open(self.policy.first_period(), now, jitter);
                }
            }
            (Verdict::Well, State::HalfOpen { successes, period }) => {
                let successes = successes.saturating_add(1);
                self.state = State::HalfOpen { successes, period };
                if successes >= self.policy.successes {
                    self.enter(State::Closed { failures: 0 });
                }
            }
            (Verdict::Unwell, State::HalfOpen { period, .. }) => {
                self.open(self.policy.period_after(period), now, jitter);
            }
        }
    }

    /// The state that the last call left behind: an open period that is over is still open.
    pub(crate) fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Whether a call would be refused.
    pub(crate) fn is_open(&self, now: SystemTime) -> bool {
        self.refusal(now).is_some()
    }

    /// For how long calls are refused, if they are.
    fn refusal(&self, now: SystemTime) -> Option<Duration> {
        if let State::Closed { .. } = self.state {
            return None;
        }
        if let State::Open { until, .. } = self.state
            && let Some(left) = self.time_until(until, now)
        {
            return Some(left);
        }
        // When a probe ends, nobody knows.
        (self.probing >= self.policy.probes).then(|| self.policy.first_period())
    }

    /// How long it is until then; `None` if that has passed.
    ///
    /// Nor can it be further away than the longest open period, unless the clock was set back. It would be
    /// open for as long as that then; rather let a call through early.
    fn time_until(&self, until: SystemTime, now: SystemTime) -> Option<Duration> {
        let left = until.duration_since(now).ok()?;
        let longest = self.policy.stretched(self.policy.max_open_for, 1.0);
        (!left.is_zero() && left <= longest).then_some(left)
    }

    fn open(&mut self, period: Duration, now: SystemTime, jitter: f64) {
        // A time that cannot be represented is no reason to refuse calls.
        let until = now
            .checked_add(self.policy.stretched(period, jitter))
            .unwrap_or(now);
        self.enter(State::Open { until, period });
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation = self.generation.wrapping_add(1);
    }
}

/// Between 0 and 1. Not `clamp`, which lets through what is not a number.
fn part(part: f64) -> f64 {
    if part > 0.0 { part.min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests;
