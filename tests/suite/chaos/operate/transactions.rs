//! Transactions.

use dynaseal::SealedTable;
use dynaseal::expression::UpdateExpression;
use dynaseal::table::{TransactGet, TransactWrite};

use crate::chaos::outcome::Outcome;
use crate::chaos::schedule::region_of;
use crate::chaos::story::Change;
use crate::chaos::subject::{Id, Subject, key};

pub(super) async fn write<T: Subject>(
    table: &SealedTable<T>,
    make: Id,
    delete: Option<Id>,
    view: Option<Id>,
    out: &mut Outcome,
) {
    let model = T::made_by(make, out.op);
    let mut write = TransactWrite::new().put_if_not_exists(table, &model);
    let mut changes = vec![Change::PutOver(make, None)];
    if let Some(id) = delete {
        write = write.delete(table, key(id));
        changes.push(Change::Delete(id));
    }
    if let Some(id) = view {
        let more = UpdateExpression::new().add(":views", 1);
        write = write.update_unsigned(table, key(id), more);
        changes.push(Change::View(id));
    }
    let change = Change::Together(changes);
    match Box::pin(write.send()).await {
        Ok(output) => {
            out.version(make, output.version(0), vec![out.op], false);
            out.done(change, output.region());
        }
        Err(error) => {
            let ids = [Some(make), delete, view];
            for (id, reason) in ids.into_iter().flatten().zip(error.reasons()) {
                out.met::<T>(id, reason.item());
            }
            out.failed_write(None, change, &error, true);
        }
    }
}

pub(super) async fn get<T: Subject>(table: &SealedTable<T>, ids: &[Id], out: &mut Outcome) {
    let mut get = TransactGet::new();
    let slots: Vec<_> = ids.iter().map(|id| get.get(table, key(*id))).collect();
    match Box::pin(get.send()).await {
        Ok(mut output) => {
            let region = region_of(output.region()).unwrap();
            for (id, slot) in ids.iter().zip(slots) {
                match output.take_opened(slot) {
                    Ok(Some(opened)) => {
                        out.read::<T>(*id, opened);
                    }
                    Ok(None) => out.read_nothing::<T>(*id, region),
                    Err(error) => out.failed(Some(*id), &error),
                }
            }
        }
        Err(error) => out.failed(None, &error),
    }
}
