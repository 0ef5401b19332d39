//! Faults under the SDK, and which attempts they strike.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::testkit::batch;
use crate::testkit::traffic::Endpoint;

/// What goes wrong with an attempt.
///
/// A fault strikes every attempt at a service of a region until the region recovers, unless it is
/// narrowed with [`on`](Self::on) or [`times`](Self::times).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is refused: nothing of the request arrives.
    Unavailable,
    /// The HTTP client gives up after this time: nothing of the request arrives.
    Timeout(Duration),
    /// No answer, ever: only the caller's own timeouts end the attempt. Nothing of the request arrives.
    Hang,
    /// The attempt is held for this time and then goes through.
    Latency(Duration),
    /// The service answers this HTTP status with this AWS error code and does nothing, for example
    /// `(400, "ThrottlingException")`.
    Status(u16, &'static str),
    /// The request takes effect and its response is lost.
    LostResponse,
    /// DynamoDB cancels a transaction, because another request is at work on the item of its first
    /// operation. It does nothing. Only `TransactWriteItems` and `TransactGetItems` can be cancelled.
    TransactionConflict,
    /// DynamoDB refuses a write of items, because another region writes one of them; it does nothing.
    /// Only `PutItem`, `UpdateItem`, `DeleteItem` and `BatchWriteItem` are struck.
    ReplicatedWriteConflict,
    /// `BatchGetItem` and `BatchWriteItem` do all but the last so many requests of a batch, and hand
    /// these back as unprocessed. Other operations are not struck.
    Unprocessed(usize),
}

impl Fault {
    /// Restricts the fault to one operation, by its name in the API: `"Decrypt"`, `"PutItem"`.
    pub fn on(self, operation: impl Into<String>) -> FaultRule {
        FaultRule::from(self).on(operation)
    }

    /// Restricts the fault to the next `n` attempts that it applies to.
    pub fn times(self, n: usize) -> FaultRule {
        FaultRule::from(self).times(n)
    }

    /// Whether there is such a fault of this operation.
    fn can_strike(self, operation: &str) -> bool {
        match self {
            Self::Unprocessed(_) => batch::is_batch(operation),
            Self::ReplicatedWriteConflict => matches!(
                operation,
                "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem"
            ),
            _ => true,
        }
    }
}

/// A [`Fault`] and the attempts it strikes.
///
/// ```
/// use dynaseal::testkit::Fault;
///
/// let twice = Fault::Status(400, "ThrottlingException").on("GenerateDataKey").times(2);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a rule does nothing until a region fails with it"]
pub struct FaultRule {
    fault: Fault,
    operation: Option<String>,
    remaining: Option<usize>,
}

impl FaultRule {
    /// Restricts the rule to one operation, by its name in the API.
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Restricts the rule to the next `n` attempts that it applies to.
    pub fn times(mut self, n: usize) -> Self {
        self.remaining = Some(n);
        self
    }

    /// Whether the rule strikes this operation; if so, one of its times is spent.
    fn strike(&mut self, operation: &str) -> bool {
        if self
            .operation
            .as_deref()
            .is_some_and(|only| only != operation)
        {
            return false;
        }
        if !self.fault.can_strike(operation) {
            return false;
        }
        match &mut self.remaining {
            None => true,
            Some(0) => false,
            Some(n) => {
                *n -= 1;
                true
            }
        }
    }
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            operation: None,
            remaining: None,
        }
    }
}

/// The rules in force, oldest first. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct FaultPlan(Arc<Mutex<Vec<(Endpoint, FaultRule)>>>);

impl FaultPlan {
    pub(super) fn add(&self, endpoint: Endpoint, rule: FaultRule) {
        self.lock().push((endpoint, rule));
    }

    pub(super) fn clear(&self, region: &str) {
        self.lock().retain(|((of, _), _)| of != region);
    }

    /// The fault that strikes this attempt: that of the oldest rule which applies and is not spent.
    pub(super) fn strike(&self, endpoint: &Endpoint, operation: &str) -> Option<Fault> {
        self.lock()
            .iter_mut()
            .find_map(|(of, rule)| (of == endpoint && rule.strike(operation)).then_some(rule.fault))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Endpoint, FaultRule)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
