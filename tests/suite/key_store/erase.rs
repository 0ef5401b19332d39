//! A branch key is erased: in every region, in order, and until nothing comes back.

use dynaseal::key_store::ErasedBranchKey;
use dynaseal::testkit::Fault;

use super::*;

const TTL: Duration = Duration::from_secs(300);
const LAG: Duration = Duration::from_secs(60);

impl World {
    async fn erase_for_good(&self, id: &str) -> Result<ErasedBranchKey, KeyStoreError> {
        let erase = self.store(US).erase_branch_key(id);
        self.run(erase.longest_ttl(TTL).lag_bound(LAG).send()).await
    }

    /// The types of a branch key's rows in a region.
    fn types(&self, region: &str, id: &str) -> Vec<String> {
        let rows = self.cloud.stored(region, TABLE).unwrap().into_iter();
        let rows = rows.filter(|row| row["branch-key-id"] == s(id));
        let types = rows.map(|row| row["type"].as_s().unwrap().clone());
        types.collect()
    }
}

#[tokio::test]
async fn leaves_a_tombstone_alone_in_every_region_and_touches_no_other_branch_key() {
    let world = World::start().await;
    for id in ["acme", "globex"] {
        world.create(id).await;
    }
    world
        .run(world.store(US).version_key("acme"))
        .await
        .unwrap();
    world.cloud.replicate().await;
    let others = world.types(US, "globex");
    assert_eq!((world.types(EU, "acme").len(), others.len()), (4, 3));

    let erased = world.erase_for_good("acme").await.unwrap();
    // Also without a replication that could have done it.
    for region in [US, EU] {
        assert_eq!(world.types(region, "acme"), ["dynaseal:erased"]);
        assert_eq!(world.types(region, "globex"), others);
    }
    // The active key, two versions and the beacon key.
    assert_eq!(erased.deleted().count(), 4);
    assert_eq!(erased.left().count(), 0);
    assert_eq!(erased.passes(), 3);
    assert!(world.time.elapsed() >= TTL + LAG * 2);
    assert_eq!(erased.regions().collect::<Vec<_>>(), [US, EU]);

    let store = world.store(EU);
    let active = world.active(&store, "acme").await.unwrap_err();
    assert_eq!(active.kind(), KeyStoreErrorKind::Erased);
    let rotated = world.run(world.store(US).version_key("acme")).await;
    assert_eq!(rotated.unwrap_err().kind(), KeyStoreErrorKind::Erased);
    let create = world.store(US).create_key().branch_key_id("acme");
    let created = create.encryption_context([("tenant", "acme")]).send();
    let created = world.run(created).await.unwrap_err();
    assert_eq!(created.kind(), KeyStoreErrorKind::Erased);
    assert!(world.active(&store, "globex").await.is_ok());
}

#[tokio::test]
async fn deletes_the_active_key_before_it_waits_and_the_versions_after_that() {
    let world = World::start().await;
    world.create("acme").await;
    let erase = world.store(US).erase_branch_key("acme");
    let erase = erase.longest_ttl(TTL).lag_bound(LAG).send();
    let look = async {
        world.time.sleep(TTL - Duration::from_secs(1)).await;
        [US, EU].map(|region| world.types(region, "acme"))
    };
    let (erased, meanwhile) = world.run(async { tokio::join!(erase, look) }).await;
    erased.unwrap();
    for types in meanwhile {
        assert!(!types.contains(&ACTIVE.to_owned()));
        assert!(types.iter().any(|kind| kind.starts_with("branch:version:")));
        assert!(types.contains(&"dynaseal:erased".to_owned()));
    }
}

#[tokio::test]
async fn goes_on_until_two_passes_find_nothing_of_what_comes_back() {
    let world = World::start().await;
    world.create("acme").await;
    let version = world.types(US, "acme").into_iter();
    let version = version
        .into_iter()
        .find(|kind| kind.starts_with("branch:version:"));
    let row = world.row(US, "acme", &version.unwrap()).unwrap();
    let erase = world.store(US).erase_branch_key("acme");
    let erase = erase.longest_ttl(TTL).lag_bound(LAG).send();
    // Another region's rotation arrives between the passes, as a replication that was late brings it.
    let come_back = async {
        world.time.sleep(TTL + LAG + LAG / 2).await;
        world.put(EU, &row).await;
    };
    let (erased, ()) = world.run(async { tokio::join!(erase, come_back) }).await;
    assert_eq!(erased.unwrap().passes(), 5);
    assert_eq!(world.types(EU, "acme"), ["dynaseal:erased"]);
}

#[tokio::test]
async fn gives_up_where_somebody_goes_on_writing() {
    let world = World::start().await;
    world.create("acme").await;
    let row = world.row(US, "acme", "beacon:ACTIVE").unwrap();
    let erase = world.store(US).erase_branch_key("acme");
    let erase = erase.longest_ttl(TTL).lag_bound(LAG).send();
    let write = async {
        loop {
            world.put(US, &row).await;
            world.time.sleep(LAG / 2).await;
        }
    };
    let ended = world.run(async {
        tokio::select! {
            erased = erase => erased,
            () = write => unreachable!("it never ends"),
        }
    });
    let error = ended.await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::StillWritten);
    assert_eq!(error.branch_key_id(), Some("acme"));
}

#[tokio::test]
async fn fails_while_a_region_does_not_answer_and_ends_when_it_is_sent_again() {
    let world = World::start().await;
    world.create("acme").await;
    world
        .cloud
        .region(EU)
        .fail(Service::DynamoDb, Fault::Unavailable);
    let error = world.erase_for_good("acme").await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::Unavailable);
    assert_eq!(error.region(), Some(EU));
    world.cloud.region(EU).recover();
    world.erase_for_good("acme").await.unwrap();
    for region in [US, EU] {
        assert_eq!(world.types(region, "acme"), ["dynaseal:erased"]);
    }
}

#[tokio::test]
async fn prints_a_statement_that_keeps_restored_rows_shut_and_no_others() {
    let world = World::start().await;
    for id in ["acme", "globex"] {
        world.create(id).await;
    }
    let backup = world.cloud.stored(US, TABLE).unwrap();
    let erased = world.erase_for_good("acme").await.unwrap();
    for row in &backup {
        world.put(US, row).await;
    }
    world.delete(US, "acme", "dynaseal:erased").await;
    let restored = world.active(&world.store(US), "acme").await;
    assert!(restored.is_ok(), "backups of the key store open");

    let allow = r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let deny = erased.key_policy_statement();
    let policy = format!(r#"{{"Version": "2012-10-17", "Statement": [{allow}, {deny}]}}"#);
    let put = world
        .cloud
        .kms(US)
        .put_key_policy()
        .key_id(world.key.arn(US));
    put.policy(policy).send().await.unwrap();
    let denied = world.active(&world.store(US), "acme").await.unwrap_err();
    let denied = denied.keyring_error().unwrap().kind();
    assert_eq!(denied, dynaseal::keyring::KeyringErrorKind::Denied);
    assert!(world.active(&world.store(US), "globex").await.is_ok());
}
