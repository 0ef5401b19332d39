//! Several who want the same at the same time.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn loads_a_cold_key_once_for_all_who_come_on_several_threads() {
    for _ in 0..50 {
        let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
        let cache = cache(Limits::new(10, TTL), &clock);
        let mut tasks = JoinSet::new();
        for _ in 0..100 {
            let (cache, service) = (cache.clone(), Arc::clone(&service));
            tasks.spawn(async move { ask(&cache, "a", &service).await });
        }
        assert!(tasks.join_all().await.iter().all(|value| *value == Ok(1)));
        assert_eq!(service.asked(), 1);
    }
}

/// Between its look into the cache and its load.
#[tokio::test]
async fn finds_what_came_in_just_before_it_would_load() {
    let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
    let cache = cache(Limits::new(10, TTL), &clock);
    let key = "a".to_owned();
    assert!(cache.look_up(&key).0.is_none());
    ask(&cache, "a", &service).await.unwrap();
    let purpose = Purpose {
        refresh: false,
        awaited: true,
    };
    let load = || Arc::clone(&service).load();
    let (seat, unused) = cache.board(&key, load, purpose);
    let landed = seat.landed().await.unwrap();
    assert!(landed.found && unused.is_none());
    assert_eq!((*landed.held.value, service.asked()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hands_out_no_entry_more_often_than_it_may_be() {
    for uses in [1, 7, 150, 5000] {
        let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
        let cache = cache(Limits::new(10, TTL).uses(uses), &clock);
        let mut tasks = JoinSet::new();
        for _ in 0..1000 {
            let (cache, service) = (cache.clone(), Arc::clone(&service));
            tasks.spawn(async move {
                let first = ask(&cache, "a", &service).await.unwrap();
                tokio::task::yield_now().await;
                [first, ask(&cache, "a", &service).await.unwrap()]
            });
        }
        let mut times = BTreeMap::new();
        for value in tasks.join_all().await.into_iter().flatten() {
            *times.entry(value).or_insert(0) += 1;
        }
        assert_eq!(times.values().sum::<u64>(), 2000);
        assert!(times.values().all(|times| *times <= uses), "{times:?}");
        // A refresh ahead of time gives up the rest, which is less than a twentieth.
        let most = 2000_u64.div_ceil(uses - uses / 20) + 1;
        assert!(service.asked() <= most, "{} loads", service.asked());
    }
}

#[tokio::test]
async fn counts_everybody_who_waits_for_a_load() {
    let (clock, service) = (TestClock::new(), Service::slow());
    let cache = cache(Limits::new(10, TTL).uses(3), &clock);
    let asked = join_all((0..10).map(|_| ask(&cache, "a", &service)));
    let answers = async {
        for _ in 0..4 {
            settle().await;
            service.answer();
        }
    };
    let (values, ()) = tokio::join!(asked, answers);
    let mut values: Vec<_> = values.into_iter().map(Result::unwrap).collect();
    values.sort_unstable();
    assert_eq!(values, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
    assert_eq!(service.asked(), 4);
    assert_eq!(
        cache.get(&"a".to_owned()).map(|cached| *cached.value),
        Some(4)
    );
}

#[tokio::test]
async fn drops_at_once_what_is_used_up() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL).uses(2), &clock);
    let value = loaded(1);
    let kept = Arc::downgrade(&value.value);
    cache.insert("a".to_owned(), value);
    drop(cache.get(&"a".to_owned()));
    assert!(kept.upgrade().is_some());
    drop(cache.get(&"a".to_owned()));
    assert!(kept.upgrade().is_none());
}

#[tokio::test]
async fn hands_over_when_the_first_is_dropped_and_keeps_the_value() {
    let (clock, service) = (TestClock::new(), Service::slow());
    let cache = cache(Limits::new(10, TTL), &clock);
    let mut first = Box::pin(ask(&cache, "a", &service));
    assert!(first.as_mut().now_or_never().is_none());
    let mut second = Box::pin(ask(&cache, "a", &service));
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    service.answer();
    assert_eq!(second.await, Ok(1));
    assert_eq!(ask(&cache, "a", &service).await, Ok(1));
}

#[tokio::test]
async fn shares_an_error_among_those_who_wait_for_it() {
    let (clock, service) = (TestClock::new(), Service::slow());
    let cache = cache(Limits::new(10, TTL), &clock);
    service.fail(Failed::Trouble);
    let asked = join_all((0..10).map(|_| ask(&cache, "a", &service)));
    let answer = settle().map(|()| service.answer());
    let (asked, ()) = tokio::join!(asked, answer);
    assert!(asked.iter().all(Result::is_err));
    assert_eq!(service.asked(), 1);
}

/// What is told to forget a key while it is loaded.
fn forgetting() -> [fn(&Numbers); 2] {
    [Cache::flush, |cache| {
        cache.insert("a".to_owned(), loaded(100));
    }]
}

#[tokio::test]
async fn keeps_no_value_whose_load_began_before_it_was_told_to_forget() {
    for (forget, kept) in forgetting().into_iter().zip([None, Some(100)]) {
        let (clock, service) = (TestClock::new(), Service::slow());
        let cache = cache(Limits::new(10, TTL), &clock);
        let mut waiting = Box::pin(ask(&cache, "a", &service));
        assert!(waiting.as_mut().now_or_never().is_none());
        forget(&cache);
        service.answer();
        assert_eq!(waiting.await, Ok(1), "who waited gets it");
        let found = cache.get(&"a".to_owned()).map(|cached| *cached.value);
        assert_eq!(found, kept);
    }
}

#[tokio::test]
async fn lets_nobody_join_a_load_that_began_before_it_was_told_to_forget() {
    // What is put in here is over at once, so that a look comes to load.
    let over = |cache: &Numbers| {
        let valid_for = Some(Duration::ZERO);
        let value = Loaded {
            valid_for,
            ..loaded(100)
        };
        cache.insert("a".to_owned(), value);
    };
    let forgetting: [&dyn Fn(&Numbers); 2] = [&Cache::flush, &over];
    for forget in forgetting {
        let (clock, service) = (TestClock::new(), Service::slow());
        let cache = cache(Limits::new(10, TTL), &clock);
        let mut before = Box::pin(ask(&cache, "a", &service));
        assert!(before.as_mut().now_or_never().is_none());
        forget(&cache);
        let mut after = Box::pin(ask(&cache, "a", &service));
        assert!(after.as_mut().now_or_never().is_none());
        service.answer();
        assert_eq!(before.await, Ok(1));
        service.answer();
        assert_eq!(after.await, Ok(2));
        assert_eq!(ask(&cache, "a", &service).await, Ok(2));
    }
}

#[tokio::test]
async fn keeps_no_value_whose_load_began_before_the_wall_clock_was_set_back() {
    let (clock, service) = (TestClock::new(), Service::slow());
    let cache = cache(Limits::new(10, TTL), &clock);
    clock.advance(SECOND);
    let mut waiting = Box::pin(ask(&cache, "a", &service));
    assert!(waiting.as_mut().now_or_never().is_none());
    clock.set_back(10 * SECOND);
    service.answer();
    assert_eq!(waiting.await, Ok(1));
    assert_eq!(cache.get(&"a".to_owned()), None);
}

/// However many of them fail, each for itself.
#[tokio::test]
async fn tells_nobody_a_failure_that_is_only_of_whoever_began() {
    let (clock, service) = (TestClock::new(), Service::slow());
    let cache = cache(Limits::new(10, TTL), &clock);
    let exhausted = async || {
        let load = || {
            let service = Arc::clone(&service);
            async move { service.load().await.and(Err(Failed::OfOne)) }
        };
        let key = "a".to_owned();
        cache
            .get_or_load(&key, load)
            .await
            .map(|cached| *cached.value)
    };
    let others = join_all((0..20).map(|_| ask(&cache, "a", &service)));
    let asked = async { tokio::join!(exhausted(), exhausted(), exhausted(), others) };
    let answers = async {
        for _ in 0..4 {
            settle().await;
            service.answer();
        }
    };
    let ((first, second, third, others), ()) = tokio::join!(asked, answers);
    let exhausted = [first, second, third];
    let failed = exhausted
        .iter()
        .filter(|found| **found == Err(Failed::OfOne));
    // One that comes late finds what another has loaded.
    assert!(failed.count() >= 1);
    assert!(others.iter().all(Result::is_ok), "{others:?}");
}
