//! Canonical bytes to values.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{MAX_DEPTH, TypeId};
use crate::cursor::Cursor;
use crate::error::{Malformed, ValueError};

/// The value that these bytes stand for. Text and binary take the bytes over without a copy.
pub(crate) fn decode(type_id: TypeId, bytes: Vec<u8>) -> Result<AttributeValue, ValueError> {
    match type_id {
        TypeId::String => String::from_utf8(bytes)
            .map(AttributeValue::S)
            .map_err(|_| ValueError::NotUtf8),
        TypeId::Binary => Ok(AttributeValue::B(Blob::new(bytes))),
        _ => decode_slice(type_id, &bytes, 1),
    }
}

fn decode_slice(type_id: TypeId, bytes: &[u8], depth: u32) -> Result<AttributeValue, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    let mut cursor = Cursor::new("value", bytes);
    let value = match type_id {
        TypeId::Null => AttributeValue::Null(true),
        TypeId::Boolean => AttributeValue::Bool(boolean(&mut cursor)?),
        TypeId::String => AttributeValue::S(text(cursor.take(bytes.len())?)?),
        TypeId::Number => AttributeValue::N(text(cursor.take(bytes.len())?)?),
        TypeId::Binary => AttributeValue::B(Blob::new(cursor.take(bytes.len())?)),
        TypeId::StringSet => AttributeValue::Ss(texts(&mut cursor)?),
        TypeId::NumberSet => AttributeValue::Ns(texts(&mut cursor)?),
        TypeId::BinarySet => {
            AttributeValue::Bs(members(&mut cursor)?.into_iter().map(Blob::new).collect())
        }
        TypeId::Map => map(&mut cursor, depth)?,
        TypeId::List => list(&mut cursor, depth)?,
    };
    cursor.finish()?;
    Ok(value)
}

fn boolean(cursor: &mut Cursor<'_>) -> Result<bool, ValueError> {
    match cursor.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ValueError::Malformed),
    }
}

fn text(bytes: &[u8]) -> Result<String, ValueError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| ValueError::NotUtf8)
}

fn texts(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ValueError> {
    members(cursor)?.into_iter().map(text).collect()
}

/// The members of a set in the order they have; their order is not checked, their uniqueness is.
fn members<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<&'a [u8]>, ValueError> {
    let count = cursor.u32()?;
    let mut members = Vec::with_capacity(fitting(count, cursor, MIN_MEMBER_LEN));
    for _ in 0..count {
        members.push(cursor.u32_prefixed()?);
    }
    // Ours are in order already, and then there is nothing to copy.
    if members.is_sorted_by(|a, b| a < b) {
        return Ok(members);
    }
    let mut sorted = members.clone();
    sorted.sort_unstable();
    if sorted
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a == b))
    {
        return Err(ValueError::DuplicateMember);
    }
    Ok(members)
}

/// A length.
const MIN_MEMBER_LEN: usize = 4;
/// A type id and a length.
const MIN_ELEMENT_LEN: usize = 6;
/// A key of one byte with type id and length, and an element.
const MIN_ENTRY_LEN: usize = 13;

/// A count, but for no more than the bytes that are left can hold: what is reserved follows the
/// input's size, never a number in it.
fn fitting(count: u32, cursor: &Cursor<'_>, min_len: usize) -> usize {
    usize::try_from(count)
        .unwrap_or(usize::MAX)
        .min(cursor.remaining() / min_len)
}

fn map(cursor: &mut Cursor<'_>, depth: u32) -> Result<AttributeValue, ValueError> {
    let mut value = AttributeValue::M(Default::default());
    let AttributeValue::M(entries) = &mut value else {
        return Err(ValueError::Malformed);
    };
    let count = cursor.u32()?;
    entries.reserve(fitting(count, cursor, MIN_ENTRY_LEN));
    for _ in 0..count {
        if *cursor.array()? != TypeId::String.to_bytes() {
            return Err(ValueError::Malformed);
        }
        let key = text(cursor.u32_prefixed()?)?;
        if entries.insert(key, nested(cursor, depth)?).is_some() {
            return Err(ValueError::DuplicateMember);
        }
    }
    Ok(value)
}

fn list(cursor: &mut Cursor<'_>, depth: u32) -> Result<AttributeValue, ValueError> {
    let count = cursor.u32()?;
    let mut elements = Vec::with_capacity(fitting(count, cursor, MIN_ELEMENT_LEN));
    for _ in 0..count {
        elements.push(nested(cursor, depth)?);
    }
    Ok(AttributeValue::L(elements))
}

fn nested(cursor: &mut Cursor<'_>, depth: u32) -> Result<AttributeValue, ValueError> {
    let type_id = TypeId::from_bytes(*cursor.array()?).ok_or(ValueError::UnknownType)?;
    decode_slice(type_id, cursor.u32_prefixed()?, depth + 1)
}

impl From<Malformed> for ValueError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::encode_to;

    #[test]
    fn refuses_bytes_that_are_too_few_too_many_or_impossible() {
        for (type_id, bytes) in [
            (TypeId::Null, &[0][..]),
            (TypeId::Boolean, &[]),
            (TypeId::Boolean, &[2]),
            (TypeId::Boolean, &[1, 1]),
            (TypeId::StringSet, &[0, 0, 0, 1]),
            (TypeId::StringSet, &[0, 0, 0, 0, 0]),
            (TypeId::List, &[0xff, 0xff, 0xff, 0xff]),
            (
                TypeId::Map,
                &[0, 0, 0, 1, 0, 2, 0, 0, 0, 1, b'k', 0, 0, 0, 0, 0, 0],
            ),
        ] {
            assert_eq!(
                decode(type_id, bytes.to_vec()),
                Err(ValueError::Malformed),
                "{type_id:?} {bytes:?}"
            );
        }
        assert_eq!(decode(TypeId::String, vec![0xff]), Err(ValueError::NotUtf8));
    }

    #[test]
    fn refuses_duplicate_members_and_keys() {
        let set = b"\0\0\0\x02\0\0\0\x01a\0\0\0\x01a".to_vec();
        assert_eq!(
            decode(TypeId::StringSet, set),
            Err(ValueError::DuplicateMember)
        );
        let entry = b"\0\x01\0\0\0\x01k\0\0\0\0\0\0";
        let map = [&[0, 0, 0, 2][..], entry, entry].concat();
        assert_eq!(decode(TypeId::Map, map), Err(ValueError::DuplicateMember));
    }

    #[test]
    fn refuses_level_33_and_unknown_types() {
        let nest = |levels: u32| {
            (1..levels).fold((TypeId::Null, Vec::new()), |(type_id, inner), _| {
                let len = u32::try_from(inner.len()).unwrap();
                let list = [
                    &[0, 0, 0, 1][..],
                    &type_id.to_bytes(),
                    &len.to_be_bytes(),
                    &inner,
                ]
                .concat();
                (TypeId::List, list)
            })
        };
        let (type_id, bytes) = nest(32);
        assert!(decode(type_id, bytes).is_ok());
        let (type_id, bytes) = nest(33);
        assert_eq!(decode(type_id, bytes), Err(ValueError::TooDeep));
        let unknown = vec![0, 0, 0, 1, 9, 9, 0, 0, 0, 0];
        assert_eq!(decode(TypeId::List, unknown), Err(ValueError::UnknownType));
    }

    #[test]
    fn null_false_comes_back_as_null_true() {
        let mut bytes = Vec::new();
        encode_to(&AttributeValue::Null(false), &mut bytes).unwrap();
        assert_eq!(decode(TypeId::Null, bytes), Ok(AttributeValue::Null(true)));
    }
}
