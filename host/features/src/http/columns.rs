//! Columns of the contract's types from JSON values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array,
    RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{CastOptions, cast_with_options};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use trueline_table::{DataType, Field, Schema};

use crate::{Error, Result};

/// The rows of columns that are lists of JSON values; those of `schema` only, in its order.
///
/// # Errors
/// If a column is missing, has another length than the others, or a value is not of its type.
pub(crate) fn rows(
    schema: &Schema,
    columns: &Map<String, Value>,
    whose: &str,
) -> Result<RecordBatch> {
    let mut arrays = Vec::with_capacity(schema.fields.len());
    let mut count = None;
    for field in &schema.fields {
        let Some(Value::Array(values)) = columns.get(&field.name) else {
            return Err(Error::input(
                format!("{whose}: there is no list `{}`", field.name),
                "send a list of values for each column",
            ));
        };
        if *count.get_or_insert(values.len()) != values.len() {
            return Err(Error::input(
                format!(
                    "{whose}: `{}` has {} values, others have others",
                    field.name,
                    values.len()
                ),
                "send lists of one length",
            ));
        }
        arrays.push(column(field, values, whose)?);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(count.unwrap_or(0)));
    Ok(RecordBatch::try_new_with_options(
        schema.to_arrow(),
        arrays,
        &options,
    )?)
}

/// A column of a type.
fn column(field: &Field, values: &[Value], whose: &str) -> Result<ArrayRef> {
    let wrong = |row: usize| {
        Error::input(
            format!(
                "{whose}: `{}` is {}, and value {} of it is {}",
                field.name,
                field.data_type,
                row + 1,
                values[row]
            ),
            "send values of the column's type; null stands for none",
        )
    };
    /// Each value read, or the place of the first that cannot be.
    fn each<T>(
        values: &[Value],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<Option<T>>, usize> {
        let read = |(row, value): (usize, &Value)| match value {
            Value::Null => Ok(None),
            value => read(value).map(Some).ok_or(row),
        };
        values.iter().enumerate().map(read).collect()
    }
    let array: ArrayRef = match field.data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(
            each(values, Value::as_bool).map_err(wrong)?,
        )),
        DataType::Int32 | DataType::Int64 => {
            Arc::new(Int64Array::from(each(values, integer).map_err(wrong)?))
        }
        DataType::Float32 => {
            let read = each(values, number).map_err(wrong)?;
            Arc::new(
                read.into_iter()
                    .map(|value| value.map(narrow))
                    .collect::<Float32Array>(),
            )
        }
        DataType::Float64 => Arc::new(Float64Array::from(each(values, number).map_err(wrong)?)),
        DataType::Utf8 => {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            Arc::new(StringArray::from(each(values, text).map_err(wrong)?))
        }
        DataType::Binary => {
            let bytes = |value: &Value| BASE64_STANDARD.decode(value.as_str()?).ok();
            let read = each(values, bytes).map_err(wrong)?;
            Arc::new(read.iter().map(Option::as_deref).collect::<BinaryArray>())
        }
        DataType::Timestamp => {
            let read = each(values, timestamp).map_err(wrong)?;
            Arc::new(TimestampMicrosecondArray::from(read).with_timezone("UTC"))
        }
        DataType::Date => {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            Arc::new(StringArray::from(each(values, text).map_err(wrong)?))
        }
        DataType::Float32List(_) | DataType::Float64List(_) => {
            return Err(Error::input(
                format!(
                    "{whose}: `{}` is a vector, which JSON is not read as here",
                    field.name
                ),
                "push it from a Parquet or Arrow file",
            ));
        }
    };
    let wanted = field.data_type.to_arrow();
    if array.data_type() == &wanted {
        return Ok(array);
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(&array, &wanted, &options).map_err(|error| {
        Error::input(
            format!("{whose}: `{}` is {}: {error}", field.name, field.data_type),
            "send values of the column's type",
        )
    })
}

/// Whole numbers, also as `3.0`, which is how pandas sends them beside a null.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "compared with what it was")]
        let whole = number as i64;
        // Beyond 2⁵³ a float is not one whole number but several.
        let is_exact = number.abs() < 9_007_199_254_740_992.0 && number.fract() == 0.0;
        is_exact.then_some(whole)
    })
}

/// A number, or one of the texts that stand for those which JSON has none for.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| match value.as_str()? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is wanted"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// ISO texts, taken as UTC without a zone, or whole seconds since the epoch.
pub(super) fn timestamp(value: &Value) -> Option<i64> {
    if let Some(seconds) = value.as_i64() {
        return seconds.checked_mul(1_000_000);
    }
    let text = value.as_str()?;
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        local
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp())
    })?;
    Some(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;
    use serde_json::json;

    use super::*;

    fn read(data_type: DataType, values: Value) -> Result<String, String> {
        let schema = Schema::new([Field::new("x", data_type)]);
        let Value::Object(columns) = json!({ "x": values }) else {
            unreachable!()
        };
        let rows = rows(&schema, &columns, "the request").map_err(|error| error.to_string())?;
        // Arrow knows no names of zones.
        let column = match data_type {
            DataType::Timestamp => {
                arrow::compute::cast(rows.column(0), &DataType::Int64.to_arrow()).unwrap()
            }
            _ => rows.column(0).clone(),
        };
        let cell = |row| array_value_to_string(&column, row).unwrap();
        Ok((0..rows.num_rows()).map(cell).collect::<Vec<_>>().join(";"))
    }

    #[test]
    fn values_are_read_as_their_column_is() {
        let check = |data_type, values, expected: &str| {
            assert_eq!(read(data_type, values).as_deref(), Ok(expected));
        };
        check(
            DataType::Int64,
            json!([1, null, 3.0, i64::MIN]),
            "1;;3;-9223372036854775808",
        );
        check(
            DataType::Float64,
            json!([0.1, "NaN", "-Infinity", 2]),
            "0.1;NaN;-inf;2.0",
        );
        check(DataType::Float32, json!([0.10000000149011612]), "0.1");
        check(DataType::Boolean, json!([true, null]), "true;");
        let times = json!(["2026-01-01T00:00:00.25", "2026-01-01T01:00:00+01:00", 1]);
        check(
            DataType::Timestamp,
            times,
            "1767225600250000;1767225600000000;1000000",
        );
        check(DataType::Date, json!(["2026-01-02"]), "2026-01-02");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let check = |data_type, values, expected: &str| {
            assert_eq!(read(data_type, values).unwrap_err(), expected);
        };
        check(
            DataType::Int64,
            json!([1, 1.5]),
            "the request: `x` is int64, and value 2 of it is 1.5",
        );
        check(
            DataType::Utf8,
            json!([7]),
            "the request: `x` is utf8, and value 1 of it is 7",
        );
        assert!(read(DataType::Int32, json!([i64::MAX])).is_err());
        check(
            DataType::Int64,
            json!(3),
            "the request: there is no list `x`",
        );
    }
}
