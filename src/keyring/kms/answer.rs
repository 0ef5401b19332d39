//! One attempt at KMS, and the checks of its answer.
//!
//! Every request names its key by ARN, and no answer is used before it was seen to come from that
//! key. Plaintext is copied once, into the intermediate key; the SDK's copy is wiped where it is
//! ours alone.

use std::future::Future;

use aws_sdk_kms::Client;
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::primitives::Blob;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use zeroize::Zeroizing;

use super::GrantTokens;
use crate::context::EncryptionContext;
use crate::error::{FaultClass, KeyringError, KeyringErrorKind};
use crate::keyring::IntermediateKey;
use crate::keyring::kms_arn::KmsKeyArn;
use crate::region::fault::{KmsError, is_invalid_state, of_kms};

/// `GenerateDataKey` asks by number, because the specification does; `KeySpec` would be the same.
const KEY_LEN: i32 = 32;

const WRONG_LENGTH: &str = "KMS answered with a key of another length";

/// One key in one region, asked once in the name of one keyring.
pub(super) struct Question<'a> {
    pub(super) keyring: &'static str,
    pub(super) arn: &'a KmsKeyArn,
    /// Of the region in `arn`, sending once.
    pub(super) client: &'a Client,
    pub(super) grant_tokens: &'a GrantTokens,
    pub(super) context: &'a EncryptionContext,
}

/// A key that KMS made, and what it is wrapped in.
pub(super) struct Generated {
    pub(super) intermediate_key: IntermediateKey,
    pub(super) wrapped: Vec<u8>,
}

/// An attempt that failed.
pub(super) struct Failed {
    pub(super) class: FaultClass,
    /// `DescribeKey` knows more.
    pub(super) is_invalid_state: bool,
    error: Error,
}

/// What becomes of the class, once it is known for certain.
enum Error {
    Sdk(crate::error::BoxError),
    /// A successful answer that could not be read holds a plaintext key, and the SDK's error would print
    /// it.
    Unreadable,
    Invalid(&'static str),
}

/// What KMS is asked for.
pub(super) trait Request: Sync {
    type Answer: Send;
    /// By its name in the API.
    const OPERATION: &'static str;

    /// Asks once.
    fn send(
        &self,
        question: Question<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Failed>> + Send;
}

/// A fresh intermediate key: the data key that KMS generates.
pub(super) struct Generate;

impl Request for Generate {
    type Answer = Generated;
    const OPERATION: &'static str = "GenerateDataKey";

    async fn send(&self, question: Question<'_>) -> Result<Generated, Failed> {
        let arn = question.arn.to_string();
        let mut call = question.client.generate_data_key();
        for (key, value) in question.context.iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).number_of_bytes(KEY_LEN);
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;

        let intermediate_key = intermediate_key(answer.plaintext);
        check_key_id(answer.key_id.as_deref(), &arn)?;
        check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        let intermediate_key = intermediate_key.ok_or_else(|| Failed::invalid(WRONG_LENGTH))?;
        let wrapped = answer.ciphertext_blob.map(Blob::into_inner);
        let wrapped = wrapped.filter(|blob| !blob.is_empty());
        let wrapped =
            wrapped.ok_or_else(|| Failed::invalid("KMS answered without a ciphertext"))?;
        Ok(Generated {
            intermediate_key,
            wrapped,
        })
    }
}

/// The intermediate key in a ciphertext.
pub(super) struct Decrypt<'a>(pub(super) &'a [u8]);

impl Request for Decrypt<'_> {
    type Answer = IntermediateKey;
    const OPERATION: &'static str = "Decrypt";

    async fn send(&self, question: Question<'_>) -> Result<IntermediateKey, Failed> {
        let arn = question.arn.to_string();
        let mut call = question.client.decrypt();
        for (key, value) in question.context.iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).ciphertext_blob(Blob::new(self.0));
        let call = call.set_grant_tokens(question.grant_tokens.get());
        let answer = Box::pin(call.send()).await.map_err(Failed::sdk)?;

        let intermediate_key = intermediate_key(answer.plaintext);
        check_key_id(answer.key_id.as_deref(), &arn)?;
        check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        intermediate_key.ok_or_else(|| Failed::invalid(WRONG_LENGTH))
    }
}

impl Question<'_> {
    /// The failure for the caller's eyes.
    pub(super) fn report(&self, failed: Failed) -> KeyringError {
        let kind = match failed.class {
            // Only a multi-Region key has replicas that could be missing.
            FaultClass::ReplicaMissing if !self.arn.is_mrk() => KeyringErrorKind::Caller,
            class => class.into(),
        };
        let error = self.error(kind);
        match failed.error {
            Error::Sdk(source) => error.with_source(source),
            Error::Invalid(problem) => error.with_source(problem),
            Error::Unreadable => error,
        }
    }

    pub(super) fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        place(KeyringError::new(kind), self.keyring, self.arn)
    }
}

/// Says which keyring failed, and which key in which region.
pub(super) fn place(error: KeyringError, keyring: &str, arn: &KmsKeyArn) -> KeyringError {
    error
        .in_keyring(keyring)
        .with_key(arn.to_string())
        .in_region(arn.region())
}

impl Failed {
    fn sdk<E: KmsError>(error: SdkError<E, HttpResponse>) -> Self {
        let class = of_kms(&error);
        let answer = error.raw_response();
        let is_success = answer.is_some_and(|answer| answer.status().is_success());
        Self {
            class,
            is_invalid_state: is_invalid_state(&error),
            error: if is_success {
                Error::Unreadable
            } else {
                Error::Sdk(error.into())
            },
        }
    }

    fn invalid(problem: &'static str) -> Self {
        Self {
            class: FaultClass::InvalidResponse,
            is_invalid_state: false,
            error: Error::Invalid(problem),
        }
    }
}

fn check_key_id(answered: Option<&str>, asked: &str) -> Result<(), Failed> {
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

/// Takes the plaintext over and wipes it, also when the rest of the answer is refused.
fn intermediate_key(plaintext: Option<Blob>) -> Option<IntermediateKey> {
    let plaintext = Zeroizing::new(plaintext?.into_inner());
    IntermediateKey::from_slice(&plaintext)
}
