//! Number normalization: one text for every number, whatever way it was written.

use std::borrow::Cow;

use crate::error::ValueError;

/// DynamoDB's precision in significant digits.
const MAX_DIGITS: usize = 38;
/// Where the decimal point may be, relative to the first significant digit: 1e-130 up to below 1e126.
const POINT_RANGE: std::ops::RangeInclusive<i64> = -129..=126;

/// The canonical text: no exponent, no `+`, no zeros that mean nothing.
pub(super) fn normalize(text: &str) -> Result<Cow<'_, str>, ValueError> {
    if is_canonical(text.as_bytes()) {
        return Ok(Cow::Borrowed(text));
    }
    let number = Decimal::parse(text).ok_or(ValueError::NotANumber)?;
    number.to_canonical().map(Cow::Owned)
}

/// Recognises texts that need no work. Says no to some that would need none: they take the long way.
fn is_canonical(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.len() > MAX_DIGITS {
        return false;
    }
    let mut parts = digits.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let whole_is_canonical = match whole {
        [b'0'] => true,
        [first, ..] => *first != b'0' && whole.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    match parts.next() {
        Some(fraction) => {
            whole_is_canonical
                && fraction.iter().all(u8::is_ascii_digit)
                && fraction.last().is_some_and(|last| *last != b'0')
        }
        None => whole_is_canonical && text != b"-0",
    }
}

/// `±0.d1 d2 d3… × 10^point`, with no zero at either end of the digits.
struct Decimal {
    negative: bool,
    digits: String,
    point: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = [whole, fraction].concat();
        if all_digits.is_empty() || !all_digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let without_leading = all_digits.trim_start_matches('0');
        let leading_zeros = all_digits.len() - without_leading.len();
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading_zeros).ok()?;
        Some(Self {
            negative,
            digits: without_leading.trim_end_matches('0').to_owned(),
            point: point.saturating_add(exponent),
        })
    }

    fn to_canonical(&self) -> Result<String, ValueError> {
        if self.digits.is_empty() {
            return Ok("0".to_owned());
        }
        if self.digits.len() > MAX_DIGITS {
            return Err(ValueError::TooManyDigits);
        }
        if !POINT_RANGE.contains(&self.point) {
            return Err(ValueError::MagnitudeOutOfRange);
        }
        let sign = if self.negative { "-" } else { "" };
        // In range, so it fits: |point| is at most 129.
        let places = usize::try_from(self.point.unsigned_abs()).unwrap_or(0);
        Ok(if self.point <= 0 {
            format!("{sign}0.{}{}", "0".repeat(places), self.digits)
        } else if let Some((whole, fraction)) = self.digits.split_at_checked(places)
            && !fraction.is_empty()
        {
            format!("{sign}{whole}.{fraction}")
        } else {
            format!("{sign}{:0<places$}", self.digits)
        })
    }
}

/// An optional sign and at least one digit; saturates, so that `0e999999` is still zero.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0_i64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_every_number_in_one_way() {
        for (text, canonical) in [
            ("+00120.500e-1", "12.05"),
            ("1.0", "1"),
            ("-0", "0"),
            ("0e999999", "0"),
            ("-0.0e-7", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E+3", "1000"),
            ("1e0003", "1000"),
            ("0800.000e0", "800"),
            ("-1.50", "-1.5"),
            ("100", "100"),
            ("0.001", "0.001"),
            ("12.345e2", "1234.5"),
            ("123e-3", "0.123"),
            ("123e-5", "0.00123"),
            ("00", "0"),
            ("-12e1", "-120"),
        ] {
            assert_eq!(normalize(text).unwrap(), canonical, "{text}");
            assert_eq!(normalize(canonical).unwrap(), canonical, "is a fixed point");
        }
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in [
            "", "1e", "--1", " 1", "1 ", "+", ".", "e5", "1_0", "0x1", "Infinity", "NaN", "1.2.3",
            "1e+", "1e5.0", "١",
        ] {
            assert_eq!(normalize(text), Err(ValueError::NotANumber), "{text:?}");
        }
    }

    #[test]
    fn keeps_to_38_digits_and_the_range() {
        let digits = "1".repeat(38);
        assert!(normalize(&digits).is_ok());
        assert_eq!(
            normalize(&format!("{digits}1")),
            Err(ValueError::TooManyDigits)
        );
        assert!(
            normalize(&format!("1{}", "0".repeat(60))).is_ok(),
            "trailing zeros do not count"
        );
        assert!(normalize("9.99e125").is_ok());
        assert_eq!(normalize("1e126"), Err(ValueError::MagnitudeOutOfRange));
        assert!(normalize("1e-130").is_ok());
        assert_eq!(normalize("1e-131"), Err(ValueError::MagnitudeOutOfRange));
        assert_eq!(
            normalize("1e99999999999999999999"),
            Err(ValueError::MagnitudeOutOfRange)
        );
    }

    #[test]
    fn borrows_what_is_canonical_already() {
        for text in [
            "0",
            "-1",
            "12.05",
            "0.001",
            "123456789012345678901234567890",
        ] {
            assert!(matches!(normalize(text), Ok(Cow::Borrowed(_))), "{text}");
        }
    }
}
