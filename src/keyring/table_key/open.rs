//! The table keys that were met in items, and are kept to open more of them.

use std::sync::Arc;

use super::body::{Body, TableKeyId};
use super::scope::opened_cache_key;
use super::wrap::TableKey;
use super::{Inner, PROVIDER_ID};
use crate::cache::Loaded;
use crate::context::EncryptionContext;
use crate::crypto::Unauthentic;
use crate::error::{KeyringError, KeyringErrorKind};
use crate::format::EncryptedDataKey;
use crate::keyring::{Unwrapped, unopened};
use crate::kms::{Allowance, KmsKeyArn, KmsRequests, Replicas};
use crate::materials::{DecryptRequest, Opened};

/// A table key that KMS opened. It serves no sealing: that has keys of its own.
pub(super) struct OpeningKey {
    key: TableKey,
    /// The replica that opened it.
    replica: KmsKeyArn,
}

impl Inner {
    /// Tries the encrypted data keys that are this keyring's, in order, until one opens.
    pub(super) async fn open_first(
        &self,
        request: DecryptRequest<'_>,
    ) -> Result<Unwrapped, KeyringError> {
        let allowance = Arc::new(Allowance::new(request.budget()));
        let mut attempts = Vec::new();
        let all = request.encrypted_data_keys().iter();
        for encrypted_data_key in all.filter(|edk| self.is_ours(edk)) {
            match self.open(request, encrypted_data_key, &allowance).await {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        unopened(attempts, self.requests.keyring)
    }

    /// Whether it names this provider and a replica of this key.
    fn is_ours(&self, encrypted_data_key: &EncryptedDataKey) -> bool {
        if encrypted_data_key.provider_id() != PROVIDER_ID {
            return false;
        }
        let arn = std::str::from_utf8(encrypted_data_key.provider_info());
        let arn = arn.ok().and_then(|arn| KmsKeyArn::parse(arn).ok());
        arn.is_some_and(|arn| arn.matches(&self.key))
    }

    /// The body chooses the table key by its id and ciphertext; what they are for, the item says itself.
    /// A body that does not authenticate makes no second call.
    async fn open(
        &self,
        request: DecryptRequest<'_>,
        encrypted_data_key: &EncryptedDataKey,
        allowance: &Arc<Allowance>,
    ) -> Result<Opened, KeyringError> {
        let body = encrypted_data_key.wrapped_intermediate_key();
        let body = Body::parse(body.unwrap_or_default()).map_err(|problem| self.error(problem))?;
        let scope = self.scope(request.context(), request.tenant())?;
        let context = scope
            .kms_context(body.id)
            .map_err(|kind| self.error(kind))?;
        let replicas = self.replicas();
        let arn = replicas.first().to_string();
        let key = opened_cache_key(self.region(), &arn, body.kms_ciphertext, &context);
        let unwrap = || Unwrap {
            requests: self.requests.clone(),
            replicas,
            allowance: Arc::clone(allowance),
            id: body.id,
            context,
            kms_ciphertext: body.kms_ciphertext.to_vec(),
        };
        let cached = self.opening.get_or_load(&key, || unwrap().run()).await?;
        let OpeningKey { key, replica } = &*cached.value;
        let invalid = |Unauthentic| self.error(KeyringErrorKind::InvalidEncryptedDataKey);
        let intermediate_key = key.unwrap(&body, request.context()).map_err(invalid)?;
        let opened = request.open(encrypted_data_key, &intermediate_key);
        let opened = opened.map_err(|error| self.place(error))?;
        Ok(opened
            .in_keyring(self.requests.keyring)
            .with_key(replica.to_string())
            .in_region(replica.region())
            .valid_for(cached.valid_for))
    }
}

/// One `Decrypt`, which whoever needs the same key at that time waits for.
struct Unwrap {
    requests: KmsRequests,
    replicas: Replicas,
    allowance: Arc<Allowance>,
    id: TableKeyId,
    context: EncryptionContext,
    kms_ciphertext: Vec<u8>,
}

impl Unwrap {
    async fn run(self) -> Result<Loaded<Arc<OpeningKey>>, KeyringError> {
        let Self {
            requests,
            replicas,
            allowance,
            id,
            context,
            kms_ciphertext,
        } = self;
        let recovered = requests
            .recover(&context, &kms_ciphertext, replicas, &allowance)
            .await?;
        let key = TableKey::new(id, &recovered.plaintext);
        let replica = recovered.replica;
        Ok(Loaded {
            value: Arc::new(OpeningKey { key, replica }),
            valid_for: None,
            bytes: kms_ciphertext.len(),
        })
    }
}

/// The table key that an encrypted data key names, if it is one of this provider's. Nobody has
/// authenticated it.
pub(crate) fn table_key_id(encrypted_data_key: &EncryptedDataKey) -> Option<TableKeyId> {
    if encrypted_data_key.provider_id() != PROVIDER_ID {
        return None;
    }
    let body = Body::parse(encrypted_data_key.wrapped_intermediate_key()?).ok()?;
    Some(body.id)
}
