//! Transactions: several operations, on several tables of one region, that happen together or not
//! at all.

mod cancelled;
mod error;
mod get;
mod operation;
mod output;
mod picture;
mod prepared;
mod slot;
mod span;
mod write;

pub use cancelled::{CancellationCode, CancellationReason, Cancelled};
pub use error::{FailedOperation, TransactionError};
pub use get::TransactGet;
pub use output::TransactWriteOutput;
pub use prepared::PreparedTransaction;
pub use slot::{Slot, SlotError, TransactGetOutput};
pub use write::TransactWrite;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use futures_util::stream::{self, Stream, StreamExt as _};

use super::core::Core;
use super::deadline::Deadline;
use super::error::{Refused, SdkFailure};
use super::key_bytes::KeyBytes;
use super::page::DEFAULT_CONCURRENCY;
use crate::error::{InvalidAttribute, OpenError};
use crate::item::{Item, Key, OpenedItem};
use crate::materials::CallBudget;
use crate::region::Member;

/// DynamoDB takes this many operations in one transaction.
const MAX_OPERATIONS: usize = 100;

/// The table and the key of one operation.
struct Target {
    core: Arc<Core>,
    key: Item,
    bytes: KeyBytes,
}

impl Target {
    /// `key` is the attributes of a key and nothing else.
    fn new(core: Arc<Core>, key: Item) -> Result<Self, InvalidAttribute> {
        let bytes = KeyBytes::of(core.schema(), &key)?;
        Ok(Self { core, key, bytes })
    }

    /// The item under a key that the caller gave.
    fn of(core: Arc<Core>, key: Key) -> Result<Self, Refused> {
        let (key, bytes) = KeyBytes::of_key(&core, key)?;
        Ok(Self { core, key, bytes })
    }

    /// Opens an item that came back with this operation, whenever it was stored; that of another key is
    /// refused.
    async fn open(
        &self,
        item: Item,
        region: &str,
        budget: &CallBudget,
    ) -> Result<OpenedItem, OpenError> {
        let opened = self.core.open_under(&self.key, item, region, Some(budget));
        opened.await
    }
}

/// The items that a transaction is on: one operation for each, or DynamoDB refuses it.
#[derive(Default)]
struct Taken(BTreeMap<(String, KeyBytes), usize>);

impl Taken {
    /// Refuses the second operation on an item. Tables of one region set are told apart by name.
    fn take(&mut self, index: usize, target: &Target) -> Result<(), Refused> {
        let item = (target.core.table_name().to_owned(), target.bytes.clone());
        match self.0.insert(item, index) {
            None => Ok(()),
            Some(first) => Err(Refused::new(format!(
                "operation {first} is on the same item, and a transaction has one for each"
            ))),
        }
    }
}

/// Until when a transaction may take that begins now: what it says itself, or its first table.
fn deadline_of<'a>(
    mut cores: impl Iterator<Item = &'a Arc<Core>>,
    own: Option<Duration>,
) -> Deadline {
    match cores.next() {
        Some(core) => core.deadline(own),
        // Without operations there is nothing to wait for.
        None => Deadline::new(None, Duration::ZERO),
    }
}

/// The core to ask for all of these, if they can be one transaction: it is one request, of one client,
/// to one region, which `member_of` says.
fn check_together<'a>(
    mut cores: impl ExactSizeIterator<Item = &'a Arc<Core>>,
    member_of: fn(&Core) -> &Member,
) -> Result<Arc<Core>, Refused> {
    let operations = cores.len();
    if operations > MAX_OPERATIONS {
        return Err(Refused::new(format!(
            "a transaction has at most {MAX_OPERATIONS} operations, and this has {operations}"
        )));
    }
    let Some(first) = cores.next() else {
        return Err(Refused::new(
            "a transaction without operations does nothing; add some",
        ));
    };
    cores.try_for_each(|core| check_pair(first, core, member_of))?;
    Ok(Arc::clone(first))
}

fn check_pair(first: &Core, other: &Core, member_of: fn(&Core) -> &Member) -> Result<(), Refused> {
    let (one, another) = (member_of(first).region(), member_of(other).region());
    if one != another {
        return Err(Refused::new(format!(
            "a transaction is one request to one region, and these tables are asked in {one} and {another}",
        )));
    }
    if !first.regions().is_same(other.regions()) {
        return Err(Refused::new(
            "a transaction is one request of one client, which may not reach the tables of another \
             region set; build them with clones of one",
        ));
    }
    Ok(())
}

/// What these return, in their order; a bounded number runs at a time.
fn in_order<F: Future>(work: Vec<F>) -> impl Stream<Item = F::Output> {
    stream::iter(work).buffered(DEFAULT_CONCURRENCY)
}

/// The SDK's builders ask for what is always there.
fn not_built<E>(error: BuildError, member: &Member) -> TransactionError<E> {
    let error = SdkError::construction_failure(error);
    TransactionError::Sdk(SdkFailure::new(error, member.region()))
}
