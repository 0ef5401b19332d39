//! The table keys that items are sealed under: one at a time for each scope, for a bounded time and count.

use std::sync::Arc;

use super::body::{SALT_LEN, TableKeyId, is_kms_ciphertext};
use super::scope::Scope;
use super::wrap::TableKey;
use super::{Inner, PROVIDER_ID};
use crate::cache::Loaded;
use crate::context::EncryptionContext;
use crate::crypto::Unauthentic;
use crate::crypto::random::{Random, RandomFailure};
use crate::error::{KeyringError, KeyringErrorKind};
use crate::kms::{KmsKeyArn, KmsRequests, Replicas};
use crate::materials::{EncryptRequest, WrappedKey};
use crate::secret::IntermediateKey;

/// A table key with what a reader needs to have it opened.
pub(super) struct SealingKey {
    key: TableKey,
    /// The replica that made it.
    replica: KmsKeyArn,
    kms_ciphertext: Vec<u8>,
}

impl SealingKey {
    pub(super) fn new(key: TableKey, replica: KmsKeyArn, kms_ciphertext: Vec<u8>) -> Self {
        Self {
            key,
            replica,
            kms_ciphertext,
        }
    }

    /// A fresh intermediate key for one item. Random bytes are drawn in this order: key, salt.
    pub(super) fn wrap(
        &self,
        context: &EncryptionContext,
        random: &dyn Random,
    ) -> Result<WrappedKey, KeyringErrorKind> {
        let no_random = |RandomFailure| KeyringErrorKind::Randomness;
        let key = IntermediateKey::fill_with(|key| random.fill(key)).map_err(no_random)?;
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt).map_err(no_random)?;
        let body = self.key.wrap(&self.kms_ciphertext, context, &salt, &key);
        let body = body.map_err(|Unauthentic| KeyringErrorKind::Other)?;
        Ok(WrappedKey::new(
            PROVIDER_ID,
            self.replica.to_string(),
            body,
            key,
        ))
    }
}

impl Inner {
    pub(super) async fn seal(
        &self,
        request: EncryptRequest<'_>,
    ) -> Result<WrappedKey, KeyringError> {
        let key = self.sealing_key(request).await?;
        let wrapped = key.wrap(request.context(), &*self.random);
        wrapped.map_err(|kind| self.error(kind))
    }

    /// The key of the item's scope, with one use of it counted.
    async fn sealing_key(
        &self,
        request: EncryptRequest<'_>,
    ) -> Result<Arc<SealingKey>, KeyringError> {
        let scope = self.scope(request.context(), request.tenant())?;
        let replicas = self.replicas();
        let key = scope.cache_key(self.region(), &replicas.first().to_string());
        let fetch = || Fetch {
            requests: self.requests.clone(),
            random: Arc::clone(&self.random),
            replicas,
            scope,
        };
        let cached = self.sealing.get_or_load(&key, || fetch().run()).await?;
        Ok(cached.value)
    }
}

/// One `GenerateDataKey`, which whoever seals in the same scope at that time waits for.
struct Fetch {
    requests: KmsRequests,
    random: Arc<dyn Random>,
    replicas: Replicas,
    scope: Scope,
}

impl Fetch {
    async fn run(self) -> Result<Loaded<Arc<SealingKey>>, KeyringError> {
        let local = self.replicas.first();
        let failed = |kind| self.requests.place(KeyringError::new(kind), local);
        let mut id = [0; TableKeyId::LEN];
        let drawn = self.random.fill(&mut id);
        drawn.map_err(|RandomFailure| failed(KeyringErrorKind::Randomness))?;
        let id = TableKeyId::new(id);
        let context = self.scope.kms_context(id).map_err(failed)?;
        let generated = self.requests.generate(&context, &self.replicas).await?;
        let (generated, replica) = generated;
        if !is_kms_ciphertext(&generated.wrapped) {
            let error = KeyringError::new(KeyringErrorKind::InvalidResponse);
            let error = error.with_source("KMS answered with a ciphertext that is too long");
            return Err(self.requests.place(error, &replica));
        }
        let key = TableKey::new(id, &generated.plaintext);
        let bytes = generated.wrapped.len();
        Ok(Loaded {
            value: Arc::new(SealingKey::new(key, replica, generated.wrapped)),
            valid_for: None,
            bytes,
        })
    }
}
