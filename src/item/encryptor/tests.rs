//! What no keyring outside of the crate can do, and opening must withstand all the same.

use std::convert::Infallible;

use super::*;
use crate::action::CryptoAction;
use crate::keyring::{DecryptRequest, EncryptRequest, KeyBinding, RawAesKeyring, future};
use crate::secret::{DataKey, Secret};
use crate::suite::AlgorithmSuite;

/// Opens with the right key of the tag, and another data key than the one that was sealed under: an
/// encrypted data key that somebody wrapped anew for one of several recipients.
#[derive(Debug)]
struct Rewrapped(RawAesKeyring);

impl Keyring for Rewrapped {
    fn name(&self) -> &str {
        "rewrapped"
    }

    fn binding(&self) -> KeyBinding {
        self.0.binding()
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        self.0.on_encrypt(request)
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(async move {
            let mut unwrapped = self.0.on_decrypt(request).await?;
            if let Unwrapped::Opened(opened) = &mut unwrapped {
                let Ok(other) = Secret::fill_with(|key| {
                    key.fill(0xee);
                    Ok::<_, Infallible>(())
                });
                let keys = Arc::get_mut(&mut opened.keys).unwrap();
                keys.data_key = DataKey(other);
            }
            Ok(unwrapped)
        })
    }
}

#[tokio::test]
async fn refuses_a_data_key_that_the_header_does_not_commit_to() {
    for suite in [AlgorithmSuite::SymsigHmacSha384, AlgorithmSuite::EcdsaP384] {
        let keyring = RawAesKeyring::new("ours", "key", [1; 32]).unwrap();
        // Nothing is encrypted, so no ciphertext tells the keys apart: the commitment is alone.
        let schema = ItemSchema::builder("orders", "id")
            .action("total", CryptoAction::SignOnly)
            .algorithm_suite(suite);
        let schema = Arc::new(schema.build().unwrap());
        let right = ItemEncryptor::new(Arc::clone(&schema), keyring.clone());
        let item = Item::from([
            ("id".to_owned(), AttributeValue::S("o-1".to_owned())),
            ("total".to_owned(), AttributeValue::N("1".to_owned())),
        ]);
        let sealed = right.seal(item).await.unwrap();
        assert!(right.open(sealed.clone()).await.is_ok());
        let other = ItemEncryptor::new(schema, Rewrapped(keyring));
        let error = other.open(sealed).await.unwrap_err();
        assert!(matches!(error, OpenError::Authentication(_)), "{error:?}");
    }
}
