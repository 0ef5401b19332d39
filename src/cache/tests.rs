//! What a cache promises to those who share it.

mod refresh;
mod shared;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use super::test_support::TestClock;
use super::*;
use crate::observe;

const TTL: Duration = Duration::from_secs(100);
const SECOND: Duration = Duration::from_secs(1);

/// A failed load.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failed {
    Trouble,
    Refused,
    OfOne,
}

impl Refusal for Failed {
    fn refuses(&self) -> bool {
        *self == Self::Refused
    }

    fn is_of_one(&self) -> bool {
        *self == Self::OfOne
    }
}

type Numbers = Cache<String, Arc<u64>, Failed>;

/// Hands out 1, 2, 3 and so on, each when it may, or else fails.
#[derive(Default)]
struct Service {
    asked: AtomicU64,
    fails: Mutex<Option<Failed>>,
    gate: Option<Semaphore>,
}

impl Service {
    /// Answers only when it is let.
    fn slow() -> Arc<Self> {
        let gate = Some(Semaphore::new(0));
        Arc::new(Self {
            gate,
            ..Self::default()
        })
    }

    fn answer(&self) {
        self.gate.as_ref().unwrap().add_permits(1);
    }

    fn fail(&self, with: impl Into<Option<Failed>>) {
        *self.fails.lock().unwrap() = with.into();
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn load(self: Arc<Self>) -> Result<Loaded<Arc<u64>>, Failed> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(gate) = &self.gate {
            gate.acquire().await.unwrap().forget();
        }
        if let Some(failed) = *self.fails.lock().unwrap() {
            return Err(failed);
        }
        Ok(loaded(nth))
    }
}

fn loaded(value: u64) -> Loaded<Arc<u64>> {
    Loaded {
        value: Arc::new(value),
        valid_for: None,
        bytes: 1,
    }
}

fn cache(limits: Limits, clock: &TestClock) -> Numbers {
    Cache::new("numbers", limits, clock.clock(), Observers::default())
}

async fn ask(cache: &Numbers, key: &str, service: &Arc<Service>) -> Result<u64, Failed> {
    let load = || Arc::clone(service).load();
    let cached = cache.get_or_load(&key.to_owned(), load).await?;
    Ok(*cached.value)
}

/// Until the tasks of a current-thread runtime have nothing to do.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn loads_once_until_the_end_by_either_clock() {
    let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
    let cache = cache(Limits::new(10, TTL), &clock);
    let ends: [&dyn Fn(); 3] = [&|| clock.advance(TTL), &|| clock.suspend(TTL), &|| {
        clock.set_back(2 * SECOND);
    }];
    for (nth, end) in (1..).zip(ends) {
        assert_eq!(ask(&cache, "a", &service).await, Ok(nth));
        assert_eq!(ask(&cache, "a", &service).await, Ok(nth));
        end();
    }
    assert_eq!(ask(&cache, "a", &service).await, Ok(4));
    assert_eq!(service.asked(), 4);
}

#[tokio::test]
async fn ends_with_what_the_value_was_made_of_and_says_what_is_left() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL), &clock);
    let load = || {
        let clock = clock.clone();
        async move {
            clock.advance(3 * SECOND);
            let valid_for = Some(10 * SECOND);
            Ok(Loaded {
                valid_for,
                ..loaded(1)
            })
        }
    };
    let key = "a".to_owned();
    let first = cache.get_or_load(&key, load).await.unwrap();
    assert_eq!(first.valid_for, 7 * SECOND);
    clock.advance(4 * SECOND);
    let second = cache.get(&key).unwrap();
    assert_eq!(second.valid_for, 3 * SECOND);
    clock.advance(3 * SECOND);
    assert_eq!(cache.get(&key), None);
}

#[tokio::test]
async fn hands_out_and_does_not_keep_what_took_its_whole_life_to_load() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL), &clock);
    let load = || {
        let clock = clock.clone();
        async move {
            clock.advance(TTL);
            Ok(loaded(1))
        }
    };
    let key = "a".to_owned();
    let cached = cache.get_or_load(&key, load).await.unwrap();
    assert_eq!((*cached.value, cached.valid_for), (1, Duration::ZERO));
    assert_eq!(cache.get(&key), None);
}

#[tokio::test]
async fn shares_no_error_with_those_who_come_later() {
    let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
    let cache = cache(Limits::new(10, TTL), &clock);
    for failed in [Failed::Trouble, Failed::Refused, Failed::OfOne] {
        service.fail(failed);
        assert_eq!(ask(&cache, "a", &service).await, Err(failed));
    }
    service.fail(None);
    assert_eq!(ask(&cache, "a", &service).await, Ok(4));
}

#[tokio::test]
async fn hands_out_and_does_not_keep_what_is_larger_than_the_bound() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL).bytes(100), &clock);
    for (bytes, kept) in [(101, false), (100, true)] {
        let load = || ready(Ok(Loaded { bytes, ..loaded(1) }));
        let key = bytes.to_string();
        let cached = cache.get_or_load(&key, load).await.unwrap();
        assert_eq!(*cached.value, 1);
        assert_eq!(cache.get(&key).is_some(), kept);
    }
}

#[test]
fn drops_what_was_used_least_recently() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(2, TTL), &clock);
    for key in ["a", "b"] {
        cache.insert(key.to_owned(), loaded(1));
    }
    assert!(cache.get(&"a".to_owned()).is_some());
    cache.insert("c".to_owned(), loaded(1));
    let kept = ["a", "b", "c"].map(|key| cache.get(&key.to_owned()).is_some());
    assert_eq!(kept, [true, false, true]);
}

#[test]
fn wipes_what_has_expired_at_the_next_look_for_any_key() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL), &clock);
    let looks: [&dyn Fn(); 2] = [
        &|| assert_eq!(cache.get(&"other".to_owned()), None),
        &|| cache.insert("other".to_owned(), loaded(2)),
    ];
    for look in looks {
        let value = loaded(1);
        let kept = Arc::downgrade(&value.value);
        cache.insert("a".to_owned(), value);
        clock.advance(TTL);
        assert!(kept.upgrade().is_some());
        look();
        assert!(kept.upgrade().is_none());
    }
}

#[test]
fn drops_everything_when_told() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL), &clock);
    let values: Vec<_> = (0..3)
        .map(|nth| {
            let value = loaded(nth);
            let kept = Arc::downgrade(&value.value);
            cache.insert(nth.to_string(), value);
            kept
        })
        .collect();
    let kept = || {
        let kept = values.iter().map(|value| value.upgrade().is_some());
        kept.collect::<Vec<_>>()
    };
    assert_eq!(kept(), [true; 3]);
    cache.flush();
    assert_eq!(kept(), [false; 3]);
}

#[tokio::test]
async fn tells_of_each_lookup_once() {
    let (clock, service) = (TestClock::new(), Arc::new(Service::default()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let observer = {
        let told = Arc::clone(&told);
        observe::from_fn(move |event: &Event<'_>| {
            if let Event::Cache(event) = event {
                assert_eq!(event.cache, "numbers");
                told.lock().unwrap().push(event.hit);
            }
        })
    };
    let observers = Observers::new(vec![Arc::new(observer)]);
    let cache = Numbers::new("numbers", Limits::new(10, TTL), clock.clock(), observers);
    assert_eq!(cache.get(&"a".to_owned()), None);
    ask(&cache, "a", &service).await.unwrap();
    ask(&cache, "a", &service).await.unwrap();
    assert!(cache.get(&"a".to_owned()).is_some());
    service.fail(Failed::Refused);
    ask(&cache, "b", &service).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), [false, false, true, true, false]);
}

#[test]
fn shows_neither_keys_nor_values() {
    let clock = TestClock::new();
    let cache = cache(Limits::new(10, TTL), &clock);
    cache.insert("secret".to_owned(), loaded(4711));
    assert_eq!(
        format!("{cache:?}"),
        r#"Cache { name: "numbers", entries: 1, .. }"#
    );
}
