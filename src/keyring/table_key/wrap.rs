//! How a table key wraps an intermediate key. Pure: every random byte is an argument.
//!
//! Each wrap has a key and a nonce of its own, from a salt of 256 bits and the item's context, so the
//! limits that AES-GCM has for one key do not apply to a table key.

use zeroize::Zeroizing;

use super::body::{Body, SALT_LEN, SEALED_LEN, TableKeyId};
use crate::context::EncryptionContext;
use crate::crypto::Unauthentic;
use crate::crypto::aead::{AeadKey, NONCE_LEN};
use crate::crypto::hash::sha384;
use crate::crypto::kdf::{HkdfSha512, extract_sha512};
use crate::secret::{IntermediateKey, KmsPlaintext, Secret};

/// The domain: salt of the extraction, begin of the expansion's info and of the AAD.
const DOMAIN: &[u8] = b"dynaseal-table-key/1";

/// A table key, as far as it is kept: the key that was extracted from the one that KMS knows.
pub(super) struct TableKey {
    id: TableKeyId,
    pseudorandom_key: Secret<64>,
}

impl TableKey {
    /// What is passed in may be wiped afterwards.
    pub(super) fn new(id: TableKeyId, key: &KmsPlaintext) -> Self {
        let Ok(pseudorandom_key) = Secret::fill_with(|out| {
            extract_sha512(DOMAIN, key.expose(), out);
            Ok::<_, std::convert::Infallible>(())
        });
        Self {
            id,
            pseudorandom_key,
        }
    }

    /// The body for one item.
    ///
    /// `salt` must be fresh and random. `Unauthentic` if the KMS ciphertext cannot stand in a body.
    pub(super) fn wrap(
        &self,
        kms_ciphertext: &[u8],
        context: &EncryptionContext,
        salt: &[u8; SALT_LEN],
        key: &IntermediateKey,
    ) -> Result<Vec<u8>, Unauthentic> {
        let (cipher, nonce) = self.derive(salt, context);
        let aad = aad(self.id, salt, kms_ciphertext, context);
        let mut sealed = Vec::with_capacity(SEALED_LEN);
        cipher.seal_to(&nonce, &aad, key.expose(), &mut sealed)?;
        let body = Body {
            id: self.id,
            salt,
            sealed: sealed.first_chunk().ok_or(Unauthentic)?,
            kms_ciphertext,
        };
        body.to_bytes().ok_or(Unauthentic)
    }

    /// The intermediate key in a body that names this table key.
    pub(super) fn unwrap(
        &self,
        body: &Body<'_>,
        context: &EncryptionContext,
    ) -> Result<IntermediateKey, Unauthentic> {
        if body.id != self.id {
            return Err(Unauthentic);
        }
        let (cipher, nonce) = self.derive(body.salt, context);
        let aad = aad(self.id, body.salt, body.kms_ciphertext, context);
        IntermediateKey::fill_with(|key| cipher.open_to(&nonce, &aad, body.sealed, key))
    }

    fn derive(
        &self,
        salt: &[u8; SALT_LEN],
        context: &EncryptionContext,
    ) -> (AeadKey, [u8; NONCE_LEN]) {
        let material = self.expand(salt, context);
        let (key, nonce) = material.split_first_chunk().expect("44 are 32 and 12");
        let nonce = nonce.first_chunk().expect("44 are 32 and 12");
        (AeadKey::aes256(key), *nonce)
    }

    /// Key and nonce of one wrap. The context keeps them apart even if a cloned machine draws the same
    /// salt for another item.
    fn expand(&self, salt: &[u8; SALT_LEN], context: &EncryptionContext) -> Zeroizing<[u8; 44]> {
        let hkdf = HkdfSha512::of_extracted(self.pseudorandom_key.expose());
        let context = sha384(context.as_serialized());
        let mut material = Zeroizing::new([0; 44]);
        hkdf.expand(&[DOMAIN, b"/wrap", &[0], salt, &context], &mut material);
        material
    }
}

fn aad(
    id: TableKeyId,
    salt: &[u8; SALT_LEN],
    kms_ciphertext: &[u8],
    context: &EncryptionContext,
) -> Vec<u8> {
    let parts = [
        DOMAIN,
        &[0],
        id.as_bytes(),
        salt,
        &sha384(kms_ciphertext),
        context.as_serialized(),
    ];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_support::entries;

    const BLOB: &[u8] = b"KMS-CIPHERTEXT-BLOB-PLACEHOLDER";

    fn counting<const N: usize>(from: u8) -> [u8; N] {
        std::array::from_fn(|n| from + u8::try_from(n).unwrap())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn table_key() -> TableKey {
        let id = TableKeyId::new(counting(0x10));
        TableKey::new(id, &KmsPlaintext::from_slice(&counting::<32>(0)).unwrap())
    }

    fn context() -> EncryptionContext {
        let pairs = [
            ("aws-crypto-table-name", "customers"),
            ("aws-crypto-partition-name", "customerId"),
            ("aws-crypto-attr.customerId", "AAFj"),
        ];
        EncryptionContext::new(entries(&pairs)).unwrap()
    }

    fn worked_example() -> Vec<u8> {
        let key = IntermediateKey::from_slice(&counting::<32>(0x80)).unwrap();
        let body = table_key().wrap(BLOB, &context(), &counting(0x40), &key);
        body.unwrap()
    }

    /// As docs/table-key-format.md has it.
    #[test]
    fn derives_and_wraps_what_the_worked_example_says() {
        let table_key = table_key();
        assert_eq!(
            hex(table_key.pseudorandom_key.expose()),
            "5aeff2af3859c117d2fcf416c6dd0c724855867e4c9cb364ac1cb35c7e9c4fb5\
             cc578822cab2cc20b321d2bde8e91d8c5f30744186f4ca2dcded3f8498d6a587"
        );
        assert_eq!(
            hex(&*table_key.expand(&counting(0x40), &context())),
            "5021b52c317d02b55ea14a55a4f323a7a9de4c6ed6dfb7a8b5ee599a2790c893\
             b79545e9b49efd17b0664300"
        );
        let body = worked_example();
        assert_eq!(body.len(), 130);
        let expected = [
            "01",
            "101112131415161718191a1b1c1d1e1f",
            "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f",
            "8d3479e0a2b894f3e0a19cb51149786aae8bd3e442222fb22af43bfdd5818119",
            "95e8cddbfb35c692d7afe4b468792de7",
            "001f",
            &hex(BLOB),
        ];
        assert_eq!(hex(&body), expected.concat());
    }

    fn unwrap(body: &[u8], context: &EncryptionContext) -> Option<IntermediateKey> {
        table_key().unwrap(&Body::parse(body).ok()?, context).ok()
    }

    #[test]
    fn unwraps_the_worked_example_and_refuses_it_with_any_bit_flipped() {
        let body = worked_example();
        let key = unwrap(&body, &context()).unwrap();
        assert_eq!(*key.expose(), counting(0x80));
        for bit in 0..8 * body.len() {
            let mut changed = body.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&changed, &context()).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn refuses_another_context() {
        let body = worked_example();
        for pairs in [
            &[("aws-crypto-table-name", "customers")][..],
            &[
                ("aws-crypto-table-name", "customers"),
                ("aws-crypto-partition-name", "customerId"),
                ("aws-crypto-attr.customerId", "AAFk"),
            ],
            &[],
        ] {
            let other = EncryptionContext::new(entries(pairs)).unwrap();
            assert!(unwrap(&body, &other).is_none());
        }
    }

    #[test]
    fn has_another_key_and_nonce_for_every_salt_and_every_context() {
        let table_key = table_key();
        let other = EncryptionContext::new(entries(&[("aws-crypto-table-name", "t")])).unwrap();
        let first = table_key.expand(&[1; 32], &context());
        for second in [
            table_key.expand(&[2; 32], &context()),
            table_key.expand(&[1; 32], &other),
        ] {
            assert_ne!(first[..32], second[..32]);
            assert_ne!(first[32..], second[32..]);
        }
    }

    #[test]
    fn wraps_nothing_beside_a_ciphertext_that_no_body_has_room_for() {
        let key = IntermediateKey::from_slice(&[7; 32]).unwrap();
        for blob in [&[][..], &[9; 6145]] {
            let body = table_key().wrap(blob, &context(), &[1; 32], &key);
            assert_eq!(body, Err(Unauthentic));
        }
    }
}
