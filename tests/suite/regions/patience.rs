//! What there is time for, and what is said of the rest: items of pages and batches, writes of batches,
//! attempts in several regions.

use dynaseal::OperationError;
use dynaseal::table::{BatchWriteCause, ItemError, TransactWrite, TransactionError};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// Shorter than an attempt may take.
const DEADLINE: Duration = SECOND;

/// A table whose operations may take a second, and whose breakers never open.
fn hasty(world: &World) -> SealedTable<Note> {
    let health = HealthPolicy::new().breaker(BreakerPolicy::never_opens());
    let regions = world.regions(|config| config, health);
    world.table_in(&regions, |builder| builder.deadline(DEADLINE))
}

fn hang(world: &World, service: Service) {
    world.cloud.region(EU).fail(service, Fault::Hang);
}

/// The first request of an operation goes through, and all others hang.
fn hang_after_the_first(world: &World, operation: &str) {
    let through = Fault::Latency(Duration::ZERO).on(operation).times(1);
    world.fail(EU, through);
    world.fail(EU, Fault::Hang.on(operation));
}

#[tokio::test]
async fn it_spans_all_regions_and_attempts() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    for region in [EU, US, AP] {
        world.fail(region, Fault::Hang);
    }
    let limit = 7 * SECOND;
    let (result, took) = world.timed(table.get("n-0").deadline(limit).send()).await;
    let OperationError::DeadlineExceeded(exceeded) = result.unwrap_err() else {
        panic!("not the deadline")
    };
    assert_eq!((took, exceeded.after()), (limit, limit));
    assert_eq!(world.asked(), [1, 1, 1], "3 s, 3 s, and what is left");
}

#[tokio::test]
async fn a_batch_reports_what_was_not_answered_and_what_was_not_opened() {
    let world = World::with_notes(2).await;
    let table = hasty(&world);
    let keys = || (0..150).map(|n| format!("n-{n}"));
    hang_after_the_first(&world, "BatchGetItem");
    let (output, took) = world.timed(table.batch_get(keys()).send()).await;
    let output = output.unwrap();
    assert_eq!((output.unprocessed().count(), took), (50, DEADLINE));
    assert!(matches!(output.results()[0].1, Ok(Some(_))));

    world.cloud.region(EU).recover();
    hang(&world, Service::Kms);
    let (output, took) = world.timed(table.batch_get(["n-0", "n-1"]).send()).await;
    assert_eq!(took, DEADLINE);
    for (_, result) in output.unwrap().into_results() {
        let error = result.unwrap_err();
        assert!(matches!(error, ItemError::DeadlineExceeded(_)), "{error:?}");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_page_has_it_as_a_whole_and_opens_nothing_after_it() {
    let world = World::with_notes(3).await;
    let table = hasty(&world);
    hang(&world, Service::Kms);
    let (page, took) = world.timed(table.scan().concurrency(1).page()).await;
    let page = page.unwrap();
    assert_eq!((page.items().len(), took), (3, DEADLINE));
    for item in page.into_items() {
        let error = item.unwrap_err().into_error();
        assert!(matches!(error, ItemError::DeadlineExceeded(_)), "{error:?}");
    }
    assert_eq!(world.cloud.calls_of(EU, Service::Kms, "Decrypt"), 1);
}

#[tokio::test]
async fn in_a_stream_each_page_and_each_item_has_it() {
    let world = World::with_notes(3).await;
    let table = hasty(&world);
    // Whoever reads slowly is not punished for it.
    let mut items = table.scan().page_size(1).items();
    for _ in 0..3 {
        world.time.run(world.time.sleep(10 * DEADLINE)).await;
        world.time.run(items.next()).await.unwrap().unwrap();
    }
    let mut items = table.scan().concurrency(1).items();
    hang(&world, Service::Kms);
    for _ in 0..3 {
        let (item, took) = world.timed(items.next()).await;
        item.unwrap().unwrap_err();
        assert_eq!(took, DEADLINE);
    }
    hang(&world, Service::DynamoDb);
    let (item, took) = world.timed(table.scan().items().collect()).await;
    assert!(item.unwrap_err().is_retryable());
    assert_eq!(took, DEADLINE);
}

#[tokio::test]
async fn a_batch_of_writes_says_which_are_done() {
    let world = World::with_notes(0).await;
    let table = hasty(&world);
    let notes: Vec<_> = (0..60).map(|n| note(&format!("n-{n}"))).collect();
    hang_after_the_first(&world, "BatchWriteItem");
    let (failure, took) = world.timed(table.batch_write().puts(&notes).send()).await;
    let failure = failure.unwrap_err();
    assert!(
        matches!(failure.cause(), BatchWriteCause::Deadline),
        "{failure:?}"
    );
    let counts = [failure.written(), failure.unknown(), failure.unwritten()];
    assert_eq!((counts.map(<[_]>::len), took), ([25, 25, 10], DEADLINE));
    assert!(failure.is_retryable());
}

#[tokio::test]
async fn a_batch_that_is_not_sealed_in_time_is_not_sent() {
    let world = World::with_notes(0).await;
    hang(&world, Service::Kms);
    let (result, took) = world.run(Verb::BatchWrite, &hasty(&world)).await;
    let told = result.unwrap_err();
    assert!(told.is("DeadlineExceeded"), "{told:?}");
    assert!(told.shown.contains("unwritten: 1, unknown: 0"), "{told:?}");
    assert_eq!((took, world.asked()), (DEADLINE, [0; 3]));
}

#[tokio::test]
async fn a_prepared_transaction_that_was_given_up_can_be_sent_again() {
    let world = World::with_notes(1).await;
    let table = hasty(&world);
    let write = TransactWrite::new().put(&table, &note("n-1"));
    let prepared = world.time.run(write.prepare()).await.unwrap();
    hang(&world, Service::DynamoDb);
    for _ in 0..2 {
        let (result, took) = world.timed(prepared.send()).await;
        let error = result.unwrap_err();
        assert!(
            matches!(error, TransactionError::OutcomeUnknown(_)),
            "{error:?}"
        );
        assert_eq!(took, DEADLINE);
    }
    world.cloud.region(EU).recover();
    world.time.run(prepared.send()).await.unwrap();
}
