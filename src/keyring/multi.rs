//! The keyring that is several recipients.

use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;

use super::{DecryptRequest, EncryptRequest, KeyBinding, Keyring, KeyringError};
use super::{KeyringErrorKind, Unwrapped, WrappedKey, future};

/// Wraps for several recipients, and opens with the first that can.
///
/// Sealing asks generator and children concurrently and fails if any of them fails: an item has all
/// its recipients or is not written. Opening asks them one after the other, the generator first;
/// every failure is kept, named and printed in order.
///
/// It is a list of recipients, not a policy: a key that refuses (its use denied, or disabled) does
/// not stop the next recipient from opening the item. Switching off one key is therefore no kill
/// switch while another recipient is left. [`stop_on_denied`](Self::stop_on_denied) makes a refusal
/// final for this reader; it binds nobody else who holds one of the keys.
///
/// ```
/// use dynaseal::{MultiKeyring, RawAesKeyring};
///
/// let new = RawAesKeyring::new("ours", "2026", [1; 32])?;
/// let old = RawAesKeyring::new("ours", "2025", [2; 32])?;
/// let keyring = MultiKeyring::new(new).child(old);
/// # Ok::<_, dynaseal::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MultiKeyring {
    /// The generator, then the children in order.
    parts: Vec<Arc<dyn Keyring>>,
    stop_on_denied: bool,
}

impl MultiKeyring {
    const NAME: &str = "multi";

    /// A keyring of one recipient, to which children are added.
    #[must_use]
    pub fn new(generator: impl Keyring + 'static) -> Self {
        Self {
            parts: vec![Arc::new(generator)],
            stop_on_denied: false,
        }
    }

    /// Adds a recipient after those there are.
    #[must_use]
    pub fn child(mut self, keyring: impl Keyring + 'static) -> Self {
        self.parts.push(Arc::new(keyring));
        self
    }

    /// Makes a refusal final: once a key is denied or disabled, no later recipient is asked.
    ///
    /// Off by default. Recipients before the refusing one are asked as always.
    #[must_use]
    pub fn stop_on_denied(mut self) -> Self {
        self.stop_on_denied = true;
        self
    }

    async fn wrap(&self, request: EncryptRequest<'_>) -> Result<Vec<WrappedKey>, KeyringError> {
        let answers = join_all(self.parts.iter().map(|part| part.on_encrypt(request))).await;
        let mut wrapped = Vec::with_capacity(answers.len());
        let mut failed = Vec::new();
        for (part, answer) in self.parts.iter().zip(answers) {
            match answer {
                Ok(keys) if keys.is_empty() => failed.push(no_key(part.name())),
                Ok(keys) => wrapped.extend(keys),
                Err(error) => failed.push(error.in_keyring(part.name())),
            }
        }
        if failed.is_empty() {
            Ok(wrapped)
        } else {
            Err(KeyringError::from_attempts(failed).in_keyring(Self::NAME))
        }
    }

    async fn unwrap(&self, request: DecryptRequest<'_>) -> Result<Unwrapped, KeyringError> {
        let mut failed = Vec::new();
        for part in &self.parts {
            match part.on_decrypt(request).await {
                Ok(Unwrapped::Opened(opened)) => return Ok(Unwrapped::Opened(opened)),
                Ok(Unwrapped::NotMine) => {}
                Err(error) => {
                    let refused = error.is_refusal();
                    failed.push(error.in_keyring(part.name()));
                    if refused && self.stop_on_denied {
                        break;
                    }
                }
            }
        }
        if failed.is_empty() {
            return Ok(Unwrapped::NotMine);
        }
        Err(KeyringError::from_attempts(failed).in_keyring(Self::NAME))
    }
}

/// A recipient that the item would silently lack.
fn no_key(keyring: &str) -> KeyringError {
    KeyringError::new(KeyringErrorKind::Other)
        .in_keyring(keyring)
        .with_source("the keyring wrapped no key")
}

impl Keyring for MultiKeyring {
    fn name(&self) -> &str {
        Self::NAME
    }

    /// The weakest part's: whoever can forge for one recipient can forge the item.
    fn binding(&self) -> KeyBinding {
        let bindings = self.parts.iter().map(|part| part.binding());
        bindings.min().unwrap_or(KeyBinding::PublicKey)
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }
}

impl fmt::Debug for MultiKeyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiKeyring")
            .field("parts", &self.parts)
            .field("stop_on_denied", &self.stop_on_denied)
            .finish()
    }
}
