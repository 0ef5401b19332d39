//! TransactGetItems: a consistent picture of several items, each read as its own model.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_get_items::builders::TransactGetItemsInputBuilder;
use aws_sdk_dynamodb::operation::transact_get_items::{
    TransactGetItemsError, TransactGetItemsInput, TransactGetItemsOutput,
};
use aws_sdk_dynamodb::types::{Get, TransactGetItem};
use futures_util::stream::StreamExt as _;

use super::cancelled;
use super::error::{FailedOperation, TransactionError};
use super::picture::Picture;
use super::slot::{Slot, TransactGetOutput};
use super::{Taken, Target, check_together, deadline_of, in_order, not_built, span};
use crate::item::{IntoKey, Item, Key, Model};
use crate::materials::CallBudget;
use crate::region::Member;
use crate::region::cancelled::reasons;
use crate::table::call::{Route, Unanswered};
use crate::table::core::Core;
use crate::table::customize::{TRANSACT_ITEMS, refuse_set};
use crate::table::error::Refused;
use crate::table::handle::Opens;

/// Reads up to 100 items of one or several tables as they were at one moment.
///
/// Each read hands out a [`Slot`] that knows its model; [`send`](Self::send) returns what was found,
/// and each slot takes its own item out of it. The tables may hold different models and use
/// different keyrings; they must be built with clones of one region set, and the picture is that of
/// its local region alone, whatever their [`ReadPolicy`](crate::table::ReadPolicy): replicas in other
/// regions may be ahead or behind.
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
    deadline: Option<Duration>,
    input: TransactGetItemsInputBuilder,
    /// Which transaction a slot is of. Each has its own allocation, so no two are the same.
    id: Arc<()>,
}

/// One read, whatever its model is.
struct Read {
    core: Arc<Core>,
    key: Key,
}

impl TransactGet {
    /// A transaction that reads nothing yet.
    pub fn new() -> Self {
        Self {
            reads: Vec::new(),
            deadline: None,
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
        Slot::new(&self.id, index)
    }

    /// How long it may take, with all its attempts and calls to KMS. Default: what the first
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
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
    /// A picture with an item that is older than one that was seen is taken again, once.
    /// A request that DynamoDB cancelled for nothing but conflicts with writes, or throttling, is
    /// made again, as often as the retry configuration of the SDK says.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Refused`] without reads, with over 100, with tables of several region
    /// sets, and for a setting that is not the caller's;
    /// [`Operation`](TransactionError::Operation) for a key that is not of its table or is asked
    /// twice; both before anything is sent. [`Cancelled`](TransactionError::Cancelled) or
    /// [`Sdk`](TransactionError::Sdk) for what DynamoDB answers. An item that does not open, or is not
    /// the newest that was seen, is no error here: its slot reports it.
    pub async fn send(self) -> Result<TransactGetOutput, TransactionError<TransactGetItemsError>> {
        let cores = self.reads.iter().map(|read| &read.core);
        let span = span::transact_get_items(cores);
        let deadline = deadline_of(self.reads.iter().map(|read| &read.core), self.deadline);
        let run = async { deadline.run(self.run()).await? };
        span::run(span, run).await
    }

    async fn run(self) -> Result<TransactGetOutput, TransactionError<TransactGetItemsError>> {
        refuse_foreign(&self.input)?;
        let core = check_together(self.reads.iter().map(|read| &read.core), Core::local)?;
        let targets = targets(self.reads)?;
        let input = self
            .input
            .set_transact_items(Some(transact_items(&targets, &core)?));
        let mut member = core.local();
        let mut sdk = request(&input, &core, member, &targets).await?;
        let mut found = open(items(&mut sdk), &targets, member, &[]).await;
        if found.iter().any(Picture::is_older) {
            // A picture of one moment is taken again as a whole, where the items are written.
            member = home_of(&core, &targets);
            sdk = request(&input, &core, member, &targets).await?;
            let again = open(items(&mut sdk), &targets, member, &found).await;
            found = Picture::again(found, again);
        }
        let found = found.into_iter().zip(&targets);
        let slots = found.map(|(picture, target)| picture.into_slot(&target.core));
        Ok(TransactGetOutput::new(
            member.region(),
            self.id,
            slots.collect(),
            sdk,
        ))
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
    items.map_err(|error| not_built(error, core.local()))
}

/// The region that all of the tables are written in; the local one, if it is not one.
fn home_of<'a>(core: &'a Core, targets: &[Target]) -> &'a Member {
    let home = core.home();
    let mut others = targets.iter().map(|target| target.core.home().region());
    match others.all(|other| other == home.region()) {
        true => home,
        false => core.local(),
    }
}

/// Asks until nothing is in the way any more, or attempts are used up.
async fn request(
    input: &TransactGetItemsInputBuilder,
    core: &Core,
    member: &Member,
    targets: &[Target],
) -> Result<TransactGetItemsOutput, TransactionError<TransactGetItemsError>> {
    match Route::only(core, member).ask(input).await {
        Ok(response) => Ok(response.output),
        Err(Unanswered::Sdk(failure)) if reasons(failure.error()).is_some() => {
            let cancelled = cancelled::open(failure, targets).await;
            Err(TransactionError::Cancelled(cancelled))
        }
        Err(unanswered) => Err(unanswered.into()),
    }
}

fn items(sdk: &mut TransactGetItemsOutput) -> Vec<Option<Item>> {
    let responses = sdk.responses.take().unwrap_or_default();
    responses
        .into_iter()
        .map(|response| response.item)
        .collect()
}

/// Opens each item for the read it answers. Calls to KMS are counted together. `before` is what was
/// found the first time, if this is the second.
async fn open(
    items: Vec<Option<Item>>,
    targets: &[Target],
    member: &Member,
    before: &[Picture],
) -> Vec<Picture> {
    let budgets = CallBudget::of_page(items.len());
    let known = before.iter().map(Picture::known);
    let known = known.chain(std::iter::repeat(None));
    let work = items.into_iter().zip(targets).zip(budgets).zip(known);
    let work = work.map(|(((item, target), budget), known)| async move {
        match item {
            Some(item) => Picture::open(target, item, member.region(), &budget, known).await,
            None => Picture::empty(),
        }
    });
    in_order(work.collect()).collect().await
}

fn refuse_foreign(input: &TransactGetItemsInputBuilder) -> Result<(), Refused> {
    refuse_set(&[(input.get_transact_items().is_some(), TRANSACT_ITEMS)])
}

impl fmt::Debug for TransactGet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables = self.reads.iter().map(|read| read.core.table_name());
        f.debug_struct("TransactGet")
            .field("table_names", &tables.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
