//! Materials for sealing one item.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::intermediate::DerivedKeys;
use super::pin::Pin;
use crate::context::{self, EncryptionContext, Entries};
use crate::crypto::random::Random;
use crate::crypto::signature::SigningKey;
use crate::error::SealError;
use crate::format::EncryptedDataKey;
use crate::format::encrypted_data_key::WRAPPED_DATA_KEY_LEN;
use crate::secret::{DataKey, IntermediateKey, Secret, SymmetricSigningKey};
use crate::suite::AlgorithmSuite;

/// What a keyring is asked for when an item is sealed: a fresh intermediate key per recipient.
#[derive(Clone, Copy, Debug)]
pub struct EncryptRequest<'a> {
    suite: AlgorithmSuite,
    context: &'a EncryptionContext,
    pin: Pin<'a>,
}

impl<'a> EncryptRequest<'a> {
    /// The suite that the item will have.
    #[must_use]
    pub fn suite(&self) -> AlgorithmSuite {
        self.suite
    }

    /// The complete encryption context, to be bound to every wrapped key.
    #[must_use]
    pub fn context(&self) -> &'a EncryptionContext {
        self.context
    }

    /// The only tenant whose items are sealed, if there is one. The item is of this tenant; that was
    /// compared before.
    #[must_use]
    pub fn tenant(&self) -> Option<&'a str> {
        self.pin.0
    }

    /// The same request of somebody who seals the items of one tenant alone.
    pub(crate) fn for_tenant(mut self, tenant: Option<&'a str>) -> Self {
        self.pin = Pin(tenant);
        self
    }
}

/// A fresh intermediate key and its wrapped form, made by a keyring for one recipient.
pub struct WrappedKey {
    provider_id: String,
    provider_info: Vec<u8>,
    wrapped: Vec<u8>,
    intermediate_key: IntermediateKey,
}

impl WrappedKey {
    /// A key that `wrapped` gives back to whoever may unwrap it.
    ///
    /// `intermediate_key` must be fresh: made for this one request, and given out once.
    #[must_use]
    pub fn new(
        provider_id: impl Into<String>,
        provider_info: impl Into<Vec<u8>>,
        wrapped: impl Into<Vec<u8>>,
        intermediate_key: IntermediateKey,
    ) -> Self {
        Self {
            provider_id: provider_id.into(),
            provider_info: provider_info.into(),
            wrapped: wrapped.into(),
            intermediate_key,
        }
    }

    #[cfg(test)]
    pub(crate) fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }
}

/// Shows neither the key nor its name: that of a branch key may be a tenant.
impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedKey")
            .field("provider_id", &self.provider_id)
            .finish_non_exhaustive()
    }
}

/// Everything about one item that is fixed before a keyring is asked.
pub(crate) struct Preparation {
    suite: AlgorithmSuite,
    context: EncryptionContext,
    signing_key: Option<SigningKey>,
}

/// The wrapped data key of every recipient, and the keys of their tags in the same order.
pub(crate) struct Recipients {
    pub(crate) encrypted_data_keys: Vec<EncryptedDataKey>,
    pub(crate) symmetric_signing_keys: Vec<SymmetricSigningKey>,
}

/// All keys of one item that is about to be sealed.
pub(crate) struct EncryptionMaterials {
    pub(crate) suite: AlgorithmSuite,
    pub(crate) context: EncryptionContext,
    /// The entries of the context that a reader cannot rebuild from the item.
    pub(crate) stored_context: Entries,
    pub(crate) data_key: DataKey,
    pub(crate) recipients: Recipients,
    pub(crate) signing_key: Option<SigningKey>,
}

impl Preparation {
    /// Completes the context; under a signing suite that needs the item's own key pair.
    pub(crate) fn new(suite: AlgorithmSuite, mut entries: Entries) -> Result<Self, SealError> {
        let signing_key = if suite.is_signing() {
            let key = SigningKey::generate().map_err(|_| SealError::Randomness)?;
            entries.insert(
                context::PUBLIC_KEY.into(),
                STANDARD.encode(key.public_key()).into(),
            );
            Some(key)
        } else {
            None
        };
        let context = EncryptionContext::new(entries).map_err(|_| SealError::ContextTooLarge)?;
        Ok(Self {
            suite,
            context,
            signing_key,
        })
    }

    pub(crate) fn request(&self) -> EncryptRequest<'_> {
        EncryptRequest {
            suite: self.suite,
            context: &self.context,
            pin: Pin::default(),
        }
    }

    /// Makes the data key and wraps it for each recipient.
    pub(crate) fn finish(
        self,
        keys: &[WrappedKey],
        random: &dyn Random,
    ) -> Result<EncryptionMaterials, SealError> {
        if keys.is_empty() || keys.len() > usize::from(u8::MAX) {
            return Err(SealError::EncryptedDataKeys);
        }
        let data_key = Secret::fill_with(|key| random.fill(key)).map(DataKey);
        let data_key = data_key.map_err(|_| SealError::Randomness)?;
        let recipients = Recipients::wrap(&data_key, keys, self.context.as_keyring_aad())?;
        let public_key = self.context.entries().get_key_value(context::PUBLIC_KEY);
        let stored_context = public_key
            .map(|(key, value)| (Arc::clone(key), Arc::clone(value)))
            .into_iter()
            .collect();
        Ok(EncryptionMaterials {
            suite: self.suite,
            stored_context,
            data_key,
            recipients,
            signing_key: self.signing_key,
            context: self.context,
        })
    }
}

impl Recipients {
    fn wrap(data_key: &DataKey, keys: &[WrappedKey], aad: &[u8]) -> Result<Self, SealError> {
        let mut encrypted_data_keys = Vec::with_capacity(keys.len());
        let mut symmetric_signing_keys = Vec::with_capacity(keys.len());
        for key in keys {
            let derived = DerivedKeys::derive(&key.intermediate_key);
            let mut ciphertext = Vec::with_capacity(WRAPPED_DATA_KEY_LEN + key.wrapped.len());
            derived
                .wrap(data_key, aad, &mut ciphertext)
                .map_err(|_| SealError::EncryptedDataKeys)?;
            ciphertext.extend_from_slice(&key.wrapped);
            encrypted_data_keys.push(EncryptedDataKey::new(
                key.provider_id.clone(),
                key.provider_info.clone(),
                ciphertext,
            ));
            symmetric_signing_keys.push(derived.symmetric_signing_key);
        }
        Ok(Self {
            encrypted_data_keys,
            symmetric_signing_keys,
        })
    }
}
