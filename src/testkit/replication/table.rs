//! One global table: the last writer of an item wins, in every region.

use std::collections::{BTreeMap, BTreeSet};

use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::{Database, Item};
use serde_json::json;

use super::stream::{Record, Stream, failed, request};
use crate::testkit::error::TestkitError;
use crate::testkit::table::TableDefinition;

/// A table with a replica in each region.
pub(super) struct GlobalTable {
    replicas: BTreeMap<String, Replica>,
    latest: BTreeMap<ItemKey, Version>,
}

/// Creates a table in one database.
pub(super) fn create(
    definition: &TableDefinition,
    database: &Database,
) -> Result<(), TestkitError> {
    let create = request(definition.create_request())?;
    database.create_table(create).map(drop).map_err(failed)
}

/// An item's key in one form, whatever the order of its attributes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ItemKey(String);

/// The last write of an item that any region knows.
struct Version {
    written: Stamp,
    key: Item,
    image: Option<Item>,
}

/// When and where: sequence numbers have one length, so they compare as text. The region decides ties.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    sequence_number: String,
    region: String,
}

impl GlobalTable {
    pub(super) fn create(
        definition: &TableDefinition,
        databases: &BTreeMap<String, Database>,
    ) -> Result<Self, TestkitError> {
        let mut replicas = BTreeMap::new();
        for (region, database) in databases {
            create(definition, database)?;
            replicas.insert(region.clone(), Replica::new(definition.name(), database)?);
        }
        Ok(Self {
            replicas,
            latest: BTreeMap::new(),
        })
    }

    /// Takes a region out: it gives and gets nothing any more.
    pub(super) fn remove(&mut self, region: &str) -> Option<Replica> {
        self.replicas.remove(region)
    }

    /// Replicates between the regions that are not cut; answers how many writes were taken up.
    pub(super) fn replicate(&mut self, cut: &BTreeSet<String>) -> Result<usize, TestkitError> {
        let mut changes = 0;
        loop {
            let taken_up = self.collect(cut)?;
            changes += taken_up;
            // Clients may write meanwhile, and what they overwrote is seen in the next round.
            if taken_up == 0 && self.settle(cut)? == 0 {
                return Ok(changes);
            }
        }
    }

    /// Takes up new writes: the latest of each item is owed to every region.
    fn collect(&mut self, cut: &BTreeSet<String>) -> Result<usize, TestkitError> {
        let mut changes = 0;
        let mut changed = BTreeSet::new();
        for (region, replica) in self
            .replicas
            .iter_mut()
            .filter(|(name, _)| !cut.contains(*name))
        {
            for (key, record) in replica.writes_of_clients()? {
                changes += 1;
                changed.insert(key.clone());
                keep_latest(&mut self.latest, key, region, record);
            }
        }
        for replica in self.replicas.values_mut() {
            replica.owed.extend(changed.iter().cloned());
        }
        Ok(changes)
    }

    /// Pays what is owed to regions that are not cut; answers how many items were looked at.
    fn settle(&mut self, cut: &BTreeSet<String>) -> Result<usize, TestkitError> {
        let mut paid = 0;
        for (_, replica) in self
            .replicas
            .iter_mut()
            .filter(|(name, _)| !cut.contains(*name))
        {
            while let Some(key) = replica.owed.pop_first() {
                paid += 1;
                if let Some(version) = self.latest.get(&key) {
                    replica.apply(key, version)?;
                }
            }
        }
        Ok(paid)
    }
}

fn keep_latest(
    latest: &mut BTreeMap<ItemKey, Version>,
    key: ItemKey,
    region: &str,
    record: Record,
) {
    let written = Stamp {
        sequence_number: record.sequence_number,
        region: region.to_owned(),
    };
    if latest.get(&key).is_none_or(|known| known.written < written) {
        latest.insert(
            key,
            Version {
                written,
                key: record.key,
                image: record.image,
            },
        );
    }
}

/// The table in one region.
pub(super) struct Replica {
    table: String,
    database: Database,
    stream: Stream,
    /// Items whose latest version this region may not have.
    owed: BTreeSet<ItemKey>,
    /// Images that replication wrote here and the stream has not shown yet.
    echoes: BTreeMap<ItemKey, Vec<Option<Item>>>,
}

impl Replica {
    fn new(table: &str, database: &Database) -> Result<Self, TestkitError> {
        Ok(Self {
            table: table.to_owned(),
            database: database.clone(),
            stream: Stream::open(database, table)?,
            owed: BTreeSet::new(),
            echoes: BTreeMap::new(),
        })
    }

    /// Deletes the table from its region.
    pub(super) fn delete(self) -> Result<(), TestkitError> {
        let delete = request(json!({"TableName": self.table}))?;
        self.database.delete_table(delete).map(drop).map_err(failed)
    }

    /// What the stream shows that replication did not write itself.
    fn writes_of_clients(&mut self) -> Result<Vec<(ItemKey, Record)>, TestkitError> {
        let mut writes = Vec::new();
        for record in self.stream.read(&self.database)? {
            let key = ItemKey::of(&record.key)?;
            if !self.is_echo(&key, record.image.as_ref()) {
                writes.push((key, record));
            }
        }
        Ok(writes)
    }

    fn is_echo(&mut self, key: &ItemKey, image: Option<&Item>) -> bool {
        let Some(expected) = self.echoes.get_mut(key) else {
            return false;
        };
        let Some(at) = expected.iter().position(|echo| echo.as_ref() == image) else {
            return false;
        };
        expected.remove(at);
        if expected.is_empty() {
            self.echoes.remove(key);
        }
        true
    }

    /// Writes a version unless it is here already, in which case the stream would show nothing.
    fn apply(&mut self, key: ItemKey, version: &Version) -> Result<(), TestkitError> {
        if self.read(&version.key)? == version.image {
            return Ok(());
        }
        self.write(version)?;
        self.echoes
            .entry(key)
            .or_default()
            .push(version.image.clone());
        Ok(())
    }

    fn read(&self, key: &Item) -> Result<Option<Item>, TestkitError> {
        let get = GetItemRequest {
            table_name: self.table.clone(),
            key: key.clone(),
            ..GetItemRequest::default()
        };
        Ok(self.database.get_item(get).map_err(failed)?.item)
    }

    fn write(&self, version: &Version) -> Result<(), TestkitError> {
        match &version.image {
            Some(item) => {
                let put = PutItemRequest {
                    table_name: self.table.clone(),
                    item: item.clone(),
                    ..PutItemRequest::default()
                };
                self.database.put_item(put).map(drop).map_err(failed)
            }
            None => {
                let delete = DeleteItemRequest {
                    table_name: self.table.clone(),
                    key: version.key.clone(),
                    ..DeleteItemRequest::default()
                };
                self.database.delete_item(delete).map(drop).map_err(failed)
            }
        }
    }
}

impl ItemKey {
    fn of(key: &Item) -> Result<Self, TestkitError> {
        let sorted: BTreeMap<_, _> = key.iter().collect();
        let text = serde_json::to_string(&sorted);
        text.map(Self)
            .map_err(|error| TestkitError::because("a key is not JSON", error))
    }
}
