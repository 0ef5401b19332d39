//! What an encrypted data key holds after the wrapped data key, in version 1.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | version, `01` |
//! | 1 | 16 | table key id |
//! | 17 | 32 | salt |
//! | 49 | 48 | ciphertext and tag of the intermediate key |
//! | 97 | 2 | length of the KMS ciphertext, 1 to 6144 |
//! | 99 | n | KMS ciphertext |

use std::fmt;

use crate::crypto::aead::TAG_LEN;
use crate::cursor::{Cursor, put_u16_prefixed};
use crate::error::{KeyringErrorKind, Malformed};
use crate::secret::IntermediateKey;

const VERSION: u8 = 1;
/// KMS takes no longer ciphertext.
const MAX_KMS_CIPHERTEXT: usize = 6144;

pub(super) const SALT_LEN: usize = 32;
pub(super) const SEALED_LEN: usize = IntermediateKey::LEN + TAG_LEN;

/// Everything before the KMS ciphertext.
const FIXED_LEN: usize = 1 + TableKeyId::LEN + SALT_LEN + SEALED_LEN + 2;

/// Names a table key: random, and in the encryption context of the calls for it, where it connects items
/// with the log of KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableKeyId([u8; Self::LEN]);

impl TableKeyId {
    pub(super) const LEN: usize = 16;

    pub(super) const fn new(id: [u8; Self::LEN]) -> Self {
        Self(id)
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// 32 lower-case hexadecimal digits.
impl fmt::Display for TableKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A body taken apart. Nothing of it is authentic yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Body<'a> {
    pub(super) id: TableKeyId,
    pub(super) salt: &'a [u8; SALT_LEN],
    /// Ciphertext and tag of the intermediate key.
    pub(super) sealed: &'a [u8; SEALED_LEN],
    pub(super) kms_ciphertext: &'a [u8],
}

/// Why bytes are no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotABody {
    /// Of a version to come, or garbage.
    UnknownVersion,
    Malformed,
}

impl<'a> Body<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, NotABody> {
        let mut cursor = Cursor::new("table key", bytes);
        if cursor.u8()? != VERSION {
            return Err(NotABody::UnknownVersion);
        }
        let body = Self {
            id: TableKeyId(*cursor.array()?),
            salt: cursor.array()?,
            sealed: cursor.array()?,
            kms_ciphertext: cursor.u16_prefixed()?,
        };
        cursor.finish()?;
        if is_kms_ciphertext(body.kms_ciphertext) {
            Ok(body)
        } else {
            Err(NotABody::Malformed)
        }
    }

    /// The bytes; `None` if the KMS ciphertext is empty or too long.
    pub(super) fn to_bytes(self) -> Option<Vec<u8>> {
        if !is_kms_ciphertext(self.kms_ciphertext) {
            return None;
        }
        let mut out = Vec::with_capacity(FIXED_LEN + self.kms_ciphertext.len());
        out.push(VERSION);
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(self.salt);
        out.extend_from_slice(self.sealed);
        put_u16_prefixed(&mut out, self.kms_ciphertext)?;
        Some(out)
    }
}

/// Whether these bytes fit a body as what KMS answered.
pub(super) fn is_kms_ciphertext(bytes: &[u8]) -> bool {
    (1..=MAX_KMS_CIPHERTEXT).contains(&bytes.len())
}

impl From<Malformed> for NotABody {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<NotABody> for KeyringErrorKind {
    fn from(problem: NotABody) -> Self {
        match problem {
            NotABody::UnknownVersion => Self::UnknownVersion,
            NotABody::Malformed => Self::InvalidEncryptedDataKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TableKeyId = TableKeyId::new([0x1f; 16]);

    fn body(kms_ciphertext: &[u8]) -> Body<'_> {
        Body {
            id: ID,
            salt: &[2; SALT_LEN],
            sealed: &[3; SEALED_LEN],
            kms_ciphertext,
        }
    }

    #[test]
    fn parses_what_it_writes() {
        let longest = vec![9; 6144];
        for kms_ciphertext in [&[9; 1][..], &[9; 184], &longest] {
            let body = body(kms_ciphertext);
            let bytes = body.to_bytes().unwrap();
            assert_eq!(bytes.len(), 99 + kms_ciphertext.len());
            assert_eq!(Body::parse(&bytes), Ok(body));
        }
    }

    #[test]
    fn puts_every_field_at_its_offset() {
        let bytes = body(b"blob").to_bytes().unwrap();
        assert_eq!(bytes[0], 1);
        assert_eq!(bytes[1..17], [0x1f; 16]);
        assert_eq!(bytes[17..49], [2; 32]);
        assert_eq!(bytes[49..97], [3; 48]);
        assert_eq!(bytes[97..99], [0, 4]);
        assert_eq!(&bytes[99..], b"blob");
    }

    #[test]
    fn refuses_a_ciphertext_that_is_empty_or_too_long() {
        assert_eq!(body(b"").to_bytes(), None);
        assert_eq!(body(&[9; 6145]).to_bytes(), None);
        let mut empty = body(b"x").to_bytes().unwrap();
        empty.truncate(99);
        empty[98] = 0;
        assert_eq!(Body::parse(&empty), Err(NotABody::Malformed));
        let mut long = body(&[9; 6144]).to_bytes().unwrap();
        long[97..99].copy_from_slice(&6145_u16.to_be_bytes());
        long.push(9);
        assert_eq!(Body::parse(&long), Err(NotABody::Malformed));
    }

    #[test]
    fn refuses_every_other_length() {
        let bytes = body(b"blob").to_bytes().unwrap();
        for len in 0..bytes.len() {
            assert_eq!(
                Body::parse(&bytes[..len]),
                Err(NotABody::Malformed),
                "{len}"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Body::parse(&longer), Err(NotABody::Malformed));
    }

    #[test]
    fn tells_another_version_from_garbage() {
        let mut bytes = body(b"blob").to_bytes().unwrap();
        for version in (0..=u8::MAX).filter(|version| *version != 1) {
            bytes[0] = version;
            assert_eq!(Body::parse(&bytes), Err(NotABody::UnknownVersion));
            assert_eq!(Body::parse(&[version]), Err(NotABody::UnknownVersion));
        }
    }

    #[test]
    fn prints_an_id_as_32_lower_case_digits() {
        let id = TableKeyId::new(*b"\x00\x01\x0a\xff0123456789ab");
        assert_eq!(id.to_string(), "00010aff303132333435363738396162");
    }
}
