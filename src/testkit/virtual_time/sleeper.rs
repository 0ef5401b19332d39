//! Who sleeps until when.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

/// The clock, and those who were polled and wait for it.
pub(super) struct Sleepers {
    now: SystemTime,
    waiting: BTreeMap<Place, Waker>,
    created: u64,
    changes: u64,
}

/// Deadline first, then order of creation.
type Place = (SystemTime, u64);

impl Sleepers {
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            now,
            waiting: BTreeMap::new(),
            created: 0,
            changes: 0,
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.now
    }

    /// How often somebody lay down or got up.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Goes to the earliest deadline, if there is one.
    pub(super) fn advance_to_next(&mut self) -> Due {
        let earliest = self.waiting.keys().next().copied();
        earliest.map_or_else(Due::default, |(deadline, _)| self.advance_to(deadline))
    }

    /// Goes to this time, or stays if it is past.
    pub(super) fn advance_to(&mut self, to: SystemTime) -> Due {
        self.now = self.now.max(to);
        let mut due = Due::default();
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 > self.now {
                break;
            }
            due.0.push(first.remove());
            self.changes += 1;
        }
        due
    }

    fn place(&mut self, duration: Duration) -> Option<Place> {
        self.created += 1;
        Some((self.now.checked_add(duration)?, self.created))
    }

    fn lie_down(&mut self, place: Place, waker: &Waker) {
        match self.waiting.get_mut(&place) {
            Some(known) => known.clone_from(waker),
            None => {
                self.waiting.insert(place, waker.clone());
                self.changes += 1;
            }
        }
    }

    fn get_up(&mut self, place: &Place) {
        if self.waiting.remove(place).is_some() {
            self.changes += 1;
        }
    }
}

/// Whose time has come. They are woken when the clock is no longer locked, since a waker may run anything.
#[derive(Default)]
#[must_use = "they sleep on until they are woken"]
pub(super) struct Due(Vec<Waker>);

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

/// Ready at its deadline. It waits from its first poll until it is dropped.
pub(super) struct Sleeper {
    sleepers: Arc<Mutex<Sleepers>>,
    /// None if there is no such time: it sleeps for ever.
    place: Option<Place>,
}

impl Sleeper {
    pub(super) fn new(sleepers: &Arc<Mutex<Sleepers>>, duration: Duration) -> Self {
        Self {
            place: lock(sleepers).place(duration),
            sleepers: Arc::clone(sleepers),
        }
    }
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(place) = self.place else {
            return Poll::Pending;
        };
        let mut sleepers = lock(&self.sleepers);
        if place.0 <= sleepers.now {
            return Poll::Ready(());
        }
        sleepers.lie_down(place, cx.waker());
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            lock(&self.sleepers).get_up(place);
        }
    }
}

fn lock(sleepers: &Mutex<Sleepers>) -> MutexGuard<'_, Sleepers> {
    sleepers.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> Arc<Mutex<Sleepers>> {
        Arc::new(Mutex::new(Sleepers::new(SystemTime::UNIX_EPOCH)))
    }

    fn poll(sleeper: Pin<&mut Sleeper>) -> Poll<()> {
        sleeper.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn wakes_at_the_deadline_and_not_before() {
        let clock = clock();
        let mut sleeper = pin!(Sleeper::new(&clock, 2 * SECOND));
        assert!(poll(sleeper.as_mut()).is_pending());
        let due = lock(&clock).advance_to(SystemTime::UNIX_EPOCH + SECOND);
        assert!(due.is_empty());
        assert!(poll(sleeper.as_mut()).is_pending());
        let due = lock(&clock).advance_to_next();
        assert_eq!(due.0.len(), 1);
        assert!(poll(sleeper).is_ready());
        assert_eq!(lock(&clock).now(), SystemTime::UNIX_EPOCH + 2 * SECOND);
    }

    #[test]
    fn waits_only_between_first_poll_and_drop() {
        let clock = clock();
        let mut sleeper = Box::pin(Sleeper::new(&clock, SECOND));
        assert!(lock(&clock).waiting.is_empty(), "nobody waits for it");
        for _ in 0..2 {
            assert!(poll(sleeper.as_mut()).is_pending());
            assert_eq!(lock(&clock).waiting.len(), 1);
            assert_eq!(lock(&clock).changes(), 1, "as often as it is polled");
        }
        drop(sleeper);
        assert!(lock(&clock).waiting.is_empty());
        assert_eq!(lock(&clock).changes(), 2);
        assert!(lock(&clock).advance_to_next().is_empty());
    }

    #[test]
    fn never_wakes_from_a_sleep_beyond_all_time() {
        let clock = clock();
        let mut sleeper = pin!(Sleeper::new(&clock, Duration::MAX));
        assert!(poll(sleeper.as_mut()).is_pending());
        assert!(lock(&clock).advance_to_next().is_empty());
    }

    #[test]
    fn stays_at_the_time_it_has_when_sent_back() {
        let clock = clock();
        let later = SystemTime::UNIX_EPOCH + SECOND;
        assert!(lock(&clock).advance_to(later).is_empty());
        assert!(lock(&clock).advance_to(SystemTime::UNIX_EPOCH).is_empty());
        assert_eq!(lock(&clock).now(), later);
    }
}
