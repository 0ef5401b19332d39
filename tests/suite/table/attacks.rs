//! What an administrator with full rights on the table can do, and what the reader says.

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::keyring::{KeyringError, KeyringErrorKind};

use super::*;
use crate::support::header::{Edk, edks, with_edks};

/// The attempts of a keyring, by kind.
fn kinds(error: &OpenError) -> Vec<KeyringErrorKind> {
    let OpenError::Keyring(error) = error else {
        panic!("{error:?}")
    };
    error.attempts().iter().map(KeyringError::kind).collect()
}

#[tokio::test]
async fn changed_bytes_of_an_attribute_are_refused() {
    let (stack, stored) = start_with_customer().await;
    for name in ["ssn", "address", "tags", "absent"] {
        let mut bytes = stored[name].as_b().unwrap().as_ref().to_vec();
        bytes[2] ^= 1;
        let mut changed = stored.clone();
        changed.insert(name.to_owned(), AttributeValue::B(Blob::new(bytes)));
        stack.store(US, &changed).await;
        let error = refusal(&stack, US, "c-1").await;
        assert!(
            matches!(error, OpenError::Authentication(_)),
            "{name}: {error:?}"
        );
    }
    stack.store(US, &stored).await;
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    assert!(found.unwrap().is_some(), "the untouched item opens");
}

#[tokio::test]
async fn changed_values_in_clear_are_refused() {
    let (stack, stored) = start_with_customer().await;
    let mut changed = stored.clone();
    changed.insert("plan".to_owned(), s("Free"));
    stack.store(US, &changed).await;
    let error = refusal(&stack, US, "c-1").await;
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");

    // The tenant is in the encryption context, so KMS is the first to notice.
    let mut changed = stored;
    changed.insert("tenant".to_owned(), s("evil"));
    stack.store(US, &changed).await;
    let error = refusal(&stack, US, "c-1").await;
    assert_eq!(kinds(&error), [KeyringErrorKind::InvalidCiphertext]);
}

#[tokio::test]
async fn swapped_attributes_are_refused() {
    let (stack, stored) = start_with_customer().await;
    let mut swapped = stored.clone();
    swapped.insert("ssn".to_owned(), stored["twinSsn"].clone());
    swapped.insert("twinSsn".to_owned(), stored["ssn"].clone());
    stack.store(US, &swapped).await;
    let error = refusal(&stack, US, "c-1").await;
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
}

#[tokio::test]
async fn an_attribute_of_another_item_is_refused() {
    let (stack, stored) = start_with_customer().await;
    stack.table(US).put(&customer("c-2")).send().await.unwrap();
    let other = stack.stored(US, &key("c-2")).await.unwrap();
    let mut mixed = stored;
    mixed.insert("ssn".to_owned(), other["ssn"].clone());
    stack.store(US, &mixed).await;
    let error = refusal(&stack, US, "c-1").await;
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
}

#[tokio::test]
async fn an_item_copied_under_another_key_is_refused() {
    let (stack, mut stored) = start_with_customer().await;
    stored.insert("customerId".to_owned(), s("c-9"));
    stack.store(US, &stored).await;
    let error = refusal(&stack, US, "c-9").await;
    assert_eq!(kinds(&error), [KeyringErrorKind::InvalidCiphertext]);
    stored.insert("customerId".to_owned(), s("c-1"));
    stored.insert("record".to_owned(), n("8"));
    stack.store(US, &stored).await;
    let error = stack.table::<Customer>(US).get(("c-1", 8)).send().await;
    let error = match error.unwrap_err() {
        OperationError::Open(error) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(kinds(&error), [KeyringErrorKind::InvalidCiphertext]);
}

#[tokio::test]
async fn a_stripped_item_is_refused() {
    let (stack, stored) = start_with_customer().await;
    for (removed, is_plaintext) in [
        (&["aws_dbe_head", "aws_dbe_foot"][..], true),
        (&["aws_dbe_head"], false),
        (&["aws_dbe_foot"], false),
    ] {
        let mut stripped = stored.clone();
        stripped.retain(|name, _| !removed.contains(&name.as_str()));
        stack.store(US, &stripped).await;
        match refusal(&stack, US, "c-1").await {
            OpenError::NotSealed(error) => assert_eq!(error.is_plaintext(), is_plaintext),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stack.decrypts(US), 0, "it costs no call");
}

#[tokio::test]
async fn plaintext_planted_under_a_key_is_refused() {
    let stack = start().await;
    let mut planted = key("c-1");
    planted.insert("ssn".to_owned(), s("000-00-0000"));
    stack.store(US, &planted).await;
    let error = refusal(&stack, US, "c-1").await;
    assert!(
        matches!(&error, OpenError::NotSealed(e) if e.is_plaintext()),
        "{error:?}"
    );
}

#[tokio::test]
async fn added_and_removed_attributes_are_refused() {
    let (stack, stored) = start_with_customer().await;
    let mut added = stored.clone();
    added.insert("admin".to_owned(), AttributeValue::Bool(true));
    stack.store(US, &added).await;
    match refusal(&stack, US, "c-1").await {
        OpenError::SchemaChanged(error) => assert_eq!(error.found(), error.sealed() + 1),
        other => panic!("{other:?}"),
    }
    let mut removed = stored.clone();
    removed.remove("plan");
    stack.store(US, &removed).await;
    match refusal(&stack, US, "c-1").await {
        OpenError::SchemaChanged(error) => assert_eq!(error.found() + 1, error.sealed()),
        other => panic!("{other:?}"),
    }
    let mut reserved = stored;
    reserved.insert("aws_dbe_extra".to_owned(), s("x"));
    stack.store(US, &reserved).await;
    match refusal(&stack, US, "c-1").await {
        OpenError::Attribute(error) => assert_eq!(error.name(), "aws_dbe_extra"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unsigned_attribute_is_anybodys_and_says_so() {
    let (stack, mut stored) = start_with_customer().await;
    stored.insert(":views".to_owned(), n("1000000"));
    stack.store(US, &stored).await;
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    assert_eq!(*found.unwrap().unwrap().views.unauthenticated(), 1_000_000);
}

#[tokio::test]
async fn a_replayed_older_item_opens_as_documented() {
    let (stack, old) = start_with_customer().await;
    let mut newer = customer("c-1");
    newer.plan = Plan::Free;
    stack.table(US).put(&newer).send().await.unwrap();
    stack.store(US, &old).await;
    let found = stack.table::<Customer>(US).get(("c-1", 7)).send().await;
    assert_eq!(found.unwrap().unwrap().plan, Plan::Paid { cents: 4299 });
}

/// As many recipients that name the right key, and hold garbage.
fn garbage(stored: &Item, count: usize) -> Vec<Edk> {
    let [Edk([provider, info, ciphertext])] = &edks(stored)[..] else {
        panic!("one recipient")
    };
    let other = |n: usize| {
        let mut ciphertext = ciphertext.clone();
        *ciphertext.last_mut().unwrap() ^= u8::try_from(n + 1).unwrap();
        Edk([provider.clone(), info.clone(), ciphertext])
    };
    (0..count).map(other).collect()
}

#[tokio::test]
async fn garbage_recipients_cost_at_most_four_calls() {
    let (stack, stored) = start_with_customer().await;
    stack
        .store(US, &with_edks(&stored, &garbage(&stored, 5)))
        .await;
    let error = refusal(&stack, US, "c-1").await;
    assert_eq!(stack.decrypts(US), 4);
    let mut expected = [KeyringErrorKind::InvalidCiphertext; 5];
    expected[4] = KeyringErrorKind::NotTried;
    assert_eq!(kinds(&error), expected);
}

#[tokio::test]
async fn a_true_recipient_behind_garbage_is_found_within_the_budget_and_fails_the_footer() {
    let (stack, stored) = start_with_customer().await;
    for (before, calls) in [(3, 4), (4, 4)] {
        stack.cloud.reset_calls();
        let forged = [garbage(&stored, before), edks(&stored)].concat();
        stack.store(US, &with_edks(&stored, &forged)).await;
        let error = refusal(&stack, US, "c-1").await;
        let out_of_budget = matches!(error, OpenError::Keyring(_));
        assert_eq!(out_of_budget, before == 4, "{error:?}");
        assert_eq!(stack.decrypts(US), calls, "{before}");
    }
}

#[tokio::test]
async fn too_many_recipients_cost_no_call_at_all() {
    let (stack, stored) = start_with_customer().await;
    stack
        .store(US, &with_edks(&stored, &garbage(&stored, 17)))
        .await;
    let error = refusal(&stack, US, "c-1").await;
    assert!(
        matches!(error, OpenError::TooManyEncryptedDataKeys(_)),
        "{error:?}"
    );
    assert_eq!(stack.decrypts(US), 0);
}

#[tokio::test]
async fn a_name_that_an_administrator_chose_forges_no_line_of_a_log() {
    let (stack, stored) = start_with_customer().await;
    let forged = "aws_dbe_x\n2026-01-01 INFO all is well\u{1b}[2J\u{202e}";
    let mut named = stored;
    named.insert(forged.to_owned(), s("x"));
    stack.store(US, &named).await;
    let OpenError::Attribute(error) = refusal(&stack, US, "c-1").await else {
        panic!("no attribute error")
    };
    assert_eq!(error.name(), forged);
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(
            !text.contains(['\n', '\u{1b}', '\u{202e}']),
            "{}",
            text.escape_debug()
        );
    }
}
