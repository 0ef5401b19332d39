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
