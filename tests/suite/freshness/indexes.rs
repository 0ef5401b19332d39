//! Secondary indexes lag by nature: what comes out of them is flagged, and never refused.

use super::*;

async fn by_index(table: &Table) -> FreshnessState {
    let query = table.query("open").index("by-state");
    let page = query.opened_page().await.unwrap();
    let [Ok(opened)] = page.items() else {
        panic!("{page:?}")
    };
    opened.freshness()
}

#[tokio::test]
async fn an_older_item_is_flagged_and_not_read_again() {
    let stack = start().await;
    let table: Table = stack.table(US);
    let (old, new) = put_and_raise(&stack, &table).await;
    assert_eq!(by_index(&table).await, FreshnessState::Fresh);
    stack.store(US, &old).await;
    stack.cloud.reset_calls();
    assert_eq!(by_index(&table).await, FreshnessState::Stale);
    let scan = table.scan().index("by-state").items().collect().await;
    assert_eq!(scan.unwrap()[0].version, version(&old));
    assert_eq!(calls(&stack, "GetItem"), 0);

    // By way of the table it is an item of the table.
    let page = table.query("open").index("by-state").fetch_from_table();
    let page = page.page().await.unwrap();
    let [Err(unopened)] = page.items() else {
        panic!("{page:?}")
    };
    let dynaseal::table::ItemError::Stale(stale) = unopened.error() else {
        panic!("{unopened:?}")
    };
    assert_stale(stale, Some(version(&old)), version(&new), US);
}

#[tokio::test]
async fn another_item_of_the_version_is_flagged_and_still_told_by_the_table() {
    let stack = start().await;
    let (us, eu): (Table, Table) = (stack.table(US), stack.table(EU));
    us.put(&account(1)).send().await.unwrap();
    stack.cloud.replicate().await;
    raise(&us).await;
    raise(&eu).await;
    stack.cloud.replicate().await;
    for _ in 0..2 {
        assert_eq!(by_index(&us).await, FreshnessState::Diverged);
    }
    diverged(get(&us).await.unwrap_err());
    assert_eq!(by_index(&us).await, FreshnessState::Fresh);
}

#[tokio::test]
async fn what_an_index_shows_counts_as_seen() {
    let stack = start().await;
    let (old, new) = put_and_raise(&stack, &stack.table(US)).await;
    let reader: Table = stack.table(US);
    assert_eq!(by_index(&reader).await, FreshnessState::Fresh);
    stack.store(US, &old).await;
    let error = get(&reader).await.unwrap_err();
    assert_stale(&stale(error), Some(version(&old)), version(&new), US);
}
