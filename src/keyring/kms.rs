//! How the keyrings that have KMS wrap each item's key ask for it.

use std::sync::Arc;

use super::{
    DecryptRequest, EncryptedDataKey, KeyringError, KeyringErrorKind, Opened, Unwrapped, unopened,
};
use super::{EncryptRequest, WrappedKey};
use crate::kms::{Allowance, KmsKeyArn, KmsRequests, Replicas};

/// The provider id of every KMS keyring but the hierarchical, RSA and ECDH ones.
pub(crate) const PROVIDER_ID: &str = "aws-kms";

/// The key that an encrypted data key names, if a KMS keyring made it.
pub(super) fn key_of(encrypted_data_key: &EncryptedDataKey) -> Option<KmsKeyArn> {
    // The provider id first: the info of other keyrings is no ARN, and that is no mistake.
    if encrypted_data_key.provider_id() != PROVIDER_ID {
        return None;
    }
    let info = std::str::from_utf8(encrypted_data_key.provider_info()).ok()?;
    KmsKeyArn::parse(info).ok()
}

/// A fresh intermediate key under the first replica that gives one.
pub(super) async fn wrap(
    requests: &KmsRequests,
    request: EncryptRequest<'_>,
    replicas: &Replicas,
) -> Result<WrappedKey, KeyringError> {
    let (generated, arn) = requests.generate(request.context(), replicas).await?;
    Ok(WrappedKey::new(
        PROVIDER_ID,
        arn.to_string(),
        generated.wrapped,
        generated.plaintext.into_intermediate_key(),
    ))
}

/// Tries candidates in order until one opens, within the attempts that one item may cost.
pub(super) async fn open_first<'a>(
    requests: &KmsRequests,
    request: DecryptRequest<'a>,
    candidates: impl Iterator<Item = (&'a EncryptedDataKey, Replicas)>,
) -> Result<Unwrapped, KeyringError> {
    let mut attempts = Vec::new();
    let allowance = Arc::new(Allowance::new(request.budget()));
    for (encrypted_data_key, replicas) in candidates {
        match open(requests, request, encrypted_data_key, replicas, &allowance).await {
            Ok(opened) => return Ok(Unwrapped::Opened(opened)),
            Err(error) => attempts.push(error),
        }
    }
    unopened(attempts, requests.keyring)
}

async fn open(
    requests: &KmsRequests,
    request: DecryptRequest<'_>,
    encrypted_data_key: &EncryptedDataKey,
    replicas: Replicas,
    allowance: &Arc<Allowance>,
) -> Result<Opened, KeyringError> {
    let local = replicas.first().clone();
    let place = |error| requests.place(error, &local);
    let wrapped = encrypted_data_key.wrapped_intermediate_key();
    let wrapped = wrapped.filter(|wrapped| !wrapped.is_empty());
    let wrapped = wrapped
        .ok_or_else(|| place(KeyringError::new(KeyringErrorKind::InvalidEncryptedDataKey)))?;
    let recovered = requests.recover(request.context(), wrapped, replicas, allowance);
    let recovered = recovered.await?;
    let key = recovered.plaintext.into_intermediate_key();
    let opened = request.open(encrypted_data_key, &key).map_err(place)?;
    Ok(opened
        .in_keyring(requests.keyring)
        .with_key(recovered.replica.to_string())
        .in_region(recovered.replica.region()))
}
