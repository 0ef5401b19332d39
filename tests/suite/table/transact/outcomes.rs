//! Lost answers, and transactions that are sent again.

use std::sync::{Arc, Mutex};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;

use super::*;

/// A shop that tries once, with one order that counts what is applied to it.
async fn start_counting() -> (Stack, Shop) {
    let stack = start_shop().await;
    let shop = Shop::of(&stack, US);
    shop.orders.put(&order("o-1", "open")).send().await.unwrap();
    (stack, shop)
}

fn count(shop: &Shop) -> TransactWrite {
    TransactWrite::new()
        .update_unsigned(&shop.orders, "o-1", see())
        .put(&shop.customers, &customer("c-1"))
}

#[tokio::test]
async fn a_lost_answer_is_met_by_sending_again_and_applied_once() {
    let (stack, _) = start_counting().await;
    let (shop, _) = Shop::retrying(&stack);
    fail(&stack, Fault::LostResponse, 1);
    count(&shop).send().await.expect("the token is known");
    assert_eq!(sent(&stack), 2);
    assert_eq!(shop.seen("o-1").await, 1);
}

#[tokio::test]
async fn a_prepared_transaction_happens_once_however_often_it_is_sent() {
    let (stack, shop) = start_counting().await;
    stack.cloud.reset_calls();
    let prepared = count(&shop).prepare().await.unwrap();
    assert_eq!(sent(&stack), 0, "sealed, not sent");
    assert_eq!(prepared.client_request_token().len(), 32);
    fail(&stack, Fault::LostResponse, 1);
    let error = prepared.send().await.unwrap_err();
    assert!(
        matches!(error, TransactionError::OutcomeUnknown(_)),
        "{error:?}"
    );
    assert!(!error.is_retryable(), "as a new transaction, that is");
    assert!(error.sdk_error().is_some());
    assert_eq!(error.region(), Some(US));
    assert_eq!(shop.seen("o-1").await, 1, "it was applied");

    prepared.send().await.expect("it has happened");
    prepared.clone().send().await.expect("it has happened");
    assert_eq!((shop.seen("o-1").await, sent(&stack)), (1, 3));
    let sealed = stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey");
    assert_eq!(sealed, 1, "sealed once");
}

#[tokio::test]
async fn two_transactions_have_two_tokens() {
    let (_stack, shop) = start_counting().await;
    let first = count(&shop).prepare().await.unwrap();
    let second = count(&shop).prepare().await.unwrap();
    assert_ne!(first.client_request_token(), second.client_request_token());
    first.send().await.unwrap();
    second.send().await.unwrap();
    assert_eq!(shop.seen("o-1").await, 2);
}

#[tokio::test]
async fn an_open_outcome_is_not_closed_by_a_request_that_never_arrived() {
    let (stack, shop) = start_counting().await;
    let prepared = count(&shop).prepare().await.unwrap();
    fail(&stack, Fault::LostResponse, 1);
    prepared.send().await.unwrap_err();
    for fault in [
        Fault::Unavailable,
        Fault::Status(400, "ThrottlingException"),
    ] {
        fail(&stack, fault, 1);
        let error = prepared.send().await.unwrap_err();
        assert!(
            matches!(error, TransactionError::OutcomeUnknown(_)),
            "{error:?}"
        );
    }
    prepared.send().await.unwrap();
    // Now that it is known to have happened, the same fault says only what it says.
    fail(&stack, Fault::Unavailable, 1);
    let error = prepared.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Sdk(_)), "{error:?}");
}

#[tokio::test]
async fn an_open_outcome_is_not_closed_within_one_send_either() {
    let (stack, _) = start_counting().await;
    let (shop, _) = Shop::retrying(&stack);
    fail(&stack, Fault::LostResponse, 1);
    fail(&stack, Fault::Status(400, "ThrottlingException"), 2);
    let error = count(&shop).send().await.unwrap_err();
    assert!(
        matches!(error, TransactionError::OutcomeUnknown(_)),
        "{error:?}"
    );
    assert_eq!((sent(&stack), shop.seen("o-1").await), (3, 1));
}

#[tokio::test]
async fn a_send_that_is_given_up_leaves_the_outcome_open() {
    let (stack, shop) = start_counting().await;
    let prepared = count(&shop).prepare().await.unwrap();
    fail(&stack, Fault::Hang, 1);
    let mut sending = Box::pin(prepared.send());
    while sent(&stack) == 0 {
        tokio::select! {
            biased;
            answer = &mut sending => panic!("{answer:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(sending);
    fail(&stack, Fault::Unavailable, 1);
    let error = prepared.send().await.unwrap_err();
    assert!(
        matches!(error, TransactionError::OutcomeUnknown(_)),
        "{error:?}"
    );
    // What comes of another send says nothing about the one that may still arrive.
    for fault in [
        Fault::TransactionConflict,
        Fault::Status(400, "AccessDeniedException"),
    ] {
        fail(&stack, fault, 1);
        let error = prepared.send().await.unwrap_err();
        let is_open = matches!(error, TransactionError::OutcomeUnknown(_));
        assert_eq!(is_open, fault != Fault::TransactionConflict, "{error:?}");
    }
}

#[tokio::test]
async fn what_was_certainly_not_applied_is_the_sdks_error() {
    let (stack, _) = start_counting().await;
    let (shop, _) = Shop::retrying(&stack);
    let table = [
        (Fault::Unavailable, 3, true),
        (Fault::Status(400, "ThrottlingException"), 3, true),
        (Fault::Status(400, "AccessDeniedException"), 1, false),
        (Fault::Status(400, "ValidationException"), 1, false),
    ];
    for (fault, attempts, retryable) in table {
        stack.cloud.reset_calls();
        fail(&stack, fault, attempts);
        let error = count(&shop).send().await.unwrap_err();
        assert!(matches!(error, TransactionError::Sdk(_)), "{error:?}");
        assert_eq!(error.is_retryable(), retryable, "{fault:?}");
        assert_eq!(sent(&stack), attempts, "{fault:?}");
    }
    assert_eq!(shop.seen("o-1").await, 0);
}

#[tokio::test]
async fn a_transaction_in_progress_may_be_this_one() {
    let (stack, _) = start_counting().await;
    let (shop, _) = Shop::retrying(&stack);
    let busy = Fault::Status(400, "TransactionInProgressException");
    fail(&stack, busy, 2);
    count(&shop).send().await.expect("the third attempt");
    fail(&stack, busy, 3);
    let error = count(&shop).send().await.unwrap_err();
    assert!(
        matches!(error, TransactionError::OutcomeUnknown(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_cancelled_transaction_is_certain_even_after_a_lost_answer() {
    let (stack, _) = start_counting().await;
    let (shop, _) = Shop::retrying(&stack);
    fail(&stack, Fault::LostResponse, 1);
    let transaction = count(&shop).check(&shop.accounts, "a-1", attribute("balance").exists());
    let error = transaction.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Cancelled(_)), "{error:?}");
    assert_eq!((sent(&stack), shop.seen("o-1").await), (2, 0));
}

#[tokio::test]
async fn is_not_sent_after_nine_minutes_when_it_might_soon_be_applied_again() {
    let (stack, _) = start_counting().await;
    let (shop, time) = Shop::retrying(&stack);
    let prepared = count(&shop).prepare().await.unwrap();
    time.advance(Duration::from_secs(3600));
    prepared.send().await.expect("the nine minutes start now");
    time.advance(Duration::from_secs(539));
    prepared.send().await.expect("within nine minutes");
    stack.cloud.reset_calls();
    time.advance(Duration::from_secs(1));
    let error = prepared.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Refused(_)), "{error:?}");
    assert_eq!((sent(&stack), shop.seen("o-1").await), (0, 1));
}

/// A clock that can be set back.
#[derive(Clone, Debug)]
struct Clock(Arc<Mutex<SystemTime>>);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn is_not_sent_after_the_clock_was_set_back() {
    let (stack, _) = start_counting().await;
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(43_200);
    let clock = Clock(Arc::new(Mutex::new(noon)));
    let config = stack.config(US).into_builder().time_source(clock.clone());
    let shop = Shop::with(&stack, US, &config.build());
    let prepared = count(&shop).prepare().await.unwrap();
    prepared.send().await.unwrap();
    *clock.0.lock().unwrap() = noon - Duration::from_secs(1);
    stack.cloud.reset_calls();
    let error = prepared.send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Refused(_)), "{error:?}");
    assert_eq!(sent(&stack), 0);
}

/// Waits during which the process is suspended for eleven minutes.
#[derive(Clone, Debug)]
struct Suspended(ManualTimeSource);

impl AsyncSleep for Suspended {
    fn sleep(&self, duration: Duration) -> Sleep {
        // No backoff is longer than five seconds; the SDK's own time-outs never come.
        if duration > Duration::from_secs(5) {
            return Sleep::new(std::future::pending());
        }
        self.0.advance(Duration::from_secs(660));
        Sleep::new(std::future::ready(()))
    }
}

#[tokio::test]
async fn is_not_sent_again_by_a_process_that_slept_too_long() {
    let (stack, counting) = start_counting().await;
    let clock = ManualTimeSource::new(SystemTime::UNIX_EPOCH);
    let config = stack.config(US).into_builder();
    let config = config
        .time_source(clock.clone())
        .sleep_impl(SharedAsyncSleep::new(Suspended(clock)))
        .retry_config(RetryConfig::standard())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let shop = Shop::with(&stack, US, &config.build());
    for fault in [
        Fault::LostResponse,
        Fault::Status(400, "TransactionInProgressException"),
    ] {
        stack.cloud.reset_calls();
        fail(&stack, fault, 1);
        let error = count(&shop).send().await.unwrap_err();
        assert!(
            matches!(error, TransactionError::OutcomeUnknown(_)),
            "{error:?}"
        );
        assert_eq!(sent(&stack), 1, "the token may be forgotten by now");
    }
    assert_eq!(counting.seen("o-1").await, 1, "the first was applied");

    // What certainly was not applied is not in doubt, however late it is.
    fail(&stack, Fault::Status(400, "ThrottlingException"), 1);
    let error = count(&shop).send().await.unwrap_err();
    assert!(matches!(error, TransactionError::Sdk(_)), "{error:?}");
}

#[tokio::test]
async fn a_cancellation_that_comes_too_late_proves_nothing() {
    let (stack, _) = start_counting().await;
    let (shop, _) = Shop::retrying(&stack);
    let late = Fault::Latency(Duration::from_secs(660));
    for (first, is_certain) in [
        (Fault::Timeout(Duration::from_secs(1)), false),
        (Fault::TransactionConflict, true),
    ] {
        fail(&stack, first, 1);
        fail(&stack, late, 1);
        let never = attribute("balance").exists();
        let transaction = count(&shop).check(&shop.accounts, "a-1", never);
        let error = transaction.send().await.unwrap_err();
        match error {
            TransactionError::Cancelled(_) => assert!(is_certain),
            TransactionError::OutcomeUnknown(_) => assert!(!is_certain),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shop.seen("o-1").await, 0);
}
