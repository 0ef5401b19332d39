//! The keyring that is several recipients.

use std::fmt;
use std::sync::Arc;

use futures_util::future::join_all;

use super::{DecryptRequest, EncryptRequest, KeyBinding, KeyStoreUse, Keyring, KeyringError};
use super::{KeyringErrorKind, KmsKeyUse, Unwrapped, WrappedKey, future};

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
        let bindings = self.parts.iter().map(Keyring::binding);
        bindings.min().unwrap_or(KeyBinding::PublicKey)
    }

    /// If none of the parts opens by what sealing needs.
    fn can_seal_without_opening(&self) -> bool {
        self.parts.iter().all(Keyring::can_seal_without_opening)
    }

    fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
        future::OnEncrypt::new(self.wrap(request))
    }

    fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
        future::OnDecrypt::new(self.unwrap(request))
    }

    fn kms_keys(&self) -> Vec<KmsKeyUse> {
        self.parts.iter().flat_map(Keyring::kms_keys).collect()
    }

    fn key_stores(&self) -> Vec<KeyStoreUse> {
        self.parts.iter().flat_map(Keyring::key_stores).collect()
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::keyring::RawAesKeyring;
    use crate::keyring::test_support::seal;

    fn raw(name: &str, key: u8) -> RawAesKeyring {
        RawAesKeyring::new("ns", name, [key; 32]).unwrap()
    }

    /// Fails both ways, and counts how often it was asked.
    #[derive(Debug, Default)]
    struct Failing {
        kind: Option<KeyringErrorKind>,
        asked: AtomicUsize,
    }

    impl Failing {
        fn with(kind: KeyringErrorKind) -> Arc<Self> {
            Arc::new(Self {
                kind: Some(kind),
                ..Self::default()
            })
        }

        /// As a KMS keyring reports it: inside the list of its attempts.
        fn error(&self) -> Option<KeyringError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let attempt = KeyringError::new(self.kind?).in_keyring("failing");
            Some(KeyringError::from_attempts(vec![attempt]))
        }
    }

    impl Keyring for Failing {
        fn name(&self) -> &str {
            "failing"
        }

        fn binding(&self) -> KeyBinding {
            KeyBinding::KmsContext
        }

        fn on_encrypt<'a>(&'a self, _: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
            future::OnEncrypt::ready(self.error().map_or(Ok(Vec::new()), Err))
        }

        fn on_decrypt<'a>(&'a self, _: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
            future::OnDecrypt::ready(self.error().map_or(Ok(Unwrapped::NotMine), Err))
        }
    }

    #[tokio::test]
    async fn wraps_for_generator_and_children_in_order() {
        let keyring = MultiKeyring::new(raw("a", 1))
            .child(raw("b", 2))
            .child(raw("c", 3));
        let sealed = seal(&keyring).await.unwrap();
        let names = sealed.edks.iter().map(|edk| edk.provider_info()[0]);
        assert!(names.eq(*b"abc"));
        assert_eq!(sealed.assert_opens(&keyring).await, 0);
        for (index, (name, key)) in [("a", 1), ("b", 2), ("c", 3)].into_iter().enumerate() {
            assert_eq!(sealed.assert_opens(&raw(name, key)).await, index);
        }
    }

    /// Wraps only once every other part of the multi-keyring is waiting too.
    #[derive(Debug)]
    struct Waiting(RawAesKeyring, Arc<tokio::sync::Barrier>);

    impl Keyring for Waiting {
        fn name(&self) -> &str {
            "waiting"
        }

        fn binding(&self) -> KeyBinding {
            self.0.binding()
        }

        fn on_encrypt<'a>(&'a self, request: EncryptRequest<'a>) -> future::OnEncrypt<'a> {
            future::OnEncrypt::new(async move {
                self.1.wait().await;
                self.0.on_encrypt(request).await
            })
        }

        fn on_decrypt<'a>(&'a self, request: DecryptRequest<'a>) -> future::OnDecrypt<'a> {
            self.0.on_decrypt(request)
        }
    }

    #[tokio::test]
    async fn asks_all_recipients_at_the_same_time() {
        let barrier = Arc::new(tokio::sync::Barrier::new(2));
        let first = Waiting(raw("a", 1), Arc::clone(&barrier));
        let keyring = MultiKeyring::new(first).child(Waiting(raw("b", 2), barrier));
        let sealing = tokio::time::timeout(std::time::Duration::from_secs(5), seal(&keyring));
        assert_eq!(sealing.await.expect("no deadlock").unwrap().edks.len(), 2);
    }

    #[tokio::test]
    async fn nests_and_shares_keyrings_behind_an_arc() {
        let shared: Arc<dyn Keyring> = Arc::new(raw("a", 1));
        let inner = MultiKeyring::new(Arc::clone(&shared)).child(raw("b", 2));
        let keyring = MultiKeyring::new(raw("c", 3)).child(inner);
        let sealed = seal(&keyring).await.unwrap();
        assert_eq!(sealed.edks.len(), 3);
        sealed.assert_opens(&shared).await;
    }

    #[tokio::test]
    async fn writes_nothing_if_any_recipient_fails_and_keeps_every_reason() {
        let denied = Failing::with(KeyringErrorKind::Denied);
        let throttled = Failing::with(KeyringErrorKind::Throttled);
        let keyring = MultiKeyring::new(denied)
            .child(raw("a", 1))
            .child(throttled);
        let error = seal(&keyring).await.err().unwrap();
        assert_eq!(
            error.to_string(),
            "multi: every attempt failed: \
             failing: every attempt failed: failing: access denied, or no such key; \
             failing: every attempt failed: failing: throttled"
        );
    }

    #[tokio::test]
    async fn refuses_a_recipient_that_wraps_nothing() {
        let keyring = MultiKeyring::new(raw("a", 1)).child(Failing::default());
        let error = seal(&keyring).await.err().unwrap();
        assert_eq!(error.attempts()[0].keyring(), Some("failing"));
    }

    #[tokio::test]
    async fn says_not_mine_only_if_every_part_does() {
        let sealed = seal(&raw("a", 1)).await.unwrap();
        let keyring = MultiKeyring::new(raw("b", 1)).child(Failing::default());
        sealed.assert_not_mine(&keyring).await;
        let keyring = keyring.child(raw("a", 2));
        let error = sealed.refusal(&keyring).await;
        assert_eq!(error.attempts().len(), 1, "{error}");
        assert_eq!(error.attempts()[0].keyring(), Some("raw-aes"));
    }

    #[tokio::test]
    async fn goes_on_after_a_refusal_unless_told_to_stop() {
        for kind in [KeyringErrorKind::Denied, KeyringErrorKind::Disabled] {
            let last = Arc::new(Failing::default());
            let keyring = MultiKeyring::new(Failing::with(kind))
                .child(Arc::clone(&last))
                .child(raw("a", 1));
            let sealed = seal(&raw("a", 1)).await.unwrap();
            sealed.assert_opens(&keyring).await;
            assert_eq!(last.asked.load(Ordering::Relaxed), 1);
            let error = sealed.refusal(&keyring.stop_on_denied()).await;
            assert!(error.is_refusal());
            assert_eq!(last.asked.load(Ordering::Relaxed), 1, "not asked again");
        }
    }

    #[tokio::test]
    async fn an_outage_is_no_refusal() {
        let outage = Failing::with(KeyringErrorKind::Unavailable);
        let keyring = MultiKeyring::new(outage)
            .child(raw("a", 1))
            .stop_on_denied();
        let sealed = seal(&raw("a", 1)).await.unwrap();
        sealed.assert_opens(&keyring).await;
    }

    #[test]
    fn is_as_strong_as_its_weakest_part() {
        let keyring = MultiKeyring::new(Failing::default());
        assert_eq!(keyring.binding(), KeyBinding::KmsContext);
        assert_eq!(
            keyring.child(raw("a", 1)).binding(),
            KeyBinding::SharedSecret
        );
    }
}
