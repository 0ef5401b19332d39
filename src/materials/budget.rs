//! How many calls a page of items may cost.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls that the items of one page share.
///
/// Whoever writes to the table chooses what is in its items, and a page has up to a thousand of
/// them: without a common bound each could cost its full number of calls, on a quota that the whole
/// account shares.
#[derive(Debug)]
pub(crate) struct CallBudget(AtomicUsize);

impl CallBudget {
    /// Twice what honest items need, and a few more.
    pub(crate) fn for_page(items: usize) -> Self {
        Self(AtomicUsize::new(items.saturating_mul(2).saturating_add(8)))
    }

    /// Takes one call, if one is left.
    pub(crate) fn spend(&self) -> bool {
        let left = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        left.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_spent_once() {
        let budget = CallBudget::for_page(1);
        let spent = (0..100).filter(|_| budget.spend()).count();
        assert_eq!(spent, 10);
    }
}
