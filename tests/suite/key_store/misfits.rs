//! Records that an administrator of the table confuses, or makes up.

use aws_sdk_dynamodb::primitives::Blob;
use dynaseal::error::KeyringErrorKind;

use super::*;

#[tokio::test]
async fn refuses_the_key_of_another_record() {
    let world = World::start().await;
    for id in ["t-1", "t-2"] {
        world.create(id).await;
    }
    let store = world.store(EU);
    let active = world.row(EU, "t-1", ACTIVE).unwrap();
    let version = text(&active, "version");
    for (id, kind) in [("t-2", ACTIVE), ("t-1", &version), ("t-1", "beacon:ACTIVE")] {
        let other = world.row(EU, id, kind).unwrap();
        let mut row = active.clone();
        row.insert("enc".into(), other["enc"].clone());
        world.put(EU, &row).await;
        let error = world.active(&store, "t-1").await.unwrap_err();
        assert_eq!(error.kind(), KeyStoreErrorKind::Kms, "{kind}");
        let of_kms = error.keyring_error().unwrap();
        let of_kms = of_kms.last_attempt().kind();
        assert_eq!(of_kms, KeyringErrorKind::InvalidCiphertext);
        assert_eq!(error.branch_key_id(), Some("t-1"));
    }
    world.put(EU, &active).await;
    world.active(&store, "t-1").await.unwrap();
}

/// Everything that is authenticated, changed a little.
#[tokio::test]
async fn refuses_every_changed_attribute() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(EU);
    let honest = world.row(EU, "t-1", ACTIVE).unwrap();
    let other = "branch:version:e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
    for (name, value) in [
        ("version", s(other)),
        ("create-time", s("2026-01-01T00:00:00.000001Z")),
        ("create-time", s("2026-01-01T00:00:00Z")),
        ("kms-arn", s(&world.key.arn(EU))),
        ("aws-crypto-ec:tenant", s("t-2")),
        ("aws-crypto-ec:more", s("t-1")),
        ("enc", AttributeValue::B(Blob::new([7; 100]))),
    ] {
        let mut row = honest.clone();
        row.insert(name.into(), value);
        world.put(EU, &row).await;
        let found = kind(world.active(&store, "t-1").await);
        assert_eq!(found, KeyStoreErrorKind::Kms, "{name}");
    }
    let mut row = honest.clone();
    row.remove("aws-crypto-ec:tenant");
    world.put(EU, &row).await;
    assert_eq!(
        kind(world.active(&store, "t-1").await),
        KeyStoreErrorKind::Kms
    );
    let shown = world.active(&store, "t-1").await.unwrap_err();
    assert!(!format!("{shown} {shown:?}").contains("tenant"), "{shown}");
}

/// What global tables of 2017 add to each row is in no context: whoever writes it changes nothing.
#[tokio::test]
async fn opens_rows_that_global_tables_of_2017_have_added_to() {
    let world = World::start().await;
    world.create("t-1").await;
    let mut row = world.row(EU, "t-1", ACTIVE).unwrap();
    row.insert("aws:rep:deleting".into(), AttributeValue::Bool(false));
    let time = AttributeValue::N("1546300800.000001".into());
    row.insert("aws:rep:updatetime".into(), time);
    row.insert("aws:rep:updateregion".into(), s("us-east-1"));
    world.put(EU, &row).await;
    world.active(&world.store(EU), "t-1").await.unwrap();
}

#[tokio::test]
async fn asks_kms_for_nothing_that_is_no_record() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(EU);
    let honest = world.row(EU, "t-1", ACTIVE).unwrap();
    world.cloud.reset_calls();
    let number = AttributeValue::N;
    for (name, value) in [
        ("hierarchy-version", number("2".into())),
        ("hierarchy-version", s("1")),
        ("enc", s("text")),
        ("enc", AttributeValue::B(Blob::new([]))),
        ("version", s("e9ce18a3-edb5-4272-9f86-1cacb7997ff6")),
        ("version", s("branch:version:1")),
        (
            "version",
            s("branch:version:E9CE18A3-EDB5-4272-9F86-1CACB7997FF6"),
        ),
        ("create-time", s("yesterday")),
        ("kms-arn", s("alias/app")),
        ("aws-crypto-ec:tenant", number("1".into())),
        ("aws-crypto-ec:", s("nameless")),
        ("something", s("else")),
        ("tablename", s(LOGICAL)),
    ] {
        let mut row = honest.clone();
        row.insert(name.into(), value);
        world.put(EU, &row).await;
        let error = world.active(&store, "t-1").await.unwrap_err();
        assert_eq!(error.kind(), KeyStoreErrorKind::InvalidRecord, "{name}");
    }
    for name in [
        "hierarchy-version",
        "enc",
        "version",
        "create-time",
        "kms-arn",
    ] {
        let mut row = honest.clone();
        row.remove(name);
        world.put(EU, &row).await;
        let found = kind(world.active(&store, "t-1").await);
        assert_eq!(found, KeyStoreErrorKind::InvalidRecord, "{name}");
    }
    // A version record is one without `version`.
    let version = text(&honest, "version");
    let mut row = world.row(EU, "t-1", &version).unwrap();
    row.insert("version".into(), s(&version));
    world.put(EU, &row).await;
    world.put(EU, &honest).await;
    assert_eq!(world.decrypts(), [0, 0]);
    let known = world.active(&store, "t-1").await.unwrap().version();
    let found = kind(world.run(store.describe_version("t-1", known)).await);
    assert_eq!(found, KeyStoreErrorKind::InvalidRecord);
}
