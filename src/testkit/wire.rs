//! What is truly on its way over loopback, as opposed to attempts that a fault holds up.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::sync::{Notify, Semaphore};

/// Everything a cloud's clients have on the wire. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<State>);

struct State {
    requests: AtomicUsize,
    /// Only grows: whoever saw the same number twice knows that nothing came or went meanwhile.
    changes: AtomicU64,
    empty: Notify,
    /// A thousand requests at once would be two thousand sockets, more than many systems give a process.
    places: Semaphore,
    in_turn: AtomicBool,
}

/// As many requests are sent at once; more wait, and count as sent.
const PLACES: usize = 64;

impl Default for State {
    fn default() -> Self {
        Self {
            requests: AtomicUsize::default(),
            changes: AtomicU64::default(),
            empty: Notify::default(),
            places: Semaphore::new(PLACES),
            in_turn: AtomicBool::default(),
        }
    }
}

impl Wire {
    /// Sends a request and reads its whole answer; it is on the wire until then.
    ///
    /// Left to the SDK, the answer's body would still be on its way after the request is said to be off.
    pub(super) async fn send(
        &self,
        request: HttpRequest,
        plain: &SharedHttpConnector,
    ) -> Result<HttpResponse, ConnectorError> {
        let _on_wire = self.enter();
        // Never closed; if it were, sending without a place is all that could be done.
        let _place = self.0.places.acquire().await.ok();
        let mut answer = plain.call(request).await?;
        let body = ByteStream::new(answer.take_body()).collect().await;
        let body = body.map_err(|error| ConnectorError::io(error.into()))?;
        *answer.body_mut() = SdkBody::from(body.into_bytes());
        Ok(answer)
    }

    /// Waits until no request is on the wire.
    pub(super) async fn empty(&self) {
        loop {
            let mut emptied = pin!(self.0.empty.notified());
            // Before the look, so that no emptying between look and wait is missed.
            emptied.as_mut().enable();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Sends one request after the other from now on.
    pub(super) fn take_turns(&self) {
        let before = self.0.in_turn.swap(true, Ordering::AcqRel);
        if !before {
            self.0.places.forget_permits(PLACES - 1);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.requests.load(Ordering::Acquire) == 0
    }

    pub(super) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }

    /// Notes that something happened which is not on the wire.
    pub(super) fn note_change(&self) {
        self.0.changes.fetch_add(1, Ordering::AcqRel);
    }

    fn enter(&self) -> OnWire<'_> {
        self.0.requests.fetch_add(1, Ordering::AcqRel);
        self.note_change();
        OnWire(self)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.0.requests).finish()
    }
}

/// Takes its request off the wire, also when the caller gives up.
struct OnWire<'a>(&'a Wire);

impl Drop for OnWire<'_> {
    fn drop(&mut self) {
        self.0.note_change();
        if self.0.0.requests.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.0.empty.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn is_empty_once_all_who_entered_have_left() {
        let wire = Wire::default();
        wire.empty().await;
        let (one, other) = (wire.enter(), wire.enter());
        let before = wire.changes();
        drop(one);
        assert!(!wire.is_empty());
        let waiting = tokio::spawn({
            let wire = wire.clone();
            async move { wire.empty().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(other);
        waiting.await.unwrap();
        assert_eq!(wire.changes(), before + 2);
    }
}
