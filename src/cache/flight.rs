//! Equal requests at the same time are one request.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};

/// Requests that are under way, by what is asked.
///
/// Whoever asks the same while a request is under way waits for its answer, success or failure; nobody
/// else ever sees it. Each of those who wait can carry the request on, so one that is dropped, or runs
/// into its deadline, hands over to the others. When the last one goes, the request is given up.
pub(crate) struct Flights<K, V>(Arc<Mutex<BTreeMap<K, Weak<V>>>>);

type Weak<V> = WeakShared<BoxFuture<'static, V>>;
type Strong<V> = Shared<BoxFuture<'static, V>>;

impl<K: Ord + Clone, V: Clone> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// The answer to `key`, and whether it was somebody else's request.
    pub(crate) async fn join<F>(&self, key: K, ask: impl FnOnce() -> F) -> (V, bool)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (seat, unused) = self.board(key, ask, |ask| ask());
        (seat.landed().await, unused.is_some())
    }

    /// Takes part in the request for `key`, which starts with the first who waits for it. Where it is
    /// somebody else's, `with` comes back unused.
    pub(super) fn board<T, F>(
        &self,
        key: K,
        with: T,
        ask: impl FnOnce(T) -> F,
    ) -> (Seat<K, V>, Option<T>)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (request, unused) = self.find_or_ask(&key, with, ask);
        let flights = self.clone();
        let seat = Seat {
            flights,
            key,
            request,
        };
        (seat, unused)
    }

    fn find_or_ask<T, F>(
        &self,
        key: &K,
        with: T,
        ask: impl FnOnce(T) -> F,
    ) -> (Strong<V>, Option<T>)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = self.lock();
        let under_way = flights.get(key).and_then(WeakShared::upgrade);
        // One that has its answer is history, even if nobody has cleared it away yet.
        if let Some(request) = under_way.filter(|request| request.peek().is_none()) {
            return (request, Some(with));
        }
        let request = ask(with).boxed().shared();
        if let Some(weak) = request.downgrade() {
            flights.insert(key.clone(), weak);
        }
        (request, None)
    }

    /// Lets nobody else join the request for `key`; those who wait for it still get its answer.
    pub(super) fn close(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Lets nobody else join any request.
    pub(super) fn close_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Weak<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// One that waits. The last one out clears the entry away.
pub(super) struct Seat<K: Ord + Clone, V: Clone> {
    flights: Flights<K, V>,
    key: K,
    request: Strong<V>,
}

impl<K: Ord + Clone, V: Clone> Seat<K, V> {
    /// Carries the request on until its answer is there.
    pub(super) async fn landed(self) -> V {
        self.request.clone().await
    }
}

impl<K: Ord + Clone, V: Clone> Drop for Seat<K, V> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        let Some(listed) = flights.get(&self.key).and_then(WeakShared::upgrade) else {
            flights.remove(&self.key);
            return;
        };
        // `listed`, and the seat itself.
        let is_last = listed.strong_count().is_none_or(|count| count <= 2);
        if listed.ptr_eq(&self.request) && (is_last || listed.peek().is_some()) {
            flights.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::{join_all, pending};
    use tokio::sync::Notify;

    use super::*;

    #[derive(Default)]
    struct Service {
        asked: AtomicUsize,
        answer: Notify,
    }

    impl Service {
        async fn ask(self: Arc<Self>) -> usize {
            let nth = self.asked.fetch_add(1, Ordering::Relaxed);
            self.answer.notified().await;
            nth
        }
    }

    async fn answer_later(service: &Service) {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        service.answer.notify_one();
    }

    #[tokio::test]
    async fn asks_once_for_all_who_ask_the_same_at_the_same_time() {
        let (flights, service) = (Flights::new(), Arc::new(Service::default()));
        let callers = (0..1000).map(|_| flights.join("key", || Arc::clone(&service).ask()));
        let (answers, ()) = tokio::join!(join_all(callers), answer_later(&service));
        assert!(answers.iter().all(|(nth, _)| *nth == 0));
        assert_eq!(answers.iter().filter(|(_, joined)| !joined).count(), 1);
        assert!(flights.lock().is_empty());
    }

    #[tokio::test]
    async fn asks_apart_for_different_keys_and_again_afterwards() {
        let (flights, service) = (Flights::new(), Arc::new(Service::default()));
        for key in ["a", "b", "a"] {
            let asked = flights.join(key, || Arc::clone(&service).ask());
            let ((_, joined), ()) = tokio::join!(asked, answer_later(&service));
            assert!(!joined);
        }
        assert_eq!(service.asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn hands_over_when_the_first_is_dropped() {
        let (flights, service) = (Flights::new(), Arc::new(Service::default()));
        let mut first = Box::pin(flights.join("key", || Arc::clone(&service).ask()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(flights.join("key", || Arc::clone(&service).ask()));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        let ((nth, joined), ()) = tokio::join!(second, answer_later(&service));
        assert_eq!((nth, joined), (0, true));
        assert_eq!(service.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn gives_up_when_the_last_is_dropped() {
        let flights = Flights::<_, ()>::new();
        for _ in 0..2 {
            let mut first = Box::pin(flights.join("key", pending));
            let mut second = Box::pin(flights.join("key", pending));
            assert!(first.as_mut().now_or_never().is_none());
            assert!(second.as_mut().now_or_never().is_none());
            drop(first);
            assert_eq!(flights.lock().len(), 1);
            drop(second);
            assert!(flights.lock().is_empty());
        }
    }

    #[tokio::test]
    async fn lets_nobody_join_a_request_that_was_closed() {
        let (flights, service) = (Flights::new(), Arc::new(Service::default()));
        let mut before = Box::pin(flights.join("key", || Arc::clone(&service).ask()));
        assert!(before.as_mut().now_or_never().is_none());
        flights.close(&"key");
        let mut after = Box::pin(flights.join("key", || Arc::clone(&service).ask()));
        assert!(after.as_mut().now_or_never().is_none());
        let ((nth, joined), ()) = tokio::join!(before, answer_later(&service));
        assert_eq!((nth, joined), (0, false));
        assert_eq!(flights.lock().len(), 1, "the first took only itself away");
        let ((nth, joined), ()) = tokio::join!(after, answer_later(&service));
        assert_eq!((nth, joined), (1, false));
        assert!(flights.lock().is_empty());
    }
}
