//! What a keyring says of the key store that it reads.

/// A table of branch keys that a keyring reads.
///
/// What [`Keyring::key_stores`](super::Keyring::key_stores) lists. It is how the doctor of a table knows
/// where to look for the key store, and what a policy has to allow.
///
/// ```
/// use dynaseal::keyring::KeyStoreUse;
///
/// let used = KeyStoreUse::new("branch-keys-prod", "branch-keys", ["us-east-1", "eu-west-1"]);
/// assert_eq!(used.table_name(), "branch-keys-prod");
/// assert_eq!(used.logical_name(), "branch-keys");
/// assert_eq!(used.regions().next(), Some("us-east-1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStoreUse {
    table_name: String,
    logical_name: String,
    regions: Vec<String>,
}

impl KeyStoreUse {
    /// The use of a key store: the name of its table, the name that its records are bound to, and the
    /// regions where it may be read, the local one first.
    pub fn new(
        table_name: impl Into<String>,
        logical_name: impl Into<String>,
        regions: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            table_name: table_name.into(),
            logical_name: logical_name.into(),
            regions: regions.into_iter().map(Into::into).collect(),
        }
    }

    /// The name of the table in DynamoDB.
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.table_name
    }

    /// The name that KMS knows the key store by, whatever its table is called.
    #[must_use]
    pub fn logical_name(&self) -> &str {
        &self.logical_name
    }

    /// The regions where it may be read: the local one first, then those where a fallback policy, or
    /// the same program elsewhere, may read it.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.regions.iter().map(String::as_str)
    }
}
