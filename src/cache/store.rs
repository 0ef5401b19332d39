//! What a cache holds: bounded, expiring, counted. Synchronous, and time is an argument.

mod held;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::held::Uses;
use super::Loaded;
use super::clock::{Moment, ValidUntil};
use super::limits::Limits;

pub(super) use self::held::Held;

/// Entries, in the order of their keys, of their last use, and of their ends.
///
/// What leaves the store waits in it until [`take_removed`](Self::take_removed), so that values are dropped
/// when the lock around the store is gone.
pub(super) struct Store<K, V> {
    limits: Limits,
    entries: BTreeMap<Arc<K>, Entry<V>>,
    /// Least recently used first.
    by_use: BTreeMap<u64, Arc<K>>,
    /// Two orders, because a wall clock that steps makes them differ.
    by_wall_end: BTreeSet<(SystemTime, Arc<K>)>,
    by_steady_end: BTreeSet<(Duration, Arc<K>)>,
    /// Loads whose values may still come in. One that is not here any more was overtaken.
    loading: BTreeMap<Arc<K>, Ticket>,
    bytes: usize,
    count: u64,
    latest: Option<Moment>,
    removed: Vec<V>,
}

struct Entry<V> {
    held: Held<V>,
    bytes: usize,
    used: u64,
    /// Not refreshed while this holds.
    calm: ValidUntil,
    /// Nor while this does: a refresh began, or failed.
    pause: Option<ValidUntil>,
}

/// A load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// When a value was asked for and when it came, and the random part of its first refresh.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) began: Moment,
    pub(super) now: Moment,
    pub(super) jitter: u8,
}

impl<K: Ord, V: Clone> Store<K, V> {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
            by_wall_end: BTreeSet::new(),
            by_steady_end: BTreeSet::new(),
            loading: BTreeMap::new(),
            bytes: 0,
            count: 0,
            latest: None,
            removed: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What was dropped since the last call.
    pub(super) fn take_removed(&mut self) -> Vec<V> {
        std::mem::take(&mut self.removed)
    }

    /// Drops what has expired: everything, if the wall clock was set back.
    pub(super) fn sweep(&mut self, now: Moment) {
        let Some(latest) = self.latest else {
            self.latest = Some(now);
            return;
        };
        if now.is_set_back_from(latest) {
            self.latest = Some(now);
            self.flush();
            return;
        }
        self.latest = Some(latest.latest(now));
        while let Some(key) = self.expired(now) {
            self.discard(&key);
        }
    }

    fn expired(&self, now: Moment) -> Option<Arc<K>> {
        let by_steady = self.by_steady_end.first();
        let by_steady = by_steady.filter(|(end, _)| *end <= now.steady());
        let by_wall = self.by_wall_end.first();
        let by_wall = by_wall.filter(|(end, _)| *end <= now.wall());
        let key = by_steady.map(|(_, key)| key);
        key.or_else(|| by_wall.map(|(_, key)| key)).cloned()
    }

    /// Hands out what is there for a key. Counts the use, and drops nothing but what is used up.
    pub(super) fn claim(&mut self, key: &K, now: Moment) -> Option<Held<V>> {
        let is_set_back = self
            .latest
            .is_some_and(|latest| now.is_set_back_from(latest));
        let count = self.next();
        let entry = self.entries.get_mut(key)?;
        if is_set_back || !entry.held.until.holds(now) {
            return None;
        }
        let held = entry.held.clone();
        let claimed = held.uses.claim();
        if held.uses.are_used_up() {
            self.discard(key);
        } else if let Some(key) = self.by_use.remove(&entry.used) {
            entry.used = count;
            self.by_use.insert(count, key);
        }
        claimed.then_some(held)
    }

    /// Counts one more use of what a load brought, for somebody who waited for it.
    pub(super) fn claim_again(&mut self, key: &K, held: &Held<V>) -> bool {
        let claimed = held.uses.claim();
        let entry = self.entries.get(key);
        if entry.is_some_and(|entry| entry.held.uses.are_used_up()) {
            self.discard(key);
        }
        claimed
    }

    /// Whether it is time to refresh an entry. Says so once, and again after a pause.
    pub(super) fn starts_refresh(&mut self, key: &K, now: Moment) -> bool {
        let Limits { refreshes, .. } = self.limits;
        let pause = self.limits.pause();
        let Some(entry) = self.entries.get_mut(key).filter(|_| refreshes) else {
            return false;
        };
        let is_due = !entry.calm.holds(now) || entry.held.uses.are_few();
        let starts = is_due && entry.pause.is_none_or(|pause| !pause.holds(now));
        if starts {
            entry.pause = Some(ValidUntil::after(now, pause));
        }
        starts
    }

    /// A load begins. The value of one that began earlier does not come in any more.
    pub(super) fn begin(&mut self, key: Arc<K>) -> Ticket {
        let ticket = Ticket(self.next());
        self.loading.insert(key, ticket);
        ticket
    }

    /// A load is over. Whether nothing overtook it: a flush, an insertion or another load.
    pub(super) fn end(&mut self, key: &K, ticket: Ticket) -> bool {
        let is_current = self.loading.get(key) == Some(&ticket);
        if is_current {
            self.loading.remove(key);
        }
        is_current
    }

    /// A load brought a value, which is kept if nothing overtook it. `claims` of its uses are taken already.
    pub(super) fn land(
        &mut self,
        key: Arc<K>,
        ticket: Ticket,
        loaded: Loaded<V>,
        arrival: Arrival,
        claims: bool,
    ) -> Held<V> {
        self.sweep(arrival.now);
        let (entry, held) = self.entry(loaded, arrival);
        if claims {
            held.uses.claim();
        }
        if self.end(&key, ticket) {
            self.discard(&key);
            self.admit(key, entry, arrival.now);
        }
        held
    }

    /// A load failed: a refusal drops what was there, anything else lets it be until its own end.
    pub(super) fn fail(&mut self, key: &K, ticket: Ticket, refused: bool, now: Moment) {
        if !self.end(key, ticket) {
            return;
        }
        let pause = ValidUntil::after(now, self.limits.pause());
        if refused {
            self.discard(key);
        } else if let Some(entry) = self.entries.get_mut(key) {
            entry.pause = Some(pause);
        }
    }

    /// Puts a value in that did not come by a load of the cache. It overtakes loads.
    pub(super) fn insert(&mut self, key: Arc<K>, loaded: Loaded<V>, arrival: Arrival) {
        self.sweep(arrival.now);
        self.loading.remove(&key);
        self.discard(&key);
        let (entry, _) = self.entry(loaded, arrival);
        self.admit(key, entry, arrival.now);
    }

    pub(super) fn flush(&mut self) {
        self.loading.clear();
        self.by_use.clear();
        self.by_wall_end.clear();
        self.by_steady_end.clear();
        self.bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        let values = entries.into_values().map(|entry| entry.held.value);
        self.removed.extend(values);
    }

    fn entry(&mut self, loaded: Loaded<V>, arrival: Arrival) -> (Entry<V>, Held<V>) {
        let ttl = self.limits.ttl;
        let lifetime = loaded.valid_for.map_or(ttl, |valid_for| valid_for.min(ttl));
        let held = Held {
            value: loaded.value,
            until: ValidUntil::after(arrival.began, lifetime),
            uses: Uses::new(self.limits.uses),
        };
        let calm = Limits::calm(lifetime, arrival.jitter);
        let entry = Entry {
            held: held.clone(),
            bytes: loaded.bytes,
            used: self.next(),
            calm: ValidUntil::after(arrival.began, calm),
            pause: None,
        };
        (entry, held)
    }

    /// Keeps an entry, if it is worth it, and drops those that were used least recently.
    fn admit(&mut self, key: Arc<K>, entry: Entry<V>, now: Moment) {
        let bytes = self.limits.bytes.unwrap_or(usize::MAX);
        let is_over = !entry.held.until.holds(now) || entry.held.uses.are_used_up();
        if is_over || entry.bytes > bytes || self.limits.entries == 0 {
            self.removed.push(entry.held.value);
            return;
        }
        while self.entries.len() >= self.limits.entries || self.bytes > bytes - entry.bytes {
            let Some((_, oldest)) = self.by_use.first_key_value() else {
                break;
            };
            let oldest = Arc::clone(oldest);
            self.discard(&oldest);
        }
        let until = entry.held.until;
        self.bytes = self.bytes.saturating_add(entry.bytes);
        self.by_use.insert(entry.used, Arc::clone(&key));
        self.by_wall_end
            .insert((until.wall_end(), Arc::clone(&key)));
        self.by_steady_end
            .insert((until.steady_end(), Arc::clone(&key)));
        self.entries.insert(key, entry);
    }

    fn discard(&mut self, key: &K) {
        let Some((key, entry)) = self.entries.remove_entry(key) else {
            return;
        };
        let until = entry.held.until;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        self.by_use.remove(&entry.used);
        self.by_wall_end
            .remove(&(until.wall_end(), Arc::clone(&key)));
        self.by_steady_end.remove(&(until.steady_end(), key));
        self.removed.push(entry.held.value);
    }

    /// Orders uses, and names loads.
    fn next(&mut self) -> u64 {
        self.count = self.count.wrapping_add(1);
        self.count
    }
}
