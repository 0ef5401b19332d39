//! Replication of global tables, when the test says so.

mod stream;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dynoxide::Database;

use crate::testkit::error::TestkitError;
use crate::testkit::table::TableDefinition;
use table::GlobalTable;

/// What reads of global tables show of writes in other regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consistency {
    /// Nothing before they are replicated.
    Eventual,
    /// Everything, since all regions have one database.
    Strong,
}

/// All global tables of a cloud, and the regions that take no part.
pub(super) struct Replication {
    consistency: Consistency,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tables: BTreeMap<String, GlobalTable>,
    cut: BTreeSet<String>,
}

impl Replication {
    pub(super) fn new(consistency: Consistency) -> Self {
        Self {
            consistency,
            state: Mutex::default(),
        }
    }

    pub(super) fn create_table(
        &self,
        definition: &TableDefinition,
        databases: &BTreeMap<String, Database>,
    ) -> Result<(), TestkitError> {
        if self.consistency == Consistency::Strong {
            // Any of them: they are one.
            let mut databases = databases.values().take(1);
            return databases.try_for_each(|database| table::create(definition, database));
        }
        let table = GlobalTable::create(definition, databases)?;
        self.lock()
            .tables
            .insert(definition.name().to_owned(), table);
        Ok(())
    }

    pub(super) fn remove_replica(&self, table: &str, region: &str) -> Result<(), TestkitError> {
        if self.consistency == Consistency::Strong {
            return Err(TestkitError::new(
                "a strongly consistent table cannot lose one of its replicas",
            ));
        }
        let mut state = self.lock();
        let replicas = state.tables.get_mut(table);
        let removed = replicas.and_then(|replicas| replicas.remove(region));
        removed.ok_or_else(|| no_replica(table, region))?.delete()
    }

    pub(super) fn cut(&self, region: &str) {
        self.lock().cut.insert(region.to_owned());
    }

    pub(super) fn heal(&self, region: &str) {
        self.lock().cut.remove(region);
    }

    /// Replicates every table until nothing is left to do.
    pub(super) fn run(&self) -> Replicated {
        let mut state = self.lock();
        let State { tables, cut } = &mut *state;
        let mut replicated = Replicated::default();
        for table in tables.values_mut() {
            match table.replicate(cut) {
                Ok(changes) => replicated.changes += changes,
                Err(error) => replicated.failures.push(error),
            }
        }
        replicated
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_replica(table: &str, region: &str) -> TestkitError {
    TestkitError::new(format!(
        "no global table `{table}` has a replica in `{region}`"
    ))
}

/// What one [`Cloud::replicate`](crate::testkit::Cloud::replicate) did.
#[derive(Debug, Default)]
pub struct Replicated {
    changes: usize,
    failures: Vec<TestkitError>,
}

impl Replicated {
    /// How many writes of clients were taken up, whether or not they won.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// Tables that could not be replicated, for example because a region deleted its replica.
    #[must_use]
    pub fn failures(&self) -> &[TestkitError] {
        &self.failures
    }
}
