//! The bounded memory against a plain list of what was seen.

use dynaseal::table::freshness::{FooterDigest, Freshness as _, ItemId, Seen, Verdict};
use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Observe(u8, u64, u8),
    Newest(u8),
    Forget(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let item = 0..6_u8;
    prop_oneof![
        6 => (item.clone(), 0..4_u64, 0..3_u8).prop_map(|(i, v, f)| Step::Observe(i, v, f)),
        2 => item.clone().prop_map(Step::Newest),
        1 => item.prop_map(Step::Forget),
    ]
}

/// The longest unseen first.
#[derive(Default)]
struct Model(Vec<(u8, (u64, u8))>);

impl Model {
    fn find(&self, item: u8) -> Option<(u64, u8)> {
        let found = self.0.iter().find(|(other, _)| *other == item);
        found.map(|(_, seen)| *seen)
    }

    fn forget(&mut self, item: u8) {
        self.0.retain(|(other, _)| *other != item);
    }

    fn observe(&mut self, item: u8, seen: (u64, u8), max: usize) -> Verdict {
        let before = self.find(item);
        self.forget(item);
        let (kept, verdict) = match before {
            Some(before) if before.0 > seen.0 => (before, Verdict::Stale { newest: before.0 }),
            Some(before) if before.0 == seen.0 && before.1 != seen.1 => (seen, Verdict::Diverged),
            _ => (seen, Verdict::Fresh),
        };
        self.0.push((item, kept));
        if self.0.len() > max {
            self.0.remove(0);
        }
        verdict
    }
}

fn id(item: u8) -> ItemId {
    ItemId::from_bytes([item; 32])
}

fn seen((version, footer): (u64, u8)) -> Seen {
    Seen::new(version, FooterDigest::from_bytes([footer; 32]))
}

proptest! {
    #[test]
    fn remembers_what_a_list_would(
        max in 0..5_usize,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let memory = InMemoryFreshness::new(max);
        let (mut model, max) = (Model::default(), max.max(1));
        for step in steps {
            match step {
                Step::Observe(item, version, footer) => {
                    let expected = model.observe(item, (version, footer), max);
                    let id = id(item);
                    let observed = memory.observe(&id, seen((version, footer)));
                    prop_assert_eq!(observed.now_or_never().unwrap().unwrap(), expected);
                }
                Step::Newest(item) => {
                    let newest = memory.newest(&id(item)).now_or_never().unwrap();
                    prop_assert_eq!(newest.unwrap(), model.find(item).map(seen));
                }
                Step::Forget(item) => {
                    model.forget(item);
                    memory.forget(&id(item)).now_or_never().unwrap().unwrap();
                }
            }
            prop_assert_eq!(memory.len(), model.0.len());
            prop_assert_eq!(memory.is_empty(), model.0.is_empty());
        }
    }
}

#[tokio::test]
async fn an_item_that_was_forgotten_for_others_is_believed() {
    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::new(2));
    let table = in_regions(&stack, &stack.regions(US), &memory);
    let (old, _) = put_and_raise(&stack, &table).await;
    stack.store(US, &old).await;
    assert!(get(&table).await.is_err());
    for number in [2, 3] {
        table.put(&account(number)).send().await.unwrap();
    }
    assert_eq!(state(&table).await, FreshnessState::Fresh);
    let shown = format!("{memory:?}");
    assert_eq!(shown, "InMemoryFreshness { max_items: 2, len: 2, .. }");
}
