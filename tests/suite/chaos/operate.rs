//! Carries an operation out, and takes down what it told.

mod batches;
mod reads;
mod transactions;
mod writes;

use super::outcome::Outcome;
use super::process::Process;
use super::schedule::{self, Op, Verb};
use super::subject::{IDS, Subject, Which};
use super::watch;
use dynaseal::SealedTable;
use dynaseal::testkit::VirtualTime;

/// How often an update may find that another writer was faster.
const MAX_CONFLICTS: u32 = 3;

pub(super) async fn perform(op: &Op, process: &Process, time: &VirtualTime) -> Outcome {
    let begun = time.elapsed();
    let mut outcome = watch::under(op.id, async {
        match op.which {
            Which::Notes => Box::pin(on(op, &process.is, &process.notes)).await,
            Which::Accounts => Box::pin(on(op, &process.is, &process.accounts)).await,
        }
    })
    .await;
    outcome.took = time.elapsed() - begun;
    outcome
}

async fn on<T: Subject>(op: &Op, is: &schedule::Process, table: &SealedTable<T>) -> Outcome {
    let mut outcome = Outcome::new(op.id, is, items(&op.verb, op.which));
    let out = &mut outcome;
    match &op.verb {
        Verb::Put(id) => writes::put(table, *id, out).await,
        Verb::PutIfNotExists(id) => writes::put_if_not_exists(table, *id, out).await,
        Verb::PutIfExists(id) => writes::put_if_exists(table, *id, out).await,
        Verb::Update { id, exactly_once } => {
            writes::update(table, *id, *exactly_once, out).await;
        }
        Verb::View { id, in_any_region } => writes::view(table, *id, *in_any_region, out).await,
        Verb::Delete(id) => writes::delete(table, *id, out).await,
        Verb::DeleteIfExists(id) => writes::delete_if_exists(table, *id, out).await,
        Verb::Get { id, consistent } => reads::get(table, *id, *consistent, out).await,
        Verb::Query(owner) => reads::query(table, *owner, out).await,
        Verb::Scan => reads::scan(table, out).await,
        Verb::BatchGet(ids) => batches::batch_get(table, ids, out).await,
        Verb::BatchWrite { puts, deletes } => {
            batches::batch_write(table, puts, deletes, out).await;
        }
        Verb::TransactWrite { make, delete, view } => {
            transactions::write(table, *make, *delete, *view, out).await;
        }
        Verb::TransactGet(ids) => transactions::get(table, ids, out).await,
    }
    outcome
}

/// How many items are sealed and opened at most, but for those that come with an error. An old item with a
/// version is read again, and so opened twice.
fn items(verb: &Verb, which: Which) -> usize {
    let conflicts = usize::try_from(MAX_CONFLICTS).unwrap();
    let (read, read_before_put) = match which {
        Which::Notes => (1, 0),
        Which::Accounts => (2, 2),
    };
    match verb {
        Verb::Put(_) | Verb::PutIfExists(_) => read_before_put + 1,
        Verb::PutIfNotExists(_) | Verb::TransactWrite { .. } => 1,
        Verb::Get { .. } => read,
        Verb::Update { .. } => 2 * (conflicts + 1) + read - 1,
        Verb::View { .. } | Verb::Delete(_) | Verb::DeleteIfExists(_) => 0,
        Verb::Query(_) | Verb::Scan => read * IDS.len(),
        Verb::BatchGet(ids) | Verb::TransactGet(ids) => read * ids.len(),
        Verb::BatchWrite { puts, .. } => puts.len(),
    }
}
