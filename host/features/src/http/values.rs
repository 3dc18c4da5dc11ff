//! Values of columns as JSON, in Feast's way: float32 with the digits of the same number as float64, what is
//! no JSON number as a text, bytes as base64, timestamps as seconds since the epoch.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType as Arrow, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow::util::display::array_value_to_string;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The value of a row.
pub(crate) fn json(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        Arrow::Boolean => Value::from(column.as_boolean().value(row)),
        Arrow::Int32 => Value::from(column.as_primitive::<Int32Type>().value(row)),
        Arrow::Int64 => Value::from(column.as_primitive::<Int64Type>().value(row)),
        Arrow::Float32 => float(f64::from(column.as_primitive::<Float32Type>().value(row))),
        Arrow::Float64 => float(column.as_primitive::<Float64Type>().value(row)),
        Arrow::Utf8 => Value::from(column.as_string::<i32>().value(row)),
        Arrow::Binary => Value::from(BASE64_STANDARD.encode(column.as_binary::<i32>().value(row))),
        Arrow::Timestamp(..) => {
            let microseconds = column.as_primitive::<TimestampMicrosecondType>().value(row);
            Value::from(microseconds.div_euclid(1_000_000))
        }
        Arrow::FixedSizeList(..) => {
            let elements = column.as_fixed_size_list().value(row);
            (0..elements.len())
                .map(|element| json(&elements, element))
                .collect()
        }
        _ => Value::from(array_value_to_string(column, row).unwrap_or_default()),
    }
}

fn float(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("NaN"),
        None if value > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// An instant with `Z` and 0, 3 or 6 digits behind the second, as few as say all of it.
pub(super) fn instant(microseconds: i64) -> String {
    let digits = match microseconds.rem_euclid(1_000_000) {
        0 => 0,
        rest if rest % 1_000 == 0 => 3,
        _ => 6,
    };
    match jiff::Timestamp::from_microsecond(microseconds) {
        Ok(at) => format!("{at:.digits$}"),
        // Beyond the year 9999, which has no such text.
        Err(_) => format!("{microseconds}us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_as_few_digits_as_needed() {
        let check = |microseconds, expected: &str| assert_eq!(instant(microseconds), expected);
        check(0, "1970-01-01T00:00:00Z");
        check(250_000, "1970-01-01T00:00:00.250Z");
        check(-1, "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn numbers_keep_their_bits() {
        let text = |value: f64| float(value).to_string();
        assert_eq!(text(f64::from(0.1_f32)), "0.10000000149011612");
        assert_eq!(text(f64::NAN), "\"NaN\"");
        assert_eq!(text(f64::NEG_INFINITY), "\"-Infinity\"");
    }
}
