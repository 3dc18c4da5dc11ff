//! `time-difference`: how long it is from one moment to another.

use serde::{Deserialize, Deserializer, de::Error as _};
use trueline_sdk::{DataType, Error, Field, Result, civil::parse_timestamp};

use super::Op;
use crate::{
    table::Column,
    time::{Difference, Moment},
    value::{Scalar, Source, Value},
    walk::Here,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeDifference {
    from: Point,
    to: Point,
    unit: Unit,
    into: String,
}

/// A column's name, or a moment in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Point {
    Column(String),
    Fixed(i64),
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(D::Error::custom("`from` and `to` are columns or moments"));
        }
        Ok(parse_timestamp(&text).map_or(Self::Column(text), Self::Fixed))
    }
}

/// What times are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Unit {
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl Unit {
    pub(super) fn microseconds(self) -> i64 {
        match self {
            Self::Microseconds => 1,
            Self::Milliseconds => 1_000,
            Self::Seconds => 1_000_000,
            Self::Minutes => 60_000_000,
            Self::Hours => 3_600_000_000,
            Self::Days => 86_400_000_000,
            Self::Weeks => 604_800_000_000,
        }
    }
}

impl Op for TimeDifference {
    fn name(&self) -> &'static str {
        "time-difference"
    }

    fn apply(&self, here: &mut Here<'_>) -> Result<()> {
        if self.into.is_empty() {
            return Err(Error::params("`into` is empty; name the new column"));
        }
        let (from, to) = (column(&self.from, here)?, column(&self.to, here)?);
        let columns: Vec<&Column> = [&from, &to].into_iter().flatten().collect();
        let Some(first) = columns.first() else {
            return if here.is_partial() {
                Ok(())
            } else {
                Err(Error::params("one of `from` and `to` must be a column"))
            };
        };
        let value = moment(&self.from, from.as_ref())
            .zip(moment(&self.to, to.as_ref()))
            .map(|(from, to)| {
                Value::Scalar(Scalar::new(Source::Difference(Difference {
                    from,
                    to,
                    unit_microseconds: self.unit.microseconds(),
                    whole: false,
                })))
            });
        let nullable = columns.iter().any(|column| column.field.nullable);
        let mut difference = first.derives(self.into.clone(), DataType::Float64, nullable, value);
        difference.inputs = columns
            .iter()
            .flat_map(|column| column.inputs.clone())
            .collect();
        difference.ready = columns.iter().map(|column| column.ready).max().unwrap_or(0);
        here.add(difference)
    }
}

/// The column of a point, if it is one and is there.
fn column(point: &Point, here: &Here<'_>) -> Result<Option<Column>> {
    let Point::Column(name) = point else {
        return Ok(None);
    };
    let column = here.find(name)?;
    if let Some(Column {
        field: Field { data_type, .. },
        ..
    }) = &column
    {
        if !matches!(data_type, DataType::Timestamp | DataType::Date) {
            return Err(Error::schema(format!(
                "column `{name}` is {data_type}, and this op takes timestamp and date"
            )));
        }
    }
    Ok(column)
}

fn moment(point: &Point, column: Option<&Column>) -> Option<Moment> {
    match point {
        Point::Fixed(microseconds) => Some(Moment::Fixed(*microseconds)),
        Point::Column(_) => column?.time().map(Moment::Of),
    }
}

#[cfg(test)]
mod tests {
    use trueline_sdk::{DataType, Field, testing::Table};

    use crate::testing::{check, check_error};

    const HOUR: i64 = 3_600_000_000;

    fn table() -> Table {
        Table::new()
            .with_field(
                Field::new("start", DataType::Timestamp),
                [Some(0), Some(-HOUR), None, Some(i64::MIN)],
            )
            .with_field(
                Field::new("end", DataType::Timestamp),
                [Some(HOUR / 2), Some(HOUR), Some(0), Some(i64::MAX)],
            )
            .with_field(Field::new("day", DataType::Date), [1, 0, -1, 2])
            .with_column("x", [1, 2, 3, 4])
    }

    #[test]
    fn differences_are_in_the_unit_and_never_overflow() {
        for (points, expected) in [
            (
                r#""from": "start", "to": "end", "unit": "minutes""#,
                [Some(30.0), Some(120.0), None, Some(307_445_734_561.825_87)],
            ),
            (
                r#""from": "day", "to": "end", "unit": "hours""#,
                [
                    Some(-23.5),
                    Some(1.0),
                    Some(24.0),
                    Some(2_562_047_740.015_215_4),
                ],
            ),
            (
                r#""from": "1970-01-02T00:00:00Z", "to": "day", "unit": "days""#,
                [Some(0.0), Some(-1.0), Some(-2.0), Some(1.0)],
            ),
        ] {
            let steps = format!(r#"[{{"op": "time-difference", {points}, "into": "d"}}]"#);
            check(&steps, &table(), &Table::new().with_column("d", expected));
        }
    }

    #[test]
    fn errors_name_what_is_no_moment() {
        for (points, part) in [
            (
                r#""from": "x", "to": "end""#,
                "column `x` is int32, and this op takes timestamp and date",
            ),
            (
                r#""from": "1970-01-02T00:00:00Z", "to": "1970-01-01""#,
                "must be a column",
            ),
            (
                r#""from": "nope", "to": "end""#,
                "there is no column `nope`",
            ),
        ] {
            let steps =
                format!(r#"[{{"op": "time-difference", {points}, "unit": "days", "into": "d"}}]"#);
            check_error(&steps, &table(), &["steps[0] (`time-difference`)", part]);
        }
    }
}
