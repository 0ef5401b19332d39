//! The benchmark items: `S.json` to `B.json`, each a configuration and an item.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use dynaseal::keyring::Keyring;
use dynaseal::{AlgorithmSuite, CryptoAction, Item, ItemEncryptor, ItemSchema, RawAesKeyring};
use serde_json::Value;

pub(crate) const SUITES: [AlgorithmSuite; 2] =
    [AlgorithmSuite::SymsigHmacSha384, AlgorithmSuite::EcdsaP384];

/// One shape: its item, and the configuration it is sealed under.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) item: Item,
    config: Value,
}

pub(crate) fn all() -> Vec<Shape> {
    [
        ("S", include_str!("S.json")),
        ("M", include_str!("M.json")),
        ("L", include_str!("L.json")),
        ("XL", include_str!("XL.json")),
        ("B", include_str!("B.json")),
    ]
    .into_iter()
    .map(|(name, text)| {
        let file: Value = serde_json::from_str(text).expect("JSON");
        let item: serde_dynamo::Item =
            serde_json::from_value(file["item"].clone()).expect("DynamoDB JSON");
        Shape {
            name,
            item: item.into(),
            config: file["config"].clone(),
        }
    })
    .collect()
}

impl Shape {
    pub(crate) fn action(&self, name: &str) -> CryptoAction {
        match self.config["attribute_actions"][name]
            .as_str()
            .expect("an action")
        {
            "ENCRYPT_AND_SIGN" => CryptoAction::EncryptAndSign,
            "SIGN_ONLY" => CryptoAction::SignOnly,
            "DO_NOTHING" => CryptoAction::DoNothing,
            other => panic!("the shapes have no {other}"),
        }
    }

    pub(crate) fn encryptor(&self, suite: AlgorithmSuite) -> ItemEncryptor {
        let text = |key: &str| self.config[key].as_str().expect("text").to_owned();
        let keyring = RawAesKeyring::new(text("key_namespace"), text("key_name"), [7; 32]);
        self.encryptor_with(suite, keyring.expect("keyring"))
    }

    pub(crate) fn encryptor_with(
        &self,
        suite: AlgorithmSuite,
        keyring: impl Keyring + 'static,
    ) -> ItemEncryptor {
        let text = |key: &str| self.config[key].as_str().expect("text").to_owned();
        let names = self.config["attribute_actions"]
            .as_object()
            .expect("actions")
            .keys();
        let schema = names.fold(
            ItemSchema::builder(text("logical_table_name"), text("partition_key"))
                .sort_key_name(text("sort_key"))
                .allowed_unsigned_attribute_prefix(text("allowed_unsigned_prefix"))
                .algorithm_suite(suite),
            |schema, name| schema.action(name, self.action(name)),
        );
        ItemEncryptor::new(schema.build().expect("schema"), keyring)
    }
}

/// A raw keyring never waits, nor does one that has its key, so the bench needs no runtime.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a keyring that has its key answers at once"),
    }
}
