//! `cast`: the same values as another type.

use serde::Deserialize;
use trueline_sdk::{DataType, Error, Result};

use super::{Offset, Op, time_difference::Unit};
use crate::{
    cast::{Bounds, Invalid, Parse},
    columns::Columns,
    format::Format,
    kernel::Kernel,
    table::Column,
    time::{self, Difference, From, Moment, Time},
    value::{Scalar, Source, Text, TextSource, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cast {
    columns: Columns,
    to: To,
    #[serde(default)]
    invalid: WhenInvalid,
    /// What the numbers of moments count.
    unit: Option<CastUnit>,
    /// What texts of moments and days look like.
    format: Option<String>,
    /// The clock that tells where a day begins, and what a text means that names no zone.
    offset: Option<Offset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum To {
    Boolean,
    Int32,
    Int64,
    Float32,
    Float64,
    Utf8,
    Timestamp,
    Date,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WhenInvalid {
    #[default]
    Error,
    Null,
}

/// Of numbers that become moments, nanoseconds as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "`unit` is nanoseconds, microseconds, milliseconds, seconds, minutes, hours, days or weeks"
)]
enum CastUnit {
    Of(Unit),
    Nanoseconds(Nanoseconds),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Nanoseconds {
    Nanoseconds,
}

impl To {
    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Utf8 => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp,
            Self::Date => DataType::Date,
        }
    }
}

/// What a column holds, as far as casts tell types apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Time,
}

impl Kind {
    fn of(data_type: DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 => Some(Self::Text),
            DataType::Timestamp | DataType::Date => Some(Self::Time),
            data_type if data_type.is_numeric() => Some(Self::Number),
            _ => None,
        }
    }
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        let to = self.to.data_type();
        let fits = |data_type| Kind::of(data_type).is_some();
        let takes = "numbers (boolean, int32, int64, float32, float64), utf8, timestamp and date";
        for column in here.select(&self.columns, fits, takes)? {
            self.check(&column)?;
            if column.field.data_type == to {
                continue;
            }
            let invalid = match self.invalid {
                WhenInvalid::Error => Invalid::Refused(here.place_of(&column)),
                WhenInvalid::Null => Invalid::Missing,
            };
            // A text may say NaN, and a number need not be an integer.
            let nullable = column.may_miss()
                || column.field.data_type == DataType::Utf8
                || self.invalid == WhenInvalid::Null;
            let value = self.value(&column, invalid)?;
            here.replace(column.becomes(to, nullable, value, column.ready))?;
        }
        if self.invalid == WhenInvalid::Null && to == DataType::Utf8 {
            return Err(Error::params("every value is a text; leave `invalid` out"));
        }
        Ok(())
    }
}

impl Cast {
    /// Options that say nothing about this cast would be overlooked.
    fn check(&self, column: &Column) -> Result<()> {
        let (from, to) = (column.field.data_type, self.to.data_type());
        let wrong = |option: &str, what: &str| {
            Err(Error::params(format!(
                "`{option}` is about {what}, and column `{}` is cast from {from} to {to}; leave it out",
                column.field.name
            )))
        };
        let (from, to) = (Kind::of(from), Kind::of(to));
        let is = |a, b| from == Some(a) && to == Some(b);
        let counts = is(Kind::Number, Kind::Time) || is(Kind::Time, Kind::Number);
        if self.unit.is_some() && !counts {
            return wrong("unit", "numbers that are moments");
        }
        if self.format.is_some() && !is(Kind::Text, Kind::Time) {
            return wrong("format", "texts that become moments or days");
        }
        let has_clock = matches!(
            (self.to, column.field.data_type),
            (To::Timestamp, DataType::Utf8 | DataType::Date)
                | (To::Date | To::Utf8, DataType::Timestamp)
        );
        if self.offset.is_some() && !has_clock {
            return wrong(
                "offset",
                "moments that become days or texts, or are made of them",
            );
        }
        Ok(())
    }

    /// The values as the new type, if they can be computed yet.
    fn value(&self, column: &Column, invalid: Invalid) -> Result<Option<Value>> {
        let (from, to) = (column.field.data_type, self.to.data_type());
        let offset_seconds = self.offset.unwrap_or_default().seconds();
        Ok(match (Kind::of(from), Kind::of(to)) {
            (Some(Kind::Time), Some(Kind::Text)) => column
                .time()
                .map(|time| Value::Text(Text::new(TextSource::Time(time, offset_seconds)))),
            (Some(Kind::Time), Some(Kind::Time)) => column.time().map(|time| {
                let from = From::Time(time);
                time_of(to, from, offset_seconds, invalid)
            }),
            (Some(Kind::Time), _) => {
                let counted = self.counted(column, invalid)?;
                counted.map(Value::Scalar)
            }
            (Some(Kind::Text), Some(Kind::Time)) => {
                let format = match &self.format {
                    None => Format::Iso,
                    Some(pattern) => Format::pattern(pattern).map_err(Error::params)?,
                };
                let text = column.text();
                text.map(|text| time_of(to, From::Text(text, format), offset_seconds, invalid))
            }
            (_, Some(Kind::Time)) => {
                let unit_nanoseconds = match self.unit(column)? {
                    CastUnit::Of(unit) => unit.microseconds() * 1000,
                    CastUnit::Nanoseconds(_) => 1,
                };
                column.operand(true).map(|operand| {
                    let from = From::Number {
                        operand,
                        unit_nanoseconds,
                    };
                    time_of(to, from, 0, invalid)
                })
            }
            (_, Some(Kind::Text)) => column.label().map(Value::Text),
            (Some(Kind::Text), _) => column.text().map(|text| {
                let scalar = Scalar::new(Source::Parsed(Parse::new(text, to, invalid)));
                Value::Scalar(match to {
                    DataType::Float32 => scalar.then(Kernel::Narrow),
                    _ => scalar,
                })
            }),
            _ => column
                .scalar()
                .map(|scalar| Value::Scalar(number(scalar, column, to, invalid))),
        })
    }

    /// Of days it is days unless said otherwise.
    fn unit(&self, column: &Column) -> Result<CastUnit> {
        let is_day = column.field.data_type == DataType::Date || self.to == To::Date;
        match self.unit {
            Some(unit) => Ok(unit),
            None if is_day => Ok(CastUnit::Of(Unit::Days)),
            None => Err(Error::params(format!(
                "column `{}` is {}: say what the numbers count since 1970-01-01T00:00:00Z, such as `unit = \"seconds\"`",
                column.field.name, column.field.data_type
            ))),
        }
    }

    /// The time since 1970-01-01T00:00:00Z; of integers, whole units towards the past.
    fn counted(&self, column: &Column, invalid: Invalid) -> Result<Option<Scalar>> {
        let to = self.to.data_type();
        if to == DataType::Boolean {
            return Err(Error::params(format!(
                "column `{}` is {}, which is neither true nor false",
                column.field.name, column.field.data_type
            )));
        }
        let CastUnit::Of(unit) = self.unit(column)? else {
            return Err(Error::params(
                "a timestamp has whole microseconds; take one of the units that are not smaller",
            ));
        };
        let whole = matches!(to, DataType::Int32 | DataType::Int64);
        Ok(column.time().map(|time| {
            let counted = Scalar::new(Source::Difference(Difference {
                from: Moment::Fixed(0),
                to: Moment::Of(time),
                unit_microseconds: unit.microseconds(),
                whole,
            }));
            match to {
                DataType::Float32 => counted.then(Kernel::Narrow),
                _ if whole => counted.then(Kernel::Integer(Bounds::of(to, invalid))),
                _ => counted,
            }
        }))
    }
}

fn time_of(to: DataType, from: From, offset_seconds: i32, invalid: Invalid) -> Value {
    let cast = time::Cast {
        from,
        offset_seconds,
        invalid,
    };
    Value::Time(Time::cast(to, cast))
}

/// The numbers of a column as those of another type.
fn number(scalar: Scalar, column: &Column, to: DataType, invalid: Invalid) -> Scalar {
    match (column.field.data_type, to) {
        (_, DataType::Boolean) => scalar.then(Kernel::Truth),
        (_, DataType::Float32) => scalar.then(Kernel::Narrow),
        (DataType::Boolean, _) | (DataType::Int32, DataType::Int64) => scalar,
        (_, DataType::Int32 | DataType::Int64) => {
            scalar.then(Kernel::Integer(Bounds::of(to, invalid)))
        }
        _ => scalar,
    }
}

#[cfg(test)]
mod tests;
