//! Tables under a hierarchical keyring: tenants' handles, pages, and what the doctor finds.

use dynaseal::SealedTable;
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, dynaseal::Seal)]
#[seal(table = "visits")]
struct Visit {
    #[seal(partition_key)]
    day: String,
    #[seal(sort_key)]
    number: u32,
    #[seal(tenant)]
    tenant: String,
    #[seal(encrypt)]
    note: String,
}

fn visit(tenant: &str, number: u32) -> Visit {
    Visit {
        day: "2026-01-01".into(),
        number,
        tenant: tenant.into(),
        note: format!("note {number} of {tenant}"),
    }
}

async fn table(world: &World, local: &str) -> SealedTable<Visit> {
    let visits = TableDefinition::new("visits").partition_key("day", KeyType::S);
    let visits = visits.sort_key("number", KeyType::N);
    world.cloud.create_global_table(&visits).await.unwrap();
    let regions = world.regions(local);
    let builder = SealedTable::builder("visits", world.keyring(&regions), &regions);
    builder.build().unwrap()
}

#[tokio::test]
async fn reads_a_page_of_many_items_with_one_decrypt_for_each_tenant() {
    let world = World::with(&["acme", "globex"]).await;
    let visits = table(&world, US).await;
    let mut written = Vec::new();
    for number in 0..40 {
        let tenant = ["acme", "globex"][usize::try_from(number % 2).unwrap()];
        written.push(visit(tenant, number));
        let put = visits
            .tenant(tenant)
            .unwrap()
            .put(&written[written.len() - 1]);
        world.run(put.send()).await.unwrap();
    }
    assert_eq!(world.calls(US)[0], 2);
    world.cloud.reset_calls();
    let query = visits.query("2026-01-01").items();
    let read: Vec<Visit> = world.run(query.collect()).await.unwrap();
    assert_eq!(read, written);
    assert_eq!(world.calls(US), [2, 2]);
}

#[tokio::test]
async fn the_doctor_tries_the_branch_keys_and_looks_at_the_key_store() {
    let world = World::with(&["acme"]).await;
    let visits = table(&world, US).await;
    let report = world.run(visits.doctor().run()).await;
    assert!(report.is_healthy(), "{report}");
    let of_store = |region: &str| {
        let found = report.findings().iter();
        let found = found.filter(|found| found.check() == "key-store-exists");
        found.filter(|found| found.region() == Some(region)).count()
    };
    assert_eq!([US, EU].map(of_store), [1, 1], "{report}");
}
