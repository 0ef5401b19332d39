//! Opening the items of a page: concurrently, in order, each for itself.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::{ItemError, UnopenedItem};
use crate::error::{AttributeIssue, InvalidAttribute, OpenError};
use crate::item::{Item, Model, OpenedItem};
use crate::materials::CallBudget;
use crate::table::core::Core;
use crate::table::deadline::Deadline;
use crate::table::error::DeadlineExceeded;
use crate::table::freshness::{Look, Origin};
use crate::value::Terminal;

/// How one stored item becomes what the caller asked for.
pub(in crate::table) trait OpenStored: Send + Sync + 'static {
    type Opened: Send + 'static;

    /// Opens one item; `None` if it turns out to be gone.
    fn open(
        &self,
        core: &Core,
        look: Look<'_>,
        item: Item,
    ) -> impl Future<Output = Result<Option<Self::Opened>, ItemError>> + Send;
}

/// Items as models.
pub(in crate::table) struct IntoModel<T>(PhantomData<fn() -> T>);

impl<T> IntoModel<T> {
    pub(in crate::table) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Model + 'static> OpenStored for IntoModel<T> {
    type Opened = T;

    async fn open(&self, core: &Core, look: Look<'_>, item: Item) -> Result<Option<T>, ItemError> {
        let opened = core.open_read(look, item).await?;
        Ok(opened.map(T::from_opened).transpose()?)
    }
}

/// Items with what is known about how they were opened.
pub(in crate::table) struct AsOpened;

impl OpenStored for AsOpened {
    type Opened = OpenedItem;

    async fn open(
        &self,
        core: &Core,
        look: Look<'_>,
        item: Item,
    ) -> Result<Option<OpenedItem>, ItemError> {
        Ok(core.open_read(look, item).await?)
    }
}

/// The partition that was asked for.
#[derive(Clone)]
pub(in crate::table) struct Partition {
    pub(in crate::table) name: String,
    pub(in crate::table) value: AttributeValue,
}

impl Partition {
    /// Whether an item is in the partition. Keys are stored in clear, so this can be asked before the
    /// item is opened; opening it proves that it is true, of an index by an unsigned attribute excepted.
    pub(in crate::table) fn holds(&self, item: &Item) -> bool {
        let found = item.get(&self.name).map(Terminal::of);
        matches!(
            (found, Terminal::of(&self.value)),
            (Some(Ok(found)), Ok(asked)) if found == asked
        )
    }

    /// What is wrong with an item of another one.
    fn missed(&self) -> OpenError {
        InvalidAttribute::new(&self.name, AttributeIssue::AnotherKey).into()
    }
}

/// How the items of a page are opened.
pub(in crate::table) struct Opening {
    pub(in crate::table) origin: Origin,
    /// Where they were read.
    pub(in crate::table) region: String,
    /// How many at the same time.
    pub(in crate::table) concurrency: usize,
    pub(in crate::table) patience: Patience,
}

/// How long opening items may take.
pub(in crate::table) enum Patience {
    /// All of them, until then.
    Until(Deadline),
    /// Each of them as long as an operation, from when it is begun.
    Each(Option<Duration>),
}

impl Patience {
    /// None begins once it has passed.
    fn deadline(&self, core: &Core) -> Result<Deadline, DeadlineExceeded> {
        match self {
            Self::Until(deadline) => deadline.check().map(|()| deadline.clone()),
            Self::Each(own) => Ok(core.deadline(*own)),
        }
    }
}

/// Opens items, some at the same time, and yields them in the order they came in; nothing
/// for one that turns out to be gone.
///
/// A store that answers with items of another partition than the one asked for, however validly
/// sealed, is caught here.
pub(in crate::table) fn open_all<O: OpenStored>(
    core: Arc<Core>,
    opener: Arc<O>,
    partition: Option<Partition>,
    items: Vec<Result<Item, UnopenedItem>>,
    opening: Opening,
) -> impl Stream<Item = Result<Option<O::Opened>, UnopenedItem>> + Send + 'static {
    let budgets = CallBudget::of_page(items.len());
    let partition = partition.map(Arc::new);
    let concurrency = opening.concurrency.max(1);
    let opening = Arc::new(opening);
    let work = items.into_iter().zip(budgets).map(move |(item, budget)| {
        let (core, opener) = (Arc::clone(&core), Arc::clone(&opener));
        let (partition, opening) = (partition.clone(), Arc::clone(&opening));
        async move {
            let partition = partition.as_deref();
            let look = Look::of_many(&opening.region, opening.origin, &budget);
            let item = item?;
            let key = core.key_of(&item);
            let opened = open_one(&core, &*opener, partition, look, item);
            let opened = match opening.patience.deadline(&core) {
                Ok(deadline) => deadline.run(opened).await,
                Err(exceeded) => Err(exceeded),
            };
            let opened = opened.unwrap_or_else(|exceeded| Err(exceeded.into()));
            opened.map_err(|error| UnopenedItem::new(key, error))
        }
    });
    stream::iter(work).buffered(concurrency)
}

async fn open_one<O: OpenStored>(
    core: &Core,
    opener: &O,
    partition: Option<&Partition>,
    look: Look<'_>,
    item: Item,
) -> Result<Option<O::Opened>, ItemError> {
    match partition {
        Some(partition) if !partition.holds(&item) => {
            Err(core.not_opened(partition.missed()).into())
        }
        _ => opener.open(core, look, item).await,
    }
}
