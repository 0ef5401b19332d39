//! What the key store reports.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{BoxError, FaultClass, KeyringError, KeyringErrorKind};

/// Why the key store made or found no branch key.
///
/// Cheap to clone: those who wait for the same branch key share it. [`sdk`](Self::sdk) reaches the AWS
/// SDK's typed error, and [`branch_key_id`](Self::branch_key_id) the id, which may be a tenant: neither
/// `Debug` nor `Display` prints them. They name the version, where it is known.
#[derive(Clone)]
pub struct KeyStoreError(Arc<Inner>);

struct Inner {
    kind: KeyStoreErrorKind,
    id: Option<String>,
    key: Option<String>,
    region: Option<String>,
    source: Option<BoxError>,
}

/// The causes to branch on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStoreErrorKind {
    /// There is no branch key of this id in any region of the set.
    NotFound,
    /// There is no such version of the branch key in any region of the set. Where its writer is in a region
    /// outside of the set, it may yet come; otherwise it was deleted, or never made.
    NotYetReplicated,
    /// The branch key was erased, and nothing more may be sealed under it.
    Erased,
    /// Every region has an active version that is older than one that this process has seen.
    RolledBack,
    /// A record has not the layout of a branch key, or is not the one that was asked for.
    InvalidRecord,
    /// A record names a KMS key that the key store is not configured for.
    ForeignKey,
    /// There is a branch key of this id already.
    AlreadyExists,
    /// Another writer was faster, or is at work on the branch key.
    Conflict,
    /// An answer was lost: whether the branch key was made or rotated is not known.
    OutcomeUnknown,
    /// The key store finds its KMS key in records, and so has none to make branch keys under.
    CannotCreate,
    /// The id or the context that was given cannot be that of a branch key.
    InvalidRequest,
    /// Rows of a branch key that is being erased came back in every pass: somebody goes on writing them.
    StillWritten,
    /// The table has not the keys of a key store.
    WrongTable,
    /// KMS did not help: see [`KeyStoreError::keyring_error`].
    Kms,
    /// DynamoDB did not answer, or answered 5xx.
    Unavailable,
    /// DynamoDB was not asked: it failed so often just now that its circuit breaker is open.
    CircuitOpen,
    /// DynamoDB asked for fewer requests.
    Throttled,
    /// The principal may not read or write the table.
    Denied,
    /// The request to DynamoDB cannot work: credentials, validation, no such table, unknown codes.
    Caller,
    /// The limit of branch keys that one item may look up was reached.
    NotTried,
    /// The random source failed.
    Randomness,
}

impl KeyStoreError {
    pub(crate) fn new(kind: KeyStoreErrorKind) -> Self {
        Self(Arc::new(Inner {
            kind,
            id: None,
            key: None,
            region: None,
            source: None,
        }))
    }

    /// A failure of DynamoDB's.
    pub(crate) fn of_dynamodb(class: FaultClass) -> Self {
        Self::new(match class {
            FaultClass::Unavailable => KeyStoreErrorKind::Unavailable,
            FaultClass::Throttled => KeyStoreErrorKind::Throttled,
            FaultClass::Denied => KeyStoreErrorKind::Denied,
            FaultClass::Conflict => KeyStoreErrorKind::Conflict,
            _ => KeyStoreErrorKind::Caller,
        })
    }

    pub(crate) fn of_branch_key(self, id: &str) -> Self {
        self.change(|inner| {
            inner.id.get_or_insert_with(|| id.to_owned());
        })
    }

    pub(crate) fn with_key(self, record_type: String) -> Self {
        self.change(|inner| inner.key = Some(record_type))
    }

    pub(crate) fn in_region(self, region: &str) -> Self {
        self.change(|inner| inner.region = Some(region.to_owned()))
    }

    pub(crate) fn with_source(self, source: impl Into<BoxError>) -> Self {
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
    pub fn kind(&self) -> KeyStoreErrorKind {
        self.0.kind
    }

    /// The id of the branch key, if it is about one. It may be a tenant, and is printed nowhere.
    #[must_use]
    pub fn branch_key_id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// The version of the branch key, if it is about one, as its record's type: `branch:version:…`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// The region that failed, if it is one.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// What KMS said, if it did not help.
    #[must_use]
    pub fn keyring_error(&self) -> Option<&KeyringError> {
        self.0.source.as_ref()?.downcast_ref()
    }

    /// The AWS SDK's typed error, of DynamoDB or of KMS, if it has type `E`.
    ///
    /// ```no_run
    /// # fn f(error: dynaseal::key_store::KeyStoreError) {
    /// use aws_sdk_dynamodb::{error::SdkError, operation::get_item::GetItemError};
    /// let denied = error.sdk::<SdkError<GetItemError>>();
    /// # }
    /// ```
    #[must_use]
    pub fn sdk<E: Error + 'static>(&self) -> Option<&E> {
        let source = self.0.source.as_ref()?;
        let of_kms = || self.keyring_error()?.sdk();
        source.downcast_ref().or_else(of_kms)
    }

    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            KeyStoreErrorKind::NotYetReplicated
            | KeyStoreErrorKind::Unavailable
            | KeyStoreErrorKind::CircuitOpen
            | KeyStoreErrorKind::Throttled => true,
            _ => self.keyring_error().is_some_and(KeyringError::is_retryable),
        }
    }
}

/// Of KMS, which failed for a branch key.
impl From<KeyringError> for KeyStoreError {
    fn from(error: KeyringError) -> Self {
        Self::new(KeyStoreErrorKind::Kms).with_source(error)
    }
}

/// What KMS said stays as it is; of the rest, the causes that matter to whoever opens an item.
impl From<KeyStoreError> for KeyringError {
    fn from(error: KeyStoreError) -> Self {
        if let Some(of_kms) = error.keyring_error() {
            return of_kms.clone();
        }
        let kind = match error.kind() {
            KeyStoreErrorKind::NotFound => KeyringErrorKind::BranchKeyNotFound,
            KeyStoreErrorKind::NotYetReplicated => KeyringErrorKind::NotYetReplicated,
            KeyStoreErrorKind::Erased => KeyringErrorKind::Erased,
            KeyStoreErrorKind::RolledBack => KeyringErrorKind::RolledBack,
            KeyStoreErrorKind::InvalidRecord | KeyStoreErrorKind::ForeignKey => {
                KeyringErrorKind::InvalidBranchKey
            }
            KeyStoreErrorKind::Unavailable
            | KeyStoreErrorKind::CircuitOpen
            | KeyStoreErrorKind::Throttled => KeyringErrorKind::KeyStoreUnavailable,
            KeyStoreErrorKind::Denied => KeyringErrorKind::Denied,
            KeyStoreErrorKind::Caller => KeyringErrorKind::Caller,
            KeyStoreErrorKind::NotTried => KeyringErrorKind::NotTried,
            KeyStoreErrorKind::Randomness => KeyringErrorKind::Randomness,
            // Nobody who opens or seals meets these.
            KeyStoreErrorKind::AlreadyExists
            | KeyStoreErrorKind::Conflict
            | KeyStoreErrorKind::OutcomeUnknown
            | KeyStoreErrorKind::CannotCreate
            | KeyStoreErrorKind::InvalidRequest
            | KeyStoreErrorKind::StillWritten
            | KeyStoreErrorKind::WrongTable
            | KeyStoreErrorKind::Kms => KeyringErrorKind::Other,
        };
        let mut converted = Self::new(kind);
        if let Some(id) = error.branch_key_id() {
            converted = converted.of_branch_key(id);
        }
        if let Some(key) = error.key() {
            converted = converted.with_key(key);
        }
        if let Some(region) = error.region() {
            converted = converted.in_region(region);
        }
        converted.with_source(error)
    }
}

impl fmt::Debug for KeyStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStoreError")
            .field("kind", &self.0.kind)
            .field("key", &self.0.key)
            .field("region", &self.0.region)
            .field("keyring_error", &self.keyring_error())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for KeyStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key store")?;
        if let Some(key) = self.key() {
            write!(f, ", {key}")?;
        }
        if let Some(region) = self.region() {
            write!(f, " in {region}")?;
        }
        match self.keyring_error() {
            Some(error) => write!(f, ": {error}"),
            None => write!(f, ": {}", self.0.kind),
        }
    }
}

impl fmt::Display for KeyStoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such branch key",
            Self::NotYetReplicated => "no region has this version of the branch key yet",
            Self::Erased => "the branch key was erased",
            Self::RolledBack => "the active version is older than one that was seen before",
            Self::InvalidRecord => "the record is not one of the branch key that was asked for",
            Self::ForeignKey => "the record names a KMS key that is not configured",
            Self::AlreadyExists => "there is a branch key of this id already",
            Self::Conflict => "another writer was faster",
            Self::OutcomeUnknown => "an answer was lost, and with it the outcome",
            Self::CannotCreate => "discovery has no KMS key to make branch keys under",
            Self::InvalidRequest => "the id or the context cannot be that of a branch key",
            Self::StillWritten => "somebody goes on writing the branch key",
            Self::WrongTable => "the table has not the keys of a key store",
            Self::Kms => "KMS failed",
            Self::Unavailable => "DynamoDB is unavailable",
            Self::CircuitOpen => {
                "DynamoDB is not asked: the circuit breaker is open after repeated failures"
            }
            Self::Throttled => "DynamoDB throttles",
            Self::Denied => "access to the table denied",
            Self::Caller => "the request cannot work: check credentials, region and table",
            Self::NotTried => "not tried: too many branch keys for one item",
            Self::Randomness => "the random source failed",
        })
    }
}

impl Error for KeyStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_on_what_kms_said() {
        let of_kms = KeyringError::new(KeyringErrorKind::Disabled).in_region("eu-west-1");
        let of_kms = of_kms.in_keyring("key-store");
        let error = KeyStoreError::from(of_kms).of_branch_key("t-1");
        assert_eq!(error.kind(), KeyStoreErrorKind::Kms);
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            "key store: key-store in eu-west-1: key is disabled or pending deletion"
        );
        let converted = KeyringError::from(error);
        assert_eq!(converted.kind(), KeyringErrorKind::Disabled);
        let throttled = KeyStoreError::from(KeyringError::new(KeyringErrorKind::Throttled));
        assert!(throttled.is_retryable());
    }

    #[test]
    fn keeps_the_causes_that_callers_branch_on() {
        use KeyStoreErrorKind as Store;
        use KeyringErrorKind as Keyring;
        for (kind, converted, is_retryable) in [
            (Store::NotFound, Keyring::BranchKeyNotFound, false),
            (Store::NotYetReplicated, Keyring::NotYetReplicated, true),
            (Store::Erased, Keyring::Erased, false),
            (Store::RolledBack, Keyring::RolledBack, false),
            (Store::CircuitOpen, Keyring::KeyStoreUnavailable, true),
            (Store::InvalidRecord, Keyring::InvalidBranchKey, false),
        ] {
            let error = KeyStoreError::new(kind).of_branch_key("t-1");
            assert_eq!(error.is_retryable(), is_retryable, "{kind:?}");
            let error = KeyringError::from(error.in_region("eu-west-1"));
            assert_eq!(error.kind(), converted);
            assert_eq!((error.key(), error.branch_key_id()), (None, Some("t-1")));
            assert_eq!(error.region(), Some("eu-west-1"));
            assert_eq!(error.is_retryable(), is_retryable, "{kind:?}");
        }
    }

    #[test]
    fn reaches_the_error_of_the_sdk_through_the_keyrings_error() {
        let sdk = std::io::Error::other("broken");
        let error = KeyStoreError::new(KeyStoreErrorKind::Unavailable).with_source(sdk);
        assert!(error.sdk::<std::io::Error>().is_some());
        let error = KeyringError::from(error);
        assert!(error.sdk::<std::io::Error>().is_some());
        assert!(error.sdk::<KeyStoreError>().is_some());
    }
}
