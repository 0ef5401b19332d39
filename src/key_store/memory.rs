//! What a key store remembers: a bounded number of entries, of which some make room for others.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::branch_key::BranchKeyVersion;
use super::time::CreateTime;
use crate::cache::{Cache, Clock, Limits, Loaded};
use crate::error::KeyStoreErrorKind;
use crate::observe::Observers;

/// Whoever can write to a table of items can name any version. Each is looked up once in this time.
const ABSENT_FOR: Duration = Duration::from_secs(2);
const MAX_ABSENT: usize = 1_000;
const MAX_NEWEST: usize = 10_000;

/// Values by key; the one that was set longest ago makes room for another.
#[derive(Debug)]
struct Bounded<K, V> {
    values: BTreeMap<K, (u64, V)>,
    by_age: BTreeMap<u64, K>,
    capacity: usize,
    set: u64,
}

impl<K: Ord + Clone, V> Bounded<K, V> {
    fn new(capacity: usize) -> Self {
        Self {
            values: BTreeMap::new(),
            by_age: BTreeMap::new(),
            capacity,
            set: 0,
        }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    fn set(&mut self, key: K, value: V) {
        self.set += 1;
        self.by_age.insert(self.set, key.clone());
        if let Some((before, _)) = self.values.insert(key, (self.set, value)) {
            self.by_age.remove(&before);
        }
        while self.values.len() > self.capacity
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.values.remove(&oldest);
        }
    }
}

/// The versions that no region had, a moment ago, and what was said of each.
///
/// Looks are not told as those of a cache: each that finds nothing is a read, which is told.
#[derive(Debug)]
pub(super) struct Absent(Cache<(String, BranchKeyVersion), KeyStoreErrorKind, Infallible>);

impl Absent {
    pub(super) fn new(clock: Clock) -> Self {
        let limits = Limits::new(MAX_ABSENT, ABSENT_FOR);
        let nobody = Observers::default();
        Self(Cache::new("absent_branch_key", limits, clock, nobody))
    }

    pub(super) fn remember(&self, id: &str, version: BranchKeyVersion, why: KeyStoreErrorKind) {
        let said = Loaded {
            value: why,
            valid_for: None,
            bytes: 0,
        };
        self.0.insert((id.to_owned(), version), said);
    }

    pub(super) fn remembers(
        &self,
        id: &str,
        version: BranchKeyVersion,
    ) -> Option<KeyStoreErrorKind> {
        let said = self.0.get(&(id.to_owned(), version))?;
        Some(said.value)
    }
}

/// The newest active version of each branch key that KMS has authenticated.
#[derive(Debug)]
pub(super) struct Newest(Mutex<Bounded<String, CreateTime>>);

impl Newest {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Bounded::new(MAX_NEWEST)))
    }

    pub(super) fn seen(&self, id: &str) -> Option<CreateTime> {
        lock(&self.0).get(&id.to_owned()).copied()
    }

    /// Whether this one is as new as any that was seen; if so, it was seen now.
    pub(super) fn admits(&self, id: &str, created: CreateTime) -> bool {
        let mut seen = lock(&self.0);
        if seen
            .get(&id.to_owned())
            .is_some_and(|newest| created < *newest)
        {
            return false;
        }
        seen.set(id.to_owned(), created);
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::cache::test_support::TestClock;

    fn version(byte: u8) -> BranchKeyVersion {
        BranchKeyVersion::from_bytes([byte; 16])
    }

    #[test]
    fn forgets_the_oldest_when_it_is_full() {
        let mut bounded = Bounded::new(2);
        bounded.set("a", 1);
        bounded.set("b", 2);
        bounded.set("a", 3);
        bounded.set("c", 4);
        assert_eq!(
            ["a", "b", "c"].map(|key| bounded.get(&key).copied()),
            [Some(3), None, Some(4)]
        );
        assert_eq!(bounded.by_age.len(), 2);
    }

    #[test]
    fn remembers_what_is_absent_for_two_seconds_of_a_clock_that_goes_on() {
        let clock = TestClock::new();
        let absent = Absent::new(clock.clock());
        let why = KeyStoreErrorKind::Erased;
        absent.remember("t-1", version(1), why);
        assert_eq!(absent.remembers("t-1", version(1)), Some(why));
        assert_eq!(absent.remembers("t-1", version(2)), None);
        assert_eq!(absent.remembers("t-2", version(1)), None);
        clock.advance(Duration::from_millis(1999));
        assert_eq!(absent.remembers("t-1", version(1)), Some(why));
        clock.advance(Duration::from_millis(1));
        assert_eq!(absent.remembers("t-1", version(1)), None);
        absent.remember("t-1", version(1), why);
        clock.set_back(Duration::from_secs(2));
        assert_eq!(absent.remembers("t-1", version(1)), None);
    }

    #[test]
    fn remembers_a_bounded_number_of_what_is_absent() {
        let absent = Absent::new(TestClock::new().clock());
        for nth in 0..=MAX_ABSENT {
            absent.remember(&nth.to_string(), version(1), KeyStoreErrorKind::Erased);
        }
        let all = 0..=MAX_ABSENT;
        let kept = all.filter(|nth| absent.remembers(&nth.to_string(), version(1)).is_some());
        assert_eq!(kept.count(), MAX_ABSENT);
    }

    #[test]
    fn admits_nothing_older_than_it_has_seen() {
        let newest = Newest::new();
        let at = |seconds| CreateTime::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert!(newest.admits("t-1", at(5)));
        assert!(newest.admits("t-1", at(5)));
        assert!(!newest.admits("t-1", at(4)));
        assert!(newest.admits("t-2", at(4)));
        assert!(newest.admits("t-1", at(6)));
        assert!(!newest.admits("t-1", at(5)));
    }
}
