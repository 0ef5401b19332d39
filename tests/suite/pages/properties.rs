//! What holds for every batch, however DynamoDB cuts it, and for every way through pages.

use std::collections::BTreeSet;

use dynaseal::item::Key;
use dynaseal::testkit::Fault;
use proptest::prelude::*;

use super::*;
use crate::support::patience::Patience;

/// One write: put or delete, of this number.
type Op = (bool, u32);

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let ops = proptest::collection::btree_map(0..60_u32, any::<bool>(), 0..60);
    let ops = ops.prop_map(|ops| ops.into_iter().map(|(n, put)| (put, n)));
    ops.prop_map(Iterator::collect::<Vec<_>>).prop_shuffle()
}

/// So many requests handed back, so many times.
fn faults() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..40_usize, 1..3_usize), 0..3)
}

fn strike(stack: &Stack, faults: &[(usize, usize)]) {
    stack.cloud.region(US).recover();
    for (count, times) in faults {
        let fault = Fault::Unprocessed(*count).times(*times);
        stack.cloud.region(US).fail(Service::DynamoDb, fault);
    }
}

async fn hold(ops: Vec<Op>, asked: Vec<u32>, faults: Vec<(usize, usize)>, pages: (i32, bool)) {
    let stack = Stack::start(&definition()).await;
    // Enough for every fault to be over.
    let table: SealedTable<Order> = Patience::until(1000).table(&stack, TABLE);
    let there: Vec<_> = (0..30).map(|number| order("c-1", number)).collect();
    table.batch_write().puts(&there).send().await.unwrap();
    let mut model: BTreeSet<u32> = (0..30).collect();

    strike(&stack, &faults);
    let mut batch = table.batch_write();
    for (put, number) in &ops {
        batch = if *put {
            model.insert(*number);
            batch.put(&order("c-1", *number))
        } else {
            model.remove(number);
            batch.delete(("c-1", *number))
        };
    }
    assert_eq!(batch.send().await.unwrap().written(), ops.len());

    strike(&stack, &faults);
    let output = table.batch_get(asked.iter().map(|number| ("c-1", *number)));
    let output = output.send().await.unwrap();
    let mut expected = Vec::new();
    for number in asked {
        let key = Key::with_sort("c-1", number);
        if !expected.iter().any(|(known, _)| *known == key) {
            expected.push((key, model.contains(&number).then(|| order("c-1", number))));
        }
    }
    let results = output.into_results().into_iter();
    let results: Vec<_> = results
        .map(|(key, result)| (key, result.unwrap()))
        .collect();
    assert_eq!(results, expected);

    let (page_size, descending) = pages;
    let query = table.query("c-1").page_size(page_size);
    let query = if descending {
        query.descending()
    } else {
        query
    };
    let (mut walked, mut start) = (Vec::new(), None);
    loop {
        let page = query.clone().start_from(start).page().await.unwrap();
        start = page.last_evaluated_key();
        let (orders, unopened) = page.partition();
        assert!(unopened.is_empty());
        walked.extend(numbers(&orders));
        if start.is_none() {
            break;
        }
    }
    let mut all: Vec<_> = model.into_iter().collect();
    if descending {
        all.reverse();
    }
    assert_eq!(walked, all);
    assert_eq!(numbers(&query.items().collect().await.unwrap()), all);
}

proptest! {
    // Each case is a few hundred calls.
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn batches_do_what_single_operations_do_and_pages_bring_each_item_once(
        ops in ops(),
        asked in proptest::collection::vec(0..70_u32, 0..130),
        faults in faults(),
        pages in (1..40_i32, any::<bool>()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(hold(ops, asked, faults, pages));
    }
}
