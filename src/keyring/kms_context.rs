//! What the encryption context of a keyring's requests to KMS is that of.

/// Whose context requests have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KmsContext {
    /// The item's.
    Item,
    /// A table key's.
    TableKey {
        /// The attribute whose value is in it.
        tenant_attribute: Option<String>,
    },
    /// A record's of a key store.
    KeyStore {
        logical_name: String,
        /// That of all items, if one is configured.
        branch_key_id: Option<String>,
        /// The attribute whose value is the id of an item's branch key.
        tenant_attribute: Option<String>,
    },
}
