//! A value, how long it holds, and how often it may still be handed out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cache::clock::ValidUntil;

/// Clones share the value and its uses.
#[derive(Clone)]
pub(in crate::cache) struct Held<V> {
    pub(in crate::cache) value: V,
    pub(in crate::cache) until: ValidUntil,
    pub(super) uses: Uses,
}

/// What is left of the uses of a value, if they are counted. It is shared by the store and by those who
/// waited for the load, also where the store did not keep the value.
#[derive(Clone)]
pub(super) struct Uses(Option<Arc<Count>>);

struct Count {
    of: u64,
    left: AtomicU64,
}

impl Uses {
    pub(super) fn new(of: Option<u64>) -> Self {
        Self(of.map(|of| {
            let left = AtomicU64::new(of);
            Arc::new(Count { of, left })
        }))
    }

    pub(super) fn are_counted(&self) -> bool {
        self.0.is_some()
    }

    /// Takes one, if there is one.
    pub(super) fn claim(&self) -> bool {
        let Some(count) = &self.0 else { return true };
        let order = Ordering::Relaxed;
        let one_less = |left: u64| left.checked_sub(1);
        count.left.fetch_update(order, order, one_less).is_ok()
    }

    pub(super) fn are_used_up(&self) -> bool {
        self.left().is_some_and(|(left, _)| left == 0)
    }

    /// Whether fewer than 5 % are left.
    pub(super) fn are_few(&self) -> bool {
        self.left()
            .is_some_and(|(left, of)| left.saturating_mul(20) < of)
    }

    fn left(&self) -> Option<(u64, u64)> {
        let count = self.0.as_ref()?;
        Some((count.left.load(Ordering::Relaxed), count.of))
    }
}

impl<V> Held<V> {
    pub(in crate::cache) fn is_counted(&self) -> bool {
        self.uses.are_counted()
    }
}
