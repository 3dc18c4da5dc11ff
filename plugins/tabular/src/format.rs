//! What texts of moments and days look like: ISO 8601, or a pattern as of C's and Python's `strptime`.

use trueline_sdk::civil::{date_of, day_of};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// How texts are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `2013-12-31`, `2013-12-31T18:00`, `2013-12-31 18:00:00.25-05:00`.
    Iso,
    Pattern(Vec<Item>),
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Literal(char),
    /// Any white space, or none.
    Space,
    Year,
    /// Two digits: 69 to 99 are of the 20th century, 00 to 68 of the 21st.
    ShortYear,
    Month,
    /// In English, whole or its first three letters.
    MonthName,
    Day,
    DayOfYear,
    /// In English, whole or its first three letters; read and not looked at.
    WeekdayName,
    Hour,
    /// 1 to 12, with [`Noon`](Self::Noon).
    Hour12,
    /// `AM` or `PM`.
    Noon,
    Minute,
    Second,
    Fraction,
    Zone,
}

/// What was read.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    is_afternoon: Option<bool>,
    minute: i64,
    second: i64,
    microsecond: i64,
    zone_seconds: Option<i32>,
}

impl Format {
    /// A pattern such as `%d.%m.%Y %H:%M`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn pattern(text: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let directive = match character {
                '%' => characters.next(),
                white if white.is_whitespace() => {
                    items.push(Item::Space);
                    continue;
                }
                other => {
                    items.push(Item::Literal(other));
                    continue;
                }
            };
            items.push(match directive {
                Some('%') => Item::Literal('%'),
                Some('Y') => Item::Year,
                Some('y') => Item::ShortYear,
                Some('m') => Item::Month,
                Some('b' | 'B' | 'h') => Item::MonthName,
                Some('d' | 'e') => Item::Day,
                Some('j') => Item::DayOfYear,
                Some('a' | 'A') => Item::WeekdayName,
                Some('H') => Item::Hour,
                Some('I') => Item::Hour12,
                Some('p') => Item::Noon,
                Some('M') => Item::Minute,
                Some('S') => Item::Second,
                Some('f') => Item::Fraction,
                Some('z') => Item::Zone,
                other => {
                    let other = other.map(String::from).unwrap_or_default();
                    return Err(format!(
                        "`format` has `%{other}`; there are %Y %y %m %b %d %j %a %H %I %p %M %S %f %z and %%"
                    ));
                }
            });
        }
        let has = |item| items.contains(&item);
        let names_a_day =
            has(Item::DayOfYear) || has(Item::Day) && (has(Item::Month) || has(Item::MonthName));
        if !(has(Item::Year) || has(Item::ShortYear)) || !names_a_day {
            return Err(
                "`format` must tell the day: %Y or %y, with %m or %b and %d, or with %j".to_owned(),
            );
        }
        if has(Item::Hour12) != has(Item::Noon) {
            return Err("`format` must have both of %I and %p, or %H".to_owned());
        }
        Ok(Self::Pattern(items))
    }

    /// Days since 1970-01-01. A text that tells the time of day as well is none of a day.
    pub(crate) fn date(&self, text: &str) -> Option<i128> {
        match self {
            Self::Iso => trueline_sdk::civil::parse_date(text),
            Self::Pattern(_) => self.read(text)?.days(),
        }
        .map(i128::from)
    }

    /// Microseconds since 1970-01-01T00:00:00Z. A text that tells no zone is of a clock so many seconds ahead of UTC.
    pub(crate) fn moment(&self, text: &str, offset_seconds: i32) -> Option<i128> {
        let fields = self.read(text)?;
        let hour = match fields.is_afternoon {
            Some(is_afternoon) => fields.hour % 12 + 12 * i64::from(is_afternoon),
            None => fields.hour,
        };
        let in_day = hour < 24 && fields.minute < 60 && fields.second < 60;
        let seconds = in_day.then_some((hour * 60 + fields.minute) * 60 + fields.second)?;
        let zone = i64::from(fields.zone_seconds.unwrap_or(offset_seconds));
        let seconds = fields.days()? * 86_400 + seconds - zone;
        Some(i128::from(seconds) * 1_000_000 + i128::from(fields.microsecond))
    }

    fn read(&self, text: &str) -> Option<Fields> {
        let mut reader = Reader { rest: text };
        let mut fields = Fields::default();
        match self {
            Self::Iso => reader.iso(&mut fields)?,
            Self::Pattern(items) => items
                .iter()
                .try_for_each(|item| reader.item(*item, &mut fields))?,
        }
        reader.rest.is_empty().then_some(fields)
    }
}

impl Fields {
    fn days(&self) -> Option<i64> {
        let year = self.year?;
        match self.day_of_year {
            Some(day) => {
                let days = day_of(year, 1, 1)? + day - 1;
                (date_of(days).0 == year).then_some(days)
            }
            None => day_of(year, self.month?, self.day?),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn iso(&mut self, fields: &mut Fields) -> Option<()> {
        fields.year = Some(self.digits(4, 4)?);
        self.literal('-')?;
        fields.month = Some(self.digits(2, 2)?);
        self.literal('-')?;
        fields.day = Some(self.digits(2, 2)?);
        if self.rest.is_empty() {
            return Some(());
        }
        self.literal('T').or_else(|| self.literal(' '))?;
        fields.hour = self.digits(2, 2)?;
        self.literal(':')?;
        fields.minute = self.digits(2, 2)?;
        if self.literal(':').is_some() {
            fields.second = self.digits(2, 2)?;
            if self.literal('.').is_some() {
                fields.microsecond = self.fraction()?;
            }
        }
        if !self.rest.is_empty() {
            fields.zone_seconds = Some(self.zone()?);
        }
        Some(())
    }

    /// Reads as Python does: numbers need not have leading zeros.
    fn item(&mut self, item: Item, fields: &mut Fields) -> Option<()> {
        match item {
            Item::Literal(character) => self.literal(character)?,
            Item::Space => self.rest = self.rest.trim_start(),
            Item::Year => fields.year = Some(self.digits(4, 4)?),
            Item::ShortYear => {
                let year = self.digits(2, 2)?;
                fields.year = Some(year + if year < 69 { 2000 } else { 1900 });
            }
            Item::Month => fields.month = Some(self.digits(1, 2)?),
            Item::MonthName => fields.month = Some(self.name(&MONTHS)? + 1),
            Item::Day => fields.day = Some(self.digits(1, 2)?),
            Item::DayOfYear => fields.day_of_year = Some(self.digits(1, 3).filter(|day| *day > 0)?),
            Item::WeekdayName => {
                self.name(&WEEKDAYS)?;
            }
            Item::Hour => fields.hour = self.digits(1, 2)?,
            Item::Hour12 => {
                fields.hour = self.digits(1, 2).filter(|hour| (1..=12).contains(hour))?;
            }
            Item::Noon => fields.is_afternoon = Some(self.name(&["am", "pm"])? == 1),
            Item::Minute => fields.minute = self.digits(1, 2)?,
            Item::Second => fields.second = self.digits(1, 2)?,
            Item::Fraction => fields.microsecond = self.fraction()?,
            Item::Zone => fields.zone_seconds = Some(self.zone()?),
        }
        Some(())
    }

    fn literal(&mut self, character: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }

    /// A number of so many digits, of as many as there are.
    fn digits(&mut self, fewest: usize, most: usize) -> Option<i64> {
        let bytes = self.rest.bytes().take(most);
        let count = bytes.take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        (count >= fewest).then(|| digits.parse().ok())?
    }

    /// Microseconds of up to nine digits of a second; what is smaller is cut off.
    fn fraction(&mut self) -> Option<i64> {
        let before = self.rest.len();
        let digits = self.digits(1, 9)?;
        let count = u32::try_from(before - self.rest.len()).ok()?;
        Some(digits * 10_i64.pow(9 - count) / 1000)
    }

    /// The place of a name in a list, or of its first three letters, whatever their case.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let starts = |name: &str| {
            let start = self.rest.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let found = names.iter().enumerate().find_map(|(place, name)| {
            let short = name.get(..3).unwrap_or(name);
            let length = [*name, short].into_iter().find(|name| starts(name))?.len();
            Some((place, length))
        });
        let (place, length) = found?;
        self.rest = self.rest.get(length..)?;
        i64::try_from(place).ok()
    }

    /// Seconds ahead of UTC, of `Z`, `+05:30`, `+0530` or `+05`.
    fn zone(&mut self) -> Option<i32> {
        if self.literal('Z').is_some() {
            return Some(0);
        }
        let sign = match self.literal('+') {
            Some(()) => 1,
            None => {
                self.literal('-')?;
                -1
            }
        };
        let hours = self.digits(2, 2)?;
        let minutes = if self.literal(':').is_some() || !self.rest.is_empty() {
            self.digits(2, 2).filter(|minutes| *minutes < 60)?
        } else {
            0
        };
        let minutes = i32::try_from(hours * 60 + minutes).ok()?;
        Some(sign * minutes * 60)
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::civil::parse_timestamp;

    use super::*;

    #[track_caller]
    fn check(format: &Format, text: &str, offset_seconds: i32, expected: Option<&str>) {
        let expected = expected.map(|text| i128::from(parse_timestamp(text).unwrap()));
        assert_eq!(format.moment(text, offset_seconds), expected, "{text}");
    }

    #[test]
    fn iso_texts_tell_their_zone_or_are_of_the_given_one() {
        for (text, offset, expected) in [
            ("2013-12-31", 0, Some("2013-12-31")),
            ("2013-12-31", -18_000, Some("2013-12-31T05:00:00")),
            ("2013-12-31T18:00", 0, Some("2013-12-31T18:00:00")),
            (
                "2013-12-31 18:00:07.25",
                3600,
                Some("2013-12-31T17:00:07.25"),
            ),
            ("2013-12-31T18:00:07Z", 3600, Some("2013-12-31T18:00:07")),
            ("2013-12-31T18:00+05:30", 3600, Some("2013-12-31T12:30:00")),
            ("2013-12-31T18:00:00-0200", 0, Some("2013-12-31T20:00:00")),
            ("2013-12-31T18:00:00-02", 0, Some("2013-12-31T20:00:00")),
            (
                "1969-12-31T23:59:59.999999999Z",
                0,
                Some("1969-12-31T23:59:59.999999"),
            ),
            ("2013-12-31T", 0, None),
            ("2013-12-31T18", 0, None),
            ("2013-12-31T24:00", 0, None),
            ("2013-12-31T18:60", 0, None),
            ("2013-12-31T18:00:60", 0, None),
            ("2013-12-31T18:00:00.", 0, None),
            ("2013-12-31T18:00:00.1234567890", 0, None),
            ("2013-12-31T18:00:00 Z", 0, None),
            ("2013-12-31T18:00+5", 0, None),
            ("2013-02-29", 0, None),
            ("2013-1-1", 0, None),
            ("", 0, None),
            ("ÅÅÅÅ-12-31", 0, None),
        ] {
            check(&Format::Iso, text, offset, expected);
        }
        assert_eq!(Format::Iso.date("1970-01-02"), Some(1));
        assert_eq!(Format::Iso.date("1970-01-02T00:00:00Z"), None);
    }

    #[test]
    fn patterns_read_what_python_reads() {
        for (pattern, text, expected) in [
            (
                "%d.%m.%Y %H:%M",
                "31.12.2013 18:05",
                Some("2013-12-31T18:05:00"),
            ),
            (
                "%d.%m.%Y %H:%M",
                "1.2.2013 3:4",
                Some("2013-02-01T03:04:00"),
            ),
            ("%m/%d/%y", "12/31/68", Some("2068-12-31")),
            ("%m/%d/%y", "12/31/69", Some("1969-12-31")),
            (
                "%Y%m%d%H%M%S",
                "20131231180507",
                Some("2013-12-31T18:05:07"),
            ),
            (
                "%a, %d %b %Y %H:%M:%S %z",
                "Tue, 31 Dec 2013 18:05:07 +0100",
                Some("2013-12-31T17:05:07"),
            ),
            (
                "%B %d, %Y %I:%M %p",
                "December 31, 2013 12:05 AM",
                Some("2013-12-31T00:05:00"),
            ),
            (
                "%B %d, %Y %I:%M %p",
                "may 31, 2013 12:05 pm",
                Some("2013-05-31T12:05:00"),
            ),
            ("%Y-%j", "2012-366", Some("2012-12-31")),
            ("%Y-%j", "2013-366", None),
            (
                "%Y-%m-%dT%H:%M:%S.%f",
                "2013-12-31T18:05:07.5",
                Some("2013-12-31T18:05:07.5"),
            ),
            ("100%% %Y-%m-%d", "100% 2013-12-31", Some("2013-12-31")),
            ("%d.%m.%Y", "31.12.2013 18:05", None),
            ("%d.%m.%Y", "31.11.2013", None),
            ("%I %p %Y-%m-%d", "13 PM 2013-12-31", None),
        ] {
            check(&Format::pattern(pattern).unwrap(), text, 0, expected);
        }
        let day = Format::pattern("%d/%m/%Y").unwrap();
        assert_eq!(day.date("02/01/1970"), Some(1));
    }

    #[test]
    fn a_pattern_tells_a_day_and_nothing_unknown() {
        for (pattern, part) in [
            ("%Y-%m-%d %Q", "`format` has `%Q`; there are %Y"),
            ("%Y-%m-%d %", "`format` has `%`"),
            ("%H:%M", "must tell the day"),
            ("%Y-%m", "must tell the day"),
            ("%Y-%m-%d %I:%M", "both of %I and %p"),
        ] {
            let message = Format::pattern(pattern).unwrap_err();
            assert!(message.contains(part), "{pattern}: {message}");
        }
    }
}
