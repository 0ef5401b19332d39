//! UpdateItem on unsigned attributes, in place.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::attempt::{Attempts, Failed, Repeat};
use super::condition::{WriteCondition, in_place};
use super::core::Core;
use super::customize::refuse_update_settings;
use super::footer;
use super::returned;
use super::span;
use super::update::{UpdateError, UpdateItem, UpdateWriteError};
use crate::action::CryptoAction;
use crate::error::OpenError;
use crate::expression::{Condition, UpdateExpression};
use crate::item::{Item, Key, Model, OpenedItem, Unverified};
use crate::region::Member;

/// Changes unsigned attributes of one item in place. Made by
/// [`SealedTable::update_unsigned`](super::SealedTable::update_unsigned).
///
/// The expression may name unsigned attributes only, on either side of an assignment: one signed
/// attribute written past the signature, and the item would never open again. An item is never made:
/// there must be a sealed one.
///
/// # In a global table
///
/// With eventual consistency the last writer of an item wins, and wins the *whole* item: a counter
/// that goes up in one region can replace what another region has just sealed by the older image,
/// signature and all. So this goes to the table's [home region](super::SealedTableBuilder::home_region),
/// unless [`in_any_region`](Self::in_any_region) says otherwise; keep counters in items of their own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable, Unsigned};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "pages", default = "encrypt")]
/// # struct Page { #[seal(partition_key)] id: String, text: String, #[seal(unsigned)] views: Unsigned<u64> }
/// # let cloud = Cloud::start(["us-east-1"]).await?;
/// # let key = cloud.create_multi_region_key("us-east-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("pages").partition_key("id", KeyType::S);
/// # cloud.create_global_table(&definition).await?;
/// # let sdk_config = cloud.sdk_config("us-east-1");
/// # let regions = RegionSet::builder(&sdk_config).local("us-east-1").build()?;
/// # let keyring = KmsMrkKeyring::new(key.arn("us-east-1"), &regions)?;
/// # let table = SealedTable::<Page>::builder("pages", keyring, &regions).build()?;
/// # table.put(&Page { id: "p-1".into(), text: "hello".into(), views: 0.into() }).send().await?;
/// use dynaseal::expression::UpdateExpression;
/// use dynaseal::item::Model;
///
/// let seen = UpdateExpression::new().increment("views", 1);
/// let output = table.update_unsigned("p-1", seen).return_new().send().await?;
/// let page = Page::from_opened(output.into_item().expect("was asked for")?)?;
/// assert_eq!(page.views, Unsigned::new(1));
///
/// let forged = UpdateExpression::new().set("text", "goodbye");
/// assert!(table.update_unsigned("p-1", forged).send().await.is_err(), "`text` is signed");
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until `send`"]
pub struct UpdateUnsigned<T = Item> {
    core: Arc<Core>,
    key: Key,
    expression: UpdateExpression,
    condition: WriteCondition,
    returns: Option<Returns>,
    idempotent: bool,
    in_any_region: bool,
    deadline: Option<Duration>,
    input: UpdateItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

/// What is asked for with the answer. DynamoDB returns one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    Old,
    New,
    Updated,
}

impl Returns {
    fn into_sdk(self) -> ReturnValue {
        match self {
            Self::Old => ReturnValue::AllOld,
            Self::New => ReturnValue::AllNew,
            Self::Updated => ReturnValue::UpdatedNew,
        }
    }
}

/// What an update of unsigned attributes returned.
///
/// Its `Debug` shows no value, and nothing of the SDK's output.
#[derive(Clone)]
pub struct UpdateUnsignedOutput {
    region: String,
    item: Option<Result<OpenedItem, OpenError>>,
    updated: Option<Unverified<Item>>,
    sdk: UpdateItemOutput,
}

impl UpdateUnsignedOutput {
    /// The region that was written to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The whole item, if [`return_new`](UpdateUnsigned::return_new) or
    /// [`return_old`](UpdateUnsigned::return_old) asked for it; if it does not open, why. The update
    /// is done either way.
    #[must_use]
    pub fn item(&self) -> Option<&Result<OpenedItem, OpenError>> {
        self.item.as_ref()
    }

    /// The whole item, by value; for [`Model::from_opened`](crate::item::Model::from_opened).
    #[must_use]
    pub fn into_item(self) -> Option<Result<OpenedItem, OpenError>> {
        self.item
    }

    /// The attributes that were updated, as they are now, if
    /// [`return_updated`](UpdateUnsigned::return_updated) asked for them. Nobody has signed them.
    #[must_use]
    pub fn updated(&self) -> Option<&Unverified<Item>> {
        self.updated.as_ref()
    }

    /// What the SDK returned: consumed capacity and metrics, where they were asked for. Its `Debug`
    /// is the SDK's.
    #[must_use]
    pub fn sdk_output(&self) -> &UpdateItemOutput {
        &self.sdk
    }
}

impl<T> UpdateUnsigned<T> {
    pub(super) fn new(core: Arc<Core>, key: Key, expression: UpdateExpression) -> Self {
        Self {
            core,
            key,
            expression,
            condition: WriteCondition::default(),
            returns: None,
            idempotent: false,
            in_any_region: false,
            deadline: None,
            input: UpdateItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Updates only if this holds of the stored item. Several conditions must all hold.
    ///
    /// DynamoDB evaluates it on what is stored, which nobody has verified. It may name signed and
    /// unsigned attributes, encrypted ones only to ask whether they are there.
    pub fn condition(mut self, condition: Condition) -> Self {
        self.condition.and(condition);
        self
    }

    /// Asks for the attributes that are updated, as they are afterwards. They are unsigned, so
    /// nothing has to be opened.
    pub fn return_updated(mut self) -> Self {
        self.returns = Some(Returns::Updated);
        self
    }

    /// Says that the update may be applied twice, as setting a time to live may and counting up may
    /// not. It is then sent again after a lost answer, and what its last attempt met is its outcome.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Updates in the local region, where the table has another
    /// [home region](super::SealedTableBuilder::home_region): the way there is spared.
    ///
    /// Only for items that nobody seals any more, such as counters in items of their own. In a global
    /// table with eventual consistency this update may replace, as a whole, what the home region has
    /// sealed meanwhile.
    pub fn in_any_region(mut self) -> Self {
        self.in_any_region = true;
        self
    }

    /// How long it may take, with all its attempts and calls to KMS. Default: what the
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Reaches the settings of the SDK that are not the table's: consumed capacity and metrics.
    ///
    /// The closure gets a blank builder; everything else must stay unset, or [`send`](Self::send)
    /// refuses.
    pub fn customize(
        mut self,
        customize: impl FnOnce(UpdateItemInputBuilder) -> UpdateItemInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Updates the item.
    ///
    /// # Errors
    ///
    /// [`UpdateError::Write`] with [`Refused`](super::OperationError::Refused), before anything is
    /// sent, for an expression that names what is signed, and a condition or a setting that goes
    /// around the table; [`NotFound`](UpdateError::NotFound) and
    /// [`PlaintextItem`](UpdateError::PlaintextItem) if there is no sealed item under the key;
    /// [`Write`](UpdateError::Write) with [`TenantMismatch`](super::OperationError::TenantMismatch) if the
    /// table is [limited](crate::SealedTable::tenant) to another tenant than the item's;
    /// [`Write`](UpdateError::Write) with the SDK's own error, and with the stored item if the
    /// condition failed; [`OutcomeUnknown`](UpdateError::OutcomeUnknown) if an answer was lost.
    pub async fn send(self) -> Result<UpdateUnsignedOutput, UpdateError> {
        let core = Arc::clone(&self.core);
        let member = if self.in_any_region {
            core.local()
        } else {
            core.home()
        };
        let span = span::update_unsigned(&core, member);
        span::run(span, Box::pin(self.run(member))).await
    }

    async fn run(self, member: &Member) -> Result<UpdateUnsignedOutput, UpdateError> {
        refuse_update_settings(&self.input)?;
        let key = self.core.key_attributes(self.key)?;
        let (update, condition) = in_place(&self.core, &self.expression, self.condition)?;
        let input = self
            .input
            .table_name(self.core.table_name())
            .set_key(Some(key.clone()))
            .update_expression(update)
            .set_condition_expression(condition.text)
            .set_expression_attribute_names(condition.names)
            .set_expression_attribute_values(condition.values)
            .set_return_values(self.returns.map(Returns::into_sdk))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        // Counting up leaves no footer to recognise it by.
        let answer_matters = !self.idempotent || self.returns == Some(Returns::Old);
        let deadline = self.core.deadline(self.deadline);
        let attempts = Attempts::new(member, Repeat::unless(answer_matters), &deadline);
        let mut sdk = match attempts.send(&UpdateItem(input)).await {
            Ok(answer) => answer.output_or(|| UpdateItemOutput::builder().build()),
            Err(failed) => {
                let failed = failed.into_last_attempt_if(self.idempotent);
                return Err(explain(failed, &self.core, &key).await);
            }
        };
        let region = member.region();
        let returned = sdk.attributes.take();
        let (item, updated) = match self.returns {
            Some(Returns::Updated) => (None, returned.map(|found| unsigned(&self.core, found))),
            _ => {
                let item = returned::open_some(&self.core, &key, returned, region).await;
                (item, None)
            }
        };
        Ok(UpdateUnsignedOutput {
            region: region.to_owned(),
            item,
            updated,
            sdk,
        })
    }
}

/// A handle that only seals is no model, and so opens no item.
impl<T: Model> UpdateUnsigned<T> {
    /// Asks for the whole item as it is after the update, opened. Of this,
    /// [`return_old`](Self::return_old) and [`return_updated`](Self::return_updated), the last counts.
    pub fn return_new(mut self) -> Self {
        self.returns = Some(Returns::New);
        self
    }

    /// Asks for the whole item as it was before the update, opened.
    ///
    /// If the answer is lost, so is that item: the update is not sent again, idempotent or not.
    pub fn return_old(mut self) -> Self {
        self.returns = Some(Returns::Old);
        self
    }
}

/// Tells the caller's condition from the table's own: an item must be there, and sealed.
async fn explain(failed: Failed<UpdateWriteError>, core: &Core, key: &Item) -> UpdateError {
    if let Failed::NotApplied(failure) = &failed {
        match returned::failed_condition(failure.error()) {
            Some(None) => return UpdateError::NotFound,
            Some(Some(item)) if footer(item).is_none() => return UpdateError::PlaintextItem,
            _ => {}
        }
    }
    failed.into_error(core, key).await.into()
}

/// What is unsigned of an answer that should hold nothing else.
fn unsigned(core: &Core, mut returned: Item) -> Unverified<Item> {
    let schema = core.schema();
    returned.retain(|name, _| schema.action(name) == Some(CryptoAction::DoNothing));
    Unverified::new(returned)
}

impl fmt::Debug for UpdateUnsignedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateUnsignedOutput")
            .field("region", &self.region)
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for UpdateUnsigned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateUnsigned")
            .field("table_name", &self.core.table_name())
            .field("expression", &self.expression)
            .field("condition", &self.condition)
            .finish_non_exhaustive()
    }
}
