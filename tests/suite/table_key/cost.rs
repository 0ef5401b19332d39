//! Calls to KMS: one for a period, a count or a scope when sealing, one for a table key met when opening.

use std::collections::BTreeSet;

use dynaseal::testkit::{Fault, KeyType, TableDefinition};
use dynaseal::{Seal, SealedTable};
use futures_util::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Seal)]
#[seal(table = "letters", default = "encrypt")]
struct Letter {
    #[seal(partition_key)]
    id: String,
    #[seal(tenant)]
    to: String,
    text: String,
}

fn letter(n: usize) -> Letter {
    Letter {
        id: format!("l-{n}"),
        to: format!("tenant-{}", n % 2),
        text: format!("text {n}"),
    }
}

#[tokio::test]
async fn what_one_region_wrote_another_reads_by_its_own_replica_once_for_each_table_key() {
    let world = World::start().await;
    let definition = TableDefinition::new("letters").partition_key("id", KeyType::S);
    world.cloud.create_global_table(&definition).await.unwrap();
    let table = |local| -> SealedTable<Letter> {
        let keyring = world.builder(local).tenant_attribute("to").build().unwrap();
        let builder = SealedTable::builder("letters", keyring, &world.regions(local));
        builder.build().unwrap()
    };
    let writer = table(US);
    for n in 0..20 {
        world.time.run(writer.put(&letter(n)).send()).await.unwrap();
    }
    assert_eq!(world.calls(US), [2, 0], "one for each tenant");
    world.cloud.replicate().await;
    let reader = table(EU);
    for n in 0..20 {
        let found = world.time.run(reader.get(letter(n).id).send()).await;
        assert_eq!(found.unwrap(), Some(letter(n)));
    }
    assert_eq!((world.calls(US), world.calls(EU)), ([2, 0], [0, 2]));
}

#[tokio::test]
async fn works_under_the_policy_that_its_doctor_writes() {
    let world = World::start().await;
    let definition = TableDefinition::new("letters").partition_key("id", KeyType::S);
    world.cloud.create_global_table(&definition).await.unwrap();
    let keyring = world.builder(US).tenant_attribute("to").build().unwrap();
    let builder = SealedTable::builder("letters", keyring, &world.regions(US));
    let table: SealedTable<Letter> = builder.build().unwrap();
    let policy = table.doctor().iam_policy().to_string();
    assert!(policy.contains("dynaseal-purpose"), "{policy}");
    assert!(!policy.contains("aws-crypto-attr"), "{policy}");
    let put = world.cloud.kms(US).put_key_policy();
    let put = put.key_id(world.key.arn(US)).policy(policy);
    put.send().await.unwrap();
    world.time.run(table.put(&letter(0)).send()).await.unwrap();
    let found = world.time.run(table.get("l-0").send()).await.unwrap();
    assert_eq!(found, Some(letter(0)));
}

#[tokio::test]
async fn a_sealing_process_needs_no_decrypt_and_an_opening_one_nothing_else() {
    let world = World::start().await;
    let definition = TableDefinition::new("letters").partition_key("id", KeyType::S);
    world.cloud.create_global_table(&definition).await.unwrap();
    let table = |region| -> SealedTable<Letter> {
        let keyring = world.builder(region).build().unwrap();
        let builder = SealedTable::builder("letters", keyring, &world.regions(region));
        builder.build().unwrap()
    };
    let intake = table(US).seal_only();
    for n in 0..5 {
        world.time.run(intake.put(&letter(n)).send()).await.unwrap();
    }
    assert_eq!(world.calls(US), [1, 0]);
    world.cloud.replicate().await;
    let reader = table(EU).open_only();
    for n in 0..5 {
        let found = world.time.run(reader.get(letter(n).id).send()).await;
        assert_eq!(found.unwrap(), Some(letter(n)));
    }
    assert_eq!(world.calls(EU), [0, 1]);
}

#[tokio::test]
async fn a_thousand_items_of_five_processes_cost_five_calls_each_way() {
    let world = World::start().await;
    let writers: Vec<_> = (0..5).map(|_| world.process(US)).collect();
    let seals = (0..1000).map(|n| writers[n % 5].seal(note(n)));
    let sealed = world.time.run(try_join_all(seals)).await.unwrap();
    assert_eq!(world.calls(US), [5, 0]);
    let ids: BTreeSet<_> = sealed
        .iter()
        .map(|s| table_key_of(&writers[0], s))
        .collect();
    assert_eq!(ids.len(), 5, "as a report counts them");
    let reader = world.process(EU);
    for (n, sealed) in sealed.into_iter().enumerate() {
        let opened = world.time.run(reader.open(sealed)).await.unwrap();
        assert_eq!(opened.item(), &note(n));
        assert_eq!(opened.keyring(), "table-key");
        assert_eq!(opened.region(), Some(EU));
    }
    assert_eq!((world.calls(US), world.calls(EU)), ([5, 0], [0, 5]));
}

#[tokio::test]
async fn a_thousand_tasks_at_a_cold_cache_make_one_call() {
    let world = World::start().await;
    let process = world.process(EU);
    let slow = Fault::Latency(SECOND);
    world.cloud.region(EU).fail(Service::Kms, slow);
    let tasks = (0..1000).map(|n| {
        let process = process.clone();
        tokio::spawn(async move { process.seal(note(n)).await.unwrap() })
    });
    let sealed = world.time.run(try_join_all(tasks)).await.unwrap();
    assert_eq!(world.calls(EU), [1, 0]);
    let opens = sealed.into_iter().map(|sealed| {
        let process = process.clone();
        tokio::spawn(async move { process.open(sealed).await.unwrap() })
    });
    let opened = world.time.run(join_all(opens)).await;
    assert_eq!(opened.len(), 1000);
    assert_eq!(world.calls(EU), [1, 1]);
}

#[tokio::test]
async fn a_period_ends_and_the_next_key_is_another() {
    let world = World::start().await;
    let keyring = world.builder(US).write_period(100 * SECOND).build();
    let process = encryptor(keyring.unwrap());
    let key = async || table_key_of(&process, &world.seal(&process, note(0)).await);
    let first = key().await;
    world.pass(79 * SECOND).await;
    assert_eq!(key().await, first);
    assert_eq!(world.calls(US), [1, 0], "nothing is renewed so early");
    world.pass(21 * SECOND).await;
    assert_ne!(key().await, first);
    assert_eq!(world.calls(US), [2, 0]);
}

#[tokio::test]
async fn a_key_near_its_end_is_renewed_in_the_background() {
    let world = World::start().await;
    let keyring = world.builder(US).write_period(100 * SECOND).build();
    let process = encryptor(keyring.unwrap());
    let key = async || table_key_of(&process, &world.seal(&process, note(0)).await);
    let first = key().await;
    world.pass(96 * SECOND).await;
    assert_eq!(key().await, first, "nobody waits");
    world.pass(SECOND).await;
    assert_ne!(key().await, first);
    assert_eq!(world.calls(US), [2, 0]);
}

#[tokio::test]
async fn concurrent_items_never_use_a_key_beyond_its_count() {
    let world = World::start().await;
    let keyring = world.builder(US).max_items_per_key(100).build().unwrap();
    let process = encryptor(keyring);
    let seals = (0..1000).map(|n| process.seal(note(n)));
    let sealed = world.time.run(try_join_all(seals)).await.unwrap();
    let mut ids: Vec<_> = sealed.iter().map(|s| table_key_of(&process, s)).collect();
    ids.sort();
    for of_one in ids.chunk_by(|a, b| a == b) {
        assert!(of_one.len() <= 100, "{}", of_one.len());
    }
    let [made, _] = world.calls(US);
    assert!((10..=12).contains(&made), "{made}");
}

#[tokio::test]
async fn describe_tells_no_table_key_of_other_keyrings() {
    let world = World::start().await;
    let other = dynaseal::KmsMrkKeyring::new(world.key.arn(US), &world.regions(US)).unwrap();
    let process = encryptor(other);
    let sealed = world.seal(&process, note(0)).await;
    let description = process.describe(sealed).unwrap();
    let keys = description.unauthenticated().encrypted_data_keys();
    assert_eq!(keys[0].table_key_id(), None);
}
