//! The look at items before a tenant is erased.

use dynaseal::KmsMrkKeyring;
use dynaseal::keyring::{MultiKeyring, TableKeyKeyring};
use dynaseal::table::SampledItems;

use super::*;
use crate::support::stack::item;

impl World {
    /// What is seen in at most so many items.
    async fn sample(&self, items: usize) -> ErasureReceipt {
        let erase = self.table(US).erase_tenant("north");
        self.send(erase.sample_items(items)).await.unwrap()
    }

    /// A patient of `north` whom a process with another keyring wrote.
    async fn put_under(&self, keyring: impl Keyring + 'static, id: &str) {
        let table = self.table_under(US, keyring);
        self.put(&table, &patient(id, "north")).await.unwrap();
    }
}

#[tokio::test]
async fn reports_recipients_that_the_erasure_does_not_reach() {
    let world = World::start().await;
    let regions = world.regions(US);
    let kms = || KmsMrkKeyring::new(world.key.arn(US), &regions).unwrap();
    // Two more recipients of one kind are one item.
    let multi = MultiKeyring::new(world.keyring(US));
    let second = world.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let second = KmsMrkKeyring::new(second.arn(US), &regions).unwrap();
    world
        .put_under(multi.child(kms()).child(second), "n-2")
        .await;
    let table_key = TableKeyKeyring::builder(world.key.arn(US), &regions);
    let table_key = table_key.tenant_attribute("clinic").build().unwrap();
    world.put_under(table_key, "n-3").await;
    // A branch key, but not the tenant's.
    let fixed = HierarchicalKeyring::builder(&world.store(US)).branch_key_id("south");
    world.put_under(fixed.build().unwrap(), "n-4").await;
    for id in ["x-1", "x-2"] {
        let clear = item([("id", s(id)), ("clinic", s("north"))]);
        world.write(ITEMS, clear).await;
    }
    world.replicate().await;

    let receipt = world.sample(100).await;
    let seen = receipt.sample();
    assert_eq!((seen.items, seen.of_tenant, seen.not_sealed), (7, 4, 2));
    let foreign: Vec<_> = seen.foreign.iter().map(|(kind, n)| (&**kind, *n)).collect();
    assert_eq!(
        foreign,
        [
            ("aws-kms", 1),
            ("aws-kms-hierarchy", 1),
            ("dynaseal-table-key", 1)
        ]
    );
    let stays = receipt.stays_readable();
    for (kind, items) in foreign {
        let said = format!("{items} of 4 that were looked at have a recipient of `{kind}`");
        assert!(stays.iter().any(|line| line.contains(&said)), "{stays:?}");
    }

    // And so they do.
    world.replicate().await;
    let multi = MultiKeyring::new(world.keyring(EU)).child(kms());
    let reader = world.table_under(EU, multi);
    world.assert_opens(&reader, "n-2", "north").await;
    let kind = world.refusal(&world.table(EU), "n-2").await;
    assert_eq!(kind, KeyringErrorKind::Erased);
}

#[tokio::test]
async fn looks_at_no_more_than_it_is_told_to() {
    let world = World::start().await;
    let table = world.table(US);
    for n in 2..12 {
        let other = patient(&format!("n-{n}"), "north");
        world.put(&table, &other).await.unwrap();
    }
    world.cloud.reset_calls();
    let receipt = world.sample(5).await;
    assert_eq!(receipt.sample().items, 5);
    let scans = REGIONS.map(|region| world.cloud.calls_of(region, Service::DynamoDb, "Scan"));
    assert_eq!(scans, [1, 0]);
    let receipt = world.sample(12).await;
    assert_eq!(receipt.sample().items, 12);
    let receipt = world.sample(usize::MAX).await;
    assert_eq!(
        (receipt.sample().items, receipt.sample().of_tenant),
        (12, 11)
    );
}

#[tokio::test]
async fn looks_at_nothing_if_it_is_told_so() {
    let world = World::start().await;
    let receipt = world.sample(0).await;
    assert_eq!(receipt.sample(), &SampledItems::default());
    assert_eq!(world.calls_of("Scan"), 0);
}
