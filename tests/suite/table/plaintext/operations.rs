//! Plaintext in every read that asks for it, and what shrinks the set of keys.

use dynaseal::OpenError;
use dynaseal::table::{ItemError, TransactWrite};

use super::*;

fn untold() -> PlaintextPolicy {
    PlaintextPolicy::allow_partition_key_prefix("old-", deadline())
}

/// One sealed item, one to be let through, one that is not.
async fn start_with_three() -> Reader {
    let reader = Reader::start(untold()).await;
    reader.table.put(&customer("old-0")).send().await.unwrap();
    for id in ["old-1", "new-1"] {
        reader.stack.store(US, &plaintext(id)).await;
    }
    reader
}

fn is_not_sealed(error: &ItemError) -> bool {
    matches!(error, ItemError::Open(OpenError::NotSealed(_)))
}

#[tokio::test]
async fn a_scan_lets_through_what_the_policy_covers_and_no_more() {
    let reader = start_with_three().await;
    let scan = || reader.table.scan();
    let page = scan().allow_plaintext().page().await.unwrap();
    let segments = scan().segments(2).allow_plaintext().items();
    let streamed = scan().allow_plaintext().items().partition().await.unwrap();
    let all = [
        page.partition(),
        streamed,
        segments.partition().await.unwrap(),
    ];
    for (found, unopened) in all {
        let verified = found.iter().filter(|found| found.is_verified()).count();
        assert_eq!((found.len(), verified), (2, 1));
        let [unopened] = &unopened[..] else {
            panic!("{unopened:?}")
        };
        assert!(is_not_sealed(unopened.error()), "{unopened:?}");
    }
    assert_eq!(reader.table.plaintext_reads(), 3);
    let (found, unopened) = scan().items().partition().await.unwrap();
    assert_eq!((found.len(), unopened.len()), (1, 2), "nobody asked");
    assert_eq!(reader.table.plaintext_reads(), 3);
}

#[tokio::test]
async fn a_query_lets_plaintext_of_its_partition_through() {
    let reader = start_with_three().await;
    for id in ["old-0", "old-1"] {
        let query = || reader.table.query(id).allow_plaintext();
        let found = query().items().collect().await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].is_verified(), id == "old-0");
        let page = query().page().await.unwrap();
        assert!(page.items()[0].is_ok());
    }
    let refused = reader.table.query("new-1").allow_plaintext().page().await;
    let refused = refused.unwrap().partition().1;
    assert!(is_not_sealed(refused[0].error()));
    reader.clock.set_time(deadline());
    let late = reader.table.query("old-1").allow_plaintext().page().await;
    assert!(is_not_sealed(late.unwrap().partition().1[0].error()));
}

#[tokio::test]
async fn a_batch_lets_plaintext_through_key_by_key() {
    let reader = start_with_three().await;
    let keys = [("old-0", 7), ("old-1", 7), ("new-1", 7), ("old-2", 7)];
    let output = reader.table.batch_get(keys).allow_plaintext().send().await;
    let results = output.unwrap().into_results();
    let kinds: Vec<_> = results
        .iter()
        .map(|(_, result)| match result {
            Ok(Some(Found::Verified(_))) => "verified",
            Ok(Some(Found::Plaintext(_))) => "plaintext",
            Ok(None) => "nothing",
            Err(error) if is_not_sealed(error) => "refused",
            Err(error) => panic!("{error:?}"),
        })
        .collect();
    assert_eq!(kinds, ["verified", "plaintext", "refused", "nothing"]);
    assert_eq!(reader.table.plaintext_reads(), 1);
}

#[tokio::test]
async fn every_write_that_is_done_shrinks_the_set() {
    let ids = ["put", "batch", "gone", "together", "left"];
    let keys: PlaintextKeys = ids.map(|id| (id, 7)).into_iter().collect();
    let reader = Reader::start(PlaintextPolicy::allow_keys(keys.clone(), deadline())).await;
    let table = &reader.table;
    let left = |done: &[&str]| {
        for id in ids {
            assert_eq!(
                keys.contains((id, 7)),
                !done.contains(&id),
                "{id} after {done:?}"
            );
        }
    };
    let batch = table
        .batch_write()
        .put(&customer("batch"))
        .delete(("gone", 7));
    batch.send().await.unwrap();
    left(&["batch", "gone"]);
    let write = TransactWrite::new()
        .put(table, &customer("together"))
        .check(
            table,
            ("left", 7),
            dynaseal::expression::attribute("plan").not_exists(),
        );
    write.send().await.unwrap();
    left(&["batch", "gone", "together"]);
    let refused = TransactWrite::new().put_if_not_exists(table, &customer("together"));
    let refused = refused.put(table, &customer("left")).send().await;
    refused.unwrap_err();
    left(&["batch", "gone", "together"]);
    table.delete(("put", 7)).send().await.unwrap();
    left(&["batch", "gone", "together", "put"]);
}

#[tokio::test]
async fn an_update_takes_no_plaintext() {
    let reader = start_with_three().await;
    let change = |customer: &mut Customer| customer.plan = Plan::Free;
    let error = reader
        .table
        .update(("old-1", 7), change)
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error, dynaseal::UpdateError::PlaintextItem),
        "{error:?}"
    );
}
