//! Answers that did not come, although nothing was wrong with the request.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::observe::Service;

/// A request that was not sent: the region failed so often just now that its circuit breaker is open.
///
/// See [`BreakerPolicy`](crate::region::BreakerPolicy).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitOpen {
    region: String,
    service: Service,
    retry_after: Duration,
}

impl CircuitOpen {
    pub(in crate::table) fn new(region: &str, service: Service, retry_after: Duration) -> Self {
        Self {
            region: region.to_owned(),
            service,
            retry_after,
        }
    }

    /// The region that is not asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The service that is not asked.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// When the region is tried again, at the earliest.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "circuit breaker of {} in {} is open for {:?}",
            self.service, self.region, self.retry_after
        )
    }
}

impl Error for CircuitOpen {}

/// A fallback region has nothing under a key, and the local region did not answer.
///
/// Replicas lag: the item may have been written already, and not have come there yet. Whoever can live
/// with that says so by `accept_absent_in_fallback`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentInFallback {
    region: String,
    local_region: String,
}

impl AbsentInFallback {
    pub(in crate::table) fn new(region: &str, local_region: &str) -> Self {
        Self {
            region: region.to_owned(),
            local_region: local_region.to_owned(),
        }
    }

    /// The region that answered.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The region that did not.
    #[must_use]
    pub fn local_region(&self) -> &str {
        &self.local_region
    }
}

impl fmt::Display for AbsentInFallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "nothing is there in {}, which may lag behind {}",
            self.region, self.local_region
        )
    }
}

impl Error for AbsentInFallback {}

/// An operation took longer than it may, and was given up.
///
/// Nothing of it was written: a write that may have been is an
/// [`OutcomeUnknown`](crate::table::OutcomeUnknown) instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadlineExceeded {
    after: Duration,
}

impl DeadlineExceeded {
    pub(in crate::table) fn new(after: Duration) -> Self {
        Self { after }
    }

    /// How long it was allowed to take.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not done within {:?}", self.after)
    }
}

impl Error for DeadlineExceeded {}
