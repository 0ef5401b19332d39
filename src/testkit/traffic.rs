//! What was asked of whom: attempts, by operation, and how many at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A service that a [`Cloud`](crate::testkit::Cloud) serves in every region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Amazon DynamoDB, and the streams of its tables.
    DynamoDb,
    /// AWS Key Management Service.
    Kms,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "DynamoDB",
            Self::Kms => "KMS",
        })
    }
}

/// A service in a region.
pub(super) type Endpoint = (String, Service);

/// The counters of every endpoint. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic(Arc<Mutex<BTreeMap<Endpoint, Counters>>>);

#[derive(Debug, Default)]
struct Counters {
    by_operation: BTreeMap<String, usize>,
    in_flight: usize,
    max_in_flight: usize,
}

impl Traffic {
    /// Counts one attempt, which is in flight until the answer is dropped.
    pub(super) fn begin(&self, endpoint: &Endpoint, operation: &str) -> InFlight {
        let mut all = self.lock();
        let counters = all.entry(endpoint.clone()).or_default();
        *counters
            .by_operation
            .entry(operation.to_owned())
            .or_default() += 1;
        counters.in_flight += 1;
        counters.max_in_flight = counters.max_in_flight.max(counters.in_flight);
        InFlight {
            traffic: self.clone(),
            endpoint: endpoint.clone(),
        }
    }

    pub(super) fn calls(&self, endpoint: &Endpoint) -> usize {
        let all = self.lock();
        all.get(endpoint)
            .map_or(0, |counters| counters.by_operation.values().sum())
    }

    pub(super) fn calls_of(&self, endpoint: &Endpoint, operation: &str) -> usize {
        let all = self.lock();
        let counted = all
            .get(endpoint)
            .and_then(|counters| counters.by_operation.get(operation));
        counted.copied().unwrap_or(0)
    }

    pub(super) fn max_in_flight(&self, endpoint: &Endpoint) -> usize {
        self.lock()
            .get(endpoint)
            .map_or(0, |counters| counters.max_in_flight)
    }

    /// Forgets all counts; what is in flight stays so.
    pub(super) fn reset(&self) {
        for counters in self.lock().values_mut() {
            counters.by_operation.clear();
            counters.max_in_flight = counters.in_flight;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Endpoint, Counters>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt without an answer yet.
#[derive(Debug)]
pub(super) struct InFlight {
    traffic: Traffic,
    endpoint: Endpoint,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(counters) = self.traffic.lock().get_mut(&self.endpoint) {
            counters.in_flight = counters.in_flight.saturating_sub(1);
        }
    }
}
