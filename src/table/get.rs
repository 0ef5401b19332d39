//! GetItem.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::get_item::builders::GetItemInputBuilder;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemInput};

use super::core::Core;
use super::customize::{self, refuse_set};
use super::error::{OperationError, Refused, SdkFailure};
use super::plaintext::Found;
use super::span;
use crate::item::{Item, Key, Model, OpenedItem, check_key};

/// Reads and opens one item. Made by [`SealedTable::get`](super::SealedTable::get).
#[must_use = "an operation does nothing until `send`"]
pub struct Get<T = Item> {
    core: Arc<Core>,
    key: Key,
    input: GetItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> Get<T> {
    pub(super) fn new(core: Arc<Core>, key: Key) -> Self {
        Self {
            core,
            key,
            input: GetItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Reaches the settings of the SDK that are not the table's, such as consistency.
    ///
    /// The closure gets a blank builder; key, table name and projections must stay unset, or
    /// [`send`](Self::send) refuses.
    ///
    /// ```no_run
    /// # use dynaseal::SealedTable;
    /// # async fn f(table: SealedTable) -> Result<(), Box<dyn std::error::Error>> {
    /// let found = table.get("c-1").customize(|b| b.consistent_read(true)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn customize(
        mut self,
        customize: impl FnOnce(GetItemInputBuilder) -> GetItemInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Reads the item, verifies and decrypts it; `None` if nothing is under the key.
    ///
    /// # Errors
    ///
    /// [`OperationError::Open`] if the item is not sealed, was changed, or no keyring opens it;
    /// [`Model`](OperationError::Model) if it does not fit the model;
    /// [`Refused`](OperationError::Refused) for a setting that is not the caller's;
    /// [`Sdk`](OperationError::Sdk) with the SDK's own error.
    pub async fn send(self) -> Result<Option<T>, OperationError<GetItemError>> {
        match self.send_opened().await? {
            Some(opened) => Ok(Some(T::from_opened(opened)?)),
            None => Ok(None),
        }
    }

    /// Like [`send`](Self::send), with what is known about how the item was opened: suite, context,
    /// key, region.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), but for the model's.
    pub async fn send_opened(self) -> Result<Option<OpenedItem>, OperationError<GetItemError>> {
        let span = span::get_item(&self.core);
        span::run(span, self.run()).await
    }

    async fn run(self) -> Result<Option<OpenedItem>, OperationError<GetItemError>> {
        let core = Arc::clone(&self.core);
        let Some((key, item)) = self.fetch().await? else {
            return Ok(None);
        };
        Ok(Some(core.open_under(&key, item, None).await?))
    }

    /// Like [`send_opened`](Self::send_opened), but plaintext is let through where the policy says so.
    pub(super) async fn send_found(
        self,
    ) -> Result<Option<Found<OpenedItem, Item>>, OperationError<GetItemError>> {
        let core = Arc::clone(&self.core);
        let read = async {
            let Some((key, item)) = self.fetch().await? else {
                return Ok(None);
            };
            // Before plaintext is counted.
            check_key(&item, &key)?;
            Ok(Some(core.open_found(item, None).await?))
        };
        span::run(span::get_item(&core), read).await
    }

    /// The key that was asked for, and the item as it is stored.
    async fn fetch(self) -> Result<Option<(Item, Item)>, OperationError<GetItemError>> {
        refuse_foreign(&self.input)?;
        let key = self.core.key_attributes(self.key)?;
        let input = self
            .input
            .table_name(self.core.table_name())
            .set_key(Some(key.clone()));
        let output = Box::pin(input.send_with(self.core.dynamodb()))
            .await
            .map_err(|error| SdkFailure::new(error, self.core.region()))?;
        Ok(output.item.map(|item| (key, item)))
    }
}

fn refuse_foreign(input: &GetItemInputBuilder) -> Result<(), Refused> {
    refuse_set(&[
        (input.get_table_name().is_some(), customize::TABLE),
        (input.get_key().is_some(), customize::KEY),
        (
            input.get_projection_expression().is_some(),
            customize::PROJECTION,
        ),
        (
            input.get_expression_attribute_names().is_some(),
            customize::PROJECTION,
        ),
        (
            input.get_attributes_to_get().is_some(),
            customize::PROJECTION,
        ),
    ])
}

impl<T> fmt::Debug for Get<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get")
            .field("table_name", &self.core.table_name())
            .finish_non_exhaustive()
    }
}
