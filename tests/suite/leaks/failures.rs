//! Paths on which everything fails.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::item::{Model, PartitionAndSortKey};
use dynaseal::keyring::{DiscoveryFilter, KmsMrkDiscoveryKeyring, StaticBranchKeyKeyring};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{Item, KmsMrkKeyring, OperationError, SealedTable};

use super::*;

pub(super) fn table_of<T: Model>(
    stack: &Stack,
    region: &str,
    exhibits: &Exhibits,
) -> SealedTable<T> {
    let keyring = keyring(stack, region, exhibits);
    SealedTable::builder(TABLE, keyring, &stack.regions(region))
        .build()
        .unwrap()
}

/// A stored patient.
pub(super) async fn start_with_patient(exhibits: &Exhibits) -> (Stack, Item) {
    let stack = start().await;
    table_of::<Patient>(&stack, US, exhibits)
        .put(&patient())
        .send()
        .await
        .unwrap();
    let stored = stack.stored(US, &patient_key()).await.unwrap();
    (stack, stored)
}

/// Reads the patient and shows why that failed.
pub(super) async fn show_failed_read<T>(table: &SealedTable<T>, exhibits: &Exhibits, what: &str)
where
    T: Model<KeyShape = PartitionAndSortKey>,
{
    match table.get((PARTITION, SORT)).send().await {
        Ok(_) => panic!("{what} succeeded"),
        Err(error) => exhibits.show_error(what, &error),
    }
}

#[tokio::test]
async fn tampered_items_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, stored) = start_with_patient(&exhibits).await;
    let table = table_of::<Patient>(&stack, US, &exhibits);
    for (name, value) in BTreeMap::from_iter(&stored) {
        let mut variants = vec![None, Some(s(SSN)), Some(n(&BALANCE.to_string()))];
        if let AttributeValue::B(blob) = value {
            // The footer's last byte is another recipient's tag, which is not ours to check.
            let last = if name == "aws_dbe_foot" {
                3
            } else {
                blob.as_ref().len() - 1
            };
            for at in [0, 1, 2, last] {
                let mut bytes = blob.as_ref().to_vec();
                bytes[at] ^= 1;
                variants.push(Some(AttributeValue::B(Blob::new(bytes))));
            }
            variants.push(Some(AttributeValue::B(Blob::new(SCAN))));
        }
        if ["id", "visit", "views"].contains(&name.as_str()) {
            continue;
        }
        for variant in variants {
            let mut tampered = stored.clone();
            tampered.remove(name);
            tampered.extend(variant.map(|value| (name.clone(), value)));
            stack.store(US, &tampered).await;
            show_failed_read(&table, &exhibits, &format!("tampered {name}")).await;
        }
    }
    let mut added = stored;
    added.insert("aws_dbe_more".to_owned(), s(SSN));
    stack.store(US, &added).await;
    show_failed_read(&table, &exhibits, "added").await;
    let log = exhibits.log();
    assert!(log.contains("outcome=\"not opened\""), "{log}");
    exhibits.assert_clean(&all_secrets(), 200);
}

#[tokio::test]
async fn keys_that_fail_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let kms_alone = |region| {
        let keyring = stack.keyring(region).grant_tokens([GRANT_TOKEN]).unwrap();
        SealedTable::<Patient>::builder(TABLE, keyring, &stack.regions(region))
            .build()
            .unwrap()
    };
    let us = kms_alone(US);
    us.put(&patient()).send().await.unwrap();
    let show = async |what: &str| {
        show_failed_read(&us, &exhibits, what).await;
        let error = us.put(&patient()).send().await.unwrap_err();
        assert!(matches!(error, OperationError::Seal(_)), "{error:?}");
        exhibits.show_error(what, &error);
    };
    stack
        .put_key_policy(US, r#"{"Effect":"Deny","Principal":"*","Action":"kms:*"}"#)
        .await;
    show("denied").await;
    stack
        .put_key_policy(US, r#"{"Effect":"Allow","Principal":"*","Action":"kms:*"}"#)
        .await;
    for fault in [
        Fault::Unavailable,
        Fault::LostResponse,
        Fault::Status(500, "KMSInternalException"),
        Fault::Status(400, "ThrottlingException"),
        Fault::Status(400, "NotFoundException"),
        Fault::Status(400, "SomethingNewException"),
        Fault::Status(200, "NotAnError"),
    ] {
        stack.cloud.region(US).fail(Service::Kms, fault);
        show(&format!("{fault:?}")).await;
        stack.cloud.region(US).recover();
    }
    stack.disable_key(US, &stack.key).await;
    show("disabled").await;

    let stored = stack.stored(US, &patient_key()).await.unwrap();
    stack.store(EU, &stored).await;
    let stranger = stack.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let stranger = KmsMrkKeyring::new(stranger.arn(EU), &stack.regions(EU)).unwrap();
    let stranger = SealedTable::<Patient>::builder(TABLE, stranger, &stack.regions(EU));
    show_failed_read(&stranger.build().unwrap(), &exhibits, "another key").await;
    let filter = DiscoveryFilter::new("aws", ["999900001111"]).unwrap();
    let discovery = KmsMrkDiscoveryKeyring::new(filter, &stack.regions(EU)).unwrap();
    let discovery = SealedTable::<Patient>::builder(TABLE, discovery, &stack.regions(EU));
    let discovery = discovery.build().unwrap();
    show_failed_read(&discovery, &exhibits, "discovery").await;
    let error = discovery.put(&patient()).send().await.unwrap_err();
    exhibits.show_error("discovery", &error);
    exhibits.assert_clean(&all_secrets(), 120);
}

#[tokio::test]
async fn failed_requests_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let (stack, _) = start_with_patient(&exhibits).await;
    let table = table_of::<Patient>(&stack, US, &exhibits);
    let error = table
        .put(&patient())
        .if_not_exists()
        .send()
        .await
        .unwrap_err();
    let sdk = format!("{:?}", error.sdk_error().expect("a conflict"));
    assert!(
        all_secrets().find_in(&sdk).is_some(),
        "the SDK's own Debug shows the item"
    );
    exhibits.show_error("conflict", &error);

    let secret = s(SSN);
    for put in [
        table
            .put(&patient())
            .customize(|b| b.item("ssn", secret.clone())),
        table
            .put(&patient())
            .customize(|b| b.expression_attribute_values(":a", secret.clone())),
        table
            .put(&patient())
            .customize(|b| b.condition_expression(SSN)),
        table.put(&patient()).customize(|b| b.table_name(SSN)),
    ] {
        exhibits.show("Put", &put);
        exhibits.show_error("refused", &put.send().await.unwrap_err());
    }
    let get = table
        .get((PARTITION, SORT))
        .customize(|b| b.key("ssn", secret.clone()));
    exhibits.show("Get", &get);
    exhibits.show_error("refused", &get.send().await.unwrap_err());
    let delete = table
        .delete((PARTITION, SORT))
        .customize(|b| b.key("ssn", secret.clone()));
    exhibits.show("Delete", &delete);
    exhibits.show_error("refused", &delete.send().await.unwrap_err());

    let us = stack.cloud.region(US);
    us.fail(Service::DynamoDb, Fault::Status(400, "ValidationException"));
    exhibits.show_error("put", &table.put(&patient()).send().await.unwrap_err());
    show_failed_read(&table, &exhibits, "get").await;
    let delete = table.delete((PARTITION, SORT)).send().await.unwrap_err();
    exhibits.show_error("delete", &delete);
    us.recover();
    us.fail(Service::DynamoDb, Fault::Unavailable);
    exhibits.show_error("put", &table.put(&patient()).send().await.unwrap_err());
    show_failed_read(&table, &exhibits, "get").await;
    let log = exhibits.log();
    for outcome in ["outcome=\"refused\"", "outcome=\"sdk error\""] {
        assert!(log.contains(outcome), "{log}");
    }
    exhibits.assert_clean(&all_secrets(), 100);
}

#[tokio::test]
async fn items_that_cannot_be_sealed_give_nothing_away() {
    let (exhibits, _guard) = Exhibits::listen();
    let stack = start().await;
    let schema = dynaseal::ItemSchema::of_model(Patient::SCHEMA, None)
        .unwrap()
        .build()
        .unwrap();
    let keyring = keyring(&stack, US, &exhibits);
    let table = SealedTable::<Item>::builder(TABLE, keyring, &stack.regions(US)).schema(schema);
    let table = table.build().unwrap();
    let twice = || vec![SSN.to_owned(), SSN.to_owned()];
    for (name, value) in [
        ("ssn", AttributeValue::Ss(twice())),
        (
            "ssn",
            AttributeValue::Ns(vec![BALANCE.to_string(), format!("{BALANCE}.0")]),
        ),
        ("ssn", AttributeValue::Ns(twice())),
        ("plan", n(SSN)),
        (
            "balance",
            n(&format!("{BALANCE}{BALANCE}{BALANCE}{BALANCE}{BALANCE}")),
        ),
        ("balance", n(&format!("{BALANCE}e200"))),
        ("tenant", s(&TENANT.repeat(5000))),
        ("tenant", n(TENANT)),
        ("record", AttributeValue::M(item([("", s(NESTED))]))),
        ("unknown", s(SSN)),
        ("aws_dbe_head", s(SSN)),
    ] {
        let mut item = patient().to_item().unwrap();
        item.insert(name.to_owned(), value);
        let error = table.put(&item).send().await.unwrap_err();
        assert!(matches!(error, OperationError::Seal(_)), "{error:?}");
        exhibits.show_error(name, &error);
    }
    assert!(exhibits.log().contains("outcome=\"not sealed\""));
    exhibits.assert_clean(&all_secrets(), 60);
}

#[tokio::test]
async fn refused_configurations_give_nothing_away() {
    let exhibits = Exhibits::default();
    for len in [0, 1, 15, 17, 31] {
        let error = RawAesKeyring::new("clinic", "escrow", &RAW_KEY[..len.max(1)]).unwrap_err();
        exhibits.show_error("RawAesKeyring", &error);
        let version = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
        let error = StaticBranchKeyKeyring::new("t", version, &RAW_KEY[..len]).unwrap_err();
        exhibits.show_error("StaticBranchKeyKeyring", &error);
    }
    let long = [&RAW_KEY[..], &INTERMEDIATE_KEY].concat();
    exhibits.show_error(
        "RawAesKeyring",
        &RawAesKeyring::new("c", "e", long).unwrap_err(),
    );
    let stack = start().await;
    let tokens = vec![GRANT_TOKEN.to_owned(); 11];
    exhibits.show_error(
        "tokens",
        &stack.keyring(US).grant_tokens(tokens).unwrap_err(),
    );
    let long = GRANT_TOKEN.repeat(400);
    exhibits.show_error(
        "tokens",
        &stack.keyring(US).grant_tokens([long]).unwrap_err(),
    );
    assert!(IntermediateKey::from_slice(&RAW_KEY[1..]).is_none());
    exhibits.assert_clean(&all_secrets(), 30);
}
