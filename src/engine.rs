//! Encrypts, verifies and decrypts the fields of one item. Pure: sees neither a keyring nor an
//! attribute value, only paths and bytes.

mod canonical_record;
mod decrypt;
mod encrypt;
mod item_keys;

pub(crate) use decrypt::{Parsed, StoredField, Verified};
pub(crate) use encrypt::{FieldBytes, SealField, SealedParts, encrypt};
