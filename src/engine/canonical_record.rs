//! The canonical record: what the footer's tags and signature cover, hashed as it is produced.

use crate::context::EncryptionContext;
use crate::crypto::hash::Sha384Hasher;
use crate::format::canonical_path::CanonicalPath;
use crate::value::{TYPE_ID_LEN, Terminal};

/// SHA-384 of the canonical record.
pub(super) struct CanonicalHash([u8; 48]);

impl CanonicalHash {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A canonical record in the making. Fields must come in canonical order.
pub(super) struct CanonicalRecord(Sha384Hasher);

impl CanonicalRecord {
    /// Starts with the complete header and the complete encryption context.
    pub(super) fn new(header: &[u8], context: &EncryptionContext) -> Self {
        let mut hasher = Sha384Hasher::new();
        hasher.update(header);
        let aad = context.as_serialized();
        hasher.update(&length(aad.len()));
        hasher.update(aad);
        Self(hasher)
    }

    /// A field that is stored as `type id ‖ ciphertext ‖ tag`.
    pub(super) fn encrypted(&mut self, path: &CanonicalPath<'_>, stored: &[u8]) {
        self.path(path, stored.len().saturating_sub(TYPE_ID_LEN));
        self.0.update(b"ENCRYPTED");
        self.0.update(stored);
    }

    /// A field that is stored in clear.
    pub(super) fn plaintext(&mut self, path: &CanonicalPath<'_>, value: &Terminal<'_>) {
        self.path(path, value.bytes.len());
        self.0.update(b"PLAINTEXT");
        self.0.update(&value.type_id.to_bytes());
        self.0.update(&value.bytes);
    }

    /// The path, and the length of the value without its type id.
    fn path(&mut self, path: &CanonicalPath<'_>, value_len: usize) {
        let (prefix, name_len, name) = path.pieces();
        self.0.update(prefix);
        self.0.update(&name_len);
        self.0.update(name);
        self.0.update(&length(value_len));
    }

    pub(super) fn finish(self) -> CanonicalHash {
        CanonicalHash(self.0.finish())
    }
}

fn length(len: usize) -> [u8; 8] {
    (len as u64).to_be_bytes()
}
