//! TransactWriteItems: writes that happen together or not at all.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsInput,
};
use futures_util::stream::TryStreamExt as _;

use super::error::{FailedOperation, TransactionError};
use super::operation::{Action, Checked, Operation, PutIf, Sealed};
use super::output::TransactWriteOutput;
use super::prepared::PreparedTransaction;
use super::{Taken, check_together, deadline_of, in_order, not_built, span};
use crate::crypto::random::RandomFailure;
use crate::expression::{Condition, UpdateExpression};
use crate::item::{IntoKey, Model};
use crate::table::core::Core;
use crate::table::customize::{CLIENT_REQUEST_TOKEN, TRANSACT_ITEMS, refuse_set};
use crate::table::error::Refused;
use crate::table::handle::Seals;
use crate::table::token::token;

type Failure = TransactionError<TransactWriteItemsError>;

/// Writes up to 100 items of one or several tables, all of them or none.
///
/// Everything is checked and sealed before anything is sent. Through a table that is
/// [limited](crate::SealedTable::tenant) to one tenant, each operation has the condition that nothing is there,
/// or an item of this tenant. The tables may hold different models
/// and use different keyrings; they must be built with clones of one region set, and agree on their
/// [home region](crate::table::SealedTableBuilder::home_region). A transaction holds in the region that
/// it is sent to: replicas elsewhere receive its writes one by one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{RawAesKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # for name in ["customers", "orders"] {
/// #     let definition = TableDefinition::new(name).partition_key("id", KeyType::S);
/// #     cloud.create_global_table(&definition).await?;
/// # }
/// # let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
/// # let keyring = RawAesKeyring::new("example", "key-1", [7; 32])?;
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "customers", default = "encrypt")]
/// # struct Customer { #[seal(partition_key)] id: String, #[seal(sign)] plan: String }
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "orders", default = "encrypt")]
/// # struct Order { #[seal(partition_key)] id: String, total: u32 }
/// # let customers = SealedTable::<Customer>::builder("customers", keyring.clone(), &regions).build()?;
/// # let orders = SealedTable::<Order>::builder("orders", keyring, &regions).build()?;
/// use dynaseal::expression::attribute;
/// use dynaseal::table::{CancellationCode, TransactWrite};
///
/// let order = Order { id: "o-1".into(), total: 1250 };
/// let place = || {
///     TransactWrite::new()
///         .check(&customers, "c-1", attribute("plan").eq("gold"))
///         .put_if_not_exists(&orders, &order)
/// };
///
/// let error = place().send().await.expect_err("there is no such customer");
/// assert_eq!(error.reasons()[0].code(), CancellationCode::ConditionalCheckFailed);
/// assert!(orders.get("o-1").send().await?.is_none());
///
/// customers.put(&Customer { id: "c-1".into(), plan: "gold".into() }).send().await?;
/// place().send().await?;
/// assert_eq!(orders.get("o-1").send().await?.expect("placed").total, 1250);
/// # Ok(())
/// # }
/// ```
#[must_use = "a transaction does nothing until `send`"]
pub struct TransactWrite {
    operations: Vec<Operation>,
    deadline: Option<Duration>,
    input: TransactWriteItemsInputBuilder,
}

impl TransactWrite {
    /// A transaction that writes nothing yet.
    pub fn new() -> Self {
        Self {
            operations: Vec::new(),
            deadline: None,
            input: TransactWriteItemsInput::builder(),
        }
    }

    /// Writes an item, replacing whatever is under its key.
    ///
    /// With `#[seal(version)]` as [`SealedTable::put`](crate::SealedTable::put) does it: on the
    /// condition that the stored item still has the version that the model was read with. The new
    /// version is in the [output](TransactWriteOutput::version).
    pub fn put<H: Seals>(self, table: &H, model: &H::Model) -> Self {
        self.put_when(table, model, PutIf::Always)
    }

    /// Writes an item if nothing is under its key yet.
    pub fn put_if_not_exists<H: Seals>(self, table: &H, model: &H::Model) -> Self {
        self.put_when(table, model, PutIf::NotExists)
    }

    /// Writes an item if a condition holds of what is under its key.
    pub fn put_if<H: Seals>(self, table: &H, model: &H::Model, condition: Condition) -> Self {
        self.put_when(table, model, PutIf::Condition(condition))
    }

    /// Deletes the item under a key, whatever it is.
    pub fn delete<H: Seals>(
        self,
        table: &H,
        key: impl IntoKey<<H::Model as Model>::KeyShape>,
    ) -> Self {
        let (key, condition) = (key.into_key(), None);
        self.add(table, Action::Delete { key, condition })
    }

    /// Deletes the item under a key if a condition holds of it.
    pub fn delete_if<H: Seals>(
        self,
        table: &H,
        key: impl IntoKey<<H::Model as Model>::KeyShape>,
        condition: Condition,
    ) -> Self {
        let (key, condition) = (key.into_key(), Some(condition));
        self.add(table, Action::Delete { key, condition })
    }

    /// Writes nothing under a key, and lets the transaction happen only if a condition holds of what
    /// is there.
    pub fn check<H: Seals>(
        self,
        table: &H,
        key: impl IntoKey<<H::Model as Model>::KeyShape>,
        condition: Condition,
    ) -> Self {
        let key = key.into_key();
        self.add(table, Action::Check { key, condition })
    }

    /// Changes unsigned attributes of a sealed item in place. It never makes an item up.
    pub fn update_unsigned<H: Seals>(
        self,
        table: &H,
        key: impl IntoKey<<H::Model as Model>::KeyShape>,
        update: UpdateExpression,
    ) -> Self {
        let key = key.into_key();
        let action = Action::UpdateUnsigned {
            key,
            update,
            condition: None,
        };
        self.add(table, action)
    }

    /// Changes unsigned attributes of a sealed item in place if a condition holds of it.
    pub fn update_unsigned_if<H: Seals>(
        self,
        table: &H,
        key: impl IntoKey<<H::Model as Model>::KeyShape>,
        update: UpdateExpression,
        condition: Condition,
    ) -> Self {
        let key = key.into_key();
        let action = Action::UpdateUnsigned {
            key,
            update,
            condition: Some(condition),
        };
        self.add(table, action)
    }

    /// How long it may take, with all its attempts and calls to KMS. Default: what the first
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Reaches the settings of the SDK that are not the tables', such as consumed capacity.
    ///
    /// The closure gets a blank builder; `transact_items` and `client_request_token` must stay unset,
    /// or [`send`](Self::send) refuses. A token of your own would belong to one sealed payload, and
    /// sealing again makes another: [`prepare`](Self::prepare) the transaction instead.
    ///
    /// ```no_run
    /// # async fn f(transaction: dynaseal::table::TransactWrite) -> Result<(), Box<dyn std::error::Error>> {
    /// use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
    /// let total = ReturnConsumedCapacity::Total;
    /// let output = transaction.customize(|b| b.return_consumed_capacity(total)).send().await?;
    /// let capacity = output.sdk_output().consumed_capacity();
    /// # Ok(())
    /// # }
    /// ```
    pub fn customize(
        mut self,
        customize: impl FnOnce(TransactWriteItemsInputBuilder) -> TransactWriteItemsInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Checks and seals everything, and sends it.
    ///
    /// Conflicts with other requests, throttling and lost answers are met by sending the same bytes
    /// again under one idempotency token, as often as the retry configuration of the SDK says. To
    /// go on after that, [`prepare`](Self::prepare) the transaction.
    ///
    /// # Errors
    ///
    /// Those of [`prepare`](Self::prepare), before anything is sent;
    /// [`TransactionError::Cancelled`] with one reason per operation if DynamoDB refused it;
    /// [`OutcomeUnknown`](TransactionError::OutcomeUnknown) if it may have happened and the last
    /// answer does not tell; [`Sdk`](TransactionError::Sdk) for what was certainly not applied.
    pub async fn send(self) -> Result<TransactWriteOutput, Failure> {
        let span = span::transact_write_items(self.cores());
        span::run(span, async {
            let deadline = deadline_of(self.cores(), self.deadline);
            let prepared = deadline.run(self.seal()).await??;
            prepared.send_within(&deadline).await
        })
        .await
    }

    /// Checks and seals everything, and sends nothing: the result can be sent again and again, and
    /// happens once.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Refused`] without operations, with over 100, with tables of several
    /// region sets or home regions, and for a setting that is not the caller's;
    /// [`Operation`](TransactionError::Operation) for an item that cannot be sealed, an expression
    /// that DynamoDB cannot evaluate on sealed items, and a second operation on one item.
    pub async fn prepare(self) -> Result<PreparedTransaction, Failure> {
        let span = span::prepare(self.cores());
        let deadline = deadline_of(self.cores(), self.deadline);
        span::run(span, async { deadline.run(self.seal()).await? }).await
    }

    fn put_when<H: Seals>(self, table: &H, model: &H::Model, write: PutIf) -> Self {
        let item = model.to_item();
        self.add(table, Action::Put { item, write })
    }

    fn add<H: Seals>(mut self, table: &H, action: Action) -> Self {
        let core = Arc::clone(table.table().0);
        self.operations.push(Operation { core, action });
        self
    }

    fn cores(&self) -> impl ExactSizeIterator<Item = &Arc<Core>> {
        self.operations.iter().map(|operation| &operation.core)
    }

    async fn seal(self) -> Result<PreparedTransaction, Failure> {
        refuse_foreign(&self.input)?;
        let core = check_together(self.cores(), Core::home)?;
        let sealed = seal_all(check_all(self.operations)?).await?;
        let mut items = Vec::with_capacity(sealed.len());
        let mut targets = Vec::with_capacity(sealed.len());
        let mut versions = Vec::with_capacity(sealed.len());
        for operation in sealed {
            let (item, target, version) = operation
                .into_parts()
                .map_err(|e| not_built(e, core.home()))?;
            items.push(item);
            targets.push(target);
            versions.push(version);
        }
        let input = self.input.set_transact_items(Some(items));
        let token = token().map_err(|RandomFailure| {
            Refused::new("the random source failed, and without it there is no idempotency token")
        })?;
        let input = input.client_request_token(token);
        Ok(PreparedTransaction::new(core, input, targets, versions))
    }
}

impl Default for TransactWrite {
    fn default() -> Self {
        Self::new()
    }
}

fn check_all(operations: Vec<Operation>) -> Result<Vec<Checked>, FailedOperation> {
    let mut taken = Taken::default();
    let check = |(index, operation): (usize, Operation)| {
        let checked = operation.check();
        let checked = checked.map_err(|cause| FailedOperation::new(index, cause))?;
        let taken = taken.take(index, checked.target());
        taken.map_err(|refused| FailedOperation::new(index, refused))?;
        Ok(checked)
    };
    operations.into_iter().enumerate().map(check).collect()
}

async fn seal_all(operations: Vec<Checked>) -> Result<Vec<Sealed>, FailedOperation> {
    let seal = |(index, operation): (usize, Checked)| async move {
        let sealed = operation.seal().await;
        sealed.map_err(|error| FailedOperation::new(index, error))
    };
    let work = operations.into_iter().enumerate().map(seal);
    in_order(work.collect()).try_collect().await
}

fn refuse_foreign(input: &TransactWriteItemsInputBuilder) -> Result<(), Refused> {
    refuse_set(&[
        (input.get_transact_items().is_some(), TRANSACT_ITEMS),
        (
            input.get_client_request_token().is_some(),
            CLIENT_REQUEST_TOKEN,
        ),
    ])
}

impl fmt::Debug for TransactWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self.cores().map(|core| core.table_name());
        f.debug_struct("TransactWrite")
            .field("table_names", &tables.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
