//! Reads of one item, of a partition, of a table.

use std::collections::BTreeSet;

use dynaseal::item::Key;
use dynaseal::table::{ItemError, Page, UnopenedItem};
use dynaseal::{OpenedItem, SealedTable};

use crate::chaos::outcome::Outcome;
use crate::chaos::schedule::region_of;
use crate::chaos::story::Found;
use crate::chaos::subject::{IDS, Id, Subject, id_of, key, owner};

pub(super) async fn get<T: Subject>(
    table: &SealedTable<T>,
    id: Id,
    consistent: bool,
    out: &mut Outcome,
) {
    let get = table.get(key(id));
    let get = get.customize(|input| input.consistent_read(consistent));
    match get.send_opened().await {
        Ok(Some(opened)) => {
            out.read::<T>(id, opened);
        }
        Ok(None) => out.read_nothing::<T>(id, out.local),
        Err(error) => out.failed(Some(id), &error),
    }
}

pub(super) async fn query<T: Subject>(table: &SealedTable<T>, of: u8, out: &mut Outcome) {
    match table.query(owner(of)).opened_page().await {
        Ok(page) => read_page::<T>(page, |id| id.0 == of, out),
        Err(error) => out.failed(None, &error),
    }
}

pub(super) async fn scan<T: Subject>(table: &SealedTable<T>, out: &mut Outcome) {
    match table.scan().opened_page().await {
        Ok(page) => read_page::<T>(page, |_| true, out),
        Err(error) => out.failed(None, &error),
    }
}

/// A page that holds everything it could.
fn read_page<T: Subject>(page: Page<OpenedItem>, of: impl Fn(Id) -> bool, out: &mut Outcome) {
    let Some(region) = region_of(page.region()) else {
        return out.wrong.push(format!("a page of {}", page.region()));
    };
    let mut found = BTreeSet::new();
    for item in page.into_items() {
        match item {
            Ok(opened) => {
                let id = id_in_item(&opened);
                found.insert(id);
                out.read::<T>(id, opened);
            }
            Err(unopened) => found.extend(unread(&unopened, region, out)),
        }
    }
    let all = IDS.into_iter().filter(|id| of(*id));
    for id in all.filter(|id| !found.contains(id)) {
        out.read_nothing::<T>(id, region);
    }
}

/// An item that was there and was not handed out.
fn unread(unopened: &UnopenedItem, region: &'static str, out: &mut Outcome) -> Option<Id> {
    let id = unopened.key().map(id_in);
    out.failed(id, unopened.error());
    if let (Some(id), ItemError::Open(_)) = (id, unopened.error()) {
        out.saw(id, Found::Any, vec![region]);
    }
    id
}

pub(super) fn id_in(key: &Key) -> Id {
    let sort = key.sort_value().and_then(|value| value.as_n().ok());
    let owner = key.partition_value().as_s();
    id_of(owner.unwrap(), sort.unwrap().parse().unwrap())
}

fn id_in_item(opened: &OpenedItem) -> Id {
    let item = opened.item();
    let (owner, number) = (item["owner"].as_s(), item["number"].as_n());
    id_of(owner.unwrap(), number.unwrap().parse().unwrap())
}
