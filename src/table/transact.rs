//! Transactions: several operations, on several tables of one region, that happen together or not
//! at all.

mod cancelled;
mod error;
mod get;
mod operation;
mod prepared;
mod write;

pub use cancelled::{CancellationCode, CancellationReason, Cancelled};
pub use error::{FailedOperation, TransactionError};
pub use get::{Found, Slot, SlotError, TransactGet};
pub use prepared::PreparedTransaction;
pub use write::{TransactWrite, TransactWriteOutput};

use std::future::Future;
use std::sync::Arc;

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::stream::{self, Stream, StreamExt as _};

use super::core::Core;
use super::error::{Refused, SdkFailure};
use crate::error::OpenError;
use crate::item::{Item, OpenedItem};
use crate::materials::CallBudget;
use crate::value::Terminal;

/// DynamoDB takes this many operations in one transaction.
const MAX_OPERATIONS: usize = 100;
/// Items that are sealed or opened at the same time.
const CONCURRENCY: usize = 16;

/// The table and the key of one operation.
struct Target {
    core: Arc<Core>,
    key: Item,
}

impl Target {
    /// Opens an item that came back for this operation; that of another key is refused.
    async fn open(&self, item: Item, budget: &CallBudget) -> Result<OpenedItem, OpenError> {
        let opened = self.core.open_of_page(item, budget).await?;
        opened.check_key(&self.key)?;
        Ok(opened)
    }

    /// Whether both are the same item. Tables of one region set are told apart by their names.
    fn is_same(&self, other: &Self) -> bool {
        let mut names = self.core.schema().key_names();
        self.core.table_name() == other.core.table_name()
            && names.all(|name| is_same_value(self.key.get(name), other.key.get(name)))
    }

    /// Refuses a second operation on one item, which DynamoDB would not take either.
    fn check_new<'a>(
        &self,
        index: usize,
        mut before: impl Iterator<Item = &'a Self>,
    ) -> Result<(), FailedOperation> {
        match before.position(|other| self.is_same(other)) {
            None => Ok(()),
            Some(first) => {
                let why = format!("operation {first} is on the same item; a transaction has one per item");
                Err(FailedOperation::new(index, Refused::new(why)))
            }
        }
    }
}

/// Whether two values of a key are one to DynamoDB, for which 1 and 1.0 are the same number.
fn is_same_value(one: Option<&AttributeValue>, other: Option<&AttributeValue>) -> bool {
    let [one, other] = [one, other].map(|value| value.map(Terminal::of));
    matches!((one, other), (Some(Ok(one)), Some(Ok(other))) if one == other)
}

/// The core to ask for all of these, if they can be one transaction: it is one request, of one client,
/// to one region.
fn check_together<'a>(
    mut cores: impl ExactSizeIterator<Item = &'a Arc<Core>>,
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
    cores.try_for_each(|core| check_pair(first, core))?;
    Ok(Arc::clone(first))
}

fn check_pair(first: &Core, other: &Core) -> Result<(), Refused> {
    if first.region() != other.region() {
        return Err(Refused::new(format!(
            "a transaction is one request to one region, and these tables are asked in {} and {}",
            first.region(),
            other.region()
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
fn in_order<F: Future>(
    work: impl IntoIterator<Item = F>,
) -> impl Stream<Item = F::Output> {
    stream::iter(work).buffered(CONCURRENCY)
}

/// The SDK's builders ask for what is always there.
fn not_built<E>(error: BuildError, core: &Core) -> TransactionError<E> {
    let error = SdkError::construction_failure(error);
    TransactionError::Sdk(SdkFailure::new(error, core.region()))
}
