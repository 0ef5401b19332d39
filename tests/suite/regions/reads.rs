//! Reads go to another region by policy, for outages alone, and say where their answer comes from.

use dynaseal::OperationError;
use dynaseal::table::{ItemError, TransactGet};

use super::*;

/// Reads that may go elsewhere.
fn movable() -> impl Iterator<Item = Verb> {
    let reads = Verb::READS.into_iter();
    reads.filter(|verb| *verb != Verb::TransactGet)
}

#[tokio::test]
async fn an_outage_sends_every_read_to_the_next_region_after_one_attempt() {
    let outages = [
        Fault::Unavailable,
        Fault::Timeout(Duration::from_secs(1)),
        Fault::Hang,
        Fault::LostResponse,
        Fault::Status(500, "InternalServerError"),
        Fault::Status(503, "ServiceUnavailable"),
        Fault::Status(502, ""),
    ];
    for fault in outages {
        for verb in movable() {
            let world = World::with_notes(1).await;
            let table = world.falling_over();
            world.fail(EU, fault);
            world.run(verb, &table).await.0.unwrap();
            let elsewhere = if verb == Verb::FetchFromTable { 2 } else { 1 };
            assert_eq!(world.asked(), [1, elsewhere, 0], "{verb:?} {fault:?}");
            let told = "fallback dynamodb eu-west-1 us-east-1 unavailable";
            assert_eq!(world.events.of("fallback"), [told], "{verb:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn nothing_else_sends_a_read_anywhere() {
    let table = [
        (throttled(), 3),
        (
            Fault::Status(400, "ProvisionedThroughputExceededException"),
            3,
        ),
        (Fault::Status(400, "RequestLimitExceeded"), 3),
        (Fault::Status(429, "SomethingNew"), 3),
        (Fault::Status(400, "AccessDeniedException"), 1),
        (Fault::Status(400, "UnrecognizedClientException"), 1),
        (Fault::Status(400, "ExpiredTokenException"), 1),
        (Fault::Status(400, "ValidationException"), 1),
        (Fault::Status(400, "ResourceNotFoundException"), 1),
        (Fault::Status(400, "SomethingNew"), 1),
    ];
    for (fault, attempts) in table {
        for verb in movable() {
            let world = World::with_notes(1).await;
            let table = world.falling_over();
            world.fail(EU, fault);
            let told = world.run(verb, &table).await.0.unwrap_err();
            assert_eq!(world.asked(), [attempts, 0, 0], "{verb:?} {fault:?}");
            assert_eq!(told.region.as_deref(), Some(EU), "{verb:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn what_must_not_fall_over_stays_whatever_the_policy() {
    for verb in Verb::WRITES.into_iter().chain([Verb::TransactGet]) {
        let world = World::with_notes(1).await;
        let table = world.falling_over();
        world.fail(EU, Fault::Unavailable);
        let told = world.run(verb, &table).await.0.unwrap_err();
        assert_eq!(world.asked(), [3, 0, 0], "{verb:?}");
        assert_eq!(told.region.as_deref(), Some(EU), "{verb:?}");
    }
}

#[tokio::test]
async fn consistent_reads_stay() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    world.fail(EU, Fault::Status(500, "InternalServerError"));
    let stayed = async |what: &str| {
        assert_eq!(world.asked(), [3, 0, 0], "{what}");
        // One more would open the breaker.
        world
            .time
            .run(world.time.sleep(Duration::from_secs(60)))
            .await;
        world.cloud.region(EU).recover();
        world.run(Verb::Get, &table).await.0.unwrap();
        world.fail(EU, Fault::Status(500, "InternalServerError"));
        world.forget();
    };
    let get = table.get("n-0").customize(|b| b.consistent_read(true));
    world.time.run(get.send()).await.unwrap_err();
    stayed("get").await;
    let query = table.query("n-0").customize(|b| b.consistent_read(true));
    world.time.run(query.page()).await.unwrap_err();
    stayed("query").await;
    let scan = table.scan().customize(|b| b.consistent_read(true));
    world.time.run(scan.page()).await.unwrap_err();
    stayed("scan").await;
    let batch = table.batch_get(["n-0"]).consistent_read(true);
    world.time.run(batch.send()).await.unwrap_err();
    stayed("batch_get").await;
}

#[tokio::test]
async fn regions_are_asked_in_their_order_and_the_last_one_as_often_as_configured() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    for region in [EU, US] {
        world.fail(region, Fault::Unavailable);
    }
    world.run(Verb::Get, &table).await.0.unwrap();
    assert_eq!(world.asked(), [1, 1, 1]);
    world.fail(AP, Fault::Unavailable);
    let told = world.run(Verb::Get, &table).await.0.unwrap_err();
    assert_eq!(world.asked(), [1, 1, 3]);
    assert_eq!(told.region.as_deref(), Some(AP));
}

#[tokio::test]
async fn an_open_breaker_sends_reads_straight_to_the_next_region() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    world.fail(EU, Fault::Hang);
    for _ in 0..5 {
        let (_, took) = world.run(Verb::Get, &table).await;
        assert_eq!(
            took,
            HealthPolicy::DEFAULT_ATTEMPT_TIMEOUT,
            "one time-out each"
        );
    }
    world.forget();
    for verb in movable() {
        let (result, took) = world.run(verb, &table).await;
        result.unwrap();
        assert_eq!(took, Duration::ZERO, "{verb:?}");
        let [eu, us, ap] = world.asked();
        assert!((eu, ap) == (0, 0) && us > 0, "{verb:?}");
        let told = "fallback dynamodb eu-west-1 us-east-1 open";
        assert_eq!(world.events.of("fallback"), [told], "{verb:?}");
        world.forget();
    }
    world.cloud.region(EU).recover();
    world
        .time
        .run(world.time.sleep(Duration::from_secs(7)))
        .await;
    world.run(Verb::Get, &table).await.0.unwrap();
    assert_eq!(world.asked(), [1, 0, 0], "home again");
}

#[tokio::test]
async fn where_no_region_is_asked_the_local_breaker_is_reported() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    for region in [EU, US, AP] {
        world.fail(region, Fault::Unavailable);
    }
    for _ in 0..5 {
        world.run(Verb::Get, &table).await.0.unwrap_err();
    }
    world.forget();
    let told = world.run(Verb::Get, &table).await.0.unwrap_err();
    assert!(told.is("CircuitOpen"), "{told:?}");
    assert_eq!((told.region.as_deref(), world.asked()), (Some(EU), [0; 3]));
}

#[tokio::test]
async fn an_operation_can_have_a_policy_of_its_own() {
    let world = World::with_notes(1).await;
    let (stays, moves) = (world.unbroken(), world.falling_over());
    world.fail(EU, Fault::Unavailable);
    let get = stays.get("n-0").read_policy(ReadPolicy::LocalThenFallback);
    assert!(world.time.run(get.send()).await.unwrap().is_some());
    assert_eq!(world.asked(), [1, 1, 0]);
    let get = moves.get("n-0").read_policy(ReadPolicy::Local);
    world.time.run(get.send()).await.unwrap_err();
    assert_eq!(world.asked(), [3, 0, 0]);
}

#[tokio::test]
async fn a_read_can_be_pinned_to_a_region_of_the_set() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    let get = table.get("n-0").in_region(AP);
    let opened = world.time.run(get.send_opened()).await.unwrap().unwrap();
    assert_eq!(opened.table_region(), Some(AP));
    assert_eq!(opened.region(), Some(EU), "whose KMS answered");
    assert_eq!(world.asked(), [0, 0, 1]);
    world.fail(AP, Fault::Unavailable);
    let get = table.get("n-0").in_region(AP);
    world.time.run(get.send()).await.unwrap_err();
    assert_eq!(world.asked(), [0, 0, 3], "and it stays there");
    let get = table.get("n-0").in_region("sa-east-1");
    let error = world.time.run(get.send()).await.unwrap_err();
    assert!(matches!(error, OperationError::Refused(_)), "{error:?}");
    assert_eq!(world.asked(), [0; 3]);
}

#[tokio::test]
async fn nothing_in_a_fallback_region_is_not_taken_for_absence() {
    let world = World::with_notes(1).await;
    world.put_only_in(EU, "n-new").await;
    let table = world.falling_over();
    let get = |id: &str| table.get(id);
    assert!(world.time.run(get("n-new").send()).await.unwrap().is_some());
    let none = world.time.run(get("n-none").send()).await.unwrap();
    assert!(none.is_none(), "the local region is believed");

    world.fail(EU, Fault::Unavailable);
    for id in ["n-new", "n-none"] {
        let error = world.time.run(get(id).send()).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.region(), Some(US));
        let OperationError::AbsentInFallback(absent) = error else {
            panic!("{error:?}")
        };
        assert_eq!((absent.region(), absent.local_region()), (US, EU));
    }
    let accepted = get("n-new").accept_absent_in_fallback().send();
    assert!(world.time.run(accepted).await.unwrap().is_none());
    let pinned = get("n-new").in_region(US).send();
    assert!(
        world.time.run(pinned).await.unwrap().is_none(),
        "who asks there means there"
    );
    let error = world.time.run(get("n-new").allow_plaintext().send()).await;
    assert!(matches!(error, Err(OperationError::AbsentInFallback(_))));
}

#[tokio::test]
async fn a_batch_reports_keys_that_a_fallback_region_does_not_have() {
    let world = World::with_notes(2).await;
    world.put_only_in(EU, "n-new").await;
    let table = world.falling_over();
    let keys = ["n-0", "n-new", "n-1"];
    let local = world.time.run(table.batch_get(keys).send()).await.unwrap();
    assert_eq!(local.regions(), [EU]);
    assert_eq!(local.found().unwrap().len(), 3);

    world.fail(EU, Fault::Unavailable);
    let output = world.time.run(table.batch_get(keys).send()).await.unwrap();
    assert_eq!(output.regions(), [US]);
    let absent: Vec<_> = output.absent_in_fallback().collect();
    assert_eq!(absent, [&dynaseal::item::Key::new("n-new")]);
    let results = output.results();
    assert!(matches!(results[1].1, Err(ItemError::AbsentInFallback(_))));
    assert!(results[0].1.is_ok() && results[2].1.is_ok());
    let error = output.found().unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(error.error().region(), Some(US));

    let accepting = table.batch_get(keys).accept_absent_in_fallback().send();
    let output = world.time.run(accepting).await.unwrap();
    assert_eq!(output.absent_in_fallback().count(), 0);
    assert_eq!(output.found().unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_does_not_go_back_to_a_region_that_failed_on_the_way() {
    let world = World::with_notes(1).await;
    let table = world.falling_over();
    let keys = || (0..350).map(|n| format!("n-{n}"));
    world.fail(EU, Fault::Status(500, "InternalServerError").on("Query"));
    world.fail(
        EU,
        Fault::Latency(Duration::ZERO).on("BatchGetItem").times(1),
    );
    world.fail(EU, Fault::Unavailable.on("BatchGetItem"));
    let batch = table.batch_get(keys()).accept_absent_in_fallback();
    let output = world.time.run(batch.send_opened()).await.unwrap();
    assert_eq!(output.regions(), [EU, US]);
    assert_eq!(world.asked(), [2, 3, 0]);
    let found = output.found().unwrap();
    assert_eq!(found[0].table_region(), Some(EU));
}

#[tokio::test]
async fn opened_items_say_where_they_were_read_however_they_came() {
    let world = World::with_notes(1).await;
    let regions = world.regions(|config| config, HealthPolicy::new());
    let table = world.table_in(&regions, |builder| builder.home_region(US));
    world
        .time
        .run(async {
            let opened = table.get("n-0").send_opened().await.unwrap().unwrap();
            assert_eq!(opened.table_region(), Some(EU));
            let page = table.scan().in_region(AP).opened_page().await.unwrap();
            let item = page.items()[0].as_ref().unwrap();
            assert_eq!(item.table_region(), Some(AP));
            let output = table.put(&note("n-0")).return_old().send().await.unwrap();
            let old = output.into_old().unwrap().unwrap();
            assert_eq!(old.table_region(), Some(US));
            let never = dynaseal::expression::attribute("state").eq("none");
            let error = table
                .delete("n-0")
                .condition(never)
                .send()
                .await
                .unwrap_err();
            let stored = error.item().unwrap().as_ref().unwrap();
            assert_eq!(stored.table_region(), Some(US));
            let mut reads = TransactGet::new();
            let slot = reads.get(&table, "n-0");
            let mut found = reads.send().await.unwrap();
            let found = found.take_opened(slot).unwrap().unwrap();
            assert_eq!(found.table_region(), Some(EU));
            let sealed = world.cloud.dynamodb(EU).scan().table_name("notes").send();
            let sealed = sealed.await.unwrap().items.unwrap().remove(0);
            let elsewhere = table.encryptor().open(sealed).await.unwrap();
            assert_eq!(elsewhere.table_region(), None);
        })
        .await;
}
