//! TransactGetItems: a consistent picture of several items, each read as its own model.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::transact_get_items::builders::TransactGetItemsInputBuilder;
use aws_sdk_dynamodb::operation::transact_get_items::{
    TransactGetItemsError, TransactGetItemsInput, TransactGetItemsOutput,
};
use aws_sdk_dynamodb::types::{Get, TransactGetItem};
use futures_util::stream::StreamExt as _;

use super::cancelled::{self, is_transient, reasons};
use super::error::{FailedOperation, TransactionError};
use super::{Taken, Target, check_together, in_order, not_built, span};
use crate::error::OpenError;
use crate::item::{IntoKey, Item, Key, Model, ModelMismatch, OpenedItem};
use crate::materials::CallBudget;
use crate::table::backoff::{Backoff, max_attempts};
use crate::table::core::Core;
use crate::table::customize::{TRANSACT_ITEMS, refuse_set};
use crate::table::error::{Refused, SdkFailure};
use crate::table::handle::Opens;

/// Reads up to 100 items of one or several tables as they were at one moment.
///
/// Each read hands out a [`Slot`] that knows its model; [`send`](Self::send) returns what was found,
/// and each slot takes its own item out of it. The tables may hold different models and use
/// different keyrings; they must be built with clones of one region set, and the picture is that of
/// its local region alone: replicas in other regions may be ahead or behind.
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
/// # struct Customer { #[seal(partition_key)] id: String, name: String }
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "orders", default = "encrypt")]
/// # struct Order { #[seal(partition_key)] id: String, total: u32 }
/// # let customers = SealedTable::<Customer>::builder("customers", keyring.clone(), &regions).build()?;
/// # let orders = SealedTable::<Order>::builder("orders", keyring, &regions).build()?;
/// use dynaseal::table::TransactGet;
///
/// customers.put(&Customer { id: "c-1".into(), name: "Ada".into() }).send().await?;
///
/// let mut reads = TransactGet::new();
/// let customer = reads.get(&customers, "c-1");
/// let order = reads.get(&orders, "o-1");
/// let mut found = reads.send().await?;
///
/// let customer: Option<Customer> = found.take(customer)?;
/// assert_eq!(customer.expect("it was put").name, "Ada");
/// assert!(found.take(order)?.is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "a transaction does nothing until `send`"]
pub struct TransactGet {
    reads: Vec<Read>,
    input: TransactGetItemsInputBuilder,
    /// Which transaction a slot is of. Each has its own allocation, so no two are the same.
    id: Arc<()>,
}

/// One read, whatever its model is.
struct Read {
    core: Arc<Core>,
    key: Key,
}

/// Where the item of one read will be. Made by [`TransactGet::get`], spent by [`Found::take`].
pub struct Slot<T> {
    transaction: Arc<()>,
    index: usize,
    model: PhantomData<fn() -> T>,
}

impl TransactGet {
    /// A transaction that reads nothing yet.
    pub fn new() -> Self {
        Self {
            reads: Vec::new(),
            input: TransactGetItemsInput::builder(),
            id: Arc::new(()),
        }
    }

    /// Adds the item under a key of a table, a [`SealedTable`](crate::SealedTable) or an
    /// [`OpenOnly`](crate::table::OpenOnly).
    #[must_use = "only the slot gives the item out"]
    pub fn get<H: Opens>(
        &mut self,
        table: &H,
        key: impl IntoKey<<H::Model as Model>::KeyShape>,
    ) -> Slot<H::Model> {
        let index = self.reads.len();
        self.reads.push(Read {
            core: Arc::clone(table.table().0),
            key: key.into_key(),
        });
        Slot {
            transaction: Arc::clone(&self.id),
            index,
            model: PhantomData,
        }
    }

    /// Reaches the settings of the SDK that are not the tables', such as consumed capacity.
    ///
    /// The closure gets a blank builder; `transact_items` must stay unset, or [`send`](Self::send)
    /// refuses.
    pub fn customize(
        mut self,
        customize: impl FnOnce(TransactGetItemsInputBuilder) -> TransactGetItemsInputBuilder,
    ) -> Self {
        self.input = customize(self.input);
        self
    }

    /// Reads all items in one request, and opens them concurrently.
    ///
    /// A request that DynamoDB cancelled for nothing but conflicts with writes, or throttling, is
    /// made again, as often as the retry configuration of the SDK says.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Refused`] without reads, with over 100, with tables of several region
    /// sets, and for a setting that is not the caller's;
    /// [`Operation`](TransactionError::Operation) for a key that is not of its table or is asked
    /// twice; both before anything is sent. [`Cancelled`](TransactionError::Cancelled) or
    /// [`Sdk`](TransactionError::Sdk) for what DynamoDB answers. An item that does not open is no
    /// error here: its slot reports it.
    pub async fn send(self) -> Result<Found, TransactionError<TransactGetItemsError>> {
        let cores = self.reads.iter().map(|read| &read.core);
        let span = span::transact_get_items(cores);
        span::run(span, self.run()).await
    }

    async fn run(self) -> Result<Found, TransactionError<TransactGetItemsError>> {
        refuse_foreign(&self.input)?;
        let core = check_together(self.reads.iter().map(|read| &read.core))?;
        let targets = targets(self.reads)?;
        let input = self
            .input
            .set_transact_items(Some(transact_items(&targets, &core)?));
        let mut sdk = request(input, &core, &targets).await?;
        let responses = sdk.responses.take().unwrap_or_default();
        let items = responses.into_iter().map(|response| response.item);
        let slots = open(items.collect(), &targets).await;
        let transaction = self.id;
        Ok(Found {
            transaction,
            slots,
            sdk,
        })
    }
}

impl Default for TransactGet {
    fn default() -> Self {
        Self::new()
    }
}

fn targets(reads: Vec<Read>) -> Result<Vec<Target>, FailedOperation> {
    let mut taken = Taken::default();
    let target = |(index, read): (usize, Read)| {
        let failed = |refused| FailedOperation::new(index, refused);
        let target = Target::of(read.core, read.key).map_err(failed)?;
        taken.take(index, &target).map_err(failed)?;
        Ok(target)
    };
    reads.into_iter().enumerate().map(target).collect()
}

fn transact_items(
    targets: &[Target],
    core: &Core,
) -> Result<Vec<TransactGetItem>, TransactionError<TransactGetItemsError>> {
    let item = |target: &Target| {
        let get = Get::builder().table_name(target.core.table_name());
        let get = get.set_key(Some(target.key.clone())).build();
        get.map(|get| TransactGetItem::builder().get(get).build())
    };
    let items: Result<_, _> = targets.iter().map(item).collect();
    items.map_err(|error| not_built(error, core))
}

/// Asks until nothing is in the way any more, or attempts are used up.
async fn request(
    input: TransactGetItemsInputBuilder,
    core: &Core,
    targets: &[Target],
) -> Result<TransactGetItemsOutput, TransactionError<TransactGetItemsError>> {
    let mut backoff = Backoff::new(core.dynamodb());
    let mut left = max_attempts(core.dynamodb());
    loop {
        left = left.saturating_sub(1);
        let sent = Box::pin(input.clone().send_with(core.dynamodb())).await;
        let error = match sent {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        match reasons(&error) {
            Some(reasons) if left > 0 && is_transient(reasons) => backoff.wait().await,
            Some(_) => {
                let cancelled = cancelled::open(error, targets, core.region()).await;
                return Err(TransactionError::Cancelled(cancelled));
            }
            None => return Err(TransactionError::Sdk(SdkFailure::new(error, core.region()))),
        }
    }
}

type Opened = Option<Result<OpenedItem, OpenError>>;

/// Opens each item for the read it answers. Calls to KMS are counted together.
async fn open(items: Vec<Option<Item>>, targets: &[Target]) -> Vec<Opened> {
    let budgets = CallBudget::of_page(items.len());
    let work = items.into_iter().zip(targets).zip(budgets);
    let work = work.map(|((item, target), budget)| async move {
        match item {
            Some(item) => Some(target.open(item, &budget).await),
            None => None,
        }
    });
    in_order(work.collect()).collect().await
}

fn refuse_foreign(input: &TransactGetItemsInputBuilder) -> Result<(), Refused> {
    refuse_set(&[(input.get_transact_items().is_some(), TRANSACT_ITEMS)])
}

/// What a [`TransactGet`] found, one place per read.
pub struct Found {
    transaction: Arc<()>,
    slots: Vec<Opened>,
    sdk: TransactGetItemsOutput,
}

impl Found {
    /// The item of a read as its model; `None` if nothing was under the key.
    ///
    /// # Errors
    ///
    /// Those of [`take_opened`](Self::take_opened), and [`SlotError::Model`] if the item does not fit
    /// the model.
    pub fn take<T: Model>(&mut self, slot: Slot<T>) -> Result<Option<T>, SlotError> {
        match self.take_opened(slot)? {
            Some(opened) => Ok(Some(T::from_opened(opened)?)),
            None => Ok(None),
        }
    }

    /// The item of a read, with what is known about how it was opened.
    ///
    /// # Errors
    ///
    /// [`SlotError::Open`] if the item is not sealed, was changed, is another one than was asked for,
    /// or no keyring opens it; [`SlotError::Unanswered`] if the answer has no place for this read;
    /// [`SlotError::AnotherTransaction`] for a slot that another transaction handed out.
    pub fn take_opened<T>(&mut self, slot: Slot<T>) -> Result<Option<OpenedItem>, SlotError> {
        if !Arc::ptr_eq(&self.transaction, &slot.transaction) {
            return Err(SlotError::AnotherTransaction);
        }
        let opened = self.slots.get_mut(slot.index);
        let opened = opened.ok_or(SlotError::Unanswered)?.take();
        Ok(opened.transpose()?)
    }

    /// What the SDK returned beside the items: consumed capacity, if it was asked for.
    #[must_use]
    pub fn sdk_output(&self) -> &TransactGetItemsOutput {
        &self.sdk
    }
}

/// Why a slot gives no item out.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum SlotError {
    /// The slot was handed out by another transaction.
    AnotherTransaction,
    /// DynamoDB answered fewer reads than were asked.
    Unanswered,
    /// The stored item was not opened.
    Open(OpenError),
    /// Model and item do not fit together.
    Model(ModelMismatch),
}

impl SlotError {
    /// Whether the same read may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Open(error) if error.is_retryable())
    }

    /// The region in which a keyring failed.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Open(error) => error.region(),
            _ => None,
        }
    }
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnotherTransaction => "slot of another transaction",
            Self::Unanswered => "the answer has no place for this read",
            Self::Open(_) => "item was not opened",
            Self::Model(_) => "item does not fit the model",
        })
    }
}

impl Error for SlotError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            Self::Model(error) => Some(error),
            Self::AnotherTransaction | Self::Unanswered => None,
        }
    }
}

impl From<OpenError> for SlotError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ModelMismatch> for SlotError {
    fn from(error: ModelMismatch) -> Self {
        Self::Model(error)
    }
}

impl fmt::Debug for TransactGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self.reads.iter().map(|read| read.core.table_name());
        f.debug_struct("TransactGet")
            .field("table_names", &tables.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}
