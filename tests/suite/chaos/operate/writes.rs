//! Writes of one item.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::{OperationError, SealedTable, UpdateError};

use super::MAX_CONFLICTS;
use crate::chaos::outcome::Outcome;
use crate::chaos::story::{Change, Found};
use crate::chaos::subject::{Id, OpId, Subject, key};

pub(super) async fn put<T: Subject>(table: &SealedTable<T>, id: Id, out: &mut Outcome) {
    let Some((model, over)) = to_put(table, id, out).await else {
        return;
    };
    let (change, is_conditional) = match over {
        Over::Whatever => (Change::Put(id), false),
        Over::Any => (Change::PutOverAny(id), true),
        Over::This(trail) => (Change::PutOver(id, trail), true),
    };
    match table.put(&model).send().await {
        Ok(output) => {
            wrote(out, id, model.version(), output.version());
            out.done(change, output.region());
        }
        Err(error) => {
            out.met::<T>(id, error.item());
            out.failed_write(Some(id), change, &error, is_conditional);
        }
    }
}

/// What a put replaces.
enum Over {
    Whatever,
    /// An item of this version, which may be another one in the region that is written to than in the one
    /// that was read.
    Any,
    /// The item that was read, or the absence of one: the version says so.
    This(Option<Vec<OpId>>),
}

/// What to put. An item with a version is put over the one that was read.
async fn to_put<T: Subject>(
    table: &SealedTable<T>,
    id: Id,
    out: &mut Outcome,
) -> Option<(T, Over)> {
    let made = T::made_by(id, out.op);
    if made.version().is_none() {
        return Some((made, Over::Whatever));
    }
    match table.get(key(id)).send_opened().await {
        Ok(None) => {
            out.read_nothing::<T>(id, out.local);
            Some((made, Over::This(None)))
        }
        Ok(Some(opened)) => {
            let is_home = opened.table_region() == Some(out.home);
            let found: T = out.read(id, opened)?;
            let trail = found.value().ok()?.trail;
            let over = if is_home {
                Over::This(Some(trail))
            } else {
                Over::Any
            };
            Some((found.replaced_by(out.op), over))
        }
        Err(error) => {
            out.failed(Some(id), &error);
            None
        }
    }
}

pub(super) async fn put_if_not_exists<T: Subject>(
    table: &SealedTable<T>,
    id: Id,
    out: &mut Outcome,
) {
    let model = T::made_by(id, out.op);
    let change = Change::PutOver(id, None);
    match table.put(&model).if_not_exists().send().await {
        Ok(output) => {
            wrote(out, id, None, output.version());
            out.done(change, output.region());
        }
        Err(error) => {
            if is_failed_condition(&error) {
                out.met_at_home(id, Found::Any);
            }
            out.met::<T>(id, error.item());
            out.failed_write(Some(id), change, &error, true);
        }
    }
}

pub(super) async fn put_if_exists<T: Subject>(table: &SealedTable<T>, id: Id, out: &mut Outcome) {
    let Some((model, over)) = to_put(table, id, out).await else {
        return;
    };
    let change = match over {
        Over::Whatever | Over::Any => Change::PutOverAny(id),
        Over::This(Some(trail)) => Change::PutOver(id, Some(trail)),
        Over::This(None) => return out.say("nothing to put it over"),
    };
    let put = table.put(&model).condition(attribute("turn").exists());
    match put.send().await {
        Ok(output) => {
            wrote(out, id, model.version(), output.version());
            out.done(change, output.region());
        }
        Err(error) => {
            out.met::<T>(id, error.item());
            out.failed_write(Some(id), change, &error, true);
        }
    }
}

/// The version that a put wrote, over the one that was read.
fn wrote(out: &mut Outcome, id: Id, read: Option<u64>, written: Option<u64>) {
    if let (Some(read @ 1..), Some(written)) = (read, written)
        && written != read + 1
    {
        out.wrong
            .push(format!("version {written} was written over {read}"));
    }
    out.version(id, written, vec![out.op], false);
}

pub(super) async fn update<T: Subject>(
    table: &SealedTable<T>,
    id: Id,
    exactly_once: bool,
    out: &mut Outcome,
) {
    let op = out.op;
    let update = table.update(key(id), |model: &mut T| model.append(op));
    let mut update = update.max_conflicts(MAX_CONFLICTS);
    if exactly_once {
        update = update.exactly_once();
    }
    let change = Change::Append(id);
    match Box::pin(update.send()).await {
        Ok(output) => {
            let saved = MAX_CONFLICTS + 1 - output.attempts();
            out.items -= 2 * usize::try_from(saved).unwrap();
            out.wrote(id, output.model());
            out.done(change, output.region());
        }
        Err(error) => {
            if matches!(error, UpdateError::NotFound | UpdateError::Deleted) {
                out.met_at_home(id, Found::Nothing);
            }
            out.met::<T>(id, error.item());
            out.failed_write(Some(id), change, &error, true);
        }
    }
}

pub(super) async fn view<T: Subject>(
    table: &SealedTable<T>,
    id: Id,
    in_any_region: bool,
    out: &mut Outcome,
) {
    let more = UpdateExpression::new().add(":views", 1);
    let mut view = table.update_unsigned(key(id), more);
    if in_any_region {
        view = view.in_any_region();
        out.home = out.local;
    }
    let change = Change::View(id);
    match view.send().await {
        Ok(output) => out.done(change, output.region()),
        Err(error) => {
            if matches!(error, UpdateError::NotFound) {
                out.met_at_home(id, Found::Nothing);
            }
            out.met::<T>(id, error.item());
            out.failed_write(Some(id), change, &error, true);
        }
    }
}

pub(super) async fn delete<T: Subject>(table: &SealedTable<T>, id: Id, out: &mut Outcome) {
    let change = Change::Delete(id);
    match table.delete(key(id)).send().await {
        Ok(output) => out.done(change, output.region()),
        Err(error) => out.failed_write(Some(id), change, &error, false),
    }
}

pub(super) async fn delete_if_exists<T: Subject>(
    table: &SealedTable<T>,
    id: Id,
    out: &mut Outcome,
) {
    let delete = table.delete(key(id)).condition(attribute("turn").exists());
    let change = Change::DeleteAny(id);
    match delete.send().await {
        Ok(output) => out.done(change, output.region()),
        Err(error) => {
            if is_failed_condition(&error) {
                out.met_at_home(id, Found::Nothing);
            }
            out.failed_write(Some(id), change, &error, true);
        }
    }
}

fn is_failed_condition<E: ProvideErrorMetadata>(error: &OperationError<E>) -> bool {
    let OperationError::Sdk(failure) = error else {
        return false;
    };
    failure.error().code() == Some("ConditionalCheckFailedException")
}
