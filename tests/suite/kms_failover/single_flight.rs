//! Equal requests at the same time are one.

use dynaseal::testkit::Fault;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn a_thousand_readers_of_one_item_ask_kms_once() {
    let world = World::with_notes(2).await;
    let table = world.table(EU, KmsFallback::never());
    let slow = Fault::Latency(SECOND).on("Decrypt");
    world.cloud.region(EU).fail(Service::Kms, slow);
    let reads = (0..1000).map(|n| table.get(note(n % 2).id).send());
    let found = world.time.run(join_all(reads)).await;
    for (n, found) in found.into_iter().enumerate() {
        assert_eq!(found.unwrap(), Some(note(n % 2)));
    }
    assert_eq!(world.decrypts(), [2, 0, 0], "once for each item");
    assert_eq!(world.events.count("single_flight hit"), 998);
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_waited_and_by_nobody_else() {
    let world = World::with_notes(1).await;
    let table = world.table(EU, KmsFallback::never());
    let slow = Fault::Timeout(SECOND).on("Decrypt");
    world.cloud.region(EU).fail(Service::Kms, slow.times(3));
    let reads = (0..10).map(|_| table.get("n-0").send());
    let found = world.time.run(join_all(reads)).await;
    for error in found {
        assert_eq!(kind(&error.unwrap_err()), KeyringErrorKind::Unavailable);
    }
    assert_eq!(world.decrypts(), [3, 0, 0], "three attempts of one request");
    let found = world.time.run(table.get("n-0").send()).await.unwrap();
    assert_eq!(found, Some(note(0)));
}

#[tokio::test]
async fn a_reader_that_goes_hands_its_request_over() {
    let world = World::with_notes(1).await;
    let table = world.table(EU, KmsFallback::never());
    let slow = Fault::Latency(2 * SECOND).on("Decrypt");
    world.cloud.region(EU).fail(Service::Kms, slow);
    let mut first = Box::pin(table.get("n-0").send());
    let second = table.get("n-0").send();
    let both = async {
        // Until its `Decrypt` is under way.
        while world.cloud.calls_of(EU, Service::Kms, "Decrypt") == 0 {
            assert!(first.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(second);
        world.time.sleep(SECOND).await;
        drop(first);
        second.await
    };
    let found = world.time.run(both).await.unwrap().unwrap();
    assert_eq!(found, Some(note(0)));
    assert_eq!(world.decrypts(), [1, 0, 0]);
}
