//! DeleteItem.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemInputBuilder;
use aws_sdk_dynamodb::operation::delete_item::{
    DeleteItemError, DeleteItemInput, DeleteItemOutput,
};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::attempt::{Attempts, Failed, Repeat};
use super::condition::{WriteCondition, of_tenant};
use super::core::Core;
use super::customize::{self, refuse_set, refuse_write_settings};
use super::error::{OperationError, Refused};
use super::returned;
use super::span;
use crate::error::OpenError;
use crate::expression::Condition;
use crate::item::{Item, Key, Model, OpenedItem};

/// Deletes one item. Made by [`SealedTable::delete`](super::SealedTable::delete).
///
/// Whoever may delete items may do so without a key of ours: deletion is not protected.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Serialize, Deserialize, Seal)]
/// # #[seal(table = "orders", default = "encrypt")]
/// # struct Order { #[seal(partition_key)] id: String, #[seal(sign)] state: String }
/// # let cloud = Cloud::start(["us-east-1"]).await?;
/// # let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("orders").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let sdk_config = cloud.sdk_config("us-east-1");
/// # let regions = RegionSet::builder(&sdk_config).local("us-east-1").build()?;
/// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
/// # let table = SealedTable::<Order>::builder("orders", keyring, &regions).build()?;
/// # table.put(&Order { id: "o-1".into(), state: "paid".into() }).send().await?;
/// use dynaseal::expression::attribute;
/// use dynaseal::item::Model;
///
/// let if_open = table.delete("o-1").condition(attribute("state").eq("open"));
/// let conflict = if_open.send().await.unwrap_err();
/// assert!(conflict.item().is_some(), "what is there comes with the error, opened");
///
/// let deleted = table.delete("o-1").return_old().send().await?;
/// let order = Order::from_opened(deleted.into_old().expect("it was there")?)?;
/// assert_eq!(order.state, "paid");
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until `send`"]
pub struct Delete<T = Item> {
    core: Arc<Core>,
    key: Key,
    condition: WriteCondition,
    return_old: bool,
    idempotent: bool,
    deadline: Option<Duration>,
    input: DeleteItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

/// What deleting an item returned.
///
/// Its `Debug` shows nothing of the SDK's output, which may hold the value of the partition key.
#[derive(Clone)]
pub struct DeleteOutput {
    region: String,
    old: Option<Result<OpenedItem, OpenError>>,
    sdk: DeleteItemOutput,
}

impl DeleteOutput {
    /// The region that was written to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The item that was deleted, if [`return_old`](Delete::return_old) asked for it and there was
    /// one; if it does not open, why. It is deleted either way.
    #[must_use]
    pub fn old(&self) -> Option<&Result<OpenedItem, OpenError>> {
        self.old.as_ref()
    }

    /// The item that was deleted, by value; for
    /// [`Model::from_opened`](crate::item::Model::from_opened).
    #[must_use]
    pub fn into_old(self) -> Option<Result<OpenedItem, OpenError>> {
        self.old
    }

    /// What the SDK returned: consumed capacity and metrics, where they were asked for. Its `Debug`
    /// is the SDK's. Blank if the answer was lost.
    #[must_use]
    pub fn sdk_output(&self) -> &DeleteItemOutput {
        &self.sdk
    }
}

impl<T> Delete<T> {
    pub(super) fn new(core: Arc<Core>, key: Key) -> Self {
        Self {
            core,
            key,
            condition: WriteCondition::default(),
            return_old: false,
            idempotent: false,
            deadline: None,
            input: DeleteItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Deletes only if this holds of the stored item. Several conditions must all hold.
    ///
    /// DynamoDB evaluates it on what is stored, which nobody has verified. It may name signed and
    /// unsigned attributes, encrypted ones only to ask whether they are there.
    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition.and(condition);
        self
    }

    /// Says that deleting twice does no harm, and that it does not matter who deleted the item.
    ///
    /// If an answer was lost and nothing is there afterwards, the item counts as deleted; if the
    /// condition then fails on an item, that is reported as such. Neither is
    /// [`OutcomeUnknown`](OperationError::OutcomeUnknown).
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// How long it may take, with all its attempts and calls to KMS. Default: what the
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
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

    /// Deletes the item; without a condition, nothing under the key is a success as well.
    ///
    /// A deletion with a condition whose answer was lost is sent again. A deletion leaves nothing to
    /// recognise it by: if the condition fails then, only the caller can tell what that means. If it
    /// holds, of an item that others have made meanwhile, that one is deleted as well; with
    /// [`return_old`](Delete::return_old), nothing is sent again.
    ///
    /// # Errors
    ///
    /// [`OperationError::Refused`] for a condition or a setting that goes around the table, before
    /// anything is sent; [`TenantMismatch`](OperationError::TenantMismatch) if the table is
    /// [limited](crate::SealedTable::tenant) to another tenant than the item's; [`Sdk`](OperationError::Sdk) with the SDK's own error, and with the stored item if the
    /// condition failed; [`OutcomeUnknown`](OperationError::OutcomeUnknown) if an answer was lost, and
    /// what is stored now does not tell whether the item was deleted.
    pub async fn send(self) -> Result<DeleteOutput, OperationError<DeleteItemError>> {
        let span = span::delete_item(&self.core, self.core.home());
        span::run(span, Box::pin(self.run())).await
    }

    async fn run(self) -> Result<DeleteOutput, OperationError<DeleteItemError>> {
        refuse_foreign(&self.input)?;
        self.condition.check(&self.core)?;
        let key = self.core.key_attributes(self.key)?;
        let own = of_tenant(&self.core, None);
        let is_conditional = own.is_some() || self.condition.is_some();
        let condition = self.condition.render(own)?;
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let input = self
            .input
            .table_name(self.core.table_name())
            .set_key(Some(key.clone()))
            .set_condition_expression(condition.text)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values)
            .set_return_values(self.return_old.then_some(ReturnValue::AllOld))
            .set_return_values_on_condition_check_failure(is_conditional.then_some(all_old));
        let repeat = Repeat::of_replacing(is_conditional, self.return_old);
        let deadline = self.core.deadline(self.deadline);
        let attempts = Attempts::new(self.core.home(), repeat, &deadline);
        let blank = || DeleteItemOutput::builder().build();
        let mut sdk = match attempts.send(&input).await {
            Ok(answer) => answer.output_or(blank),
            Err(failed) if self.idempotent && found_nothing(&failed) => blank(),
            Err(failed) => {
                let failed = failed.into_last_attempt_if(self.idempotent);
                return Err(failed.into_error(&self.core, &key).await);
            }
        };
        self.core.is_migrated(&key);
        let old = sdk.attributes.take();
        let region = self.core.home().region();
        let old = returned::open_some(&self.core, &key, old, region).await;
        Ok(DeleteOutput {
            region: region.to_owned(),
            old,
            sdk,
        })
    }
}

/// A handle that only seals is no model, and so has no old item.
impl<T: Model> Delete<T> {
    /// Asks for the item that is deleted, opened: see [`DeleteOutput::old`].
    ///
    /// If the answer is lost, so is that item: the deletion is not sent again, and
    /// [`OutcomeUnknown`](OperationError::OutcomeUnknown).
    pub fn return_old(mut self) -> Self {
        self.return_old = true;
        self
    }
}

/// Whether an answer was lost, and nothing is there any more.
fn found_nothing(failed: &Failed<DeleteItemError>) -> bool {
    match failed {
        Failed::Unknown {
            last: Some(last), ..
        } => returned::failed_condition(last.error()) == Some(None),
        _ => false,
    }
}

fn refuse_foreign(input: &DeleteItemInputBuilder) -> Result<(), Refused> {
    refuse_write_settings!(input)?;
    refuse_set(&[(input.get_key().is_some(), customize::KEY)])
}

impl fmt::Debug for DeleteOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteOutput")
            .field("region", &self.region)
            .field("old", &self.old)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Delete<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delete")
            .field("table_name", &self.core.table_name())
            .field("condition", &self.condition)
            .finish_non_exhaustive()
    }
}
