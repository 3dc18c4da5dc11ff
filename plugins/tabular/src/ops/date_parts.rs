//! `date-parts`: years, weekdays, hours and the like of timestamps and dates.

use serde::{Deserialize, Deserializer, de::Error as _};
use trueline_sdk::{DataType, Error, Result};

use super::Op;
use crate::{
    civil::{Date, Moment, parse_offset, weekday},
    columns::Columns,
    table::Column,
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DateParts {
    columns: Columns,
    parts: Vec<Part>,
    /// How far the clock is ahead of UTC.
    #[serde(default)]
    offset: Offset,
    /// Whether the column stays.
    #[serde(default = "super::yes")]
    keep: bool,
}

/// A number that a moment has on a calendar or a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Day,
    Weekday,
    DayOfYear,
    Hour,
    Minute,
    Second,
}

/// A fixed distance from UTC in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offset(i32);

impl Offset {
    /// How far the clock is ahead of UTC.
    pub(crate) fn seconds(self) -> i32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_offset(&text).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "`offset` is \"{text}\"; it must be \"UTC\" or one like \"-05:00\", up to 14 hours"
            ))
        })
    }
}

impl Op for DateParts {
    fn name(&self) -> &'static str {
        "date-parts"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.parts.is_empty() {
            return Err(Error::params(
                "`parts` is empty; name at least one, such as \"month\"",
            ));
        }
        for column in here.times(&self.columns)? {
            let name = &column.field.name;
            if !self.keep {
                here.remove(name);
            }
            for part in &self.parts {
                let number = part.source(&column, self.offset)?;
                let number = number.map(|source| Value::Scalar(Scalar::new(source)));
                let name = format!("{name}_{}", part.suffix());
                here.add(column.derives(name, DataType::Int32, column.field.nullable, number))?;
            }
        }
        Ok(())
    }
}

impl Part {
    /// The part of a column of timestamps or dates, if it can be computed yet.
    ///
    /// # Errors
    /// [`Error::Schema`] if a date lacks it.
    pub(super) fn source(self, column: &Column, offset: Offset) -> Result<Option<Source>> {
        let is_date = column.field.data_type == DataType::Date;
        if is_date && self.needs_clock() {
            return Err(Error::schema(format!(
                "column `{}` is date, which has no {}",
                column.field.name,
                self.suffix()
            )));
        }
        Ok(column.time().map(|time| Source::DatePart {
            time,
            part: self,
            offset_seconds: if is_date { 0 } else { offset.seconds() },
        }))
    }

    /// After how many it comes back, if it does.
    pub(super) fn period(self) -> Option<f64> {
        match self {
            Self::Year => None,
            Self::Quarter => Some(4.0),
            Self::Month => Some(12.0),
            Self::Day => Some(31.0),
            Self::Weekday => Some(7.0),
            Self::DayOfYear => Some(366.0),
            Self::Hour => Some(24.0),
            Self::Minute | Self::Second => Some(60.0),
        }
    }

    /// The part of a moment.
    pub(crate) fn of(self, moment: Moment) -> f64 {
        let number = match self {
            Self::Year => Date::from_day(moment.day).year,
            Self::Quarter => (Date::from_day(moment.day).month + 2) / 3,
            Self::Month => Date::from_day(moment.day).month,
            Self::Day => Date::from_day(moment.day).day,
            Self::Weekday => weekday(moment.day),
            Self::DayOfYear => Date::from_day(moment.day).day_of_year(),
            Self::Hour => moment.second / 3_600,
            Self::Minute => moment.second / 60 % 60,
            Self::Second => moment.second % 60,
        };
        number as f64
    }

    fn needs_clock(self) -> bool {
        matches!(self, Self::Hour | Self::Minute | Self::Second)
    }

    /// What the name of its column ends with.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Day => "day",
            Self::Weekday => "weekday",
            Self::DayOfYear => "day_of_year",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
        }
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{
        Field,
        testing::{Cell, Table},
    };

    use super::*;
    use crate::testing::{check, check_error};

    /// 2013-01-01T05:15:30Z, 2012-12-31T23:59:59.999999Z, 2024-02-29T12:00:00Z, 1969-07-20T20:17:40Z.
    const TIMES: [i64; 4] = [
        1_357_017_330_000_000,
        1_356_998_399_999_999,
        1_709_208_000_000_000,
        -14_182_940_000_000,
    ];

    fn column(data_type: DataType, cells: impl IntoIterator<Item = impl Into<Cell>>) -> Table {
        Table::new().with_field(Field::new("at", data_type), cells)
    }

    #[test]
    fn parts_are_those_of_pandas() {
        let date = [
            ("year", [2013, 2012, 2024, 1969]),
            ("quarter", [1, 4, 1, 3]),
            ("month", [1, 12, 2, 7]),
        ];
        let days = [
            ("day", [1, 31, 29, 20]),
            ("weekday", [1, 0, 3, 6]),
            ("day-of-year", [1, 366, 60, 201]),
        ];
        let clock = [
            ("hour", [5, 23, 12, 20]),
            ("minute", [15, 59, 0, 17]),
            ("second", [30, 59, 0, 40]),
        ];
        let parts: Vec<_> = date.into_iter().chain(days).chain(clock).collect();
        let names: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
        let expected = parts.iter().fold(Table::new(), |table, (part, values)| {
            table.with_column(&format!("at_{}", part.replace('-', "_")), *values)
        });
        let steps = format!(r#"[{{"op": "date-parts", "columns": "at", "parts": {names:?}}}]"#);
        check(&steps, &column(DataType::Timestamp, TIMES), &expected);
    }

    #[test]
    fn a_clock_ahead_of_utc_or_behind_it() {
        let steps = r#"[{"op": "date-parts", "columns": "at", "parts": ["hour", "day"], "offset": "-05:00"}]"#;
        let expected = Table::new()
            .with_column("at_hour", [0, 18, 7, 15])
            .with_column("at_day", [1, 31, 29, 20]);
        check(steps, &column(DataType::Timestamp, TIMES), &expected);
        let steps = r#"[{"op": "date-parts", "columns": "at", "parts": ["hour", "day"], "offset": "+05:30"}]"#;
        let expected = Table::new()
            .with_column("at_hour", [10, 5, 17, 1])
            .with_column("at_day", [1, 1, 29, 21]);
        check(steps, &column(DataType::Timestamp, TIMES), &expected);
    }

    #[test]
    fn dates_have_parts_without_a_clock_and_nulls_none() {
        let steps = r#"[{"op": "date-parts", "columns": "at", "parts": ["weekday", "year"], "keep": false}]"#;
        let table = column(
            DataType::Date,
            [Cell::Int32(0), Cell::Null, Cell::Int32(i32::MIN)],
        );
        let expected = Table::new()
            .with_column("at_weekday", [Some(3), None, Some(1)])
            .with_column("at_year", [Some(1970), None, Some(-5_877_641)]);
        check(steps, &table, &expected);
        let hours = steps.replace("weekday", "hour");
        check_error(
            &hours,
            &table,
            &["steps[0] (`date-parts`): column `at` is date, which has no hour"],
        );
    }

    #[test]
    fn errors_name_the_choices() {
        let table = column(DataType::Timestamp, TIMES).with_column("at_year", [1; 4]);
        for (step, part) in [
            (r#""columns": "at", "parts": []"#, "`parts` is empty"),
            (
                r#""columns": "at", "parts": ["week"]"#,
                "unknown variant `week`, expected one of `year`, `quarter`",
            ),
            (
                r#""columns": "at", "parts": ["year"]"#,
                "there is a column `at_year` already",
            ),
            (
                r#""columns": "at", "parts": ["day"], "offset": "EST""#,
                "`offset` is \"EST\"; it must be",
            ),
            (
                r#""columns": "at_year", "parts": ["day"]"#,
                "column `at_year` is int32, and this op takes timestamp",
            ),
        ] {
            check_error(
                &format!(r#"[{{"op": "date-parts", {step}}}]"#),
                &table,
                &["steps[0] (`date-parts`): ", part],
            );
        }
    }

    #[test]
    fn offsets_are_signed_hours_and_minutes() {
        for (text, seconds) in [
            ("UTC", Some(0)),
            ("Z", Some(0)),
            ("+00:00", Some(0)),
            ("-05:00", Some(-18_000)),
            ("+05:45", Some(20_700)),
            ("+14:00", Some(50_400)),
            ("+14:01", None),
            ("-5:00", None),
            ("05:00", None),
            ("+05:60", None),
            ("+0500", None),
            ("", None),
            ("é", None),
            ("America/New_York", None),
        ] {
            assert_eq!(parse_offset(text), seconds, "{text}");
        }
    }
}
