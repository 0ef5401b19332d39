//! Sizes of numbers by table, sizes of items against the embedded DynamoDB's limit.

#[cfg(feature = "testkit")]
mod limit;

use super::*;

fn size(number: &str) -> usize {
    number_size(&AttributeValue::N(number.to_owned()))
}

#[test]
fn counts_digits_on_either_side_of_the_point_in_pairs() {
    let numbers = [
        ("0", 1),
        ("-0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("0042", 2),
        ("100", 2),
        ("1010", 3),
        ("100.5", 4),
        ("1.5", 3),
        ("0.15", 2),
        ("0.0000001", 2),
        ("1e125", 2),
        ("1e-100", 2),
        ("-42", 3),
        ("-0.15", 3),
        ("12345678901234567890123456789012345678", 20),
    ];
    for (number, expected) in numbers {
        assert_eq!(size(number), expected, "{number}");
    }
}
