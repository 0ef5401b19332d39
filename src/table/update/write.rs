//! Sends the write of an update, and says how to go on.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;

use super::error::UpdateError;
use super::request;
use super::write_error::{UpdateItem, UpdateTransaction, UpdateWriteError};
use crate::item::Item;
use crate::region::write_fault::WriteFault;
use crate::table::attempt::{Answer, Attempts, Failed};
use crate::table::core::Core;
use crate::table::error::{Refused, SdkFailure};
use crate::table::returned;
use crate::table::token;

/// What the SDK returned for the write.
#[derive(Clone)]
pub(super) enum Sent {
    Update(Box<UpdateItemOutput>),
    Transaction(Box<TransactWriteItemsOutput>),
}

/// How an update goes on after its write.
pub(super) enum Next {
    /// It is written.
    Done(Option<Sent>),
    /// It is not: this is the item now.
    Retry(Item),
    /// It is not: another region is writing, and the item is to be read again.
    ReadAgain,
}

/// What the caller allows after an answer was lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certainty {
    pub(super) idempotent: bool,
    pub(super) exactly_once: bool,
}

type Sending = Result<Answer<Sent>, Failed<UpdateWriteError>>;

/// Sends the update until it is known whether it was written.
pub(super) async fn write(
    core: &Core,
    attempts: &Attempts<'_>,
    key: &Item,
    certainty: Certainty,
    input: UpdateItemInputBuilder,
) -> Result<Next, UpdateError> {
    let sent = if certainty.exactly_once {
        send_transaction(core, attempts, input).await?
    } else {
        send_update(attempts, input).await
    };
    let failed = match sent {
        Ok(answer) => return Ok(Next::Done(answer.output())),
        Err(failed) => failed.into_last_attempt_if(certainty.idempotent),
    };
    match failed {
        Failed::NotApplied(failure) => match next(&failure) {
            Some(next) => next,
            None => Err(Failed::NotApplied(failure)
                .into_error(core, key)
                .await
                .into()),
        },
        failed => Err(failed.into_error(core, key).await.into()),
    }
}

/// Where a write that was not applied leaves the update, unless it failed for good.
fn next(failure: &SdkFailure<UpdateWriteError>) -> Option<Result<Next, UpdateError>> {
    match returned::failed_condition(failure.error()) {
        Some(Some(item)) => Some(Ok(Next::Retry(item.clone()))),
        Some(None) => Some(Err(UpdateError::Deleted)),
        None => {
            let displaced = returned::write_fault(failure.error()) == WriteFault::OtherRegion;
            displaced.then_some(Ok(Next::ReadAgain))
        }
    }
}

async fn send_update(attempts: &Attempts<'_>, input: UpdateItemInputBuilder) -> Sending {
    let answer = attempts.send(&UpdateItem(input)).await?;
    Ok(answer.map(|output| Sent::Update(Box::new(output))))
}

async fn send_transaction(
    core: &Core,
    attempts: &Attempts<'_>,
    input: UpdateItemInputBuilder,
) -> Result<Sending, UpdateError> {
    let input = input
        .build()
        .map_err(|error| Refused::new(error.to_string()))?;
    let input = request::transaction(input)?;
    let begun = core.now();
    let sent = attempts.send(&UpdateTransaction(input)).await;
    let sent = sent.map(|answer| answer.map(|output| Sent::Transaction(Box::new(output))));
    // Under the same token, a transaction that was applied is not tried again but answered again. So
    // one whose condition failed was never applied, as long as the token is remembered.
    let is_remembered = token::is_remembered(begun, core.now());
    Ok(sent.map_err(|failed| failed.into_last_attempt_if(is_remembered)))
}
