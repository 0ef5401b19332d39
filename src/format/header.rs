//! The header: version, suite, legend, stored context, encrypted data keys, commitment.

use std::sync::Arc;

use super::encrypted_data_key::EncryptedDataKey;
use super::legend::LegendByte;
use crate::context::{self, Entries};
use crate::cursor::Cursor;
use crate::error::Malformed;
use crate::suite::AlgorithmSuite;

pub(crate) const MESSAGE_ID_LEN: usize = 32;
pub(crate) const COMMITMENT_LEN: usize = 32;

const PART: &str = "header";

/// Random bytes that make the keys of two items under one data key differ.
#[derive(Clone, Copy)]
pub(crate) struct MessageId(pub(crate) [u8; MESSAGE_ID_LEN]);

/// The header's version byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Only the keys are in the encryption context.
    V1,
    /// Every attribute whose legend byte is `c` is in the encryption context.
    V2,
}

impl Version {
    pub(crate) const fn to_byte(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// A header as it was received.
pub(crate) struct Header<'a> {
    pub(crate) version: Version,
    pub(crate) suite: AlgorithmSuite,
    pub(crate) message_id: MessageId,
    pub(crate) legend: Vec<LegendByte>,
    pub(crate) stored_context: Entries,
    pub(crate) encrypted_data_keys: Vec<EncryptedDataKey>,
    pub(crate) commitment: &'a [u8; COMMITMENT_LEN],
    /// Everything before the commitment, which commits to it.
    pub(crate) partial: &'a [u8],
    /// All bytes, which the footer signs.
    pub(crate) complete: &'a [u8],
}

impl<'a> Header<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(PART, bytes);
        let version = match cursor.u8()? {
            1 => Version::V1,
            2 => Version::V2,
            _ => return Err(cursor.malformed("unknown format version")),
        };
        let suite = AlgorithmSuite::from_flavor(cursor.u8()?)
            .ok_or_else(|| cursor.malformed("unknown flavor"))?;
        let message_id = MessageId(*cursor.array()?);
        let legend = parse_legend(&mut cursor)?;
        let stored_context = parse_context(&mut cursor)?;
        let encrypted_data_keys = parse_encrypted_data_keys(&mut cursor)?;
        let partial = cursor.consumed();
        let commitment = cursor.array()?;
        cursor.finish()?;
        Ok(Self {
            version,
            suite,
            message_id,
            legend,
            stored_context,
            encrypted_data_keys,
            commitment,
            partial,
            complete: bytes,
        })
    }
}

fn parse_legend(cursor: &mut Cursor<'_>) -> Result<Vec<LegendByte>, Malformed> {
    let bytes = cursor.u16_prefixed()?;
    bytes
        .iter()
        .map(|byte| LegendByte::from_byte(*byte))
        .collect::<Option<_>>()
        .ok_or_else(|| cursor.malformed("unknown byte in the encrypt legend"))
}

fn parse_context(cursor: &mut Cursor<'_>) -> Result<Entries, Malformed> {
    let count = cursor.u16()?;
    let mut entries = Entries::new();
    let mut last: Option<Arc<str>> = None;
    for _ in 0..count {
        let key: Arc<str> = cursor.u16_prefixed_text()?.into();
        let value = cursor.u16_prefixed_text()?.into();
        if last.is_some_and(|last| last >= key) {
            return Err(cursor.malformed("encryption context is not in ascending order"));
        }
        last = Some(Arc::clone(&key));
        entries.insert(key, value);
    }
    Ok(entries)
}

fn parse_encrypted_data_keys(cursor: &mut Cursor<'_>) -> Result<Vec<EncryptedDataKey>, Malformed> {
    let count = cursor.u8()?;
    if count == 0 {
        return Err(cursor.malformed("no encrypted data key"));
    }
    // Collected one by one: an untrusted count reserves nothing.
    (0..count)
        .map(|_| EncryptedDataKey::parse(cursor))
        .collect()
}

/// The bytes before the commitment, made when sealing.
pub(crate) struct PartialHeader(Vec<u8>);

/// A list in the header is longer than its length field can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderTooLong {
    Legend,
    Context,
    EncryptedDataKeys,
}

impl PartialHeader {
    pub(crate) fn new(
        version: Version,
        suite: AlgorithmSuite,
        message_id: &MessageId,
        legend: &[LegendByte],
        stored_context: &Entries,
        encrypted_data_keys: &[EncryptedDataKey],
    ) -> Result<Self, HeaderTooLong> {
        let context = context::serialize(stored_context).map_err(|_| HeaderTooLong::Context)?;
        let edks_len: usize = encrypted_data_keys
            .iter()
            .map(EncryptedDataKey::serialized_len)
            .sum();
        let fixed_len = 2 + MESSAGE_ID_LEN + 2 + 1 + COMMITMENT_LEN;
        let mut out = Vec::with_capacity(fixed_len + legend.len() + context.len() + edks_len);
        out.extend_from_slice(&[version.to_byte(), suite.flavor()]);
        out.extend_from_slice(&message_id.0);
        put_legend(&mut out, legend).ok_or(HeaderTooLong::Legend)?;
        out.extend_from_slice(&context);
        put_encrypted_data_keys(&mut out, encrypted_data_keys)
            .ok_or(HeaderTooLong::EncryptedDataKeys)?;
        Ok(Self(out))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The complete header.
    pub(crate) fn commit(mut self, commitment: &[u8; COMMITMENT_LEN]) -> Vec<u8> {
        self.0.extend_from_slice(commitment);
        self.0
    }
}

fn put_legend(out: &mut Vec<u8>, legend: &[LegendByte]) -> Option<()> {
    out.extend_from_slice(&u16::try_from(legend.len()).ok()?.to_be_bytes());
    out.extend(legend.iter().map(|byte| byte.to_byte()));
    Some(())
}

fn put_encrypted_data_keys(out: &mut Vec<u8>, keys: &[EncryptedDataKey]) -> Option<()> {
    let count = u8::try_from(keys.len()).ok().filter(|count| *count > 0)?;
    out.push(count);
    keys.iter().try_for_each(|key| key.write_to(out))
}
