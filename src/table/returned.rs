//! Items that come back with a write: what was there before, what is there now, what failed a
//! condition. They are opened like any other, and a store cannot hand out another item than the one
//! under the key.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::core::Core;
use super::error::SdkFailure;
use crate::error::OpenError;
use crate::item::{Item, OpenedItem};
use crate::region::write_fault::WriteFault;

/// The error of a write that can have a condition.
pub(super) trait WriteError: ProvideErrorMetadata {
    /// If the condition failed: the item that was there, as it was.
    fn failed_condition(&self) -> Option<Option<&Item>>;

    /// What the error says about the write, if its code does not.
    fn fault(&self) -> Option<WriteFault> {
        None
    }
}

macro_rules! write_errors {
    ($($error:ident),* $(,)?) => {$(
        impl WriteError for $error {
            fn failed_condition(&self) -> Option<Option<&Item>> {
                match self {
                    Self::ConditionalCheckFailedException(failed) => Some(failed.item()),
                    _ => None,
                }
            }
        }
    )*};
}

write_errors!(DeleteItemError, PutItemError);

/// The writes of a batch have no conditions.
impl WriteError for BatchWriteItemError {
    fn failed_condition(&self) -> Option<Option<&Item>> {
        None
    }
}

/// If the condition failed: the item that was there, as it was.
pub(super) fn failed_condition<E: WriteError>(
    error: &SdkError<E, HttpResponse>,
) -> Option<Option<&Item>> {
    error.as_service_error()?.failed_condition()
}

/// What a failure says about the write.
pub(super) fn write_fault<E: WriteError>(error: &SdkError<E, HttpResponse>) -> WriteFault {
    let own = error.as_service_error().and_then(WriteError::fault);
    own.unwrap_or_else(|| WriteFault::of(error))
}

/// Opens the item that came with a failed condition, if one did.
pub(super) async fn open_stored<E: WriteError>(
    core: &Core,
    key: &Item,
    failure: &SdkFailure<E>,
) -> Option<Result<OpenedItem, OpenError>> {
    let stored = failed_condition(failure.error()).flatten();
    open_some(core, key, stored.cloned(), failure.region()).await
}

/// Opens the item that came with the answer of a region, if one did. One that does not open is no failure of the
/// write, which was done. Under a handle that only seals it stays sealed, in the SDK's answer.
pub(super) async fn open_some(
    core: &Core,
    key: &Item,
    item: Option<Item>,
    region: &str,
) -> Option<Result<OpenedItem, OpenError>> {
    match item {
        Some(item) if core.opens() => Some(core.open_under(key, item, region, None).await),
        _ => None,
    }
}
