//! Rotation: what it asks and writes, and what it keeps.

use dynaseal::testkit::AttemptRecord;

use super::*;

#[tokio::test]
async fn makes_a_new_active_version_and_keeps_the_ones_before() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(US);
    let first = world.active(&store, "t-1").await.unwrap();
    world.time.run(world.time.sleep(SECOND)).await;
    let beacon = world.row(US, "t-1", "beacon:ACTIVE");
    let second = world.run(store.version_key("t-1")).await.unwrap();
    assert_ne!(second, first.version());

    let active = world.active(&store, "t-1").await.unwrap();
    assert_eq!(active.version(), second);
    assert_eq!(active.created(), first.created() + SECOND);
    let context: Vec<_> = active.encryption_context().collect();
    assert_eq!(context, [("tenant", "t-1")]);
    for version in [first.version(), second] {
        let opened = world.run(store.describe_version("t-1", version)).await;
        assert_eq!(opened.unwrap().version(), version);
    }
    assert_eq!(world.row(US, "t-1", "beacon:ACTIVE"), beacon);
    assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 4);
}

#[tokio::test]
async fn asks_kms_to_authenticate_the_active_record_first() {
    let world = World::start().await;
    world.create("t-1").await;
    world.run(world.store(US).version_key("t-1")).await.unwrap();
    let attempts = world.cloud.take_attempts();
    let asked: Vec<_> = attempts.iter().map(AttemptRecord::operation).collect();
    assert_eq!(
        asked,
        [
            "GetItem",
            "GetItem",
            "ReEncrypt",
            "GenerateDataKeyWithoutPlaintext",
            "ReEncrypt",
            "TransactWriteItems",
        ]
    );
    // An active record that somebody changed is not carried on.
    let mut row = world.row(US, "t-1", ACTIVE).unwrap();
    row.insert("aws-crypto-ec:tenant".into(), s("evil"));
    world.put(US, &row).await;
    world.cloud.reset_calls();
    let error = world
        .run(world.store(US).version_key("t-1"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Kms);
    assert_eq!(
        world
            .cloud
            .calls_of(US, Service::DynamoDb, "TransactWriteItems"),
        0
    );
}

#[tokio::test]
async fn lets_one_of_two_writers_win() {
    let world = World::start().await;
    world.create("t-1").await;
    let (one, two) = (world.store(US), world.store(EU));
    let both = futures_util::future::join(one.version_key("t-1"), two.version_key("t-1"));
    let (one, two) = world.run(both).await;
    let (won, lost) = match (one, two) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        other => panic!("{other:?}"),
    };
    assert_eq!(lost.kind(), KeyStoreErrorKind::Conflict);
    let store = world.store(US);
    assert_eq!(world.active(&store, "t-1").await.unwrap().version(), won);
    assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 4);
}

/// Otherwise readers would take the new version for one that was rolled back.
#[tokio::test]
async fn makes_the_newer_version_later_whatever_the_clock_says() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(US);
    let first = world.active(&store, "t-1").await.unwrap();
    for n in 1..=3 {
        let version = world.run(store.version_key("t-1")).await.unwrap();
        let active = world.active(&store, "t-1").await.unwrap();
        assert_eq!(active.version(), version);
        assert_eq!(active.created(), first.created() + Duration::from_micros(n));
    }
}

#[tokio::test]
async fn rotates_only_what_is_there() {
    let world = World::start().await;
    let store = world.store(EU);
    let error = world.run(store.version_key("t-1")).await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::NotFound);
    assert_eq!(
        (error.region(), error.branch_key_id()),
        (Some(US), Some("t-1"))
    );
    assert_eq!(
        kind(world.run(store.version_key("")).await),
        KeyStoreErrorKind::NotFound
    );
}

#[tokio::test]
async fn neither_makes_nor_rotates_nor_seals_under_what_was_erased() {
    let world = World::start().await;
    world.create("t-1").await;
    world.erase(US, "t-1").await;
    let store = world.store(US);
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Erased);
    assert_eq!(
        kind(world.run(store.version_key("t-1")).await),
        KeyStoreErrorKind::Erased
    );
    let create = || {
        let create = store.create_key().branch_key_id("t-1");
        create.encryption_context([("tenant", "t-1")]).send()
    };
    assert_eq!(kind(world.run(create()).await), KeyStoreErrorKind::Erased);
    // Also where the rows are gone.
    let version = text(&world.row(US, "t-1", ACTIVE).unwrap(), "version");
    for kind in [ACTIVE, "beacon:ACTIVE", &version] {
        world.delete(US, "t-1", kind).await;
    }
    assert_eq!(kind(world.run(create()).await), KeyStoreErrorKind::Erased);
    assert_eq!(
        kind(world.active(&store, "t-1").await),
        KeyStoreErrorKind::Erased
    );
    assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 1);
}
