//! What keyrings report: one failure, or every attempt of several.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{BoxError, KeyStoreError};

/// Why a keyring made or recovered no key.
///
/// Cheap to clone: attempts and single flights share it. [`attempts`](Self::attempts) lists what
/// was tried, in order; [`sdk`](Self::sdk) reaches the AWS SDK's typed error. Its own `Debug` and
/// `Display` never forward to the SDK's, which prints requests and responses.
#[derive(Clone)]
pub struct KeyringError(Arc<Inner>);

struct Inner {
    kind: KeyringErrorKind,
    keyring: Option<Arc<str>>,
    key: Option<String>,
    branch_key_id: Option<String>,
    region: Option<String>,
    attempts: Vec<KeyringError>,
    cut_short: bool,
    source: Option<BoxError>,
}

/// The causes to branch on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringErrorKind {
    /// No encrypted data key was made for any of the keyrings.
    NoMatch,
    /// Every key that was tried failed: see [`KeyringError::attempts`].
    AllAttemptsFailed,
    /// The keyring can only open (discovery, a private key without its public key).
    CannotEncrypt,
    /// The keyring can only seal: it has a public key and no private one.
    CannotDecrypt,
    /// The keyring does not do the item's algorithm suite.
    UnsupportedSuite,
    /// The service did not answer, or answered 5xx.
    Unavailable,
    /// The service was not asked: it failed so often just now that its circuit breaker is open.
    CircuitOpen,
    /// The service asked for fewer requests.
    Throttled,
    /// The principal may not use this key; KMS also says so of a key that is not there.
    Denied,
    /// The key is disabled, pending deletion or otherwise switched off.
    Disabled,
    /// The key's replica in this region was not ready yet, and stayed so for seconds.
    ReplicaCreating,
    /// The key has no replica in this region.
    ReplicaMissing,
    /// The ciphertext was made under another key.
    WrongKey,
    /// The ciphertext or the encryption context was changed.
    InvalidCiphertext,
    /// The answer was not what KMS promises: another key, a wrong length, something missing.
    InvalidResponse,
    /// The caller's request cannot work: credentials, validation, grant tokens, unknown codes.
    Caller,
    /// An encrypted data key that names this keyring is malformed or does not authenticate.
    InvalidEncryptedDataKey,
    /// An encrypted data key that names this keyring is of a version that this release does not know.
    UnknownVersion,
    /// The item names no tenant, which this keyring has keys by: the attribute must be a string that is
    /// not empty, and in the encryption context of header version 2.
    NoTenant,
    /// The item, or the key that it names, is of another tenant than the one that was asked for. Nobody
    /// was called.
    TenantMismatch,
    /// The limit of calls for one item, or for the page it is on, was reached; the rest was not
    /// tried.
    NotTried,
    /// Nobody waited for the answer any more: the deadline of an operation passed, or it was given up.
    Abandoned,
    /// There is no branch key of this id.
    BranchKeyNotFound,
    /// No region of the set has this version of the branch key, yet.
    NotYetReplicated,
    /// The branch key was erased, and nothing more may be sealed under it.
    Erased,
    /// The key store shows an active version that is older than one that this process has seen.
    RolledBack,
    /// The key store's record is not that of the branch key, or names a KMS key that is not configured.
    InvalidBranchKey,
    /// The key store's table could not be asked in the regions that might have the branch key.
    KeyStoreUnavailable,
    /// The random source failed.
    Randomness,
    /// A keyring of the user's own failed.
    Other,
}

impl KeyringError {
    /// An error with this cause and nothing else.
    #[must_use]
    pub fn new(kind: KeyringErrorKind) -> Self {
        Self(Arc::new(Inner {
            kind,
            keyring: None,
            key: None,
            branch_key_id: None,
            region: None,
            attempts: Vec::new(),
            cut_short: false,
            source: None,
        }))
    }

    /// Several failures, in the order in which they were tried.
    #[must_use]
    pub fn from_attempts(attempts: Vec<Self>) -> Self {
        Self::new(KeyringErrorKind::AllAttemptsFailed).change(|inner| inner.attempts = attempts)
    }

    /// Names the keyring that failed, unless it is named already.
    #[must_use]
    pub fn in_keyring(self, name: &str) -> Self {
        self.change(|inner| {
            inner.keyring.get_or_insert_with(|| name.into());
        })
    }

    /// Names the key, by ARN where it has one. The name is printed, and told to observers: it must hold no
    /// value of an item.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        self.change(|inner| inner.key = Some(key.into()))
    }

    /// Keeps the id of the branch key, which may be a tenant, and is printed nowhere.
    pub(crate) fn of_branch_key(self, id: &str) -> Self {
        self.change(|inner| inner.branch_key_id = Some(id.to_owned()))
    }

    /// Names the region that was asked.
    #[must_use]
    pub fn in_region(self, region: impl Into<String>) -> Self {
        self.change(|inner| inner.region = Some(region.into()))
    }

    /// There would have been another attempt, had the item any calls left.
    pub(crate) fn cut_short(self) -> Self {
        self.change(|inner| inner.cut_short = true)
    }

    /// Keeps the error below this one.
    #[must_use]
    pub fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.change(|inner| inner.source = Some(source.into()))
    }

    fn change(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut shared = self.0;
        // A shared error is complete; only its maker, who holds the one reference, adds to it.
        if let Some(inner) = Arc::get_mut(&mut shared) {
            change(inner);
        }
        Self(shared)
    }

    /// The cause.
    #[must_use]
    pub fn kind(&self) -> KeyringErrorKind {
        self.0.kind
    }

    /// The name of the keyring that failed.
    #[must_use]
    pub fn keyring(&self) -> Option<&str> {
        self.0.keyring.as_deref()
    }

    /// The key that was asked for, by ARN where it has one; of a branch key the version, where it is known,
    /// as its record's type: `branch:version:…`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The id of the branch key that was asked for; of several attempts, of the first that has one.
    ///
    /// It may be a tenant, so it is neither printed nor told to observers: log it where the log may hold that.
    #[must_use]
    pub fn branch_key_id(&self) -> Option<&str> {
        let of_attempts = || self.attempts().iter().find_map(Self::branch_key_id);
        self.0.branch_key_id.as_deref().or_else(of_attempts)
    }

    /// The region that was asked; of several attempts, the one in which all of them were made.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_deref().or_else(|| self.common_region())
    }

    fn common_region(&self) -> Option<&str> {
        let mut regions = self.attempts().iter().map(Self::region);
        let first = regions.next()??;
        regions.all(|region| region == Some(first)).then_some(first)
    }

    /// Every attempt behind this error, in order; empty if it is a single one.
    #[must_use]
    pub fn attempts(&self) -> &[Self] {
        &self.0.attempts
    }

    /// The attempt that was made last: this one, if it is a single one.
    #[must_use]
    pub fn last_attempt(&self) -> &Self {
        self.attempts().last().map_or(self, Self::last_attempt)
    }

    /// Whether the end of an item's calls ended it, so that it says nothing about what another item may do.
    pub(crate) fn is_cut_short(&self) -> bool {
        let is_last = || self.attempts().last().is_some_and(Self::is_cut_short);
        self.0.cut_short || self.kind() == KeyringErrorKind::NotTried || is_last()
    }

    /// Whether the same call may succeed a little later: the service was unavailable or throttled, the
    /// key's replica or the branch key not there yet, or the time too short.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            KeyringErrorKind::Unavailable
                | KeyringErrorKind::CircuitOpen
                | KeyringErrorKind::Throttled
                | KeyringErrorKind::ReplicaCreating
                | KeyringErrorKind::NotYetReplicated
                | KeyringErrorKind::KeyStoreUnavailable
                | KeyringErrorKind::Abandoned
        ) || self.attempts().iter().any(Self::is_retryable)
    }

    /// Whether somebody may have meant it: the key is denied or disabled, here or in any attempt.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.kind(),
            KeyringErrorKind::Denied | KeyringErrorKind::Disabled
        ) || self.attempts().iter().any(Self::is_refusal)
    }

    /// The AWS SDK's typed error, here or in the first attempt that has one of type `E`.
    ///
    /// ```no_run
    /// # fn f(error: dynaseal::KeyringError) {
    /// use aws_sdk_kms::{error::SdkError, operation::decrypt::DecryptError};
    /// let denied = error.sdk::<SdkError<DecryptError>>();
    /// # }
    /// ```
    #[must_use]
    pub fn sdk<E: Error + 'static>(&self) -> Option<&E> {
        let own = self.0.source.as_ref().and_then(|source| {
            let of_key_store = || source.downcast_ref::<KeyStoreError>()?.sdk();
            source.downcast_ref().or_else(of_key_store)
        });
        own.or_else(|| self.attempts().iter().find_map(Self::sdk))
    }
}

impl fmt::Debug for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringError")
            .field("kind", &self.0.kind)
            .field("keyring", &self.0.keyring)
            .field("key", &self.0.key)
            .field("region", &self.0.region)
            .field("attempts", &self.0.attempts)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(keyring) = self.keyring() {
            write!(f, "{keyring}")?;
        }
        if let Some(key) = self.key() {
            write!(f, " {key}")?;
        }
        if let Some(region) = &self.0.region {
            write!(f, " in {region}")?;
        }
        if self.keyring().is_some() || self.key().is_some() || self.0.region.is_some() {
            f.write_str(": ")?;
        }
        write!(f, "{}", self.0.kind)?;
        for (n, attempt) in self.attempts().iter().enumerate() {
            write!(f, "{} {attempt}", if n == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl fmt::Display for KeyringErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMatch => "no encrypted data key was made for this keyring",
            Self::AllAttemptsFailed => "every attempt failed",
            Self::CannotEncrypt => "this keyring can only open; seal under one that names its key",
            Self::CannotDecrypt => "this keyring can only seal: it has no private key",
            Self::UnsupportedSuite => {
                "this keyring works with algorithm suite 0x6700 alone, without a signature"
            }
            Self::Unavailable => "service unavailable",
            Self::CircuitOpen => "not asked: the circuit breaker is open after repeated failures",
            Self::Throttled => "throttled",
            Self::Denied => "access denied, or no such key",
            Self::Disabled => "key is disabled or pending deletion",
            Self::ReplicaCreating => "key's replica in this region is not ready yet",
            Self::ReplicaMissing => "key has no replica in this region",
            Self::WrongKey => "encrypted under another key",
            Self::InvalidCiphertext => "ciphertext or encryption context was changed",
            Self::InvalidResponse => "the answer is not the one KMS promises",
            Self::Caller => "the request cannot work: check credentials, region and key",
            Self::InvalidEncryptedDataKey => {
                "encrypted data key is malformed or does not authenticate"
            }
            Self::UnknownVersion => "encrypted data key has a version that is unknown here",
            Self::NoTenant => "the item has no tenant in its encryption context, as a string",
            Self::TenantMismatch => "another tenant's than the one that was asked for",
            Self::NotTried => "not tried: too many calls for one item, or for its page",
            Self::Abandoned => "nobody waited for the answer any more",
            Self::BranchKeyNotFound => "no such branch key in the key store",
            Self::NotYetReplicated => "no region has this version of the branch key yet",
            Self::Erased => "the branch key was erased",
            Self::RolledBack => {
                "the branch key's active version is older than one that was seen before"
            }
            Self::InvalidBranchKey => "the key store's record is not that of this branch key",
            Self::KeyStoreUnavailable => "the key store's table is unavailable",
            Self::Randomness => "the random source failed",
            Self::Other => "keyring failed",
        })
    }
}

impl Error for KeyringError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_every_attempt_in_order_with_key_region_and_cause() {
        let first = KeyringError::new(KeyringErrorKind::Disabled)
            .with_key("arn:aws:kms:eu-west-1:111122223333:key/mrk-1")
            .in_region("eu-west-1")
            .in_keyring("kms-mrk");
        let second = KeyringError::new(KeyringErrorKind::NoMatch).in_keyring("raw-aes");
        let error = KeyringError::from_attempts(vec![first, second]);
        assert_eq!(
            error.to_string(),
            "every attempt failed: kms-mrk arn:aws:kms:eu-west-1:111122223333:key/mrk-1 in eu-west-1: \
             key is disabled or pending deletion; raw-aes: no encrypted data key was made for this keyring"
        );
    }

    #[test]
    fn names_the_region_that_all_attempts_share() {
        let attempt = |region: &str| KeyringError::new(KeyringErrorKind::Denied).in_region(region);
        let shared = KeyringError::from_attempts(vec![attempt("eu-west-1"), attempt("eu-west-1")]);
        assert_eq!(shared.region(), Some("eu-west-1"));
        let nested = KeyringError::from_attempts(vec![shared, attempt("eu-west-1")]);
        assert_eq!(nested.region(), Some("eu-west-1"));
        let mixed = KeyringError::from_attempts(vec![nested, attempt("us-east-1")]);
        assert_eq!(mixed.region(), None);
    }

    #[test]
    fn finds_the_last_attempt_of_several_keyrings_and_regions() {
        let attempt = |region: &str| KeyringError::new(KeyringErrorKind::Denied).in_region(region);
        let single = attempt("eu-west-1");
        assert_eq!(single.last_attempt().region(), Some("eu-west-1"));
        let kms = KeyringError::from_attempts(vec![single, attempt("us-east-1")]);
        let multi = KeyringError::from_attempts(vec![attempt("ap-south-1"), kms]);
        assert_eq!(multi.last_attempt().region(), Some("us-east-1"));
    }

    #[test]
    fn finds_the_typed_source_through_attempts() {
        let inner = KeyringError::new(KeyringErrorKind::Other).with_source(fmt::Error);
        let error = KeyringError::from_attempts(vec![inner]);
        assert!(error.sdk::<fmt::Error>().is_some());
        assert!(error.sdk::<std::io::Error>().is_none());
    }

    #[test]
    fn a_shared_error_is_not_changed_behind_its_owner() {
        let error = KeyringError::new(KeyringErrorKind::Other).in_keyring("a");
        let copy = error.clone().with_key("k");
        assert_eq!(error.key(), None);
        assert_eq!(copy.key(), None);
    }
}
