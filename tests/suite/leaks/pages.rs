//! Many items at once, and what each operation on them shows.

use dynaseal::expression::{SortKeyCondition, attribute};
use dynaseal::table::IntoQueryKey as _;
use dynaseal::testkit::{Fault, Service};

use super::failures::{start_with_patient, table_of};
use super::*;

#[tokio::test]
async fn queries_scans_and_batches_that_work_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, _) = start_with_patient(&exhibits).await;
    let table = table_of::<Patient>(&stack, US, &exhibits);
    exhibits.show("QueryKey", &PARTITION.into_query_key());
    let query = table.query(PARTITION).sort_key(SortKeyCondition::eq(SORT));
    let query = query.filter(attribute("plan").eq(SIGNED)).page_size(1);
    exhibits.show("Query", &query);
    let page = query.clone().page().await.unwrap();
    assert_eq!(page.items().len(), 1, "the secrets were there");
    exhibits.show("Page", &page);
    exhibits.show("LastEvaluatedKey", &page.last_evaluated_key().unwrap());
    let items = query.clone().items();
    exhibits.show("Items", &items);
    assert_eq!(items.collect().await.unwrap().len(), 1);
    assert_eq!(query.count_unverified().await.unwrap(), 1);

    let scan = table
        .scan()
        .filter(attribute("plan").eq(SIGNED))
        .segment(0, 1);
    exhibits.show("Scan", &scan);
    exhibits.show("Page", &scan.opened_page().await.unwrap());
    let scan = table.scan().segments(2);
    exhibits.show("ParallelScan", &scan);
    assert_eq!(scan.items().collect().await.unwrap().len(), 1);

    let get = table.batch_get([(PARTITION, SORT)]);
    exhibits.show("BatchGet", &get);
    exhibits.show("BatchGetOutput", &get.send().await.unwrap());
    let write = table.batch_write().put(&patient()).delete((PARTITION, 1));
    exhibits.show("BatchWrite", &write);
    exhibits.show("BatchWriteOutput", &write.send().await.unwrap());
    let log = exhibits.log();
    for operation in ["Query", "Scan", "BatchGetItem", "BatchWriteItem"] {
        assert!(log.contains(operation), "{operation} in {log}");
    }
    exhibits.assert_clean(&all_secrets(), 40);
}

#[tokio::test]
async fn queries_and_batches_that_fail_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, stored) = start_with_patient(&exhibits).await;
    let table = table_of::<Patient>(&stack, US, &exhibits);
    let mut tampered = stored;
    tampered.insert("plan".to_owned(), s(NESTED));
    stack.store(US, &tampered).await;
    let page = table.query(PARTITION).page().await.unwrap();
    exhibits.show("Page", &page);
    let (_, unopened) = page.partition();
    exhibits.show_error("UnopenedItem", &unopened[0]);
    exhibits.show_error("ItemError", unopened[0].error());
    let failure = table.query(PARTITION).items().collect().await.unwrap_err();
    exhibits.show_error("PageFailure", &failure);
    let output = table.batch_get([(PARTITION, SORT)]).send().await.unwrap();
    exhibits.show("BatchGetOutput", &output);
    exhibits.show_error("BatchGetOutput::found", &output.found().unwrap_err());

    let refused = table.query(PARTITION).filter(attribute("ssn").eq(SSN));
    exhibits.show_error("Refused", &refused.page().await.unwrap_err());
    let twice = table
        .batch_write()
        .put(&patient())
        .delete((PARTITION, SORT));
    exhibits.show_error("BatchWriteFailure", &twice.send().await.unwrap_err());

    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::LostResponse);
    let failure = table.query(PARTITION).items().collect().await.unwrap_err();
    exhibits.show("PageFailure", &failure);
    let write = table.batch_write().put(&patient()).delete((PARTITION, 1));
    let failure = write.send().await.unwrap_err();
    exhibits.show("BatchWriteFailure", &failure);
    exhibits.show("BatchWriteCause", failure.cause());
    for write in failure.unknown() {
        exhibits.show("Write", write);
    }
    exhibits.assert_clean(&all_secrets(), 40);
}
