//! Dates and times of the proleptic Gregorian calendar, in UTC: from text and to text.
//!
//! ```
//! use trueline_sdk::civil;
//!
//! assert_eq!(civil::parse_date("2013-01-01"), Some(15_706));
//! assert_eq!(civil::show_timestamp(15_706 * 86_400_000_000), "2013-01-01T00:00:00Z");
//! ```
//!
//! Source: H. Hinnant, *chrono-compatible low-level date algorithms*.

/// Days from 1970-01-01 to a date of a year, a month from 1 and a day from 1; none if there is no such day.
pub fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100
        + day_of_year
        - 719_468;
    (date_of(days) == (year, month, day)).then_some(days)
}

/// Year, month from 1 and day from 1, so many days after 1970-01-01.
pub fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// Reads `2013-01-31` as days since 1970-01-01.
pub fn parse_date(text: &str) -> Option<i64> {
    let [year, month, day] = numbers(text, '-', [4, 2, 2])?;
    day_of(year, month, day)
}

/// Reads `2013-01-31`, `2013-01-31T23:59:59` or `2013-01-31T23:59:59.250Z` as microseconds since
/// 1970-01-01T00:00:00Z. There are no other time zones.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 59 || fraction.len() > 6 {
        return None;
    }
    let [micros] = numbers(&format!("{fraction:0<6}"), ' ', [6])?;
    let seconds = parse_date(date)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

/// Writes days since 1970-01-01 as `2013-01-31`.
pub fn show_date(days: i64) -> String {
    let (year, month, day) = date_of(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Writes microseconds since 1970-01-01T00:00:00Z as `2013-01-31T23:59:59Z`.
pub fn show_timestamp(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let date = show_date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = if fraction == 0 {
        String::new()
    } else {
        format!(".{fraction:06}")
    };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Numbers of these many digits, with a separator between them.
fn numbers<const COUNT: usize>(
    text: &str,
    separator: char,
    digits: [usize; COUNT],
) -> Option<[i64; COUNT]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; COUNT];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| {
            part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())
        })?;
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written() {
        let cases = [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2013-01-01", 15_706),
            ("2000-02-29", 11_016),
            ("0001-01-01", -719_162),
        ];
        for (text, days) in cases {
            assert_eq!(parse_date(text), Some(days), "{text}");
            assert_eq!(show_date(days), text);
        }
        for wrong in [
            "",
            "2013-1-1",
            "2013-02-29",
            "2013-13-01",
            "2013-00-10",
            "2013-01-00",
            "13-01-01",
            "2013-01-01x",
            "+013-01-01",
        ] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
        for days in [
            i64::from(i32::MIN),
            -1_000_000,
            400_000,
            i64::from(i32::MAX),
        ] {
            let (year, month, day) = date_of(days);
            assert_eq!(day_of(year, month, day), Some(days));
        }
    }

    #[test]
    fn timestamps_are_read_and_written() {
        let second = 1_000_000;
        let cases = [
            ("1970-01-01T00:00:01Z", second, "1970-01-01T00:00:01Z"),
            (
                "2013-01-01",
                15_706 * 86_400 * second,
                "2013-01-01T00:00:00Z",
            ),
            (
                "1969-12-31 23:59:59.5",
                -second / 2,
                "1969-12-31T23:59:59.500000Z",
            ),
            (
                "2013-01-01T05:00:00",
                1_357_016_400 * second,
                "2013-01-01T05:00:00Z",
            ),
        ];
        for (text, micros, shown) in cases {
            assert_eq!(parse_timestamp(text), Some(micros), "{text}");
            assert_eq!(show_timestamp(micros), shown);
        }
        for wrong in [
            "2013-01-01T24:00:00Z",
            "2013-01-01T05:00Z",
            "2013-01-01T05:00:00+01:00",
            "2013-01-01T05:00:00.1234567Z",
        ] {
            assert_eq!(parse_timestamp(wrong), None, "{wrong}");
        }
        show_timestamp(i64::MIN);
        show_timestamp(i64::MAX);
    }
}
