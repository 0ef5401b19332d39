//! Where requests may go when the local region fails, and what is thought of a region's health.

use std::time::Duration;

use super::{BreakerPolicy, RetryBudget};
use crate::error::FaultClass;

/// When a multi-Region keyring asks KMS in the next region of its set.
///
/// The default is [`never`](Self::never): nothing leaves the local region. What a key's owner may have
/// meant is never gone around: a refusal, a disabled key, a ciphertext that was changed and a mistake of
/// the caller stay failures in every policy. A replica that is missing may be a decision about residency,
/// so it has [a switch of its own](Self::on_replica_missing).
///
/// ```
/// use dynaseal::region::KmsFallback;
///
/// let policy = KmsFallback::on_unavailable_or_throttled().max_share(0.05).on_replica_missing();
/// # let _ = policy;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KmsFallback {
    on: On,
    share: f64,
    on_replica_missing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    Never,
    Unavailable,
    UnavailableOrThrottled,
}

impl KmsFallback {
    /// The share of throttled calls that may move, unless told otherwise.
    pub const DEFAULT_MAX_SHARE: f64 = 0.1;

    const fn new(on: On) -> Self {
        Self {
            on,
            share: Self::DEFAULT_MAX_SHARE,
            on_replica_missing: false,
        }
    }

    /// Never: the local region or none.
    #[must_use]
    pub const fn never() -> Self {
        Self::new(On::Never)
    }

    /// When the region does not answer, or answers that it is not well, or its circuit breaker is open.
    #[must_use]
    pub const fn on_unavailable() -> Self {
        Self::new(On::Unavailable)
    }

    /// The same, and when the region still throttles after every retry: for a share of calls, so that a
    /// storm in one region does not become one in the next.
    #[must_use]
    pub const fn on_unavailable_or_throttled() -> Self {
        Self::new(On::UnavailableOrThrottled)
    }

    /// How many throttled calls may move: a share, 0 to 1, of the successful calls that this process made
    /// in the region they move to, in the last minute, and one each second besides. Default: 0.1.
    #[must_use]
    pub const fn max_share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Also when the key has no replica in the region. Default: not.
    #[must_use]
    pub const fn on_replica_missing(mut self) -> Self {
        self.on_replica_missing = true;
        self
    }

    /// Whether a failure of this class may go to the next region.
    pub(crate) fn allows(self, class: FaultClass) -> bool {
        match class {
            FaultClass::Unavailable => self.on >= On::Unavailable,
            FaultClass::Throttled => self.on == On::UnavailableOrThrottled,
            FaultClass::ReplicaMissing | FaultClass::ReplicaCreating => self.on_replica_missing,
            FaultClass::Denied
            | FaultClass::Disabled
            | FaultClass::WrongKey
            | FaultClass::InvalidCiphertext
            | FaultClass::Conflict
            | FaultClass::InvalidResponse
            | FaultClass::Caller => false,
        }
    }

    /// Whether any failure may.
    pub(crate) fn is_never(self) -> bool {
        self.on == On::Never && !self.on_replica_missing
    }

    pub(crate) fn share(self) -> f64 {
        self.share
    }
}

impl Default for KmsFallback {
    fn default() -> Self {
        Self::never()
    }
}

/// How long an attempt may take, and what failures do to later ones, in each region and for each service
/// by itself.
///
/// ```
/// use std::time::Duration;
///
/// use dynaseal::region::{BreakerPolicy, HealthPolicy, RetryBudget};
///
/// let policy = HealthPolicy::new()
///     .attempt_timeout(Duration::from_millis(800))
///     .breaker(BreakerPolicy::new().failures(3))
///     .retry_budget(RetryBudget::new().capacity(50));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug)]
pub struct HealthPolicy {
    pub(super) attempt_timeout: Duration,
    pub(super) breaker: BreakerPolicy,
    pub(super) retry_budget: RetryBudget,
}

impl HealthPolicy {
    /// How long an attempt may take, unless told otherwise.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            attempt_timeout: Self::DEFAULT_ATTEMPT_TIMEOUT,
            breaker: BreakerPolicy::new(),
            retry_budget: RetryBudget::new(),
        }
    }

    /// How long one attempt may take before it counts as unavailable, where the SDK's configuration has no
    /// `operation_attempt_timeout` of its own. Default: 3 s.
    ///
    /// A region that hangs costs the first callers this much, before they go to the next region or fail.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// When a region is not asked for a while.
    #[must_use]
    pub fn breaker(mut self, breaker: BreakerPolicy) -> Self {
        self.breaker = breaker;
        self
    }

    /// How many retries there may be. How often one request is sent is the SDK configuration's
    /// `max_attempts`.
    #[must_use]
    pub fn retry_budget(mut self, budget: RetryBudget) -> Self {
        self.retry_budget = budget;
        self
    }
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
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

    fn allowed(policy: KmsFallback) -> Vec<FaultClass> {
        CLASSES.into_iter().filter(|c| policy.allows(*c)).collect()
    }

    #[test]
    fn lets_nothing_through_that_somebody_may_have_meant() {
        use FaultClass::{ReplicaCreating, ReplicaMissing, Throttled, Unavailable};
        assert_eq!(allowed(KmsFallback::default()), []);
        assert!(KmsFallback::default().is_never());
        assert_eq!(allowed(KmsFallback::on_unavailable()), [Unavailable]);
        let throttled = KmsFallback::on_unavailable_or_throttled();
        assert_eq!(allowed(throttled), [Unavailable, Throttled]);
        let missing = KmsFallback::never().on_replica_missing();
        assert_eq!(allowed(missing), [ReplicaCreating, ReplicaMissing]);
        assert!(!missing.is_never());
        assert_eq!(
            allowed(throttled.on_replica_missing()),
            [Unavailable, Throttled, ReplicaCreating, ReplicaMissing]
        );
    }
}
