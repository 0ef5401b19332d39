//! Why an item was not opened.

use std::error::Error;
use std::fmt;

use super::{AttributeIssue, EntityMismatch, InvalidAttribute, KeyringError, TenantMismatch};
use crate::suite::AlgorithmSuite;

/// Why an item was not opened. Nothing of it was released.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum OpenError {
    /// The item has no header, no footer, or neither: it is plaintext, or was stripped.
    NotSealed(NotSealed),
    /// Header or footer are not in the item format.
    Malformed(Malformed),
    /// The item is none of the entity types of its table, or not the one that was asked for.
    Entity(EntityMismatch),
    /// One attribute is missing, has a reserved name, or is not what the header says it is.
    Attribute(InvalidAttribute),
    /// Attributes were added to or removed from what is signed.
    SchemaChanged(SchemaChanged),
    /// The item and its header disagree about an entry of the encryption context.
    Context(ContextConflict),
    /// The item is not of the tenant that was asked for.
    TenantMismatch(TenantMismatch),
    /// The item's suite is weaker than this schema accepts.
    SuiteBelowPolicy(SuiteBelowPolicy),
    /// The header has more encrypted data keys than this schema accepts.
    TooManyEncryptedDataKeys(TooManyEncryptedDataKeys),
    /// No keyring could open an encrypted data key.
    Keyring(KeyringError),
    /// Something that was signed, or the header, or the footer, was changed.
    Authentication(AuthenticationFailed),
}

impl OpenError {
    /// The cause in a word, for logs and labels: one of a closed list, which holds no name and no value.
    ///
    /// | word | variant |
    /// | --- | --- |
    /// | `not_sealed` | [`NotSealed`](Self::NotSealed) |
    /// | `malformed` | [`Malformed`](Self::Malformed) |
    /// | `entity` | [`Entity`](Self::Entity) |
    /// | `another_key` | [`Attribute`](Self::Attribute), with [`AttributeIssue::AnotherKey`]: the store handed out an item that was not asked for |
    /// | `attribute` | [`Attribute`](Self::Attribute), with any other issue |
    /// | `schema_changed` | [`SchemaChanged`](Self::SchemaChanged) |
    /// | `context` | [`Context`](Self::Context) |
    /// | `tenant_mismatch` | [`TenantMismatch`](Self::TenantMismatch) |
    /// | `suite_below_policy` | [`SuiteBelowPolicy`](Self::SuiteBelowPolicy) |
    /// | `too_many_encrypted_data_keys` | [`TooManyEncryptedDataKeys`](Self::TooManyEncryptedDataKeys) |
    /// | `keyring` | [`Keyring`](Self::Keyring): the key, and not the item, may be what is wrong |
    /// | `authentication` | [`Authentication`](Self::Authentication) |
    ///
    /// ```
    /// # fn f(error: &dynaseal::OpenError) -> bool {
    /// // An outage, or somebody at work on the table?
    /// error.kind() != "keyring"
    /// # }
    /// ```
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotSealed(_) => "not_sealed",
            Self::Malformed(_) => "malformed",
            Self::Entity(_) => "entity",
            Self::Attribute(invalid) if invalid.issue() == AttributeIssue::AnotherKey => {
                "another_key"
            }
            Self::Attribute(_) => "attribute",
            Self::SchemaChanged(_) => "schema_changed",
            Self::Context(_) => "context",
            Self::TenantMismatch(_) => "tenant_mismatch",
            Self::SuiteBelowPolicy(_) => "suite_below_policy",
            Self::TooManyEncryptedDataKeys(_) => "too_many_encrypted_data_keys",
            Self::Keyring(_) => "keyring",
            Self::Authentication(_) => "authentication",
        }
    }

    /// Whether opening the same item may succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Keyring(error) if error.is_retryable())
    }

    /// The region in which a keyring failed.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Keyring(error) => error.region(),
            _ => None,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSealed(_) => "item is not sealed",
            Self::Malformed(_) => "item is not in the sealed format",
            Self::Entity(_) => "item is of no entity type that is expected",
            Self::Attribute(_) => "item was not sealed like this",
            Self::SchemaChanged(_) => "the signed attributes are not the ones that were sealed",
            Self::Context(_) => "encryption context does not match",
            Self::TenantMismatch(_) => "item is not of the expected tenant",
            Self::SuiteBelowPolicy(_) => "algorithm suite is below policy",
            Self::TooManyEncryptedDataKeys(_) => "too many encrypted data keys",
            Self::Keyring(_) => "no keyring could open the data key",
            Self::Authentication(_) => "item failed authentication",
        })
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::NotSealed(error) => error,
            Self::Malformed(error) => error,
            Self::Entity(error) => error,
            Self::Attribute(error) => error,
            Self::SchemaChanged(error) => error,
            Self::Context(error) => error,
            Self::TenantMismatch(error) => error,
            Self::SuiteBelowPolicy(error) => error,
            Self::TooManyEncryptedDataKeys(error) => error,
            Self::Keyring(error) => error,
            Self::Authentication(error) => error,
        })
    }
}

/// Implements `Error` and the way into [`OpenError`] for each cause.
macro_rules! causes {
    ($($variant:ident($cause:ty)),* $(,)?) => {$(
        impl From<$cause> for OpenError {
            fn from(cause: $cause) -> Self {
                Self::$variant(cause)
            }
        }
    )*};
}

causes! {
    NotSealed(NotSealed),
    Malformed(Malformed),
    Entity(EntityMismatch),
    Attribute(InvalidAttribute),
    SchemaChanged(SchemaChanged),
    Context(ContextConflict),
    TenantMismatch(TenantMismatch),
    SuiteBelowPolicy(SuiteBelowPolicy),
    TooManyEncryptedDataKeys(TooManyEncryptedDataKeys),
    Keyring(KeyringError),
    Authentication(AuthenticationFailed),
}

/// Header or footer is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSealed {
    has_header: bool,
    has_footer: bool,
}

impl NotSealed {
    pub(crate) fn new(has_header: bool, has_footer: bool) -> Self {
        Self {
            has_header,
            has_footer,
        }
    }

    /// Whether both are missing, as in an item that was never sealed. One without the other can
    /// only come from tampering or loss.
    #[must_use]
    pub fn is_plaintext(&self) -> bool {
        !self.has_header && !self.has_footer
    }
}

impl fmt::Display for NotSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.has_header, self.has_footer) {
            (false, false) => "neither `aws_dbe_head` nor `aws_dbe_foot`: plaintext, or stripped",
            (false, true) => "`aws_dbe_head` is missing",
            (true, _) => "`aws_dbe_foot` is missing",
        })
    }
}

impl Error for NotSealed {}

/// Bytes that are not in the item format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    part: &'static str,
    problem: &'static str,
}

impl Malformed {
    pub(crate) const fn new(part: &'static str, problem: &'static str) -> Self {
        Self { part, problem }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.problem)
    }
}

impl Error for Malformed {}

/// The header signs another number of attributes than the item has in signature scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaChanged {
    sealed: usize,
    found: usize,
}

impl SchemaChanged {
    pub(crate) fn new(sealed: usize, found: usize) -> Self {
        Self { sealed, found }
    }

    /// How many attributes were signed when the item was sealed.
    #[must_use]
    pub fn sealed(&self) -> usize {
        self.sealed
    }

    /// How many attributes of the item are in signature scope now.
    #[must_use]
    pub fn found(&self) -> usize {
        self.found
    }
}

impl fmt::Display for SchemaChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.found > self.sealed {
            "an attribute was added, or something unsigned is now signed"
        } else {
            "an attribute was removed, or something signed is now unsigned"
        };
        write!(
            f,
            "{} attributes were signed, {} are in scope: {what}",
            self.sealed, self.found
        )
    }
}

impl Error for SchemaChanged {}

/// An entry of the encryption context that is not what the item says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextConflict {
    key: String,
}

impl ContextConflict {
    pub(crate) fn new(key: impl Into<String>) -> Self {
        Self { key: key.into() }
    }

    /// The key of the entry.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for ContextConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "entry `{}` of the header is not the one this item must have",
            self.key.escape_debug()
        )
    }
}

impl Error for ContextConflict {}

/// The item was sealed under a weaker suite than the schema accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuiteBelowPolicy {
    found: AlgorithmSuite,
    accepted: AlgorithmSuite,
}

impl SuiteBelowPolicy {
    pub(crate) fn new(found: AlgorithmSuite, accepted: AlgorithmSuite) -> Self {
        Self { found, accepted }
    }

    /// The item's suite.
    #[must_use]
    pub fn found(&self) -> AlgorithmSuite {
        self.found
    }
}

impl fmt::Display for SuiteBelowPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "suite {} where {} is the weakest accepted; a table that mixes both needs \
             `.accept_suite({})`",
            self.found, self.accepted, self.found
        )
    }
}

impl Error for SuiteBelowPolicy {}

/// More encrypted data keys than a reader tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyEncryptedDataKeys {
    found: usize,
    limit: usize,
}

impl TooManyEncryptedDataKeys {
    pub(crate) fn new(found: usize, limit: usize) -> Self {
        Self { found, limit }
    }
}

impl fmt::Display for TooManyEncryptedDataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the header has {} and the limit is {}; raise `.max_encrypted_data_keys` if you wrote them",
            self.found, self.limit
        )
    }
}

impl Error for TooManyEncryptedDataKeys {}

/// A commitment, tag, signature or ciphertext did not match. It says nothing about which or where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticationFailed(());

impl AuthenticationFailed {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for AuthenticationFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header, footer or a signed attribute was changed, moved or swapped")
    }
}

impl Error for AuthenticationFailed {}
