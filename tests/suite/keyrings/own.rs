//! A keyring of the user's own: what it must do, and what it cannot get wrong.

use std::sync::Mutex;

use dynaseal::keyring::{
    DecryptRequest, EncryptRequest, IntermediateKey, KeyBinding, Opened, Unwrapped, WrappedKey,
    future,
};
use dynaseal::{MultiKeyring, RawAesKeyring};

use super::*;

/// Wraps by adding a pad, which is secret enough for a test.
#[derive(Debug)]
struct Pad {
    byte: u8,
    recipients: usize,
    stash: Mutex<Option<Opened>>,
}

impl Pad {
    const PROVIDER: &str = "acme-pad";

    fn new(byte: u8) -> Self {
        Self {
            byte,
            recipients: 1,
            stash: Mutex::new(None),
        }
    }

    fn wrap(&self, number: usize) -> WrappedKey {
        let fresh = [u8::try_from(number % 251).unwrap(); IntermediateKey::LEN];
        let wrapped: Vec<u8> = fresh.iter().map(|byte| byte ^ self.byte).collect();
        let key = IntermediateKey::from_slice(&fresh).unwrap();
        WrappedKey::new(Self::PROVIDER, "pad-1", wrapped, key)
    }

    fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut edks = request.encrypted_data_keys().iter();
        let Some(edk) = edks.find(|edk| edk.provider_id() == Self::PROVIDER) else {
            return Ok(Unwrapped::NotMine);
        };
        let wrapped = edk.wrapped_intermediate_key().unwrap_or_default();
        let bytes: Vec<u8> = wrapped.iter().map(|byte| byte ^ self.byte).collect();
        let key = IntermediateKey::from_slice(&bytes).ok_or_else(|| {
            KeyringError::new(KeyringErrorKind::Other).with_source("wrong length")
        })?;
        let opened = request.open(edk, &key)?;
        // A keyring that mixes up its callers: each gets the answer of the one before.
        let mut stash = self.stash.lock().unwrap();
        Ok(Unwrapped::Opened(match stash.take() {
            None => opened,
            Some(former) => {
                *stash = Some(opened);
                former
            }
        }))
    }
}

impl Keyring for Pad {
    fn name(&self) -> &str {
        "acme"
    }

    fn binding(&self) -> KeyBinding {
        KeyBinding::SharedSecret
    }

    fn on_encrypt<'a>(&'a self, _: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::ready(Ok((0..self.recipients).map(|n| self.wrap(n)).collect()))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(async move { self.unwrap(request) })
    }
}

#[tokio::test]
async fn it_seals_and_opens_and_may_leave_its_name_to_us() {
    let encryptor = encryptor(Pad::new(1));
    let sealed = encryptor.seal(order()).await.unwrap();
    let opened = encryptor.open(sealed).await.unwrap();
    assert_eq!(opened.item(), &order());
    assert_eq!(opened.keyring(), "acme");
    assert_eq!((opened.key(), opened.region()), (None, None));
}

#[tokio::test]
async fn its_failure_is_listed_under_its_name() {
    let sealed = encryptor(Pad::new(1)).seal(order()).await.unwrap();
    let error = keyring_error(&encryptor(Pad::new(2)), sealed.clone()).await;
    assert_eq!(error.kind(), KeyringErrorKind::InvalidEncryptedDataKey);
    assert_eq!(error.keyring(), Some("acme"));

    let local = RawAesKeyring::new("acme", "other", [1; 16]).unwrap();
    let multi = MultiKeyring::new(local).child(Pad::new(2));
    let error = keyring_error(&encryptor(multi), sealed).await;
    let [attempt] = error.attempts() else {
        panic!("{error}")
    };
    assert_eq!(attempt.keyring(), Some("acme"));
    assert!(
        error
            .to_string()
            .starts_with("multi: every attempt failed: acme: "),
        "{error}"
    );
}

#[tokio::test]
async fn foreign_items_are_not_its_own() {
    let local = RawAesKeyring::new("ours", "key", [1; 32]).unwrap();
    let sealed = encryptor(local).seal(order()).await.unwrap();
    let error = keyring_error(&encryptor(Pad::new(1)), sealed).await;
    assert_eq!(error.kind(), KeyringErrorKind::NoMatch);
    assert_eq!(error.keyring(), Some("acme"));
}

#[tokio::test]
async fn it_must_wrap_between_1_and_255_keys() {
    for (recipients, is_fine) in [(0, false), (1, true), (255, true), (256, false)] {
        let pad = Pad {
            recipients,
            ..Pad::new(1)
        };
        let sealed = encryptor(pad).seal(order()).await;
        match sealed {
            Ok(_) => assert!(is_fine, "{recipients}"),
            Err(SealError::EncryptedDataKeys) => assert!(!is_fine, "{recipients}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn its_answer_for_one_item_opens_no_other() {
    let pad = std::sync::Arc::new(Pad::new(1));
    let encryptor = encryptor(std::sync::Arc::clone(&pad));
    let (one, two) = (encryptor.seal(order()).await, encryptor.seal(order()).await);
    let (one, two) = (one.unwrap(), two.unwrap());
    // What the keyring found for the first item, kept for whoever asks next.
    let stash = Stash(std::sync::Arc::clone(&pad));
    let primer = ItemEncryptor::new(schema(), stash);
    assert!(primer.open(one.clone()).await.is_err());
    assert!(pad.stash.lock().unwrap().is_some());
    let error = encryptor.open(two.clone()).await.unwrap_err();
    assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
    let error = encryptor.open(one).await.unwrap_err();
    assert!(
        matches!(error, OpenError::Authentication(_)),
        "the second's: {error:?}"
    );
}

/// Opens, keeps the answer, and says that it failed.
#[derive(Debug)]
struct Stash(std::sync::Arc<Pad>);

impl Keyring for Stash {
    fn name(&self) -> &str {
        "stash"
    }

    fn binding(&self) -> KeyBinding {
        self.0.binding()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.0.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        if let Ok(Unwrapped::Opened(opened)) = self.0.unwrap(request) {
            *self.0.stash.lock().unwrap() = Some(opened);
        }
        future::OnDecrypt::ready(Err(KeyringError::new(KeyringErrorKind::Other)))
    }
}

#[tokio::test]
async fn its_context_is_the_items() {
    #[derive(Debug)]
    struct Nosy(Mutex<Vec<(String, String)>>);
    impl Keyring for Nosy {
        fn name(&self) -> &str {
            "nosy"
        }
        fn binding(&self) -> KeyBinding {
            KeyBinding::KmsContext
        }
        fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
            let pairs = request.context().iter();
            let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
            self.0.lock().unwrap().extend(pairs);
            future::OnEncrypt::ready(Err(KeyringError::new(KeyringErrorKind::Other)))
        }
        fn on_decrypt<'a>(&'a self, _: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
            future::OnDecrypt::ready(Ok(Unwrapped::NotMine))
        }
    }
    let nosy = std::sync::Arc::new(Nosy(Mutex::default()));
    let failed = encryptor(std::sync::Arc::clone(&nosy)).seal(order()).await;
    assert!(matches!(failed, Err(SealError::Keyring(e)) if e.keyring() == Some("nosy")));
    let pairs = nosy.0.lock().unwrap();
    let keys: Vec<_> = pairs.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "aws-crypto-attr.id",
            "aws-crypto-partition-name",
            "aws-crypto-public-key",
            "aws-crypto-table-name"
        ]
    );
    assert_eq!(pairs[2].1.len(), 68, "a compressed point");
}
