//! Update by closure: read, verify, change, seal, write on condition that nobody wrote meanwhile.

mod change;
mod draft;
mod error;
mod request;
mod size;
mod write;
mod write_error;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::AttributeValue;

pub use self::change::Change;
use self::draft::Draft;
pub use self::error::UpdateError;
use self::request::Before;
use self::write::{Certainty, Next, Sent};
pub(super) use self::write_error::UpdateItem;
pub use self::write_error::UpdateWriteError;
use super::attempt::{Attempts, Repeat};
use super::core::Core;
use super::customize::refuse_update_settings;
use super::footer;
use super::freshness::{Origin, Rejected, Sighting, reread_consistently};
use super::span;
use crate::format::BEACON_PREFIX;
use crate::item::{Item, Key, Model, OpenedItem, SealedActions};
use crate::region::Backoff;

/// Changes one item by a closure. Made by [`SealedTable::update`](super::SealedTable::update).
///
/// The item is read consistently, verified and decrypted; the closure changes it; it is sealed again
/// and written on the condition that its footer is still the one that was read. If another writer was
/// faster, the closure runs again on what that writer left: it **may run more than once**, and must
/// not count its own runs.
///
/// # What is written
///
/// Every signed attribute but the keys, in one `UpdateItem`. Attributes that the model does not know
/// survive, as they were protected before; within an attribute that the closure changes, the model's
/// view replaces the stored one. Unsigned attributes are neither written nor overwritten: what others
/// count there meanwhile is kept. The version of a model with `#[seal(version)]` goes up by one. If
/// the closure changes nothing, nothing is written.
///
/// # What is not promised
///
/// Reads and writes go to the table's [home region](super::SealedTableBuilder::home_region), and nowhere
/// else if it fails. In a global table with eventual consistency the condition holds there only: two
/// regions that update one item at the same time both succeed, and the last writer wins. A model with a
/// version has a chance to notice: see [`freshness`](super::freshness). A writer that does not seal, and
/// adds a signed attribute in between, leaves an item that does not verify. An attribute that the schema has moved between signed and unsigned since the
/// item was sealed does not pass through an update: it does not open.
#[must_use = "an operation does nothing until `send`"]
pub struct Update<T, F> {
    core: Arc<Core>,
    key: Key,
    change: F,
    max_conflicts: u32,
    certainty: Certainty,
    deadline: Option<Duration>,
    input: UpdateItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

/// What an update returned.
///
/// Its `Debug` shows neither the model nor the SDK's output.
#[derive(Clone)]
pub struct UpdateOutput<T> {
    region: String,
    model: T,
    written: bool,
    version: Option<u64>,
    attempts: u32,
    sent: Option<Sent>,
}

impl<T> UpdateOutput<T> {
    /// The region that was read, and written to.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The item as it is now: as it was sealed, with unsigned attributes as they were read.
    #[must_use]
    pub fn model(&self) -> &T {
        &self.model
    }

    /// The item as it is now, by value.
    #[must_use]
    pub fn into_model(self) -> T {
        self.model
    }

    /// Whether anything was written: not if the closure changed nothing.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.written
    }

    /// The version that was written, of a model with `#[seal(version)]`.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// How often the closure ran.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What `UpdateItem` returned: consumed capacity and metrics, where they were asked for. `None` if
    /// nothing was written, if the answer was lost and the write recognised by what is stored, or
    /// after [`exactly_once`](Update::exactly_once).
    #[must_use]
    pub fn sdk_output(&self) -> Option<&UpdateItemOutput> {
        match &self.sent {
            Some(Sent::Update(output)) => Some(output),
            _ => None,
        }
    }

    /// What `TransactWriteItems` returned, after [`exactly_once`](Update::exactly_once).
    #[must_use]
    pub fn transaction_output(&self) -> Option<&TransactWriteItemsOutput> {
        match &self.sent {
            Some(Sent::Transaction(output)) => Some(output),
            _ => None,
        }
    }
}

impl<T: Model, F> Update<T, F> {
    /// How often other writers may be faster before the update gives up, unless told otherwise.
    pub const DEFAULT_MAX_CONFLICTS: u32 = 10;

    pub(super) fn new(core: Arc<Core>, key: Key, change: F) -> Self {
        Self {
            core,
            key,
            change,
            max_conflicts: Self::DEFAULT_MAX_CONFLICTS,
            certainty: Certainty {
                idempotent: false,
                exactly_once: false,
            },
            deadline: None,
            input: UpdateItemInput::builder(),
            model: PhantomData,
        }
    }

    /// How often other writers may be faster before [`UpdateError::Conflict`]. Default:
    /// [`DEFAULT_MAX_CONFLICTS`](Self::DEFAULT_MAX_CONFLICTS). Of n writers that each update once, each
    /// meets n - 1 conflicts at most.
    pub fn max_conflicts(mut self, max: u32) -> Self {
        self.max_conflicts = max;
        self
    }

    /// Says that the change may be applied twice, as setting a name may and counting up may not.
    ///
    /// If an answer was lost and the item turns out to be another writer's, the closure runs again on
    /// that, instead of [`UpdateError::OutcomeUnknown`]. Whatever error comes after that, the change
    /// may have been applied before.
    pub fn idempotent(mut self) -> Self {
        self.certainty.idempotent = true;
        self
    }

    /// Writes in a transaction of one item, which DynamoDB knows again: whatever answers are lost, and
    /// whoever writes in between, the change is applied once.
    ///
    /// It costs twice the write capacity, and the table must not be a global table with multi-Region
    /// strong consistency, which has no transactions. If the region cannot be reached at all any
    /// more, the outcome is unknown all the same.
    pub fn exactly_once(mut self) -> Self {
        self.certainty.exactly_once = true;
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

    /// Reads, changes and writes the item.
    ///
    /// # Errors
    ///
    /// [`UpdateError`]. All but [`Write`](UpdateError::Write),
    /// [`OutcomeUnknown`](UpdateError::OutcomeUnknown), [`Deleted`](UpdateError::Deleted) and
    /// [`Conflict`](UpdateError::Conflict) come before anything was sent to be written.
    pub async fn send<R>(self) -> Result<UpdateOutput<T>, UpdateError>
    where
        F: FnMut(&mut T) -> R + Send,
        R: Change,
    {
        let span = span::update(&self.core, self.core.home());
        span::run(span, Box::pin(self.run())).await
    }

    async fn run<R>(mut self) -> Result<UpdateOutput<T>, UpdateError>
    where
        F: FnMut(&mut T) -> R + Send,
        R: Change,
    {
        refuse_update_settings(&self.input)?;
        let core = &*self.core;
        let key = core.key_attributes(self.key)?;
        let mut backoff = Backoff::new(core.home().sleep());
        let deadline = core.deadline(self.deadline);
        let mut stored = deadline.run(look(core, &key)).await??;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let read_item = Stored::open_newest(core, &key, stored);
            let read_item = deadline.run(read_item).await??;
            let (model, item, version) =
                match Draft::new(core, &read_item.opened, &mut self.change)? {
                    Draft::Unchanged(model) => {
                        return Ok(UpdateOutput::unchanged(core, model, attempts));
                    }
                    Draft::Changed {
                        model,
                        item,
                        version,
                    } => (model, item, version),
                };
            let sealed = core.seal_again(item, &read_item.actions);
            let sealed = deadline.run(sealed).await?.map_err(UpdateError::from)?;
            let own_footer = footer(&sealed).cloned();
            let input = self.input.clone();
            let input = request::build(core, input, &key, read_item.before(), sealed)?;
            let sending = Attempts::new(core.home(), Repeat::UntilDisplaced, &deadline);
            let sending = sending.of_item(own_footer.clone());
            let next = write::write(core, &sending, &key, self.certainty, input);
            let newest = match Box::pin(next).await? {
                Next::Done(sent) => {
                    core.note_written(&key, version, own_footer.as_ref()).await;
                    return Ok(UpdateOutput {
                        region: core.home().region().to_owned(),
                        model,
                        written: true,
                        version,
                        attempts,
                        sent,
                    });
                }
                Next::Retry(item) => Some(item),
                Next::ReadAgain => None,
            };
            if attempts > self.max_conflicts {
                return Err(UpdateError::Conflict { attempts });
            }
            deadline.run(backoff.wait()).await?;
            stored = match newest {
                Some(item) => item,
                None => deadline.run(look(core, &key)).await??,
            };
        }
    }
}

/// Reads what is stored, consistently and in the region that is written to.
async fn look(core: &Core, key: &Item) -> Result<Item, UpdateError> {
    match reread_consistently(core, key).await {
        Ok(item) => item.ok_or(UpdateError::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// A stored item, opened, and what writing it again depends on.
struct Stored {
    opened: OpenedItem,
    actions: SealedActions,
    footer: AttributeValue,
}

impl Stored {
    /// Opens an item and makes sure that it is the newest that is known, since what is written would
    /// otherwise look newer than what it has lost.
    async fn open_newest(core: &Core, key: &Item, item: Item) -> Result<Self, UpdateError> {
        let stored = Self::open(core, key, item).await?;
        let older = match stored.sight(core, None).await? {
            Sighting::Older(older) => older,
            sighting => return stored.accept(core, sighting),
        };
        // A write of this process may have come between reading and comparing.
        let item = core.reread_older(key, older, core.home().region()).await?;
        let stored = Self::open(core, key, item.ok_or(UpdateError::NotFound)?).await?;
        let sighting = stored.sight(core, Some(older.newest)).await?;
        stored.accept(core, sighting)
    }

    async fn sight(&self, core: &Core, known: Option<u64>) -> Result<Sighting, Rejected> {
        let footer = core.footer_digest_of(&self.footer);
        core.sight(self.opened.item(), footer, known).await
    }

    fn accept(mut self, core: &Core, sighting: Sighting) -> Result<Self, UpdateError> {
        self.opened = core.settle(self.opened, sighting, Origin::Table)?;
        Ok(self)
    }

    async fn open(core: &Core, key: &Item, item: Item) -> Result<Self, UpdateError> {
        if item.keys().any(|name| name.starts_with(BEACON_PREFIX)) {
            return Err(UpdateError::BeaconsPresent);
        }
        let footer = footer(&item).cloned();
        let (opened, actions) = core.open_for_update(key, item).await?;
        // What opens has one.
        let footer = footer.ok_or(UpdateError::PlaintextItem)?;
        Ok(Self {
            opened,
            actions,
            footer,
        })
    }

    fn before(&self) -> Before<'_> {
        Before {
            item: self.opened.item(),
            footer: &self.footer,
        }
    }
}

impl<T> UpdateOutput<T> {
    fn unchanged(core: &Core, model: T, attempts: u32) -> Self {
        Self {
            region: core.home().region().to_owned(),
            model,
            written: false,
            version: None,
            attempts,
            sent: None,
        }
    }
}

impl<T, F> fmt::Debug for Update<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("table_name", &self.core.table_name())
            .field("max_conflicts", &self.max_conflicts)
            .field("certainty", &self.certainty)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for UpdateOutput<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateOutput")
            .field("region", &self.region)
            .field("is_written", &self.written)
            .field("version", &self.version)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
