//! Items that are not the newest: what is told of them, and what the memory shows.

use std::sync::Arc;

use dynaseal::SealedTable;
use dynaseal::table::ItemError;
use dynaseal::table::freshness::InMemoryFreshness;

use super::*;

/// The same patient, in versions.
#[derive(Clone, Debug, Serialize, Deserialize, Seal)]
#[seal(table = "patients", default = "encrypt")]
struct Visit {
    #[seal(partition_key)]
    id: String,
    #[seal(sort_key)]
    visit: u64,
    ssn: Redacted<String>,
    #[seal(sign)]
    plan: Hidden<String>,
    #[seal(version)]
    version: u64,
}

#[tokio::test]
async fn rollbacks_and_divergences_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let memory = Arc::new(InMemoryFreshness::default());
    let table = |region| {
        let regions = stack.regions(region);
        SealedTable::<Visit>::builder(TABLE, keyring(&stack, region, &exhibits), &regions)
    };
    let us = table(US).freshness(Arc::clone(&memory)).build().unwrap();
    let eu = table(EU).build().unwrap();
    let key = || (PARTITION, SORT);
    let visit = Visit {
        id: PARTITION.to_owned(),
        visit: SORT,
        ssn: SSN.to_owned().into(),
        plan: SIGNED.to_owned().into(),
        version: 0,
    };
    us.put(&visit).send().await.unwrap();
    let old = stack.stored(US, &patient_key()).await.unwrap();
    stack.cloud.replicate().await;
    let change = |visit: &mut Visit| visit.plan = STREET.to_owned().into();
    us.update(key(), change).send().await.unwrap();
    eu.update(key(), change).send().await.unwrap();
    stack.cloud.replicate().await;
    exhibits.show_error("diverged", &us.get(key()).send().await.unwrap_err());
    stack.store(US, &old).await;
    exhibits.show_error("stale", &us.get(key()).send().await.unwrap_err());
    let page = us.query(PARTITION).page().await.unwrap();
    let error = page.items()[0].as_ref().err().unwrap();
    assert!(matches!(error.error(), ItemError::Stale(_)));
    exhibits.show_error("page", error);
    let update = us.update(key(), change).send();
    exhibits.show_error("update", &update.await.err().unwrap());
    exhibits.show("memory", &memory);
    exhibits.show("table", &us);
    let log = exhibits.log();
    for kind in ["stale", "diverged"] {
        assert!(log.contains(kind), "{kind} in {log}");
    }
    exhibits.assert_clean(&all_secrets(), 15);
}
