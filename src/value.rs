//! Attribute values and their canonical bytes. Pure; below `item`, the only room that names
//! [`AttributeValue`].

mod decode;
mod encode;
mod number;

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;

pub(crate) use decode::decode;
pub(crate) use encode::{encode_to, expected_len};

use crate::error::ValueError;

/// Lists and maps may nest this deep; the value of an attribute is level 1.
pub(crate) const MAX_DEPTH: u32 = 32;

/// Two bytes that say which type the bytes after them have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeId {
    Null,
    String,
    Number,
    Boolean,
    Binary,
    StringSet,
    NumberSet,
    BinarySet,
    Map,
    List,
}

/// Bytes in a type id.
pub(crate) const TYPE_ID_LEN: usize = 2;

impl TypeId {
    pub(crate) const fn to_bytes(self) -> [u8; TYPE_ID_LEN] {
        match self {
            Self::Null => [0x00, 0x00],
            Self::String => [0x00, 0x01],
            Self::Number => [0x00, 0x02],
            Self::Boolean => [0x00, 0x04],
            Self::Binary => [0xff, 0xff],
            Self::StringSet => [0x01, 0x01],
            Self::NumberSet => [0x01, 0x02],
            Self::BinarySet => [0x01, 0xff],
            Self::Map => [0x02, 0x00],
            Self::List => [0x03, 0x00],
        }
    }

    pub(crate) const fn from_bytes(bytes: [u8; TYPE_ID_LEN]) -> Option<Self> {
        Some(match bytes {
            [0x00, 0x00] => Self::Null,
            [0x00, 0x01] => Self::String,
            [0x00, 0x02] => Self::Number,
            [0x00, 0x04] => Self::Boolean,
            [0xff, 0xff] => Self::Binary,
            [0x01, 0x01] => Self::StringSet,
            [0x01, 0x02] => Self::NumberSet,
            [0x01, 0xff] => Self::BinarySet,
            [0x02, 0x00] => Self::Map,
            [0x03, 0x00] => Self::List,
            _ => return None,
        })
    }

    pub(crate) const fn of(value: &AttributeValue) -> Result<Self, ValueError> {
        Ok(match value {
            AttributeValue::Null(_) => Self::Null,
            AttributeValue::S(_) => Self::String,
            AttributeValue::N(_) => Self::Number,
            AttributeValue::Bool(_) => Self::Boolean,
            AttributeValue::B(_) => Self::Binary,
            AttributeValue::Ss(_) => Self::StringSet,
            AttributeValue::Ns(_) => Self::NumberSet,
            AttributeValue::Bs(_) => Self::BinarySet,
            AttributeValue::M(_) => Self::Map,
            AttributeValue::L(_) => Self::List,
            _ => return Err(ValueError::UnknownType),
        })
    }
}

/// The canonical bytes of one attribute value, borrowed where they are the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terminal<'a> {
    pub(crate) type_id: TypeId,
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl<'a> Terminal<'a> {
    pub(crate) fn of(value: &'a AttributeValue) -> Result<Self, ValueError> {
        let type_id = TypeId::of(value)?;
        let bytes = match value {
            AttributeValue::Null(_) => Cow::Borrowed([].as_slice()),
            AttributeValue::S(text) => Cow::Borrowed(text.as_bytes()),
            AttributeValue::B(blob) => Cow::Borrowed(blob.as_ref()),
            AttributeValue::Bool(bit) => Cow::Borrowed(boolean(*bit).as_slice()),
            AttributeValue::N(text) => match number::normalize(text)? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            _ => {
                let mut out = Vec::with_capacity(expected_len(value));
                encode_to(value, &mut out)?;
                Cow::Owned(out)
            }
        };
        Ok(Self { type_id, bytes })
    }
}

const fn boolean(bit: bool) -> &'static [u8; 1] {
    if bit { &[1] } else { &[0] }
}
