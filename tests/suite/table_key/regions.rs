//! Replicas, other keys, fallbacks, and other keyrings beside this one.

use dynaseal::KmsMrkKeyring;
use dynaseal::keyring::{KeyringErrorKind, MultiKeyring};
use dynaseal::region::KmsFallback;
use dynaseal::testkit::Fault;

use super::*;
use crate::support::header::{edks, with_edks};

#[tokio::test]
async fn any_replica_of_the_key_is_its_own_and_another_key_is_not() {
    let world = World::start().await;
    let us = world.process(US);
    let sealed = world.seal(&us, note(0)).await;
    let mut keys = edks(&sealed);
    assert_eq!(keys[0].0[0], b"dynaseal-table-key");
    assert_eq!(keys[0].0[1], world.key.arn(US).into_bytes());
    let arn = world.key.arn("ap-southeast-2");
    let there = TableKeyKeyring::new(&arn, &world.regions(EU)).unwrap();
    assert_eq!(there.key_arn(), world.key.arn(EU));
    assert!(world.opens(&encryptor(there), &sealed).await);

    let before = world.calls(EU);
    let other = world.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let stranger = TableKeyKeyring::new(other.arn(US), &world.regions(EU)).unwrap();
    let stranger = encryptor(stranger);
    let error = world.refusal(&stranger, &sealed).await;
    assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    // Nor does it help to name the stranger's key.
    keys[0].0[1] = other.arn(US).into_bytes();
    let renamed = with_edks(&sealed, &keys);
    assert_eq!(world.calls(EU), before);
    let error = world.refusal(&stranger, &renamed).await;
    assert_eq!(error.last_attempt().kind(), KeyringErrorKind::WrongKey);
    assert_eq!(error.last_attempt().key(), Some(&*other.arn(EU)));
}

#[tokio::test]
async fn goes_on_in_another_region_only_by_policy() {
    let world = World::start().await;
    let fault = Fault::Unavailable;
    world.cloud.region(EU).fail(Service::Kms, fault);
    let stays = world.process(EU);
    assert!(world.time.run(stays.seal(note(0))).await.is_err());
    let policy = KmsFallback::on_unavailable();
    let goes = encryptor(world.builder(EU).fallback(policy).build().unwrap());
    let sealed = world.seal(&goes, note(0)).await;
    assert_eq!(edks(&sealed)[0].0[1], world.key.arn(US).into_bytes());
    let opened = world.time.run(goes.open(sealed.clone())).await.unwrap();
    assert_eq!(opened.region(), Some(US));
    assert_eq!(opened.key(), Some(&*world.key.arn(US)));
    assert_eq!(world.calls(US), [1, 1]);
    world.cloud.region(EU).recover();
    world.pass(60 * SECOND).await;
    assert!(world.opens(&world.process(EU), &sealed).await);
    assert_eq!(world.calls(US), [1, 1]);
}

#[tokio::test]
async fn never_leaves_a_region_where_it_was_refused() {
    let world = World::start().await;
    let us = world.process(US);
    let sealed = world.seal(&us, note(0)).await;
    world.disable_key(EU).await;
    let policy = KmsFallback::on_unavailable_or_throttled().on_replica_missing();
    let eu = encryptor(world.builder(EU).fallback(policy).build().unwrap());
    assert!(world.refusal(&eu, &sealed).await.is_refusal());
    assert!(world.time.run(eu.seal(note(1))).await.is_err());
    assert_eq!(world.calls(US), [1, 0]);
}

#[tokio::test]
async fn a_kms_keyring_beside_it_makes_items_that_either_opens() {
    let world = World::start().await;
    let kms = |region| KmsMrkKeyring::new(world.key.arn(US), &world.regions(region)).unwrap();
    let table_key = world.builder(US).build().unwrap();
    let both = encryptor(MultiKeyring::new(table_key).child(kms(US)));
    let sealed = [
        world.seal(&both, note(0)).await,
        world.seal(&both, note(1)).await,
    ];
    assert_eq!(world.calls(US), [3, 0], "one for both, and one for each");
    for sealed in &sealed {
        assert!(world.opens(&encryptor(kms(EU)), sealed).await);
    }
    let alone = world.process(EU);
    for sealed in &sealed {
        assert!(world.opens(&alone, sealed).await);
    }
    assert_eq!(world.calls(EU), [0, 2 + 1]);
}
