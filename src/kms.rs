//! KMS, as keyrings and the key store ask it: requests that go where the policy says, as often as it says.
//!
//! It names no encrypted data key: what is wrapped, and what for, is decided above.

mod allowed;
mod answer;
mod attest;
mod discovery_filter;
mod grant_tokens;
mod key_arn;
mod operations;
mod plan;
mod replicas;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use zeroize::Zeroizing;

pub(crate) use self::attest::Attestation;
pub use self::discovery_filter::DiscoveryFilter;
pub(crate) use self::grant_tokens::GrantTokens;
pub(crate) use self::key_arn::KmsKeyArn;
pub(crate) use self::operations::Generated;
use self::operations::{Decrypt, DecryptRsa, DeriveSharedSecret};
use self::operations::{Generate, GenerateWithoutPlaintext, ReEncrypt};
pub(crate) use self::replicas::Replicas;
use crate::cache::flight::Flights;
use crate::cache::key_of;
use crate::context::EncryptionContext;
use crate::error::KeyringError;
use crate::materials::CallBudget;
use crate::observe::{CacheEvent, Event};
use crate::region::{KmsFallback, RegionSet};
use crate::secret::KmsPlaintext;

/// Whoever writes to the table chooses how many encrypted data keys an item has; not, how many
/// attempts that costs on a quota that the whole account shares. Retries and other regions count.
const MAX_CALLS: usize = 4;

/// The same of the branch keys that a key store is asked for: each costs a read or more of its table.
const MAX_LOOKUPS: usize = 4;

/// How a keyring, or a key store, asks KMS. Clones share the requests that are under way.
#[derive(Clone)]
pub(crate) struct KmsRequests {
    /// In whose name: errors and logs say so.
    pub(crate) keyring: &'static str,
    pub(crate) regions: RegionSet,
    grant_tokens: GrantTokens,
    fallback: KmsFallback,
    decrypts: Flights<Vec<u8>, Result<Recovered, KeyringError>>,
}

/// What a ciphertext held, and the replica that opened it.
#[derive(Clone)]
pub(crate) struct Recovered {
    pub(crate) plaintext: KmsPlaintext,
    pub(crate) replica: KmsKeyArn,
}

/// The attempts that one item may cost.
pub(crate) struct Allowance {
    left: AtomicUsize,
    lookups: AtomicUsize,
    budget: Option<CallBudget>,
}

impl Allowance {
    pub(crate) fn new(budget: Option<&CallBudget>) -> Self {
        Self {
            left: AtomicUsize::new(MAX_CALLS),
            lookups: AtomicUsize::new(MAX_LOOKUPS),
            budget: budget.cloned(),
        }
    }

    /// Takes one branch key to look up, if there is one left for this item and for its page.
    pub(crate) fn take_lookup(&self) -> bool {
        take_one(&self.lookups) && self.budget.as_ref().is_none_or(CallBudget::spend_lookup)
    }

    /// Takes one attempt, if there is one left for this item and for its page.
    fn take(&self) -> bool {
        take_one(&self.left) && self.budget.as_ref().is_none_or(CallBudget::spend)
    }
}

fn take_one(left: &AtomicUsize) -> bool {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    taken.is_ok()
}

impl KmsRequests {
    pub(crate) fn new(keyring: &'static str, regions: &RegionSet) -> Self {
        Self {
            keyring,
            regions: regions.clone(),
            grant_tokens: GrantTokens::default(),
            fallback: KmsFallback::never(),
            decrypts: Flights::new(),
        }
    }

    /// The same with these grant tokens. Whoever has others shares no request with it: what KMS answers may
    /// be by their leave.
    pub(crate) fn with_grant_tokens(mut self, tokens: GrantTokens) -> Self {
        self.grant_tokens = tokens;
        self.apart()
    }

    /// The same by this policy. Requests by another one may be answered by another region, and are not shared.
    pub(crate) fn with_fallback(mut self, policy: KmsFallback) -> Self {
        self.fallback = policy;
        self.apart()
    }

    fn apart(mut self) -> Self {
        self.decrypts = Flights::new();
        self
    }

    pub(crate) fn grant_tokens(&self) -> &GrantTokens {
        &self.grant_tokens
    }

    /// The replicas of a multi-Region key that may be asked, in order.
    pub(crate) fn replicas(&self, key: &KmsKeyArn) -> Replicas {
        Replicas::new(key, &self.regions, self.fallback)
    }

    /// A fresh key of 32 bytes, in clear and wrapped, and the replica that made it.
    pub(crate) async fn generate(
        &self,
        context: &EncryptionContext,
        replicas: &Replicas,
    ) -> Result<(Generated, KmsKeyArn), KeyringError> {
        let allowance = Allowance::new(None);
        let asking = self.ask(replicas, &allowance);
        let (generated, arn) = asking.until_answered(&Generate(context)).await?;
        Ok((generated, arn.clone()))
    }

    /// A fresh key of 32 bytes, which nobody but KMS sees.
    pub(crate) async fn generate_without_plaintext(
        &self,
        context: &EncryptionContext,
        replicas: &Replicas,
    ) -> Result<Vec<u8>, KeyringError> {
        let allowance = Allowance::new(None);
        let asking = self.ask(replicas, &allowance);
        let request = GenerateWithoutPlaintext(context);
        let (wrapped, _) = asking.until_answered(&request).await?;
        Ok(wrapped)
    }

    /// The same plaintext under the same key and another context, without anybody seeing it.
    pub(crate) async fn re_encrypt(
        &self,
        wrapped: &[u8],
        from: &EncryptionContext,
        to: &EncryptionContext,
        replicas: &Replicas,
    ) -> Result<Vec<u8>, KeyringError> {
        let allowance = Allowance::new(None);
        let asking = self.ask(replicas, &allowance);
        let request = ReEncrypt { wrapped, from, to };
        let (wrapped, _) = asking.until_answered(&request).await?;
        Ok(wrapped)
    }

    /// Asks KMS to unwrap, or waits for somebody who asks the same already: the same key, context and
    /// ciphertext, in the name of the same keyring. What ended only because the other had no attempt left is
    /// asked again.
    pub(crate) async fn recover(
        &self,
        context: &EncryptionContext,
        wrapped: &[u8],
        replicas: Replicas,
        allowance: &Arc<Allowance>,
    ) -> Result<Recovered, KeyringError> {
        let key = key_of([
            replicas.first().to_string().as_bytes(),
            context.as_serialized(),
            wrapped,
        ]);
        let ask = || {
            let (this, context, wrapped) = (self.clone(), context.clone(), wrapped.to_vec());
            let (replicas, allowance) = (replicas.clone(), Arc::clone(allowance));
            async move {
                this.decrypt(&context, &wrapped, &replicas, &allowance)
                    .await
            }
        };
        let (recovered, joined) = loop {
            let (recovered, joined) = self.decrypts.join(key.clone(), ask).await;
            if !(joined && recovered.as_ref().is_err_and(KeyringError::is_cut_short)) {
                break (recovered, joined);
            }
        };
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
        let asking = self.ask(replicas, allowance);
        let request = Decrypt { wrapped, context };
        let (plaintext, replica) = asking.until_answered(&request).await?;
        Ok(Recovered {
            plaintext,
            replica: replica.clone(),
        })
    }

    /// The plaintext under one RSA key, in its own region. KMS is told no context.
    pub(crate) async fn decrypt_rsa(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        wrapped: &[u8],
        key: &KmsKeyArn,
        allowance: &Allowance,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let replicas = Replicas::only(key);
        let asking = self.ask(&replicas, allowance);
        let request = DecryptRsa { wrapped, algorithm };
        Ok(asking.until_answered(&request).await?.0)
    }

    /// The x coordinate that one key agrees on with a public key, X.509 in DER, in the key's own region.
    pub(crate) async fn derive_shared_secret(
        &self,
        public_key: &[u8],
        key: &KmsKeyArn,
        allowance: &Allowance,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let replicas = Replicas::only(key);
        let asking = self.ask(&replicas, allowance);
        let request = DeriveSharedSecret { public_key };
        Ok(asking.until_answered(&request).await?.0)
    }

    /// Says which keyring failed, and which key in which region.
    pub(crate) fn place(&self, error: KeyringError, arn: &KmsKeyArn) -> KeyringError {
        answer::place(error, self.keyring, arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_an_item_four_calls_and_four_branch_keys() {
        let allowance = Allowance::new(None);
        let lookups = (0..100).filter(|_| allowance.take_lookup()).count();
        let calls = (0..100).filter(|_| allowance.take()).count();
        assert_eq!((lookups, calls), (4, 4));
    }
}
