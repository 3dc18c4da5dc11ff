//! Calendar dates from day numbers, in the proleptic Gregorian calendar.

use trueline_sdk::civil::{date_of, show_date, show_timestamp};

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
    pub(crate) fn from_date(day: i64) -> Self {
        Self { day, second: 0 }
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
    /// From days since 1970-01-01.
    pub(crate) fn from_day(day: i64) -> Self {
        let (year, month, day) = date_of(day);
        Self { year, month, day }
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

/// Microseconds since the epoch, or days, as text on a clock that is so many seconds ahead of UTC: `2013-12-31`,
/// `2013-12-31T18:00:00Z`, `2013-12-31T13:00:00-05:00`.
pub(crate) fn show(time: i64, is_date: bool, offset_seconds: i32) -> String {
    if is_date {
        return show_date(time);
    }
    if offset_seconds == 0 {
        return show_timestamp(time);
    }
    // At the ends of what a timestamp holds the clock stands still.
    let local = time.saturating_add(i64::from(offset_seconds) * MICROSECONDS_PER_SECOND);
    let local = show_timestamp(local);
    let sign = if offset_seconds < 0 { '-' } else { '+' };
    let minutes = offset_seconds.abs() / 60;
    format!(
        "{}{sign}{:02}:{:02}",
        local.trim_end_matches('Z'),
        minutes / 60,
        minutes % 60
    )
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
