//! What queries and scans have in common: an index or the table, a filter, pages.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures_core::future::BoxFuture;
use futures_util::stream::StreamExt as _;

use super::call::Route;
use super::core::Core;
use super::deadline::Deadline;
use super::error::{OperationError, Refused, SdkFailure};
use super::fetch_from_table::{self, TableRead};
use super::freshness::Origin;
use super::index::{KeyNames, SecondaryIndex};
use super::page::{
    self, Anchor, Facts, Fetch, Items, OpenStored, Opening, OpeningPage, Page, Partition, Patience,
    StoredPage, open_all,
};
use super::read_error::ReadError;
use super::read_policy::Reach;
use super::span::{self, Verb};
use crate::expression::{Condition, Placeholders, Projection, attribute};
use crate::item::Item;
use crate::region::Member;

/// What is read, apart from the keys of a query.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) core: Arc<Core>,
    pub(super) reach: Reach,
    pub(super) index: Option<String>,
    pub(super) filter: Option<Condition>,
    pub(super) from_table: bool,
    pub(super) start: Option<Item>,
    pub(super) concurrency: usize,
    pub(super) deadline: Option<Duration>,
}

impl Read {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            reach: Reach::default(),
            index: None,
            filter: None,
            from_table: false,
            start: None,
            concurrency: page::DEFAULT_CONCURRENCY,
            deadline: None,
        }
    }

    /// The region that is asked first.
    pub(super) fn first(&self) -> &Member {
        self.core.first_of(&self.reach)
    }

    /// Joins another filter to the one that is there.
    pub(super) fn filter(&mut self, filter: Condition) {
        self.filter = Some(match self.filter.take() {
            Some(before) => before.and(filter),
            None => filter,
        });
    }

    /// What a request asks for, or why it may not be sent. Items of an index that does not hold all
    /// attributes cannot be verified; they can be counted, and they can be fetched from the table.
    pub(super) async fn scope<E: ReadError>(
        &self,
        answer: Answer,
        route: &Route<'_>,
    ) -> Result<Scope, OperationError<E>> {
        if let Some(filter) = &self.filter {
            filter.check(self.core.schema()).map_err(Refused::from)?;
        }
        let Some(name) = &self.index else {
            if self.from_table {
                return Err(Refused::new("`fetch_from_table` goes with `index`").into());
            }
            return Ok(Scope::Table);
        };
        let index = self.core.indexes().find(&self.core, name, route).await;
        let index = index.map_err(|error| error.map_service_error(E::of_describe_table))?;
        if answer == Answer::Items && !self.from_table && !index.projects_all() {
            return Err(Refused::new(PARTIAL_INDEX).into());
        }
        Ok(Scope::Index(index))
    }

    /// The regions that may be asked: all that the policy allows, or the one that answered before.
    fn route(&self, consistent: Option<bool>, anchor: &Anchor) -> Result<Route<'_>, Refused> {
        match anchor.region() {
            Some(region) => self.core.route(&Reach::only(region), consistent),
            None => self.core.route(&self.reach, consistent),
        }
    }

    /// The filter's text, if there is one.
    pub(super) fn filter_text(
        &self,
        placeholders: &mut Placeholders,
    ) -> Result<Option<String>, Refused> {
        let text = self
            .filter
            .as_ref()
            .map(|filter| filter.render(placeholders));
        Ok(text.transpose()?)
    }

    /// The text of a projection on the table's keys, if they are all that the index is asked for.
    pub(super) fn projection_text(
        &self,
        answer: Answer,
        placeholders: &mut Placeholders,
    ) -> Result<Option<String>, Refused> {
        if answer == Answer::Count || !self.from_table {
            return Ok(None);
        }
        let keys = Projection::new(self.core.schema().key_names().map(attribute));
        Ok(Some(keys.render(placeholders)?))
    }
}

const PARTIAL_INDEX: &str = "this index does not project all attributes, and an item verifies whole or not at all; add \
     `.fetch_from_table()`, which reads the keys from the index and the items from the table";

/// What a request is to answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Items,
    Count,
}

/// Where items are read.
pub(super) enum Scope {
    Table,
    Index(Arc<SecondaryIndex>),
}

impl Scope {
    pub(super) fn index_name(&self) -> Option<String> {
        match self {
            Self::Index(index) => Some(index.name().to_owned()),
            Self::Table => None,
        }
    }

    pub(super) fn keys<'a>(&'a self, core: &'a Core) -> KeyNames<'a> {
        match self {
            Self::Index(index) => index.keys(),
            Self::Table => KeyNames {
                partition: core.schema().partition_key_name(),
                sort: core.schema().sort_key_name(),
            },
        }
    }
}

/// What DynamoDB answered to one request for a page.
pub(super) struct Answered {
    pub(super) items: Vec<Item>,
    pub(super) facts: Facts,
    /// What must be true of every item, where that is known.
    pub(super) partition: Option<Partition>,
}

/// A query or a scan that can be asked for a page.
pub(super) trait Source: Send + Sync + 'static {
    type Error: ReadError;

    fn read(&self) -> &Read;
    fn consistent_read(&self) -> Option<bool>;
    fn return_consumed_capacity(&self) -> Option<&ReturnConsumedCapacity>;

    /// Sends the request for the page after `start`.
    fn ask(
        &self,
        start: Option<Item>,
        answer: Answer,
        route: &Route<'_>,
    ) -> impl Future<Output = Result<Answered, OperationError<Self::Error>>> + Send;
}

/// Asks for the page after `start`, in the region that answered for the others. One that says to go on
/// where it began would never end.
async fn ask<S: Source>(
    source: &S,
    start: Option<Item>,
    answer: Answer,
    anchor: &Anchor,
    deadline: &Deadline,
) -> Result<Answered, OperationError<S::Error>> {
    let read = source.read();
    let answered = loop {
        let route = read.route(source.consistent_read(), anchor)?;
        let asking = source.ask(start.clone(), answer, &route);
        let answered = deadline.run(asking).await??;
        // Of several segments, another one was faster, and in another region.
        if anchor.holds(&answered.facts.region) {
            break answered;
        }
    };
    if start.is_some() && answered.facts.last_evaluated_key == start {
        let error = SdkError::construction_failure("the next page would be the same page again");
        return Err(SdkFailure::new(error, &answered.facts.region).into());
    }
    Ok(answered)
}

/// The pages of a source, opened.
pub(super) fn fetcher<S: Source, O: OpenStored>(
    source: Arc<S>,
    opener: O,
    anchor: &Anchor,
) -> Fetch<O::Opened, S::Error> {
    let (opener, anchor) = (Arc::new(opener), anchor.clone());
    Arc::new(move |start| {
        let (source, opener, anchor) = (Arc::clone(&source), Arc::clone(&opener), anchor.clone());
        let page = async move {
            let read = source.read();
            let deadline = read.core.deadline(read.deadline);
            // Whoever reads a stream decides how fast, so each item has a time of its own.
            let patience = Patience::Each(read.deadline);
            opening_page(&*source, opener, start, &anchor, (deadline, patience)).await
        };
        Box::pin(page) as BoxFuture<'static, _>
    })
}

async fn opening_page<S: Source, O: OpenStored>(
    source: &S,
    opener: Arc<O>,
    start: Option<Item>,
    anchor: &Anchor,
    (deadline, patience): (Deadline, Patience),
) -> Result<OpeningPage<O::Opened>, OperationError<S::Error>> {
    let answered = ask(source, start, Answer::Items, anchor, &deadline).await?;
    let read = source.read();
    let partition = answered.partition.clone();
    let stored = if read.from_table {
        let settings = TableRead {
            consistent_read: source.consistent_read(),
            return_consumed_capacity: source.return_consumed_capacity().cloned(),
            // So that there is some time left to open what comes of it.
            deadline: deadline.half(read.core.local().sleep()),
        };
        let fetch = fetch_from_table::fetch(&read.core, answered, settings);
        deadline.run(fetch).await??
    } else {
        StoredPage {
            items: answered.items.into_iter().map(Ok).collect(),
            facts: answered.facts,
        }
    };
    let core = Arc::clone(&read.core);
    let origin = match &read.index {
        Some(_) if !read.from_table => Origin::Index,
        _ => Origin::Table,
    };
    let opening = Opening {
        origin,
        region: stored.facts.region.clone(),
        concurrency: read.concurrency,
        patience,
    };
    let items = open_all(core, opener, partition, stored.items, opening);
    let items = items.filter_map(|item| std::future::ready(item.transpose()));
    Ok(OpeningPage {
        items: items.boxed(),
        facts: stored.facts,
    })
}

/// One page, the first or the one that starts where the source says.
pub(super) async fn page<S: Source, O: OpenStored>(
    source: S,
    opener: O,
    verb: Verb,
) -> Result<Page<O::Opened>, OperationError<S::Error>> {
    let start = source.read().start.clone();
    let page = Box::pin(async move {
        let read = source.read();
        let deadline = read.core.deadline(read.deadline);
        let time = (deadline.clone(), Patience::Until(deadline));
        let (opener, anchor) = (Arc::new(opener), Anchor::default());
        let page = opening_page(&source, opener, start, &anchor, time).await?;
        Ok(page.finish().await)
    });
    span::run(verb, page).await
}

/// All items, page after page.
pub(super) fn items<S: Source, O: OpenStored>(
    source: S,
    opener: O,
    verb: Verb,
) -> Items<O::Opened, S::Error> {
    let (start, anchor) = (source.read().start.clone(), Anchor::default());
    let fetch = fetcher(Arc::new(source), opener, &anchor);
    Items::new(fetch, start, anchor, verb)
}

/// The sum of what DynamoDB says that it counted, over all pages.
pub(super) async fn count<S: Source>(
    source: &S,
    anchor: &Anchor,
) -> Result<u64, OperationError<S::Error>> {
    let (mut total, mut start) = (0_u64, source.read().start.clone());
    loop {
        let read = source.read();
        let deadline = read.core.deadline(read.deadline);
        let page = ask(source, start, Answer::Count, anchor, &deadline).await?;
        let page = page.facts;
        total = total.saturating_add(u64::try_from(page.count).unwrap_or(u64::MAX));
        match page.last_evaluated_key {
            Some(key) => start = Some(key),
            None => return Ok(total),
        }
    }
}
