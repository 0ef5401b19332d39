//! The cryptographic operations that the format demands for a shape, and nothing around them: what
//! sealing and opening are measured against. No parsing, no encoding, no map, no allocation but two
//! buffers.

use std::collections::BTreeMap;

use aes::cipher::{BlockCipherEncrypt, KeyInit as _};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA384, digest};
use aws_lc_rs::encoding::{AsBigEndian as _, EcPublicKeyCompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::{AlgorithmSuite, CryptoAction, ItemEncryptor, ItemSchema, RawAesKeyring};
use hmac::{Hmac, Mac};
use sha2::{Sha384, Sha512};

use crate::load::{Shape, now};

/// The sizes that decide how much cryptography a shape costs.
pub(crate) struct Workload {
    suite: AlgorithmSuite,
    /// Plaintext bytes of every encrypted attribute.
    fields: Vec<Vec<u8>>,
    /// Bytes under the canonical hash.
    record: Vec<u8>,
    /// Bytes under the header commitment.
    header: Vec<u8>,
    context: Vec<u8>,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

impl Workload {
    /// Sizes are read off an item that was really sealed.
    pub(crate) fn of(shape: &Shape, suite: AlgorithmSuite) -> Self {
        let sealed = now(shape.encryptor(suite).seal(shape.item.clone())).expect("seals");
        let header = sealed["aws_dbe_head"]
            .as_b()
            .expect("binary")
            .as_ref()
            .to_vec();
        let (mut fields, mut record) = (Vec::new(), header.clone());
        // In one order, so that two runs measure the same sequence of sizes.
        let attributes: BTreeMap<_, _> = shape.item.iter().collect();
        for (name, value) in attributes {
            // Path, length and marker: about 60 bytes an attribute.
            let mut add = |len: usize| record.extend(std::iter::repeat_n(0, len + 60));
            match shape.action(name) {
                CryptoAction::EncryptAndSign => {
                    let stored = sealed[name].as_b().expect("encrypted").as_ref().len();
                    fields.push(vec![0; stored - 18]);
                    add(stored);
                }
                CryptoAction::DoNothing => {}
                _ => add(serialized_len(value)),
            }
        }
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).expect("key pair");
        // The context has the compressed point, and decompressing it is part of the price.
        let point: EcPublicKeyCompressedBin<'_> = pair.public_key().as_be_bytes().expect("a point");
        let signature = pair
            .sign(&SystemRandom::new(), &[0; 48])
            .expect("signature");
        Self {
            suite,
            fields,
            record,
            header,
            context: vec![0; 250],
            public_key: point.as_ref().to_vec(),
            signature: signature.as_ref().to_vec(),
        }
    }

    pub(crate) fn seal(&mut self) {
        if self.suite == AlgorithmSuite::EcdsaP384 {
            let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).expect("key pair");
            std::hint::black_box(
                pair.sign(&SystemRandom::new(), &[0; 48])
                    .expect("signature"),
            );
        }
        // Data key, intermediate key, message id, nonce.
        for len in [32, 32, 32, 12] {
            aws_lc_rs::rand::fill(&mut [0; 32][..len]).expect("randomness");
        }
        self.keys();
        self.fields();
        self.hash();
    }

    pub(crate) fn open(&mut self) {
        if self.suite == AlgorithmSuite::EcdsaP384 {
            let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &self.public_key);
            key.verify(&[0; 48], &self.signature).expect("verifies");
        }
        self.keys();
        self.fields();
        self.hash();
    }

    /// Two extractions, two expansions each, the commitment, and two wrapped keys.
    fn keys(&self) {
        for info_len in [32, 50] {
            let prk: [u8; 64] = hmac_sha512(&[0; 64], &[1; 32]);
            for _ in 0..2 {
                std::hint::black_box(hmac_sha512(&prk, &[2; 51][..=info_len]));
            }
        }
        std::hint::black_box(hmac_sha512(&[3; 32], &self.header));
        for _ in 0..2 {
            let mut key = [0; 32];
            gcm(&[4; 32], &self.context, &mut key);
        }
    }

    fn fields(&mut self) {
        let stream = aes::Aes256::new(&[5; 32].into());
        for field in &mut self.fields {
            let mut blocks = [[6_u8; 16]; 3];
            for block in &mut blocks {
                stream.encrypt_block(block.into());
            }
            let key: [u8; 32] = blocks.as_flattened()[..32]
                .try_into()
                .expect("32 of 48 bytes");
            gcm(&key, &[7; 40], field);
        }
    }

    fn hash(&self) {
        let hash = digest(&SHA384, &self.record);
        let mut mac =
            <Hmac<Sha384> as hmac::KeyInit>::new_from_slice(&[8; 32]).expect("any length");
        mac.update(hash.as_ref());
        std::hint::black_box(mac.finalize());
    }
}

/// Bytes of a value in the canonical record: what it takes encrypted, without type id and tag.
fn serialized_len(value: &AttributeValue) -> usize {
    let schema =
        ItemSchema::builder("lengths", "key").action("value", CryptoAction::EncryptAndSign);
    let keyring = RawAesKeyring::new("lengths", "key", [7; 32]).expect("keyring");
    let key = AttributeValue::S(String::new());
    let item = [("key".to_owned(), key), ("value".to_owned(), value.clone())];
    let encryptor = ItemEncryptor::new(schema.build().expect("schema"), keyring);
    let sealed = now(encryptor.seal(item.into())).expect("seals");
    sealed["value"].as_b().expect("encrypted").as_ref().len() - 18
}

fn hmac_sha512(key: &[u8], message: &[u8]) -> [u8; 64] {
    let mut mac = <Hmac<Sha512> as hmac::KeyInit>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// One GCM message. Opening does the same work as sealing: one key schedule, one key stream, one
/// GHASH.
fn gcm(key: &[u8; 32], aad: &[u8], buffer: &mut [u8]) {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"));
    let nonce = Nonce::assume_unique_for_key([9; 12]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), buffer);
    std::hint::black_box(tag.expect("under the limit").as_ref());
}
