//! The store against a model that searches a list.

mod model;

use std::sync::Weak;

use proptest::prelude::{Just, Strategy, any, proptest};
use proptest::{collection, option, prop_assert, prop_assert_eq, prop_oneof};

use self::model::Model;
use super::*;
use crate::cache::test_support::TestClock;

type Value = Arc<u64>;

#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Insert(u8, Coming),
    Begin(u8),
    /// Of the loads under way, which one; with its value, or a failure, refused or not.
    Land(usize, Coming, bool),
    Fail(usize, bool),
    ClaimAgain,
    Flush,
    Advance(u64),
    Suspend(u64),
    SetBack(u64),
}

#[derive(Clone, Copy, Debug)]
struct Coming {
    bytes: usize,
    valid_for: Option<u64>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0u8..5;
    let coming = || {
        let parts = (0usize..12, option::of(0u64..40));
        parts.prop_map(|(bytes, valid_for)| Coming { bytes, valid_for })
    };
    let step = prop_oneof![
        4 => key().prop_map(Step::Get),
        3 => (key(), coming()).prop_map(|(key, coming)| Step::Insert(key, coming)),
        2 => key().prop_map(Step::Begin),
        2 => (0usize..4, coming(), any::<bool>()).prop_map(|(i, c, b)| Step::Land(i, c, b)),
        1 => (0usize..4, any::<bool>()).prop_map(|(i, refused)| Step::Fail(i, refused)),
        1 => Just(Step::ClaimAgain),
        1 => Just(Step::Flush),
        3 => (0u64..12).prop_map(Step::Advance),
        1 => (0u64..12).prop_map(Step::Suspend),
        1 => (0u64..4).prop_map(Step::SetBack),
    ];
    collection::vec(step, 0..80)
}

fn limits() -> impl Strategy<Value = Limits> {
    let parts = (
        0usize..4,
        option::of(0usize..20),
        0u64..30,
        option::of(1u64..4),
    );
    parts.prop_map(|(entries, bytes, ttl, uses)| Limits {
        entries,
        bytes,
        ttl: Duration::from_secs(ttl),
        uses,
        refreshes: true,
    })
}

/// The store beside its model, and everything that was ever in it.
struct Both {
    store: Store<u8, Value>,
    model: Model,
    clock: TestClock,
    loads: Vec<(u8, Ticket, Moment, u64)>,
    landed: Option<(u8, Held<Value>)>,
    made: Vec<Weak<u64>>,
    handed_out: Vec<u64>,
}

impl Both {
    fn new(limits: Limits) -> Self {
        Self {
            store: Store::new(limits),
            model: Model::new(limits),
            clock: TestClock::new(),
            loads: Vec::new(),
            landed: None,
            made: Vec::new(),
            handed_out: Vec::new(),
        }
    }

    fn make(&mut self, coming: Coming) -> (u64, Loaded<Value>) {
        let id = u64::try_from(self.made.len()).unwrap();
        let value = Arc::new(id);
        self.made.push(Arc::downgrade(&value));
        self.handed_out.push(0);
        let loaded = Loaded {
            value,
            valid_for: coming.valid_for.map(Duration::from_secs),
            bytes: coming.bytes,
        };
        (id, loaded)
    }

    fn hand_out(&mut self, id: u64) {
        self.handed_out[usize::try_from(id).unwrap()] += 1;
    }

    /// What the store says and what the model says.
    fn take(&mut self, step: &Step) -> (Option<u64>, Option<u64>) {
        let now = self.clock.now();
        let arrival = |began| Arrival {
            began,
            now,
            jitter: 7,
        };
        match *step {
            Step::Get(key) => {
                self.store.sweep(now);
                let found = self.store.claim(&key, now).map(|held| *held.value);
                found.into_iter().for_each(|id| self.hand_out(id));
                (found, self.model.get(key))
            }
            Step::Insert(key, coming) => {
                let (id, loaded) = self.make(coming);
                self.store.insert(Arc::new(key), loaded, arrival(now));
                self.model.insert(key, id, coming);
                (None, None)
            }
            Step::Begin(key) => {
                let ticket = self.store.begin(Arc::new(key));
                let load = (key, ticket, now, self.model.begin(key));
                self.loads.push(load);
                (None, None)
            }
            Step::Land(nth, coming, claims) if nth < self.loads.len() => {
                let (key, ticket, began, load) = self.loads.remove(nth);
                let (id, loaded) = self.make(coming);
                let (shared, from) = (Arc::new(key), arrival(began));
                let held = self.store.land(shared, ticket, loaded, from, claims);
                self.model.land(key, load, id, coming, claims);
                if claims {
                    self.hand_out(id);
                }
                self.landed = Some((key, held));
                (None, None)
            }
            Step::Fail(nth, refused) if nth < self.loads.len() => {
                let (key, ticket, _, load) = self.loads.remove(nth);
                self.store.fail(&key, ticket, refused, now);
                self.model.fail(key, load, refused);
                (None, None)
            }
            Step::ClaimAgain => {
                let Some((key, held)) = self.landed.take() else {
                    return (None, None);
                };
                let id = *held.value;
                let claimed = self.store.claim_again(&key, &held).then_some(id);
                claimed.into_iter().for_each(|id| self.hand_out(id));
                (claimed, self.model.claim_again(id))
            }
            Step::Flush => {
                self.store.flush();
                self.model.flush();
                (None, None)
            }
            ref time => {
                self.pass(time);
                (None, None)
            }
        }
    }

    fn pass(&mut self, step: &Step) {
        let (wall, steady) = match *step {
            Step::Advance(by) => {
                self.clock.advance(Duration::from_secs(by));
                (i64::try_from(by).unwrap(), by)
            }
            Step::Suspend(by) => {
                self.clock.suspend(Duration::from_secs(by));
                (i64::try_from(by).unwrap(), 0)
            }
            Step::SetBack(by) => {
                self.clock.set_back(Duration::from_secs(by));
                (-i64::try_from(by).unwrap(), 0)
            }
            _ => (0, 0),
        };
        self.model.pass(wall, steady);
    }

    /// Values that are still somewhere in memory, but for one that a test holds.
    fn alive(&self) -> Vec<u64> {
        let made = self.made.iter().filter_map(Weak::upgrade);
        let held = self.landed.as_ref().map(|(_, held)| *held.value);
        let in_model = |id: &u64| self.model.ids().contains(id);
        made.map(|value| *value)
            .filter(|id| held != Some(*id) || in_model(id))
            .collect()
    }
}

proptest! {
    #[test]
    fn keeps_what_the_model_keeps_and_not_a_value_more(limits in limits(), steps in steps()) {
        let mut both = Both::new(limits);
        for step in &steps {
            let (store, model) = both.take(step);
            prop_assert_eq!(store, model, "{:?}", step);
            drop(both.store.take_removed());
            prop_assert_eq!(both.alive(), both.model.ids(), "{:?}", step);

            let store = &both.store;
            let sizes = [store.by_use.len(), store.by_wall_end.len(), store.by_steady_end.len()];
            prop_assert_eq!(sizes, [store.len(); 3]);
            prop_assert!(store.len() <= limits.entries);
            prop_assert_eq!(store.bytes, store.entries.values().map(|entry| entry.bytes).sum::<usize>());
            prop_assert!(limits.bytes.is_none_or(|bound| store.bytes <= bound));
        }
        let most = limits.uses.unwrap_or(u64::MAX);
        prop_assert!(both.handed_out.iter().all(|times| *times <= most));
    }
}

fn arrival(clock: &TestClock) -> Arrival {
    let now = clock.now();
    Arrival {
        began: now,
        now,
        jitter: 0,
    }
}

fn loaded(value: u64) -> Loaded<u64> {
    Loaded {
        value,
        valid_for: None,
        bytes: 1,
    }
}

const TTL: Duration = Duration::from_secs(100);

#[test]
fn says_once_per_pause_that_an_entry_is_to_be_refreshed() {
    let clock = TestClock::new();
    let mut store = Store::new(Limits::new(10, TTL));
    store.insert(Arc::new("key"), loaded(1), arrival(&clock));
    let mut starts = Vec::new();
    for second in 0..100 {
        if store.starts_refresh(&"key", clock.now()) {
            starts.push(second);
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(starts, [80, 85, 90, 95]);
    store.sweep(clock.now());
    assert!(!store.starts_refresh(&"key", clock.now()));
}

#[test]
fn pauses_from_the_failure_on() {
    let clock = TestClock::new();
    let mut store = Store::new(Limits::new(10, TTL));
    store.insert(Arc::new("key"), loaded(1), arrival(&clock));
    clock.advance(Duration::from_secs(80));
    assert!(store.starts_refresh(&"key", clock.now()));
    let ticket = store.begin(Arc::new("key"));
    clock.advance(Duration::from_secs(4));
    store.fail(&"key", ticket, false, clock.now());
    clock.advance(Duration::from_secs(4));
    assert!(!store.starts_refresh(&"key", clock.now()));
    clock.advance(Duration::from_secs(1));
    assert!(store.starts_refresh(&"key", clock.now()));
}

#[test]
fn refreshes_when_fewer_than_a_twentieth_of_the_uses_are_left() {
    let clock = TestClock::new();
    let mut store = Store::new(Limits::new(10, TTL).uses(100));
    store.insert(Arc::new("key"), loaded(1), arrival(&clock));
    let mut claims = 0;
    while !store.starts_refresh(&"key", clock.now()) {
        assert!(store.claim(&"key", clock.now()).is_some());
        claims += 1;
    }
    assert_eq!(claims, 96);
}

#[test]
fn drops_everything_when_the_wall_clock_is_set_back_step_by_step() {
    let clock = TestClock::new();
    let mut store = Store::new(Limits::new(10, TTL));
    store.insert(Arc::new("key"), loaded(1), arrival(&clock));
    clock.advance(Duration::from_secs(50));
    store.sweep(clock.now());
    clock.set_back(Duration::from_millis(600));
    store.sweep(clock.now());
    assert_eq!(store.len(), 1, "disorder of readings");
    clock.set_back(Duration::from_millis(600));
    assert!(store.claim(&"key", clock.now()).is_none());
    store.sweep(clock.now());
    assert_eq!(store.len(), 0);
    store.insert(Arc::new("key"), loaded(2), arrival(&clock));
    store.sweep(clock.now());
    assert_eq!(store.len(), 1, "time goes on from where it was set to");
}

#[test]
fn takes_a_reading_that_comes_late_for_what_it_is() {
    let clock = TestClock::new();
    let mut store = Store::new(Limits::new(10, TTL));
    let early = clock.now();
    clock.advance(Duration::from_secs(30));
    store.insert(Arc::new("key"), loaded(1), arrival(&clock));
    store.sweep(early);
    assert_eq!(store.len(), 1);
}
