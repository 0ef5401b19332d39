//! What holds for every item.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::{AlgorithmSuite, Item, ItemEncryptor, RawAesKeyring};
use proptest::prelude::*;

use crate::support::{canonical, gen_item};

fn encryptor(schema: dynaseal::item::ItemSchemaBuilder, suite: AlgorithmSuite) -> ItemEncryptor {
    let keyring = RawAesKeyring::new("properties", "key", [5; 32]).unwrap();
    ItemEncryptor::new(schema.algorithm_suite(suite).build().unwrap(), keyring)
}

/// A raw keyring never waits, so neither does the encryptor: no runtime is needed.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a raw keyring answers at once"),
    }
}

fn suite() -> impl Strategy<Value = AlgorithmSuite> {
    // Signing costs a hundred times the rest in a debug build.
    prop_oneof![4 => Just(AlgorithmSuite::SymsigHmacSha384), 1 => Just(AlgorithmSuite::EcdsaP384)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn opening_undoes_sealing_up_to_normalization(
        (item, actions) in gen_item::item(),
        suite in suite(),
    ) {
        let Some(schema) = gen_item::schema(&actions) else { return Ok(()) };
        let encryptor = encryptor(schema, suite);
        let sealed = now(encryptor.seal(item.clone())).unwrap();
        for (name, action) in &actions {
            if *action != dynaseal::CryptoAction::EncryptAndSign {
                prop_assert_eq!(&sealed[name], &item[name], "what is only signed stays as it was");
            }
        }
        let opened = now(encryptor.open(sealed)).unwrap();
        prop_assert_eq!(canonical(opened.item()), canonical(&item));
        // Opened values are in canonical form already: sealing them again changes nothing.
        let again = now(encryptor.seal(opened.item().clone())).unwrap();
        prop_assert_eq!(now(encryptor.open(again)).unwrap().into_item(), opened.into_item());
    }

    #[test]
    fn the_order_of_an_item_does_not_matter((item, actions) in gen_item::item()) {
        let Some(schema) = gen_item::schema(&actions) else { return Ok(()) };
        let encryptor = encryptor(schema, AlgorithmSuite::SymsigHmacSha384);
        let sealed = now(encryptor.seal(item)).unwrap();
        // Another hash map has another order: each has keys of its own.
        let mut attributes: Vec<_> = sealed.clone().into_iter().collect();
        attributes.reverse();
        let shuffled: Item = attributes.into_iter().collect();
        prop_assert_eq!(
            now(encryptor.open(shuffled)).unwrap().into_item(),
            now(encryptor.open(sealed)).unwrap().into_item()
        );
    }

    #[test]
    fn random_bytes_never_panic_and_never_verify(
        (item, actions) in gen_item::item(),
        suite in suite(),
        header in proptest::collection::vec(any::<u8>(), 0..400),
        footer in proptest::collection::vec(any::<u8>(), 0..200),
        field in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let Some(schema) = gen_item::schema(&actions) else { return Ok(()) };
        let encryptor = encryptor(schema, suite);
        let sealed = now(encryptor.seal(item)).unwrap();
        let mut parts = vec![("aws_dbe_head", header), ("aws_dbe_foot", footer)];
        parts.extend(actions.iter().map(|(name, _)| (name.as_str(), field.clone())));
        for (name, bytes) in parts {
            let mut changed = sealed.clone();
            let value = AttributeValue::B(Blob::new(bytes));
            if changed.insert(name.to_owned(), value.clone()) != Some(value) {
                prop_assert!(now(encryptor.open(changed)).is_err(), "{}", name);
            }
        }
    }

    #[test]
    fn spliced_headers_never_panic_and_never_verify(
        (item, actions) in gen_item::item(),
        at in any::<prop::sample::Index>(),
        len in 0_usize..8,
        bytes in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let Some(schema) = gen_item::schema(&actions) else { return Ok(()) };
        let encryptor = encryptor(schema, AlgorithmSuite::SymsigHmacSha384);
        let mut sealed = now(encryptor.seal(item)).unwrap();
        let mut header = sealed["aws_dbe_head"].as_b().unwrap().as_ref().to_vec();
        let original = header.clone();
        let at = at.index(header.len());
        header.splice(at..(at + len).min(original.len()), bytes);
        prop_assume!(header != original);
        sealed.insert("aws_dbe_head".to_owned(), AttributeValue::B(Blob::new(header)));
        prop_assert!(now(encryptor.open(sealed)).is_err());
    }
}
