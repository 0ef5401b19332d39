//! A write, sent until its outcome is known.
//!
//! The SDK's retries are off: after a lost answer they would meet the write's own effect and report a
//! conflict. The same bytes are sent again instead, and a failed condition is compared with
//! what was sent: a sealed item has a footer that no other item has.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::call::{Missed, Request, circuit_open, once};
use super::core::Core;
use super::deadline::Deadline;
use super::error::{CircuitOpen, OperationError, OutcomeUnknown, SdkFailure};
use super::footer;
use super::returned::{self, WriteError};
use crate::item::Item;
use crate::region::write_fault::WriteFault;
use crate::region::{Backoff, Member};

/// How one write is sent.
pub(super) struct Attempts<'a> {
    member: &'a Member,
    deadline: &'a Deadline,
    own_footer: Option<AttributeValue>,
    repeat: Repeat,
}

/// After which failures a write is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// After a lost answer too: applied twice it is as if applied once.
    Always,
    /// Only if it certainly was not applied.
    IfNotApplied,
    /// As `Always`, and what the last attempt met is the outcome: whether a lost answer stood for a
    /// success is not asked.
    Blindly,
    /// As `Always`, but another region's write to the item ends it: there is a newer item to read.
    UntilDisplaced,
}

impl Repeat {
    /// Of a put or a delete: without a condition, what it replaces the second time is its own doing.
    pub(super) fn of_replacing(is_conditional: bool, answer_matters: bool) -> Self {
        if is_conditional || answer_matters {
            Self::unless(answer_matters)
        } else {
            Self::Blindly
        }
    }

    /// Not after a lost answer, if the answer is what was asked for.
    pub(super) fn unless(answer_matters: bool) -> Self {
        if answer_matters {
            Self::IfNotApplied
        } else {
            Self::Always
        }
    }
}

/// How a write ended well.
#[derive(Debug)]
pub(super) enum Answer<O> {
    /// The service said so.
    Given(O),
    /// The answer was lost, and the item is there.
    Recognised,
}

impl<O> Answer<O> {
    /// What the service answered, if that was not lost.
    pub(super) fn output(self) -> Option<O> {
        match self {
            Self::Given(output) => Some(output),
            Self::Recognised => None,
        }
    }

    /// The same answer in other words.
    pub(super) fn map<P>(self, map: impl FnOnce(O) -> P) -> Answer<P> {
        match self {
            Self::Given(output) => Answer::Given(map(output)),
            Self::Recognised => Answer::Recognised,
        }
    }

    /// What the service answered, or a blank answer.
    pub(super) fn output_or(self, blank: impl FnOnce() -> O) -> O {
        self.output().unwrap_or_else(blank)
    }
}

/// How a write failed.
pub(super) enum Failed<E> {
    /// It was never sent.
    NotSent(CircuitOpen),
    /// It was not applied.
    NotApplied(SdkFailure<E>),
    /// An answer was lost. If the write was sent again and its condition failed then, that is `last`:
    /// the item there is not the one that was sent.
    Unknown {
        lost: SdkFailure<E>,
        last: Option<SdkFailure<E>>,
    },
}

/// The attempts that came before.
struct Before<E> {
    /// The first one that may have been applied.
    lost: Option<SdkFailure<E>>,
    /// The last one that was not, or of which nobody asks.
    refused: Option<SdkFailure<E>>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(member: &'a Member, repeat: Repeat, deadline: &'a Deadline) -> Self {
        Self {
            member,
            deadline,
            own_footer: None,
            repeat,
        }
    }

    /// The footer of the item that is sent, by which it is recognised.
    pub(super) fn of_item(mut self, footer: Option<AttributeValue>) -> Self {
        self.own_footer = footer;
        self
    }

    /// Sends until the outcome is known, as often as the caller's configuration has attempts and the
    /// region's budget has retries.
    pub(super) async fn send<R>(&self, request: &R) -> Result<Answer<R::Output>, Failed<R::Error>>
    where
        R: Request,
        R::Error: WriteError,
    {
        let mut backoff = Backoff::new(self.member.sleep());
        let mut left = self.member.dynamodb_max_attempts();
        let mut before = Before {
            lost: None,
            refused: None,
        };
        loop {
            left = left.saturating_sub(1);
            let error = match self.deadline.run(once(self.member, request)).await {
                Ok(Ok(output)) => return Ok(Answer::Given(output)),
                Ok(Err(Missed::NotAsked(open))) => {
                    return Err(before.not_asked(circuit_open(self.member, open)));
                }
                Ok(Err(Missed::Failed(error, _))) => error,
                // It is on its way, and may yet arrive.
                Err(exceeded) => {
                    left = 0;
                    SdkError::timeout_error(exceeded)
                }
            };
            if left == 0
                || !self.repeats(&error)
                || !self.member.dynamodb_health().may_retry()
                || self.deadline.run(backoff.wait()).await.is_err()
            {
                return self.ended(before.lost, error);
            }
            let slot = match before.lost {
                None if self.leaves_open(&error) => &mut before.lost,
                _ => &mut before.refused,
            };
            *slot = Some(self.failure(error));
        }
    }

    fn repeats<E: WriteError>(&self, error: &SdkError<E, HttpResponse>) -> bool {
        match returned::write_fault(error) {
            WriteFault::Open => self.repeat != Repeat::IfNotApplied,
            WriteFault::Transient => true,
            WriteFault::OtherRegion => self.repeat != Repeat::UntilDisplaced,
            WriteFault::Final => false,
        }
    }

    /// Whether the write may have been applied, and that matters.
    fn leaves_open<E: WriteError>(&self, error: &SdkError<E, HttpResponse>) -> bool {
        self.repeat != Repeat::Blindly && returned::write_fault(error) == WriteFault::Open
    }

    /// What the last failure says, in view of the first lost answer.
    fn ended<O, E: WriteError>(
        &self,
        lost: Option<SdkFailure<E>>,
        error: SdkError<E, HttpResponse>,
    ) -> Result<Answer<O>, Failed<E>> {
        let condition = returned::failed_condition(&error);
        let is_condition = condition.is_some();
        let stored = condition.flatten().and_then(footer);
        if stored.is_some() && stored == self.own_footer.as_ref() {
            return Ok(Answer::Recognised);
        }
        let is_open = self.leaves_open(&error);
        let failure = self.failure(error);
        Err(match lost {
            Some(lost) => Failed::Unknown {
                lost,
                last: is_condition.then_some(failure),
            },
            None if is_open => Failed::Unknown {
                lost: failure,
                last: None,
            },
            None => Failed::NotApplied(failure),
        })
    }

    fn failure<E>(&self, error: SdkError<E, HttpResponse>) -> SdkFailure<E> {
        SdkFailure::new(error, self.member.region())
    }
}

impl<E> Before<E> {
    /// The region is not asked any more: what is known is what was known before.
    fn not_asked(self, open: CircuitOpen) -> Failed<E> {
        match (self.lost, self.refused) {
            (Some(lost), _) => Failed::Unknown { lost, last: None },
            (None, Some(refused)) => Failed::NotApplied(refused),
            (None, None) => Failed::NotSent(open),
        }
    }
}

impl<E: WriteError> Failed<E> {
    /// For a write that may be applied twice, what its last attempt met is its outcome.
    pub(super) fn into_last_attempt_if(self, idempotent: bool) -> Self {
        match self {
            Self::Unknown {
                last: Some(last), ..
            } if idempotent => Self::NotApplied(last),
            other => other,
        }
    }

    /// The error for the caller, with the stored item opened.
    pub(super) async fn into_error(self, core: &Core, key: &Item) -> OperationError<E> {
        match self {
            Self::NotSent(open) => open.into(),
            Self::NotApplied(failure) => {
                if let Some(Some(stored)) = returned::failed_condition(failure.error())
                    && let Err(mismatch) = core.encryptor().check_tenant_of(stored)
                {
                    return mismatch.into();
                }
                let found = returned::open_stored(core, key, &failure).await;
                failure.with_item(found).into()
            }
            Self::Unknown { lost, last } => {
                let found = match &last {
                    Some(last) => returned::open_stored(core, key, last).await,
                    None => None,
                };
                OutcomeUnknown::new(lost, found).into()
            }
        }
    }
}
