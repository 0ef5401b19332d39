//! Reads that take plaintext as well.

use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemError;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::scan::ScanError;

use super::Found;
use crate::item::{Item, Model, OpenedItem};
use crate::table::core::Core;
use crate::table::freshness::Look;
use crate::table::page::{ItemError, Items, OpenStored, Page};
use crate::table::{BatchGet, BatchGetOutput, Get, OperationError, ParallelScan, Query, Scan};

/// A read that takes items that are not sealed yet as well, within the table's
/// [`PlaintextPolicy`](super::PlaintextPolicy); without one, it is the read it was made of.
///
/// Made by `allow_plaintext` of [`Get`], [`BatchGet`], [`Query`] and [`Scan`]. Outside of the policy, an
/// item that is not sealed is [`OpenError::NotSealed`](crate::OpenError::NotSealed), as ever.
#[must_use = "an operation does nothing until it is sent or its items are read"]
pub struct AllowPlaintext<R>(R);

impl<T: Model> Get<T> {
    /// Takes an item that is not sealed yet as well; see [`AllowPlaintext`].
    pub fn allow_plaintext(self) -> AllowPlaintext<Self> {
        AllowPlaintext(self)
    }
}

impl<T: Model> AllowPlaintext<Get<T>> {
    /// Reads the item; see [`Get::send`].
    ///
    /// # Errors
    ///
    /// Those of [`Get::send`].
    pub async fn send(self) -> Result<Option<Found<T>>, OperationError<GetItemError>> {
        self.0.send_found(Found::into_model).await
    }

    /// Like [`send`](Self::send), with what is known about how the item was opened.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), but for the model's.
    pub async fn send_opened(
        self,
    ) -> Result<Option<Found<OpenedItem, Item>>, OperationError<GetItemError>> {
        self.0.send_found(Ok).await
    }
}

impl<T: Model + 'static> BatchGet<T> {
    /// Takes items that are not sealed yet as well; see [`AllowPlaintext`].
    pub fn allow_plaintext(self) -> AllowPlaintext<Self> {
        AllowPlaintext(self)
    }
}

impl<T: Model + 'static> AllowPlaintext<BatchGet<T>> {
    /// Reads the items; see [`BatchGet::send`].
    ///
    /// # Errors
    ///
    /// Those of [`BatchGet::send`].
    pub async fn send(self) -> Result<BatchGetOutput<Found<T>>, OperationError<BatchGetItemError>> {
        self.0.send_with(IntoFound::new()).await
    }
}

impl<T: Model + 'static> Query<T> {
    /// Takes items that are not sealed yet as well; see [`AllowPlaintext`].
    pub fn allow_plaintext(self) -> AllowPlaintext<Self> {
        AllowPlaintext(self)
    }
}

impl<T: Model + 'static> AllowPlaintext<Query<T>> {
    /// All items, as a stream over the pages; see [`Query::items`].
    pub fn items(self) -> Items<Found<T>, QueryError> {
        self.0.items_by(IntoFound::new())
    }

    /// One page; see [`Query::page`].
    ///
    /// # Errors
    ///
    /// Those of [`Query::page`].
    pub async fn page(self) -> Result<Page<Found<T>>, OperationError<QueryError>> {
        self.0.page_by(IntoFound::new()).await
    }
}

impl<T: Model + 'static> Scan<T> {
    /// Takes items that are not sealed yet as well; see [`AllowPlaintext`].
    pub fn allow_plaintext(self) -> AllowPlaintext<Self> {
        AllowPlaintext(self)
    }
}

impl<T: Model + 'static> AllowPlaintext<Scan<T>> {
    /// All items, as a stream over the pages; see [`Scan::items`].
    pub fn items(self) -> Items<Found<T>, ScanError> {
        self.0.items_by(IntoFound::new())
    }

    /// One page; see [`Scan::page`].
    ///
    /// # Errors
    ///
    /// Those of [`Scan::page`].
    pub async fn page(self) -> Result<Page<Found<T>>, OperationError<ScanError>> {
        self.0.page_by(IntoFound::new()).await
    }
}

impl<T: Model + 'static> ParallelScan<T> {
    /// Takes items that are not sealed yet as well; see [`AllowPlaintext`].
    pub fn allow_plaintext(self) -> AllowPlaintext<Self> {
        AllowPlaintext(self)
    }
}

impl<T: Model + 'static> AllowPlaintext<ParallelScan<T>> {
    /// The items of all segments, mixed as they come; see [`ParallelScan::items`].
    pub fn items(self) -> Items<Found<T>, ScanError> {
        self.0.merged(IntoFound::new)
    }
}

/// Items as models, sealed or not.
struct IntoFound<T>(PhantomData<fn() -> T>);

impl<T> IntoFound<T> {
    fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Model + 'static> OpenStored for IntoFound<T> {
    type Opened = Found<T>;

    async fn open(
        &self,
        core: &Core,
        look: Look<'_>,
        item: Item,
    ) -> Result<Option<Found<T>>, ItemError> {
        let found = core.open_found(look, item).await?;
        Ok(found.map(Found::into_model).transpose()?)
    }
}

impl<R: fmt::Debug> fmt::Debug for AllowPlaintext<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AllowPlaintext").field(&self.0).finish()
    }
}
