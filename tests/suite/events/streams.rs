//! What is told of streams of items, and of what nobody waits for.

use dynaseal::testkit::{Fault, Service};
use futures_util::FutureExt as _;

use super::*;

const QUERIED: &str = "call us-east-1 Query ok";

#[tokio::test]
async fn tells_of_one_operation_however_many_pages_it_has() {
    let world = World::with_notes().await;
    let items = world.table.query("ada").page_size(1).items();
    assert_eq!(items.collect().await.unwrap().len(), 3);
    let told = world
        .heard
        .take_of(&["audit", "call us-east-1 Query", "verb"]);
    let pages = told.iter().filter(|line| *line == QUERIED).count();
    assert!(pages >= 3, "{told:?}");
    let expected = [(3, OPENED), (pages, QUERIED), (1, "verb Query notes: ok")];
    assert_eq!(told, lines(&expected));

    let items = world.table.scan().segments(2).items();
    assert_eq!(items.collect().await.unwrap().len(), 4);
    let told = world.heard.take_of(&OF_ITEMS);
    assert_eq!(told, lines(&[(4, OPENED), (1, "verb Scan notes: ok")]));
}

#[tokio::test]
async fn tells_once_that_a_stream_ended_however_often_it_is_polled() {
    let world = World::with_notes().await;
    let mut items = world.table.query("bob").items();
    assert!(items.next().await.unwrap().is_ok());
    assert_eq!(
        world.heard.take_of(&["verb"]),
        [""; 0],
        "not before its end"
    );
    for _ in 0..3 {
        assert!(items.next().await.is_none());
    }
    drop(items);
    assert_eq!(world.heard.take_of(&["verb"]), ["verb Query notes: ok"]);
}

#[tokio::test]
async fn tells_of_a_stream_that_is_dropped_and_not_of_one_that_was_never_polled() {
    let world = World::with_notes().await;
    drop(world.table.query("ada").items());
    drop(world.table.get(ADA).send());
    assert_eq!(world.heard.take(), [""; 0]);
    let mut items = world.table.query("ada").page_size(1).items();
    assert!(items.next().await.unwrap().is_ok());
    drop(items);
    let told = world.heard.take_of(&OF_ITEMS);
    assert_eq!(
        told,
        lines(&[(1, OPENED), (1, "verb Query notes: abandoned")])
    );
}

#[tokio::test]
async fn tells_of_an_operation_that_nobody_waits_for() {
    let world = World::with_notes().await;
    world
        .stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Hang);
    let mut get = Box::pin(world.table.get(ADA).send());
    assert!(get.as_mut().now_or_never().is_none());
    drop(get);
    let expected = [
        (1, "call us-east-1 GetItem abandoned"),
        (1, "verb GetItem notes: abandoned"),
    ];
    assert_eq!(world.heard.take(), lines(&expected));
}

#[tokio::test]
async fn tells_of_a_page_that_was_not_fetched() {
    let world = World::with_notes().await;
    let mut items = world.table.query("ada").page_size(1).items();
    assert!(items.next().await.unwrap().is_ok());
    let refused = Fault::Status(400, "ResourceNotFoundException");
    world
        .stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, refused);
    assert!(items.next().await.unwrap().is_err());
    assert!(items.next().await.is_none());
    drop(items);
    let told = world.heard.take_of(&["verb"]);
    assert_eq!(
        told,
        ["verb Query notes: sdk error"],
        "once, and not `ok` after it"
    );
}

#[tokio::test]
async fn tells_of_one_item_that_fails_among_others_and_goes_on() {
    let world = World::with_notes().await;
    world
        .tamper(("ada", 2), |stored| {
            _ = stored.insert("state".to_owned(), s("paid"));
        })
        .await;
    let items = world.table.query("ada").items();
    let (opened, unopened) = items.partition().await.unwrap();
    assert_eq!((opened.len(), unopened.len()), (2, 1));
    let failed = "audit notes: authentication by kms-mrk in ?";
    let expected = |outcome| {
        [
            (2, OPENED),
            (1, failed),
            (1, "verification notes authentication"),
            (1, outcome),
        ]
    };
    let told = world.heard.take_of(&OF_ITEMS);
    assert_eq!(told, lines(&expected("verb Query notes: ok")));

    // Whoever wants all or nothing has nothing.
    assert!(world.table.query("ada").items().collect().await.is_err());
    let told = world.heard.take_of(&["verb"]);
    assert_eq!(told, ["verb Query notes: not opened"]);
}
