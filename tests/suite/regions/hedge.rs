//! Reads that are sent to a second region while the first one is slow.

use dynaseal::region::RetryBudget;
use dynaseal::table::Hedge;

use super::*;

const DELAY: Duration = Duration::from_millis(100);
const SLOW: Duration = Duration::from_secs(1);

impl World {
    fn hedging(&self, health: HealthPolicy) -> SealedTable<Note> {
        let regions = self.regions(|config| config, health);
        self.table_in(&regions, |builder| {
            let builder = builder.read_policy(ReadPolicy::LocalThenFallback);
            builder.hedge(Hedge::after_percentile(0.9).at_most(DELAY))
        })
    }
}

#[tokio::test]
async fn a_slow_region_is_overtaken_by_the_next_one() {
    let world = World::with_notes(1).await;
    let table = world.hedging(HealthPolicy::new());
    world.fail(EU, Fault::Latency(SLOW));
    for verb in [Verb::Get, Verb::BatchGet, Verb::Query, Verb::Scan] {
        let (result, took) = world.run(verb, &table).await;
        result.unwrap();
        assert_eq!(took, DELAY, "{verb:?}");
        assert_eq!(world.asked(), [1, 1, 0], "{verb:?}");
    }
    let (found, _) = world.timed(table.get("n-0").send_opened()).await;
    assert_eq!(found.unwrap().unwrap().table_region(), Some(US));
}

#[tokio::test]
async fn a_fast_region_is_asked_alone_and_its_latencies_set_the_delay() {
    let world = World::with_notes(1).await;
    let table = world.hedging(HealthPolicy::new());
    let (usual, faster) = (Duration::from_millis(40), Duration::from_millis(30));
    for latency in [[usual; 16], [faster; 16]].concat() {
        world.fail(EU, Fault::Latency(latency).times(1));
        let (result, took) = world.run(Verb::Get, &table).await;
        result.unwrap();
        assert_eq!(took, latency);
    }
    assert_eq!(world.asked(), [32, 0, 0]);
    world.fail(EU, Fault::Latency(SLOW));
    let (result, took) = world.run(Verb::Get, &table).await;
    result.unwrap();
    assert_eq!(took, usual, "as long as a read usually takes");
}

#[tokio::test]
async fn what_a_region_that_may_lag_does_not_have_settles_nothing() {
    let world = World::with_notes(1).await;
    world.put_only_in(EU, "new").await;
    let table = world.hedging(HealthPolicy::new());
    world.fail(EU, Fault::Latency(SLOW));
    let (found, took) = world.timed(table.get("new").send_opened()).await;
    assert_eq!(found.unwrap().unwrap().table_region(), Some(EU));
    assert_eq!(took, SLOW, "the local region is waited for");
    let (found, took) = world.timed(table.batch_get(["n-0", "new"]).send()).await;
    assert_eq!(found.unwrap().found().unwrap().len(), 2);
    assert_eq!(took, SLOW);
    let (found, _) = world.timed(table.get("nowhere").send()).await;
    assert_eq!(found.unwrap(), None, "the local region says so");
}

#[tokio::test]
async fn a_region_that_fails_late_loses_to_the_one_that_was_asked_as_well() {
    let world = World::with_notes(1).await;
    let table = world.hedging(HealthPolicy::new());
    world.fail(EU, Fault::Timeout(SLOW));
    world.fail(US, Fault::Latency(2 * SLOW));
    let (result, took) = world.run(Verb::Get, &table).await;
    result.unwrap();
    assert_eq!(took, DELAY + 2 * SLOW);
    assert_eq!(world.asked(), [1, 1, 0], "it is not asked again");
}

#[tokio::test]
async fn hedges_take_from_the_retry_budget_of_the_second_region() {
    let world = World::with_notes(1).await;
    let budget = RetryBudget::new().capacity(2).per_success(0.0);
    let table = world.hedging(HealthPolicy::new().retry_budget(budget.per_second(0.0)));
    world.fail(EU, Fault::Latency(SLOW));
    let mut took = Vec::new();
    for _ in 0..4 {
        took.push(world.run(Verb::Get, &table).await.1);
    }
    assert_eq!(took, [DELAY, DELAY, SLOW, SLOW]);
    assert_eq!(world.asked(), [4, 2, 0]);
}

#[tokio::test]
async fn neither_consistent_reads_nor_writes_nor_kms_are_hedged() {
    let world = World::with_notes(1).await;
    let table = world.hedging(HealthPolicy::new());
    world.fail(EU, Fault::Latency(SLOW));
    let consistent = table.get("n-0").customize(|b| b.consistent_read(true));
    let (found, took) = world.timed(consistent.send()).await;
    assert!(found.unwrap().is_some());
    assert_eq!(took, SLOW);
    for verb in [Verb::TransactGet, Verb::Put, Verb::Update] {
        world.run(verb, &table).await.0.unwrap();
    }
    world.cloud.region(EU).recover();
    let region = world.cloud.region(EU);
    region.fail(Service::Kms, Fault::Latency(SLOW));
    let (result, took) = world.run(Verb::Get, &table).await;
    result.unwrap();
    assert_eq!(took, SLOW);
    assert_eq!(world.asked()[1], 0);
    assert_eq!(world.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn needs_somewhere_to_go() {
    let world = World::with_notes(0).await;
    let regions = world.regions(|config| config, HealthPolicy::new());
    let keyring = KmsMrkKeyring::new(world.key.arn(EU), &regions).unwrap();
    let builder = SealedTable::<Note>::builder("notes", keyring, &regions);
    let refused = builder.hedge(Hedge::after_percentile(0.9)).build();
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("LocalThenFallback")
    );
}

#[tokio::test]
async fn a_page_without_items_settles_nothing_either() {
    let world = World::with_notes(0).await;
    world.put_only_in(EU, "new").await;
    let table = world.hedging(HealthPolicy::new());
    world.fail(EU, Fault::Latency(SLOW));
    let (page, took) = world.timed(table.scan().page()).await;
    let page = page.unwrap();
    assert_eq!((page.region(), page.items().len(), took), (EU, 1, SLOW));
    let (count, _) = world.timed(table.scan().count_unverified()).await;
    assert_eq!(count.unwrap(), 1);
}

/// It would be a way around whatever somebody meant.
#[tokio::test]
async fn a_region_that_refuses_late_is_not_gone_around() {
    let world = World::with_notes(1).await;
    let table = world.hedging(HealthPolicy::new());
    world.cloud.region(EU).remove_table("notes").unwrap();
    world.fail(EU, Fault::Latency(SLOW));
    world.fail(US, Fault::Latency(10 * SLOW));
    let (result, took) = world.run(Verb::Get, &table).await;
    let told = result.unwrap_err();
    assert_eq!(told.region.as_deref(), Some(EU), "{told:?}");
    assert!(
        told.shown.contains("the service reported an error"),
        "{told:?}"
    );
    assert_eq!(took, SLOW, "it is final");
    let hedges = ["hedge GetItem eu-west-1 us-east-1 false"];
    assert_eq!(world.events.of("hedge"), hedges);
    assert_eq!(world.events.of("fallback"), [""; 0]);
}

#[tokio::test]
async fn the_answer_of_the_second_region_counts_as_a_fallbacks_once_the_first_has_failed() {
    let world = World::with_notes(1).await;
    world.put_only_in(EU, "new").await;
    let table = world.hedging(HealthPolicy::new());
    world.fail(EU, Fault::Timeout(SLOW));
    world.fail(US, Fault::Latency(2 * SLOW));
    let (result, took) = world.timed(table.get("new").send()).await;
    let error = result.unwrap_err();
    assert!(
        matches!(error, dynaseal::OperationError::AbsentInFallback(_)),
        "{error:?}"
    );
    assert_eq!((took, world.asked()), (DELAY + 2 * SLOW, [1, 1, 0]));
}
