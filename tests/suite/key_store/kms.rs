//! The four ways to say which KMS key it is.

use dynaseal::error::KeyringErrorKind;
use dynaseal::keyring::DiscoveryFilter;
use dynaseal::region::KmsFallback;
use dynaseal::testkit::{ACCOUNT_ID, Fault};

use super::*;

fn ours() -> DiscoveryFilter {
    DiscoveryFilter::new("aws", [ACCOUNT_ID]).unwrap()
}

impl World {
    fn store_of(&self, local: &str, kms: KeyStoreKms) -> KeyStore {
        let regions = self.regions(local, false);
        let builder = KeyStore::builder(TABLE, LOGICAL, kms, &regions);
        builder.home_region(US).build().unwrap()
    }
}

#[tokio::test]
async fn asks_the_key_that_is_configured_or_found() {
    let world = World::start().await;
    world.create("t-1").await;
    let arn = world.key.arn(US);
    for (kms, asked) in [
        (KeyStoreKms::key_arn(&arn), [1, 0]),
        (KeyStoreKms::mrk_arn(&arn), [0, 1]),
        (KeyStoreKms::mrk_arn(world.key.arn("ap-south-1")), [0, 1]),
        (KeyStoreKms::discovery(ours()), [1, 0]),
        (KeyStoreKms::mrk_discovery(ours()), [0, 1]),
    ] {
        world.cloud.reset_calls();
        let store = world.store_of(EU, kms.clone());
        world.active(&store, "t-1").await.unwrap();
        assert_eq!(world.decrypts(), asked, "{kms:?}");
    }
}

#[tokio::test]
async fn asks_for_no_key_of_somebody_else() {
    let world = World::start().await;
    world.create("t-1").await;
    let elsewhere = DiscoveryFilter::new("aws", ["999999999999"]).unwrap();
    let other = world.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    world.cloud.reset_calls();
    for kms in [
        KeyStoreKms::key_arn(world.key.arn(EU)),
        KeyStoreKms::key_arn(other.arn(US)),
        KeyStoreKms::mrk_arn(other.arn(US)),
        KeyStoreKms::discovery(elsewhere.clone()),
        KeyStoreKms::mrk_discovery(elsewhere),
    ] {
        let store = world.store_of(EU, kms.clone());
        let found = kind(world.active(&store, "t-1").await);
        assert_eq!(found, KeyStoreErrorKind::ForeignKey, "{kms:?}");
    }
    // A region outside of the set, and a key of one region elsewhere.
    let mut row = world.row(EU, "t-1", ACTIVE).unwrap();
    row.insert("kms-arn".into(), s(&world.key.arn("ap-south-1")));
    world.put(EU, &row).await;
    let store = world.store_of(EU, KeyStoreKms::discovery(ours()));
    assert_eq!(
        kind(world.active(&store, "t-1").await),
        KeyStoreErrorKind::ForeignKey
    );
    row.insert("kms-arn".into(), s(&world.key.arn(US).replace("mrk-", "")));
    world.put(EU, &row).await;
    let store = world.store_of(EU, KeyStoreKms::mrk_discovery(ours()));
    assert_eq!(
        kind(world.active(&store, "t-1").await),
        KeyStoreErrorKind::ForeignKey
    );
    assert_eq!(world.decrypts(), [0, 0]);
}

#[tokio::test]
async fn makes_nothing_under_a_key_that_only_records_name() {
    let world = World::start().await;
    world.create("t-1").await;
    for kms in [
        KeyStoreKms::discovery(ours()),
        KeyStoreKms::mrk_discovery(ours()),
    ] {
        let store = world.store_of(US, kms);
        let created = world.run(store.create_key().send()).await;
        assert_eq!(kind(created), KeyStoreErrorKind::CannotCreate);
        let rotated = world.run(store.version_key("t-1")).await;
        assert_eq!(kind(rotated), KeyStoreErrorKind::CannotCreate);
    }
    assert!(world.cloud.attempts().is_empty());
    // A single key can.
    let store = world.store_of(EU, KeyStoreKms::key_arn(world.key.arn(US)));
    world.run(store.version_key("t-1")).await.unwrap();
}

#[tokio::test]
async fn hands_on_what_kms_says() {
    let world = World::start().await;
    world.create("t-1").await;
    let kms = world.cloud.kms(EU);
    let disable = kms.disable_key().key_id(world.key.arn(EU));
    disable.send().await.unwrap();
    let store = world.store(EU);
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Kms);
    let of_kms = error.keyring_error().unwrap().last_attempt();
    assert_eq!(of_kms.kind(), KeyringErrorKind::Disabled);
    assert_eq!(of_kms.keyring(), Some("key-store"));
    assert_eq!(of_kms.region(), Some(EU));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn asks_another_replica_where_the_policy_says_so() {
    let world = World::start().await;
    world.create("t-1").await;
    world
        .cloud
        .region(EU)
        .fail(Service::Kms, Fault::Unavailable);
    let store = world.store(EU);
    let error = world.active(&store, "t-1").await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    let builder = world.builder(EU).fallback(KmsFallback::on_unavailable());
    let store = builder.build().unwrap();
    world.active(&store, "t-1").await.unwrap();
    world.run(store.version_key("t-1")).await.unwrap();
    world.active(&store, "t-1").await.unwrap();
}

/// By conditions on the context: a policy can be about one branch key, and one key store.
#[tokio::test]
async fn shows_kms_the_branch_key_and_the_logical_name() {
    let world = World::start().await;
    for id in ["t-1", "t-2"] {
        world.create(id).await;
    }
    let policy = |id: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"kms:*",
            "Resource":"*","Condition":{{"StringEquals":{{"kms:EncryptionContext:branch-key-id":"{id}",
            "kms:EncryptionContext:tablename":"{LOGICAL}","kms:EncryptionContext:type":"{ACTIVE}"}}}}}},
            {{"Effect":"Allow","Principal":"*","Action":"kms:PutKeyPolicy","Resource":"*"}}]}}"#
        )
    };
    let kms = world.cloud.kms(EU);
    let put = kms.put_key_policy().key_id(world.key.arn(EU));
    put.policy(policy("t-1")).send().await.unwrap();
    let store = world.store(EU);
    let version = world.active(&store, "t-1").await.unwrap().version();
    let denied = [
        world.active(&store, "t-2").await,
        world.run(store.describe_version("t-1", version)).await,
    ];
    for denied in denied {
        let error = denied.unwrap_err();
        let of_kms = error.keyring_error().unwrap().last_attempt();
        assert_eq!(of_kms.kind(), KeyringErrorKind::Denied);
    }
}
