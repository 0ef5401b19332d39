//! The store, shared: its lock, and the loads that fill it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use super::Loaded;
use super::clock::{Clock, Moment};
use super::limits::Limits;
use super::refusal::Refusal;
use super::store::{Arrival, Held, Store, Ticket};

/// A store behind one lock, which is held for a few searches of trees and never across an await.
///
/// One is enough: what is behind a cache takes microseconds of cryptography per item at least. Values are
/// dropped when the lock is gone.
pub(super) struct Shelf<K, V>(Arc<Mutex<Store<K, V>>>);

impl<K: Ord, V: Clone> Shelf<K, V> {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(Store::new(limits))))
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Store<K, V>) -> R) -> R {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut store);
        let removed = store.take_removed();
        drop(store);
        drop(removed);
        result
    }
}

impl<K, V> Clone for Shelf<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A load under way. One that is dropped is forgotten.
pub(super) struct Load<K: Ord, V: Clone> {
    shelf: Shelf<K, V>,
    clock: Clock,
    key: Arc<K>,
    ticket: Ticket,
    began: Moment,
    claims: bool,
}

impl<K: Ord, V: Clone> Load<K, V> {
    /// Begins now: from here on the value ages. With `claims` somebody is sure to get it, whose use is
    /// counted before all others.
    pub(super) fn begin(shelf: &Shelf<K, V>, clock: &Clock, key: K, claims: bool) -> Self {
        let key = Arc::new(key);
        Self {
            ticket: shelf.with(|store| store.begin(Arc::clone(&key))),
            shelf: shelf.clone(),
            began: clock.now(),
            clock: clock.clone(),
            key,
            claims,
        }
    }

    pub(super) async fn end<E: Refusal>(
        self,
        loading: impl Future<Output = Result<Loaded<V>, E>>,
    ) -> Result<Held<V>, E> {
        let loaded = loading.await;
        let (key, ticket) = (&self.key, self.ticket);
        let now = self.clock.now();
        let arrival = Arrival {
            began: self.began,
            now,
            jitter: jitter(now),
        };
        self.shelf.with(|store| match loaded {
            Ok(loaded) => Ok(store.land(Arc::clone(key), ticket, loaded, arrival, self.claims)),
            Err(error) => {
                store.fail(key, ticket, error.refuses(), now);
                Err(error)
            }
        })
    }
}

impl<K: Ord, V: Clone> Drop for Load<K, V> {
    fn drop(&mut self) {
        self.shelf.with(|store| store.end(&self.key, self.ticket));
    }
}

/// The random part of a first refresh: the microseconds of the wall clock, mixed. No two clients agree on
/// them, and who brings a clock of its own sees the same each time.
pub(super) fn jitter(now: Moment) -> u8 {
    let since = now.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
    let [_, _, _, mixed] = since
        .subsec_micros()
        .wrapping_mul(GOLDEN_RATIO)
        .to_le_bytes();
    mixed
}

/// Of 2^32: it spreads numbers of which the last digits are equal.
const GOLDEN_RATIO: u32 = 0x9e37_79b9;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_async::time::SharedTimeSource;

    use super::*;

    fn jitter_at(micros: u64) -> u8 {
        let wall = UNIX_EPOCH + Duration::from_secs(1) + Duration::from_micros(micros);
        let wall = aws_smithy_async::time::StaticTimeSource::new(wall);
        jitter(Clock::new(SharedTimeSource::new(wall)).now())
    }

    #[test]
    fn spreads_refreshes_by_clocks_of_microseconds_and_of_milliseconds() {
        for step in [1, 1000] {
            let mut quarters = [0; 4];
            for n in 0..1000 {
                quarters[usize::from(jitter_at(n * step) / 64)] += 1;
            }
            assert!(
                quarters.iter().all(|n| (200..300).contains(n)),
                "{quarters:?}"
            );
        }
        assert_eq!(jitter_at(7), jitter_at(7));
    }
}
