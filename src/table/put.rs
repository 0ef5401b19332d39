//! PutItem.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::attempt::{Attempts, Repeat};
use super::condition::{WriteCondition, of_tenant};
use super::core::Core;
use super::customize::{self, refuse_set, refuse_write_settings};
use super::error::{OperationError, Refused};
use super::footer;
use super::returned;
use super::span;
use super::version;
use crate::error::OpenError;
use crate::expression::Condition;
use crate::item::{Item, Model, ModelMismatch, OpenedItem};

/// Seals and writes one item. Made by [`SealedTable::put`](super::SealedTable::put).
#[must_use = "an operation does nothing until `send`"]
pub struct Put<T = Item> {
    core: Arc<Core>,
    item: Result<Item, ModelMismatch>,
    if_not_exists: bool,
    condition: WriteCondition,
    return_old: bool,
    idempotent: bool,
    deadline: Option<Duration>,
    input: PutItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

/// What writing an item returned.
///
/// Its `Debug` shows nothing of the SDK's output, which may hold the value of the partition key.
#[derive(Clone)]
pub struct PutOutput {
    region: String,
    version: Option<u64>,
    old: Option<Result<OpenedItem, OpenError>>,
    sdk: PutItemOutput,
}

impl PutOutput {
    /// The region that was written to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The version that was written, of a model with `#[seal(version)]`.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// The item that was replaced, if [`return_old`](Put::return_old) asked for it and there was one;
    /// if it does not open, why. The write is done either way.
    #[must_use]
    pub fn old(&self) -> Option<&Result<OpenedItem, OpenError>> {
        self.old.as_ref()
    }

    /// The item that was replaced, by value; for
    /// [`Model::from_opened`](crate::item::Model::from_opened).
    #[must_use]
    pub fn into_old(self) -> Option<Result<OpenedItem, OpenError>> {
        self.old
    }

    /// What the SDK returned: consumed capacity and metrics, where they were asked for. Its `Debug`
    /// is the SDK's. Blank if the answer was lost and the write recognised by what is stored.
    #[must_use]
    pub fn sdk_output(&self) -> &PutItemOutput {
        &self.sdk
    }
}

impl<T> Put<T> {
    pub(super) fn new(core: Arc<Core>, item: Result<Item, ModelMismatch>) -> Self {
        Self {
            core,
            item,
            if_not_exists: false,
            condition: WriteCondition::default(),
            return_old: false,
            idempotent: false,
            deadline: None,
            input: PutItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Writes only where nothing is under the key yet.
    pub fn if_not_exists(mut self) -> Self {
        self.if_not_exists = true;
        self
    }

    /// Writes only if this holds of the stored item. Several conditions must all hold.
    ///
    /// DynamoDB evaluates it on what is stored, which nobody has verified; to decide on verified
    /// data, use [`update`](super::SealedTable::update). It may name signed and unsigned attributes,
    /// encrypted ones only to ask whether they are there.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
    /// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Seal)]
    /// # #[seal(table = "orders", default = "encrypt")]
    /// # struct Order { #[seal(partition_key)] id: String, #[seal(sign)] state: String, note: String }
    /// # let cloud = Cloud::start(["us-east-1"]).await?;
    /// # let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?;
    /// # let definition = TableDefinition::new("orders").partition_key("id", KeyType::S);
    /// # cloud.create_global_table(&definition).await?;
    /// # let sdk_config = cloud.sdk_config("us-east-1");
    /// # let regions = RegionSet::builder(&sdk_config).local("us-east-1").build()?;
    /// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
    /// # let table = SealedTable::<Order>::builder("orders", keyring, &regions).build()?;
    /// # let open = Order { id: "o-1".into(), state: "open".into(), note: "gift".into() };
    /// # table.put(&open).send().await?;
    /// # let paid = Order { state: "paid".into(), ..open };
    /// use dynaseal::expression::attribute;
    ///
    /// let is_open = attribute("state").eq("open");
    /// table.put(&paid).condition(is_open.clone()).send().await?;
    ///
    /// let conflict = table.put(&paid).condition(is_open).send().await.unwrap_err();
    /// let stored = conflict.item().expect("what is there comes with the error");
    /// assert_eq!(stored.as_ref().unwrap().item()["state"].as_s().unwrap(), "paid");
    ///
    /// let guess = attribute("note").eq("gift");
    /// let refused = table.put(&paid).condition(guess).send().await.unwrap_err();
    /// assert!(matches!(refused, dynaseal::OperationError::Refused(_)), "`note` is encrypted");
    /// # Ok(())
    /// # }
    /// ```
    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition.and(condition);
        self
    }

    /// Says that writing this item twice, with another writer in between, does no harm.
    ///
    /// If an answer was lost and the condition then fails on somebody else's item, the failed
    /// condition is reported as such, and not [`OutcomeUnknown`](OperationError::OutcomeUnknown).
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
    /// still has the version the model was read with (0: that there is none). That of a new item
    /// starts at the clock, in microseconds, or at 1 with `start = "one"`. The new number is in the
    /// [output](PutOutput::version), and not in the model.
    ///
    /// A write with a condition whose answer was lost is sent again, the same bytes; if its own item
    /// is in the way then, it is recognised by its footer, and is a success. If the caller's condition
    /// holds once more, since others have written meanwhile, it is written once more; with
    /// [`return_old`](Put::return_old), nothing is sent again.
    ///
    /// # Errors
    ///
    /// [`OperationError::Model`] or [`Seal`](OperationError::Seal) if the item cannot be sealed, and
    /// [`Refused`](OperationError::Refused) for a condition or a setting that goes around the table,
    /// before anything is sent; [`TenantMismatch`](OperationError::TenantMismatch) if the table is
    /// [limited](crate::SealedTable::tenant) to one tenant and another's item is there;
    /// [`Sdk`](OperationError::Sdk) with the SDK's own error for everything
    /// after, and with the stored item if the condition failed;
    /// [`OutcomeUnknown`](OperationError::OutcomeUnknown) if an answer was lost, and what is stored
    /// now does not tell whether the item was written.
    pub async fn send(self) -> Result<PutOutput, OperationError<PutItemError>> {
        let span = span::put_item(&self.core, self.core.home());
        span::run(span, Box::pin(self.run())).await
    }

    async fn run(self) -> Result<PutOutput, OperationError<PutItemError>> {
        refuse_foreign(&self.input)?;
        self.condition.check(&self.core)?;
        let mut item = self.item?;
        let key = self.core.key_in(&item);
        let (version, own) = version::lock(&self.core, self.if_not_exists, &mut item)?;
        let own = of_tenant(&self.core, own);
        let is_conditional = own.is_some() || self.condition.is_some();
        let condition = self.condition.render(own)?;
        let deadline = self.core.deadline(self.deadline);
        let sealed = deadline.run(self.core.seal(item)).await??;
        span::record_sealed(&self.core, &sealed);
        let own_footer = footer(&sealed).cloned();
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let input = self
            .input
            .table_name(self.core.table_name())
            .set_item(Some(sealed))
            .set_condition_expression(condition.text)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values)
            .set_return_values(self.return_old.then_some(ReturnValue::AllOld))
            .set_return_values_on_condition_check_failure(is_conditional.then_some(all_old));
        let repeat = Repeat::of_replacing(is_conditional, self.return_old);
        let attempts = Attempts::new(self.core.home(), repeat, &deadline);
        let attempts = attempts.of_item(own_footer.clone());
        let mut sdk = match attempts.send(&input).await {
            Ok(answer) => answer.output_or(|| PutItemOutput::builder().build()),
            Err(failed) => {
                let failed = failed.into_last_attempt_if(self.idempotent);
                return Err(failed.into_error(&self.core, &key).await);
            }
        };
        self.core.is_migrated(&key);
        let core = &self.core;
        core.note_written(&key, version, own_footer.as_ref()).await;
        let old = sdk.attributes.take();
        let region = core.home().region();
        let old = returned::open_some(core, &key, old, region).await;
        Ok(PutOutput {
            region: region.to_owned(),
            version,
            old,
            sdk,
        })
    }
}

/// A handle that only seals is no model, and so has no old item.
impl<T: Model> Put<T> {
    /// Asks for the item that is replaced, opened: see [`PutOutput::old`].
    ///
    /// If the answer is lost, so is that item: the write is not sent again, and
    /// [`OutcomeUnknown`](OperationError::OutcomeUnknown).
    pub fn return_old(mut self) -> Self {
        self.return_old = true;
        self
    }
}

fn refuse_foreign(input: &PutItemInputBuilder) -> Result<(), Refused> {
    refuse_write_settings!(input)?;
    refuse_set(&[(input.get_item().is_some(), customize::ITEM)])
}

impl fmt::Debug for PutOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutOutput")
            .field("region", &self.region)
            .field("version", &self.version)
            .field("old", &self.old)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Put<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("table_name", &self.core.table_name())
            .field("if_not_exists", &self.if_not_exists)
            .field("condition", &self.condition)
            .finish_non_exhaustive()
    }
}
