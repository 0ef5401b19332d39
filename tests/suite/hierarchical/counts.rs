//! What items cost: calls per branch key and TTL, not per item.

use std::sync::Arc;

use futures_util::future::join_all;

use super::*;

/// All at once, each in a task of its own.
async fn open_all(world: &World, encryptor: &Arc<ItemEncryptor>, sealed: Vec<Item>) {
    let tasks = sealed.into_iter().map(|item| {
        let encryptor = Arc::clone(encryptor);
        tokio::spawn(async move { encryptor.open(item).await.map(drop) })
    });
    for opened in world.run(join_all(tasks)).await {
        opened.unwrap().unwrap();
    }
}

#[tokio::test]
async fn asks_once_for_a_thousand_tasks_at_a_cold_cache() {
    let world = World::with(&["acme"]).await;
    let writer = Arc::new(world.encryptor(US));
    let tasks = (0..1000).map(|n| {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move { writer.seal(order("acme", &format!("o-{n}"))).await })
    });
    let sealed = world.run(join_all(tasks)).await;
    let sealed: Vec<Item> = sealed
        .into_iter()
        .map(|item| item.unwrap().unwrap())
        .collect();
    // The active record, and whether the branch key was erased.
    assert_eq!(world.calls(US), [1, 2]);

    let reader = Arc::new(world.encryptor(EU));
    open_all(&world, &reader, sealed.clone()).await;
    assert_eq!(world.calls(EU), [1, 1]);
    open_all(&world, &reader, sealed).await;
    assert_eq!(world.calls(EU), [1, 1]);
}

#[tokio::test]
async fn asks_again_for_each_branch_key_and_each_time_to_live() {
    let world = World::with(&["acme", "globex", "initech"]).await;
    let (us, mut sealed) = (world.encryptor(US), Vec::new());
    for round in 1..=3 {
        for n in 0..30 {
            let tenant = ["acme", "globex", "initech"][n % 3];
            sealed.push(world.seal(&us, tenant, &format!("o-{n}")).await);
        }
        assert_eq!(world.calls(US), [3 * round, 6 * round], "round {round}");
        world.pass(TTL).await;
    }
    world.cloud.reset_calls();
    let eu = world.encryptor(EU);
    for item in &sealed {
        world.assert_opens(&eu, item).await;
    }
    assert_eq!(world.calls(EU), [3, 3]);
    assert_eq!(world.calls(US), [0, 0]);
}

/// What was read to seal with never opens: it comes from another record.
#[tokio::test]
async fn reads_the_record_of_a_version_to_open_what_it_sealed_itself() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    let sealed = world.seal(&us, "acme", "o-1").await;
    assert_eq!(world.calls(US), [1, 2]);
    world.assert_opens(&us, &sealed).await;
    assert_eq!(world.calls(US), [2, 3]);
}

#[tokio::test]
async fn keeps_as_many_branch_keys_as_it_may() {
    let world = World::with(&["acme", "globex"]).await;
    let keyring = world.builder(&world.regions(US)).max_cached_keys(1);
    let us = encryptor(keyring.branch_key_per_tenant("tenant").build().unwrap());
    for id in ["o-1", "o-2", "o-3"] {
        world.seal(&us, "acme", id).await;
        world.seal(&us, "globex", id).await;
    }
    assert_eq!(world.calls(US), [6, 12]);
}

#[tokio::test]
async fn forgets_branch_keys_when_it_is_told_to() {
    let world = World::with(&["acme"]).await;
    let keyring = world.keyring(&world.regions(US));
    let us = encryptor(keyring.clone());
    let sealed = world.seal(&us, "acme", "o-1").await;
    world.assert_opens(&us, &sealed).await;
    keyring.flush();
    world.cloud.reset_calls();
    world.seal(&us, "acme", "o-2").await;
    world.assert_opens(&us, &sealed).await;
    assert_eq!(world.calls(US), [2, 3]);
}

#[tokio::test]
async fn renews_branch_keys_ahead_of_time_so_that_nobody_waits() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    world.seal(&us, "acme", "o-1").await;
    world.pass(TTL - 2 * SECOND).await;
    world.seal(&us, "acme", "o-2").await;
    world.pass(SECOND).await;
    assert_eq!(world.calls(US), [2, 4]);
    world.pass(TTL / 2).await;
    world.seal(&us, "acme", "o-3").await;
    assert_eq!(world.calls(US), [2, 4]);
}
