//! Headers that somebody made up, whose mistakes show before any key is asked for.

use dynaseal::testkit::{KeyType, Service, TableDefinition};
use dynaseal::{AlgorithmSuite, CryptoAction, Item, ItemEncryptor, ItemSchema, OpenError};

use crate::support::header::with_context;
use crate::support::stack::{Stack, US, item, s};

const PUBLIC_KEY: &str = "aws-crypto-public-key";

async fn start() -> Stack {
    Stack::start(&TableDefinition::new("orders").partition_key("id", KeyType::S)).await
}

fn encryptor(stack: &Stack, suite: AlgorithmSuite) -> ItemEncryptor {
    let schema = ItemSchema::builder("orders", "id")
        .action("card", CryptoAction::EncryptAndSign)
        .algorithm_suite(suite);
    ItemEncryptor::new(schema.build().unwrap(), stack.keyring(US))
}

fn order() -> Item {
    item([("id", s("o-1")), ("card", s("4111 1111"))])
}

/// The entry of the encryption context over which opening stumbles, without a call.
async fn conflict(stack: &Stack, encryptor: &ItemEncryptor, forged: Item) -> String {
    stack.cloud.reset_calls();
    let error = encryptor.open(forged).await.unwrap_err();
    assert_eq!(stack.cloud.calls(US, Service::Kms), 0);
    match error {
        OpenError::Context(error) => error.key().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stored_context_that_contradicts_the_item_is_refused() {
    let stack = start().await;
    let encryptor = encryptor(&stack, AlgorithmSuite::SymsigHmacSha384);
    let sealed = encryptor.seal(order()).await.unwrap();
    for (key, value) in [
        ("aws-crypto-attr.id", "AAFvLTI="),
        ("aws-crypto-partition-name", "di"),
        ("aws-crypto-table-name", "customers"),
    ] {
        let forged = with_context(&sealed, 0, &[(key, value)]);
        assert_eq!(conflict(&stack, &encryptor, forged).await, key);
    }
    assert_eq!(
        with_context(&sealed, 0, &[]),
        sealed,
        "the forge changes nothing else"
    );
}

#[tokio::test]
async fn a_signing_suite_without_a_public_key_is_refused() {
    let stack = start().await;
    let encryptor = encryptor(&stack, AlgorithmSuite::EcdsaP384);
    let sealed = encryptor.seal(order()).await.unwrap();
    let forged = with_context(&sealed, 1, &[]);
    assert_eq!(conflict(&stack, &encryptor, forged).await, PUBLIC_KEY);
}

#[tokio::test]
async fn a_public_key_without_a_signing_suite_is_refused() {
    let stack = start().await;
    let encryptor = encryptor(&stack, AlgorithmSuite::SymsigHmacSha384);
    let sealed = encryptor.seal(order()).await.unwrap();
    let forged = with_context(&sealed, 0, &[(PUBLIC_KEY, "AAAA")]);
    assert_eq!(conflict(&stack, &encryptor, forged).await, PUBLIC_KEY);
}

#[tokio::test]
async fn a_public_key_that_is_none_verifies_nothing() {
    let stack = start().await;
    let encryptor = encryptor(&stack, AlgorithmSuite::EcdsaP384);
    let sealed = encryptor.seal(order()).await.unwrap();
    for public_key in ["", "AAAA", "not base64!", &"A".repeat(68)] {
        let forged = with_context(&sealed, 1, &[(PUBLIC_KEY, public_key)]);
        let error = encryptor.open(forged).await.unwrap_err();
        assert!(
            matches!(error, OpenError::Keyring(_)),
            "KMS notices first: {error:?}"
        );
    }
}
