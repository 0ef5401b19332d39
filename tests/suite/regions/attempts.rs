//! How many attempts reach the wire: as many as the SDK's configuration says, and no multiple of it.

use dynaseal::region::RetryBudget;

use super::*;

const MAX: usize = ATTEMPTS as usize;

#[tokio::test]
async fn every_operation_is_sent_as_often_as_configured_and_no_more() {
    for fault in [Fault::Unavailable, throttled()] {
        for verb in Verb::all() {
            let world = World::with_notes(1).await;
            let table = world.unbroken();
            world.fail(EU, fault.on(verb.operation()));
            let (result, took) = world.run(verb, &table).await;
            let told = result.unwrap_err();
            let sent = world
                .cloud
                .calls_of(EU, Service::DynamoDb, verb.operation());
            assert_eq!(sent, MAX, "{verb:?} {fault:?}");
            assert!(told.is("Sdk"), "{verb:?}: {told:?}");
            assert!(told.is_retryable, "{verb:?}: {told:?}");
            assert_eq!(told.region.as_deref(), Some(EU), "{verb:?}: {told:?}");
            assert!(
                took <= Duration::from_millis(150),
                "50 and 100 at most: {took:?}"
            );
            assert_eq!(world.asked()[1..], [0, 0], "{verb:?}: nowhere else");
            let granted = world.events.of("retry dynamodb eu-west-1 true");
            assert_eq!(granted.len(), MAX - 1, "{verb:?}");
        }
    }
}

#[tokio::test]
async fn what_an_operation_asks_on_its_way_is_sent_as_often_and_no_more() {
    let world = World::with_notes(1).await;
    let regions = world.regions(|config| config, HealthPolicy::new());
    let table: SealedTable<Note> = {
        let keyring = KmsMrkKeyring::new(world.key.arn(EU), &regions).unwrap();
        let builder = SealedTable::builder("notes", keyring, &regions);
        builder.build().unwrap()
    };
    let sent = |operation| world.cloud.calls_of(EU, Service::DynamoDb, operation);
    world.fail(EU, throttled().on("DescribeTable"));
    let query = table.query("open").index("by-state").page();
    world.time.run(query).await.unwrap_err();
    assert_eq!((sent("DescribeTable"), sent("Query")), (MAX, 0));

    world.fail(EU, throttled().on("GetItem"));
    let (result, _) = world.run(Verb::Update, &table).await;
    assert!(result.unwrap_err().shown.starts_with("Read"));
    assert_eq!((sent("GetItem"), sent("UpdateItem")), (MAX, 0));

    world.fail(EU, throttled().on("BatchGetItem"));
    world.cloud.reset_calls();
    let (result, _) = world.run(Verb::FetchFromTable, &world.table()).await;
    assert!(result.unwrap_err().is("Sdk"));
    assert_eq!((sent("Query"), sent("BatchGetItem")), (1, MAX));
}

#[tokio::test]
async fn kms_is_asked_as_often_as_configured_and_no_more() {
    let world = World::with_notes(1).await;
    let table = world.table();
    world.cloud.region(EU).fail(Service::Kms, throttled());
    for (verb, operation) in [(Verb::Put, "GenerateDataKey"), (Verb::Get, "Decrypt")] {
        let (result, _) = world.run(verb, &table).await;
        assert!(result.unwrap_err().is_retryable);
        assert_eq!(world.cloud.calls_of(EU, Service::Kms, operation), MAX);
    }
}

#[tokio::test]
async fn a_retry_budget_that_is_used_up_ends_like_attempts_that_are() {
    for verb in Verb::all() {
        let world = World::with_notes(1).await;
        let budget = RetryBudget::new().capacity(1).per_second(0.0);
        let health = HealthPolicy::new().retry_budget(budget);
        let table = world.table_in(&world.regions(|config| config, health), |builder| builder);
        world.fail(EU, throttled().on(verb.operation()));
        let (result, _) = world.run(verb, &table).await;
        let told = result.unwrap_err();
        assert!(told.is("Sdk") && told.is_retryable, "{verb:?}: {told:?}");
        let sent = world
            .cloud
            .calls_of(EU, Service::DynamoDb, verb.operation());
        assert_eq!(sent, 2, "{verb:?}");
        let refused = world.events.of("retry dynamodb eu-west-1 false");
        assert_eq!(refused.len(), 1, "{verb:?}");
    }
}

#[tokio::test]
async fn lost_answers_are_met_by_sending_again_where_that_does_no_harm() {
    for verb in Verb::WRITES {
        let world = World::with_notes(1).await;
        let table = world.unbroken();
        world.fail(EU, Fault::LostResponse.on(verb.operation()));
        let (result, _) = world.run(verb, &table).await;
        let told = result.unwrap_err();
        let once = matches!(verb, Verb::PutReturnOld | Verb::UpdateUnsigned);
        let sent = world
            .cloud
            .calls_of(EU, Service::DynamoDb, verb.operation());
        assert_eq!(sent, if once { 1 } else { MAX }, "{verb:?}");
        let expected = if verb.is_blind() {
            "Sdk"
        } else {
            "OutcomeUnknown"
        };
        assert!(told.is(expected), "{verb:?}: {told:?}");
        assert_eq!(told.is_retryable, verb.is_blind(), "{verb:?}: {told:?}");
    }
}

#[tokio::test]
async fn what_no_retry_would_help_is_sent_once() {
    for (status, code) in [
        (400, "AccessDeniedException"),
        (400, "ValidationException"),
        (400, "ResourceNotFoundException"),
        (400, "SomethingNew"),
    ] {
        for verb in Verb::all() {
            let world = World::with_notes(1).await;
            let table = world.table();
            world.fail(EU, Fault::Status(status, code).on(verb.operation()));
            let (result, took) = world.run(verb, &table).await;
            let told = result.unwrap_err();
            assert!(told.is("Sdk") && !told.is_retryable, "{verb:?}: {told:?}");
            let sent = world
                .cloud
                .calls_of(EU, Service::DynamoDb, verb.operation());
            assert_eq!(sent, 1, "{verb:?} {code}");
            assert_eq!(took, Duration::ZERO);
        }
    }
}
