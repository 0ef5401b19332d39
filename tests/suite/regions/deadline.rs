//! One deadline over everything that an operation does.

use aws_types::sdk_config::TimeoutConfig;

use super::*;

const DEADLINE: Duration = Duration::from_secs(1);

impl World {
    /// A table whose attempts may take longer than its operations.
    fn hasty(&self) -> SealedTable<Note> {
        let regions = self.regions(|config| config, HealthPolicy::new());
        self.table_in(&regions, |builder| builder.deadline(DEADLINE))
    }
}

#[tokio::test]
async fn a_region_that_hangs_costs_the_deadline_and_no_more() {
    let world = World::with_notes(1).await;
    for verb in Verb::all() {
        world.fail(EU, Fault::Hang.on(verb.operation()));
        let (result, took) = world.run(verb, &world.hasty()).await;
        assert_eq!(took, DEADLINE, "{verb:?}");
        match (verb, result) {
            // What was not answered in time is in its output.
            (Verb::BatchGet, result) => result.unwrap(),
            (_, Ok(())) => panic!("{verb:?}"),
            (_, Err(told)) if Verb::READS.contains(&verb) => {
                assert!(told.is("DeadlineExceeded"), "{verb:?}: {told:?}");
                assert!(told.is_retryable, "{verb:?}");
            }
            // It is on its way, and may arrive.
            (_, Err(told)) if verb.is_blind() => assert!(told.is_retryable, "{verb:?}"),
            (_, Err(told)) => {
                assert!(told.is("OutcomeUnknown"), "{verb:?}: {told:?}");
                assert!(!told.is_retryable, "{verb:?}");
            }
        }
        world.cloud.region(EU).recover();
    }
}

#[tokio::test]
async fn nothing_is_written_once_sealing_took_too_long() {
    let world = World::with_notes(1).await;
    let region = world.cloud.region(EU);
    region.fail(Service::Kms, Fault::Hang.on("GenerateDataKey"));
    for verb in [
        Verb::Put,
        Verb::PutIf,
        Verb::Update,
        Verb::UpdateOnce,
        Verb::TransactWrite,
    ] {
        world.forget();
        let (result, took) = world.run(verb, &world.hasty()).await;
        let told = result.unwrap_err();
        assert!(told.is("DeadlineExceeded"), "{verb:?}: {told:?}");
        assert_eq!(took, DEADLINE, "{verb:?}");
        let sent = world
            .cloud
            .calls_of(EU, Service::DynamoDb, verb.operation());
        assert_eq!(sent, 0, "{verb:?}");
    }
}

#[tokio::test]
async fn reading_and_opening_share_the_time() {
    let world = World::with_notes(1).await;
    let slow = Duration::from_millis(700);
    world.fail(EU, Fault::Latency(slow).on("GetItem"));
    let region = world.cloud.region(EU);
    region.fail(Service::Kms, Fault::Latency(slow).on("Decrypt"));
    for verb in [Verb::Get, Verb::Update] {
        let (result, took) = world.run(verb, &world.hasty()).await;
        assert!(result.unwrap_err().is("DeadlineExceeded"), "{verb:?}");
        assert_eq!(took, DEADLINE, "{verb:?}");
    }
    let patient = world.hasty().get("n-0").deadline(2 * DEADLINE);
    let (found, took) = world.timed(patient.send()).await;
    assert_eq!((found.unwrap(), took), (Some(note("n-0")), 2 * slow));
}

#[tokio::test]
async fn a_lost_answer_stays_in_doubt_when_the_time_is_up() {
    let world = World::with_notes(1).await;
    let verbs = Verb::WRITES.into_iter();
    let verbs = verbs.filter(|verb| !verb.is_blind() && *verb != Verb::PutReturnOld);
    for verb in verbs.filter(|verb| *verb != Verb::UpdateUnsigned) {
        world.fail(EU, Fault::LostResponse.on(verb.operation()).times(1));
        world.fail(EU, Fault::Hang.on(verb.operation()));
        let (result, took) = world.run(verb, &world.hasty()).await;
        let told = result.unwrap_err();
        assert!(told.is("OutcomeUnknown"), "{verb:?}: {told:?}");
        assert_eq!(took, DEADLINE, "{verb:?}");
        world.cloud.region(EU).recover();
        world.run(Verb::Put, &world.table()).await.0.unwrap();
    }
}

#[tokio::test]
async fn is_the_sdks_operation_timeout_or_half_a_minute() {
    let world = World::with_notes(1).await;
    world.fail(EU, Fault::Latency(100 * DEADLINE).on("GetItem"));
    let unlimited = HealthPolicy::new().attempt_timeout(1000 * DEADLINE);
    let failed_after = async |configure: fn(Builder) -> Builder| {
        let regions = world.regions(configure, unlimited.clone());
        let table = world.table_in(&regions, |builder| builder);
        let (result, took) = world.run(Verb::Get, &table).await;
        assert!(result.unwrap_err().is("DeadlineExceeded"));
        took
    };
    assert_eq!(failed_after(|config| config).await, 30 * DEADLINE);
    let configured = failed_after(|config| {
        let timeouts = TimeoutConfig::builder().operation_timeout(7 * DEADLINE);
        config.timeout_config(timeouts.build())
    });
    assert_eq!(configured.await, 7 * DEADLINE);
}

/// A deadline that is shorter than the time-out of an attempt hides no outage from the breaker.
#[tokio::test]
async fn operations_that_were_given_up_open_the_breaker() {
    let world = World::with_notes(1).await;
    world.fail(EU, Fault::Hang);
    let regions = world.regions(|config| config, HealthPolicy::new());
    let table = world.table_in(&regions, |builder| builder.deadline(2 * DEADLINE));
    for _ in 0..5 {
        let (result, took) = world.run(Verb::Get, &table).await;
        assert!(result.unwrap_err().is("DeadlineExceeded"));
        assert_eq!(took, 2 * DEADLINE);
    }
    let (result, took) = world.run(Verb::Get, &table).await;
    assert!(result.unwrap_err().is("CircuitOpen"));
    assert_eq!(took, Duration::ZERO);
}
