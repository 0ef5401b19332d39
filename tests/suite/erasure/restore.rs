//! Older copies of both tables are restored.

use super::*;

#[tokio::test]
async fn opens_nothing_of_the_tenant_in_a_restored_table_of_items() {
    let world = World::start().await;
    let backup = world.backup();
    world.erase().await;
    world.restore(ITEMS, &[]).await;
    world.restore(ITEMS, &backup.items).await;
    for region in REGIONS {
        let fresh = world.table(region);
        let kind = world.refusal(&fresh, "n-1").await;
        assert_eq!(kind, KeyringErrorKind::Erased);
        world.assert_opens(&fresh, "s-1", "south").await;
        let written = world.put(&fresh, &patient("n-2", "north")).await;
        assert_eq!(seal_kind(written), KeyringErrorKind::Erased);
    }
}

#[tokio::test]
async fn opens_what_was_erased_once_the_key_store_is_restored_as_well() {
    let world = World::start().await;
    let backup = world.backup();
    let receipt = world.erase().await;
    world.restore(ITEMS, &backup.items).await;
    world.restore(KEYS, &backup.keys).await;
    for region in REGIONS {
        let fresh = world.table(region);
        world.assert_opens(&fresh, "n-1", "north").await;
    }
    // Which the receipt does not hide.
    let stays = receipt.stays_readable();
    let of_backups = |said: &&String| said.contains("restores rows of `north`");
    assert_eq!(stays.iter().filter(of_backups).count(), 1, "{stays:?}");
}

/// A copy of the rows beside the tombstone is enough to read: the tombstone stops writers.
#[tokio::test]
async fn seals_nothing_where_rows_are_put_back_beside_the_tombstone() {
    let world = World::start().await;
    let backup = world.backup();
    world.erase().await;
    for row in backup.keys {
        world.write(KEYS, row).await;
    }
    world.replicate().await;
    for region in REGIONS {
        let fresh = world.table(region);
        world.assert_opens(&fresh, "n-1", "north").await;
        let written = world.put(&fresh, &patient("n-2", "north")).await;
        assert_eq!(seal_kind(written), KeyringErrorKind::Erased);
    }
}

#[tokio::test]
async fn keeps_a_restored_key_store_shut_once_every_replica_has_the_statement() {
    let world = World::start().await;
    let backup = world.backup();
    let statement = world.erase().await.key_policy_statement();
    world.restore(KEYS, &backup.keys).await;

    world.put_key_policy(US, &statement).await;
    let fresh = world.table(US);
    let kind = world.refusal(&fresh, "n-1").await;
    assert_eq!(kind, KeyringErrorKind::Denied);
    // One region is not enough.
    world.assert_opens(&world.table(EU), "n-1", "north").await;

    world.put_key_policy(EU, &statement).await;
    for region in REGIONS {
        let fresh = world.table(region);
        let kind = world.refusal(&fresh, "n-1").await;
        assert_eq!(kind, KeyringErrorKind::Denied);
        let written = world.put(&fresh, &patient("n-2", "north")).await;
        assert_eq!(seal_kind(written), KeyringErrorKind::Denied);
        world.assert_opens(&fresh, "s-1", "south").await;
        let other = patient("s-2", "south");
        world.put(&fresh, &other).await.unwrap();
    }
}

/// Two tenants are erased, one after the other: the policy takes both statements.
#[tokio::test]
async fn gives_statements_of_two_tenants_ids_of_their_own() {
    let world = World::start().await;
    let receipts = [
        world.erase().await,
        world
            .send(world.table(US).erase_tenant("south"))
            .await
            .unwrap(),
    ];
    let ids = receipts.map(|receipt| {
        let statement = receipt.key_policy_statement();
        let statement: serde_json::Value = serde_json::from_str(&statement).unwrap();
        statement["Sid"].as_str().unwrap().to_owned()
    });
    assert_ne!(ids[0], ids[1]);
    for id in ids {
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
    }
}

/// The same name in another key store, under the same KMS key, is somebody else.
#[tokio::test]
async fn denies_no_branch_key_of_another_key_store() {
    let world = World::start().await;
    let other = key_store_table("other-keys");
    world.cloud.create_global_table(&other).await.unwrap();
    let kms = KeyStoreKms::mrk_arn(world.key.arn(US));
    let other = KeyStore::builder("other-keys", "other-keys", kms, &world.regions(US));
    let other = other.build().unwrap();
    let create = other.create_key().branch_key_id("north");
    let create = create.encryption_context([("clinic", "north")]).send();
    world.run(create).await.unwrap();
    let statement = world.erase().await.key_policy_statement();
    for region in REGIONS {
        world.put_key_policy(region, &statement).await;
    }
    world.run(other.describe_active("north")).await.unwrap();
}
