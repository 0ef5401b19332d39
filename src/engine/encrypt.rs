//! Sealing: encrypts fields in place, then writes header and footer.

use super::canonical_record::{CanonicalHash, CanonicalRecord, PATH_ROOM};
use super::item_keys::{FieldKeys, ItemKeys};
use crate::crypto::mac::hmac_sha384;
use crate::crypto::signature::SIGNATURE_LEN;
use crate::error::{AttributeIssue, InvalidAttribute, SealError, ValueError};
use crate::format::canonical_path::CanonicalPath;
use crate::format::footer::TAG_LEN;
use crate::format::header::{HeaderTooLong, MessageId, PartialHeader, Version};
use crate::format::legend::LegendByte;
use crate::materials::EncryptionMaterials;
use crate::value::{TYPE_ID_LEN, Terminal};

/// One signed field of an item that is being sealed.
pub(crate) struct SealField<'a> {
    pub(crate) path: CanonicalPath<'a>,
    pub(crate) bytes: FieldBytes<'a>,
}

/// What a field holds, which says what is done with it.
pub(crate) enum FieldBytes<'a> {
    /// `type id ‖ plaintext` before [`encrypt`], `type id ‖ ciphertext ‖ tag` after it.
    Encrypt(Vec<u8>),
    Sign(Terminal<'a>),
    /// Signed, and in the encryption context that the materials were made with.
    Include(Terminal<'a>),
}

impl FieldBytes<'_> {
    fn legend_byte(&self) -> LegendByte {
        match self {
            Self::Encrypt(_) => LegendByte::EncryptAndSign,
            Self::Sign(_) => LegendByte::SignOnly,
            Self::Include(_) => LegendByte::SignAndInclude,
        }
    }
}

/// Header and footer of a sealed item.
pub(crate) struct SealedParts {
    pub(crate) header: Vec<u8>,
    pub(crate) footer: Vec<u8>,
}

/// Encrypts the fields in place and signs all of them. They must be in canonical order.
pub(crate) fn encrypt(
    materials: &EncryptionMaterials,
    version: Version,
    message_id: &MessageId,
    fields: &mut [SealField<'_>],
) -> Result<SealedParts, SealError> {
    debug_assert!(
        fields.is_sorted_by(|a, b| a.path < b.path),
        "canonical order"
    );
    let keys = ItemKeys::new(&materials.data_key, *message_id);
    let header = write_header(materials, version, message_id, fields, &keys)?;
    let mut field_keys = keys.field_keys();
    let mut record = CanonicalRecord::new(&header, &materials.context);
    let mut aad = Vec::with_capacity(PATH_ROOM);
    for SealField { path, bytes } in fields {
        match bytes {
            FieldBytes::Encrypt(stored) => {
                path.write_to(&mut aad);
                encrypt_field(&mut field_keys, &aad, stored).ok_or_else(|| too_long(path))?;
                record.encrypted(path, stored);
            }
            FieldBytes::Sign(value) | FieldBytes::Include(value) => record.plaintext(path, value),
        }
    }
    let footer = write_footer(materials, &record.finish())?;
    Ok(SealedParts { header, footer })
}

fn write_header(
    materials: &EncryptionMaterials,
    version: Version,
    message_id: &MessageId,
    fields: &[SealField<'_>],
    keys: &ItemKeys,
) -> Result<Vec<u8>, SealError> {
    let legend: Vec<_> = fields
        .iter()
        .map(|field| field.bytes.legend_byte())
        .collect();
    let partial = PartialHeader::new(
        version,
        materials.suite,
        message_id,
        &legend,
        &materials.stored_context,
        &materials.recipients.encrypted_data_keys,
    )?;
    let commitment = keys.commitment(partial.as_bytes());
    Ok(partial.commit(&commitment))
}

/// `None` only for lengths and counts that nothing under DynamoDB's limits reaches.
fn encrypt_field(keys: &mut FieldKeys, aad: &[u8], stored: &mut Vec<u8>) -> Option<()> {
    let plaintext = stored.get_mut(TYPE_ID_LEN..)?;
    let tag = keys
        .with_next(|key, nonce| key.seal_in_place(nonce, aad, plaintext))?
        .ok()?;
    stored.extend_from_slice(&tag);
    Some(())
}

fn write_footer(
    materials: &EncryptionMaterials,
    hash: &CanonicalHash,
) -> Result<Vec<u8>, SealError> {
    let recipients = &materials.recipients.symmetric_signing_keys;
    let mut footer = Vec::with_capacity(recipients.len() * TAG_LEN + SIGNATURE_LEN);
    for key in recipients {
        footer.extend_from_slice(&hmac_sha384(key.0.expose(), hash.as_bytes()));
    }
    if let Some(key) = &materials.signing_key {
        let signature = key
            .sign(hash.as_bytes())
            .map_err(|_| SealError::Randomness)?;
        footer.extend_from_slice(&signature);
    }
    Ok(footer)
}

fn too_long(path: &CanonicalPath<'_>) -> SealError {
    InvalidAttribute::new(path.name(), AttributeIssue::Value(ValueError::TooLong)).into()
}

impl From<HeaderTooLong> for SealError {
    fn from(error: HeaderTooLong) -> Self {
        match error {
            HeaderTooLong::Legend => Self::TooManyAttributes,
            HeaderTooLong::Context => Self::ContextTooLarge,
            HeaderTooLong::EncryptedDataKeys => Self::EncryptedDataKeys,
        }
    }
}
