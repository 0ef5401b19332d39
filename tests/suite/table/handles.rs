//! Handles by power: what each may do, what it asks of KMS, and what its type is worth.

use std::sync::Arc;

use aws_sdk_dynamodb::config::StalledStreamProtectionConfig;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_types::sdk_config::RetryConfig;
use dynaseal::expression::{UpdateExpression, attribute};
use dynaseal::key_store::{KeyStore, KeyStoreKms};
use dynaseal::keyring::{
    CachingKeyring, HierarchicalKeyring, Keyring, KmsRsaKeyring, RsaPadding,
    StaticBranchKeyKeyring, TableKeyKeyring,
};
use dynaseal::table::{CancellationReason, Limits, OpenOnly, SealOnly, TransactGet, TransactWrite};
use dynaseal::testkit::{Fault, Service};
use dynaseal::{
    AlgorithmSuite, ItemSchema, KmsMrkKeyring, MultiKeyring, RawAesKeyring, RegionSet, SealedTable,
};

use super::*;
use crate::support::hurry::Hurry;

/// A key policy under which one verb of KMS is forbidden to everybody.
async fn forbid(stack: &Stack, verb: &str) {
    let statements = format!(
        r#"{{"Effect":"Deny","Principal":"*","Action":"kms:{verb}"}},
           {{"Effect":"Allow","Principal":"*","Action":"kms:*"}}"#
    );
    stack.put_key_policy(US, &statements).await;
    stack.cloud.reset_calls();
}

/// A table with two customers, of which nobody can open any more.
async fn start_sealing() -> (Stack, SealOnly<Customer>) {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    for id in ["c-1", "c-2"] {
        table.put(&customer(id)).send().await.unwrap();
    }
    forbid(&stack, "Decrypt").await;
    (stack, table.seal_only())
}

/// A table with two customers, to which nobody can seal any more.
async fn start_opening() -> (Stack, OpenOnly<Customer>) {
    let stack = start().await;
    let table = stack.table::<Customer>(US);
    for id in ["c-1", "c-2"] {
        table.put(&customer(id)).send().await.unwrap();
    }
    forbid(&stack, "GenerateDataKey").await;
    (stack, table.open_only())
}

fn view() -> UpdateExpression {
    UpdateExpression::new().add(":views", 1)
}

#[tokio::test]
async fn sealing_writes_everything_and_never_decrypts() {
    let (stack, intake) = start_sealing().await;
    intake.put(&customer("c-3")).send().await.unwrap();
    let new = intake.put(&customer("c-4")).if_not_exists();
    new.send().await.unwrap();
    intake.delete(("c-4", 7)).send().await.unwrap();
    let output = intake.update_unsigned(("c-3", 7), view()).return_updated();
    let output = output.send().await.unwrap();
    assert_eq!(
        output.updated().unwrap().unauthenticated()[":views"],
        n("4")
    );
    let (five, six) = (customer("c-5"), customer("c-6"));
    let batch = intake.batch_write().puts([&five, &six]).delete(("c-2", 7));
    batch.send().await.unwrap();
    TransactWrite::new()
        .put(&intake, &customer("c-7"))
        .update_unsigned(&intake, ("c-5", 7), view())
        .check(&intake, ("c-6", 7), attribute("tenant").eq("acme"))
        .send()
        .await
        .unwrap();
    let sealed = intake.seal(as_item("c-8")).await.unwrap();
    assert!(sealed["ssn"].is_b());
    stack.store(US, &sealed).await;
    assert_eq!(stack.decrypts(US), 0);
    assert_eq!(stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"), 6);

    forbid(&stack, "GenerateDataKey").await;
    let ids = stack.table::<Customer>(US).scan().items().collect().await;
    let ids: BTreeSet<_> = ids.unwrap().into_iter().map(|c| c.customer_id).collect();
    assert_eq!(
        ids.into_iter().collect::<Vec<_>>(),
        ["c-1", "c-3", "c-5", "c-6", "c-7", "c-8"]
    );
}

fn as_item(id: &str) -> Item {
    dynaseal::item::Model::to_item(&customer(id)).unwrap()
}

#[tokio::test]
async fn sealing_hands_items_in_errors_back_sealed() {
    let (stack, intake) = start_sealing().await;
    let stored = stack.stored(US, &key("c-1")).await.unwrap();
    let never = || attribute("tenant").eq("umbrella");

    let error = intake.put(&customer("c-1")).if_not_exists().send().await;
    let error = error.unwrap_err();
    assert!(error.item().is_none());
    let sdk = error.sdk_error().and_then(|error| error.as_service_error());
    let Some(PutItemError::ConditionalCheckFailedException(failed)) = sdk else {
        panic!("{error:?}")
    };
    assert_eq!(failed.item(), Some(&stored));
    let error = intake.delete(("c-1", 7)).condition(never()).send().await;
    assert!(error.unwrap_err().item().is_none());
    let update = intake.update_unsigned(("c-1", 7), view());
    let error = update.condition(never()).send().await.unwrap_err();
    assert!(error.item().is_none());

    let error = TransactWrite::new()
        .put_if_not_exists(&intake, &customer("c-1"))
        .delete_if(&intake, ("c-2", 7), never())
        .send();
    let error = error.await.unwrap_err();
    let items: Vec<_> = error
        .reasons()
        .iter()
        .map(CancellationReason::item)
        .collect();
    assert!(matches!(items[..], [None, None]), "{items:?}");
    assert_eq!(stack.decrypts(US), 0);
    // Whoever may open still finds the items there.
    let error = stack.table(US).put(&customer("c-1")).if_not_exists().send();
    assert!(matches!(
        error.await.unwrap_err().item(),
        Some(Err(OpenError::Keyring(_)))
    ));
    assert_eq!(stack.decrypts(US), 1);
}

#[tokio::test]
async fn opening_reads_everything_and_never_seals() {
    let (stack, auditor) = start_opening().await;
    assert!(auditor.get(("c-1", 7)).send().await.unwrap().is_some());
    let partition = auditor.query("c-1").items().collect().await.unwrap();
    assert_eq!(partition.len(), 1);
    assert_eq!(auditor.scan().items().collect().await.unwrap().len(), 2);
    let both = auditor.batch_get([("c-1", 7), ("c-2", 7)]).send().await;
    assert_eq!(both.unwrap().found().unwrap().len(), 2);
    let mut reads = TransactGet::new();
    let slot = reads.get(&auditor, ("c-2", 7));
    let mut found = reads.send().await.unwrap();
    assert!(found.take(slot).unwrap().is_some());
    let stored = stack.stored(US, &key("c-1")).await.unwrap();
    let opened = auditor.open(stored.clone()).await.unwrap();
    assert_eq!(opened.item()["ssn"], s("078-05-1120"));
    let described = auditor.describe(stored).unwrap();
    assert_eq!(
        described.unauthenticated().suite(),
        AlgorithmSuite::EcdsaP384
    );
    assert_eq!(auditor.schema().partition_key_name(), "customerId");
    assert_eq!(stack.decrypts(US), 8);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 8, "and nothing else");
}

#[tokio::test]
async fn a_type_is_worth_a_permission_under_kms_alone() {
    let stack = start().await;
    let raw = || RawAesKeyring::new("tests", "key-1", [7; 32]).unwrap();
    let version = "f9c2d2f7-9d3a-4f1e-8a53-9ff7c2a2f0aa";
    let branch = StaticBranchKeyKeyring::new("tenant-a", version, [7; 32]).unwrap();
    let kms = || MultiKeyring::new(stack.keyring(US));
    let limits = |keyring: Arc<dyn Keyring>| {
        let table = SealedTable::<Customer>::builder(TABLE, keyring, &stack.regions(US));
        let table = table.build().unwrap();
        [table.seal_only().limits(), table.open_only().limits()]
    };
    assert_eq!(limits(Arc::new(stack.keyring(US))), [Limits::Permission; 2]);
    assert_eq!(
        limits(Arc::new(kms().child(stack.keyring(US)))),
        [Limits::Permission; 2]
    );
    assert_eq!(limits(Arc::new(raw())), [Limits::Api; 2]);
    assert_eq!(limits(Arc::new(branch)), [Limits::Api; 2]);
    assert_eq!(limits(Arc::new(kms().child(raw()))), [Limits::Api; 2]);
}

/// Whoever seals under a table key needs no `Decrypt`, and whoever opens has a key that wraps as well.
#[tokio::test]
async fn a_type_that_seals_is_worth_a_permission_under_table_keys() {
    let stack = start().await;
    let regions = stack.regions(US);
    let table_key = || TableKeyKeyring::new(stack.key.arn(US), &regions).unwrap();
    let raw = || RawAesKeyring::new("tests", "key-1", [7; 32]).unwrap();
    let cached = |keyring: Arc<dyn Keyring>| {
        let keyring = CachingKeyring::builder(keyring, &regions).build().unwrap();
        Arc::new(keyring)
    };
    let limits = |keyring: Arc<dyn Keyring>| {
        let table = SealedTable::<Customer>::builder(TABLE, keyring, &regions);
        let table = table.build().unwrap();
        [table.seal_only().limits(), table.open_only().limits()]
    };
    let sealing = [Limits::Permission, Limits::Api];
    assert_eq!(limits(Arc::new(table_key())), sealing);
    assert_eq!(limits(cached(Arc::new(table_key()))), sealing);
    let beside = MultiKeyring::new(table_key()).child(stack.keyring(US));
    assert_eq!(limits(cached(Arc::new(beside))), sealing);
    for weak in [
        MultiKeyring::new(table_key()).child(raw()),
        MultiKeyring::new(raw()).child(MultiKeyring::new(table_key())),
    ] {
        assert_eq!(limits(Arc::new(weak.clone())), [Limits::Api; 2]);
        assert_eq!(limits(cached(Arc::new(weak))), [Limits::Api; 2]);
    }
    let kms = KeyStoreKms::mrk_arn(stack.key.arn(US));
    let store = KeyStore::builder("keys", "keys", kms, &regions).build();
    let branch = HierarchicalKeyring::builder(&store.unwrap()).branch_key_id("b");
    assert_eq!(limits(Arc::new(branch.build().unwrap())), [Limits::Api; 2]);
    let arn = stack.key.arn(US);
    let rsa = KmsRsaKeyring::new(arn, RsaPadding::OaepSha256, &regions).unwrap();
    assert_eq!(limits(Arc::new(rsa)), sealing);
}

/// Not even through a table key that it made itself, which another process sealed with.
#[tokio::test]
async fn sealing_under_a_table_key_never_decrypts_and_opens_nothing_of_others() {
    let stack = start().await;
    let table = || {
        let keyring = TableKeyKeyring::new(stack.key.arn(US), &stack.regions(US));
        let builder = SealedTable::<Customer>::builder(TABLE, keyring.unwrap(), &stack.regions(US));
        builder.build().unwrap()
    };
    table().put(&customer("c-1")).send().await.unwrap();
    forbid(&stack, "Decrypt").await;
    let process = table();
    let intake = process.seal_only();
    for id in ["c-2", "c-3"] {
        intake.put(&customer(id)).send().await.unwrap();
    }
    assert_eq!(stack.decrypts(US), 0);
    assert_eq!(stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"), 1);
    for id in ["c-1", "c-2"] {
        let opened = process.get((id, 7)).send().await;
        assert!(opened.is_err(), "what was made to seal with opens nothing");
    }
}

#[tokio::test]
async fn whoever_opens_items_without_a_signature_could_forge_them() {
    let stack = start().await;
    let builder = || SealedTable::<Customer>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let weak = AlgorithmSuite::SymsigHmacSha384;
    for table in [
        builder().algorithm_suite(weak).build().unwrap(),
        builder().accept_suite(weak).build().unwrap(),
    ] {
        assert_eq!(table.open_only().limits(), Limits::Api);
        assert_eq!(table.seal_only().limits(), Limits::Permission);
    }
}

#[tokio::test]
async fn untyped_tables_have_handles_too() {
    let stack = start().await;
    let schema = ItemSchema::of_model(Customer::SCHEMA, None).unwrap();
    let table: SealedTable = SealedTable::builder(TABLE, stack.keyring(US), &stack.regions(US))
        .schema(schema.build().unwrap())
        .build()
        .unwrap();
    let (intake, auditor) = (table.seal_only(), table.open_only());
    intake.clone().put(&as_item("c-1")).send().await.unwrap();
    let found = auditor.clone().get(("c-1", 7)).send().await;
    let found = found.unwrap().unwrap();
    assert_eq!(found["ssn"], s("078-05-1120"));
    for shown in [format!("{intake:?}"), format!("{auditor:?}")] {
        assert!(shown.contains(TABLE), "{shown}");
    }
}

#[tokio::test]
async fn sealing_recognises_its_own_write_without_opening_it() {
    let (stack, _) = start_sealing().await;
    let lost = Fault::LostResponse.on("PutItem").times(1);
    stack.cloud.region(US).fail(Service::DynamoDb, lost);
    let config = stack.config(US).into_builder();
    let (config, _) = Hurry::apply(config.retry_config(RetryConfig::standard()));
    let config = config.stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let regions = RegionSet::builder(&config.build())
        .local(US)
        .build()
        .unwrap();
    let keyring = KmsMrkKeyring::new(stack.key.arn(US), &regions).unwrap();
    let table = SealedTable::<Customer>::builder(TABLE, keyring, &regions)
        .build()
        .unwrap();
    let put = table.seal_only().put(&customer("c-9")).if_not_exists();
    put.send().await.expect("our own item is in the way");
    assert_eq!(stack.cloud.calls_of(US, Service::DynamoDb, "PutItem"), 2);
    assert_eq!(stack.decrypts(US), 0);
}
