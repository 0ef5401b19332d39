//! Values to canonical bytes.

use std::cmp::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{MAX_DEPTH, TypeId, boolean, number};
use crate::error::ValueError;

/// Bytes of a map key, which DynamoDB limits like an attribute name.
const MAX_MAP_KEY_LEN: usize = 65_535;

/// How many bytes [`encode_to`] will append: exact, unless numbers are not normalized.
pub(crate) fn expected_len(value: &AttributeValue) -> usize {
    /// A type id and a length.
    const NESTED: usize = 6;
    const LEN: usize = 4;
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Bool(_) => 1,
        AttributeValue::Ss(members) | AttributeValue::Ns(members) => {
            LEN + members
                .iter()
                .map(|member| LEN + member.len())
                .sum::<usize>()
        }
        AttributeValue::Bs(members) => {
            LEN + members
                .iter()
                .map(|member| LEN + member.as_ref().len())
                .sum::<usize>()
        }
        AttributeValue::M(entries) => {
            let keys: usize = entries.keys().map(|key| NESTED + key.len()).sum();
            LEN + keys
                + entries
                    .values()
                    .map(|value| NESTED + expected_len(value))
                    .sum::<usize>()
        }
        AttributeValue::L(elements) => {
            LEN + elements
                .iter()
                .map(|value| NESTED + expected_len(value))
                .sum::<usize>()
        }
        _ => 0,
    }
}

/// Appends the canonical bytes of `value` to `out`, without its type id.
pub(crate) fn encode_to(value: &AttributeValue, out: &mut Vec<u8>) -> Result<(), ValueError> {
    encode(value, 1, out)
}

fn encode(value: &AttributeValue, depth: u32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    match value {
        AttributeValue::Null(_) => {}
        AttributeValue::S(text) => out.extend_from_slice(text.as_bytes()),
        AttributeValue::N(text) => out.extend_from_slice(number::normalize(text)?.as_bytes()),
        AttributeValue::Bool(bit) => out.extend_from_slice(boolean(*bit)),
        AttributeValue::B(blob) => out.extend_from_slice(blob.as_ref()),
        AttributeValue::Ss(members) => {
            let mut members: Vec<_> = members.iter().map(String::as_str).collect();
            members.sort_unstable_by(|a, b| utf16_order(a, b));
            put_set(&members, out)?;
        }
        AttributeValue::Ns(members) => {
            let mut members = members
                .iter()
                .map(|n| number::normalize(n))
                .collect::<Result<Vec<_>, _>>()?;
            members.sort_unstable();
            let members: Vec<&str> = members.iter().map(AsRef::as_ref).collect();
            put_set(&members, out)?;
        }
        AttributeValue::Bs(members) => {
            let mut members: Vec<&[u8]> = members.iter().map(AsRef::as_ref).collect();
            members.sort_unstable();
            put_set(&members, out)?;
        }
        AttributeValue::M(entries) => {
            let mut keys: Vec<_> = entries.keys().collect();
            keys.sort_unstable_by(|a, b| utf16_order(a, b));
            put_len(keys.len(), out)?;
            for key in keys {
                put_map_key(key, out)?;
                if let Some(value) = entries.get(key) {
                    put_nested(value, depth + 1, out)?;
                }
            }
        }
        AttributeValue::L(elements) => {
            put_len(elements.len(), out)?;
            elements
                .iter()
                .try_for_each(|value| put_nested(value, depth + 1, out))?;
        }
        _ => return Err(ValueError::UnknownType),
    }
    Ok(())
}

/// Strings compare by UTF-16 units in this format, so that U+10002 sorts before U+FF61.
///
/// That is the order of the UTF-8 bytes, but for one case: a character beyond U+FFFF (first byte F0
/// and up) comes before those from U+E000 to U+FFFF (first byte EE or EF).
fn utf16_order(a: &str, b: &str) -> Ordering {
    const FIRST_OF_E000: u8 = 0xee;
    const FIRST_OF_10000: u8 = 0xf0;
    match a.bytes().zip(b.bytes()).find(|(a, b)| a != b) {
        Some((a, FIRST_OF_E000..FIRST_OF_10000)) if a >= FIRST_OF_10000 => Ordering::Less,
        Some((FIRST_OF_E000..FIRST_OF_10000, b)) if b >= FIRST_OF_10000 => Ordering::Greater,
        Some((a, b)) => a.cmp(&b),
        None => a.len().cmp(&b.len()),
    }
}

/// `u32 count ‖ (u32 len ‖ bytes)*` of members that are sorted already.
fn put_set<T: AsRef<[u8]> + PartialEq>(sorted: &[T], out: &mut Vec<u8>) -> Result<(), ValueError> {
    if sorted
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a == b))
    {
        return Err(ValueError::DuplicateMember);
    }
    put_len(sorted.len(), out)?;
    sorted
        .iter()
        .try_for_each(|member| put_prefixed(member.as_ref(), out))
}

fn put_map_key(key: &str, out: &mut Vec<u8>) -> Result<(), ValueError> {
    if key.is_empty() || key.len() > MAX_MAP_KEY_LEN {
        return Err(ValueError::MapKeyLength);
    }
    out.extend_from_slice(&TypeId::String.to_bytes());
    put_prefixed(key.as_bytes(), out)
}

/// `type id ‖ u32 len ‖ value`; the length is filled in once the value is there.
fn put_nested(value: &AttributeValue, depth: u32, out: &mut Vec<u8>) -> Result<(), ValueError> {
    out.extend_from_slice(&TypeId::of(value)?.to_bytes());
    let len_at = out.len();
    put_len(0, out)?;
    let start = out.len();
    encode(value, depth, out)?;
    let len = u32::try_from(out.len() - start).map_err(|_| ValueError::TooLong)?;
    if let Some(place) = out.get_mut(len_at..start) {
        place.copy_from_slice(&len.to_be_bytes());
    }
    Ok(())
}

fn put_prefixed(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    put_len(bytes.len(), out)?;
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_len(len: usize, out: &mut Vec<u8>) -> Result<(), ValueError> {
    let len = u32::try_from(len).map_err(|_| ValueError::TooLong)?;
    out.extend_from_slice(&len.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;

    fn bytes(value: &AttributeValue) -> Result<Vec<u8>, ValueError> {
        let mut out = Vec::new();
        encode_to(value, &mut out).map(|()| out)
    }

    fn strings(members: &[&str]) -> Vec<String> {
        members.iter().map(|m| (*m).to_owned()).collect()
    }

    #[test]
    fn sorts_strings_by_utf16_units() {
        let value = AttributeValue::Ss(strings(&["\u{ff61}", "\u{10002}"]));
        let expected = [
            &[0, 0, 0, 2, 0, 0, 0, 4][..],
            "\u{10002}".as_bytes(),
            &[0, 0, 0, 3],
            "\u{ff61}".as_bytes(),
        ]
        .concat();
        assert_eq!(bytes(&value).unwrap(), expected);
    }

    proptest::proptest! {
        #[test]
        fn orders_any_two_strings_as_their_utf16_units_do(
            a in "[a\u{e9}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,3}",
            b in "[a\u{e9}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,3}",
        ) {
            let expected = a.encode_utf16().cmp(b.encode_utf16());
            proptest::prop_assert_eq!(utf16_order(&a, &b), expected);
        }
    }

    #[test]
    fn expects_the_length_it_writes() {
        let inner = AttributeValue::M([("key".to_owned(), AttributeValue::Bool(true))].into());
        let set = AttributeValue::Ss(strings(&["a", "bc"]));
        let value = AttributeValue::L(vec![inner, set, AttributeValue::N("12.5".to_owned())]);
        assert_eq!(expected_len(&value), bytes(&value).unwrap().len());
    }

    #[test]
    fn sorts_numbers_as_normalized_text() {
        let value = AttributeValue::Ns(strings(&["9", "1e2", "-.5", "10"]));
        let expected = b"\0\0\0\x04\0\0\0\x04-0.5\0\0\0\x0210\0\0\0\x03100\0\0\0\x019";
        assert_eq!(bytes(&value).unwrap(), expected);
    }

    #[test]
    fn sorts_binaries_with_the_shorter_prefix_first() {
        let blob = |b: &[u8]| Blob::new(b);
        let value = AttributeValue::Bs(vec![blob(&[0x80]), blob(&[1, 2]), blob(&[1])]);
        let expected = [
            0, 0, 0, 3, 0, 0, 0, 1, 1, 0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 0x80,
        ];
        assert_eq!(bytes(&value).unwrap(), expected);
    }

    #[test]
    fn refuses_duplicates_after_normalization() {
        let numbers = AttributeValue::Ns(strings(&["1", "1.0"]));
        assert_eq!(bytes(&numbers), Err(ValueError::DuplicateMember));
        let texts = AttributeValue::Ss(strings(&["a", "b", "a"]));
        assert_eq!(bytes(&texts), Err(ValueError::DuplicateMember));
    }

    #[test]
    fn refuses_level_33() {
        let nest = |levels: u32| {
            (1..levels).fold(AttributeValue::Null(true), |inner, _| {
                AttributeValue::L(vec![inner])
            })
        };
        assert!(bytes(&nest(32)).is_ok());
        assert_eq!(bytes(&nest(33)), Err(ValueError::TooDeep));
    }

    #[test]
    fn refuses_map_keys_that_are_empty_or_too_long() {
        for key in [String::new(), "k".repeat(65_536)] {
            let value = AttributeValue::M([(key, AttributeValue::Null(true))].into());
            assert_eq!(bytes(&value), Err(ValueError::MapKeyLength));
        }
    }

    #[test]
    fn writes_nested_values_with_type_and_length() {
        let inner = AttributeValue::M([("k".to_owned(), AttributeValue::Bool(true))].into());
        let value = AttributeValue::L(vec![inner, AttributeValue::Null(false)]);
        let map = [0, 0, 0, 1, 0, 1, 0, 0, 0, 1, b'k', 0, 4, 0, 0, 0, 1, 1];
        let expected = [
            &[0, 0, 0, 2, 2, 0, 0, 0, 0, 18][..],
            &map,
            &[0, 0, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(bytes(&value).unwrap(), expected);
    }
}
