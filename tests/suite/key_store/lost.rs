//! Answers that are lost while records are written.

use dynaseal::testkit::Fault;

use super::*;

const WRITE: &str = "TransactWriteItems";

fn lose(world: &World, times: usize) {
    let fault = Fault::LostResponse.on(WRITE).times(times);
    world.cloud.region(US).fail(Service::DynamoDb, fault);
}

fn writes(world: &World) -> usize {
    world.cloud.calls_of(US, Service::DynamoDb, WRITE)
}

#[tokio::test]
async fn makes_one_branch_key_however_many_answers_are_lost() {
    for (lost, sent) in [(1, 2), (2, 3), (3, 3)] {
        let world = World::start().await;
        lose(&world, lost);
        let store = world.store(US);
        let create = store.create_key().branch_key_id("t-1");
        let create = create.encryption_context([("tenant", "t-1")]);
        let id = world.run(create.send()).await.unwrap();
        assert_eq!(id, "t-1");
        assert_eq!(writes(&world), sent);
        assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 3);
    }
}

#[tokio::test]
async fn rotates_once_however_many_answers_are_lost() {
    for lost in 1..=3 {
        let world = World::start().await;
        world.create("t-1").await;
        lose(&world, lost);
        let store = world.store(US);
        let version = world.run(store.version_key("t-1")).await.unwrap();
        let active = world.active(&store, "t-1").await.unwrap();
        assert_eq!(active.version(), version);
        assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 4);
    }
}

#[tokio::test]
async fn says_so_when_it_cannot_find_out() {
    let world = World::start().await;
    world.create("t-1").await;
    // Nothing arrives, and nobody could know.
    let fault = Fault::Timeout(SECOND).on(WRITE);
    world.cloud.region(US).fail(Service::DynamoDb, fault);
    let store = world.store(US);
    let error = world.run(store.version_key("t-1")).await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::OutcomeUnknown);
    assert!(!error.is_retryable());
    assert_eq!(writes(&world), 3);
    world.cloud.region(US).recover();
    world.run(store.version_key("t-1")).await.unwrap();

    // It was written, and cannot be read.
    lose(&world, 3);
    let us = world.cloud.region(US);
    let create = store.create_key();
    us.fail(
        Service::DynamoDb,
        Fault::Status(500, "InternalServerError").on("GetItem"),
    );
    let error = world.run(create.send()).await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::OutcomeUnknown);
}

#[tokio::test]
async fn sends_again_what_was_not_applied() {
    for fault in [
        Fault::Status(400, "ThrottlingException"),
        Fault::TransactionConflict,
        Fault::Unavailable,
    ] {
        let world = World::start().await;
        let struck = fault.on(WRITE).times(2);
        world.cloud.region(US).fail(Service::DynamoDb, struck);
        let store = world.store(US);
        world.run(store.create_key().send()).await.unwrap();
        assert_eq!(writes(&world), 3);
        let struck = fault.on(WRITE).times(3);
        world.cloud.region(US).fail(Service::DynamoDb, struck);
        let error = world.run(store.create_key().send()).await.unwrap_err();
        let expected = match fault {
            Fault::TransactionConflict => KeyStoreErrorKind::Conflict,
            Fault::Unavailable => KeyStoreErrorKind::Unavailable,
            _ => KeyStoreErrorKind::Throttled,
        };
        assert_eq!(error.kind(), expected, "{fault:?}");
        assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 3);
    }
}

#[tokio::test]
async fn gives_up_at_once_what_is_refused() {
    let world = World::start().await;
    let fault = Fault::Status(400, "AccessDeniedException").on(WRITE);
    world.cloud.region(US).fail(Service::DynamoDb, fault);
    let store = world.store(US);
    let error = world.run(store.create_key().send()).await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Denied);
    assert_eq!(writes(&world), 1);
}
