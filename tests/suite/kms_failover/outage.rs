//! The local KMS does not answer: who pays, who is asked, and who comes home.

use dynaseal::testkit::Fault;
use futures_util::future::join_all;

use super::*;

const TIMEOUT: Duration = HealthPolicy::DEFAULT_ATTEMPT_TIMEOUT;
/// More than the first open period with all of its jitter.
const PAST_FIRST_PERIOD: Duration = Duration::from_secs(7);

async fn read(world: &World, table: &SealedTable<Note>, n: usize) -> Duration {
    let before = world.time.elapsed();
    let found = world.time.run(table.get(note(n).id).send()).await.unwrap();
    assert_eq!(found, Some(note(n)));
    world.time.elapsed() - before
}

#[tokio::test]
async fn reads_go_on_by_the_fallback_and_come_home_after_recovery() {
    let world = World::with_notes(3).await;
    let table = world.table(EU, KmsFallback::on_unavailable());

    for n in 0..3 {
        assert_eq!(read(&world, &table, n).await, Duration::ZERO);
    }
    assert_eq!(world.decrypts(), [3, 0, 0], "healthy: local alone");

    world.cloud.region(EU).fail(Service::Kms, Fault::Hang);
    for n in 0..5 {
        assert_eq!(
            read(&world, &table, n % 3).await,
            TIMEOUT,
            "one time-out each"
        );
    }
    assert_eq!(world.decrypts(), [5, 5, 0]);
    let mut expected = vec!["eu-west-1 -> us-east-1"; 5];
    expected.insert(4, "kms eu-west-1 open");
    assert_eq!(world.events.take(), expected);

    for n in 0..20 {
        assert_eq!(read(&world, &table, n % 3).await, Duration::ZERO);
    }
    assert_eq!(
        world.decrypts(),
        [0, 20, 0],
        "open: straight to the fallback"
    );

    world.time.run(world.time.sleep(PAST_FIRST_PERIOD)).await;
    assert_eq!(read(&world, &table, 0).await, TIMEOUT, "one probe pays");
    assert_eq!(read(&world, &table, 1).await, Duration::ZERO);
    assert_eq!(world.decrypts(), [1, 2, 0]);

    world.cloud.region(EU).recover();
    assert_eq!(read(&world, &table, 0).await, Duration::ZERO);
    assert_eq!(world.decrypts(), [0, 1, 0], "still open: for twice as long");
    world
        .time
        .run(world.time.sleep(2 * PAST_FIRST_PERIOD))
        .await;
    world.events.take();
    for n in 0..10 {
        assert_eq!(read(&world, &table, n % 3).await, Duration::ZERO);
    }
    assert_eq!(world.decrypts(), [10, 0, 0], "home");
    assert_eq!(
        world.events.take(),
        ["kms eu-west-1 half_open", "kms eu-west-1 closed"]
    );
}

#[tokio::test]
async fn readers_at_the_same_time_pay_one_time_out_together() {
    let world = World::with_notes(20).await;
    let table = world.table(EU, KmsFallback::on_unavailable());
    world.cloud.region(EU).fail(Service::Kms, Fault::Hang);
    let reads = (0..20).map(|n| table.get(note(n).id).send());
    let found = world.time.run(join_all(reads)).await;
    assert!(found.into_iter().all(|found| found.unwrap().is_some()));
    assert_eq!(world.time.elapsed(), TIMEOUT);
    assert_eq!(world.decrypts(), [20, 20, 0]);
}

#[tokio::test]
async fn without_a_fallback_the_error_is_typed_and_then_immediate() {
    let world = World::with_notes(1).await;
    let table = world.table(EU, KmsFallback::never());
    world.cloud.region(EU).fail(Service::Kms, Fault::Hang);
    let failing = async || {
        let before = world.time.elapsed();
        let error = world.time.run(table.get("n-0").send()).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.region(), Some(EU));
        (kind(&error), world.time.elapsed() - before)
    };
    let (first, took) = failing().await;
    assert_eq!(first, KeyringErrorKind::Unavailable);
    assert!(
        took >= 3 * TIMEOUT && took < 3 * TIMEOUT + SECOND,
        "three attempts"
    );
    failing().await;
    assert_eq!(world.decrypts(), [5, 0, 0], "the fifth opened the breaker");
    let (open, took) = failing().await;
    assert_eq!(
        (open, took),
        (KeyringErrorKind::CircuitOpen, Duration::ZERO)
    );
    assert_eq!(world.decrypts(), [0, 0, 0]);
}

#[tokio::test]
async fn sealing_follows_the_same_policy() {
    let world = World::with_notes(0).await;
    world
        .cloud
        .region(EU)
        .fail(Service::Kms, Fault::Unavailable);
    let stays = world.table(EU, KmsFallback::never());
    let refused = world.time.run(stays.put(&note(0)).send()).await;
    assert!(matches!(refused, Err(OperationError::Seal(_))));
    let goes = world.table(EU, KmsFallback::on_unavailable());
    world.time.run(goes.put(&note(0)).send()).await.unwrap();
    world.cloud.region(EU).recover();
    let found = world.time.run(stays.get("n-0").send()).await.unwrap();
    assert_eq!(found, Some(note(0)), "opened by the local replica");
}
