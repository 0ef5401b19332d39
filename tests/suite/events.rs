//! What observers are told, and what spans hold: everything, each thing once, and no value.

mod caches;
mod callers;
mod counts;
mod failures;
mod plaintext;
mod recorder;
mod spans;
mod streams;
mod verbs;

use std::sync::{Arc, Mutex};

use dynaseal::observe::{Event, Observer};
use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Item, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, item, n, s};

const TABLE: &str = "notes";
const ADA: (&str, u32) = ("ada", 1);
const BOB: (&str, u32) = ("bob", 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Note {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u32,
    text: String,
    #[seal(sign)]
    state: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

fn note(owner: &str, number: u32) -> Note {
    Note {
        owner: owner.to_owned(),
        number,
        text: "hello".to_owned(),
        state: "open".to_owned(),
        views: 0.into(),
    }
}

fn key((owner, number): (&str, u32)) -> Item {
    item([("owner", s(owner)), ("number", n(&number.to_string()))])
}

/// A table, and everything that its observer was told.
struct World {
    stack: Stack,
    heard: Heard,
    table: SealedTable<Note>,
}

impl World {
    /// Without any item.
    async fn start() -> Self {
        use dynaseal::testkit::SecondaryIndex;

        let by_state = SecondaryIndex::new("by-state").partition_key("state", KeyType::S);
        let definition = TableDefinition::new(TABLE)
            .partition_key("owner", KeyType::S)
            .sort_key("number", KeyType::N)
            .secondary_index(by_state);
        let heard = Heard::default();
        let stack = Stack::start(&definition).await.watched_by(heard.clone());
        let table = stack.table(US);
        Self {
            stack,
            heard,
            table,
        }
    }

    /// With three notes of Ada and one of Bob, of which nobody has been told.
    async fn with_notes() -> Self {
        let world = Self::start().await;
        let notes = [1, 2, 3].map(|number| note("ada", number));
        let batch = world.table.batch_write().puts(&notes);
        batch.put(&note("bob", 1)).send().await.unwrap();
        world.stack.cloud.reset_calls();
        world.heard.take();
        world
    }

    async fn stored(&self, at: (&str, u32)) -> Item {
        self.stack.stored(US, &key(at)).await.unwrap()
    }

    /// Puts an item under a key that an administrator has changed.
    async fn tamper(&self, at: (&str, u32), change: impl FnOnce(&mut Item)) {
        let mut stored = self.stored(at).await;
        change(&mut stored);
        self.stack.store(US, &stored).await;
    }
}

/// What was told, in a line each. Clones share it.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Observer for Heard {
    fn on_event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(line(event));
    }
}

fn line(event: &Event<'_>) -> String {
    match event {
        Event::Call(e) => format!("call {} {} {}", e.region, e.operation, e.outcome),
        Event::Cache(e) => format!("cache {} {}", e.cache, if e.hit { "hit" } else { "miss" }),
        Event::Verb(e) => format!("verb {} {}: {}", e.operation, e.table, e.outcome),
        Event::Verification(e) => format!("verification {} {}", e.table, e.kind),
        Event::Freshness(e) => format!("freshness {} {} {}", e.table, e.kind, e.region),
        Event::Plaintext(e) => format!("plaintext {}", e.table),
        Event::Audit(e) => {
            let caller = e.caller.map(|caller| format!(" for {caller}"));
            format!(
                "audit {}: {} by {} in {}{}",
                e.table,
                e.outcome,
                e.keyring,
                e.region.unwrap_or("?"),
                caller.unwrap_or_default()
            )
        }
        other => format!("{other:?}"),
    }
}

impl Heard {
    /// Everything since the last time, sorted.
    fn take(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.sort_unstable();
        lines
    }

    /// Of what was told since the last time, what starts like one of these, sorted.
    fn take_of(&self, kinds: &[&str]) -> Vec<String> {
        let mut lines = self.take();
        lines.retain(|line| kinds.iter().any(|kind| line.starts_with(kind)));
        lines
    }
}

/// What is told of items, and of operations.
const OF_ITEMS: [&str; 5] = ["audit", "freshness", "plaintext", "verb", "verification"];

/// Each of these lines so many times, sorted.
fn lines(expected: &[(usize, &str)]) -> Vec<String> {
    let repeated = expected
        .iter()
        .flat_map(|(times, line)| std::iter::repeat_n((*line).to_owned(), *times));
    let mut lines: Vec<String> = repeated.collect();
    lines.sort_unstable();
    lines
}

const OPENED: &str = "audit notes: opened by kms-mrk in us-east-1";
