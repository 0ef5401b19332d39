//! Rotation of branch keys, and of the KMS key under them.

use super::*;

#[tokio::test]
async fn opens_what_was_sealed_before_and_after_every_rotation() {
    let world = World::with(&["acme"]).await;
    let (us, eu) = (world.encryptor(US), world.encryptor(EU));
    let store = world.store(&world.regions(US));
    let mut sealed = Vec::new();
    for round in 0..4 {
        let item = world.seal(&us, "acme", &format!("o-{round}")).await;
        sealed.push(item);
        world.run(store.version_key("acme")).await.unwrap();
        if round == 1 {
            let kms = world.cloud.kms(US);
            let rotate = kms.rotate_key_on_demand().key_id(world.key.arn(US));
            rotate.send().await.unwrap();
        }
        world.replicate().await;
        world.pass(TTL).await;
    }
    let mut versions: Vec<_> = sealed.iter().map(version).collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), 4, "each is under a version of its own");
    for item in &sealed {
        world.assert_opens(&us, item).await;
        world.assert_opens(&eu, item).await;
    }
}

#[tokio::test]
async fn seals_under_the_new_version_after_the_ttl_at_the_latest() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    let store = world.store(&world.regions(US));
    let before = version(&world.seal(&us, "acme", "o-1").await);
    world.run(store.version_key("acme")).await.unwrap();
    assert_eq!(version(&world.seal(&us, "acme", "o-2").await), before);
    world.pass(TTL).await;
    assert_ne!(version(&world.seal(&us, "acme", "o-3").await), before);
}

#[tokio::test]
async fn finds_a_version_that_has_not_come_yet_in_the_region_that_has_it() {
    let world = World::with(&["acme"]).await;
    let store = world.store(&world.regions(US));
    world.run(store.version_key("acme")).await.unwrap();
    let sealed = world.seal(&world.encryptor(US), "acme", "o-1").await;

    let alone = encryptor(world.keyring(&world.alone(EU)));
    let error = world.refusal(&alone, &sealed).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::NotYetReplicated);
    assert!(error.is_retryable());
    world.assert_opens(&world.encryptor(EU), &sealed).await;

    world.replicate().await;
    world.pass(2 * SECOND).await;
    world.assert_opens(&alone, &sealed).await;
}
