//! What can go wrong with a page, and with one item of it.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;

use crate::error::OpenError;
use crate::item::{Key, ModelMismatch};
use crate::table::error::{AbsentInFallback, DeadlineExceeded, OperationError};
use crate::table::freshness::{Diverged, FreshnessError, Rejected, Stale};
use crate::table::span::Outcome;

/// Why one of several items was not read. The others are not affected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ItemError {
    /// The stored item was not opened, or is not one that was asked for.
    Open(OpenError),
    /// The item was opened, and does not fit the model.
    Model(ModelMismatch),
    /// DynamoDB did not hand the item out before the deadline.
    Unprocessed,
    /// A fallback region has nothing under the key, which proves little.
    AbsentInFallback(AbsentInFallback),
    /// DynamoDB handed the item out, and it was not opened before the deadline.
    DeadlineExceeded(DeadlineExceeded),
    /// A newer one was seen.
    Stale(Stale),
    /// Another one of the same version was seen: one of two writes is lost.
    Diverged(Diverged),
    /// Nobody knows whether the item is the newest.
    Freshness(FreshnessError),
}

impl ItemError {
    /// Whether reading the same item may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Open(error) => error.is_retryable(),
            Self::Model(_) | Self::Diverged(_) => false,
            Self::Unprocessed
            | Self::AbsentInFallback(_)
            | Self::DeadlineExceeded(_)
            | Self::Stale(_)
            | Self::Freshness(_) => true,
        }
    }

    /// The region in which a keyring failed, or an item is not the newest.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Open(error) => error.region(),
            Self::Stale(stale) => Some(stale.region()),
            Self::Diverged(diverged) => Some(diverged.region()),
            Self::AbsentInFallback(absent) => Some(absent.region()),
            Self::Model(_) | Self::Unprocessed | Self::DeadlineExceeded(_) | Self::Freshness(_) => {
                None
            }
        }
    }
}

impl Outcome for ItemError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Open(_) => "not opened",
            Self::Model(_) => "model mismatch",
            Self::Unprocessed => "unprocessed",
            Self::AbsentInFallback(_) => "absent in fallback",
            Self::DeadlineExceeded(_) => "deadline exceeded",
            Self::Stale(_) => "stale",
            Self::Diverged(_) => "diverged",
            Self::Freshness(_) => "freshness unknown",
        }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open(_) => "item was not opened",
            Self::Model(_) => "item does not fit the model",
            Self::Unprocessed => "item was not handed out before the deadline",
            Self::AbsentInFallback(_) => "item is not in a fallback region",
            Self::DeadlineExceeded(_) => "item was not opened before the deadline",
            Self::Stale(_) => "item is older than one that was seen",
            Self::Diverged(_) => "item is not the one of its version that was seen",
            Self::Freshness(_) => "item is not known to be the newest",
        })
    }
}

impl Error for ItemError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            Self::Model(error) => Some(error),
            Self::Stale(error) => Some(error),
            Self::Diverged(error) => Some(error),
            Self::Freshness(error) => Some(error),
            Self::AbsentInFallback(error) => Some(error),
            Self::DeadlineExceeded(error) => Some(error),
            Self::Unprocessed => None,
        }
    }
}

impl From<Rejected> for ItemError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Open(error) => Self::Open(error),
            Rejected::Stale(stale) => Self::Stale(stale),
            Rejected::Diverged(diverged) => Self::Diverged(diverged),
            Rejected::Freshness(error) => Self::Freshness(error),
        }
    }
}

impl From<DeadlineExceeded> for ItemError {
    fn from(exceeded: DeadlineExceeded) -> Self {
        Self::DeadlineExceeded(exceeded)
    }
}

impl From<OpenError> for ItemError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<ModelMismatch> for ItemError {
    fn from(error: ModelMismatch) -> Self {
        Self::Model(error)
    }
}

/// An item of a page that was not read: its key, and why.
///
/// An item that an attacker has put on the page costs the others nothing: each item has one call to
/// KMS of its own, and only what it needs beyond that comes out of what is left to the page. An item
/// whose error is [`NotTried`](crate::keyring::KeyringErrorKind::NotTried) found nothing left; read
/// it by itself, with `get`.
#[derive(Clone)]
pub struct UnopenedItem(Box<Unopened>);

#[derive(Clone)]
struct Unopened {
    key: Option<Key>,
    error: ItemError,
}

impl UnopenedItem {
    pub(in crate::table) fn new(key: Option<Key>, error: ItemError) -> Self {
        Self(Box::new(Unopened { key, error }))
    }

    /// The key that the item is stored under, as the store says it: it was not verified. `None` if
    /// the store sent an item without one.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.0.key.as_ref()
    }

    /// Why the item was not read, by value.
    #[must_use]
    pub fn into_error(self) -> ItemError {
        self.0.error
    }

    /// Why the item was not read.
    #[must_use]
    pub fn error(&self) -> &ItemError {
        &self.0.error
    }

    /// Whether reading the same item may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.error.is_retryable()
    }
}

impl fmt::Debug for UnopenedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnopenedItem")
            .field("error", &self.0.error)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for UnopenedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item of the page was not read")
    }
}

impl Error for UnopenedItem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0.error)
    }
}

/// What a stream of items reports instead of an item.
#[non_exhaustive]
pub enum PageFailure<E> {
    /// A page was not fetched. The stream ends here, and
    /// [`last_evaluated_key`](super::Items::last_evaluated_key) says where to go on.
    Page(OperationError<E>),
    /// One item was not read. The stream goes on.
    Item(UnopenedItem),
}

impl<E: ProvideErrorMetadata> PageFailure<E> {
    /// Whether the same may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Page(error) => error.is_retryable(),
            Self::Item(item) => item.is_retryable(),
        }
    }
}

impl<E> Outcome for PageFailure<E> {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Page(error) => error.outcome(),
            Self::Item(item) => item.error().outcome(),
        }
    }
}

impl<E> fmt::Debug for PageFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(error) => f.debug_tuple("Page").field(error).finish(),
            Self::Item(item) => f.debug_tuple("Item").field(item).finish(),
        }
    }
}

impl<E> fmt::Display for PageFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Page(_) => "a page was not fetched",
            Self::Item(_) => "an item was not read",
        })
    }
}

impl<E: Error + 'static> Error for PageFailure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Page(error) => error,
            Self::Item(item) => item.error(),
        })
    }
}

impl<E> From<OperationError<E>> for PageFailure<E> {
    fn from(error: OperationError<E>) -> Self {
        Self::Page(error)
    }
}

impl<E> From<UnopenedItem> for PageFailure<E> {
    fn from(item: UnopenedItem) -> Self {
        Self::Item(item)
    }
}
