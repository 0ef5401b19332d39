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

/// Room for most canonical paths, so that few buffers for one grow.
pub(super) const PATH_ROOM: usize = 256;

/// A canonical record in the making. Fields must come in canonical order.
pub(super) struct CanonicalRecord {
    hasher: Sha384Hasher,
    /// What stands before a value, put together so that it is hashed at one go.
    preamble: Vec<u8>,
}

impl CanonicalRecord {
    /// Starts with the complete header and the complete encryption context.
    pub(super) fn new(header: &[u8], context: &EncryptionContext) -> Self {
        let mut hasher = Sha384Hasher::new();
        hasher.update(header);
        let aad = context.as_serialized();
        hasher.update(&length(aad.len()));
        hasher.update(aad);
        Self {
            hasher,
            preamble: Vec::with_capacity(PATH_ROOM),
        }
    }

    /// A field that is stored as `type id ‖ ciphertext ‖ tag`.
    pub(super) fn encrypted(&mut self, path: &CanonicalPath<'_>, stored: &[u8]) {
        self.start(path, stored.len().saturating_sub(TYPE_ID_LEN), b"ENCRYPTED");
        self.finish_field(stored);
    }

    /// A field that is stored in clear.
    pub(super) fn plaintext(&mut self, path: &CanonicalPath<'_>, value: &Terminal<'_>) {
        self.start(path, value.bytes.len(), b"PLAINTEXT");
        self.preamble.extend_from_slice(&value.type_id.to_bytes());
        self.finish_field(&value.bytes);
    }

    /// The path, the length of the value without its type id, and how it is stored.
    fn start(&mut self, path: &CanonicalPath<'_>, value_len: usize, stored_as: &[u8]) {
        path.write_to(&mut self.preamble);
        self.preamble.extend_from_slice(&length(value_len));
        self.preamble.extend_from_slice(stored_as);
    }

    fn finish_field(&mut self, value: &[u8]) {
        self.hasher.update(&self.preamble);
        self.hasher.update(value);
    }

    pub(super) fn finish(self) -> CanonicalHash {
        CanonicalHash(self.hasher.finish())
    }
}

fn length(len: usize) -> [u8; 8] {
    (len as u64).to_be_bytes()
}
