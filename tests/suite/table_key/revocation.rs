//! A key that is switched off: how long it goes on being used, and where.

use dynaseal::testkit::Fault;

use super::*;

const PERIOD: Duration = Duration::from_secs(100);
const TTL: Duration = Duration::from_secs(200);

fn process(world: &World, region: &str) -> ItemEncryptor {
    let builder = world.builder(region).write_period(PERIOD).read_ttl(TTL);
    encryptor(builder.build().unwrap())
}

/// Until when, from now on, a process seals and opens, asked every two seconds.
async fn last_uses(world: &World, process: &ItemEncryptor, sealed: &Item) -> [Duration; 2] {
    let begin = world.time.elapsed();
    let mut last = [Duration::ZERO; 2];
    while world.time.elapsed() < begin + 2 * TTL {
        let now = world.time.elapsed() - begin;
        if world.time.run(process.seal(note(1))).await.is_ok() {
            last[0] = now;
        }
        if world.opens(process, sealed).await {
            last[1] = now;
        }
        world.pass(2 * SECOND).await;
    }
    last
}

#[tokio::test]
async fn a_disabled_key_stops_within_its_times_there_and_works_elsewhere() {
    let world = World::start().await;
    let [us, eu] = [US, EU].map(|region| process(&world, region));
    let sealed = world.seal(&us, note(0)).await;
    assert!(world.opens(&us, &sealed).await);
    assert!(world.opens(&eu, &sealed).await);
    world.seal(&eu, note(1)).await;
    world.disable_key(EU).await;

    let [sealing, opening] = last_uses(&world, &eu, &sealed).await;
    // A refresh that was refused ends it before its time is over, but not before it is near.
    assert!((80 * SECOND..PERIOD).contains(&sealing), "{sealing:?}");
    assert!((160 * SECOND..TTL).contains(&opening), "{opening:?}");
    let error = world.refusal(&eu, &sealed).await;
    assert!(error.is_refusal());

    world.seal(&us, note(2)).await;
    assert!(world.opens(&us, &sealed).await);
    let there = process(&world, US);
    assert!(world.opens(&there, &sealed).await, "with a cold cache, too");
}

#[tokio::test]
async fn nothing_that_is_idle_outlives_its_time() {
    let world = World::start().await;
    let eu = process(&world, EU);
    let sealed = world.seal(&eu, note(0)).await;
    assert!(world.opens(&eu, &sealed).await);
    world.disable_key(EU).await;
    world.pass(PERIOD).await;
    assert!(world.time.run(eu.seal(note(1))).await.is_err());
    assert!(world.opens(&eu, &sealed).await);
    world.pass(TTL - PERIOD).await;
    assert!(world.refusal(&eu, &sealed).await.is_refusal());
}

#[tokio::test]
async fn a_refused_refresh_ends_a_key_at_once() {
    let world = World::start().await;
    let eu = process(&world, EU);
    let sealed = world.seal(&eu, note(0)).await;
    assert!(world.opens(&eu, &sealed).await);
    world.pass(96 * SECOND).await;
    world.disable_key(EU).await;
    world.seal(&eu, note(1)).await;
    world.pass(SECOND).await;
    assert!(
        world.time.run(eu.seal(note(1))).await.is_err(),
        "at 97 s of 100"
    );
    world.pass(94 * SECOND).await;
    assert!(world.opens(&eu, &sealed).await);
    world.pass(SECOND).await;
    assert!(
        world.refusal(&eu, &sealed).await.is_refusal(),
        "at 192 s of 200"
    );
}

#[tokio::test]
async fn an_outage_ends_nothing_before_its_time_and_prolongs_nothing() {
    let world = World::start().await;
    let eu = process(&world, EU);
    let sealed = world.seal(&eu, note(0)).await;
    assert!(world.opens(&eu, &sealed).await);
    world
        .cloud
        .region(EU)
        .fail(Service::Kms, Fault::Unavailable);
    let [sealing, opening] = last_uses(&world, &eu, &sealed).await;
    assert_eq!(sealing, PERIOD - 2 * SECOND);
    assert_eq!(opening, TTL - 2 * SECOND);
}

#[tokio::test]
async fn flushing_ends_everything_at_once() {
    let world = World::start().await;
    let keyring = world.builder(EU).build().unwrap();
    let eu = encryptor(keyring.clone());
    let sealed = world.seal(&eu, note(0)).await;
    assert!(world.opens(&eu, &sealed).await);
    world.disable_key(EU).await;
    assert!(world.opens(&eu, &sealed).await);
    keyring.flush();
    assert!(world.refusal(&eu, &sealed).await.is_refusal());
    assert!(world.time.run(eu.seal(note(1))).await.is_err());
}

#[tokio::test]
async fn a_policy_can_stop_one_tenant() {
    let world = World::start().await;
    let builder = world.builder(US).tenant_attribute("tenant");
    let us = encryptor(builder.read_ttl(TTL).write_period(PERIOD).build().unwrap());
    let [acme, other] = ["acme", "other"].map(|tenant| note_of(tenant, 0));
    let sealed = [world.seal(&us, acme).await, world.seal(&us, other).await];
    assert_ne!(table_key_of(&us, &sealed[0]), table_key_of(&us, &sealed[1]));
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"},
        {"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",
         "Condition":{"StringEquals":{"kms:EncryptionContext:dynaseal-tenant":"acme"}}}]}"#;
    let put = world.cloud.kms(US).put_key_policy();
    let put = put.key_id(world.key.arn(US)).policy(policy);
    put.send().await.unwrap();
    world.pass(PERIOD).await;
    assert!(world.time.run(us.seal(note_of("acme", 1))).await.is_err());
    world.seal(&us, note_of("other", 1)).await;
    assert!(world.refusal(&us, &sealed[0]).await.is_refusal());
    assert!(world.opens(&us, &sealed[1]).await);
}
