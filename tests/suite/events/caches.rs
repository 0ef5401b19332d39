//! What is told of caches of keys: as many lookups as there were, and as many misses as calls.

use dynaseal::RegionSet;
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{CachingKeyring, HierarchicalKeyring, Keyring, TableKeyKeyring};
use dynaseal::observe::Counters;
use dynaseal::testkit::Service;

use super::*;

struct Watched {
    stack: Stack,
    regions: RegionSet,
    counters: Counters,
}

impl Watched {
    async fn start() -> Self {
        let table = TableDefinition::new(TABLE).partition_key("owner", KeyType::S);
        let stack = Stack::start(&table.sort_key("number", KeyType::N)).await;
        let counters = Counters::new();
        let regions = RegionSet::builder(&stack.config(US)).local(US);
        let regions = regions.observer(counters.clone()).build().unwrap();
        Self {
            stack,
            regions,
            counters,
        }
    }

    fn table(&self, keyring: impl Keyring + 'static) -> SealedTable<Note> {
        let builder = SealedTable::builder(TABLE, keyring, &self.regions);
        builder.build().unwrap()
    }

    fn table_keys(&self) -> TableKeyKeyring {
        TableKeyKeyring::new(self.stack.key.arn(US), &self.regions).unwrap()
    }

    fn store(&self) -> KeyStore {
        let kms = KeyStoreKms::mrk_arn(self.stack.key.arn(US));
        let builder = KeyStore::builder("branch-keys", "branch-keys", kms, &self.regions);
        builder.build().unwrap()
    }

    /// Hits and misses of a cache.
    fn lookups(&self, cache: &str) -> (u64, u64) {
        let counted = self.counters.snapshot();
        (counted.cache_hits(cache), counted.cache_misses(cache))
    }

    fn calls(&self, operation: &str) -> usize {
        self.stack.cloud.calls_of(US, Service::Kms, operation)
    }

    /// The caches that were told of, as a table and as JSON have them, too.
    fn told(&self) -> Vec<String> {
        let counted = self.counters.snapshot();
        let (text, json) = (
            counted.to_string(),
            serde_json::to_string(&counted).unwrap(),
        );
        let rows = counted.rows();
        let rows = rows.filter(|row| row.counter() == "cache_lookups");
        let caches = rows.flat_map(|row| row.labels().collect::<Vec<_>>());
        let caches = caches.filter(|(name, _)| *name == "cache");
        let mut names: Vec<String> = caches.map(|(_, cache)| cache.to_owned()).collect();
        names.dedup();
        for name in &names {
            assert!(text.contains(name) && json.contains(name), "{text}\n{json}");
        }
        names
    }
}

async fn write_and_read(table: &SealedTable<Note>, times: u32) {
    for number in 1..=times {
        table.put(&note("ada", number)).send().await.unwrap();
    }
    for number in 1..=times {
        let read = table.get(("ada", number)).send().await.unwrap();
        assert_eq!(read, Some(note("ada", number)));
    }
}

#[tokio::test]
async fn lookups_of_table_keys_agree_with_the_calls_for_them() {
    let watched = Watched::start().await;
    write_and_read(&watched.table(watched.table_keys()), 5).await;
    assert_eq!(watched.lookups("table_key_seal"), (4, 1));
    assert_eq!(watched.lookups("table_key_open"), (4, 1));
    let calls = ["GenerateDataKey", "Decrypt"].map(|call| watched.calls(call));
    assert_eq!(calls, [1, 1]);
    assert_eq!(
        watched.told(),
        ["single_flight", "table_key_open", "table_key_seal"]
    );
}

#[tokio::test]
async fn lookups_of_branch_keys_agree_with_the_calls_for_them() {
    let watched = Watched::start().await;
    let store = watched.store();
    store.create_key_store().await.unwrap();
    let create = store.create_key().branch_key_id("notes");
    let create = create.encryption_context([("made-for", "tests")]);
    create.send().await.unwrap();
    watched.stack.cloud.reset_calls();
    let keyring = HierarchicalKeyring::builder(&store).branch_key_id("notes");
    let keyring = keyring.build().unwrap();
    write_and_read(&watched.table(keyring), 5).await;
    // The active version, and the version that items name.
    assert_eq!(watched.lookups("branch_key"), (8, 2));
    assert_eq!(watched.calls("Decrypt"), 2);
    assert_eq!(watched.told(), ["branch_key", "single_flight"]);
}

#[tokio::test]
async fn lookups_of_opened_items_agree_with_what_the_keyring_inside_is_asked() {
    let watched = Watched::start().await;
    let caching = CachingKeyring::builder(watched.table_keys(), &watched.regions);
    let table = watched.table(caching.build().unwrap());
    write_and_read(&table, 5).await;
    for number in 1..=5 {
        table.get(("ada", number)).send().await.unwrap();
    }
    assert_eq!(watched.lookups("opened_item"), (5, 5));
    // What was opened before is asked of nobody.
    assert_eq!(watched.lookups("table_key_open"), (4, 1));
    assert_eq!(watched.calls("Decrypt"), 1);
    let expected = [
        "opened_item",
        "single_flight",
        "table_key_open",
        "table_key_seal",
    ];
    assert_eq!(watched.told(), expected);
}
