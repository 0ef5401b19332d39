//! Other tenants, whom an erasure does not concern.

use super::*;

#[tokio::test]
async fn touches_no_row_of_other_tenants() {
    let world = World::start().await;
    let keys = REGIONS.map(|region| world.keys_of(region, "south"));
    let items = REGIONS.map(|region| world.cloud.stored(region, ITEMS).unwrap());
    world.erase().await;
    assert_eq!(REGIONS.map(|region| world.keys_of(region, "south")), keys);
    let after = REGIONS.map(|region| world.cloud.stored(region, ITEMS).unwrap());
    assert_eq!(after, items, "items are not deleted, not even the tenant's");
}

#[tokio::test]
async fn asks_as_much_of_others_as_it_would_without_them() {
    let mut calls = Vec::new();
    for others in [0, 5] {
        let world = World::start().await;
        for n in 0..others {
            let id = format!("east-{n}");
            let store = world.store(US);
            let create = store.create_key().branch_key_id(&id);
            let create = create.encryption_context([("clinic", &id)]).send();
            world.run(create).await.unwrap();
        }
        world.replicate().await;
        world.cloud.reset_calls();
        world.erase().await;
        let of = ["Scan", "PutItem", "DeleteItem", "Query"].map(|name| world.calls_of(name));
        // A look at the items; a tombstone and the active key in each region; a version and a beacon key in
        // each; three passes.
        assert_eq!(of, [1, 2, 6, 6]);
        assert_eq!(world.calls()[1], 0, "KMS has nothing to do with it");
        calls.push(world.calls());
    }
    assert_eq!(calls[0], calls[1]);
}

/// Whoever reads and writes for another tenant notices nothing, and has its keys in the cache all the time.
#[tokio::test]
async fn leaves_the_cached_keys_of_others_alone() {
    let world = World::start().await;
    let table = world.table(EU);
    world.assert_opens(&table, "s-1", "south").await;
    let other = patient("s-2", "south");
    world.put(&table, &other).await.unwrap();
    world.cloud.reset_calls();
    let eraser = world.table(US).erase_tenant("north");
    let erase = eraser.longest_ttl(TTL).lag_bound(LAG).send();
    let work = async {
        for _ in 0..4 {
            world.time.sleep(TTL / 10).await;
            table.put(&other).send().await.unwrap();
            assert_eq!(table.get("s-2").send().await.unwrap().unwrap(), other);
        }
        world.cloud.calls(EU, Service::Kms)
    };
    let (receipt, asked) = world.run(async { tokio::join!(erase, work) }).await;
    receipt.unwrap();
    assert_eq!(asked, 0);
}
