//! Materials for opening one item.

use std::sync::Arc;
use std::time::Duration;

use super::budget::CallBudget;
use super::intermediate::DerivedKeys;
use super::pin::Pin;
use crate::context::EncryptionContext;
use crate::error::{KeyringError, KeyringErrorKind};
use crate::format::EncryptedDataKey;
use crate::secret::{DataKey, IntermediateKey, SymmetricSigningKey};
use crate::suite::AlgorithmSuite;

/// What a keyring is asked for when an item is opened: any one of its intermediate keys.
#[derive(Clone, Copy, Debug)]
pub struct DecryptRequest<'a> {
    suite: AlgorithmSuite,
    context: &'a EncryptionContext,
    encrypted_data_keys: &'a [EncryptedDataKey],
    budget: Option<&'a CallBudget>,
    pin: Pin<'a>,
}

impl<'a> DecryptRequest<'a> {
    pub(crate) fn new(
        suite: AlgorithmSuite,
        context: &'a EncryptionContext,
        encrypted_data_keys: &'a [EncryptedDataKey],
    ) -> Self {
        Self {
            suite,
            context,
            encrypted_data_keys,
            budget: None,
            pin: Pin::default(),
        }
    }

    /// The same request, whose calls are counted together with those of other items.
    pub(crate) fn within(mut self, budget: Option<&'a CallBudget>) -> Self {
        self.budget = budget;
        self
    }

    /// The same request of somebody who opens the items of one tenant alone.
    pub(crate) fn for_tenant(mut self, tenant: Option<&'a str>) -> Self {
        self.pin = Pin(tenant);
        self
    }

    /// What its calls are counted against, for a request that outlives this one.
    pub(crate) fn budget(&self) -> Option<&'a CallBudget> {
        self.budget
    }

    /// Takes one call from the budget of the page that this item is on: `false` if it is used up.
    ///
    /// A keyring asks before each call to a service and reports
    /// [`KeyringErrorKind::NotTried`] when there is none left, so that bytes in a table cannot make
    /// readers exhaust a quota. Items that are opened alone have no budget.
    #[must_use]
    pub fn spend_call(&self) -> bool {
        self.budget.is_none_or(CallBudget::spend)
    }

    /// The item's suite.
    #[must_use]
    pub fn suite(&self) -> AlgorithmSuite {
        self.suite
    }

    /// The complete encryption context, rebuilt from the item.
    #[must_use]
    pub fn context(&self) -> &'a EncryptionContext {
        self.context
    }

    /// The only tenant whose items are opened, if there is one. The item says that it is of this tenant;
    /// that was compared before.
    ///
    /// A keyring with keys by tenant compares the names of keys with it as well, before it calls anybody.
    #[must_use]
    pub fn tenant(&self) -> Option<&'a str> {
        self.pin.0
    }

    /// The encrypted data keys, in the header's order. They are an attacker's bytes.
    #[must_use]
    pub fn encrypted_data_keys(&self) -> &'a [EncryptedDataKey] {
        self.encrypted_data_keys
    }

    /// Opens one of the encrypted data keys with the intermediate key that its keyring unwrapped.
    ///
    /// # Errors
    ///
    /// [`KeyringErrorKind::InvalidEncryptedDataKey`] if the two do not belong together.
    pub fn open(
        &self,
        encrypted_data_key: &EncryptedDataKey,
        intermediate_key: &IntermediateKey,
    ) -> Result<Opened, KeyringError> {
        let invalid = || KeyringError::new(KeyringErrorKind::InvalidEncryptedDataKey);
        let index = self
            .encrypted_data_keys
            .iter()
            .position(|edk| edk == encrypted_data_key);
        let index = index.ok_or_else(invalid)?;
        let wrapped = encrypted_data_key.wrapped_data_key().ok_or_else(invalid)?;
        let derived = DerivedKeys::derive(intermediate_key);
        let data_key = derived
            .unwrap(wrapped, self.context.as_keyring_aad())
            .map_err(|_| invalid())?;
        let keys = OpenedKeys {
            data_key,
            symmetric_signing_key: derived.symmetric_signing_key,
        };
        Ok(Opened {
            keys: Arc::new(keys),
            index,
            keyring: String::new(),
            key: None,
            region: None,
            valid_for: None,
        })
    }
}

/// The keys of one item for one of its recipients.
pub(crate) struct OpenedKeys {
    pub(crate) data_key: DataKey,
    pub(crate) symmetric_signing_key: SymmetricSigningKey,
}

/// A data key that one encrypted data key opened to. Made by [`DecryptRequest::open`] alone.
pub struct Opened {
    /// Shared with a cache, if there is one.
    pub(crate) keys: Arc<OpenedKeys>,
    /// Which of the header's encrypted data keys opened; its tag is the one to check.
    pub(crate) index: usize,
    pub(crate) keyring: String,
    pub(crate) key: Option<String>,
    pub(crate) region: Option<String>,
    /// How much longer what opened it may be used.
    pub(crate) valid_for: Option<Duration>,
}

impl Opened {
    /// Says which keyring opened it.
    #[must_use]
    pub fn in_keyring(mut self, name: &str) -> Self {
        name.clone_into(&mut self.keyring);
        self
    }

    /// Says which key opened it: the ARN that was asked, under KMS.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Says which region answered.
    #[must_use]
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Says how much longer it may be kept, for a keyring that keeps keys itself: what is left of their time.
    /// The shortest time that was said holds, so that the times of caches around each other do not add up.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = Some(self.valid_for.map_or(time, |before| before.min(time)));
        self
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("keyring", &self.keyring)
            .field("key", &self.key)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
