//! Creation times: ISO 8601 in UTC, with microseconds and a `Z`.

use std::fmt;
use std::time::{Duration, SystemTime};

const SECOND: u64 = 1_000_000;
const DAY: u64 = 24 * 60 * 60 * SECOND;
/// The last microsecond of the year 9999.
const LAST: u64 = 253_402_300_800 * SECOND - 1;

/// When a branch key was made: microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CreateTime(u64);

impl CreateTime {
    pub(super) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let micros = u64::try_from(since.unwrap_or_default().as_micros());
        Self(micros.unwrap_or(LAST).min(LAST))
    }

    /// The next one.
    pub(super) fn next(self) -> Self {
        Self((self.0 + 1).min(LAST))
    }

    pub(super) fn to_system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.0)
    }

    /// `2026-01-31T23:59:59.123456Z`. Of the fraction, which may be missing, microseconds are kept.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let days = days_since_1970(year, month, day)?;
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = (hour * 60 + minute) * 60 + second;
        Some(Self(days * DAY + seconds * SECOND + micros(fraction)?))
    }
}

/// Digits of fixed lengths, with a separator between them.
fn numbers(text: &str, separator: char, lengths: [usize; 3]) -> Option<[u64; 3]> {
    let mut numbers = [0; 3];
    let mut parts = text.split(separator);
    for (number, length) in numbers.iter_mut().zip(lengths) {
        *number = digits(parts.next().filter(|part| part.len() == length)?)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn digits(text: &str) -> Option<u64> {
    let are_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok())?
}

fn micros(fraction: &str) -> Option<u64> {
    if !(1..=9).contains(&fraction.len()) {
        return None;
    }
    Some(digits(&format!("{fraction:0<9}"))? / 1000)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn month_lengths(year: u64) -> [u64; 12] {
    let february = if is_leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// Days before the first of January, since 1970.
fn days_before(year: u64) -> Option<u64> {
    let before = year.checked_sub(1)?;
    let days = 365 * before + before / 4 - before / 100 + before / 400;
    days.checked_sub(719_162)
}

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let lengths = month_lengths(year);
    let index = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = lengths.get(index)?;
    if !(1..=*length).contains(&day) {
        return None;
    }
    let months: u64 = lengths.iter().take(index).sum();
    Some(days_before(year)? + months + day - 1)
}

impl fmt::Display for CreateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, micros) = (self.0 / DAY, self.0 % DAY);
        // No year is longer, so that this is the year or one that comes before it.
        let mut year = 1970 + days / 366;
        while days_before(year + 1).is_some_and(|next| next <= days) {
            year += 1;
        }
        let mut day = days - days_before(year).unwrap_or_default();
        let mut month = 1;
        for length in month_lengths(year) {
            if day < length {
                break;
            }
            day -= length;
            month += 1;
        }
        let (seconds, micros) = (micros / SECOND, micros % SECOND);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z",
            day + 1
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_and_reads_times_that_others_know() {
        for (seconds, micros, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (951_868_800, 999_999, "2000-03-01T00:00:00.999999Z"),
            (1_735_689_599, 500_000, "2024-12-31T23:59:59.500000Z"),
            (1_700_000_000, 0, "2023-11-14T22:13:20.000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
            (253_402_300_799, 999_999, "9999-12-31T23:59:59.999999Z"),
        ] {
            let time = CreateTime(seconds * SECOND + micros);
            assert_eq!(time.to_string(), text);
            assert_eq!(CreateTime::parse(text), Some(time));
            assert_eq!(CreateTime::of(time.to_system_time()), time);
        }
    }

    #[test]
    fn reads_other_fractions() {
        let parse = |text| CreateTime::parse(text).map(|time| time.0);
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), Some(1_500_000));
        assert_eq!(parse("1970-01-01T00:00:01.123456789Z"), Some(1_123_456));
    }

    #[test]
    fn refuses_what_is_no_time_in_utc() {
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T00:00:00.000000",
            "1970-01-01T00:00:00.000000+00:00",
            "1970-01-01 00:00:00.000000Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.0000000000Z",
            "1970-01-01T00:00:00.+00000Z",
            "1970-1-01T00:00:00Z",
            "1970-01-01-01T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1971-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "0000-01-01T00:00:00Z",
            "+970-01-01T00:00:00Z",
            "197é-01-01T00:00:00Z",
        ] {
            assert_eq!(CreateTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ends_with_the_year_9999() {
        let last = CreateTime(LAST);
        assert_eq!(last.next(), last);
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        assert_eq!(CreateTime::of(far), last);
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(CreateTime::of(before), CreateTime(0));
    }

    proptest! {
        #[test]
        fn reads_what_it_writes_and_keeps_the_order(one in 0..=LAST, two in 0..=LAST) {
            let texts = [one, two].map(|micros| CreateTime(micros).to_string());
            prop_assert_eq!(CreateTime::parse(&texts[0]), Some(CreateTime(one)));
            prop_assert_eq!(texts[0].cmp(&texts[1]), one.cmp(&two));
        }

        #[test]
        fn reads_whatever_text_without_panicking(text in "\\PC{0,40}") {
            let _ = CreateTime::parse(&text);
        }
    }
}
