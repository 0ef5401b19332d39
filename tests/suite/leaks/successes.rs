//! Paths on which everything works.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, LocalSecondaryIndex, Projection,
    ProjectionType, ReturnItemCollectionMetrics, ScalarAttributeType,
};
use dynaseal::item::{IntoKey, Key, PartitionAndSortKey};
use dynaseal::keyring::{
    DiscoveryFilter, KmsKeyring, KmsMrkDiscoveryKeyring, StaticBranchKeyKeyring,
};
use dynaseal::testkit::Cloud;
use dynaseal::{KmsMrkKeyring, RegionSet, SealedTable};

use super::*;

#[tokio::test]
async fn nothing_secret_shows_while_everything_works() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let builder =
        SealedTable::<Patient>::builder(TABLE, keyring(&stack, US, &exhibits), &stack.regions(US));
    exhibits.show("SealedTableBuilder", &builder);
    let table = builder.build().unwrap();
    exhibits.show("SealedTable", &table);
    exhibits.show("ItemEncryptor", table.encryptor());
    exhibits.show("ItemSchema", table.encryptor().schema());

    let put = table.put(&patient()).if_not_exists();
    exhibits.show("Put", &put);
    exhibits.show("PutOutput", &put.send().await.unwrap());
    let get = table
        .get((PARTITION, SORT))
        .customize(|b| b.consistent_read(true));
    exhibits.show("Get", &get);
    let opened = get.send_opened().await.unwrap().unwrap();
    assert_eq!(opened.item()["ssn"], s(SSN), "the secrets were there");
    exhibits.show("OpenedItem", &opened);
    exhibits.show("EncryptionContext", opened.context());
    let found = table.get((PARTITION, SORT)).send().await.unwrap().unwrap();
    exhibits.show("Redacted", &(found.ssn, found.record, found.scan));
    exhibits.show("Hidden", &(found.balance, found.plan));
    let stored = stack.stored(US, &patient_key()).await.unwrap();
    let claim = table.encryptor().describe(stored.clone()).unwrap();
    exhibits.show("Unverified", &claim);
    exhibits.show("Description", claim.unauthenticated());

    let known = dynaseal::ItemEncryptor::new(
        dynaseal::ItemSchema::of_model(Patient::SCHEMA, None)
            .unwrap()
            .build()
            .unwrap(),
        Known(exhibits.clone()),
    );
    assert!(
        known.open(stored).await.is_ok(),
        "the known intermediate key opens it"
    );
    let delete = table.delete((PARTITION, SORT));
    exhibits.show("Delete", &delete);
    delete.send().await.unwrap();
    let log = exhibits.log();
    for operation in [
        "PutItem",
        "GetItem",
        "DeleteItem",
        "outcome=\"ok\"",
        "region=\"us-east-1\"",
    ] {
        assert!(log.contains(operation), "{operation} in {log}");
    }
    exhibits.assert_clean(&all_secrets(), 40);
}

#[tokio::test]
async fn keyrings_and_keys_show_no_secret() {
    let exhibits = Exhibits::default();
    let stack = start().await;
    let regions = stack.regions(US);
    let raw = RawAesKeyring::new("clinic", "escrow", RAW_KEY).unwrap();
    let version = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
    let branch = StaticBranchKeyKeyring::new("tenant", version, RAW_KEY).unwrap();
    let mrk = stack.keyring(US).grant_tokens([GRANT_TOKEN]).unwrap();
    let kms = KmsKeyring::new(stack.key.arn(US), &regions).unwrap();
    let kms = kms.grant_tokens([GRANT_TOKEN]).unwrap();
    let filter = DiscoveryFilter::new("aws", ["111122223333"]).unwrap();
    let discovery = KmsMrkDiscoveryKeyring::new(filter, &regions).unwrap();
    let discovery = discovery.grant_tokens([GRANT_TOKEN]).unwrap();
    exhibits.show("RawAesKeyring", &raw);
    exhibits.show("StaticBranchKeyKeyring", &branch);
    exhibits.show("KmsMrkKeyring", &mrk);
    exhibits.show("KmsKeyring", &kms);
    exhibits.show("KmsMrkDiscoveryKeyring", &discovery);
    let multi = MultiKeyring::new(raw)
        .child(branch)
        .child(mrk)
        .child(kms)
        .child(discovery);
    exhibits.show("MultiKeyring", &multi);
    exhibits.show("RegionSet", &regions);
    exhibits.show(
        "RegionSetBuilder",
        &RegionSet::builder(&stack.config(US)).local(US),
    );
    exhibits.show(
        "IntermediateKey",
        &IntermediateKey::from_slice(&INTERMEDIATE_KEY),
    );
    exhibits.show("Key", &Key::with_sort(PARTITION, SORT));
    exhibits.show(
        "Key",
        &IntoKey::<PartitionAndSortKey>::into_key((PARTITION, SORT)),
    );
    exhibits.show("Redacted", &Redacted::new(SSN.to_owned()));
    exhibits.show("Redacted", &Some(Redacted::new(RAW_KEY)));
    exhibits.show("Hidden", &vec![Hidden::new(SCAN)]);
    exhibits.assert_clean(&all_secrets(), 28);
}

/// The SDK's output holds the partition key's value if the table has a local secondary index.
#[tokio::test]
async fn the_output_of_a_write_shows_no_key_value() {
    let exhibits = Exhibits::default();
    let cloud = Cloud::start([US]).await.unwrap();
    create_table_with_local_index(&cloud).await;
    let key = cloud.create_multi_region_key(US, [""; 0]).await.unwrap();
    let regions = RegionSet::builder(&cloud.sdk_config(US))
        .local(US)
        .build()
        .unwrap();
    let keyring = KmsMrkKeyring::new(key.arn(US), &regions).unwrap();
    let table = SealedTable::<Patient>::builder(TABLE, keyring, &regions)
        .build()
        .unwrap();
    let size = ReturnItemCollectionMetrics::Size;
    let put = table
        .put(&patient())
        .customize(|b| b.return_item_collection_metrics(size));
    let output = put.send().await.unwrap();
    let metrics = output
        .sdk_output()
        .item_collection_metrics()
        .expect("asked for");
    assert!(
        format!("{metrics:?}").contains(PARTITION),
        "the SDK's own Debug shows it"
    );
    exhibits.show("PutOutput", &output);
    exhibits.assert_clean(&all_secrets(), 2);
}

async fn create_table_with_local_index(cloud: &Cloud) {
    let attribute = |name: &str, kind| {
        let builder = AttributeDefinition::builder().attribute_name(name);
        builder.attribute_type(kind).build().unwrap()
    };
    let element = |name: &str, kind: &str| {
        let builder = KeySchemaElement::builder().attribute_name(name);
        builder.key_type(kind.into()).build().unwrap()
    };
    let all = Projection::builder()
        .projection_type(ProjectionType::All)
        .build();
    let index = LocalSecondaryIndex::builder()
        .index_name("byTenant")
        .key_schema(element("id", "HASH"))
        .key_schema(element("tenant", "RANGE"))
        .projection(all)
        .build();
    let create = cloud.dynamodb(US).create_table().table_name(TABLE);
    let create = create
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("id", ScalarAttributeType::S))
        .attribute_definitions(attribute("visit", ScalarAttributeType::N))
        .attribute_definitions(attribute("tenant", ScalarAttributeType::S))
        .key_schema(element("id", "HASH"))
        .key_schema(element("visit", "RANGE"))
        .local_secondary_indexes(index.unwrap());
    create.send().await.unwrap();
}
