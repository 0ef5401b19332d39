//! Regions that lag, or do not answer.

use dynaseal::key_store::BranchKeyVersion;
use dynaseal::testkit::Fault;

use super::*;

/// A branch key of which `US` has a version that `EU` has not.
async fn rotated_in_us() -> (World, BranchKeyVersion) {
    let world = World::start().await;
    world.create("t-1").await;
    world.time.run(world.time.sleep(SECOND)).await;
    let version = world.run(world.store(US).version_key("t-1")).await.unwrap();
    world.cloud.reset_calls();
    (world, version)
}

#[tokio::test]
async fn reads_once_where_the_record_is() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(EU);
    let active = world.active(&store, "t-1").await.unwrap();
    // The active record, and whether the branch key was erased.
    assert_eq!((world.decrypts(), world.gets()), ([0, 1], [0, 2]));
    let version = world.run(store.describe_version("t-1", active.version()));
    version.await.unwrap();
    assert_eq!((world.decrypts(), world.gets()), ([0, 1], [0, 1]));
}

#[tokio::test]
async fn finds_in_another_region_what_has_not_come_here_yet() {
    let (world, version) = rotated_in_us().await;
    let store = world.store(EU);
    let found = world.run(store.describe_version("t-1", version)).await;
    assert_eq!(found.unwrap().version(), version);
    // Here twice, consistently the second time; there once; and KMS here.
    assert_eq!((world.decrypts(), world.gets()), ([0, 1], [1, 2]));
    world.cloud.replicate().await;
    world
        .run(store.describe_version("t-1", version))
        .await
        .unwrap();
    assert_eq!(world.gets(), [0, 1]);
}

#[tokio::test]
async fn finds_the_active_version_of_a_new_branch_key_in_another_region() {
    let world = World::start().await;
    let id = world
        .run(world.store(US).create_key().send())
        .await
        .unwrap();
    world.cloud.reset_calls();
    let store = world.store(EU);
    world.active(&store, &id).await.unwrap();
    assert_eq!((world.decrypts(), world.gets()), ([0, 1], [2, 4]));
}

#[tokio::test]
async fn remembers_for_two_seconds_what_is_nowhere() {
    let world = World::start().await;
    world.create("t-1").await;
    let (store, elsewhere) = (world.store(EU), World::start().await);
    elsewhere.create("t-1").await;
    let unknown = elsewhere
        .active(&elsewhere.store(US), "t-1")
        .await
        .unwrap()
        .version();
    let look = || world.run(store.describe_version("t-1", unknown));
    let error = look().await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::NotYetReplicated);
    assert!(error.is_retryable());
    // As what has not come here yet; and then here, whether it was erased.
    assert_eq!(world.gets(), [1, 3]);
    for _ in 0..10 {
        assert_eq!(kind(look().await), KeyStoreErrorKind::NotYetReplicated);
    }
    assert_eq!(world.gets(), [0, 0]);
    // Of this branch key only.
    let other = world.run(store.describe_version("t-2", unknown)).await;
    assert_eq!(kind(other), KeyStoreErrorKind::NotYetReplicated);
    assert_eq!(world.gets(), [1, 3]);
    world.time.advance(SECOND * 2);
    assert_eq!(kind(look().await), KeyStoreErrorKind::NotYetReplicated);
    assert_eq!(world.gets(), [1, 3]);
}

#[tokio::test]
async fn says_that_a_branch_key_is_in_no_region() {
    let world = World::start().await;
    let store = world.store(EU);
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::NotFound);
    assert!(!error.is_retryable());
    assert_eq!(world.gets(), [2, 4]);
    for id in ["", &"x".repeat(2049)] {
        assert_eq!(
            kind(world.active(&store, id).await),
            KeyStoreErrorKind::NotFound
        );
    }
    assert_eq!(world.gets(), [0, 0]);
}

#[tokio::test]
async fn goes_on_to_another_region_while_the_local_one_does_not_answer() {
    let world = World::start().await;
    world.create("t-1").await;
    let kms = KeyStoreKms::mrk_arn(world.key.arn(US));
    let builder = KeyStore::builder(TABLE, LOGICAL, kms, &world.regions(EU, true));
    let store = builder.build().unwrap();
    world
        .cloud
        .region(EU)
        .fail(Service::DynamoDb, Fault::Unavailable);
    world.active(&store, "t-1").await.unwrap();
    let gets = world.gets();
    assert_eq!(gets[0], 2);
    assert!(gets[1] <= 2, "{gets:?}");
    // Now the breaker is open, and nothing is sent there.
    let active = world.active(&store, "t-1").await.unwrap();
    assert_eq!(world.gets(), [2, 0]);
    let version = world
        .run(store.describe_version("t-1", active.version()))
        .await;
    version.unwrap();
    assert_eq!(world.gets(), [1, 0]);
}

#[tokio::test]
async fn does_not_take_for_absent_what_a_region_may_have_that_was_not_asked() {
    let (world, version) = rotated_in_us().await;
    let store = world.store(EU);
    for fault in [
        Fault::Unavailable,
        Fault::Status(400, "AccessDeniedException"),
        Fault::Status(400, "ResourceNotFoundException"),
    ] {
        world.cloud.region(US).fail(Service::DynamoDb, fault);
        let error = world
            .run(store.describe_version("t-1", version))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), KeyStoreErrorKind::Unavailable, "{fault:?}");
        assert_eq!(error.region(), Some(US));
        assert!(error.is_retryable());
        world.cloud.region(US).recover();
    }
    // And so it was not remembered.
    world
        .run(store.describe_version("t-1", version))
        .await
        .unwrap();

    let other = world.run(store.describe_active("t-2"));
    world
        .cloud
        .region(EU)
        .fail(Service::DynamoDb, Fault::Unavailable);
    assert_eq!(kind(other.await), KeyStoreErrorKind::Unavailable);
}

/// Whoever refuses here may have meant it.
#[tokio::test]
async fn asks_no_other_region_after_a_refusal() {
    let world = World::start().await;
    world.create("t-1").await;
    let denied = Fault::Status(400, "AccessDeniedException");
    world.cloud.region(EU).fail(Service::DynamoDb, denied);
    let store = world.store(EU);
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.region()),
        (KeyStoreErrorKind::Denied, Some(EU))
    );
    assert_eq!(world.gets()[0], 0);
}

#[tokio::test]
async fn asks_again_where_there_is_no_other_region_or_it_is_throttled() {
    let world = World::start().await;
    world.create("t-1").await;
    let config = world.cloud.sdk_config_at(EU, &world.time);
    let alone = RegionSet::builder(&config).local(EU).build().unwrap();
    let kms = KeyStoreKms::mrk_arn(world.key.arn(US));
    let alone = KeyStore::builder(TABLE, LOGICAL, kms, &alone)
        .build()
        .unwrap();
    let version = world.active(&alone, "t-1").await.unwrap().version();
    for (store, fault) in [
        (&alone, Fault::Unavailable),
        (&world.store(EU), Fault::Status(400, "ThrottlingException")),
    ] {
        world.cloud.reset_calls();
        world
            .cloud
            .region(EU)
            .fail(Service::DynamoDb, fault.times(2));
        let found = world.run(store.describe_version("t-1", version)).await;
        found.unwrap();
        assert_eq!(world.gets(), [0, 3], "{fault:?}");
    }
}
