//! Which regions the KMS keyrings ask, how often, and when they stop.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kms::config::retry::RetryConfig;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};

use super::test_support::{Answer, FakeKms, Sealed, seal};
use super::{DiscoveryFilter, KeyringError, KeyringErrorKind, KmsMrkDiscoveryKeyring};
use super::{KmsMrkKeyring, MultiKeyring, Unwrapped};
use crate::keyring::{DecryptRequest, Keyring as _};
use crate::materials::CallBudget;
use crate::region::{BreakerPolicy, HealthPolicy, KmsFallback, RegionSet, RetryBudget};
use crate::suite::AlgorithmSuite::SymsigHmacSha384;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1";
const LOCAL: &str = "eu-west-1";
const NEXT: &str = "us-east-1";
const LAST: &str = "ap-south-1";

const OUTAGE: Answer = Answer::Refused;
const THROTTLED: Answer = Answer::Error(400, "ThrottlingException");

/// Waits between attempts are over at once; time-outs of the SDK never come.
#[derive(Debug)]
struct Impatient;

impl AsyncSleep for Impatient {
    fn sleep(&self, duration: Duration) -> Sleep {
        if duration < HealthPolicy::DEFAULT_ATTEMPT_TIMEOUT {
            Sleep::new(std::future::ready(()))
        } else {
            Sleep::new(std::future::pending())
        }
    }
}

fn regions(kms: &FakeKms, max_attempts: u32, health: HealthPolicy) -> RegionSet {
    let retries = RetryConfig::standard().with_max_attempts(max_attempts);
    let config = kms.sdk_config().retry_config(retries);
    // Time stands still, so that no budget fills up and no breaker closes by itself.
    let config = config
        .sleep_impl(SharedAsyncSleep::new(Impatient))
        .time_source(SharedTimeSource::new(StaticTimeSource::from_secs(
            1_800_000_000,
        )))
        .build();
    let builder = RegionSet::builder(&config).local(LOCAL).fallback(NEXT);
    builder.fallback(LAST).health(health).build().unwrap()
}

fn keyring(kms: &FakeKms, max_attempts: u32, fallback: KmsFallback) -> KmsMrkKeyring {
    let never_opens = HealthPolicy::new().breaker(BreakerPolicy::never_opens());
    let regions = regions(kms, max_attempts, never_opens);
    KmsMrkKeyring::new(KEY, &regions)
        .unwrap()
        .fallback(fallback)
}

async fn sealed(kms: &FakeKms) -> Sealed {
    let sealed = seal(&keyring(kms, 1, KmsFallback::never())).await.unwrap();
    kms.forget();
    sealed
}

async fn opened_in(sealed: &Sealed, keyring: &KmsMrkKeyring) -> String {
    match sealed.open(keyring).await.unwrap() {
        Unwrapped::Opened(opened) => opened.region.unwrap(),
        Unwrapped::NotMine => panic!("it is its own"),
    }
}

fn kinds(error: &KeyringError) -> Vec<KeyringErrorKind> {
    if error.attempts().is_empty() {
        return vec![error.kind()];
    }
    error.attempts().iter().flat_map(kinds).collect()
}

#[tokio::test]
async fn asks_the_local_region_alone_unless_told_otherwise() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always_in(LOCAL, OUTAGE);
    let keyring = keyring(&kms, 1, KmsFallback::default());
    let error = sealed.refusal(&keyring).await;
    assert_eq!(kinds(&error), [KeyringErrorKind::Unavailable]);
    assert!(error.is_retryable());
    assert!(seal(&keyring).await.is_err());
    assert_eq!(kms.asked(), [LOCAL; 2]);
}

#[tokio::test]
async fn asks_the_next_region_once_the_local_one_does_not_answer() {
    let kms = FakeKms::default();
    let made = sealed(&kms).await;
    kms.always_in(LOCAL, OUTAGE);
    let keyring = keyring(&kms, 3, KmsFallback::on_unavailable());
    assert_eq!(opened_in(&made, &keyring).await, NEXT);
    assert_eq!(
        kms.asked(),
        [LOCAL, NEXT],
        "no retry before there is an answer"
    );

    kms.forget();
    let sealed = seal(&keyring).await.unwrap();
    assert_eq!(kms.asked(), [LOCAL, NEXT]);
    let named = std::str::from_utf8(sealed.edks[0].provider_info()).unwrap();
    assert_eq!(named, KEY, "the replica that wrapped it");
    kms.always_in(NEXT, OUTAGE);
    kms.forget();
    assert_eq!(opened_in(&sealed, &keyring).await, LAST);
    assert_eq!(kms.asked(), [LOCAL, NEXT, LAST]);
}

#[tokio::test]
async fn keeps_every_regions_failure_and_asks_the_last_one_again() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always(OUTAGE);
    kms.always_in(NEXT, Answer::Error(500, "KMSInternalException"));
    let keyring = keyring(&kms, 2, KmsFallback::on_unavailable());
    let error = sealed.refusal(&keyring).await;
    assert_eq!(kinds(&error), [KeyringErrorKind::Unavailable; 3]);
    assert_eq!(kms.asked(), [LOCAL, NEXT, LAST, LAST]);
}

/// It began the request that both wait for, and has no attempt left after the first one fails.
#[tokio::test]
async fn does_not_share_the_end_of_another_readers_allowance() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    let keyring = keyring(&kms, 3, KmsFallback::never());
    let budget = CallBudget::of_page(1).remove(0);
    assert!((0..9).all(|_| budget.spend()), "one is left");
    kms.then([Some(Answer::Error(500, "KMSInternalException")), None]);
    let request = DecryptRequest::new(SymsigHmacSha384, &sealed.context, &sealed.edks);
    let exhausted = keyring.on_decrypt(request.within(Some(&budget)));
    let (exhausted, _) = tokio::join!(exhausted, sealed.assert_opens(&keyring));
    let error = exhausted.unwrap_err();
    assert_eq!(kinds(&error), [KeyringErrorKind::Unavailable]);
    assert_eq!(kms.calls().len(), 2);
}

/// Every class that a policy could go around and none does.
#[tokio::test]
async fn goes_nowhere_after_what_somebody_may_have_meant() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    let every = KmsFallback::on_unavailable_or_throttled().on_replica_missing();
    for code in [
        "AccessDeniedException",
        "DisabledException",
        "KMSInvalidStateException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "InvalidGrantTokenException",
        "InvalidKeyUsageException",
        "ValidationException",
        "SomethingNew",
    ] {
        kms.always_in(LOCAL, Answer::Error(400, code));
        sealed.refusal(&keyring(&kms, 3, every)).await;
        assert!(seal(&keyring(&kms, 3, every)).await.is_err());
        assert!(kms.asked().iter().all(|region| region == LOCAL), "{code}");
        let describes = kms.calls();
        let describes = describes
            .iter()
            .filter(|call| call.target.ends_with("DescribeKey"));
        let expected = if code == "KMSInvalidStateException" {
            2
        } else {
            0
        };
        assert_eq!(describes.count(), expected, "{code}");
        assert_eq!(kms.calls().len(), 2 + expected, "{code}: not retried");
        kms.forget();
    }
    kms.always_in(LOCAL, Answer::Text("{"));
    sealed.refusal(&keyring(&kms, 3, every)).await;
    assert_eq!(kms.asked(), [LOCAL]);
}

#[tokio::test]
async fn goes_around_a_missing_replica_by_its_own_switch_alone() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always_in(LOCAL, Answer::Error(400, "NotFoundException"));
    let without = KmsFallback::on_unavailable_or_throttled();
    let error = sealed.refusal(&keyring(&kms, 3, without)).await;
    assert_eq!(kinds(&error), [KeyringErrorKind::ReplicaMissing]);
    assert_eq!(kms.asked(), [LOCAL]);
    let with = KmsFallback::never().on_replica_missing();
    assert_eq!(opened_in(&sealed, &keyring(&kms, 3, with)).await, NEXT);
    kms.always_in(LOCAL, OUTAGE);
    sealed.refusal(&keyring(&kms, 1, with)).await;
}

/// Our retries take the place of the SDK's; they do not multiply.
#[tokio::test]
async fn sends_as_often_as_the_sdks_configuration_says() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    for max_attempts in 1..=4 {
        for answer in [THROTTLED, OUTAGE] {
            kms.always_in(LOCAL, answer);
            let keyring = keyring(&kms, max_attempts, KmsFallback::never());
            sealed.refusal(&keyring).await;
            assert_eq!(kms.calls().len(), max_attempts as usize);
            assert!(seal(&keyring).await.is_err());
            assert_eq!(kms.calls().len(), 2 * max_attempts as usize);
            kms.forget();
        }
    }
}

#[tokio::test]
async fn makes_four_attempts_for_an_item_whatever_the_policies_say() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always(THROTTLED);
    let every = KmsFallback::on_unavailable_or_throttled();
    let error = sealed.refusal(&keyring(&kms, 3, every)).await;
    assert_eq!(kms.asked(), [LOCAL, LOCAL, LOCAL, NEXT]);
    assert_eq!(
        kinds(&error),
        [KeyringErrorKind::Throttled; 2],
        "not: not tried"
    );
    kms.forget();
    assert!(seal(&keyring(&kms, 10, every)).await.is_err());
    assert_eq!(kms.calls().len(), 4);
}

#[tokio::test]
async fn retries_within_the_budget_of_all_requests() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always(THROTTLED);
    let budget = RetryBudget::new().capacity(3).per_second(0.0);
    let regions = regions(&kms, 3, HealthPolicy::new().retry_budget(budget));
    let keyring = KmsMrkKeyring::new(KEY, &regions).unwrap();
    for _ in 0..10 {
        sealed.refusal(&keyring).await;
    }
    assert_eq!(kms.calls().len(), 10 + 3);
}

#[tokio::test]
async fn moves_a_share_of_the_throttled_calls() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always_in(LOCAL, THROTTLED);
    let spilled = |keyring: KmsMrkKeyring| {
        let (kms, sealed) = (&kms, &sealed);
        async move {
            kms.forget();
            for _ in 0..50 {
                let _ = sealed.open(&keyring).await;
            }
            kms.asked().iter().filter(|region| *region == NEXT).count()
        }
    };
    let capped = keyring(&kms, 1, KmsFallback::on_unavailable_or_throttled());
    assert_eq!(spilled(capped).await, 1, "one a second");
    let uncapped = KmsFallback::on_unavailable_or_throttled().max_share(1.0);
    assert_eq!(
        spilled(keyring(&kms, 1, uncapped)).await,
        1,
        "a share of none that succeed by themselves"
    );
}

#[tokio::test]
async fn does_not_ask_a_region_whose_breaker_is_open() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always_in(LOCAL, OUTAGE);
    let health = HealthPolicy::new().breaker(BreakerPolicy::new().failures(3));
    let regions = regions(&kms, 1, health);
    let alone = KmsMrkKeyring::new(KEY, &regions).unwrap();
    for _ in 0..3 {
        let error = sealed.refusal(&alone).await;
        assert_eq!(kinds(&error), [KeyringErrorKind::Unavailable]);
    }
    let error = sealed.refusal(&alone).await;
    assert_eq!(kinds(&error), [KeyringErrorKind::CircuitOpen]);
    assert!(error.is_retryable() && !error.is_refusal());
    assert_eq!(kms.calls().len(), 3);

    kms.forget();
    let falls_over = alone.clone().fallback(KmsFallback::on_unavailable());
    assert_eq!(opened_in(&sealed, &falls_over).await, NEXT);
    assert_eq!(kms.asked(), [NEXT], "straight to the fallback");
}

#[tokio::test]
async fn opens_no_breaker_for_what_a_table_can_provoke() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    let health = HealthPolicy::new().breaker(BreakerPolicy::new().failures(1));
    let regions = regions(&kms, 1, health);
    let keyring = KmsMrkKeyring::new(KEY, &regions).unwrap();
    for code in [
        "InvalidCiphertextException",
        "IncorrectKeyException",
        "AccessDeniedException",
        "NotFoundException",
        "ThrottlingException",
        "ValidationException",
    ] {
        kms.always_in(LOCAL, Answer::Error(400, code));
        for _ in 0..10 {
            let error = sealed.refusal(&keyring).await;
            assert_ne!(kinds(&error), [KeyringErrorKind::CircuitOpen], "{code}");
        }
    }
    assert_eq!(kms.calls().len(), 60);
}

#[tokio::test]
async fn discovery_falls_over_for_multi_region_keys_alone() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always_in(LOCAL, OUTAGE);
    let regions = regions(&kms, 1, HealthPolicy::new());
    let filter = DiscoveryFilter::new("aws", ["111122223333"]).unwrap();
    let keyring = KmsMrkDiscoveryKeyring::new(filter, &regions).unwrap();
    let keyring = keyring.fallback(KmsFallback::on_unavailable());
    sealed.assert_opens(&keyring).await;
    assert_eq!(kms.asked(), [LOCAL, NEXT]);
    let single = "arn:aws:kms:eu-west-1:111122223333:key/single";
    sealed.with_info(0, single).refusal(&keyring).await;
    assert_eq!(kms.asked(), [LOCAL, NEXT, LOCAL]);
}

/// The kill switch: what one recipient's owner refuses, the next recipient may open, but no other region.
#[tokio::test]
async fn a_refusal_in_a_fallback_region_is_final_too() {
    let kms = FakeKms::default();
    let sealed = sealed(&kms).await;
    kms.always_in(LOCAL, OUTAGE);
    kms.always_in(NEXT, Answer::Error(400, "DisabledException"));
    let keyring = Arc::new(keyring(&kms, 3, KmsFallback::on_unavailable()));
    let error = sealed.refusal(&*keyring).await;
    assert_eq!(kms.asked(), [LOCAL, NEXT]);
    assert!(error.is_refusal(), "{error}");
    let several = MultiKeyring::new(Arc::clone(&keyring)).child(keyring);
    let error = sealed.refusal(&several.stop_on_denied()).await;
    assert!(error.is_refusal());
    assert_eq!(
        kms.asked(),
        [LOCAL, NEXT, LOCAL, NEXT],
        "the second child is not asked"
    );
}
