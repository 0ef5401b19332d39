//! Everything that is told of each operation that works.

use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::table::{TransactGet, TransactWrite};

use super::*;

const GENERATED: &str = "call us-east-1 GenerateDataKey ok";
const DECRYPTED: &str = "call us-east-1 Decrypt ok";
const ASKED: &str = "cache single_flight miss";

/// What opening so many items tells.
fn opening(items: usize) -> [(usize, &'static str); 3] {
    [(items, DECRYPTED), (items, ASKED), (items, OPENED)]
}

impl World {
    /// The complete list of what was told since the last time.
    #[track_caller]
    fn assert_heard(&self, opened: usize, rest: &[(usize, &str)]) {
        let expected = [&opening(opened), rest].concat();
        assert_eq!(self.heard.take(), lines(&expected));
    }
}

#[tokio::test]
async fn tells_of_what_is_written() {
    let world = World::start().await;
    let table = &world.table;
    table.put(&note("ada", 1)).send().await.unwrap();
    let put = (1, "call us-east-1 PutItem ok");
    let ended = (1, "verb PutItem notes: ok");
    world.assert_heard(0, &[(1, GENERATED), put, ended]);

    let again = table.put(&note("ada", 1)).return_old().send().await;
    assert!(matches!(again.unwrap().old(), Some(Ok(_))));
    world.assert_heard(1, &[(1, GENERATED), put, ended]);

    let views = UpdateExpression::new().set("views", 7_u64);
    let update = table.update_unsigned(ADA, views).return_new().send().await;
    assert!(matches!(update.unwrap().item(), Some(Ok(_))));
    let updated = (1, "call us-east-1 UpdateItem ok");
    world.assert_heard(1, &[updated, (1, "verb UpdateUnsigned notes: ok")]);

    let update = table.update(ADA, |note| note.text = "bye".to_owned());
    update.send().await.unwrap();
    let read = (1, "call us-east-1 GetItem ok");
    let ended = (1, "verb Update notes: ok");
    world.assert_heard(1, &[read, (1, GENERATED), updated, ended]);

    table.update(ADA, |_| ()).send().await.unwrap();
    world.assert_heard(1, &[read, ended]);

    let delete = table.delete(ADA).return_old().send().await.unwrap();
    assert!(matches!(delete.old(), Some(Ok(_))));
    let deleted = (1, "call us-east-1 DeleteItem ok");
    world.assert_heard(1, &[deleted, (1, "verb DeleteItem notes: ok")]);
}

#[tokio::test]
async fn tells_of_what_is_read() {
    let world = World::with_notes().await;
    let table = &world.table;
    assert!(table.get(ADA).send().await.unwrap().is_some());
    let read = (1, "call us-east-1 GetItem ok");
    let ended = (1, "verb GetItem notes: ok");
    world.assert_heard(1, &[read, ended]);

    assert!(table.get(("nobody", 1)).send().await.unwrap().is_none());
    world.assert_heard(0, &[read, ended]);

    let page = table.query("ada").page().await.unwrap();
    assert_eq!(page.items().len(), 3);
    let queried = (1, "call us-east-1 Query ok");
    world.assert_heard(3, &[queried, (1, "verb Query notes: ok")]);

    let batch = table.batch_get([ADA, BOB, ("nobody", 1)]).send().await;
    assert_eq!(batch.unwrap().found().unwrap().len(), 2);
    let fetched = (1, "call us-east-1 BatchGetItem ok");
    world.assert_heard(2, &[fetched, (1, "verb BatchGetItem notes: ok")]);

    let by_state = table.query("open").index("by-state");
    let page = by_state.fetch_from_table().page().await.unwrap();
    assert_eq!(page.items().len(), 4);
    let described = (1, "call us-east-1 DescribeTable ok");
    let rest = [queried, described, fetched, (1, "verb Query notes: ok")];
    world.assert_heard(4, &rest);

    assert_eq!(table.scan().count_unverified().await.unwrap(), 4);
    let scanned = (1, "call us-east-1 Scan ok");
    world.assert_heard(0, &[scanned, (1, "verb Scan notes: ok")]);
}

#[tokio::test]
async fn tells_of_batches_and_transactions() {
    let world = World::start().await;
    let table = &world.table;
    let batch = table.batch_write().put(&note("ada", 1)).delete(BOB);
    batch.send().await.unwrap();
    let wrote = (1, "call us-east-1 BatchWriteItem ok");
    let ended = (1, "verb BatchWriteItem notes: ok");
    world.assert_heard(0, &[(1, GENERATED), wrote, ended]);

    let write = TransactWrite::new()
        .check(table, ADA, attribute("state").eq("open"))
        .put(table, &note("bob", 1));
    let prepared = write.prepare().await.unwrap();
    world.assert_heard(
        0,
        &[(1, GENERATED), (1, "verb PrepareTransaction notes: ok")],
    );
    prepared.send().await.unwrap();
    let wrote = (1, "call us-east-1 TransactWriteItems ok");
    let ended = (1, "verb TransactWriteItems notes: ok");
    world.assert_heard(0, &[wrote, ended]);

    let write = TransactWrite::new().put(table, &note("bob", 2)).send();
    write.await.unwrap();
    world.assert_heard(0, &[(1, GENERATED), wrote, ended]);

    let mut get = TransactGet::new();
    let slots = [ADA, BOB, ("nobody", 1)].map(|at| get.get(table, at));
    let mut found = get.send().await.unwrap();
    let found = slots.map(|slot| found.take(slot).unwrap().is_some());
    assert_eq!(found, [true, true, false]);
    let read = (1, "call us-east-1 TransactGetItems ok");
    world.assert_heard(2, &[read, (1, "verb TransactGetItems notes: ok")]);
}

#[tokio::test]
async fn names_all_tables_of_a_transaction() {
    let world = World::start().await;
    let builder = |logical: &str| {
        let regions = world.stack.regions(US);
        let builder = SealedTable::<Note>::builder(TABLE, world.stack.keyring(US), &regions);
        (builder.logical_table_name(logical), regions)
    };
    let (first, regions) = builder("first");
    let second = SealedTable::<Note>::builder(TABLE, world.stack.keyring(US), &regions);
    let second = second.logical_table_name("second").build().unwrap();
    let first = first.build().unwrap();
    let write = TransactWrite::new()
        .put(&second, &note("ada", 1))
        .put(&first, &note("ada", 2))
        .put(&second, &note("ada", 3));
    write.send().await.unwrap();
    let told = world.heard.take_of(&["verb"]);
    assert_eq!(told, ["verb TransactWriteItems second,first: ok"]);
}

#[tokio::test]
async fn names_table_keyring_key_and_region_of_what_it_opens() {
    let world = World::with_notes().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    let audit = dynaseal::observe::audit_to(move |event| {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let told = [
            text(event.caller),
            text(Some(event.table)),
            text(Some(event.keyring)),
            text(event.key),
            text(event.region),
            text(Some(event.outcome)),
        ];
        kept.lock().unwrap().push(told);
    });
    let World { stack, .. } = world;
    stack.cloud.replicate().await;
    let stack = stack.watched_by(audit);
    let table = stack.table::<Note>(EU);
    table.get(ADA).send().await.unwrap().unwrap();
    let arn = stack.key.arn(EU);
    let expected = [None, Some(TABLE), Some("kms-mrk"), Some(&arn), Some(EU)];
    let expected = expected.into_iter().chain([Some("opened")]);
    let expected: Vec<_> = expected.map(|text| text.map(str::to_owned)).collect();
    assert_eq!(*told.lock().unwrap(), [&*expected]);
}
