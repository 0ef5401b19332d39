//! GetItem.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::get_item::builders::GetItemInputBuilder;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemInput};
use aws_sdk_dynamodb::types::ConsumedCapacity;

use super::call::Response;
use super::core::Core;
use super::customize::{self, refuse_set};
use super::error::{AbsentInFallback, OperationError, Refused};
use super::freshness::Look;
use super::plaintext::Found;
use super::read_policy::{Reach, ReadPolicy};
use super::span;
use crate::item::{Item, Key, Model, ModelMismatch, OpenedItem};

/// Reads and opens one item. Made by [`SealedTable::get`](super::SealedTable::get).
///
/// That the item is the one under the key is checked as well: a store that answers with another one,
/// however validly sealed, is found out. Whether it is the newest can be told of models with a version
/// alone; see [`freshness`](super::freshness).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dynaseal::testkit::{Cloud, KeyType, TableDefinition};
/// # use dynaseal::{KmsMrkKeyring, RegionSet, Seal, SealedTable};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Seal)]
/// # #[seal(table = "notes", default = "encrypt")]
/// # struct Note { #[seal(partition_key)] id: u32, text: String }
/// # let cloud = Cloud::start(["eu-west-1"]).await?;
/// # let key = cloud.create_multi_region_key("eu-west-1", [""; 0]).await?;
/// # let definition = TableDefinition::new("notes").partition_key("id", KeyType::N);
/// # cloud.create_global_table(&definition).await?;
/// # let regions = RegionSet::builder(&cloud.sdk_config("eu-west-1")).local("eu-west-1").build()?;
/// # let keyring = KmsMrkKeyring::new(&key.arn("eu-west-1"), &regions)?;
/// # let table = SealedTable::<Note>::builder("notes", keyring, &regions).build()?;
/// # table.put(&Note { id: 1, text: "hello".into() }).send().await?;
/// let found = table.get(1).customize(|b| b.consistent_read(true)).send().await?;
/// assert_eq!(found.expect("it was put").text, "hello");
/// assert!(table.get(2).send().await?.is_none());
///
/// let opened = table.get(1).send_opened().await?.expect("it was put");
/// assert_eq!(opened.region(), Some("eu-west-1"), "whose KMS unwrapped the data key");
/// assert_eq!(opened.table_region(), Some("eu-west-1"), "whose table had it");
/// # Ok(())
/// # }
/// ```
#[must_use = "an operation does nothing until `send`"]
pub struct Get<T = Item> {
    core: Arc<Core>,
    key: Key,
    reach: Reach,
    accepts_absent: bool,
    deadline: Option<Duration>,
    input: GetItemInputBuilder,
    model: PhantomData<fn() -> T>,
}

impl<T: Model> Get<T> {
    pub(super) fn new(core: Arc<Core>, key: Key) -> Self {
        Self {
            core,
            key,
            reach: Reach::default(),
            accepts_absent: false,
            deadline: None,
            input: GetItemInput::builder(),
            model: PhantomData,
        }
    }

    /// Where to read when the local region fails. Default: what the table says.
    pub fn read_policy(mut self, policy: ReadPolicy) -> Self {
        self.reach.policy = Some(policy);
        self
    }

    /// Reads in this region of the set and in no other, whatever the policy.
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.reach.region = Some(region.into());
        self
    }

    /// Takes it for an answer if a fallback region has nothing under the key, although it may lag behind.
    ///
    /// Otherwise that is [`OperationError::AbsentInFallback`].
    pub fn accept_absent_in_fallback(mut self) -> Self {
        self.accepts_absent = true;
        self
    }

    /// How long it may take, with all its attempts and calls to KMS. Default: what the
    /// [table](crate::table::SealedTableBuilder::deadline) says.
    pub fn deadline(mut self, after: Duration) -> Self {
        self.deadline = Some(after);
        self
    }

    /// Reaches the settings of the SDK that are not the table's, such as consistency. A strongly
    /// consistent read never goes to a fallback region.
    ///
    /// The closure gets a blank builder; key, table name and projections must stay unset, or
    /// [`send`](Self::send) refuses.
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
    /// [`Stale`](OperationError::Stale), [`Diverged`](OperationError::Diverged) and
    /// [`Freshness`](OperationError::Freshness) if it has a version, and is not known to be the newest;
    /// [`Model`](OperationError::Model) if it does not fit the model;
    /// [`Refused`](OperationError::Refused) for a setting that is not the caller's;
    /// [`Sdk`](OperationError::Sdk) with the SDK's own error, of the last region that was asked;
    /// [`CircuitOpen`](OperationError::CircuitOpen) if none was;
    /// [`AbsentInFallback`](OperationError::AbsentInFallback) if a fallback region has nothing.
    pub async fn send(self) -> Result<Option<T>, OperationError<GetItemError>> {
        Ok(self.run(T::from_opened).await?.0)
    }

    /// Like [`send`](Self::send), with what is known about how the item was opened: suite, context,
    /// key, regions.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), but for the model's.
    pub async fn send_opened(self) -> Result<Option<OpenedItem>, OperationError<GetItemError>> {
        Ok(self.run(Ok).await?.0)
    }

    /// Like [`send`](Self::send), with the capacity that the read consumed, if
    /// [`customize`](Self::customize) asked for it.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub async fn send_metered(
        self,
    ) -> Result<(Option<T>, Option<ConsumedCapacity>), OperationError<GetItemError>> {
        self.run(T::from_opened).await
    }

    async fn run<O>(
        self,
        into: impl FnOnce(OpenedItem) -> Result<O, ModelMismatch>,
    ) -> Result<(Option<O>, Option<ConsumedCapacity>), OperationError<GetItemError>> {
        let core = Arc::clone(&self.core);
        let span = span::get_item(&core, core.first_of(&self.reach));
        let deadline = core.deadline(self.deadline);
        let read = Box::pin(async {
            let stored = self.fetch().await?;
            let opened = match stored.item {
                Some(item) => {
                    let look = Look::under(&stored.key, &stored.region);
                    core.open_read(look, item).await?
                }
                None => None,
            };
            Ok((opened.map(into).transpose()?, stored.consumed_capacity))
        });
        let read = async { deadline.run(read).await? };
        span::run(span, read).await
    }

    /// Like [`send_opened`](Self::send_opened), but plaintext is let through where the policy says so.
    pub(super) async fn send_found<O>(
        self,
        into: impl FnOnce(Found<OpenedItem, Item>) -> Result<O, ModelMismatch>,
    ) -> Result<Option<O>, OperationError<GetItemError>> {
        let core = Arc::clone(&self.core);
        let span = span::get_item(&core, core.first_of(&self.reach));
        let deadline = core.deadline(self.deadline);
        let read = Box::pin(async {
            let stored = self.fetch().await?;
            let Some(item) = stored.item else {
                return Ok(None);
            };
            let look = Look::under(&stored.key, &stored.region);
            let found = core.open_found(look, item).await?;
            Ok(found.map(into).transpose()?)
        });
        let read = async { deadline.run(read).await? };
        span::run(span, read).await
    }

    async fn fetch(self) -> Result<Stored, OperationError<GetItemError>> {
        refuse_foreign(&self.input)?;
        let key = self.core.key_attributes(self.key)?;
        let consistent = *self.input.get_consistent_read();
        let route = self.core.route(&self.reach, consistent)?;
        let input = self
            .input
            .table_name(self.core.table_name())
            .set_key(Some(key.clone()));
        let response = route.ask(&input).await?;
        let Response { output, region, .. } = response;
        if output.item.is_none() && response.is_fallback && !self.accepts_absent {
            return Err(AbsentInFallback::new(region, self.core.local().region()).into());
        }
        Ok(Stored {
            region: region.to_owned(),
            key,
            item: output.item,
            consumed_capacity: output.consumed_capacity,
        })
    }
}

/// The key that was asked for, and what is under it in the region that answered.
struct Stored {
    region: String,
    key: Item,
    item: Option<Item>,
    consumed_capacity: Option<ConsumedCapacity>,
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
