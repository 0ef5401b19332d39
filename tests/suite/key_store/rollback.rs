//! An active version that an administrator of the table puts back.

use dynaseal::testkit::Fault;

use super::*;

/// A branch key that was rotated, and its active record from before.
async fn rotated(store: &KeyStore, world: &World) -> Item {
    world.create("t-1").await;
    let before = world.row(US, "t-1", ACTIVE).unwrap();
    world.time.run(world.time.sleep(SECOND)).await;
    world.run(store.version_key("t-1")).await.unwrap();
    world.cloud.replicate().await;
    world.active(store, "t-1").await.unwrap();
    world.cloud.reset_calls();
    before
}

#[tokio::test]
async fn takes_the_newer_version_from_another_region() {
    let world = World::start().await;
    let store = world.store(EU);
    let before = rotated(&store, &world).await;
    let newest = world.active(&store, "t-1").await.unwrap().version();
    world.put(EU, &before).await;
    world.cloud.reset_calls();
    let active = world.active(&store, "t-1").await.unwrap();
    assert_eq!(active.version(), newest);
    // Here, here consistently, and there; KMS is asked for the newer one alone.
    assert_eq!((world.decrypts(), world.gets()), ([0, 1], [2, 4]));
}

#[tokio::test]
async fn refuses_what_is_older_everywhere() {
    let world = World::start().await;
    let store = world.store(EU);
    let before = rotated(&store, &world).await;
    for region in [US, EU] {
        world.put(region, &before).await;
    }
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::RolledBack);
    assert!(!error.is_retryable());
    // Who has never seen the newer one, cannot know.
    let fresh = world.store(EU);
    world.active(&fresh, "t-1").await.unwrap();
    // A rotation is newer than all.
    let version = world.run(store.version_key("t-1")).await.unwrap();
    world.cloud.replicate().await;
    assert_eq!(
        world.active(&store, "t-1").await.unwrap().version(),
        version
    );
    assert_eq!(
        world.active(&fresh, "t-1").await.unwrap().version(),
        version
    );
}

#[tokio::test]
async fn does_not_cry_rollback_while_a_region_cannot_be_asked() {
    let world = World::start().await;
    let store = world.store(EU);
    let before = rotated(&store, &world).await;
    world.put(EU, &before).await;
    world
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unavailable);
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Unavailable);
    assert_eq!(error.region(), Some(US));
}

/// A creation time that nobody authenticated moves nothing.
#[tokio::test]
async fn believes_no_creation_time_but_kms() {
    let world = World::start().await;
    let store = world.store(EU);
    rotated(&store, &world).await;
    let honest = world.row(EU, "t-1", ACTIVE).unwrap();
    let mut forged = honest.clone();
    forged.insert("create-time".into(), s("9999-01-01T00:00:00.000000Z"));
    world.put(EU, &forged).await;
    assert_eq!(
        kind(world.active(&store, "t-1").await),
        KeyStoreErrorKind::Kms
    );
    world.put(EU, &honest).await;
    world.active(&store, "t-1").await.unwrap();
}

#[tokio::test]
async fn meets_the_erasure_of_another_region_on_the_way() {
    let world = World::start().await;
    let store = world.store(EU);
    let before = rotated(&store, &world).await;
    world.put(EU, &before).await;
    world.erase(US, "t-1").await;
    assert_eq!(
        kind(world.active(&store, "t-1").await),
        KeyStoreErrorKind::Erased
    );
    // And a tombstone alone, where everything else is still to come.
    world.erase(EU, "t-2").await;
    assert_eq!(
        kind(world.active(&store, "t-2").await),
        KeyStoreErrorKind::Erased
    );
}
