//! A caching keyring around others.

use std::sync::{Arc, Mutex};

use aws_sdk_kms::types::KeyState;
use dynaseal::keyring::CachingKeyring;
use dynaseal::observe::{self, Event};
use dynaseal::{KmsMrkKeyring, SealedTable};
use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, dynaseal::Seal)]
#[seal(table = "hot")]
struct Hot {
    #[seal(partition_key)]
    id: String,
    #[seal(encrypt)]
    secret: String,
}

#[tokio::test]
async fn reads_a_hot_item_with_one_decrypt() {
    let world = World::start().await;
    let table = TableDefinition::new("hot").partition_key("id", KeyType::S);
    world.cloud.create_global_table(&table).await.unwrap();
    let hits = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&hits);
    let listen = move |event: &Event<'_>| {
        if let Event::Cache(event) = event
            && event.cache == "opened_item"
        {
            heard.lock().unwrap().push(event.hit);
        }
    };
    let regions = RegionSet::builder(&world.config(US)).local(US);
    let regions = regions.observer(observe::from_fn(listen)).build().unwrap();
    let kms = KmsMrkKeyring::new(world.key.arn(US), &regions).unwrap();
    let keyring = CachingKeyring::builder(kms, &regions).build().unwrap();
    let table = SealedTable::<Hot>::builder("hot", keyring, &regions);
    let table = table.build().unwrap();

    let hot = |secret: &str| Hot {
        id: "h-1".into(),
        secret: secret.into(),
    };
    for round in 0..2 {
        let item = hot(&format!("secret {round}"));
        world.run(table.put(&item).send()).await.unwrap();
        for _ in 0..20 {
            let read = world.run(table.get("h-1").send()).await.unwrap();
            assert_eq!(read, Some(item.clone()));
        }
        // What was sealed anew is asked for anew.
        assert_eq!(world.calls(US)[0], round + 1);
    }
    let misses = hits.lock().unwrap().iter().filter(|hit| !**hit).count();
    assert_eq!((misses, hits.lock().unwrap().len()), (2, 40));
}

#[tokio::test]
async fn adds_no_time_to_that_of_branch_keys() {
    let world = World::with(&["acme"]).await;
    let regions = world.regions(EU);
    let keyring = world.keyring(&regions);
    let eu = CachingKeyring::builder(keyring, &regions);
    let eu = encryptor(eu.max_age(100 * TTL).build().unwrap());
    let early = world.seal(&eu, "acme", "o-1").await;
    let late = world.seal(&eu, "acme", "o-2").await;
    world.assert_opens(&eu, &early).await;

    let region = world.cloud.region(EU);
    let key = world.key.arn(EU);
    region.set_key_state(key, KeyState::Disabled).unwrap();
    world.pass(TTL / 2).await;
    world.assert_opens(&eu, &late).await;
    world.pass(TTL / 2).await;
    for item in [&early, &late] {
        let error = world.refusal(&eu, item).await;
        assert_eq!(only_kind(&error), KeyringErrorKind::Disabled);
    }
}
