//! Texts as the values of a column: exact, or not at all.

use std::fmt::Write as _;

use jiff::civil;

/// A whole number. A fraction of zeros is let pass, since tables of Python that hold nulls turn integers
/// into `3.0`.
pub(crate) fn integer<T: std::str::FromStr>(text: &str) -> Option<T> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse().ok()
}

/// The float32 nearest to a text; none if it is beyond float32's range.
pub(crate) fn float32(text: &str) -> Option<f32> {
    let value: f32 = text.parse().ok()?;
    (value.is_finite() || is_word(text)).then_some(value)
}

/// The float64 nearest to a text; none if it is beyond float64's range.
pub(crate) fn float64(text: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() || is_word(text)).then_some(value)
}

/// `NaN` and `inf` have no digits, unlike a number that is too large.
fn is_word(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The spelling of what is no finite number, where JSON has no word for it.
pub(crate) fn not_finite(text: &str) -> Option<f64> {
    Some(match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => return None,
    })
}

/// Microseconds since the epoch, UTC. A time without a zone is taken for UTC, as in datasets; what is
/// finer than a microsecond is refused.
pub(crate) fn timestamp(text: &str) -> Option<i64> {
    let instant: jiff::Timestamp = text
        .parse()
        .or_else(|_| {
            let local: civil::DateTime = text.parse()?;
            Ok(local.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp())
        })
        .map_err(drop::<jiff::Error>)
        .ok()?;
    (instant.subsec_nanosecond() % 1000 == 0).then(|| instant.as_microsecond())
}

/// Days since the epoch. A time of day is refused rather than dropped.
pub(crate) fn date(text: &str) -> Option<i32> {
    if text.contains(['T', 't', ' ', ':']) {
        return None;
    }
    let date: civil::Date = text.parse().ok()?;
    let since = date.duration_since(civil::Date::new(1970, 1, 1).ok()?);
    i32::try_from(since.as_hours() / 24).ok()
}

/// Writes a finite float with as many digits as its bits take, so that it is read back as it was.
pub(crate) fn write_float(value: f64, out: &mut String) {
    // Writing into a text does not fail.
    let _ = write!(out, "{value:?}");
}

/// Writes an instant as RFC 3339; one beyond the year 9999 as a number of microseconds.
pub(crate) fn write_timestamp(microseconds: i64, out: &mut String) {
    let _ = match jiff::Timestamp::from_microsecond(microseconds) {
        Ok(instant) => write!(out, "{instant}"),
        Err(_) => write!(out, "{microseconds}"),
    };
}

/// Writes a date as ISO 8601; one beyond the year 9999 as a number of days.
pub(crate) fn write_date(days: i32, out: &mut String) {
    let epoch = civil::Date::new(1970, 1, 1);
    let date = epoch.and_then(|epoch| epoch.checked_add(jiff::Span::new().try_days(days)?));
    let _ = match date {
        Ok(date) => write!(out, "{date}"),
        Err(_) => write!(out, "{days}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_nothing() {
        assert_eq!(
            integer::<i64>("9007199254740993"),
            Some(9_007_199_254_740_993)
        );
        assert_eq!(
            integer::<i64>("9007199254740993.0"),
            Some(9_007_199_254_740_993)
        );
        assert_eq!(integer::<i64>("9223372036854775808"), None);
        assert_eq!(integer::<i32>("2147483648"), None);
        assert_eq!(integer::<i32>("1.5"), None);
        assert_eq!(integer::<i32>("1e3"), None);
        // Read as float64 first, this becomes the float32 above.
        assert_eq!(float32("7.038531e-26").map(f32::to_bits), Some(0x15ae_43fd));
        assert_eq!(float32("1e39"), None);
        assert_eq!(float64("1e400"), None);
        assert_eq!(float64("-inf"), Some(f64::NEG_INFINITY));
        assert_eq!(float64("1e-400").map(f64::to_bits), Some(0));
    }

    #[test]
    fn zones_become_utc() {
        let check =
            |text: &str, expected: Option<i64>| assert_eq!(timestamp(text), expected, "{text}");
        check("1970-01-01T00:00:01Z", Some(1_000_000));
        check("1970-01-01T02:00:01.000001+02:00", Some(1_000_001));
        check("1970-01-01 00:00:01", Some(1_000_000));
        check("1970-01-01T00:00:00.0000001Z", None);
        check("noon", None);
        assert_eq!(date("1970-02-01"), Some(31));
        assert_eq!(date("1969-12-31"), Some(-1));
        assert_eq!(date("1970-02-01T10:00:00"), None);
    }

    proptest::proptest! {
        #[test]
        fn times_are_read_back(microseconds in -62_135_596_800_000_000i64..253_402_207_200_000_000, days in -700_000i32..2_900_000) {
            let mut text = String::new();
            write_timestamp(microseconds, &mut text);
            proptest::prop_assert_eq!(timestamp(&text), Some(microseconds));
            text.clear();
            write_date(days, &mut text);
            proptest::prop_assert_eq!(date(&text), Some(days));
        }

        #[test]
        fn floats_are_read_back(bits in proptest::prelude::any::<u64>(), narrow in proptest::prelude::any::<u32>()) {
            let (value, narrow) = (f64::from_bits(bits), f32::from_bits(narrow));
            let mut text = String::new();
            if value.is_finite() {
                write_float(value, &mut text);
                proptest::prop_assert_eq!(float64(&text).map(f64::to_bits), Some(value.to_bits()));
            }
            if narrow.is_finite() {
                text.clear();
                write_float(narrow.into(), &mut text);
                proptest::prop_assert_eq!(float32(&text).map(f32::to_bits), Some(narrow.to_bits()));
            }
        }
    }
}
