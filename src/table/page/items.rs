//! A stream of items over all pages.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::stream::{SelectAll, StreamExt as _};

use super::{Anchor, LastEvaluatedKey, OpeningPage, PageFailure, UnopenedItem};
use crate::item::Item;
use crate::table::OperationError;
use crate::table::span::{Outcome as _, Verb};

/// Fetches the page that starts after a key, or the first one.
pub(in crate::table) type Fetch<T, E> = Arc<
    dyn Fn(Option<Item>) -> BoxFuture<'static, Result<OpeningPage<T>, OperationError<E>>>
        + Send
        + Sync,
>;

/// The items of a query or a scan, page after page.
///
/// A [`Stream`], and usable without one: [`next`](Self::next), [`collect`](Self::collect) and
/// [`partition`](Self::partition) need no other crate. The items of a page are opened concurrently
/// and yielded in order. The next page is requested when all items of the one before were yielded,
/// so whoever stops reading pays for no page that was not begun.
///
/// One item that does not open is one [`PageFailure::Item`], and the stream goes on. After a
/// [`PageFailure::Page`] it ends.
///
/// All pages come from one [region](Self::region): the one that answered for the first. If that fails
/// later, the stream ends, whatever the [`ReadPolicy`](crate::table::ReadPolicy): another replica is
/// another list.
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T, E> {
    walk: Walks<T, E>,
    anchor: Anchor,
    verb: Verb,
}

impl<T, E> Items<T, E> {
    pub(in crate::table) fn new(
        fetch: Fetch<T, E>,
        start: Option<Item>,
        anchor: Anchor,
        verb: Verb,
    ) -> Self {
        Self {
            walk: Walks::One(Walk::new(fetch, start)),
            anchor,
            verb,
        }
    }

    /// The items of several walks, in the order in which they come.
    pub(in crate::table) fn merged(fetches: Vec<Fetch<T, E>>, anchor: Anchor, verb: Verb) -> Self {
        let walks = fetches.into_iter().map(|fetch| Walk::new(fetch, None));
        Self {
            walk: Walks::Merged(walks.collect()),
            anchor,
            verb,
        }
    }

    /// The region that is read; `None` until one has answered.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.anchor.region()
    }

    /// The next item, or what went wrong; `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<T, PageFailure<E>>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    /// All items, or the first failure.
    ///
    /// # Errors
    ///
    /// [`PageFailure`] with the first page that was not fetched, or the first item that was not read.
    pub async fn collect(mut self) -> Result<Vec<T>, PageFailure<E>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item.inspect_err(|failure| self.verb.end(failure.outcome()))?);
        }
        Ok(items)
    }

    /// All items that were read, and all that were not.
    ///
    /// # Errors
    ///
    /// [`OperationError`] if a page was not fetched.
    pub async fn partition(mut self) -> Result<(Vec<T>, Vec<UnopenedItem>), OperationError<E>> {
        let (mut opened, mut unopened) = (Vec::new(), Vec::new());
        while let Some(item) = self.next().await {
            match item {
                Ok(item) => opened.push(item),
                Err(PageFailure::Item(item)) => unopened.push(item),
                Err(PageFailure::Page(error)) => return Err(error),
            }
        }
        Ok((opened, unopened))
    }

    /// Where to go on after a [`PageFailure::Page`], or later: after the last page of which every
    /// item was yielded.
    ///
    /// The other query must read in the same region, by `in_region`; or start anew in another.
    ///
    /// `None` while the first page is being read, and after the last one. Always `None` for a scan in
    /// segments, which has a place in each of them.
    #[must_use]
    pub fn last_evaluated_key(&self) -> Option<LastEvaluatedKey> {
        match &self.walk {
            Walks::One(walk) => walk.position.clone().map(Into::into),
            Walks::Merged(_) => None,
        }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, PageFailure<E>>>> {
        self.verb.begin();
        let entered = self.verb.span().enter();
        let item = ready!(match &mut self.walk {
            Walks::One(walk) => walk.poll_next_unpin(cx),
            Walks::Merged(walks) => walks.poll_next_unpin(cx),
        });
        drop(entered);
        match &item {
            None => self.verb.end("ok"),
            Some(Err(PageFailure::Page(error))) => {
                self.verb.end(error.outcome());
                // Whatever the other walks would still have: the first failure is the last word.
                if let Walks::Merged(walks) = &mut self.walk {
                    walks.clear();
                }
            }
            Some(_) => {}
        }
        Poll::Ready(item)
    }
}

impl<T, E> Stream for Items<T, E> {
    type Item = Result<T, PageFailure<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(cx)
    }
}

impl<T, E> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}

enum Walks<T, E> {
    One(Walk<T, E>),
    Merged(SelectAll<Walk<T, E>>),
}

/// One way through pages.
struct Walk<T, E> {
    fetch: Fetch<T, E>,
    step: Step<T, E>,
    /// After which the page starts that is being read.
    position: Option<Item>,
}

enum Step<T, E> {
    Start,
    Fetching(BoxFuture<'static, Result<OpeningPage<T>, OperationError<E>>>),
    Opening {
        items: BoxStream<'static, Result<T, UnopenedItem>>,
        next: Option<Item>,
    },
    End,
}

impl<T, E> Walk<T, E> {
    fn new(fetch: Fetch<T, E>, position: Option<Item>) -> Self {
        Self {
            fetch,
            step: Step::Start,
            position,
        }
    }
}

impl<T, E> Stream for Walk<T, E> {
    type Item = Result<T, PageFailure<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let walk = self.get_mut();
        loop {
            match &mut walk.step {
                Step::Start => walk.step = Step::Fetching((walk.fetch)(walk.position.clone())),
                Step::Fetching(page) => match ready!(page.as_mut().poll(cx)) {
                    Ok(page) => {
                        walk.step = Step::Opening {
                            items: page.items,
                            next: page.facts.last_evaluated_key,
                        }
                    }
                    Err(error) => {
                        walk.step = Step::End;
                        return Poll::Ready(Some(Err(error.into())));
                    }
                },
                Step::Opening { items, next } => match ready!(items.poll_next_unpin(cx)) {
                    Some(item) => return Poll::Ready(Some(item.map_err(Into::into))),
                    None => {
                        walk.position = next.take();
                        walk.step = match walk.position {
                            Some(_) => Step::Start,
                            None => Step::End,
                        };
                    }
                },
                Step::End => return Poll::Ready(None),
            }
        }
    }
}
