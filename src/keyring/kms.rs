//! What all KMS keyrings share: requests that go where the policy says, as often as it says.

mod answer;
mod grant_tokens;
mod plan;
mod replicas;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::answer::{Decrypt, Generate};
pub(super) use self::grant_tokens::GrantTokens;
pub(super) use self::replicas::Replicas;
use super::kms_arn::KmsKeyArn;
use super::{DecryptRequest, EncryptedDataKey, KeyringError, KeyringErrorKind, Opened, Unwrapped};
use super::{EncryptRequest, IntermediateKey, WrappedKey};
use crate::cache::flight::Flights;
use crate::context::EncryptionContext;
use crate::materials::CallBudget;
use crate::observe::{CacheEvent, Event};
use crate::region::{KmsFallback, RegionSet};

/// The provider id of every KMS keyring but the hierarchical, RSA and ECDH ones.
const PROVIDER_ID: &str = "aws-kms";

/// Whoever writes to the table chooses how many encrypted data keys an item has; not, how many
/// attempts that costs on a quota that the whole account shares. Retries and other regions count.
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

/// How a keyring asks KMS. Clones share the requests that are under way.
#[derive(Clone)]
pub(super) struct KmsRequests {
    pub(super) keyring: &'static str,
    pub(super) regions: RegionSet,
    pub(super) grant_tokens: GrantTokens,
    pub(super) fallback: KmsFallback,
    decrypts: Flights<Vec<u8>, Result<Recovered, KeyringError>>,
}

/// An intermediate key, and the replica that opened it.
#[derive(Clone)]
struct Recovered {
    intermediate_key: IntermediateKey,
    replica: KmsKeyArn,
}

/// The attempts that one item may cost.
pub(super) struct Allowance {
    left: AtomicUsize,
    budget: Option<CallBudget>,
}

impl Allowance {
    pub(super) fn new(budget: Option<&CallBudget>) -> Self {
        Self {
            left: AtomicUsize::new(MAX_CALLS),
            budget: budget.cloned(),
        }
    }

    /// Takes one attempt, if there is one left for this item and for its page.
    fn take(&self) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        taken.is_ok() && self.budget.as_ref().is_none_or(CallBudget::spend)
    }
}

impl KmsRequests {
    pub(super) fn new(keyring: &'static str, regions: &RegionSet) -> Self {
        Self {
            keyring,
            regions: regions.clone(),
            grant_tokens: GrantTokens::default(),
            fallback: KmsFallback::never(),
            decrypts: Flights::new(),
        }
    }

    /// The replicas of a multi-Region key that may be asked, in order.
    pub(super) fn replicas(&self, key: &KmsKeyArn) -> Replicas {
        Replicas::new(key, &self.regions, self.fallback)
    }

    /// A fresh intermediate key under the first replica that gives one.
    pub(super) async fn generate(
        &self,
        request: EncryptRequest<'_>,
        replicas: &Replicas,
    ) -> Result<WrappedKey, KeyringError> {
        let allowance = Allowance::new(None);
        let asking = self.ask(replicas, &allowance, request.context());
        let (generated, arn) = asking.until_answered(&Generate).await?;
        Ok(WrappedKey::new(
            PROVIDER_ID,
            arn.to_string(),
            generated.wrapped,
            generated.intermediate_key,
        ))
    }

    /// Tries candidates in order until one opens, within the allowance.
    pub(super) async fn open_first<'a>(
        &self,
        request: DecryptRequest<'a>,
        candidates: impl Iterator<Item = (&'a EncryptedDataKey, Replicas)>,
    ) -> Result<Unwrapped, KeyringError> {
        let mut attempts = Vec::new();
        let allowance = Arc::new(Allowance::new(request.budget()));
        for (encrypted_data_key, replicas) in candidates {
            let opened = self.open(request, encrypted_data_key, replicas, &allowance);
            match opened.await {
                Ok(opened) => return Ok(Unwrapped::Opened(opened)),
                Err(error) => attempts.push(error),
            }
        }
        if attempts.is_empty() {
            return Ok(Unwrapped::NotMine);
        }
        Err(KeyringError::from_attempts(attempts).in_keyring(self.keyring))
    }

    async fn open(
        &self,
        request: DecryptRequest<'_>,
        encrypted_data_key: &EncryptedDataKey,
        replicas: Replicas,
        allowance: &Arc<Allowance>,
    ) -> Result<Opened, KeyringError> {
        let local = replicas.first().clone();
        let place = |error| answer::place(error, self.keyring, &local);
        let wrapped = encrypted_data_key.wrapped_intermediate_key();
        let wrapped = wrapped.filter(|wrapped| !wrapped.is_empty());
        let wrapped = wrapped
            .ok_or_else(|| place(KeyringError::new(KeyringErrorKind::InvalidEncryptedDataKey)))?;
        let recovered = self.recover(request.context(), wrapped, replicas, allowance);
        let recovered = recovered.await?;
        let opened = request.open(encrypted_data_key, &recovered.intermediate_key);
        let opened = opened.map_err(place)?;
        Ok(opened
            .in_keyring(self.keyring)
            .with_key(recovered.replica.to_string())
            .in_region(recovered.replica.region()))
    }

    /// Asks KMS to unwrap, or waits for somebody who asks the same already: the same key, context and
    /// ciphertext, in the name of the same keyring.
    async fn recover(
        &self,
        context: &EncryptionContext,
        wrapped: &[u8],
        replicas: Replicas,
        allowance: &Arc<Allowance>,
    ) -> Result<Recovered, KeyringError> {
        let key = flight_key([
            replicas.first().to_string().as_bytes(),
            context.as_serialized(),
            wrapped,
        ]);
        let ask = || {
            let (this, context, wrapped) = (self.clone(), context.clone(), wrapped.to_vec());
            let allowance = Arc::clone(allowance);
            async move {
                this.decrypt(&context, &wrapped, &replicas, &allowance)
                    .await
            }
        };
        let (recovered, joined) = self.decrypts.join(key, ask).await;
        self.regions.observers().emit(&Event::Cache(CacheEvent {
            cache: "single_flight",
            hit: joined,
        }));
        recovered
    }

    async fn decrypt(
        &self,
        context: &EncryptionContext,
        wrapped: &[u8],
        replicas: &Replicas,
        allowance: &Allowance,
    ) -> Result<Recovered, KeyringError> {
        let asking = self.ask(replicas, allowance, context);
        let (intermediate_key, replica) = asking.until_answered(&Decrypt(wrapped)).await?;
        Ok(Recovered {
            intermediate_key,
            replica: replica.clone(),
        })
    }
}

/// Each part with its length before it, so that no two requests share a key.
fn flight_key<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        key.extend_from_slice(&part.len().to_be_bytes());
        key.extend_from_slice(part);
    }
    key
}
