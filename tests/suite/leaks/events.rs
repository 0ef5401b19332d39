//! Events, counters and their snapshots.

use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::observe::{Counters, from_fn};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{RegionSet, SealedTable};

use super::*;

#[tokio::test]
async fn nothing_that_observers_are_told_gives_anything_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let (heard, counters) = (exhibits.clone(), Counters::new());
    let regions = RegionSet::builder(&stack.config(US)).local(US).fallback(EU);
    let regions = regions
        .observer(from_fn(move |event| heard.show("event", event)))
        .observer(counters.clone())
        .build()
        .unwrap();
    let keyring = keyring(&stack, US, &exhibits);
    let table = SealedTable::<Patient>::builder(TABLE, keyring, &regions);
    let table = table.build().unwrap().audited_as("night shift");
    let key = || (PARTITION, SORT);
    table.put(&patient()).send().await.unwrap();
    table.get(key()).send().await.unwrap();
    let change = |patient: &mut Patient| patient.plan = STREET.to_owned().into();
    table.update(key(), change).send().await.unwrap();
    let seen = UpdateExpression::new().increment("views", 1);
    table.update_unsigned(key(), seen).send().await.unwrap();
    table.query(PARTITION).items().collect().await.unwrap();
    let condition = attribute("plan").eq(SIGNED);
    let failed = table.put(&patient()).condition(condition).send().await;
    assert!(failed.is_err());
    let mut stored = stack.stored(US, &patient_key()).await.unwrap();
    stored.insert("ssn".into(), s(SSN));
    stack.store(US, &stored).await;
    table.get(key()).send().await.err().unwrap();
    stack.disable_key(US, &stack.key).await;
    table.put(&patient()).send().await.err().unwrap();
    stack
        .cloud
        .region(US)
        .fail(Service::DynamoDb, Fault::Unavailable);
    for _ in 0..6 {
        table.get(key()).send().await.err().unwrap();
    }
    let snapshot = counters.snapshot();
    exhibits.show("counters", &counters);
    exhibits.show("snapshot", &snapshot);
    exhibits.show("text", &snapshot.to_string());
    exhibits.show("json", &serde_json::to_string(&snapshot).unwrap());
    assert!(exhibits.log().contains("circuit breaker"));
    exhibits.assert_clean(&all_secrets(), 40);
}
