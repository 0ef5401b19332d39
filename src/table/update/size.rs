//! How large DynamoDB finds an item.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::Item;
use crate::value::Terminal;

/// "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary length
/// (UTF-8 length) and attribute value lengths."
pub(super) const MAX_ITEM_SIZE: usize = 400 * 1024;

/// Bytes of a list or map, whatever is in it.
const DOCUMENT: usize = 3;
/// Bytes of each element of a list or map, besides its own.
const ELEMENT: usize = 1;

/// The size of an item by the rules of the developer guide, "DynamoDB item sizes and formats": names
/// and strings by their UTF-8 bytes, binary by its bytes, a Boolean or null one, a set what its
/// members are, a list or map three and one more for each element.
///
/// Of numbers it says "approximately 1 byte per two significant digits, and 1 byte". What DynamoDB
/// counts is the digits before the point in pairs, those after it in pairs, and a byte for a minus.
pub(super) fn item_size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_size(value))
        .sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(_) => number_size(value),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Ss(members) => members.iter().map(String::len).sum(),
        AttributeValue::Ns(members) => members
            .iter()
            .map(|number| number_size(&AttributeValue::N(number.clone())))
            .sum(),
        AttributeValue::Bs(members) => members.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(elements) => {
            let elements = elements.iter().map(|value| ELEMENT + value_size(value));
            DOCUMENT + elements.sum::<usize>()
        }
        AttributeValue::M(entries) => {
            let entries = entries
                .iter()
                .map(|(name, value)| name.len() + ELEMENT + value_size(value));
            DOCUMENT + entries.sum::<usize>()
        }
        // Boolean, null, and types that nobody has sealed.
        _ => 1,
    }
}

/// A number is counted as normalized; what is none is refused elsewhere.
fn number_size(number: &AttributeValue) -> usize {
    let Ok(normalized) = Terminal::of(number) else {
        return 0;
    };
    let text = String::from_utf8_lossy(&normalized.bytes);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (1, digits),
        None => (0, &*text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let (whole, fraction) = match (whole, fraction) {
        // Zeros at either end are not significant.
        (whole, "") => (whole.trim_end_matches('0'), ""),
        ("", fraction) => ("", fraction.trim_start_matches('0')),
        both => both,
    };
    1 + sign + whole.len().div_ceil(2) + fraction.len().div_ceil(2)
}

#[cfg(test)]
mod tests;
