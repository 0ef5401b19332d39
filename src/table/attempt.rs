//! A write, sent until its outcome is known.
//!
//! The SDK's retries are off here: after a lost answer they would meet the write's own effect and
//! report a conflict. The same bytes are sent again instead, and a failed condition is compared with
//! what was sent: a sealed item has a footer that no other item has.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::core::Core;
use super::error::{OperationError, OutcomeUnknown, SdkFailure};
use super::footer;
use super::returned::{self, WriteError};
use crate::item::Item;
use crate::region::write_fault::WriteFault;
use crate::region::{Backoff, max_attempts};

/// How one write is sent.
pub(super) struct Attempts<'a> {
    core: &'a Core,
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
    /// As the SDK's retries do, and whether a lost answer stood for a success is not asked.
    AsTheSdk,
    /// As `Always`, but another region's write to the item ends it: there is a newer item to read.
    UntilDisplaced,
}

impl Repeat {
    /// Of a put or a delete: without a condition, what it replaces the second time is its own doing.
    pub(super) fn of_replacing(is_conditional: bool, answer_matters: bool) -> Self {
        if is_conditional || answer_matters {
            Self::unless(answer_matters)
        } else {
            Self::AsTheSdk
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

    /// What the service answered, or a blank answer.
    pub(super) fn output_or(self, blank: impl FnOnce() -> O) -> O {
        self.output().unwrap_or_else(blank)
    }
}

/// How a write failed.
pub(super) enum Failed<E> {
    /// It was not applied.
    NotApplied(SdkFailure<E>),
    /// An answer was lost. If the write was sent again and its condition failed then, that is `last`:
    /// the item there is not the one that was sent.
    Unknown {
        lost: SdkFailure<E>,
        last: Option<SdkFailure<E>>,
    },
}

impl<'a> Attempts<'a> {
    pub(super) fn new(core: &'a Core, repeat: Repeat) -> Self {
        Self {
            core,
            own_footer: None,
            repeat,
        }
    }

    /// The footer of the item that is sent, by which it is recognised.
    pub(super) fn of_item(mut self, footer: Option<AttributeValue>) -> Self {
        self.own_footer = footer;
        self
    }

    /// Sends until the outcome is known, as often as the caller's configuration has attempts.
    pub(super) async fn send<O, E, F>(
        &self,
        mut attempt: impl FnMut(Client) -> F,
    ) -> Result<Answer<O>, Failed<E>>
    where
        E: WriteError,
        F: Future<Output = Result<O, SdkError<E, HttpResponse>>>,
    {
        if self.repeat == Repeat::AsTheSdk {
            let sent = Box::pin(attempt(self.core.dynamodb().clone())).await;
            let sent = sent.map_err(|error| Failed::NotApplied(self.failure(error)));
            return sent.map(Answer::Given);
        }
        let mut backoff = Backoff::new(self.core.dynamodb().config().sleep_impl());
        let mut left = max_attempts(self.core.dynamodb().config().retry_config());
        let mut lost = None;
        loop {
            left = left.saturating_sub(1);
            let error = match Box::pin(attempt(self.core.dynamodb_once().clone())).await {
                Ok(output) => return Ok(Answer::Given(output)),
                Err(error) => error,
            };
            let again = match returned::write_fault(&error) {
                WriteFault::Open => self.repeat != Repeat::IfNotApplied,
                WriteFault::Transient => true,
                WriteFault::OtherRegion => self.repeat != Repeat::UntilDisplaced,
                WriteFault::Final => false,
            };
            if !again || left == 0 {
                return self.ended(lost, error);
            }
            if returned::write_fault(&error) == WriteFault::Open && lost.is_none() {
                lost = Some(self.failure(error));
            }
            backoff.wait().await;
        }
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
        let is_open = returned::write_fault(&error) == WriteFault::Open;
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
        SdkFailure::new(error, self.core.region())
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
            Self::NotApplied(failure) => {
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
