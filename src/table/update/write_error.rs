//! The SDK's error of the write of an update, whichever operation wrote.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::item::Item;
use crate::observe::CallOutcome;
use crate::region::cancelled::{is_transient, outcome_of};
use crate::region::fault::of_codes;
use crate::region::write_fault::WriteFault;
use crate::table::call::{Request, Sent};
use crate::table::returned::WriteError;

/// The SDK's error of the write of an update: an `UpdateItem`, or with
/// [`exactly_once`](crate::table::Update::exactly_once) a `TransactWriteItems`.
///
/// Its `Debug` shows the code alone. That of the SDK's error in it prints items.
#[non_exhaustive]
pub enum UpdateWriteError {
    /// `UpdateItem` failed.
    Update(UpdateItemError),
    /// `TransactWriteItems` failed.
    Transaction(TransactWriteItemsError),
}

impl fmt::Debug for UpdateWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = match self {
            Self::Update(_) => "Update",
            Self::Transaction(_) => "Transaction",
        };
        f.debug_tuple(variant).field(&self.code()).finish()
    }
}

impl fmt::Display for UpdateWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Update(_) => "UpdateItem failed",
            Self::Transaction(_) => "TransactWriteItems failed",
        })
    }
}

impl Error for UpdateWriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Update(error) => error,
            Self::Transaction(error) => error,
        })
    }
}

impl ProvideErrorMetadata for UpdateWriteError {
    fn meta(&self) -> &ErrorMetadata {
        match self {
            Self::Update(error) => error.meta(),
            Self::Transaction(error) => error.meta(),
        }
    }
}

impl WriteError for UpdateWriteError {
    fn failed_condition(&self) -> Option<Option<&Item>> {
        match self {
            Self::Update(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Some(failed.item())
            }
            Self::Transaction(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                let mut reasons = canceled.cancellation_reasons().iter();
                let failed =
                    reasons.find(|reason| reason.code() == Some("ConditionalCheckFailed"))?;
                Some(failed.item())
            }
            _ => None,
        }
    }

    fn fault(&self) -> Option<WriteFault> {
        let Self::Transaction(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            self
        else {
            return None;
        };
        Some(if is_transient(canceled.cancellation_reasons()) {
            WriteFault::Transient
        } else {
            WriteFault::Final
        })
    }
}

/// An `UpdateItem`.
pub(in crate::table) struct UpdateItem(pub(in crate::table) UpdateItemInputBuilder);

impl Request for UpdateItem {
    type Output = UpdateItemOutput;
    type Error = UpdateWriteError;
    const OPERATION: &'static str = "UpdateItem";

    async fn send(&self, client: &Client) -> Sent<Self> {
        let sent = self.0.clone().send_with(client).await;
        sent.map_err(|error| error.map_service_error(UpdateWriteError::Update))
    }
}

/// A `TransactWriteItems` that makes an update.
pub(super) struct UpdateTransaction(pub(super) TransactWriteItemsInputBuilder);

impl Request for UpdateTransaction {
    type Output = TransactWriteItemsOutput;
    type Error = UpdateWriteError;
    const OPERATION: &'static str = "TransactWriteItems";

    async fn send(&self, client: &Client) -> Sent<Self> {
        let sent = self.0.clone().send_with(client).await;
        sent.map_err(|error| error.map_service_error(UpdateWriteError::Transaction))
    }

    fn outcome(error: &SdkError<UpdateWriteError, HttpResponse>) -> CallOutcome {
        match error.as_service_error() {
            Some(UpdateWriteError::Transaction(
                TransactWriteItemsError::TransactionCanceledException(canceled),
            )) => outcome_of(canceled.cancellation_reasons()),
            _ => CallOutcome::Fault(of_codes(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};

    use super::*;

    fn canceled(code: &str) -> UpdateWriteError {
        let item = Item::from([("id".to_owned(), AttributeValue::S("c-1".to_owned()))]);
        let reason = CancellationReason::builder()
            .code(code)
            .set_item(Some(item));
        let canceled = TransactionCanceledException::builder();
        let canceled = canceled.cancellation_reasons(reason.build()).build();
        let error = TransactWriteItemsError::TransactionCanceledException(canceled);
        UpdateWriteError::Transaction(error)
    }

    #[test]
    fn prints_no_item() {
        let shown = format!("{:?}", canceled("ConditionalCheckFailed"));
        assert!(!shown.contains("c-1"), "{shown}");
        assert!(shown.contains("Transaction"), "{shown}");
    }

    #[test]
    fn reads_the_reason_of_a_canceled_transaction() {
        let failed = canceled("ConditionalCheckFailed");
        assert!(failed.failed_condition().unwrap().is_some());
        assert_eq!(failed.fault(), Some(WriteFault::Final));
        for code in [
            "TransactionConflict",
            "ThrottlingError",
            "ProvisionedThroughputExceeded",
        ] {
            assert_eq!(
                canceled(code).fault(),
                Some(WriteFault::Transient),
                "{code}"
            );
            assert!(canceled(code).failed_condition().is_none(), "{code}");
        }
        for code in ["ValidationError", "AccessDenied", "None"] {
            assert_eq!(canceled(code).fault(), Some(WriteFault::Final), "{code}");
        }
    }
}
