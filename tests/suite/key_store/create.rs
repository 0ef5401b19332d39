//! What making a branch key asks of KMS, and what it writes.

use aws_sdk_kms::primitives::Blob;

use super::*;

#[tokio::test]
async fn writes_three_records_of_the_layout_that_others_read() {
    let world = World::start().await;
    let store = world.store(US);
    let create = store.create_key().branch_key_id("t-1");
    let create = create.encryption_context([("tenant", "acme"), ("ö", "")]);
    assert_eq!(world.run(create.send()).await.unwrap(), "t-1");

    let rows = world.cloud.stored(US, TABLE).unwrap();
    assert_eq!(rows.len(), 3);
    let active = world.row(US, "t-1", ACTIVE).unwrap();
    let version = text(&active, "version");
    assert!(version.starts_with("branch:version:"), "{version}");
    let second = world.row(US, "t-1", &version).unwrap();
    let beacon = world.row(US, "t-1", "beacon:ACTIVE").unwrap();
    assert_eq!(active.len(), 9);
    for row in [&second, &beacon] {
        assert!(!row.contains_key("version"));
        assert_eq!(row.len(), 8);
    }
    for row in [&active, &second, &beacon] {
        assert_eq!(row["hierarchy-version"], AttributeValue::N("1".into()));
        assert_eq!(row["kms-arn"], s(&world.key.arn(US)));
        assert_eq!(row["create-time"], s("2026-01-01T00:00:00.000000Z"));
        assert_eq!(row["aws-crypto-ec:tenant"], s("acme"));
        assert_eq!(row["aws-crypto-ec:ö"], s(""));
        assert!(row["enc"].is_b());
    }
}

#[tokio::test]
async fn asks_kms_three_times_and_sees_no_key() {
    let world = World::start().await;
    let store = world.store(EU);
    world.run(store.create_key().send()).await.unwrap();
    let attempts = world.cloud.take_attempts();
    let asked: Vec<_> = attempts
        .iter()
        .map(|attempt| (attempt.region().unwrap(), attempt.operation()))
        .collect();
    // KMS here, and the table at home.
    assert_eq!(
        asked,
        [
            (EU, "GenerateDataKeyWithoutPlaintext"),
            (EU, "ReEncrypt"),
            (EU, "GenerateDataKeyWithoutPlaintext"),
            (US, "TransactWriteItems"),
        ]
    );
}

/// Decrypts by hand: the key is bound to all attributes but itself, and to the logical name.
#[tokio::test]
async fn binds_each_key_to_its_record_and_the_logical_name() {
    let world = World::start().await;
    world.create("t-1").await;
    let kms = world.cloud.kms(US);
    let mut plaintexts = Vec::new();
    let rows = world.cloud.stored(US, TABLE).unwrap();
    for row in &rows {
        let decrypt = |tablename: &str| {
            let mut call = kms.decrypt().key_id(world.key.arn(US));
            for (name, value) in row.iter().filter(|(name, _)| *name != "enc") {
                let value = value.as_s().or(value.as_n()).unwrap();
                call = call.encryption_context(name, value);
            }
            let enc = Blob::new(row["enc"].as_b().unwrap().as_ref());
            call.encryption_context("tablename", tablename)
                .ciphertext_blob(enc)
                .send()
        };
        let opened = decrypt(LOGICAL).await.unwrap().plaintext.unwrap();
        assert_eq!(opened.as_ref().len(), 32);
        plaintexts.push((text(row, "type"), opened.into_inner()));
        decrypt(TABLE).await.unwrap_err();
    }
    plaintexts.sort();
    // The active record holds the key of its version; the beacon key is another one.
    let [beacon, active, version] = &plaintexts[..] else {
        panic!("{}", plaintexts.len())
    };
    assert_eq!(active.1, version.1);
    assert_ne!(beacon.1, active.1);
}

/// Written attribute by attribute, with nothing of this crate's.
#[tokio::test]
async fn opens_what_others_write() {
    let world = World::start().await;
    let kms = world.cloud.kms(US);
    let arn = world.key.arn(US);
    let version = "branch:version:e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
    let of = |kind: &str, version: Option<&str>| {
        let mut context = vec![
            ("branch-key-id", "bd3842ff-3076-4092-9918-4395730050b8"),
            ("type", kind),
            ("kms-arn", &arn),
            ("create-time", "2024-02-29T12:34:56.789012Z"),
            ("hierarchy-version", "1"),
            ("aws-crypto-ec:department", "admin"),
        ];
        context.extend(version.map(|version| ("version", version)));
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        context.into_iter().map(own).collect::<Vec<_>>()
    };
    let (old, active) = (of(version, None), of(ACTIVE, Some(version)));
    let mut generate = kms.generate_data_key_without_plaintext();
    let mut re_encrypt = kms.re_encrypt();
    let table = ("tablename".to_owned(), LOGICAL.to_owned());
    for (name, value) in old.iter().chain([&table]) {
        generate = generate.encryption_context(name, value);
        re_encrypt = re_encrypt.source_encryption_context(name, value);
    }
    for (name, value) in active.iter().chain([&table]) {
        re_encrypt = re_encrypt.destination_encryption_context(name, value);
    }
    let made = generate
        .key_id(&arn)
        .number_of_bytes(32)
        .send()
        .await
        .unwrap();
    let enc = made.ciphertext_blob.unwrap();
    let re_encrypt = re_encrypt.source_key_id(&arn).destination_key_id(&arn);
    let re_encrypt = re_encrypt.ciphertext_blob(enc.clone()).send();
    let active_enc = re_encrypt.await.unwrap().ciphertext_blob.unwrap();
    for (attributes, enc) in [(old, enc), (active, active_enc)] {
        let strings = attributes.into_iter();
        let mut row: Item = strings.map(|(name, value)| (name, s(&value))).collect();
        row.insert("hierarchy-version".into(), AttributeValue::N("1".into()));
        row.insert("enc".into(), AttributeValue::B(enc));
        world.put(EU, &row).await;
    }
    let (store, id) = (world.store(EU), "bd3842ff-3076-4092-9918-4395730050b8");
    let found = world.active(&store, id).await.unwrap();
    assert_eq!(format!("branch:version:{}", found.version()), version);
    let context: Vec<_> = found.encryption_context().collect();
    assert_eq!(context, [("department", "admin")]);
    let since = found
        .created()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(since, Duration::from_micros(1_709_210_096_789_012));
    let old = world.run(store.describe_version(id, found.version())).await;
    assert_eq!(old.unwrap().version(), found.version());
}

#[tokio::test]
async fn makes_ids_of_its_own() {
    let world = World::start().await;
    let store = world.store(US);
    let one = world.run(store.create_key().send()).await.unwrap();
    let two = world.run(store.create_key().send()).await.unwrap();
    assert_ne!(one, two);
    for id in [one, two] {
        let described = world.active(&store, &id).await.unwrap();
        assert_eq!(described.branch_key_id(), id);
        assert_eq!(described.encryption_context().count(), 0);
    }
}

#[tokio::test]
async fn tells_what_the_record_says_and_shows_no_value() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(EU);
    let active = world.active(&store, "t-1").await.unwrap();
    let context: Vec<_> = active.encryption_context().collect();
    assert_eq!(context, [("tenant", "t-1")]);
    assert_eq!(active.created(), world.time.now());
    let version = world.run(store.describe_version("t-1", active.version()));
    let version = version.await.unwrap();
    assert_eq!(version.version(), active.version());
    assert_eq!(version.created(), active.created());
    let row = world.row(EU, "t-1", ACTIVE).unwrap();
    assert_eq!(
        text(&row, "version"),
        format!("branch:version:{}", active.version())
    );
    let shown = format!("{version:?} {store:?}");
    assert!(
        shown.contains(r#"encryption_context: ["tenant"]"#),
        "{shown}"
    );
    assert!(
        shown.contains(TABLE) && shown.contains(LOGICAL) && shown.contains(US),
        "{shown}"
    );
}

#[tokio::test]
async fn refuses_an_id_that_is_taken_and_changes_nothing() {
    let world = World::start().await;
    world.create("t-1").await;
    let store = world.store(US);
    let create = store.create_key().branch_key_id("t-1");
    let create = create.encryption_context([("tenant", "evil")]);
    let error = world.run(create.send()).await.unwrap_err();
    assert_eq!(error.kind(), KeyStoreErrorKind::AlreadyExists);
    assert_eq!(error.branch_key_id(), Some("t-1"));
    assert_eq!(world.cloud.stored(US, TABLE).unwrap().len(), 3);
    assert!(world.active(&store, "t-1").await.is_ok());
}

#[tokio::test]
async fn refuses_what_cannot_be_a_branch_key_and_sends_nothing() {
    let world = World::start().await;
    let store = world.store(US);
    let context = [("tenant", "acme")];
    for create in [
        store.create_key().branch_key_id("t-1"),
        store
            .create_key()
            .branch_key_id("")
            .encryption_context(context),
        store
            .create_key()
            .branch_key_id("x".repeat(2049))
            .encryption_context(context),
        store.create_key().encryption_context([("", "acme")]),
    ] {
        let shown = format!("{create:?}");
        assert!(!shown.contains("acme"), "{shown}");
        assert_eq!(
            kind(world.run(create.send()).await),
            KeyStoreErrorKind::InvalidRequest
        );
    }
    let huge = store
        .create_key()
        .encryption_context([("k", "x".repeat(65_536))]);
    assert_eq!(
        kind(world.run(huge.send()).await),
        KeyStoreErrorKind::InvalidRequest
    );
    assert!(world.cloud.attempts().is_empty());
}

#[tokio::test]
async fn refuses_a_store_that_cannot_work() {
    let world = World::start().await;
    let regions = world.regions(US, false);
    let build = |table: &str, logical: &str, kms: KeyStoreKms| {
        let built = KeyStore::builder(table, logical, kms, &regions).build();
        built.map_err(|error| error.to_string())
    };
    let mrk = || KeyStoreKms::mrk_arn(world.key.arn(US));
    assert!(build("", LOGICAL, mrk()).is_err());
    assert!(build(TABLE, "", mrk()).is_err());
    let elsewhere = world.builder(US).home_region("ap-south-1").build();
    assert!(elsewhere.unwrap_err().to_string().contains("home region"));
    let single = world.key.arn(US).replace("mrk-", "");
    let error = build(TABLE, LOGICAL, KeyStoreKms::mrk_arn(&single)).unwrap_err();
    assert!(error.contains("KeyStoreKms::key_arn"), "{error}");
    assert!(build(TABLE, LOGICAL, KeyStoreKms::key_arn(single)).is_ok());
    let far = world.key.arn("ap-south-1");
    assert!(build(TABLE, LOGICAL, KeyStoreKms::key_arn(far)).is_err());
    assert!(build(TABLE, LOGICAL, KeyStoreKms::key_arn("alias/app")).is_err());
    let tokens = world.builder(US).grant_tokens(["secret-token"]);
    assert!(!format!("{tokens:?}").contains("secret-token"));
    assert!(tokens.build().is_ok());
    assert!(world.builder(US).grant_tokens([""]).build().is_err());
}

#[tokio::test]
async fn makes_a_beacon_key_that_opens_in_both_regions() {
    let world = World::start().await;
    world.create("acme").await;
    for region in [US, EU] {
        let store = world.store(region);
        let beacon = world.run(store.describe_beacon("acme")).await.unwrap();
        assert_eq!(beacon.branch_key_id(), "acme");
        let context: Vec<_> = beacon.encryption_context().collect();
        assert_eq!(context, [("tenant", "acme")]);
        let active = world.active(&store, "acme").await.unwrap();
        assert_eq!(beacon.created(), active.created());
        let missing = world
            .run(store.describe_beacon("globex"))
            .await
            .unwrap_err();
        assert_eq!(missing.kind(), KeyStoreErrorKind::NotFound);
    }
    // The beacon key is bound to what its record says, as every other one is.
    let mut row = world.row(US, "acme", "beacon:ACTIVE").unwrap();
    row.insert("aws-crypto-ec:tenant".to_owned(), s("globex"));
    world.put(US, &row).await;
    let changed = world.run(world.store(US).describe_beacon("acme")).await;
    assert_eq!(changed.unwrap_err().kind(), KeyStoreErrorKind::Kms);
}
