//! Calendar dates from day numbers, in the proleptic Gregorian calendar.

const SECONDS_PER_DAY: i64 = 86_400;
const MICROSECONDS_PER_SECOND: i64 = 1_000_000;

/// A moment in days since 1970-01-01 and seconds since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) day: i64,
    pub(crate) second: i64,
}

impl Moment {
    /// From microseconds since the epoch, on a clock that is so many seconds ahead of UTC.
    pub(crate) fn from_timestamp(microseconds: i64, offset_seconds: i32) -> Self {
        let seconds = microseconds.div_euclid(MICROSECONDS_PER_SECOND) + i64::from(offset_seconds);
        Self {
            day: seconds.div_euclid(SECONDS_PER_DAY),
            second: seconds.rem_euclid(SECONDS_PER_DAY),
        }
    }

    /// Midnight of a date.
    pub(crate) fn from_date(day: i32) -> Self {
        Self {
            day: i64::from(day),
            second: 0,
        }
    }
}

/// A year, a month from 1 and a day from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
}

impl Date {
    /// From days since 1970-01-01. Source: H. Hinnant, *chrono-compatible low-level date algorithms*,
    /// `civil_from_days`, with years that begin in March.
    pub(crate) fn from_day(day: i64) -> Self {
        let day = day + 719_468;
        let era = day.div_euclid(146_097);
        let day_of_era = day.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: 400 * era + year_of_era + i64::from(month <= 2),
            month,
            day,
        }
    }

    /// 1 for the first of January.
    pub(crate) fn day_of_year(self) -> i64 {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        // Days before the month, by the same 153 days in five months; from March on February counts.
        let before = match self.month {
            1 => 0,
            2 => 31,
            month => (153 * (month - 3) + 2) / 5 + 59 + i64::from(leap),
        };
        before + self.day
    }
}

/// Days since 1970-01-01. Source: the same, `days_from_civil`.
fn day_of(date: Date) -> i64 {
    let year = date.year - i64::from(date.month <= 2);
    let shifted_month = (date.month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
    let year_of_era = year.rem_euclid(400);
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

/// Microseconds since the epoch of a moment such as `2013-01-01T05:00:00Z`, with a fraction of a second and
/// an offset if need be; or of the midnight, in UTC, of a date such as `2013-01-01`.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let number = |text: &str, length: usize| {
        let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| is_number)
    };
    let mut parts = text.get(..10)?.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let date = Date {
        year: number(year, 4)?,
        month: number(month, 2)?,
        day: number(day, 2)?,
    };
    let midnight = day_of(date);
    // The 31st of February is another day.
    if Date::from_day(midnight) != date {
        return None;
    }
    let rest = &text[10..];
    let mut seconds = 0;
    let mut microseconds = 0;
    if let Some(clock) = rest.strip_prefix(['T', 't', ' ']) {
        let zone = clock.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = clock.split_at(zone);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut parts = clock.split(':').map(|part| number(part, 2));
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
        if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() || fraction.len() > 6 {
            return None;
        }
        seconds = hour * 3_600 + minute * 60 + second - i64::from(parse_offset(zone)?);
        microseconds = match fraction {
            "" => 0,
            fraction => number(&format!("{fraction:0<6}"), 6)?,
        };
    } else if !rest.is_empty() {
        return None;
    }
    Some((midnight * SECONDS_PER_DAY + seconds) * MICROSECONDS_PER_SECOND + microseconds)
}

/// Seconds ahead of UTC, of a text such as `-05:00`.
pub(crate) fn parse_offset(text: &str) -> Option<i32> {
    if matches!(text, "UTC" | "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':')?;
    let number = |text: &str| match text.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9'] => text.parse::<i32>().ok(),
        _ => None,
    };
    let minutes = number(hours)? * 60 + number(minutes).filter(|minutes| *minutes < 60)?;
    (minutes <= 14 * 60).then_some(sign * minutes * 60)
}

/// 0 for Monday to 6 for Sunday.
pub(crate) fn weekday(day: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (day + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        // From Python's datetime: (date - date(1970, 1, 1)).days, weekday(), timetuple().tm_yday.
        for (day, (year, month, day_of_month), day_of_week, day_of_year) in [
            (0, (1970, 1, 1), 3, 1),
            (-1, (1969, 12, 31), 2, 365),
            (-719_162, (1, 1, 1), 0, 1),
            (11_016, (2000, 2, 29), 1, 60),
            (11_017, (2000, 3, 1), 2, 61),
            (-25_508, (1900, 3, 1), 3, 60),
            (15_705, (2012, 12, 31), 0, 366),
            (2_932_896, (9999, 12, 31), 4, 365),
        ] {
            let date = Date::from_day(day);
            assert_eq!(
                (date.year, date.month, date.day),
                (year, month, day_of_month),
                "{day}"
            );
            assert_eq!(
                (weekday(day), date.day_of_year()),
                (day_of_week, day_of_year),
                "{day}"
            );
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = Date::from_day(-200_000);
        for day in -199_999..200_000 {
            let date = Date::from_day(day);
            let next_day =
                date.year == before.year && date.day_of_year() == before.day_of_year() + 1;
            let new_year = date.year == before.year + 1
                && date.day_of_year() == 1
                && before.day_of_year() >= 365;
            assert!(next_day || new_year, "{before:?} {date:?}");
            before = date;
        }
    }

    #[test]
    fn moments_as_rfc_3339_writes_them() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31T23:59:59.5Z", Some(-500_000)),
            ("2013-01-01T05:00:00-05:00", Some(1_357_034_400_000_000)),
            ("2000-02-29 00:00:00.000001Z", Some(951_782_400_000_001)),
            ("2001-02-29", None),
            ("2013-13-01", None),
            ("2013-01-01T24:00:00Z", None),
            ("2013-01-01T05:00:00", None),
            ("2013-01-01T05:00Z", None),
            ("time_hour", None),
            ("a-b-c-d-éé", None),
        ] {
            assert_eq!(parse_timestamp(text), expected, "{text}");
        }
    }

    #[test]
    fn timestamps_split_towards_the_past_and_never_overflow() {
        let moment = Moment::from_timestamp(-1, 0);
        assert_eq!(
            moment,
            Moment {
                day: -1,
                second: 86_399
            }
        );
        assert_eq!(
            Moment::from_timestamp(-1, 3600),
            Moment {
                day: 0,
                second: 3_599
            }
        );
        for extreme in [i64::MIN, i64::MAX] {
            let year = Date::from_day(Moment::from_timestamp(extreme, -50_400).day).year;
            assert!(year.abs() < 300_000);
        }
    }
}
