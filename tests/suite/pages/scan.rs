//! Scans, whole and in segments.

use std::collections::BTreeSet;

use dynaseal::expression::attribute;
use dynaseal::table::PageFailure;
use dynaseal::testkit::Fault;

use super::*;

fn ids(orders: &[Order]) -> BTreeSet<(String, u32)> {
    let ids = orders
        .iter()
        .map(|order| (order.customer.clone(), order.number));
    ids.collect()
}

fn all(count: u32) -> BTreeSet<(String, u32)> {
    let own = (1..=count).map(|number| ("c-1".to_owned(), number));
    own.chain([("c-2".to_owned(), 1)]).collect()
}

#[tokio::test]
async fn reads_every_item_in_both_regions() {
    let stack = start(9).await;
    stack.cloud.replicate().await;
    for region in [US, EU] {
        let table = stack.table::<Order>(region);
        let found = table.scan().page_size(4).items().collect().await.unwrap();
        assert_eq!(found.len(), 10);
        assert_eq!(ids(&found), all(9));
        let opened = table.scan().opened_items().collect().await.unwrap();
        assert!(opened.iter().all(|opened| opened.region() == Some(region)));
        let page = table.scan().page_size(4).opened_page().await.unwrap();
        assert_eq!(page.items().len(), 4);
    }
}

#[tokio::test]
async fn filters_and_counts() {
    let stack = start(9).await;
    let table = stack.table::<Order>(US);
    let paid = table.scan().filter(attribute("state").eq("paid"));
    assert_eq!(paid.clone().items().collect().await.unwrap().len(), 6);
    stack.cloud.reset_calls();
    assert_eq!(paid.clone().count_unverified().await.unwrap(), 6);
    assert_eq!(paid.segments(3).count_unverified().await.unwrap(), 6);
    assert_eq!(
        table.scan().page_size(2).count_unverified().await.unwrap(),
        10
    );
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
}

#[tokio::test]
async fn segments_at_the_same_time_bring_every_item_once() {
    let stack = start(30).await;
    let table = stack.table::<Order>(US);
    for segments in [1, 4, 7] {
        stack.cloud.reset_calls();
        let scan = table.scan().page_size(3).segments(segments);
        let found = scan.items().collect().await.unwrap();
        assert_eq!(found.len(), 31);
        assert_eq!(ids(&found), all(30));
        assert!(calls(&stack, "Scan") >= usize::try_from(segments).unwrap());
    }
    let opened = table.scan().segments(3).opened_items().collect().await;
    assert_eq!(opened.unwrap().len(), 31);
}

#[tokio::test]
async fn segments_one_by_one_bring_every_item_once() {
    let stack = start(30).await;
    let table = stack.table::<Order>(US);
    let mut found = Vec::new();
    for segment in 0..3 {
        let first = table
            .scan()
            .segment(segment, 3)
            .page_size(5)
            .page()
            .await
            .unwrap();
        let next = first.last_evaluated_key();
        found.extend(first.partition().0);
        if next.is_some() {
            let rest = table.scan().segment(segment, 3).start_from(next).items();
            found.extend(rest.collect().await.unwrap());
        }
    }
    assert_eq!(found.len(), 31);
    assert_eq!(ids(&found), all(30));
}

#[tokio::test]
async fn a_segment_that_fails_ends_the_stream() {
    let stack = start(30).await;
    let table = stack.table::<Order>(US);
    let once = Fault::Unavailable.on("Scan").times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, once);
    let mut items = table.scan().segments(4).items();
    let mut failed = 0;
    while let Some(item) = items.next().await {
        assert_eq!(failed, 0, "nothing comes after the failure of a page");
        failed += usize::from(matches!(item, Err(PageFailure::Page(_))));
    }
    assert_eq!(failed, 1);
    assert!(items.last_evaluated_key().is_none());
}
