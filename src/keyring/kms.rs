//! What all KMS keyrings share: two requests, and the checks of their answers.
//!
//! Every request names its key by ARN, and no answer is used before it was seen to come from that
//! key. Plaintext is copied once, into the intermediate key; the SDK's copy is wiped where it is
//! ours alone.

use aws_sdk_kms::Client;
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::primitives::Blob;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use zeroize::Zeroizing;

use super::kms_arn::KmsKeyArn;
use super::{DecryptRequest, EncryptRequest, EncryptedDataKey, IntermediateKey, Opened};
use super::{KeyringError, KeyringErrorKind, Unwrapped, WrappedKey};
use crate::error::{ConfigError, FaultClass};
use crate::region::fault::{KmsError, of_kms};

/// The provider id of every KMS keyring but the hierarchical, RSA and ECDH ones.
const PROVIDER_ID: &str = "aws-kms";

/// `GenerateDataKey` asks by number, because the specification does; `KeySpec` would be the same.
const KEY_LEN: i32 = 32;

/// Whoever writes to the table chooses how many encrypted data keys an item has; not, how many
/// calls that costs on a quota that the whole account shares.
const MAX_CALLS: usize = 4;

/// The key that an encrypted data key names, if a KMS keyring made it.
pub(super) fn key_of(encrypted_data_key: &EncryptedDataKey) -> Option<KmsKeyArn> {
    // The provider id first: the info of other keyrings is no ARN, and that is no mistake.
    if encrypted_data_key.provider_id() != PROVIDER_ID {
        return None;
    }
    let info = std::str::from_utf8(encrypted_data_key.provider_info()).ok()?;
    KmsKeyArn::parse(info).ok()
}

/// Tries candidates in order until one opens, within the budget of calls.
pub(super) async fn open_first<'a>(
    keyring: &'static str,
    request: DecryptRequest<'a>,
    candidates: impl Iterator<Item = (&'a EncryptedDataKey, KmsKey<'a>)>,
) -> Result<Unwrapped, KeyringError> {
    let mut attempts = Vec::new();
    let mut calls_left = MAX_CALLS;
    for (encrypted_data_key, key) in candidates {
        let opened = key.open(request, encrypted_data_key, &mut calls_left).await;
        match opened {
            Ok(opened) => return Ok(Unwrapped::Opened(opened)),
            Err(error) => attempts.push(error),
        }
    }
    if attempts.is_empty() {
        return Ok(Unwrapped::NotMine);
    }
    Err(KeyringError::from_attempts(attempts).in_keyring(keyring))
}

/// One key in one region, asked in the name of one keyring.
pub(super) struct KmsKey<'a> {
    pub(super) keyring: &'static str,
    pub(super) arn: KmsKeyArn,
    /// Of the region in `arn`.
    pub(super) client: &'a Client,
    pub(super) grant_tokens: &'a GrantTokens,
}

impl KmsKey<'_> {
    /// A fresh intermediate key: the data key that KMS generates.
    pub(super) async fn generate(
        &self,
        request: EncryptRequest<'_>,
    ) -> Result<WrappedKey, KeyringError> {
        let arn = self.arn.to_string();
        let mut call = self.client.generate_data_key();
        for (key, value) in request.context().iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).number_of_bytes(KEY_LEN);
        let answer = call.set_grant_tokens(self.grant_tokens.get()).send().await;
        let answer = answer.map_err(|error| self.failed(error))?;

        let intermediate_key = intermediate_key(answer.plaintext);
        self.check_key_id(answer.key_id.as_deref(), &arn)?;
        self.check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        let intermediate_key = intermediate_key.ok_or_else(|| self.invalid(WRONG_LENGTH))?;
        let wrapped = answer.ciphertext_blob.map(Blob::into_inner);
        let wrapped = wrapped.filter(|blob| !blob.is_empty());
        let wrapped = wrapped.ok_or_else(|| self.invalid("KMS answered without a ciphertext"))?;
        Ok(WrappedKey::new(PROVIDER_ID, arn, wrapped, intermediate_key))
    }

    async fn open(
        &self,
        request: DecryptRequest<'_>,
        encrypted_data_key: &EncryptedDataKey,
        calls_left: &mut usize,
    ) -> Result<Opened, KeyringError> {
        let wrapped = encrypted_data_key.wrapped_intermediate_key();
        let wrapped = wrapped.filter(|wrapped| !wrapped.is_empty());
        let wrapped =
            wrapped.ok_or_else(|| self.error(KeyringErrorKind::InvalidEncryptedDataKey))?;
        let left = calls_left.checked_sub(1);
        *calls_left = left.ok_or_else(|| self.error(KeyringErrorKind::NotTried))?;
        if !request.spend_call() {
            return Err(self.error(KeyringErrorKind::NotTried));
        }
        let intermediate_key = self.decrypt(request, wrapped).await?;
        let opened = request.open(encrypted_data_key, &intermediate_key);
        let opened = opened.map_err(|error| self.place(error))?;
        Ok(opened
            .in_keyring(self.keyring)
            .with_key(self.arn.to_string())
            .in_region(self.arn.region()))
    }

    async fn decrypt(
        &self,
        request: DecryptRequest<'_>,
        wrapped: &[u8],
    ) -> Result<IntermediateKey, KeyringError> {
        let arn = self.arn.to_string();
        let mut call = self.client.decrypt();
        for (key, value) in request.context().iter() {
            call = call.encryption_context(key, value);
        }
        let call = call.key_id(&arn).ciphertext_blob(Blob::new(wrapped));
        let answer = call.set_grant_tokens(self.grant_tokens.get()).send().await;
        let answer = answer.map_err(|error| self.failed(error))?;

        let intermediate_key = intermediate_key(answer.plaintext);
        self.check_key_id(answer.key_id.as_deref(), &arn)?;
        self.check_recipient(answer.ciphertext_for_recipient.as_ref())?;
        intermediate_key.ok_or_else(|| self.invalid(WRONG_LENGTH))
    }

    fn check_key_id(&self, answered: Option<&str>, asked: &str) -> Result<(), KeyringError> {
        if answered == Some(asked) {
            Ok(())
        } else {
            Err(self.invalid("KMS answered for another key"))
        }
    }

    /// We never ask for an enclave's ciphertext, so an answer that has one is not ours.
    fn check_recipient(&self, ciphertext: Option<&Blob>) -> Result<(), KeyringError> {
        match ciphertext {
            None => Ok(()),
            Some(_) => Err(self.invalid("KMS answered with a ciphertext for a recipient")),
        }
    }

    fn failed<E: KmsError>(&self, error: SdkError<E, HttpResponse>) -> KeyringError {
        let class = of_kms(&error);
        let kind = match class {
            // Only a multi-Region key has replicas that could be missing.
            FaultClass::ReplicaMissing if !self.arn.is_mrk() => KeyringErrorKind::Caller,
            class => class.into(),
        };
        let failed = self.error(kind);
        // A successful answer that could not be read holds a plaintext key, and the SDK's error
        // would print it.
        let answer = error.raw_response();
        if answer.is_some_and(|answer| answer.status().is_success()) {
            return failed;
        }
        failed.with_source(error)
    }

    fn invalid(&self, problem: &'static str) -> KeyringError {
        self.error(KeyringErrorKind::InvalidResponse)
            .with_source(problem)
    }

    fn error(&self, kind: KeyringErrorKind) -> KeyringError {
        self.place(KeyringError::new(kind))
    }

    fn place(&self, error: KeyringError) -> KeyringError {
        error
            .in_keyring(self.keyring)
            .with_key(self.arn.to_string())
            .in_region(self.arn.region())
    }
}

const WRONG_LENGTH: &str = "KMS answered with a key of another length";

/// Takes the plaintext over and wipes it, also when the rest of the answer is refused.
fn intermediate_key(plaintext: Option<Blob>) -> Option<IntermediateKey> {
    let plaintext = Zeroizing::new(plaintext?.into_inner());
    IntermediateKey::from_slice(&plaintext)
}

/// Grant tokens, which every request of a keyring carries.
#[derive(Clone, Default)]
pub(super) struct GrantTokens(Vec<String>);

impl GrantTokens {
    const MAX_TOKENS: usize = 10;
    const MAX_LEN: usize = 8192;

    pub(super) fn new(
        tokens: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, ConfigError> {
        let tokens: Vec<String> = tokens.into_iter().map(Into::into).collect();
        if tokens.len() > Self::MAX_TOKENS {
            return Err(ConfigError::new("KMS takes at most 10 grant tokens"));
        }
        let fits = |token: &String| (1..=Self::MAX_LEN).contains(&token.chars().count());
        if !tokens.iter().all(fits) {
            return Err(ConfigError::new(
                "a grant token has between 1 and 8192 characters",
            ));
        }
        Ok(Self(tokens))
    }

    /// As the SDK's setters take them; nothing at all if there are none.
    pub(super) fn get(&self) -> Option<Vec<String>> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }
}
