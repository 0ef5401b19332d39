//! What observers are told: each thing once, with names and never a value.

use std::sync::{Arc, Mutex};

use dynaseal::expression::UpdateExpression;
use dynaseal::observe::{BreakerState, Counters, Event, Service as Watched, audit_to, from_fn};
use dynaseal::table::{TransactGet, TransactWrite};
use dynaseal::testkit::{Fault, KeyType, Service, TableDefinition};
use dynaseal::{Item, KmsMrkKeyring, RegionSet, Seal, SealedTable, Unsigned};
use serde::{Deserialize, Serialize};

use crate::support::stack::{EU, Stack, US, item, s};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "accounts", default = "encrypt")]
struct Account {
    #[seal(partition_key)]
    id: String,
    owner: String,
    #[seal(unsigned)]
    views: Unsigned<u64>,
}

fn account(id: &str) -> Account {
    Account {
        id: id.to_owned(),
        owner: "Ada".to_owned(),
        views: 0.into(),
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

struct World {
    stack: Stack,
    counters: Counters,
    audits: Lines,
    verbs: Lines,
    table: SealedTable<Account>,
}

impl World {
    async fn start() -> Self {
        let definition = TableDefinition::new("accounts").partition_key("id", KeyType::S);
        let stack = Stack::start(&definition).await;
        let (counters, audits, verbs) = (Counters::new(), Lines::default(), Lines::default());
        let heard = Arc::clone(&audits);
        let audit = audit_to(move |event| {
            let [caller, key, region] =
                [event.caller, event.key, event.region].map(|o| o.unwrap_or("-").to_owned());
            let (table, keyring, outcome) = (event.table, event.keyring, event.outcome);
            let line = format!("{caller} {table} {keyring} {key} {region} {outcome}");
            heard.lock().unwrap().push(line);
        });
        let heard = Arc::clone(&verbs);
        let verb = from_fn(move |event: &Event<'_>| {
            if let Event::Verb(verb) = event {
                let line = format!("{} {} {}", verb.operation, verb.table, verb.outcome);
                heard.lock().unwrap().push(line);
            }
        });
        let regions = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
        let regions = regions.observer(counters.clone()).observer(audit);
        let regions = regions.observer(verb).build().unwrap();
        let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
        let table = SealedTable::builder("accounts", keyring, &regions);
        Self {
            table: table.build().unwrap(),
            stack,
            counters,
            audits,
            verbs,
        }
    }

    fn audits(&self) -> Vec<String> {
        std::mem::take(&mut self.audits.lock().unwrap())
    }

    fn verbs(&self) -> Vec<String> {
        std::mem::take(&mut self.verbs.lock().unwrap())
    }

    fn key(&self) -> Item {
        item([("id", s("a-1"))])
    }

    async fn corrupt(&self) {
        let mut stored = self.stack.stored(US, &self.key()).await.unwrap();
        stored.insert("owner".into(), s("Eve"));
        self.stack.store(US, &stored).await;
    }
}

#[tokio::test]
async fn an_audit_event_says_who_opened_what_table_by_which_key_and_how_it_ended() {
    let watched = World::start().await;
    let table = watched.table.audited_as("invoice job");
    table.put(&account("a-1")).send().await.unwrap();
    assert!(watched.audits().is_empty(), "nothing was opened");
    table.get("a-1").send().await.unwrap();
    let key = watched.stack.key.arn(US);
    assert_eq!(
        watched.audits(),
        [format!("invoice job accounts kms-mrk {key} {US} opened")]
    );
    watched.table.get("a-1").send().await.unwrap();
    assert!(watched.audits()[0].starts_with("- accounts"), "nobody said");

    watched.corrupt().await;
    table.get("a-1").send().await.unwrap_err();
    let told = watched.audits();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("invoice job accounts kms-mrk"),
        "{told:?}"
    );
    let failed = watched.counters.snapshot();
    assert_eq!(failed.verification_failures("accounts"), 1, "{failed}");
    watched.stack.disable_key(US, &watched.stack.key).await;
    table.put(&account("a-1")).send().await.unwrap_err();
    let region = watched.stack.cloud.kms(US);
    region.enable_key().key_id(&key).send().await.unwrap();
    table.put(&account("a-1")).send().await.unwrap();
    watched.stack.disable_key(US, &watched.stack.key).await;
    table.get("a-1").send().await.unwrap_err();
    assert_eq!(
        watched.audits(),
        [format!("invoice job accounts kms-mrk {key} {US} keyring")]
    );
}

#[tokio::test]
async fn every_item_that_is_opened_is_told_of_once_wherever_it_comes_from() {
    let watched = World::start().await;
    let table = &watched.table;
    table
        .batch_write()
        .puts(&["a-1", "a-2", "a-3"].map(account))
        .send()
        .await
        .unwrap();
    let opened = |expected: usize, what: &str| {
        let told = watched.audits();
        assert_eq!(told.len(), expected, "{what}: {told:?}");
        assert!(
            told.iter().all(|line| line.ends_with(" opened")),
            "{told:?}"
        );
    };
    table.scan().items().collect().await.unwrap();
    opened(3, "scan");
    table.query("a-1").page().await.unwrap();
    opened(1, "query");
    table.batch_get(["a-1", "a-2"]).send().await.unwrap();
    opened(2, "batch");
    let mut reads = TransactGet::new();
    let (_, _) = (reads.get(table, "a-1"), reads.get(table, "a-2"));
    reads.send().await.unwrap();
    opened(2, "transaction");
    table
        .update("a-1", |a| a.owner.push('!'))
        .send()
        .await
        .unwrap();
    opened(1, "update");
    table
        .put(&account("a-1"))
        .return_old()
        .send()
        .await
        .unwrap();
    opened(1, "what was replaced");
    let taken = table.put(&account("a-1")).if_not_exists().send().await;
    assert!(taken.is_err());
    opened(1, "what failed the condition");
    table.get("nobody").send().await.unwrap();
    opened(0, "nothing");
}

#[tokio::test]
async fn every_operation_ends_once_and_says_how() {
    let watched = World::start().await;
    let table = &watched.table;
    table.put(&account("a-1")).send().await.unwrap();
    table.get("a-1").send().await.unwrap();
    table
        .update("a-1", |a| a.owner.push('!'))
        .send()
        .await
        .unwrap();
    let seen = UpdateExpression::new().increment("views", 1);
    table.update_unsigned("a-1", seen).send().await.unwrap();
    table.query("a-1").items().collect().await.unwrap();
    table.scan().page().await.unwrap();
    table.batch_get(["a-1"]).send().await.unwrap();
    TransactWrite::new()
        .put(table, &account("a-2"))
        .send()
        .await
        .unwrap();
    table.delete("a-2").send().await.unwrap();
    let expected = [
        "PutItem",
        "GetItem",
        "Update",
        "UpdateUnsigned",
        "Query",
        "Scan",
        "BatchGetItem",
        "TransactWriteItems",
        "DeleteItem",
    ];
    assert_eq!(
        watched.verbs(),
        expected.map(|name| format!("{name} accounts ok"))
    );

    watched.corrupt().await;
    table.get("a-1").send().await.unwrap_err();
    table
        .put(&account("a-1"))
        .if_not_exists()
        .send()
        .await
        .unwrap_err();
    let down = Fault::Unavailable;
    watched.stack.cloud.region(US).fail(Service::DynamoDb, down);
    table.get("a-1").send().await.unwrap_err();
    let told = watched.verbs();
    let outcomes: Vec<_> = told
        .iter()
        .map(|line| line.split_once(" accounts ").unwrap().1)
        .collect();
    assert_eq!(outcomes, ["not opened", "sdk error", "sdk error"]);
}

#[tokio::test]
async fn what_is_counted_is_what_was_on_the_wire() {
    let watched = World::start().await;
    let (table, cloud) = (&watched.table, &watched.stack.cloud);
    for n in 0..5 {
        table.put(&account(&format!("a-{n}"))).send().await.unwrap();
    }
    cloud
        .region(US)
        .fail_times(Service::Kms, Fault::Status(400, "ThrottlingException"), 1);
    let _ = table.get("a-1").send().await;
    cloud
        .region(US)
        .fail_times(Service::DynamoDb, Fault::Unavailable, 5);
    for n in 0..8 {
        let _ = table.get(format!("a-{n}")).send().await;
        let _ = table.put(&account("a-1")).if_not_exists().send().await;
    }
    let snapshot = watched.counters.snapshot();
    for (service, watched) in [
        (Service::Kms, Watched::Kms),
        (Service::DynamoDb, Watched::DynamoDb),
    ] {
        for operation in ["Decrypt", "GenerateDataKey", "GetItem", "PutItem"] {
            let sent = cloud.calls_of(US, service, operation);
            let counted = snapshot.calls_of(watched, US, operation);
            assert_eq!(
                counted,
                u64::try_from(sent).unwrap(),
                "{operation}\n{snapshot}"
            );
        }
        assert_eq!(snapshot.calls(watched, EU), 0);
    }
    assert_eq!(snapshot.breaker(Watched::DynamoDb, US), BreakerState::Open);
    let text = snapshot.to_string();
    let json = serde_json::to_string(&snapshot).unwrap();
    for value in ["a-1", "Ada"] {
        assert!(!text.contains(value) && !json.contains(value));
    }
}
