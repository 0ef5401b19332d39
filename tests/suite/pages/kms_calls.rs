//! What a page costs: calls at the same time, and calls in all.

use std::time::Duration;

use dynaseal::OpenError;
use dynaseal::keyring::KeyringErrorKind;
use dynaseal::table::{ItemError, UnopenedItem};
use dynaseal::testkit::Fault;

use super::*;
use crate::support::header::{Edk, edks, with_edks};

#[tokio::test]
async fn a_page_is_opened_concurrently_and_no_more_than_that() {
    let stack = start(100).await;
    let table = stack.table::<Order>(US);
    // Long enough for as many as may to start before the first of them is done.
    for (concurrency, latency) in [(1, 1), (16, 200), (50, 200)] {
        stack.cloud.reset_calls();
        stack.cloud.region(US).recover();
        let latency = Fault::Latency(Duration::from_millis(latency));
        stack.cloud.region(US).fail(Service::Kms, latency);
        let page = table.query("c-1").concurrency(concurrency).page().await;
        let (orders, unopened) = page.unwrap().partition();
        assert!(unopened.is_empty());
        assert_eq!(
            numbers(&orders),
            (1..=100).collect::<Vec<_>>(),
            "order is kept"
        );
        assert_eq!(stack.cloud.max_in_flight(US, Service::Kms), concurrency);
        assert_eq!(stack.decrypts(US), 100);
    }
    stack.cloud.reset_calls();
    assert_eq!(
        table.query("c-1").items().collect().await.unwrap().len(),
        100
    );
    assert_eq!(
        stack.cloud.max_in_flight(US, Service::Kms),
        16,
        "the default"
    );
}

/// Replaces the recipients of an order by as many that name the right key and hold garbage.
async fn poison(stack: &Stack, number: u32, count: u8) {
    let stored = stack.stored(US, &key("c-1", number)).await.unwrap();
    let [Edk([provider, info, ciphertext])] = &edks(&stored)[..] else {
        panic!("one recipient")
    };
    let garbage = (0..count).map(|n| {
        let mut ciphertext = ciphertext.clone();
        *ciphertext.last_mut().unwrap() ^= n + 1;
        Edk([provider.clone(), info.clone(), ciphertext])
    });
    let garbage: Vec<_> = garbage.collect();
    stack.store(US, &with_edks(&stored, &garbage)).await;
}

fn not_tried(item: &UnopenedItem) -> bool {
    let ItemError::Open(OpenError::Keyring(error)) = item.error() else {
        panic!("{item:?}")
    };
    let mut attempts = error.attempts().iter();
    attempts.any(|attempt| attempt.kind() == KeyringErrorKind::NotTried)
}

#[tokio::test]
async fn garbage_on_a_page_costs_no_more_than_its_budget_and_no_honest_item() {
    let stack = start(20).await;
    for number in 1..=15 {
        poison(&stack, number, 4).await;
    }
    stack.cloud.reset_calls();
    let table = stack.table::<Order>(US);
    // One at a time, so that all the garbage comes before the first honest item.
    let page = table.query("c-1").concurrency(1).page().await.unwrap();
    let (opened, unopened) = page.partition();
    assert_eq!(
        numbers(&opened),
        [16, 17, 18, 19, 20],
        "each has a call of its own"
    );
    assert_eq!(unopened.len(), 15);
    // 15 own calls, and the 28 that are the page's; the honest ones have spent 5.
    assert_eq!(stack.decrypts(US), 15 + 28 + 5);
    assert!(stack.decrypts(US) <= 2 * 20 + 8);
    let tried: Vec<_> = unopened.iter().map(|item| !not_tried(item)).collect();
    assert_eq!(tried.iter().filter(|tried| **tried).count(), 9, "{tried:?}");
    assert!(tried[..9].iter().all(|tried| *tried));
}

#[tokio::test]
async fn each_page_has_a_budget_of_its_own() {
    let stack = start(6).await;
    for number in 1..=6 {
        poison(&stack, number, 4).await;
    }
    stack.cloud.reset_calls();
    let table = stack.table::<Order>(US);
    let (_, unopened) = table
        .query("c-1")
        .page_size(2)
        .items()
        .partition()
        .await
        .unwrap();
    assert_eq!(unopened.len(), 6);
    assert_eq!(stack.decrypts(US), 6 * 4, "two items may cost 12");

    stack.cloud.reset_calls();
    let keys = (1..=6).map(|number| ("c-1", number));
    let output = table.batch_get(keys).send().await.unwrap();
    assert!(output.results().iter().all(|(_, result)| result.is_err()));
    assert_eq!(stack.decrypts(US), 2 * 6 + 8, "of the six together, 20");
}
