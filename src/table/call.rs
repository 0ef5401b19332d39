//! How this room asks DynamoDB: by way of [`once`], as often and where [`Route`] decides for reads, and
//! [`Attempts`](super::attempt::Attempts) for writes.

mod plan;
mod race;
mod route;

pub(super) use self::route::{Response, Route};
use super::error::{CircuitOpen, OperationError, SdkFailure};
use crate::observe::Service;
use crate::region::Member;
pub(super) use crate::region::call::{Missed, Request, Sent, once};
use crate::region::health;

/// The same for the caller's eyes.
pub(super) fn circuit_open(member: &Member, open: health::CircuitOpen) -> CircuitOpen {
    CircuitOpen::new(member.region(), Service::DynamoDb, open.retry_after)
}

/// Why a request was not answered, in the end.
pub(super) enum Unanswered<E> {
    /// No region was asked.
    CircuitOpen(CircuitOpen),
    Sdk(SdkFailure<E>),
}

impl<E> From<Unanswered<E>> for OperationError<E> {
    fn from(unanswered: Unanswered<E>) -> Self {
        match unanswered {
            Unanswered::CircuitOpen(open) => open.into(),
            Unanswered::Sdk(failure) => failure.into(),
        }
    }
}
