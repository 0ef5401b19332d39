//! What reads through a limited table, and what nobody has to open.

use std::time::{Duration, SystemTime};

use dynaseal::expression::attribute;
use dynaseal::item::Model;
use dynaseal::table::{ItemError, PlaintextPolicy, SlotError, TransactGet, UpdateError};

use super::*;

fn is_refused_read<E>(error: &OperationError<E>) -> bool {
    matches!(error, OperationError::Open(error) if is_another_tenants(error))
}

fn is_refused_item(error: &ItemError) -> bool {
    matches!(error, ItemError::Open(error) if is_another_tenants(error))
}

#[tokio::test]
async fn reads_its_own_items_in_both_regions_and_no_others() {
    let (stack, _) = start_with_notes().await;
    stack.cloud.replicate().await;
    for region in [US, EU] {
        let table = stack.table::<Note>(region).tenant("acme").unwrap();
        assert_eq!(read(&table, "a-1").await, Some(note("a-1", "acme")));
        let opened = table.get("a-1").send_opened().await.unwrap().unwrap();
        let tenant = opened.context().string_attribute("tenant");
        assert_eq!(tenant.as_deref(), Some("acme"));
        assert_eq!(read(&table, "x-1").await, None);
        stack.cloud.reset_calls();
        let error = table.get("g-1").send().await.unwrap_err();
        assert!(is_refused_read(&error), "{error:?}");
        let error = table.open_only().get("g-1").send().await.unwrap_err();
        assert!(is_refused_read(&error), "{error:?}");
        assert_eq!(stack.cloud.calls(region, Service::Kms), 0);
    }
}

#[tokio::test]
async fn pages_hold_an_error_for_each_item_of_others() {
    let (stack, table) = start_with_notes().await;
    let acme = table.tenant("acme").unwrap();
    let (found, others) = acme.scan().items().partition().await.unwrap();
    assert_eq!(found, [note("a-1", "acme")]);
    assert_eq!(others.len(), 1);
    assert!(is_refused_item(others[0].error()));
    let (found, others) = acme.query("g-1").items().partition().await.unwrap();
    assert_eq!((found.len(), others.len()), (0, 1));
    assert!(is_refused_item(others[0].error()));
    assert_eq!(stack.decrypts(US), 1, "for the note of its own");

    let own = acme.scan().filter(attribute("tenant").eq("acme"));
    assert_eq!(own.items().collect().await.unwrap().len(), 1);
    let handle = table.open_only().tenant("globex").unwrap();
    let (found, others) = handle.scan().items().partition().await.unwrap();
    assert_eq!((found, others.len()), (vec![note("g-1", "globex")], 1));
}

#[tokio::test]
async fn batches_and_transactions_hold_an_error_for_each_item_of_others() {
    let (_stack, table) = start_with_notes().await;
    let acme = table.tenant("acme").unwrap();
    let output = acme.batch_get(["a-1", "g-1"]).send().await.unwrap();
    let results = output.into_results();
    assert_eq!(results[0].1.as_ref().unwrap(), &Some(note("a-1", "acme")));
    assert!(is_refused_item(results[1].1.as_ref().unwrap_err()));

    let mut reads = TransactGet::new();
    let (own, other) = (reads.get(&acme, "a-1"), reads.get(&acme, "g-1"));
    let mut found = reads.send().await.unwrap();
    assert_eq!(found.take(own).unwrap(), Some(note("a-1", "acme")));
    let error = found.take(other).unwrap_err();
    assert!(matches!(&error, SlotError::Open(error) if is_another_tenants(error)));
}

#[tokio::test]
async fn updates_see_no_item_of_others_and_give_none_away() {
    let (stack, table) = start_with_notes().await;
    let acme = table.tenant("acme").unwrap();
    let rename = |note: &mut Note| note.text = "ours now".to_owned();
    let error = acme.update("g-1", rename).send().await.unwrap_err();
    assert!(
        matches!(&error, UpdateError::Read(error) if is_refused_read(error)),
        "{error:?}"
    );
    let give = |note: &mut Note| note.tenant = "globex".to_owned();
    let error = acme.update("a-1", give).send().await.unwrap_err();
    assert!(
        matches!(
            &error,
            UpdateError::Write(OperationError::Seal(SealError::TenantMismatch(_)))
        ),
        "{error:?}"
    );
    assert_eq!(calls(&stack, "UpdateItem"), 0);
    let output = acme.update("a-1", rename).send().await.unwrap();
    assert_eq!(output.model().text, "ours now");
    assert_eq!(read(&table, "g-1").await, Some(note("g-1", "globex")));
}

#[tokio::test]
async fn lets_no_plaintext_of_others_through() {
    let (stack, _) = start_with_notes().await;
    for (id, tenant) in [("old-a", "acme"), ("old-g", "globex")] {
        stack.store(US, &as_item(&note(id, tenant))).await;
    }
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let policy = PlaintextPolicy::allow_partition_key_prefix("old-", until);
    let builder = SealedTable::<Note>::builder(TABLE, stack.keyring(US), &stack.regions(US));
    let table = builder.plaintext_policy(policy).build().unwrap();
    let acme = table.tenant("acme").unwrap();
    let found = acme.get("old-a").allow_plaintext().send().await.unwrap();
    assert!(!found.unwrap().is_verified());
    let error = acme.get("old-g").allow_plaintext().send().await;
    assert!(is_refused_read(&error.unwrap_err()));
    assert_eq!(table.plaintext_reads(), 1, "what is refused is not counted");
}

#[tokio::test]
async fn the_encryptor_of_a_limited_table_is_limited_too() {
    let (stack, table) = start_with_notes().await;
    let stored = stack.stored(US, &key("g-1")).await.unwrap();
    let opened = table.encryptor().open(stored.clone()).await.unwrap();
    assert_eq!(Note::from_opened(opened).unwrap(), note("g-1", "globex"));
    let acme = table.tenant("acme").unwrap();
    let error = acme.encryptor().open(stored.clone()).await.unwrap_err();
    assert!(is_another_tenants(&error));
    let error = acme.open_only().open(stored).await.unwrap_err();
    assert!(is_another_tenants(&error));
    assert!(acme.tenant("globex").is_err());
    let intake = acme.seal_only();
    assert!(intake.tenant("globex").is_err() && intake.tenant("acme").is_ok());
}
