//! Writing the records of a branch key, all or none.
//!
//! After a lost answer the same bytes are sent again under the same token. What remains in doubt then, a
//! read settles: the sort key of a new version is random, so that its row is there only if it is ours.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsInput,
};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::call::{Patience, class_of, failed, get, not_asked};
use super::names::{ENC, ID};
use super::record::{self, Place, Record};
use super::{BranchKeyVersion, KeyStore, KeyStoreError, KeyStoreErrorKind};
use crate::crypto::random::{Random as _, SystemRandom};
use crate::region::call::{Missed, once};
use crate::region::cancelled::{CancellationCode, is_transient, reasons};
use crate::region::write_fault::WriteFault;
use crate::region::{Backoff, Member};

/// As DB-ESDK names them.
const ID_NAME: &str = "#BranchKeyIdentifierField";
const ENC_NAME: &str = "#enc";
const OLD_ENC: &str = ":encOld";

/// What a record must meet where it is written.
pub(super) enum Condition<'a> {
    /// Nothing.
    Absent,
    /// The record that it was made from, by its wrapped key.
    Unchanged(&'a [u8]),
}

/// The writes of one branch key, that happen together or not at all.
pub(super) struct Transaction<'a> {
    store: &'a KeyStore,
    id: &'a str,
    /// Of the version that is new, which nobody else has.
    version: BranchKeyVersion,
    operations: Vec<TransactWriteItem>,
    /// The new version, as it is wrapped.
    own: &'a [u8],
}

/// How a transaction failed.
enum Failed {
    /// A condition failed; an answer may have been lost before.
    Condition { erased: bool, was_lost: bool },
    /// It was not applied.
    NotApplied(KeyStoreError),
    /// It may have been.
    Unknown(KeyStoreError),
}

impl<'a> Transaction<'a> {
    /// `version` is the record of the version that is new.
    pub(super) fn new(
        store: &'a KeyStore,
        id: &'a str,
        version: BranchKeyVersion,
        record: &'a Record,
    ) -> Result<Self, KeyStoreError> {
        let new = Self {
            store,
            id,
            version,
            operations: Vec::new(),
            own: &record.enc,
        };
        new.put(record, &Condition::Absent)
    }

    pub(super) fn put(
        mut self,
        record: &Record,
        condition: &Condition<'_>,
    ) -> Result<Self, KeyStoreError> {
        let put = Put::builder().table_name(&self.store.0.table_name);
        let attributes = record.attributes();
        let put = attributes.fold(put, |put, (name, value)| put.item(name, value));
        let put = put.expression_attribute_names(ID_NAME, ID);
        let put = match condition {
            Condition::Absent => {
                put.condition_expression(format!("attribute_not_exists({ID_NAME})"))
            }
            Condition::Unchanged(enc) => put
                .expression_attribute_names(ENC_NAME, ENC)
                .expression_attribute_values(OLD_ENC, AttributeValue::B(Blob::new(*enc)))
                .condition_expression(format!(
                    "attribute_exists({ID_NAME}) AND {ENC_NAME} = {OLD_ENC}"
                )),
        };
        let put = put.build().map_err(unbuilt)?;
        self.operations
            .push(TransactWriteItem::builder().put(put).build());
        Ok(self)
    }

    /// Writes, unless the branch key was erased. `taken` is what a failed condition means.
    pub(super) async fn send(self, taken: KeyStoreErrorKind) -> Result<(), KeyStoreError> {
        let home = self.store.home_member()?;
        let erased = self.operations.len();
        let input = self.input()?;
        let refused = |kind| Err(KeyStoreError::new(kind).in_region(home.region()));
        match attempt(home, &input, erased).await {
            Ok(()) => Ok(()),
            Err(Failed::NotApplied(error)) => Err(error),
            Err(Failed::Condition { was_lost, .. }) if was_lost && self.is_there(home).await? => {
                Ok(())
            }
            Err(Failed::Condition { erased: true, .. }) => refused(KeyStoreErrorKind::Erased),
            Err(Failed::Condition { erased: false, .. }) => refused(taken),
            Err(Failed::Unknown(lost)) => match self.is_there(home).await {
                Ok(true) => Ok(()),
                // It may yet arrive.
                Ok(false) | Err(_) => Err(unknown(home, lost)),
            },
        }
    }

    fn input(&self) -> Result<TransactWriteItemsInputBuilder, KeyStoreError> {
        let check = ConditionCheck::builder().table_name(&self.store.0.table_name);
        let key = record::key(self.id, Place::Erased);
        let check = key
            .into_iter()
            .fold(check, |check, (name, value)| check.key(name, value));
        let check = check
            .condition_expression(format!("attribute_not_exists({ID_NAME})"))
            .expression_attribute_names(ID_NAME, ID);
        let check = check.build().map_err(unbuilt)?;
        let check = TransactWriteItem::builder().condition_check(check).build();
        let operations = self.operations.iter().cloned().chain([check]).collect();
        Ok(TransactWriteItemsInput::builder()
            .set_transact_items(Some(operations))
            .client_request_token(token()?))
    }

    /// Whether the new version is in the table, and so all that was written with it.
    async fn is_there(&self, home: &Member) -> Result<bool, KeyStoreError> {
        let (table, place) = (&self.store.0.table_name, Place::Version(self.version));
        let found = get(home, table, (self.id, place), true, Patience::Retries);
        let found = found.await.map_err(|error| unknown(home, error))?;
        let Some(item) = found.item() else {
            return Ok(false);
        };
        Ok(Record::parse(self.id, place, item)?.enc == self.own)
    }
}

/// Sends until the outcome is known, or no attempt is left.
async fn attempt(
    home: &Member,
    input: &TransactWriteItemsInputBuilder,
    erased: usize,
) -> Result<(), Failed> {
    let mut backoff = Backoff::new(home.sleep());
    let mut left = home.dynamodb_max_attempts();
    let mut lost = None;
    loop {
        left = left.saturating_sub(1);
        let (error, outcome) = match once(home, input).await {
            Ok(_) => return Ok(()),
            Err(Missed::NotAsked(_)) => {
                return Err(
                    lost.map_or_else(|| Failed::NotApplied(not_asked(home)), Failed::Unknown)
                );
            }
            Err(Missed::Failed(error, outcome)) => (error, outcome),
        };
        let fault = match failed_conditions(&error) {
            Some(conditions) if !conditions.is_empty() => {
                return Err(Failed::Condition {
                    erased: conditions.contains(&erased),
                    was_lost: lost.is_some(),
                });
            }
            Some(_) if reasons(&error).is_some_and(is_transient) => WriteFault::Transient,
            Some(_) => WriteFault::Final,
            None => WriteFault::of(&error),
        };
        let is_last =
            left == 0 || fault == WriteFault::Final || !home.dynamodb_health().may_retry();
        let failure = failed(home, class_of(outcome), error);
        if lost.is_some() || fault == WriteFault::Open {
            let first = lost.unwrap_or(failure);
            if is_last {
                return Err(Failed::Unknown(first));
            }
            lost = Some(first);
        } else if is_last {
            return Err(Failed::NotApplied(failure));
        }
        backoff.wait().await;
    }
}

/// Of a transaction that was cancelled, the operations whose condition failed.
fn failed_conditions(
    error: &SdkError<TransactWriteItemsError, HttpResponse>,
) -> Option<Vec<usize>> {
    let codes = reasons(error)?.iter().map(CancellationCode::of).enumerate();
    let failed = codes.filter(|(_, code)| *code == CancellationCode::ConditionalCheckFailed);
    Some(failed.map(|(n, _)| n).collect())
}

fn unknown(home: &Member, lost: KeyStoreError) -> KeyStoreError {
    let unknown = KeyStoreError::new(KeyStoreErrorKind::OutcomeUnknown);
    unknown.in_region(home.region()).with_source(lost)
}

fn unbuilt(error: BuildError) -> KeyStoreError {
    KeyStoreError::new(KeyStoreErrorKind::Caller).with_source(error)
}

/// By this DynamoDB knows the transaction again, and applies it once.
fn token() -> Result<String, KeyStoreError> {
    let mut bytes = [0; 16];
    let filled = SystemRandom.fill(&mut bytes);
    filled.map_err(|_| KeyStoreError::new(KeyStoreErrorKind::Randomness))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
