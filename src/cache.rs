//! One small cache for keys, opened items and what was said of keys: bounded, expiring by two clocks, one
//! load per key at a time.
//!
//! Our own, because a secret must go when its time is over by a clock that we choose, and not at some
//! later maintenance.

pub(crate) mod clock;
pub(crate) mod flight;
mod limits;
mod refusal;
mod shelf;
mod store;
#[cfg(test)]
pub(crate) mod test_support;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
use tokio::runtime::Handle;

pub(crate) use self::clock::Clock;
use self::flight::{Flights, Seat};
pub(crate) use self::limits::Limits;
pub(crate) use self::refusal::Refusal;
use self::shelf::{Load, Shelf, jitter};
use self::store::{Arrival, Held, Store};
use crate::observe::{CacheEvent, Event, Observers};

/// Keeps what was loaded, for a while. Clones share it.
///
/// Where it is secret, `V` is a shared pointer to something that wipes itself when the last one goes: the
/// cache drops its own as soon as it meets it expired, used up, refused or crowded out, and those who hold
/// one keep it.
///
/// * An entry lives as long as the cache's TTL and the loaded value allow, from before the load began, and
///   never longer: a refresh that fails does not extend it. It ends when the wall clock or the monotonic
///   clock says so. When the wall clock is set back, everything ends.
/// * What has expired is dropped by the next look into the cache or insertion, whichever key it is for.
/// * Somebody who meets an entry near its end gets it at once, and starts a refresh in the background, if the
///   limits do not say otherwise.
/// * Errors are shared by those who wait for the same load, but for those that are of whoever began it alone, and
///   not kept.
pub(crate) struct Cache<K, V, E>(Arc<Inner<K, V, E>>);

struct Inner<K, V, E> {
    name: &'static str,
    clock: Clock,
    observers: Observers,
    shelf: Shelf<K, V>,
    flights: Flights<K, Result<Landed<V>, E>>,
}

/// What a load makes of a key.
pub(crate) struct Loaded<V> {
    pub(crate) value: V,
    /// How long it holds by what it was made of, from before it was loaded; `None` is no bound.
    pub(crate) valid_for: Option<Duration>,
    /// What it counts against [`Limits::bytes`].
    pub(crate) bytes: usize,
}

/// What a cache hands out.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Cached<V> {
    pub(crate) value: V,
    /// What is left of its time. Nothing is left if it took as long to load: then whoever waited for it
    /// gets it, and nobody else.
    pub(crate) valid_for: Duration,
}

#[derive(Clone)]
struct Landed<V> {
    held: Held<V>,
    /// Nothing was loaded: somebody else had been faster.
    found: bool,
}

type Waiting<K, V, E> = Seat<K, Result<Landed<V>, E>>;

/// What a load is for.
#[derive(Clone, Copy)]
struct Purpose {
    /// The entry that is there is to be replaced.
    refresh: bool,
    /// Whoever begins the load waits for it.
    awaited: bool,
}

impl<K, V, E> Cache<K, V, E>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Refusal + Clone + Send + Sync + 'static,
{
    /// An empty one. Events call it by `name`.
    pub(crate) fn new(
        name: &'static str,
        limits: Limits,
        clock: Clock,
        observers: Observers,
    ) -> Self {
        Self(Arc::new(Inner {
            name,
            clock,
            observers,
            shelf: Shelf::new(limits),
            flights: Flights::new(),
        }))
    }

    /// The value of a key: the one that is there, or else the one that `load` brings, which all who want it
    /// at that time share.
    ///
    /// `load` is called for a refresh as well. The future that it makes is carried on by whoever waits for
    /// it, or else in the background of the Tokio runtime; where there is none, a refresh is waited for.
    ///
    /// # Errors
    ///
    /// Those of the load.
    pub(crate) async fn get_or_load<L, F>(&self, key: &K, load: L) -> Result<Cached<V>, E>
    where
        L: FnOnce() -> F,
        F: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    {
        let (result, hit) = self.find_or_load(key, load).await;
        self.tell(hit);
        result.map(|held| self.hand_out(held))
    }

    async fn find_or_load<L, F>(&self, key: &K, mut load: L) -> (Result<Held<V>, E>, bool)
    where
        L: FnOnce() -> F,
        F: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    {
        let purpose = Purpose {
            refresh: false,
            awaited: true,
        };
        loop {
            let (found, refresh) = self.look_up(key);
            if let Some(held) = found {
                let held = match refresh {
                    true => self.refresh(key, held, load).await,
                    false => Ok(held),
                };
                return (held, true);
            }
            let (seat, unused) = self.board(key, load, purpose);
            let landed = seat.landed().await;
            match (landed, unused) {
                (Err(error), Some(unused)) if error.is_of_one() => load = unused,
                (Err(error), unused) => return (Err(error), unused.is_some()),
                (Ok(landed), None) => return (Ok(landed.held), landed.found),
                (Ok(landed), Some(_)) if self.claim(key, &landed.held) => {
                    return (Ok(landed.held), true);
                }
                // So many waited for it that it is used up.
                (Ok(_), Some(unused)) => load = unused,
            }
        }
    }

    fn look_up(&self, key: &K) -> (Option<Held<V>>, bool) {
        let now = self.0.clock.now();
        self.0.shelf.with(|store| {
            store.sweep(now);
            let found = store.claim(key, now);
            let refresh = found.is_some() && store.starts_refresh(key, now);
            (found, refresh)
        })
    }

    fn claim(&self, key: &K, held: &Held<V>) -> bool {
        !held.is_counted() || self.0.shelf.with(|store| store.claim_again(key, held))
    }

    /// Takes part in the load of a key. Its value comes in before it is over, so that a load that begins
    /// afterwards finds it.
    fn board<L, F>(&self, key: &K, load: L, purpose: Purpose) -> (Waiting<K, V, E>, Option<L>)
    where
        L: FnOnce() -> F,
        F: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    {
        let Inner { clock, shelf, .. } = &*self.0;
        let landed = |held, found| Landed { held, found };
        self.0.flights.board(key.clone(), load, |load| {
            let now = clock.now();
            let found = match purpose.refresh {
                true => None,
                false => shelf.with(|store| store.claim(key, now)),
            };
            if let Some(held) = found {
                return Either::Left(ready(Ok(landed(held, true))));
            }
            let begun = Load::begin(shelf, clock, key.clone(), purpose.awaited);
            let loading = load();
            Either::Right(async move { Ok(landed(begun.end(loading).await?, false)) })
        })
    }

    /// Starts a refresh of what was found, unless somebody loads it already.
    async fn refresh<L, F>(&self, key: &K, found: Held<V>, load: L) -> Result<Held<V>, E>
    where
        L: FnOnce() -> F,
        F: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
    {
        let runtime = Handle::try_current().ok();
        let purpose = Purpose {
            refresh: true,
            awaited: runtime.is_none(),
        };
        let (seat, unused) = self.board(key, load, purpose);
        if unused.is_some() {
            return Ok(found);
        }
        if let Some(runtime) = runtime {
            runtime.spawn(seat.landed());
            return Ok(found);
        }
        match seat.landed().await {
            Ok(landed) => Ok(landed.held),
            Err(error) if error.refuses() => Err(error),
            Err(_) => Ok(found),
        }
    }

    /// What is there for a key. Never loads, and starts no refresh.
    pub(crate) fn get(&self, key: &K) -> Option<Cached<V>> {
        let now = self.0.clock.now();
        let found = self.0.shelf.with(|store| {
            store.sweep(now);
            store.claim(key, now)
        });
        self.tell(found.is_some());
        found.map(|held| self.hand_out(held))
    }

    /// Puts in what was made elsewhere, as if it had been loaded now. It counts as newer than a load that
    /// is under way.
    pub(crate) fn insert(&self, key: K, loaded: Loaded<V>) {
        let now = self.0.clock.now();
        let arrival = Arrival {
            began: now,
            now,
            jitter: jitter(now),
        };
        let close = key.clone();
        let key = Arc::new(key);
        self.0
            .shelf
            .with(|store| store.insert(key, loaded, arrival));
        self.0.flights.close(&close);
    }

    /// Drops everything. Loads that are under way go on for those who wait, and leave nothing here.
    pub(crate) fn flush(&self) {
        self.0.shelf.with(Store::flush);
        self.0.flights.close_all();
    }

    fn tell(&self, hit: bool) {
        self.0.observers.emit(&Event::Cache(CacheEvent {
            cache: self.0.name,
            hit,
        }));
    }

    fn hand_out(&self, held: Held<V>) -> Cached<V> {
        Cached {
            valid_for: held.until.remaining(self.0.clock.now()),
            value: held.value,
        }
    }
}

/// One key of several parts: each with its length before it, so that no two lists of parts are one key.
pub(crate) fn key_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut key = Vec::new();
    for part in parts {
        key.extend_from_slice(&part.len().to_be_bytes());
        key.extend_from_slice(part);
    }
    key
}

impl<K, V, E> Clone for Cache<K, V, E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Ord, V: Clone, E> fmt::Debug for Cache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.0.name)
            .field("entries", &self.0.shelf.with(|store| store.len()))
            .finish_non_exhaustive()
    }
}
