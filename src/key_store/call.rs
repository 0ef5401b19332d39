//! Asking one region's DynamoDB, and what its failures mean to a key store.

use std::error::Error;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::record::{self, Place};
use crate::error::{FaultClass, KeyStoreError, KeyStoreErrorKind};
use crate::observe::CallOutcome;
use crate::region::call::{Missed, Request, once};
use crate::region::{Backoff, Member};

/// How often a region is asked that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Once: there is another one.
    Once,
    /// As often as the caller's configuration has attempts, and the region's budget retries.
    Retries,
}

/// Asks until there is an answer, or no attempt is left.
pub(super) async fn ask<R: Request>(
    member: &Member,
    request: &R,
    patience: Patience,
) -> Result<R::Output, KeyStoreError> {
    let mut backoff = Backoff::new(member.sleep());
    let mut left = member.dynamodb_max_attempts();
    loop {
        left = left.saturating_sub(1);
        let (error, class) = match once(member, request).await {
            Ok(output) => return Ok(output),
            Err(Missed::NotAsked(_)) => return Err(not_asked(member)),
            Err(Missed::Failed(error, outcome)) => (error, class_of(outcome)),
        };
        let again = match class {
            FaultClass::Throttled | FaultClass::Conflict => true,
            FaultClass::Unavailable => patience == Patience::Retries,
            _ => false,
        };
        if left == 0 || !again || !member.dynamodb_health().may_retry() {
            return Err(failed(member, class, error));
        }
        backoff.wait().await;
    }
}

/// One record, or none.
pub(super) async fn get(
    member: &Member,
    table: &str,
    (id, place): (&str, Place),
    consistent: bool,
    patience: Patience,
) -> Result<GetItemOutput, KeyStoreError> {
    let [(id_name, id), (type_name, sort)] = record::key(id, place);
    let input = GetItemInput::builder().table_name(table);
    let input = input.key(id_name, id).key(type_name, sort);
    // Left out where it is the default, as others leave it out.
    let input = input.set_consistent_read(consistent.then_some(true));
    ask(member, &input, patience).await
}

pub(super) fn class_of(outcome: CallOutcome) -> FaultClass {
    match outcome {
        CallOutcome::Fault(class) => class,
        _ => FaultClass::Caller,
    }
}

pub(super) fn not_asked(member: &Member) -> KeyStoreError {
    KeyStoreError::new(KeyStoreErrorKind::CircuitOpen).in_region(member.region())
}

pub(super) fn failed<E>(
    member: &Member,
    class: FaultClass,
    error: SdkError<E, HttpResponse>,
) -> KeyStoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let failed = KeyStoreError::of_dynamodb(class).in_region(member.region());
    failed.with_source(error)
}
