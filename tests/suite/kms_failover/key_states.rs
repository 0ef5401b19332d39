//! What an invalid state means is asked once, and a replica that is being created is waited for.

use aws_sdk_kms::types::KeyState;
use dynaseal::testkit::Fault;

use super::*;

impl World {
    fn set(&self, region: &str, state: KeyState) {
        let key = self.key.arn(region);
        let region = self.cloud.region(region);
        region.set_key_state(key, state).unwrap();
    }

    fn describes(&self) -> usize {
        self.cloud.calls_of(EU, Service::Kms, "DescribeKey")
    }
}

#[tokio::test]
async fn waits_for_a_replica_that_is_being_created() {
    let world = World::with_notes(1).await;
    let table = world.table(EU, KmsFallback::never());
    world.set(EU, KeyState::Creating);
    let ready = async {
        world.time.sleep(SECOND).await;
        world.set(EU, KeyState::Enabled);
    };
    let read = table.get("n-0").send();
    let (found, ()) = world.time.run(async { tokio::join!(read, ready) }).await;
    assert_eq!(found.unwrap(), Some(note(0)));
    assert_eq!(world.time.elapsed(), 3 * SECOND);
    assert_eq!(world.describes(), 1);
    assert_eq!(world.decrypts(), [3, 0, 0]);
}

#[tokio::test]
async fn takes_it_for_missing_after_seconds() {
    let world = World::with_notes(1).await;
    world.set(EU, KeyState::Creating);
    let stays = world.table(EU, KmsFallback::on_unavailable_or_throttled());
    let error = world.time.run(stays.get("n-0").send()).await.unwrap_err();
    assert_eq!(kind(&error), KeyringErrorKind::ReplicaCreating);
    assert!(error.is_retryable());
    assert_eq!(world.time.elapsed(), 3 * SECOND);
    assert_eq!(world.decrypts(), [3, 0, 0]);
    let moves = world.table(EU, KmsFallback::never().on_replica_missing());
    let found = world.time.run(moves.get("n-0").send()).await.unwrap();
    assert_eq!(found, Some(note(0)));
    assert_eq!(world.decrypts(), [3, 1, 0]);
}

#[tokio::test]
async fn takes_every_other_state_for_an_intention_and_asks_once_in_half_a_minute() {
    let world = World::with_notes(1).await;
    let every = KmsFallback::on_unavailable_or_throttled().on_replica_missing();
    let table = world.table(EU, every);
    world.set(EU, KeyState::PendingDeletion);
    for _ in 0..5 {
        let error = world.time.run(table.get("n-0").send()).await.unwrap_err();
        assert_eq!(kind(&error), KeyringErrorKind::Disabled);
    }
    assert_eq!(world.describes(), 1);
    assert_eq!(world.events.count("key_state hit"), 4);
    world.time.run(world.time.sleep(31 * SECOND)).await;
    world.time.run(table.get("n-0").send()).await.unwrap_err();
    assert_eq!(world.describes(), 2);
    assert_eq!(world.decrypts(), [6, 0, 0], "no other region");
}

#[tokio::test]
async fn takes_a_denied_describe_for_an_intention() {
    let world = World::with_notes(1).await;
    let every = KmsFallback::on_unavailable_or_throttled().on_replica_missing();
    let table = world.table(EU, every);
    world.set(EU, KeyState::Creating);
    let denied = Fault::Status(400, "AccessDeniedException").on("DescribeKey");
    world.cloud.region(EU).fail(Service::Kms, denied);
    let error = world.time.run(table.get("n-0").send()).await.unwrap_err();
    assert_eq!(kind(&error), KeyringErrorKind::Disabled);
    assert_eq!(world.decrypts(), [1, 0, 0]);
}
