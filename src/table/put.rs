//! PutItem.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

use super::core::Core;
use super::customize::{self, refuse_set, refuse_write_settings};
use super::error::{OperationError, Refused, SdkFailure};
use super::footer;
use super::span;
use crate::error::{AttributeIssue, InvalidAttribute, SealError};
use crate::item::{Item, ModelMismatch};

/// Seals and writes one item. Made by [`SealedTable::put`](super::SealedTable::put).
#[must_use = "an operation does nothing until `send`"]
pub struct Put<T = Item> {
    core: Arc<Core>,
    item: Result<Item, ModelMismatch>,
    if_not_exists: bool,
    input: PutItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

/// What writing an item returned.
///
/// Its `Debug` shows nothing of the SDK's output, which may hold the value of the partition key.
#[derive(Clone)]
pub struct PutOutput {
    version: Option<u64>,
    sdk: PutItemOutput,
}

impl PutOutput {
    /// The version that was written, of a model with `#[seal(version)]`.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// What the SDK returned: consumed capacity and metrics, where they were asked for. Its `Debug`
    /// is the SDK's.
    #[must_use]
    pub fn sdk_output(&self) -> &PutItemOutput {
        &self.sdk
    }
}

impl<T> Put<T> {
    pub(super) fn new(core: Arc<Core>, item: Result<Item, ModelMismatch>) -> Self {
        let input = PutItemInput::builder();
        Self {
            core,
            item,
            if_not_exists: false,
            input,
            model: PhantomData,
        }
    }

    /// Writes only where nothing is under the key yet.
    pub fn if_not_exists(mut self) -> Self {
        self.if_not_exists = true;
        self
    }

    /// Reaches the settings of the SDK that are not the table's, such as consumed capacity.
    ///
    /// The closure gets a blank builder; item, table name, conditions and return values must stay
    /// unset, or [`send`](Self::send) refuses.
    ///
    /// ```no_run
    /// # use dynaseal::{Item, SealedTable};
    /// # async fn f(table: SealedTable, item: Item) -> Result<(), Box<dyn std::error::Error>> {
    /// use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
    /// let total = ReturnConsumedCapacity::Total;
    /// let output = table.put(&item).customize(|b| b.return_consumed_capacity(total)).send().await?;
    /// let capacity = output.sdk_output().consumed_capacity();
    /// # Ok(())
    /// # }
    /// ```
    pub fn customize(
        mut self,
        customize: impl FnOnce(PutItemInputBuilder) -> PutItemInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Seals the item and sends it.
    ///
    /// With `#[seal(version)]` the version is advanced by one, on the condition that the stored item
    /// still has the version the model was read with (0: that there is none); the new number is in
    /// the output.
    ///
    /// A conditional write whose response was lost is recognised by its footer when the SDK's retry
    /// meets its own item, and is a success.
    ///
    /// # Errors
    ///
    /// [`OperationError::Model`] or [`Seal`](OperationError::Seal) if the item cannot be sealed, and
    /// [`Refused`](OperationError::Refused) for a setting that is not the caller's, before anything is
    /// sent; [`Sdk`](OperationError::Sdk) with the SDK's own error for everything after.
    pub async fn send(self) -> Result<PutOutput, OperationError<PutItemError>> {
        let span = span::put_item(&self.core);
        span::run(span, self.run()).await
    }

    async fn run(self) -> Result<PutOutput, OperationError<PutItemError>> {
        let input = self.input;
        refuse_foreign(&input)?;
        let mut item = self.item?;
        let mut condition = None;
        if self.if_not_exists {
            condition = Some(Condition::NotExists);
        }
        let mut version = None;
        if let Some(name) = self.core.version_attribute(&item) {
            let old = advance(&mut item, name)?;
            version = Some(old + 1);
            condition = Some(if old == 0 || self.if_not_exists {
                Condition::NotExists
            } else {
                Condition::Version { name, old }
            });
        }
        let sealed = self.core.seal(item).await?;
        let own_footer = footer(&sealed).cloned();
        let migrating = self.core.migrating_key(&sealed);
        let input = input
            .table_name(self.core.table_name())
            .set_item(Some(sealed));
        let input = match condition {
            Some(condition) => condition.apply(input, self.core.schema().partition_key_name()),
            None => input,
        };
        let sdk = match Box::pin(input.send_with(self.core.dynamodb())).await {
            Ok(sdk) => sdk,
            Err(error) if is_own_write(error.as_service_error(), own_footer.as_ref()) => {
                PutItemOutput::builder().build()
            }
            Err(error) => return Err(SdkFailure::new(error, self.core.region()).into()),
        };
        self.core.is_sealed(migrating);
        Ok(PutOutput { version, sdk })
    }
}

impl fmt::Debug for PutOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutOutput")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What must hold of the stored item.
enum Condition {
    NotExists,
    Version { name: &'static str, old: u64 },
}

impl Condition {
    /// Adds the condition, and asks for the item that fails it.
    fn apply(self, input: PutItemInputBuilder, partition_key: &str) -> PutItemInputBuilder {
        let input = input
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self {
            Self::NotExists => input
                .condition_expression("attribute_not_exists(#0)")
                .expression_attribute_names("#0", partition_key),
            Self::Version { name, old } => input
                .condition_expression("#0 = :0")
                .expression_attribute_names("#0", name)
                .expression_attribute_values(":0", AttributeValue::N(old.to_string())),
        }
    }
}

/// Counts the version in the item up by one and returns the one it had.
fn advance(item: &mut Item, name: &str) -> Result<u64, OperationError<PutItemError>> {
    let old = match item.get(name) {
        Some(AttributeValue::N(text)) => text.parse::<u64>().ok().filter(|old| *old < u64::MAX),
        _ => None,
    };
    let issue = AttributeIssue::NotAVersion;
    let old = old
        .ok_or_else(|| InvalidAttribute::new(name, issue))
        .map_err(SealError::from)?;
    item.insert(name.to_owned(), AttributeValue::N((old + 1).to_string()));
    Ok(old)
}

/// Whether the item that failed the condition is the one we just wrote.
fn is_own_write(error: Option<&PutItemError>, own_footer: Option<&AttributeValue>) -> bool {
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = error else {
        return false;
    };
    let stored = failed.item().and_then(footer);
    stored.is_some() && stored == own_footer
}

fn refuse_foreign(input: &PutItemInputBuilder) -> Result<(), Refused> {
    refuse_write_settings!(input)?;
    refuse_set(&[(input.get_item().is_some(), customize::ITEM)])
}

impl<T> fmt::Debug for Put<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("table_name", &self.core.table_name())
            .field("if_not_exists", &self.if_not_exists)
            .finish_non_exhaustive()
    }
}
