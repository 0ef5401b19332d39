//! Erasing that fails midway, that was done before, or that has nothing to erase.

use dynaseal::key_store::KeyStoreErrorKind;
use dynaseal::testkit::Fault;

use super::*;

fn key_store_kind(error: &EraseTenantError) -> KeyStoreErrorKind {
    match error {
        EraseTenantError::KeyStore(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn says_which_region_failed_midway_and_goes_on_from_there() {
    let world = World::start().await;
    let eraser = world.table(US).erase_tenant("north");
    let erase = eraser.longest_ttl(TTL).lag_bound(LAG).send();
    let fail = async {
        world.time.sleep(TTL / 2).await;
        world
            .cloud
            .region(EU)
            .fail(Service::DynamoDb, Fault::Status(503, "ServiceUnavailable"));
    };
    let (failed, ()) = world.run(async { tokio::join!(erase, fail) }).await;
    let error = failed.unwrap_err();
    assert_eq!(key_store_kind(&error), KeyStoreErrorKind::Unavailable);
    assert!(error.to_string().contains("send it again"), "{error}");
    assert!(matches!(&error, EraseTenantError::KeyStore(error) if error.region() == Some(EU)));
    // The versions of one region are gone, those of the other are there.
    assert_eq!(world.types_of(US, "north"), ["dynaseal:erased"]);
    assert_eq!(world.types_of(EU, "north").len(), 3);

    world.cloud.region(EU).recover();
    let receipt = world.send(world.table(US).erase_tenant("north")).await;
    let receipt = receipt.unwrap();
    for region in REGIONS {
        assert_eq!(world.types_of(region, "north"), ["dynaseal:erased"]);
    }
    // What was left: the version and the beacon key.
    assert_eq!(receipt.erased().deleted().count(), 2);
}

#[tokio::test]
async fn does_nothing_if_the_items_cannot_be_looked_at() {
    let world = World::start().await;
    let before = world.types_of(US, "north");
    let region = world.cloud.region(US);
    region.fail(Service::DynamoDb, Fault::Status(503, "ServiceUnavailable"));
    let error = world.send(world.table(US).erase_tenant("north")).await;
    assert!(matches!(error, Err(EraseTenantError::Sample(_))));
    region.recover();
    for region in REGIONS {
        assert_eq!(world.types_of(region, "north"), before);
    }
}

#[tokio::test]
async fn erases_a_tenant_twice_and_says_that_nothing_was_left() {
    let world = World::start().await;
    let first = world.erase().await;
    assert_eq!(first.erased().deleted().count(), 3);
    let second = world.erase().await;
    assert_eq!(second.erased().deleted().count(), 0);
    assert_eq!(second.erased().passes(), 2);
    assert_eq!(second.key_policy_statement(), first.key_policy_statement());
    for region in REGIONS {
        assert_eq!(world.types_of(region, "north"), ["dynaseal:erased"]);
    }
}

#[tokio::test]
async fn erases_a_tenant_that_nobody_knows_so_that_nobody_makes_it() {
    let world = World::start().await;
    let receipt = world.send(world.table(US).erase_tenant("west")).await;
    let receipt = receipt.unwrap();
    assert_eq!(receipt.erased().deleted().count(), 0);
    assert!(receipt.document().contains("\"deleted\": []"));
    for region in REGIONS {
        assert_eq!(world.types_of(region, "west"), ["dynaseal:erased"]);
    }
    let store = world.store(EU);
    let create = store.create_key().branch_key_id("west");
    let create = create.encryption_context([("clinic", "west")]).send();
    let created = world.run(create).await.unwrap_err();
    assert_eq!(created.kind(), KeyStoreErrorKind::Erased);
}

#[tokio::test]
async fn asks_nothing_for_an_id_that_no_branch_key_can_have() {
    let world = World::start().await;
    for id in [String::new(), "n".repeat(2049)] {
        let erase = world.store(US).erase_branch_key(id);
        let error = world.run(erase.send()).await.unwrap_err();
        assert_eq!(error.kind(), KeyStoreErrorKind::InvalidRequest);
    }
    assert_eq!(world.calls(), [0, 0]);
}
