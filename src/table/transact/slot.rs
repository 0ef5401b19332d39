//! What a transaction read, each item for the read that asked for it.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsOutput;

use crate::error::OpenError;
use crate::item::{Model, ModelMismatch, OpenedItem};
use crate::table::freshness::{Diverged, FreshnessError, Rejected, Stale};

/// Where the item of one read will be. Made by [`TransactGet::get`](super::TransactGet::get), spent by [`TransactGetOutput::take`].
pub struct Slot<T> {
    transaction: Arc<()>,
    index: usize,
    model: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    pub(super) fn new(transaction: &Arc<()>, index: usize) -> Self {
        Self {
            transaction: Arc::clone(transaction),
            index,
            model: PhantomData,
        }
    }
}

/// What a [`TransactGet`](super::TransactGet) found, one place per read.
pub struct TransactGetOutput {
    region: String,
    transaction: Arc<()>,
    slots: Vec<Opened>,
    sdk: TransactGetItemsOutput,
}

/// What became of one read; nothing where nothing was under the key.
pub(super) type Opened = Option<Result<OpenedItem, Rejected>>;

impl TransactGetOutput {
    pub(super) fn new(
        region: &str,
        transaction: Arc<()>,
        slots: Vec<Opened>,
        sdk: TransactGetItemsOutput,
    ) -> Self {
        Self {
            region: region.to_owned(),
            transaction,
            slots,
            sdk,
        }
    }

    /// The region that was read.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

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
    /// or no keyring opens it; [`SlotError::Stale`], [`Diverged`](SlotError::Diverged) and
    /// [`Freshness`](SlotError::Freshness) if it is not known to be the newest; [`SlotError::Unanswered`] if the answer has no place for this read;
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
    /// A newer item was seen.
    Stale(Stale),
    /// Another item of the same version was seen: one of two writes is lost.
    Diverged(Diverged),
    /// Nobody knows whether the item is the newest.
    Freshness(FreshnessError),
}

impl SlotError {
    /// Whether the same read may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Open(error) => error.is_retryable(),
            Self::Stale(_) | Self::Freshness(_) => true,
            _ => false,
        }
    }

    /// The region in which a keyring failed, or an item is not the newest.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Open(error) => error.region(),
            Self::Stale(stale) => Some(stale.region()),
            Self::Diverged(diverged) => Some(diverged.region()),
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
            Self::Stale(_) => "item is older than one that was seen",
            Self::Diverged(_) => "item is not the one of its version that was seen",
            Self::Freshness(_) => "item is not known to be the newest",
        })
    }
}

impl Error for SlotError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            Self::Model(error) => Some(error),
            Self::Stale(error) => Some(error),
            Self::Diverged(error) => Some(error),
            Self::Freshness(error) => Some(error),
            Self::AnotherTransaction | Self::Unanswered => None,
        }
    }
}

impl From<OpenError> for SlotError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<Rejected> for SlotError {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Open(error) => Self::Open(error),
            Rejected::Stale(stale) => Self::Stale(stale),
            Rejected::Diverged(diverged) => Self::Diverged(diverged),
            Rejected::Freshness(error) => Self::Freshness(error),
        }
    }
}

impl From<ModelMismatch> for SlotError {
    fn from(error: ModelMismatch) -> Self {
        Self::Model(error)
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TransactGetOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransactGetOutput")
            .field("region", &self.region)
            .field("slots", &self.slots)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;

    /// DynamoDB answers every read, so no test of a table gets here.
    #[test]
    fn a_read_that_the_answer_has_no_place_for_is_not_one_that_found_nothing() {
        let id = Arc::new(());
        let sdk = TransactGetItemsOutput::builder().build();
        let mut found = TransactGetOutput::new("eu-west-1", Arc::clone(&id), vec![None], sdk);
        assert_eq!(found.take(Slot::<Item>::new(&id, 0)).unwrap(), None);
        let error = found.take(Slot::<Item>::new(&id, 1)).unwrap_err();
        assert!(matches!(error, SlotError::Unanswered), "{error:?}");
    }
}
