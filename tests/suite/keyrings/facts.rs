//! What an opened item proves: suite, key, region, and who could have made it.

use dynaseal::keyring::{
    DecryptRequest, EncryptRequest, KeyBinding, StaticBranchKeyKeyring, future,
};
use dynaseal::{AlgorithmSuite, Authenticity, RawAesKeyring};

use super::*;

use AlgorithmSuite::{EcdsaP384, SymsigHmacSha384};

/// A keyring that anybody can wrap for, as far as it says of itself.
#[derive(Debug)]
struct Public(RawAesKeyring);

impl Keyring for Public {
    fn name(&self) -> &str {
        "public"
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::PublicKey
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.0.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        self.0.on_decrypt(request)
    }
}

fn raw() -> RawAesKeyring {
    RawAesKeyring::new("ours", "key-1", [1; 32]).unwrap()
}

fn with_suite(suite: AlgorithmSuite, keyring: impl Keyring + 'static) -> ItemEncryptor {
    let schema = ItemSchema::builder("orders", "id")
        .action("card", CryptoAction::EncryptAndSign)
        .action("total", CryptoAction::SignOnly)
        .algorithm_suite(suite);
    ItemEncryptor::new(schema.build().unwrap(), keyring)
}

#[tokio::test]
async fn who_could_have_made_an_item_follows_from_keyring_and_suite() {
    let stack = start().await;
    let branch = || {
        let version = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
        StaticBranchKeyKeyring::new("tenant-7", version, [7; 32]).unwrap()
    };
    let table = [
        (
            with_suite(EcdsaP384, stack.keyring(US)),
            Authenticity::KmsEncryptors,
        ),
        (
            with_suite(SymsigHmacSha384, stack.keyring(US)),
            Authenticity::Openers,
        ),
        (with_suite(EcdsaP384, raw()), Authenticity::Openers),
        (with_suite(SymsigHmacSha384, raw()), Authenticity::Openers),
        (with_suite(EcdsaP384, branch()), Authenticity::Openers),
        (
            with_suite(SymsigHmacSha384, branch()),
            Authenticity::Openers,
        ),
        (
            with_suite(EcdsaP384, Public(raw())),
            Authenticity::PublicKeyHolders,
        ),
        (
            with_suite(SymsigHmacSha384, Public(raw())),
            Authenticity::PublicKeyHolders,
        ),
    ];
    for (encryptor, expected) in table {
        let sealed = encryptor.seal(order()).await.unwrap();
        let opened = encryptor.open(sealed).await.unwrap();
        assert_eq!(opened.authenticity(), expected, "{opened:?}");
    }
}

#[tokio::test]
async fn the_default_suite_is_the_one_that_is_worth_its_cost() {
    let stack = start().await;
    for (encryptor, suite) in [
        (encryptor(stack.keyring(US)), EcdsaP384),
        (encryptor(raw()), SymsigHmacSha384),
        (encryptor(Public(raw())), SymsigHmacSha384),
    ] {
        let sealed = encryptor.seal(order()).await.unwrap();
        let flavor = sealed["aws_dbe_head"].as_b().unwrap().as_ref()[1];
        assert_eq!(flavor, u8::from(suite == EcdsaP384));
        assert_eq!(encryptor.open(sealed).await.unwrap().suite(), suite);
    }
}

#[tokio::test]
async fn key_region_and_keyring_are_those_that_opened_it() {
    let stack = start().await;
    let sealed = encryptor(stack.keyring(US)).seal(order()).await.unwrap();
    let opened = encryptor(stack.keyring(EU)).open(sealed).await.unwrap();
    assert_eq!(opened.keyring(), "kms-mrk");
    assert_eq!(opened.key(), Some(&*stack.key.arn(EU)));
    assert_eq!(opened.region(), Some(EU));
    let sealed = encryptor(raw()).seal(order()).await.unwrap();
    let opened = encryptor(raw()).open(sealed).await.unwrap();
    assert_eq!((opened.keyring(), opened.key()), ("raw-aes", Some("key-1")));
    assert_eq!(opened.region(), None);
}

#[tokio::test]
async fn a_weaker_suite_opens_only_where_it_is_accepted_by_name() {
    let stack = start().await;
    let weak = with_suite(SymsigHmacSha384, stack.keyring(US));
    let sealed = weak.seal(order()).await.unwrap();
    stack.cloud.reset_calls();
    let error = encryptor(stack.keyring(US))
        .open(sealed.clone())
        .await
        .unwrap_err();
    let OpenError::SuiteBelowPolicy(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.found(), SymsigHmacSha384);
    assert!(
        error.to_string().contains(".accept_suite(0x6700)"),
        "{error}"
    );
    assert_eq!(stack.decrypts(US), 0);

    let mixing = ItemSchema::builder("orders", "id")
        .action("card", CryptoAction::EncryptAndSign)
        .action("total", CryptoAction::SignOnly)
        .accept_suite(SymsigHmacSha384);
    let mixing = ItemEncryptor::new(mixing.build().unwrap(), stack.keyring(US));
    let opened = mixing.open(sealed).await.unwrap();
    assert_eq!(opened.authenticity(), Authenticity::Openers);
    let stronger = mixing.seal(order()).await.unwrap();
    assert_eq!(
        mixing.open(stronger.clone()).await.unwrap().suite(),
        EcdsaP384
    );
    let opened = weak.open(stronger).await.unwrap();
    assert_eq!(opened.suite(), EcdsaP384, "a stronger one always opens");
}
