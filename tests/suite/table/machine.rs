//! Random sequences of all operations against a plain map: after each step table and map agree, and
//! every stored item verifies.

use std::collections::BTreeMap;

use dynaseal::expression::{SortKeyCondition, UpdateExpression, attribute};
use dynaseal::table::{TransactGet, TransactWrite, UpdateError};
use dynaseal::testkit::{KeyType, TableDefinition};
use dynaseal::{Item, Seal, SealedTable, Unsigned};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US};

const TABLE: &str = "notes";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "notes", default = "encrypt")]
struct Note {
    #[seal(partition_key)]
    owner: String,
    #[seal(sort_key)]
    number: u64,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<Vec<i32>>,
    #[seal(sign)]
    state: u8,
    #[seal(unsigned)]
    #[serde(rename = ":views")]
    views: Unsigned<u64>,
}

/// Few of them, so that steps meet.
type Id = (u8, u64);
type Model = BTreeMap<(String, u64), Note>;

#[derive(Clone, Debug)]
struct Content {
    text: String,
    extra: Option<Vec<i32>>,
    state: u8,
}

#[derive(Clone, Debug)]
enum Step {
    Put(Id, Content),
    PutIfNotExists(Id, Content),
    PutIfState(Id, Content, u8),
    Update(Id, Content),
    View(Id, u64),
    Delete(Id),
    DeleteIfState(Id, u8),
    BatchWrite(BTreeMap<Id, Option<Content>>),
    Transact {
        put: (Id, Content),
        delete: Id,
        check: (Id, u8),
    },
    BatchGet(Vec<Id>),
    TransactGet(Id, Id),
    Query(u8, u64, Option<u8>),
    Scan(i32),
    GetElsewhere(Id),
}

fn id() -> impl Strategy<Value = Id> {
    (0_u8..2, 0_u64..3)
}

fn content() -> impl Strategy<Value = Content> {
    let parts = ("[a-z]{0,12}", option::of(vec(any::<i32>(), 0..3)), 0_u8..3);
    parts.prop_map(|(text, extra, state)| Content { text, extra, state })
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    prop_oneof![
        4 => (id(), content()).prop_map(|(id, content)| Put(id, content)),
        2 => (id(), content()).prop_map(|(id, content)| PutIfNotExists(id, content)),
        2 => (id(), content(), 0_u8..3).prop_map(|(id, content, state)| PutIfState(id, content, state)),
        4 => (id(), content()).prop_map(|(id, content)| Update(id, content)),
        3 => (id(), 1_u64..5).prop_map(|(id, count)| View(id, count)),
        1 => id().prop_map(Delete),
        1 => (id(), 0_u8..3).prop_map(|(id, state)| DeleteIfState(id, state)),
        2 => proptest::collection::btree_map(id(), option::weighted(0.7, content()), 1..5)
            .prop_map(BatchWrite),
        2 => (id(), content(), id(), id(), 0_u8..3).prop_map(|(put, content, delete, check, state)| {
            Transact { put: (put, content), delete, check: (check, state) }
        }),
        1 => vec(id(), 1..6).prop_map(BatchGet),
        1 => (id(), id()).prop_map(|(a, b)| TransactGet(a, b)),
        1 => (0_u8..2, 0_u64..3, option::of(0_u8..3)).prop_map(|(o, from, state)| Query(o, from, state)),
        1 => (1_i32..4).prop_map(Scan),
        1 => id().prop_map(GetElsewhere),
    ]
}

fn owner(id: Id) -> String {
    format!("owner-{}", id.0)
}

fn key(id: Id) -> (String, u64) {
    (owner(id), id.1)
}

fn note(id: Id, content: &Content) -> Note {
    Note {
        owner: owner(id),
        number: id.1,
        text: content.text.clone(),
        extra: content.extra.clone(),
        state: content.state,
        views: Unsigned::new(0),
    }
}

/// The table, and what should be in it.
struct Machine {
    stack: Stack,
    table: SealedTable<Note>,
    elsewhere: SealedTable<Note>,
    model: Model,
}

impl Machine {
    async fn start() -> Self {
        let definition = TableDefinition::new(TABLE)
            .partition_key("owner", KeyType::S)
            .sort_key("number", KeyType::N);
        let stack = Stack::start(&definition).await;
        Self {
            table: stack.table(US),
            elsewhere: stack.table(EU),
            stack,
            model: Model::new(),
        }
    }

    fn has_state(&self, id: Id, state: u8) -> bool {
        self.model
            .get(&key(id))
            .is_some_and(|note| note.state == state)
    }

    async fn run(&mut self, step: Step) {
        match step {
            Step::Put(id, content) => self.put(id, &content).await,
            Step::PutIfNotExists(id, content) => self.put_if_not_exists(id, &content).await,
            Step::PutIfState(id, content, state) => self.put_if_state(id, &content, state).await,
            Step::Update(id, content) => self.update(id, &content).await,
            Step::View(id, count) => self.view(id, count).await,
            Step::Delete(id) => {
                let deleted = self
                    .table
                    .delete(key(id))
                    .return_old()
                    .send()
                    .await
                    .unwrap();
                let old = deleted.into_old().map(|old| old.expect("opens"));
                assert_eq!(old.is_some(), self.model.remove(&key(id)).is_some());
            }
            Step::DeleteIfState(id, state) => self.delete_if_state(id, state).await,
            Step::BatchWrite(writes) => self.batch_write(&writes).await,
            Step::Transact { put, delete, check } => self.transact(put, delete, check).await,
            Step::BatchGet(ids) => self.batch_get(&ids).await,
            Step::TransactGet(a, b) => self.transact_get(a, b).await,
            Step::Query(owner, from, state) => self.query(owner, from, state).await,
            Step::Scan(segments) => self.scan(segments).await,
            Step::GetElsewhere(id) => {
                self.stack.cloud.replicate().await;
                let found = self.elsewhere.get(key(id)).send().await.unwrap();
                assert_eq!(found.as_ref(), self.model.get(&key(id)));
            }
        }
    }

    async fn put(&mut self, id: Id, content: &Content) {
        self.table.put(&note(id, content)).send().await.unwrap();
        self.model.insert(key(id), note(id, content));
    }

    async fn put_if_not_exists(&mut self, id: Id, content: &Content) {
        let put = self
            .table
            .put(&note(id, content))
            .if_not_exists()
            .send()
            .await;
        assert_eq!(put.is_ok(), !self.model.contains_key(&key(id)));
        self.model
            .entry(key(id))
            .or_insert_with(|| note(id, content));
    }

    async fn put_if_state(&mut self, id: Id, content: &Content, state: u8) {
        let put = self.table.put(&note(id, content));
        let put = put.condition(attribute("state").eq(state)).send().await;
        let holds = self.has_state(id, state);
        match put {
            Ok(_) => assert!(holds),
            Err(error) => {
                assert!(!holds);
                let stored = error
                    .item()
                    .map(|item| item.as_ref().expect("opens").item());
                let text = stored.map(|item| item["text"].as_s().expect("a string").as_str());
                assert_eq!(
                    text,
                    self.model.get(&key(id)).map(|note| note.text.as_str())
                );
            }
        }
        if holds {
            self.model.insert(key(id), note(id, content));
        }
    }

    async fn update(&mut self, id: Id, content: &Content) {
        let change = |note: &mut Note| {
            note.text.clone_from(&content.text);
            note.extra.clone_from(&content.extra);
            note.state = content.state;
        };
        let updated = self.table.update(key(id), change).send().await;
        match self.model.get_mut(&key(id)) {
            Some(note) => {
                change(note);
                assert_eq!(updated.unwrap().model(), note);
            }
            None => assert!(matches!(updated, Err(UpdateError::NotFound)), "{updated:?}"),
        }
    }

    async fn view(&mut self, id: Id, count: u64) {
        let more = UpdateExpression::new().add(":views", count);
        let viewed = self.table.update_unsigned(key(id), more).send().await;
        match self.model.get_mut(&key(id)) {
            Some(note) => {
                viewed.unwrap();
                *note.views.unauthenticated_mut() += count;
            }
            None => assert!(matches!(viewed, Err(UpdateError::NotFound)), "{viewed:?}"),
        }
    }

    async fn delete_if_state(&mut self, id: Id, state: u8) {
        let delete = self.table.delete(key(id));
        let deleted = delete.condition(attribute("state").eq(state)).send().await;
        assert_eq!(deleted.is_ok(), self.has_state(id, state));
        if deleted.is_ok() {
            self.model.remove(&key(id));
        }
    }

    async fn batch_write(&mut self, writes: &BTreeMap<Id, Option<Content>>) {
        let mut batch = self.table.batch_write();
        for (id, content) in writes {
            batch = match content {
                Some(content) => batch.put(&note(*id, content)),
                None => batch.delete(key(*id)),
            };
            match content {
                Some(content) => self.model.insert(key(*id), note(*id, content)),
                None => self.model.remove(&key(*id)),
            };
        }
        assert_eq!(batch.send().await.unwrap().written(), writes.len());
    }

    async fn transact(&mut self, put: (Id, Content), delete: Id, check: (Id, u8)) {
        let write = TransactWrite::new()
            .put(&self.table, &note(put.0, &put.1))
            .delete(&self.table, key(delete))
            .check(&self.table, key(check.0), attribute("state").eq(check.1));
        let sent = write.send().await;
        let distinct = put.0 != delete && put.0 != check.0 && delete != check.0;
        assert_eq!(
            sent.is_ok(),
            distinct && self.has_state(check.0, check.1),
            "{sent:?}"
        );
        if sent.is_ok() {
            self.model.remove(&key(delete));
            self.model.insert(key(put.0), note(put.0, &put.1));
        }
    }

    async fn batch_get(&self, ids: &[Id]) {
        let found = self
            .table
            .batch_get(ids.iter().map(|id| key(*id)))
            .send()
            .await
            .unwrap();
        let found: Vec<_> = found
            .into_results()
            .into_iter()
            .map(|(_, note)| note.unwrap())
            .collect();
        let wanted: Vec<_> = ids
            .iter()
            .map(|id| self.model.get(&key(*id)).cloned())
            .collect();
        assert_eq!(found, wanted);
    }

    async fn transact_get(&self, a: Id, b: Id) {
        let mut get = TransactGet::new();
        let slots = [get.get(&self.table, key(a)), get.get(&self.table, key(b))];
        let sent = get.send().await;
        if a == b {
            assert!(sent.is_err(), "DynamoDB takes each key once");
            return;
        }
        let mut found = sent.unwrap();
        for (slot, id) in slots.into_iter().zip([a, b]) {
            assert_eq!(found.take(slot).unwrap().as_ref(), self.model.get(&key(id)));
        }
    }

    async fn query(&self, of: u8, from: u64, state: Option<u8>) {
        let mut query = self
            .table
            .query(owner((of, 0)))
            .sort_key(SortKeyCondition::ge(from));
        if let Some(state) = state {
            query = query.filter(attribute("state").eq(state));
        }
        let found = query.page_size(2).items().collect().await.unwrap();
        let wanted = self.model.values().filter(|note| {
            note.owner == owner((of, 0))
                && note.number >= from
                && state.is_none_or(|state| note.state == state)
        });
        assert_eq!(found, wanted.cloned().collect::<Vec<_>>());
    }

    async fn scan(&self, segments: i32) {
        let mut found = self
            .table
            .scan()
            .segments(segments)
            .items()
            .collect()
            .await
            .unwrap();
        found.sort_by_key(|note| (note.owner.clone(), note.number));
        assert_eq!(found, self.model.values().cloned().collect::<Vec<_>>());
    }

    /// What is really stored: sealed as a whole, readable, and what the model says.
    async fn check(&self) {
        let scan = self
            .stack
            .cloud
            .dynamodb(US)
            .scan()
            .table_name(TABLE)
            .send()
            .await;
        let mut stored = BTreeMap::new();
        for item in scan.unwrap().items.unwrap_or_default() {
            let opened = self
                .table
                .encryptor()
                .open(item)
                .await
                .expect("every stored item verifies");
            let item: Item = opened.into_item();
            let note: Note = serde_dynamo::from_item(item).expect("a note");
            stored.insert((note.owner.clone(), note.number), note);
        }
        assert_eq!(stored, self.model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_plain_map(steps in vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut machine = Machine::start().await;
            for step in steps {
                machine.run(step).await;
                machine.check().await;
            }
        });
    }
}
