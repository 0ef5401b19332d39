//! Opening, as steps of one owner: `Parsed -> Unwrapped -> Committed -> Verified`.
//!
//! Each step consumes the one before it and holds what was checked, so that no check can be skipped
//! and none can be used for another item. Fields can be decrypted on [`Verified`] alone.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::canonical_record::{CanonicalHash, CanonicalRecord, PATH_ROOM};
use super::item_keys::{FieldKeys, ItemKeys};
use crate::context::{self, EncryptionContext, Entries};
use crate::crypto::aead::TAG_LEN;
use crate::crypto::signature::{self, PUBLIC_KEY_LEN};
use crate::crypto::{Unauthentic, mac};
use crate::error::{
    AttributeIssue, AuthenticationFailed, ContextConflict, InvalidAttribute, Malformed, OpenError,
};
use crate::format::canonical_path::CanonicalPath;
use crate::format::footer::Footer;
use crate::format::header::Header;
use crate::format::legend::LegendByte;
use crate::materials::{CallBudget, DecryptRequest, Opened};
use crate::value::{TYPE_ID_LEN, Terminal, TypeId};

/// One signed field of an item that is being opened.
pub(crate) struct StoredField<'a> {
    pub(crate) path: CanonicalPath<'a>,
    /// What the header's legend says of it.
    pub(crate) legend: LegendByte,
    /// The stored value; of an encrypted field the bytes are `type id ‖ ciphertext ‖ tag`.
    pub(crate) stored: Terminal<'a>,
}

/// The plaintext of one encrypted field.
pub(crate) struct DecryptedField {
    /// Its place among all fields.
    pub(crate) index: usize,
    pub(crate) type_id: TypeId,
    pub(crate) bytes: Vec<u8>,
}

/// A header, a footer and fields that fit each other. Nothing is authenticated yet.
pub(crate) struct Parsed<'a> {
    header: Header<'a>,
    footer: Footer<'a>,
    context: EncryptionContext,
    fields: Vec<StoredField<'a>>,
}

impl<'a> Parsed<'a> {
    /// `rebuilt` is the part of the encryption context that follows from the item. The fields must
    /// be in canonical order.
    pub(crate) fn new(
        mut header: Header<'a>,
        footer: &'a [u8],
        rebuilt: Entries,
        fields: Vec<StoredField<'a>>,
    ) -> Result<Self, OpenError> {
        debug_assert!(
            fields.is_sorted_by(|a, b| a.path < b.path),
            "canonical order"
        );
        let footer = Footer::parse(footer, header.suite, header.encrypted_data_keys.len())?;
        let mut entries = std::mem::take(&mut header.stored_context);
        check_stored(&entries, &rebuilt)?;
        for (key, value) in rebuilt {
            let stored = entries.insert(Arc::clone(&key), Arc::clone(&value));
            if stored.is_some_and(|stored| stored != value) {
                return Err(ContextConflict::new(&*key).into());
            }
        }
        if entries.contains_key(context::PUBLIC_KEY) != header.suite.is_signing() {
            return Err(ContextConflict::new(context::PUBLIC_KEY).into());
        }
        let context = EncryptionContext::new(entries)
            .map_err(|_| Malformed::new("encryption context", "an entry is over 65535 bytes"))?;
        Ok(Self {
            header,
            footer,
            context,
            fields,
        })
    }

    /// The complete encryption context.
    pub(crate) fn context(&self) -> &EncryptionContext {
        &self.context
    }

    pub(crate) fn request<'r>(&'r self, budget: Option<&'r CallBudget>) -> DecryptRequest<'r> {
        DecryptRequest::new(
            self.header.suite,
            &self.context,
            &self.header.encrypted_data_keys,
        )
        .within(budget)
    }

    /// Takes what a keyring opened for [`request`](Self::request).
    pub(crate) fn unwrap_key(self, opened: Opened) -> Unwrapped<'a> {
        Unwrapped {
            parsed: self,
            opened,
        }
    }
}

/// There is a data key. Whether it is the one this item was sealed under is not known.
pub(crate) struct Unwrapped<'a> {
    parsed: Parsed<'a>,
    opened: Opened,
}

impl<'a> Unwrapped<'a> {
    /// Checks that the header commits to this data key.
    pub(crate) fn check_commitment(self) -> Result<Committed<'a>, AuthenticationFailed> {
        let header = &self.parsed.header;
        let keys = ItemKeys::new(&self.opened.keys.data_key, header.message_id);
        mac::verify_equal(&keys.commitment(header.partial), header.commitment)?;
        Ok(Committed {
            unwrapped: self,
            keys,
        })
    }
}

/// The header belongs to this data key.
pub(crate) struct Committed<'a> {
    unwrapped: Unwrapped<'a>,
    keys: ItemKeys,
}

impl<'a> Committed<'a> {
    /// Checks the tag of the recipient that opened, and the signature if the suite has one.
    ///
    /// The tag is the one at the opened key's own place: another recipient's tag proves nothing to
    /// this reader.
    pub(crate) fn verify_footer(self) -> Result<Verified<'a>, AuthenticationFailed> {
        let Unwrapped { parsed, opened } = &self.unwrapped;
        let hash = parsed.canonical_hash();
        let tag = parsed.footer.tag(opened.index).ok_or(Unauthentic)?;
        mac::verify_hmac_sha384(
            opened.keys.symmetric_signing_key.0.expose(),
            hash.as_bytes(),
            tag,
        )?;
        parsed.verify_signature(&hash)?;
        Ok(Verified {
            unwrapped: self.unwrapped,
            keys: self.keys,
        })
    }
}

impl Parsed<'_> {
    fn canonical_hash(&self) -> CanonicalHash {
        let mut record = CanonicalRecord::new(self.header.complete, &self.context);
        for StoredField {
            path,
            legend,
            stored,
        } in &self.fields
        {
            match legend {
                LegendByte::EncryptAndSign => record.encrypted(path, &stored.bytes),
                LegendByte::SignOnly | LegendByte::SignAndInclude => record.plaintext(path, stored),
            }
        }
        record.finish()
    }

    /// A signing suite, a public key in the context and a signature in the footer: all or none.
    fn verify_signature(&self, hash: &CanonicalHash) -> Result<(), Unauthentic> {
        let public_key = self.context.get(context::PUBLIC_KEY);
        match (
            self.header.suite.is_signing(),
            public_key,
            self.footer.signature(),
        ) {
            (false, None, None) => Ok(()),
            (true, Some(public_key), Some(signature)) => {
                let point = decode_public_key(public_key)?;
                signature::verify(&point, hash.as_bytes(), signature)
            }
            _ => Err(Unauthentic),
        }
    }
}

fn decode_public_key(text: &str) -> Result<[u8; PUBLIC_KEY_LEN], Unauthentic> {
    // Whole groups of three: base64 0.21 wants room for the padding as well.
    let mut bytes = [0; PUBLIC_KEY_LEN.next_multiple_of(3)];
    let len = STANDARD
        .decode_slice(text, &mut bytes)
        .map_err(|_| Unauthentic)?;
    let point = bytes.get(..len).ok_or(Unauthentic)?;
    point.try_into().map_err(|_| Unauthentic)
}

/// Everything signed is as it was when the item was sealed.
pub(crate) struct Verified<'a> {
    unwrapped: Unwrapped<'a>,
    keys: ItemKeys,
}

impl<'a> Verified<'a> {
    /// Decrypts every encrypted field. If one fails, none is released.
    pub(crate) fn decrypt_fields(&self) -> Result<Vec<DecryptedField>, OpenError> {
        let mut field_keys = self.keys.field_keys();
        let mut aad = Vec::with_capacity(PATH_ROOM);
        let encrypted = self
            .unwrapped
            .parsed
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.is_encrypted());
        encrypted
            .map(|(index, field)| {
                field.path.write_to(&mut aad);
                field.decrypt(&mut field_keys, &aad, index)
            })
            .collect()
    }

    pub(crate) fn header(&self) -> &Header<'a> {
        &self.unwrapped.parsed.header
    }

    pub(crate) fn opened(&self) -> &Opened {
        &self.unwrapped.opened
    }

    /// The complete encryption context, which the footer covers.
    pub(crate) fn context(&self) -> &EncryptionContext {
        self.unwrapped.parsed.context()
    }

    /// The complete context, and what was done to the field at each place.
    pub(crate) fn into_parts(self) -> (EncryptionContext, Vec<LegendByte>) {
        let parsed = self.unwrapped.parsed;
        (parsed.context, parsed.header.legend)
    }
}

/// Refuses a header that adds attributes to those that the item has.
///
/// Whoever reads an attribute out of the context, such as a keyring that takes the tenant from there, must
/// get what the item says, and not what only the header does.
fn check_stored(stored: &Entries, rebuilt: &Entries) -> Result<(), ContextConflict> {
    let is_of_item =
        |key: &str| key == context::LEGEND || key.starts_with(context::ATTRIBUTE_PREFIX);
    let mut foreign = stored.keys().filter(|key| !rebuilt.contains_key(*key));
    match foreign.find(|key| is_of_item(key)) {
        Some(key) => Err(ContextConflict::new(&**key)),
        None => Ok(()),
    }
}

impl StoredField<'_> {
    fn is_encrypted(&self) -> bool {
        self.legend == LegendByte::EncryptAndSign
    }

    fn decrypt(
        &self,
        keys: &mut FieldKeys,
        aad: &[u8],
        index: usize,
    ) -> Result<DecryptedField, OpenError> {
        let malformed = |issue| InvalidAttribute::new(self.path.name(), issue);
        let (type_id, sealed) = self
            .stored
            .bytes
            .split_first_chunk::<TYPE_ID_LEN>()
            .ok_or_else(|| malformed(AttributeIssue::TooShort))?;
        let len = sealed
            .len()
            .checked_sub(TAG_LEN)
            .ok_or_else(|| malformed(AttributeIssue::TooShort))?;
        let mut bytes = vec![0; len];
        keys.with_next(|key, nonce| key.open_to(nonce, aad, sealed, &mut bytes))
            .unwrap_or(Err(Unauthentic))
            .map_err(AuthenticationFailed::from)?;
        let type_id = TypeId::from_bytes(*type_id).ok_or_else(|| {
            malformed(AttributeIssue::Value(crate::error::ValueError::UnknownType))
        })?;
        Ok(DecryptedField {
            index,
            type_id,
            bytes,
        })
    }
}

impl From<Unauthentic> for AuthenticationFailed {
    fn from(_: Unauthentic) -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_public_key_of_a_signing_suite() {
        let point = [2; PUBLIC_KEY_LEN];
        let text = STANDARD.encode(point);
        assert_eq!(text.len(), 68);
        assert_eq!(decode_public_key(&text), Ok(point));
    }

    #[test]
    fn refuses_a_public_key_of_another_length() {
        for len in [0, 1, PUBLIC_KEY_LEN - 1, PUBLIC_KEY_LEN + 1, 97] {
            let text = STANDARD.encode(vec![2; len]);
            assert_eq!(decode_public_key(&text), Err(Unauthentic), "{len} bytes");
        }
    }
}
