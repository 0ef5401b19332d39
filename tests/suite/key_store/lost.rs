//! Answers that are lost while records are written.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use dynaseal::testkit::Fault;

use super::*;
use crate::support::meddler::meddled_regions;

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

/// As after ten minutes, when DynamoDB has forgotten the token: the second attempt meets the first one's
/// records.
#[tokio::test]
async fn knows_its_own_records_again_and_nobody_elses() {
    let world = World::start().await;
    let config = world.cloud.sdk_config_at(US, &world.time);
    let sent = AtomicUsize::new(0);
    let regions = meddled_regions(&config, move |input: &mut TransactWriteItemsInput| {
        let n = sent.fetch_add(1, Ordering::Relaxed);
        input.client_request_token = Some(format!("token-{n}"));
    });
    let kms = KeyStoreKms::mrk_arn(world.key.arn(US));
    let store = KeyStore::builder(TABLE, LOGICAL, kms, &regions);
    let store = store.build().unwrap();
    let create = || {
        let create = store.create_key().branch_key_id("t-1");
        create.encryption_context([("tenant", "t-1")]).send()
    };
    lose(&world, 1);
    world.run(create()).await.unwrap();
    assert_eq!(writes(&world), 2);
    lose(&world, 1);
    let version = world.run(store.version_key("t-1")).await.unwrap();
    let active = world.active(&store, "t-1").await.unwrap();
    assert_eq!(active.version(), version);

    // Nothing of this one arrived, and another one's records are there.
    let late = Fault::Timeout(SECOND).on(WRITE).times(1);
    world.cloud.region(US).fail(Service::DynamoDb, late);
    let created = world.run(create()).await;
    assert_eq!(kind(created), KeyStoreErrorKind::AlreadyExists);
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
