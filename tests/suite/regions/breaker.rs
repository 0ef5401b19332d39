//! A region whose circuit breaker is open is not asked, and what is not known stays unknown.

use super::*;

/// Health by which the first failure opens a breaker.
fn at_once() -> HealthPolicy {
    HealthPolicy::new().breaker(BreakerPolicy::new().failures(1))
}

#[tokio::test]
async fn every_operation_fails_at_once_and_nothing_is_sent() {
    for verb in Verb::all() {
        let world = World::with_notes(1).await;
        let table = world.table();
        world.fail(EU, Fault::Unavailable);
        for _ in 0..5 {
            world.run(Verb::Get, &table).await.0.unwrap_err();
        }
        assert_eq!(
            world.events.of("breaker"),
            ["breaker dynamodb eu-west-1 open"]
        );
        world.cloud.region(EU).recover();
        world.forget();
        let (result, took) = world.run(verb, &table).await;
        let told = result.unwrap_err();
        assert!(told.is("CircuitOpen"), "{verb:?}: {told:?}");
        assert!(told.is_retryable, "{verb:?}");
        assert_eq!(told.region.as_deref(), Some(EU), "{verb:?}");
        assert_eq!((world.asked(), took), ([0; 3], Duration::ZERO), "{verb:?}");
    }
}

#[tokio::test]
async fn it_says_when_to_come_back_and_then_it_lets_calls_through() {
    let world = World::with_notes(1).await;
    let table = world.table_in(&world.regions(|config| config, at_once()), |builder| {
        builder
    });
    world.fail(EU, Fault::Unavailable.times(1));
    world.run(Verb::Get, &table).await.0.unwrap_err();
    let error = world.time.run(table.get("n-0").send()).await.unwrap_err();
    let dynaseal::OperationError::CircuitOpen(open) = error else {
        panic!("{error:?}")
    };
    assert_eq!(open.service(), dynaseal::observe::Service::DynamoDb);
    assert_eq!(open.region(), EU);
    // Of five seconds and a fifth at most, a backoff has passed.
    let after = open.retry_after().as_millis();
    assert!((4950..=6000).contains(&after), "{open}");
    world.time.run(world.time.sleep(open.retry_after())).await;
    world.run(Verb::Get, &table).await.0.unwrap();
}

#[tokio::test]
async fn only_outages_open_it() {
    for fault in [
        throttled(),
        Fault::Status(400, "AccessDeniedException"),
        Fault::Status(400, "ValidationException"),
        Fault::Status(400, "ConditionalCheckFailedException"),
        Fault::Status(400, "TransactionConflictException"),
        Fault::Status(400, "ReplicatedWriteConflictException"),
        Fault::TransactionConflict,
    ] {
        let world = World::with_notes(1).await;
        let table = world.table_in(&world.regions(|config| config, at_once()), |builder| {
            builder
        });
        world.fail(EU, fault);
        for verb in Verb::all() {
            let _ = world.run(verb, &table).await;
        }
        assert_eq!(world.events.of("breaker"), [""; 0], "{fault:?}");
    }
}

/// Where the first attempt opens the breaker, there is no second.
#[tokio::test]
async fn a_write_that_finds_it_open_after_a_lost_answer_is_unknown() {
    for verb in Verb::WRITES {
        let world = World::with_notes(1).await;
        let table = world.table_in(&world.regions(|config| config, at_once()), |builder| {
            builder
        });
        world.fail(EU, Fault::LostResponse.on(verb.operation()).times(1));
        let (result, _) = world.run(verb, &table).await;
        let told = result.unwrap_err();
        let sent = world
            .cloud
            .calls_of(EU, Service::DynamoDb, verb.operation());
        assert_eq!(sent, 1, "{verb:?}");
        let expected = if verb.is_blind() {
            "Sdk"
        } else {
            "OutcomeUnknown"
        };
        assert!(told.is(expected), "{verb:?}: {told:?}");
    }
}

#[tokio::test]
async fn what_certainly_failed_is_reported_rather_than_that_nobody_was_asked_again() {
    for verb in Verb::all() {
        let world = World::with_notes(1).await;
        let table = world.table_in(&world.regions(|config| config, at_once()), |builder| {
            builder
        });
        world.fail(EU, Fault::Unavailable.on(verb.operation()).times(1));
        let (result, _) = world.run(verb, &table).await;
        let told = result.unwrap_err();
        assert!(told.is("Sdk") && told.is_retryable, "{verb:?}: {told:?}");
        let sent = world
            .cloud
            .calls_of(EU, Service::DynamoDb, verb.operation());
        assert_eq!(sent, 1, "{verb:?}");
    }
}

#[tokio::test]
async fn a_prepared_transaction_in_doubt_stays_so_while_nobody_is_asked() {
    use dynaseal::table::{TransactWrite, TransactionError};
    let world = World::with_notes(1).await;
    let table = world.table_in(&world.regions(|config| config, at_once()), |builder| {
        builder
    });
    let prepared = TransactWrite::new().put(&table, &note("n-0")).prepare();
    let prepared = world.time.run(prepared).await.unwrap();
    world.fail(EU, Fault::LostResponse.on("TransactWriteItems").times(1));
    for _ in 0..2 {
        let error = world.time.run(prepared.send()).await.unwrap_err();
        assert!(
            matches!(error, TransactionError::OutcomeUnknown(_)),
            "{error:?}"
        );
    }
    assert_eq!(
        world
            .cloud
            .calls_of(EU, Service::DynamoDb, "TransactWriteItems"),
        1
    );
    world
        .time
        .run(world.time.sleep(Duration::from_secs(7)))
        .await;
    world.time.run(prepared.send()).await.unwrap();
}
