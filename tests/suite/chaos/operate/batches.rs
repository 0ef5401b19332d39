//! Batches.

use dynaseal::SealedTable;
use dynaseal::table::{BatchWriteCause, ItemError, Write};

use super::reads::id_in;
use crate::chaos::outcome::Outcome;
use crate::chaos::schedule::region_of;
use crate::chaos::story::{Change, Found, Told};
use crate::chaos::subject::{Id, Subject, Which, key};

pub(super) async fn batch_get<T: Subject>(table: &SealedTable<T>, ids: &[Id], out: &mut Outcome) {
    let get = table.batch_get(ids.iter().map(|id| key(*id)));
    let output = match get.send_opened().await {
        Ok(output) => output,
        Err(error) => return out.failed(None, &error),
    };
    let regions = output.regions().iter().filter_map(|name| region_of(name));
    let mut regions: Vec<_> = regions.collect();
    if T::WHICH == Which::Accounts {
        regions.push(out.home);
    }
    for (key, result) in output.into_results() {
        let id = id_in(&key);
        match result {
            Ok(Some(opened)) => {
                out.read::<T>(id, opened);
            }
            Ok(None) => out.saw(id, Found::Nothing, regions.clone()),
            Err(ItemError::Unprocessed) => out.say(format!("{id:?} was not processed")),
            Err(error) => out.failed(Some(id), &error),
        }
    }
}

pub(super) async fn batch_write<T: Subject>(
    table: &SealedTable<T>,
    puts: &[Id],
    deletes: &[Id],
    out: &mut Outcome,
) {
    let models: Vec<T> = puts.iter().map(|id| T::made_by(*id, out.op)).collect();
    let batch = table.batch_write().puts(&models);
    let batch = batch.deletes(deletes.iter().map(|id| key(*id)));
    match batch.send().await {
        Ok(output) => {
            let puts = puts.iter().map(|id| Change::Put(*id));
            let deletes = deletes.iter().map(|id| Change::Delete(*id));
            for change in puts.chain(deletes) {
                out.done(change, output.region());
            }
        }
        Err(failure) => {
            if let BatchWriteCause::Operation(error) = failure.cause() {
                out.failed(None, error);
            }
            out.say(failure.to_string());
            for (writes, told) in [
                (failure.written(), Told::Done),
                (failure.unwritten(), Told::NotDone),
                (failure.unknown(), Told::Unknown),
            ] {
                for write in writes {
                    out.effect(change::<T>(write), told);
                }
            }
        }
    }
}

fn change<T: Subject>(write: &Write) -> Change {
    match write {
        Write::Put(item) => Change::Put(T::from_item(item.clone()).unwrap().id()),
        Write::Delete(key) => Change::Delete(id_in(key)),
        _ => unreachable!("a batch puts and deletes"),
    }
}
