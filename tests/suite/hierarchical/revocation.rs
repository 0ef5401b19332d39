//! Who loses access stops within the TTL, in that region alone.

use aws_sdk_kms::types::KeyState;

use super::*;

async fn warm(world: &World) -> (ItemEncryptor, ItemEncryptor, Item) {
    let (us, eu) = (world.encryptor(US), world.encryptor(EU));
    let sealed = world.seal(&us, "acme", "o-1").await;
    world.seal(&eu, "acme", "o-2").await;
    for encryptor in [&us, &eu] {
        world.assert_opens(encryptor, &sealed).await;
    }
    (us, eu, sealed)
}

fn disable(world: &World, region: &str) {
    let region = world.cloud.region(region);
    let key = world.key.arn(region.name());
    region.set_key_state(key, KeyState::Disabled).unwrap();
}

#[tokio::test]
async fn stops_within_the_ttl_where_the_key_is_disabled_and_nowhere_else() {
    let world = World::with(&["acme"]).await;
    let (us, eu, sealed) = warm(&world).await;
    disable(&world, EU);
    world.pass(TTL / 2).await;
    world.assert_opens(&eu, &sealed).await;
    world.pass(TTL / 2).await;
    for _ in 0..3 {
        let error = world.refusal(&eu, &sealed).await;
        assert_eq!(only_kind(&error), KeyringErrorKind::Disabled);
        assert_eq!(error.region(), Some(EU));
        let sealed = world.run(eu.seal(order("acme", "o-3"))).await;
        assert_eq!(seal_kind(sealed), KeyringErrorKind::Disabled);
        let elsewhere = world.seal(&us, "acme", "o-4").await;
        world.assert_opens(&us, &elsewhere).await;
        world.pass(TTL).await;
    }
    world.assert_opens(&us, &sealed).await;
}

#[tokio::test]
async fn stops_as_soon_as_a_renewal_is_refused() {
    let world = World::with(&["acme"]).await;
    let (_, eu, sealed) = warm(&world).await;
    disable(&world, EU);
    world.pass(TTL - 3 * SECOND).await;
    // Meets the entries near their end, and has them renewed.
    world.assert_opens(&eu, &sealed).await;
    world.seal(&eu, "acme", "o-3").await;
    world.pass(SECOND).await;
    let error = world.refusal(&eu, &sealed).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::Disabled);
    let sealed = world.run(eu.seal(order("acme", "o-3"))).await;
    assert_eq!(seal_kind(sealed), KeyringErrorKind::Disabled);
}

#[tokio::test]
async fn goes_on_until_the_ttl_while_nobody_answers_and_no_longer() {
    use dynaseal::testkit::Fault;

    let world = World::with(&["acme"]).await;
    let eu = encryptor(world.keyring(&world.alone(EU)));
    let sealed = world.seal(&eu, "acme", "o-1").await;
    world.assert_opens(&eu, &sealed).await;
    let region = world.cloud.region(EU);
    region.fail(Service::Kms, Fault::Status(503, "ServiceUnavailable"));
    region.fail(Service::DynamoDb, Fault::Status(503, "ServiceUnavailable"));
    world.pass(TTL - 3 * SECOND).await;
    for _ in 0..2 {
        world.assert_opens(&eu, &sealed).await;
        world.seal(&eu, "acme", "o-2").await;
        world.pass(SECOND).await;
    }
    world.pass(SECOND).await;
    let error = world.refusal(&eu, &sealed).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::KeyStoreUnavailable);
    assert!(error.is_retryable());
    region.recover();
    // The breaker's pause.
    world.pass(TTL).await;
    world.assert_opens(&eu, &sealed).await;
}

#[tokio::test]
async fn seals_no_more_under_a_branch_key_that_was_erased() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    world.seal(&us, "acme", "o-1").await;
    let erased = item([("branch-key-id", s("acme")), ("type", s("dynaseal:erased"))]);
    let put = world.cloud.dynamodb(US).put_item().table_name(TABLE);
    put.set_item(Some(erased)).send().await.unwrap();
    world.pass(TTL).await;
    let sealed = world.run(us.seal(order("acme", "o-2"))).await;
    assert_eq!(seal_kind(sealed), KeyringErrorKind::Erased);
}

/// A version whose record is gone does not live on by the active one, although that holds the same key.
#[tokio::test]
async fn opens_no_more_under_a_version_that_was_deleted() {
    let world = World::with(&["acme"]).await;
    let us = world.encryptor(US);
    let sealed = world.seal(&us, "acme", "o-1").await;
    let rows = world.cloud.stored(US, TABLE).unwrap().into_iter();
    for row in rows.filter(|row| text(row, "type").starts_with("branch:version:")) {
        for region in [US, EU] {
            let delete = world.cloud.dynamodb(region).delete_item().table_name(TABLE);
            let delete = delete.key("branch-key-id", row["branch-key-id"].clone());
            delete
                .key("type", row["type"].clone())
                .send()
                .await
                .unwrap();
        }
    }
    world.seal(&us, "acme", "o-2").await;
    let error = world.refusal(&us, &sealed).await;
    assert_eq!(only_kind(&error), KeyringErrorKind::NotYetReplicated);
}
