//! Entries near their end.

use super::*;

/// A cache with an entry of value 1 that is due, and a service that brings 2 next.
async fn due(service: &Arc<Service>, limits: Limits) -> (TestClock, Numbers) {
    let clock = TestClock::new();
    let cache = cache(limits, &clock);
    if service.gate.is_some() {
        service.answer();
    }
    assert_eq!(ask(&cache, "a", service).await, Ok(1));
    clock.advance(limits.ttl / 20 * 19);
    (clock, cache)
}

#[tokio::test]
async fn hands_out_the_present_value_and_replaces_it_in_the_background() {
    let service = Service::slow();
    let (clock, cache) = due(&service, Limits::new(10, TTL)).await;
    for _ in 0..10 {
        assert_eq!(ask(&cache, "a", &service).await, Ok(1));
        settle().await;
        clock.advance(SECOND / 4);
    }
    assert_eq!(service.asked(), 2, "one refresh at a time");
    service.answer();
    settle().await;
    clock.advance(4 * SECOND);
    assert_eq!(ask(&cache, "a", &service).await, Ok(2), "a life of its own");
    assert_eq!(service.asked(), 2);
}

#[tokio::test]
async fn refreshes_not_before_80_percent_and_never_what_is_idle() {
    let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
    let cache = cache(Limits::new(1000, TTL), &clock);
    for key in 0..200 {
        clock.advance(Duration::from_micros(1));
        ask(&cache, &key.to_string(), &service).await.unwrap();
    }
    let mut refreshed = Vec::new();
    for part in [79, 2, 7] {
        clock.advance(part * SECOND);
        for key in 0..200 {
            ask(&cache, &key.to_string(), &service).await.unwrap();
        }
        settle().await;
        refreshed.push(service.asked() - 200);
    }
    assert_eq!(refreshed[0], 0);
    let spread = "the points differ";
    assert!(
        refreshed[1] < refreshed[2] && refreshed[2] < 200,
        "{spread}"
    );
    clock.advance(11 * SECOND);
    settle().await;
    assert_eq!(service.asked() - 200, refreshed[2], "nobody asked");
}

#[tokio::test]
async fn keeps_an_entry_until_its_own_end_when_refreshes_fail() {
    let service = Arc::new(Service::default());
    let (clock, cache) = due(&service, Limits::new(10, 10 * TTL)).await;
    service.fail(Failed::Trouble);
    for _ in 0..50 {
        assert_eq!(ask(&cache, "a", &service).await, Ok(1));
        settle().await;
        clock.advance(SECOND);
    }
    assert_eq!(service.asked(), 1 + 5, "a pause of ten seconds");
    let failed = Err(Failed::Trouble);
    assert_eq!(ask(&cache, "a", &service).await, failed, "no longer");
}

#[tokio::test]
async fn drops_an_entry_at_once_when_its_refresh_is_refused() {
    let service = Arc::new(Service::default());
    let (_clock, cache) = due(&service, Limits::new(10, TTL)).await;
    service.fail(Failed::Refused);
    assert_eq!(ask(&cache, "a", &service).await, Ok(1));
    settle().await;
    assert_eq!(cache.get(&"a".to_owned()), None);
}

#[tokio::test]
async fn keeps_no_refreshed_value_that_was_asked_for_before_a_flush() {
    let service = Service::slow();
    let (_clock, cache) = due(&service, Limits::new(10, TTL)).await;
    assert_eq!(ask(&cache, "a", &service).await, Ok(1));
    settle().await;
    cache.flush();
    service.answer();
    settle().await;
    assert_eq!(service.asked(), 2);
    assert_eq!(cache.get(&"a".to_owned()), None);
}

#[tokio::test]
async fn lets_those_who_come_after_the_end_join_the_refresh() {
    let service = Service::slow();
    let (clock, cache) = due(&service, Limits::new(10, TTL)).await;
    assert_eq!(ask(&cache, "a", &service).await, Ok(1));
    settle().await;
    clock.advance(5 * SECOND);
    let mut late = Box::pin(ask(&cache, "a", &service));
    assert!(late.as_mut().now_or_never().is_none());
    service.answer();
    assert_eq!(late.await, Ok(2));
    assert_eq!(service.asked(), 2);
}

#[tokio::test]
async fn refreshes_ahead_when_few_uses_are_left() {
    let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
    let cache = cache(Limits::new(10, TTL).uses(100), &clock);
    for _ in 0..96 {
        assert_eq!(ask(&cache, "a", &service).await, Ok(1));
    }
    settle().await;
    assert_eq!(ask(&cache, "a", &service).await, Ok(2));
    assert_eq!(service.asked(), 2);
}

#[tokio::test]
async fn refreshes_nothing_where_the_limits_say_so() {
    let service = Arc::new(Service::default());
    let limits = Limits::new(10, TTL).uses(100).without_refresh();
    let (clock, cache) = due(&service, limits).await;
    for _ in 1..100 {
        assert_eq!(ask(&cache, "a", &service).await, Ok(1));
        settle().await;
    }
    assert_eq!(service.asked(), 1);
    assert_eq!(ask(&cache, "a", &service).await, Ok(2), "used up");
    clock.advance(TTL);
    assert_eq!(ask(&cache, "a", &service).await, Ok(3), "over");
}

/// Futures that are polled outside of any runtime.
mod without_a_runtime {
    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> T {
        assert!(Handle::try_current().is_err());
        future.now_or_never().unwrap()
    }

    #[test]
    fn waits_for_the_refresh() {
        let service = Arc::new(Service::default());
        let (_clock, cache) = now(due(&service, Limits::new(10, TTL)));
        assert_eq!(now(ask(&cache, "a", &service)), Ok(2));
        assert_eq!(now(ask(&cache, "a", &service)), Ok(2));
    }

    #[test]
    fn falls_back_on_the_present_value_when_the_refresh_fails() {
        let service = Arc::new(Service::default());
        let (clock, cache) = now(due(&service, Limits::new(10, TTL)));
        service.fail(Failed::Trouble);
        for _ in 0..5 {
            assert_eq!(now(ask(&cache, "a", &service)), Ok(1));
            clock.advance(SECOND);
        }
        assert_eq!(service.asked(), 2);
        now(ask(&cache, "a", &service)).unwrap_err();
    }

    #[test]
    fn fails_when_the_refresh_is_refused() {
        let service = Arc::new(Service::default());
        let (_clock, cache) = now(due(&service, Limits::new(10, TTL)));
        let refused = Failed::Refused;
        service.fail(refused);
        assert_eq!(now(ask(&cache, "a", &service)), Err(refused));
        assert_eq!(cache.get(&"a".to_owned()), None);
    }

    #[test]
    fn starts_a_refresh_again_that_was_dropped() {
        let service = Service::slow();
        let (clock, cache) = now(due(&service, Limits::new(10, 10 * TTL)));
        assert!(ask(&cache, "a", &service).now_or_never().is_none());
        clock.advance(9 * SECOND);
        assert_eq!(now(ask(&cache, "a", &service)), Ok(1), "a pause");
        clock.advance(SECOND);
        service.answer();
        assert_eq!(now(ask(&cache, "a", &service)), Ok(3));
    }
}
