//! A log of attempts, in the order in which they were made.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::testkit::traffic::{Endpoint, Service};

/// One attempt of a client, from [`Cloud::attempts`](crate::testkit::Cloud::attempts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecord {
    number: u64,
    host: String,
    endpoint: Option<Endpoint>,
    operation: String,
}

impl AttemptRecord {
    /// Counts the attempts of the cloud from zero, without gaps and never anew.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The host that AWS would have got the request at.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The region of the cloud; none if the host is not one that the cloud answers for.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.endpoint.as_ref().map(|(region, _)| region.as_str())
    }

    /// The service; none if the host is not one that the cloud answers for.
    #[must_use]
    pub fn service(&self) -> Option<Service> {
        self.endpoint.as_ref().map(|(_, service)| *service)
    }

    /// The operation's name in the API: `"Decrypt"`, `"PutItem"`. Empty if the request names none.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }
}

/// The latest attempts.
#[derive(Debug, Default)]
pub(super) struct AttemptLog(Mutex<Latest>);

#[derive(Debug, Default)]
struct Latest {
    records: VecDeque<AttemptRecord>,
    made: u64,
}

/// A long chaos run must not fill the memory with what nobody reads.
const KEPT: usize = 100_000;

impl AttemptLog {
    pub(super) fn add(&self, host: &str, endpoint: Option<&Endpoint>, operation: &str) {
        let mut latest = self.lock();
        if latest.records.len() == KEPT {
            latest.records.pop_front();
        }
        let number = latest.made;
        latest.made += 1;
        latest.records.push_back(AttemptRecord {
            number,
            host: host.to_owned(),
            endpoint: endpoint.cloned(),
            operation: operation.to_owned(),
        });
    }

    pub(super) fn all(&self) -> Vec<AttemptRecord> {
        self.lock().records.iter().cloned().collect()
    }

    pub(super) fn take(&self) -> Vec<AttemptRecord> {
        std::mem::take(&mut self.lock().records).into()
    }

    fn lock(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_latest_and_numbers_all() {
        let log = AttemptLog::default();
        let endpoint = ("us-east-1".to_owned(), Service::Kms);
        for _ in 0..KEPT + 2 {
            log.add("kms.us-east-1.amazonaws.com", Some(&endpoint), "Decrypt");
        }
        let numbers = |records: &[AttemptRecord]| {
            let ends = (records.first(), records.last());
            ends.0.zip(ends.1).map(|(a, b)| (a.number, b.number))
        };
        assert_eq!(numbers(&log.all()), Some((2, 100_001)));
        assert_eq!(log.take().len(), KEPT);
        assert!(log.all().is_empty());
        log.add("elsewhere", None, "");
        assert_eq!(numbers(&log.all()), Some((100_002, 100_002)));
    }
}
