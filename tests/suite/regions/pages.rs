//! The pages of one read come from one region.

use dynaseal::OperationError;
use dynaseal::table::PageFailure;

use super::*;

fn ids(notes: &[Note]) -> Vec<&str> {
    let mut ids: Vec<_> = notes.iter().map(|note| note.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_stream_stays_in_the_fallback_region_that_answered_first() {
    let world = World::with_notes(5).await;
    world.put_only_in(EU, "n-new").await;
    let table = world.falling_over();
    world.fail(EU, Fault::Unavailable.times(1));
    let mut items = table.scan().page_size(2).items();
    assert_eq!(items.region(), None);
    let mut found = Vec::new();
    while let Some(note) = world.time.run(items.next()).await {
        found.push(note.unwrap());
        assert_eq!(items.region(), Some(US));
    }
    assert_eq!(
        ids(&found),
        ["n-0", "n-1", "n-2", "n-3", "n-4"],
        "the list of US"
    );
    assert_eq!(world.asked(), [1, 3, 0], "although EU was back at once");
}

#[tokio::test]
async fn a_stream_ends_when_its_region_fails_and_goes_nowhere_else() {
    let world = World::with_notes(5).await;
    let table = world.falling_over();
    let mut items = table.scan().page_size(2).items();
    world.time.run(items.next()).await.unwrap().unwrap();
    world.fail(EU, Fault::Unavailable);
    world.time.run(items.next()).await.unwrap().unwrap();
    let error = world.time.run(items.next()).await.unwrap().unwrap_err();
    let PageFailure::Page(OperationError::Sdk(failure)) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(failure.region(), EU);
    assert!(error.is_retryable());
    assert!(world.time.run(items.next()).await.is_none());
    assert_eq!(world.asked(), [4, 0, 0], "a page, and three attempts");

    // By hand, and by choice, in another one.
    let rest = table
        .scan()
        .in_region(US)
        .start_from(items.last_evaluated_key());
    let rest = world.time.run(rest.items().collect()).await.unwrap();
    assert_eq!(rest.len(), 3);
}

#[tokio::test]
async fn pages_say_where_they_come_from_and_the_next_can_be_read_there() {
    let world = World::with_notes(3).await;
    world.put_only_in(EU, "n-new").await;
    let table = world.falling_over();
    world.fail(EU, Fault::Unavailable.times(1));
    let page = world
        .time
        .run(table.scan().page_size(2).page())
        .await
        .unwrap();
    assert_eq!(page.region(), US);
    let next = table.scan().in_region(page.region());
    let next = next.start_from(page.last_evaluated_key()).page();
    let next = world.time.run(next).await.unwrap();
    assert_eq!((next.region(), next.items().len()), (US, 1));
    let local = world.time.run(table.scan().page()).await.unwrap();
    assert_eq!((local.region(), local.items().len()), (EU, 4));
}

#[tokio::test]
async fn counts_are_of_one_region() {
    let world = World::with_notes(5).await;
    world.put_only_in(EU, "n-new").await;
    let table = world.falling_over();
    world.fail(EU, Fault::Unavailable.times(1));
    let count = table.scan().page_size(2).count_unverified();
    assert_eq!(world.time.run(count).await.unwrap(), 5);
    assert_eq!(world.asked(), [1, 3, 0]);
}

#[tokio::test]
async fn all_segments_of_a_scan_are_read_in_one_region() {
    for failing in 1..=3 {
        let world = World::with_notes(9).await;
        world.put_only_in(EU, "n-new").await;
        let table = world.falling_over();
        world.fail(EU, Fault::Unavailable.times(failing));
        let segments = || table.scan().page_size(1).segments(3);
        let mut items = segments().items();
        let mut found = Vec::new();
        while let Some(note) = world.time.run(items.next()).await {
            found.push(note.unwrap());
        }
        let expected = match items.region() {
            Some(EU) => 10,
            Some(US) => 9,
            other => panic!("{other:?}"),
        };
        assert_eq!(ids(&found).len(), expected, "{failing}");
        world.cloud.region(EU).recover();
        world.fail(EU, Fault::Unavailable.times(failing));
        let count = world.time.run(segments().count_unverified()).await.unwrap();
        assert!(count == 9 || count == 10, "{count}");
    }
}

#[tokio::test]
async fn an_index_and_its_table_are_read_in_one_region() {
    let world = World::with_notes(2).await;
    world.put_only_in(EU, "n-new").await;
    let table = world.falling_over();
    world.fail(EU, Fault::Unavailable.on("Query"));
    let query = table.query("open").index("by-state").fetch_from_table();
    let page = world.time.run(query.page()).await.unwrap();
    assert_eq!(
        (page.region(), page.items().len(), page.vanished()),
        (US, 2, 0)
    );
    assert_eq!(
        world.cloud.calls_of(EU, Service::DynamoDb, "BatchGetItem"),
        0
    );

    world.fail(US, Fault::Unavailable.on("BatchGetItem"));
    let query = table.query("open").index("by-state").fetch_from_table();
    let error = world.time.run(query.page()).await.unwrap_err();
    assert_eq!(error.region(), Some(US));
}

#[tokio::test]
async fn an_index_is_looked_up_where_the_read_may_go() {
    let world = World::with_notes(1).await;
    let regions = world.regions(|config| config, HealthPolicy::new());
    let keyring = KmsMrkKeyring::new(world.key.arn(EU), &regions).unwrap();
    let builder = SealedTable::<Note>::builder("notes", keyring, &regions);
    let table = builder.read_policy(ReadPolicy::LocalThenFallback).build();
    let table = table.unwrap();
    world.fail(EU, Fault::Unavailable);
    let page = world.time.run(table.query("open").index("by-state").page());
    assert_eq!(page.await.unwrap().region(), US);
    assert_eq!(
        world.cloud.calls_of(US, Service::DynamoDb, "DescribeTable"),
        1
    );
}
