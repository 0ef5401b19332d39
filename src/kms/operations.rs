//! The operations, and what is checked of each answer.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec};
use zeroize::Zeroizing;

use super::answer::{Failed, Question, Request};
use crate::context::EncryptionContext;
use crate::secret::KmsPlaintext;

/// `GenerateDataKey` asks by number, because the specification does; `KeySpec` would be the same.
const KEY_LEN: i32 = 32;

const WRONG_LENGTH: &str = "KMS answered with a key of another length";

/// A key that KMS made, and what it is wrapped in.
pub(crate) struct Generated {
    pub(crate) plaintext: KmsPlaintext,
    pub(crate) wrapped: Vec<u8>,
}

/// A fresh data key of 32 bytes, bound to this context.
pub(super) struct Generate<'a>(pub(super) &'a EncryptionContext);

impl Request for Generate<'_> {
    type Answer = Generated;
    const OPERATION: &'static str = "GenerateDataKey";

    async fn send(&self, question: Question<'_>) -> Result<Generated, Failed> {
        let arn = question.arn.to_string();
        let mut call = question.client.generate_data_key();
        for (key, value) in self.0.iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).number_of_bytes(KEY_LEN);
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;

        let plaintext = take_plaintext(answer.plaintext);
        check_key_id(answer.key_id.as_deref(), &arn)?;
        check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        let plaintext = plaintext.ok_or_else(|| Failed::invalid(WRONG_LENGTH))?;
        let wrapped = ciphertext(answer.ciphertext_blob)?;
        Ok(Generated { plaintext, wrapped })
    }
}

/// A fresh data key of 32 bytes, bound to this context, wrapped alone.
pub(super) struct GenerateWithoutPlaintext<'a>(pub(super) &'a EncryptionContext);

impl Request for GenerateWithoutPlaintext<'_> {
    type Answer = Vec<u8>;
    const OPERATION: &'static str = "GenerateDataKeyWithoutPlaintext";

    async fn send(&self, question: Question<'_>) -> Result<Vec<u8>, Failed> {
        let arn = question.arn.to_string();
        let mut call = question.client.generate_data_key_without_plaintext();
        for (key, value) in self.0.iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).number_of_bytes(KEY_LEN);
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;
        check_key_id(answer.key_id.as_deref(), &arn)?;
        ciphertext(answer.ciphertext_blob)
    }
}

/// The plaintext in a ciphertext, which is bound to a context.
pub(super) struct Decrypt<'a> {
    pub(super) wrapped: &'a [u8],
    pub(super) context: &'a EncryptionContext,
}

impl Request for Decrypt<'_> {
    type Answer = KmsPlaintext;
    const OPERATION: &'static str = "Decrypt";

    async fn send(&self, question: Question<'_>) -> Result<KmsPlaintext, Failed> {
        let arn = question.arn.to_string();
        let mut call = question.client.decrypt();
        for (key, value) in self.context.iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).ciphertext_blob(Blob::new(self.wrapped));
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;

        let plaintext = take_plaintext(answer.plaintext);
        check_key_id(answer.key_id.as_deref(), &arn)?;
        check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        plaintext.ok_or_else(|| Failed::invalid(WRONG_LENGTH))
    }
}

/// The plaintext under an RSA key, of whatever length: anybody can encrypt. KMS takes a context for symmetric
/// keys alone.
pub(super) struct DecryptRsa<'a> {
    pub(super) wrapped: &'a [u8],
    pub(super) algorithm: EncryptionAlgorithmSpec,
}

impl Request for DecryptRsa<'_> {
    type Answer = Zeroizing<Vec<u8>>;
    const OPERATION: &'static str = "Decrypt";

    async fn send(&self, question: Question<'_>) -> Result<Zeroizing<Vec<u8>>, Failed> {
        let arn = question.arn.to_string();
        let call = question.client.decrypt().key_id(&arn);
        let call = call.ciphertext_blob(Blob::new(self.wrapped));
        let call = call.encryption_algorithm(self.algorithm.clone());
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;

        let plaintext = answer
            .plaintext
            .map(|blob| Zeroizing::new(blob.into_inner()));
        check_key_id(answer.key_id.as_deref(), &arn)?;
        check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        if answer.encryption_algorithm.as_ref() != Some(&self.algorithm) {
            return Err(Failed::invalid("KMS answered for another algorithm"));
        }
        plaintext.ok_or_else(|| Failed::invalid("KMS answered without a plaintext"))
    }
}

/// What a key of KMS and a public key agree on.
pub(super) struct DeriveSharedSecret<'a> {
    /// X.509, DER.
    pub(super) public_key: &'a [u8],
}

impl Request for DeriveSharedSecret<'_> {
    type Answer = Zeroizing<Vec<u8>>;
    const OPERATION: &'static str = "DeriveSharedSecret";

    async fn send(&self, question: Question<'_>) -> Result<Zeroizing<Vec<u8>>, Failed> {
        let arn = question.arn.to_string();
        let algorithm = KeyAgreementAlgorithmSpec::Ecdh;
        let call = question.client.derive_shared_secret().key_id(&arn);
        let call = call.public_key(Blob::new(self.public_key));
        let call = call.key_agreement_algorithm(algorithm.clone());
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;

        let secret = answer.shared_secret;
        let secret = secret.map(|blob| Zeroizing::new(blob.into_inner()));
        check_key_id(answer.key_id.as_deref(), &arn)?;
        check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        if answer.key_agreement_algorithm != Some(algorithm) {
            return Err(Failed::invalid("KMS answered for another algorithm"));
        }
        secret.ok_or_else(|| Failed::invalid("KMS answered without a secret"))
    }
}

/// From one context to another, under one key.
pub(super) struct ReEncrypt<'a> {
    pub(super) wrapped: &'a [u8],
    pub(super) from: &'a EncryptionContext,
    pub(super) to: &'a EncryptionContext,
}

impl Request for ReEncrypt<'_> {
    type Answer = Vec<u8>;
    const OPERATION: &'static str = "ReEncrypt";

    async fn send(&self, question: Question<'_>) -> Result<Vec<u8>, Failed> {
        let arn = question.arn.to_string();
        let mut call = question.client.re_encrypt();
        for (key, value) in self.from.iter() {
            call = call.source_encryption_context(key, value);
        }
        for (key, value) in self.to.iter() {
            call = call.destination_encryption_context(key, value);
        }
        let call = call.source_key_id(&arn).destination_key_id(&arn);
        let call = call.ciphertext_blob(Blob::new(self.wrapped));
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;
        check_key_id(answer.source_key_id.as_deref(), &arn)?;
        check_key_id(answer.key_id.as_deref(), &arn)?;
        ciphertext(answer.ciphertext_blob)
    }
}

pub(super) fn check_key_id(answered: Option<&str>, asked: &str) -> Result<(), Failed> {
    if answered == Some(asked) {
        Ok(())
    } else {
        Err(Failed::invalid("KMS answered for another key"))
    }
}

/// We never ask for an enclave's ciphertext, so an answer that has one is not ours.
fn check_recipient(ciphertext: Option<&Blob>) -> Result<(), Failed> {
    match ciphertext {
        None => Ok(()),
        Some(_) => Err(Failed::invalid(
            "KMS answered with a ciphertext for a recipient",
        )),
    }
}

pub(super) fn ciphertext(blob: Option<Blob>) -> Result<Vec<u8>, Failed> {
    let blob = blob.map(Blob::into_inner).filter(|blob| !blob.is_empty());
    blob.ok_or_else(|| Failed::invalid("KMS answered without a ciphertext"))
}

/// Takes the plaintext over and wipes it, also when the rest of the answer is refused.
fn take_plaintext(plaintext: Option<Blob>) -> Option<KmsPlaintext> {
    let plaintext = Zeroizing::new(plaintext?.into_inner());
    KmsPlaintext::from_slice(&plaintext)
}
