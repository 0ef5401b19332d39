//! A table of several entity types, in migration: plaintext is read, refused and logged.

use std::time::{Duration, SystemTime};

use dynaseal::item::{Discriminator, Entities, Entity, Model as _};
use dynaseal::table::{Found, PlaintextKeys, PlaintextPolicy};
use dynaseal::{OperationError, SealedTable};

use super::*;

#[tokio::test]
async fn plaintext_and_its_keys_show_nowhere_but_where_they_are_asked_for() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let by_plan = Discriminator::attribute("plan", "no-plan-of-anybody");
    exhibits.show("Discriminator", &by_plan);
    let entities = Entities::builder()
        .entity::<Patient>("patient", Discriminator::partition_key_prefix("zero-"));
    exhibits.show("EntitiesBuilder", &entities);
    let entities = entities.build().unwrap();
    exhibits.show("Entities", &entities);
    let keys = PlaintextKeys::new();
    assert!(keys.insert((PARTITION, SORT)));
    exhibits.show("PlaintextKeys", &keys);
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 36);
    for policy in [
        PlaintextPolicy::forbid(),
        PlaintextPolicy::allow_partition_key_prefix(PARTITION, far),
        PlaintextPolicy::allow_sort_key_prefix(SORT.to_string(), far),
    ] {
        exhibits.show("PlaintextPolicy", &policy);
    }
    let policy = PlaintextPolicy::allow_keys(keys, far);
    exhibits.show("PlaintextPolicy", &policy);
    let (keyring, regions) = (stack.keyring(US), stack.regions(US));
    let builder = SealedTable::<Entity>::builder(TABLE, keyring, &regions);
    let builder = builder.entities(&entities).plaintext_policy(policy);
    exhibits.show("SealedTableBuilder", &builder);
    let table = builder.build().unwrap();
    exhibits.show("SealedTable", &table);
    let patients = table.typed::<Patient>().unwrap();
    exhibits.show("SealedTable", &patients);

    stack.store(US, &patient().to_item().unwrap()).await;
    let get = || table.get((PARTITION, SORT)).allow_plaintext();
    exhibits.show("AllowPlaintext", &get());
    exhibits.show("AllowPlaintext", &table.scan().allow_plaintext());
    let opened = get().send_opened().await.unwrap().unwrap();
    exhibits.show("Found", &opened);
    let Found::Plaintext(item) = opened else {
        panic!("{opened:?}")
    };
    assert_eq!(
        item.unauthenticated()["ssn"],
        s(SSN),
        "the secrets were there"
    );
    exhibits.show("Unverified", &item);
    let found = get().send().await.unwrap().unwrap();
    exhibits.show("Found", &found);
    let page = table
        .query(PARTITION)
        .allow_plaintext()
        .page()
        .await
        .unwrap();
    exhibits.show("Page", &page);
    assert!(
        exhibits.log().contains("plaintext item read"),
        "it is logged"
    );
    exhibits.show_error(
        "NotSealed",
        &table.get((PARTITION, SORT)).send().await.unwrap_err(),
    );

    patients.put(&patient()).send().await.unwrap();
    let sealed = table.get((PARTITION, SORT)).send().await.unwrap().unwrap();
    exhibits.show("Entity", &sealed);
    let mut stray = sealed;
    stray.item_mut().insert("id".to_owned(), s(SSN));
    let error = table.put(&stray).send().await.unwrap_err();
    assert!(matches!(error, OperationError::Seal(_)), "{error:?}");
    exhibits.show_error("no type", &error);
    let mut moved = stack.stored(US, &patient_key()).await.unwrap();
    moved.insert("id".to_owned(), s(TENANT));
    stack.store(US, &moved).await;
    let error = patients.get((TENANT, SORT)).send().await.unwrap_err();
    assert!(matches!(error, OperationError::Open(_)), "{error:?}");
    exhibits.show_error("no type", &error);
    exhibits.assert_clean(&all_secrets(), 40);
}
