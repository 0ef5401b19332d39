//! DeleteItem.

use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemInputBuilder;
use aws_sdk_dynamodb::operation::delete_item::{
    DeleteItemError, DeleteItemInput, DeleteItemOutput,
};

use super::core::Core;
use super::customize::{self, refuse_set, refuse_write_settings};
use super::error::{OperationError, Refused, SdkFailure};
use super::span;
use crate::item::Key;

/// Deletes one item. Made by [`SealedTable::delete`](super::SealedTable::delete).
///
/// Whoever may delete items may do so without a key of ours: deletion is not protected.
#[must_use = "an operation does nothing until `send`"]
pub struct Delete {
    core: Arc<Core>,
    key: Key,
    input: DeleteItemInputBuilder,
}

impl Delete {
    pub(super) fn new(core: Arc<Core>, key: Key) -> Self {
        Self {
            core,
            key,
            input: DeleteItemInput::builder(),
        }
    }

    /// Reaches the settings of the SDK that are not the table's, such as consumed capacity.
    ///
    /// The closure gets a blank builder; key, table name, conditions and return values must stay
    /// unset, or [`send`](Self::send) refuses.
    pub fn customize(
        mut self,
        customize: impl FnOnce(DeleteItemInputBuilder) -> DeleteItemInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Deletes the item; nothing under the key is a success as well.
    ///
    /// # Errors
    ///
    /// [`OperationError::Refused`] for a setting that is not the caller's, and
    /// [`Sdk`](OperationError::Sdk) with the SDK's own error.
    pub async fn send(self) -> Result<DeleteItemOutput, OperationError<DeleteItemError>> {
        let span = span::delete_item(&self.core);
        span::run(span, self.run()).await
    }

    async fn run(self) -> Result<DeleteItemOutput, OperationError<DeleteItemError>> {
        refuse_foreign(&self.input)?;
        let key = self.core.key_attributes(self.key)?;
        let input = self
            .input
            .table_name(self.core.table_name())
            .set_key(Some(key));
        let sent = Box::pin(input.send_with(self.core.dynamodb())).await;
        Ok(sent.map_err(|error| SdkFailure::new(error, self.core.region()))?)
    }
}

fn refuse_foreign(input: &DeleteItemInputBuilder) -> Result<(), Refused> {
    refuse_write_settings!(input)?;
    refuse_set(&[(input.get_key().is_some(), customize::KEY)])
}

impl fmt::Debug for Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delete")
            .field("table_name", &self.core.table_name())
            .finish_non_exhaustive()
    }
}
