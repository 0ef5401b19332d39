//! How many calls, and lookups of branch keys, a page of items may cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls that one item may cost: one of its own, and then what is left to its page.
///
/// Whoever writes to the table chooses what is in its items, and a page has up to a thousand of
/// them: without a common bound each could cost its full number of calls, on a quota that the whole
/// account shares. The call of its own is what an honest item needs, so that it opens whatever else
/// is on the page. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct CallBudget {
    calls: Share,
    lookups: Share,
}

/// What one item has for itself, and what all on its page have together.
#[derive(Clone, Debug)]
struct Share {
    own: Arc<AtomicUsize>,
    page: Arc<AtomicUsize>,
}

impl CallBudget {
    /// One budget for each item of a page. Together they are twice what honest items need, and a few
    /// calls more.
    pub(crate) fn of_page(items: usize) -> Vec<Self> {
        let (calls, lookups) = (Share::of_page(items), Share::of_page(items));
        let budget = || Self {
            calls: calls.for_item(),
            lookups: lookups.for_item(),
        };
        std::iter::repeat_with(budget).take(items).collect()
    }

    /// Takes one call, if one is left.
    pub(crate) fn spend(&self) -> bool {
        self.calls.spend()
    }

    /// Takes one lookup in a key store, if one is left. It reads a table, and then may cost a call besides.
    pub(crate) fn spend_lookup(&self) -> bool {
        self.lookups.spend()
    }
}

impl Share {
    fn of_page(items: usize) -> Self {
        Self {
            own: Arc::default(),
            page: Arc::new(AtomicUsize::new(items.saturating_add(8))),
        }
    }

    fn for_item(&self) -> Self {
        Self {
            own: Arc::new(AtomicUsize::new(1)),
            page: Arc::clone(&self.page),
        }
    }

    fn spend(&self) -> bool {
        take(&self.own) || take(&self.page)
    }
}

fn take(calls: &AtomicUsize) -> bool {
    let taken = calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    taken.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_twice_the_items_and_eight_in_all() {
        for items in [1, 2, 100] {
            let page = CallBudget::of_page(items);
            let spent = page
                .iter()
                .map(|item| (0..1000).filter(|_| item.spend()).count());
            assert_eq!(spent.sum::<usize>(), 2 * items + 8);
            let looked_up = page
                .iter()
                .map(|item| (0..1000).filter(|_| item.spend_lookup()).count());
            assert_eq!(looked_up.sum::<usize>(), 2 * items + 8);
        }
    }

    #[test]
    fn keeps_a_call_for_each_item_whatever_the_others_take() {
        let page = CallBudget::of_page(3);
        let greedy = (0..1000).filter(|_| page[0].spend()).count();
        assert_eq!(greedy, 1 + 3 + 8);
        assert!(page[1].spend() && page[2].spend());
        assert!(!page[1].spend());
    }
}
