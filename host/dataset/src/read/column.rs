//! Building one column from values that come one by one, as texts or as JSON's kinds.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Float32Builder, Float64Builder,
    Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use trueline_table::DataType;

/// One value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    Int(i64),
    Double(f64),
    Text(&'a str),
}

/// A column that grows value by value.
pub(super) enum ColumnBuilder {
    Boolean(BooleanBuilder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Utf8(StringBuilder),
    Binary(BinaryBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
}

impl ColumnBuilder {
    /// An empty column, unless values of the type cannot be written one by one.
    pub(super) fn new(data_type: DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int32 => Self::Int32(Int32Builder::new()),
            DataType::Int64 => Self::Int64(Int64Builder::new()),
            DataType::Float32 => Self::Float32(Float32Builder::new()),
            DataType::Float64 => Self::Float64(Float64Builder::new()),
            DataType::Utf8 => Self::Utf8(StringBuilder::new()),
            DataType::Binary => Self::Binary(BinaryBuilder::new()),
            DataType::Timestamp => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            DataType::Date => Self::Date(Date32Builder::new()),
            DataType::Float32List(_) | DataType::Float64List(_) => return None,
        })
    }

    /// Appends a value. A text is parsed; apart from that only an int may become a double.
    ///
    /// # Errors
    /// What is wrong with the value, if it is none of the column's type.
    pub(super) fn append(&mut self, value: Value<'_>) -> Result<(), String> {
        match self {
            Self::Boolean(builder) => builder.append_option(optional(value, boolean)?),
            Self::Int32(builder) => builder.append_option(optional(value, int32)?),
            Self::Int64(builder) => builder.append_option(optional(value, int)?),
            Self::Float32(builder) => builder.append_option(optional(value, float32)?),
            Self::Float64(builder) => builder.append_option(optional(value, double)?),
            Self::Utf8(builder) => builder.append_option(optional(value, text)?),
            Self::Binary(builder) => builder.append_option(optional(value, text)?),
            Self::Timestamp(builder) => builder.append_option(optional(value, timestamp)?),
            Self::Date(builder) => builder.append_option(optional(value, date)?),
        }
        Ok(())
    }

    /// The column; the builder is empty again.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Int32(builder) => Arc::new(builder.finish()),
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => Arc::new(builder.finish()),
            Self::Utf8(builder) => Arc::new(builder.finish()),
            Self::Binary(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
        }
    }
}

fn optional<'a, T>(
    value: Value<'a>,
    convert: impl FnOnce(Value<'a>) -> Option<Result<T, String>>,
) -> Result<Option<T>, String> {
    if value == Value::Null {
        return Ok(None);
    }
    convert(value)
        .unwrap_or_else(|| Err("is of another type".to_owned()))
        .map(Some)
}

fn boolean(value: Value<'_>) -> Option<Result<bool, String>> {
    match value {
        Value::Boolean(value) => Some(Ok(value)),
        Value::Text(text) => {
            Some(parse_boolean(text).ok_or_else(|| "is neither true nor false".to_owned()))
        }
        _ => None,
    }
}

fn int(value: Value<'_>) -> Option<Result<i64, String>> {
    match value {
        Value::Int(value) => Some(Ok(value)),
        Value::Text(text) => Some(text.parse().map_err(|_| "is no int64".to_owned())),
        _ => None,
    }
}

fn int32(value: Value<'_>) -> Option<Result<i32, String>> {
    Some(
        int(value)?
            .and_then(|value| i32::try_from(value).map_err(|_| "does not fit an int32".to_owned())),
    )
}

fn double(value: Value<'_>) -> Option<Result<f64, String>> {
    match value {
        #[expect(
            clippy::cast_precision_loss,
            reason = "as a text of the same digits would be rounded"
        )]
        Value::Int(value) => Some(Ok(value as f64)),
        Value::Double(value) => Some(Ok(value)),
        Value::Text(text) => Some(text.parse().map_err(|_| "is no number".to_owned())),
        _ => None,
    }
}

fn float32(value: Value<'_>) -> Option<Result<f32, String>> {
    match value {
        // Parsed as what it is: rounding twice, by way of a float64, can give another float32.
        Value::Text(text) => Some(text.parse().map_err(|_| "is no number".to_owned())),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the declared type asks for the nearest float32"
        )]
        _ => Some(double(value)?.map(|value| value as f32)),
    }
}

fn text(value: Value<'_>) -> Option<Result<&str, String>> {
    if let Value::Text(text) = value {
        Some(Ok(text))
    } else {
        None
    }
}

fn timestamp(value: Value<'_>) -> Option<Result<i64, String>> {
    let Value::Text(text) = value else {
        return None;
    };
    Some(
        parse_timestamp(text)
            .or_else(|| parse_local_timestamp(text))
            .ok_or_else(|| {
                "is no time such as 2013-09-01T10:00:00Z, of whole microseconds".to_owned()
            }),
    )
}

fn date(value: Value<'_>) -> Option<Result<i32, String>> {
    let Value::Text(text) = value else {
        return None;
    };
    Some(parse_date(text).ok_or_else(|| "is no date such as 2013-09-01".to_owned()))
}

/// `true` or `false`, also as Python and R write them.
pub(super) fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Microseconds since the epoch of a time with a zone; nothing if it is finer than a microsecond.
pub(super) fn parse_timestamp(text: &str) -> Option<i64> {
    whole_microseconds(text.parse().ok()?)
}

/// The same for a time without a zone, which is taken for UTC.
fn parse_local_timestamp(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    whole_microseconds(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn whole_microseconds(time: jiff::Timestamp) -> Option<i64> {
    (time.subsec_nanosecond() % 1000 == 0).then(|| time.as_microsecond())
}

/// Days since the epoch of `2013-09-01`, and of no other way to write it.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let date: Date = text.parse().ok()?;
    (date - Date::constant(1970, 1, 1)).get_days().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::describe;
    use arrow::array::Array;

    #[test]
    fn values_become_the_columns_type_or_a_message() {
        let check = |data_type: DataType, value: Value<'_>, expected: Result<&str, &str>| {
            let mut builder = ColumnBuilder::new(data_type).unwrap();
            let appended = builder.append(value);
            let column = builder.finish();
            assert_eq!(DataType::from_arrow(column.data_type()), Some(data_type));
            match expected {
                Ok(text) => {
                    assert_eq!(appended, Ok(()), "{value:?}");
                    assert_eq!(describe(&column, 0).unwrap(), text, "{value:?}");
                }
                Err(part) => assert!(appended.unwrap_err().contains(part), "{value:?}"),
            }
        };
        use Value::{Boolean, Double, Int, Null, Text};
        check(DataType::Boolean, Text("TRUE"), Ok("true"));
        check(DataType::Boolean, Boolean(false), Ok("false"));
        check(DataType::Boolean, Text("1"), Err("neither true nor false"));
        check(DataType::Boolean, Int(1), Err("another type"));
        check(DataType::Int32, Text("-2147483648"), Ok("-2147483648"));
        check(DataType::Int32, Int(1 << 31), Err("does not fit"));
        check(
            DataType::Int64,
            Text("9223372036854775808"),
            Err("no int64"),
        );
        check(DataType::Int64, Double(1.0), Err("another type"));
        check(DataType::Float64, Int(3), Ok("3.0"));
        check(DataType::Float64, Text("1e3"), Ok("1000.0"));
        // Halfway between two float32 but for its last digit, which a float64 has no room for.
        check(
            DataType::Float32,
            Text("1.00000017881393432617187499"),
            Ok("1.0000001"),
        );
        check(DataType::Utf8, Text("NA"), Ok("NA"));
        check(DataType::Utf8, Null, Ok(""));
        check(DataType::Utf8, Int(1), Err("another type"));
        check(DataType::Binary, Text("a"), Ok("61"));
        check(
            DataType::Timestamp,
            Text("2013-01-01T05:00:00-05:00"),
            Ok("2013-01-01T10:00:00Z"),
        );
        check(
            DataType::Timestamp,
            Text("2013-01-01 10:00:00"),
            Ok("2013-01-01T10:00:00Z"),
        );
        check(
            DataType::Timestamp,
            Text("2013-01-01T10:00:00.0000001Z"),
            Err("whole microseconds"),
        );
        check(DataType::Timestamp, Text("yesterday"), Err("no time"));
        check(DataType::Date, Text("1969-12-31"), Ok("1969-12-31"));
        check(DataType::Date, Text("2013-02-30"), Err("no date"));
        check(DataType::Date, Text("20130901"), Err("no date"));
        assert!(ColumnBuilder::new(DataType::Float32List(2)).is_none());
    }
}
