//! Several recipients: two multi-Region keys, and a local key.

use dynaseal::keyring::{Keyring, KeyringErrorKind};
use dynaseal::testkit::{MultiRegionKey, Service};
use dynaseal::{
    AlgorithmSuite, Authenticity, KmsMrkKeyring, MultiKeyring, RawAesKeyring, RegionSet,
    SealedTable,
};

use super::*;
use crate::support::header::edks;

fn table(stack: &Stack, keyring: impl Keyring + 'static) -> SealedTable<Customer> {
    let builder = SealedTable::builder(TABLE, keyring, &stack.regions(US));
    builder.build().unwrap()
}

fn both(stack: &Stack, second: &MultiRegionKey) -> MultiKeyring {
    let regions: &RegionSet = &stack.regions(US);
    let second = KmsMrkKeyring::new(second.arn(US), regions).unwrap();
    MultiKeyring::new(stack.keyring(US)).child(second)
}

/// An item for two keys, and the second of them.
async fn start_with_two() -> (Stack, MultiRegionKey) {
    let stack = start().await;
    let second = stack.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let table = table(&stack, both(&stack, &second));
    table.put(&customer("c-1")).send().await.unwrap();
    (stack, second)
}

#[tokio::test]
async fn each_recipient_has_a_data_key_call_of_its_own() {
    let (stack, second) = start_with_two().await;
    assert_eq!(stack.cloud.calls_of(US, Service::Kms, "GenerateDataKey"), 2);
    assert_eq!(stack.cloud.calls(US, Service::Kms), 2);
    let stored = stack.stored(US, &key("c-1")).await.unwrap();
    let named: Vec<_> = edks(&stored)
        .into_iter()
        .map(|edk| edk.0[1].clone())
        .collect();
    assert_eq!(
        named,
        [stack.key.arn(US).into_bytes(), second.arn(US).into_bytes()]
    );
    let opened = table(&stack, both(&stack, &second))
        .get(("c-1", 7))
        .send_opened();
    let opened = opened.await.unwrap().unwrap();
    assert_eq!(
        opened.key(),
        Some(&*stack.key.arn(US)),
        "the generator opens first"
    );
    assert_eq!(stack.decrypts(US), 1);
}

#[tokio::test]
async fn each_recipient_opens_alone() {
    let (stack, second) = start_with_two().await;
    let regions = stack.regions(US);
    for arn in [stack.key.arn(US), second.arn(US)] {
        let keyring = KmsMrkKeyring::new(&arn, &regions).unwrap();
        let opened = table(&stack, keyring).get(("c-1", 7)).send_opened().await;
        assert_eq!(opened.unwrap().unwrap().key(), Some(&*arn));
    }
}

#[tokio::test]
async fn the_second_opens_when_the_first_is_disabled() {
    let (stack, second) = start_with_two().await;
    stack.disable_key(US, &stack.key).await;
    let opened = table(&stack, both(&stack, &second))
        .get(("c-1", 7))
        .send_opened();
    assert_eq!(opened.await.unwrap().unwrap().key(), Some(&*second.arn(US)));
    assert_eq!(stack.decrypts(US), 2);
}

#[tokio::test]
async fn a_refusal_is_final_where_that_was_asked_for() {
    let (stack, second) = start_with_two().await;
    stack.disable_key(US, &stack.key).await;
    let strict = both(&stack, &second).stop_on_denied();
    let error = table(&stack, strict)
        .get(("c-1", 7))
        .send()
        .await
        .unwrap_err();
    let OperationError::Open(OpenError::Keyring(error)) = error else {
        panic!("{error:?}")
    };
    assert!(error.is_refusal() && !error.is_retryable());
    assert!(error.to_string().contains("key is disabled"), "{error}");
    assert_eq!(stack.decrypts(US), 1, "the second was not asked");
}

#[tokio::test]
async fn no_item_is_written_without_all_its_recipients() {
    let (stack, second) = start_with_two().await;
    stack.disable_key(US, &second).await;
    let put = table(&stack, both(&stack, &second))
        .put(&customer("c-2"))
        .send();
    assert!(matches!(put.await.unwrap_err(), OperationError::Seal(_)));
    assert!(stack.stored(US, &key("c-2")).await.is_none());
}

#[tokio::test]
async fn every_failed_attempt_is_listed_in_order() {
    let (stack, second) = start_with_two().await;
    stack.disable_key(US, &stack.key).await;
    stack.disable_key(US, &second).await;
    let get = table(&stack, both(&stack, &second)).get(("c-1", 7)).send();
    let OperationError::Open(OpenError::Keyring(error)) = get.await.unwrap_err() else {
        panic!("no keyring error")
    };
    let text = error.to_string();
    let first = text.find(&stack.key.arn(US)).expect("the first key");
    assert!(
        first < text.find(&second.arn(US)).expect("the second key"),
        "{text}"
    );
    let keyrings: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| attempt.keyring())
        .collect();
    assert_eq!(keyrings, [Some("kms-mrk"); 2]);
}

#[tokio::test]
async fn a_local_key_beside_kms_weakens_what_an_opened_item_proves() {
    let stack = start().await;
    let local = RawAesKeyring::new("ours", "escrow", [9; 32]).unwrap();
    let mixed = MultiKeyring::new(stack.keyring(US)).child(local.clone());
    let mixed = table(&stack, mixed);
    mixed.put(&customer("c-1")).send().await.unwrap();
    let opened = mixed.get(("c-1", 7)).send_opened().await.unwrap().unwrap();
    assert_eq!(opened.authenticity(), Authenticity::Openers);
    assert_eq!(opened.suite(), AlgorithmSuite::SymsigHmacSha384);

    let error = refusal(&stack, US, "c-1").await;
    assert!(
        matches!(error, OpenError::SuiteBelowPolicy(_)),
        "KMS alone wants a signature: {error:?}"
    );
    let offline = table(&stack, local).get(("c-1", 7)).send_opened();
    assert_eq!(offline.await.unwrap().unwrap().keyring(), "raw-aes");
}

#[tokio::test]
async fn a_keyring_that_no_recipient_is_for_says_so_without_a_call() {
    let (stack, _) = start_with_two().await;
    let third = stack.cloud.create_multi_region_key(US, [EU]).await.unwrap();
    let third = KmsMrkKeyring::new(third.arn(US), &stack.regions(US)).unwrap();
    let get = table(&stack, third).get(("c-1", 7)).send();
    let OperationError::Open(OpenError::Keyring(error)) = get.await.unwrap_err() else {
        panic!("no keyring error")
    };
    assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    assert_eq!(stack.decrypts(US), 0);
}
