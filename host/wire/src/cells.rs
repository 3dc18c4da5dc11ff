//! A column that is being written.

use std::fmt::Write as _;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeListArray, PrimitiveArray,
    StringArray,
};
use arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use trueline_table::{DataType, Field};

use crate::{Error, Result, scalar};

/// The values of a column, their type known.
pub(crate) struct Cells<'a> {
    array: &'a dyn Array,
    values: Values<'a>,
}

enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Utf8(&'a StringArray),
    Binary(&'a BinaryArray),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>),
    Date(&'a PrimitiveArray<Date32Type>),
    Float32List(&'a FixedSizeListArray),
    Float64List(&'a FixedSizeListArray),
}

/// How JSON says NaN and the infinities, which it has no numbers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFinite {
    /// As texts: `"NaN"`, `"Infinity"`, `"-Infinity"`; the body stays JSON.
    Quoted,
    /// As Python's `json` does: `NaN`, `Infinity`, `-Infinity`.
    Bare,
}

impl<'a> Cells<'a> {
    /// # Errors
    /// If the column is not of the field's type.
    pub(crate) fn new(field: &Field, array: &'a ArrayRef) -> Result<Self> {
        let values = match field.data_type {
            DataType::Boolean => array.as_boolean_opt().map(Values::Boolean),
            DataType::Int32 => array.as_primitive_opt().map(Values::Int32),
            DataType::Int64 => array.as_primitive_opt().map(Values::Int64),
            DataType::Float32 => array.as_primitive_opt().map(Values::Float32),
            DataType::Float64 => array.as_primitive_opt().map(Values::Float64),
            DataType::Utf8 => array.as_string_opt().map(Values::Utf8),
            DataType::Binary => array.as_binary_opt().map(Values::Binary),
            DataType::Timestamp => array.as_primitive_opt().map(Values::Timestamp),
            DataType::Date => array.as_primitive_opt().map(Values::Date),
            DataType::Float32List(_) => array.as_fixed_size_list_opt().map(Values::Float32List),
            DataType::Float64List(_) => array.as_fixed_size_list_opt().map(Values::Float64List),
        };
        let values = values.ok_or_else(|| {
            Error::shape(format!(
                "column `{}` is {}, not {}",
                field.name,
                array.data_type(),
                field.data_type
            ))
        })?;
        Ok(Self { array, values })
    }

    /// Writes a value as JSON.
    pub(crate) fn json(&self, row: usize, not_finite: NotFinite, out: &mut String) {
        if self.array.is_null(row) {
            out.push_str("null");
            return;
        }
        match &self.values {
            Values::Utf8(values) => write_string(values.value(row), out),
            Values::Binary(_) | Values::Timestamp(_) | Values::Date(_) => {
                out.push('"');
                self.text(row, out);
                out.push('"');
            }
            Values::Float32(values) => write_number(values.value(row).into(), not_finite, out),
            Values::Float64(values) => write_number(values.value(row), not_finite, out),
            Values::Float32List(values) => {
                let vector = values.value(row);
                let numbers = vector.as_primitive::<Float32Type>().values().iter();
                write_vector(numbers.map(|&number| number.into()), not_finite, out);
            }
            Values::Float64List(values) => {
                let vector = values.value(row);
                let numbers = vector.as_primitive::<Float64Type>().values().iter();
                write_vector(numbers.copied(), not_finite, out);
            }
            Values::Boolean(_) | Values::Int32(_) | Values::Int64(_) => self.text(row, out),
        }
    }

    /// Writes a value as a plain text; null as none.
    pub(crate) fn text(&self, row: usize, out: &mut String) {
        if self.array.is_null(row) {
            return;
        }
        // Writing into a text does not fail.
        let _ = match &self.values {
            Values::Boolean(values) => write!(out, "{}", values.value(row)),
            Values::Int32(values) => write!(out, "{}", values.value(row)),
            Values::Int64(values) => write!(out, "{}", values.value(row)),
            Values::Utf8(values) => out.write_str(values.value(row)),
            Values::Binary(values) => {
                BASE64_STANDARD.encode_string(values.value(row), out);
                Ok(())
            }
            Values::Timestamp(values) => {
                scalar::write_timestamp(values.value(row), out);
                Ok(())
            }
            Values::Date(values) => {
                scalar::write_date(values.value(row), out);
                Ok(())
            }
            Values::Float32(_)
            | Values::Float64(_)
            | Values::Float32List(_)
            | Values::Float64List(_) => {
                self.json(row, NotFinite::Bare, out);
                Ok(())
            }
        };
    }
}

fn write_number(number: f64, not_finite: NotFinite, out: &mut String) {
    if number.is_finite() {
        return scalar::write_float(number, out);
    }
    let word = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    match not_finite {
        NotFinite::Bare => out.push_str(word),
        NotFinite::Quoted => write_string(word, out),
    }
}

fn write_vector(numbers: impl Iterator<Item = f64>, not_finite: NotFinite, out: &mut String) {
    out.push('[');
    for (index, number) in numbers.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_number(number, not_finite, out);
    }
    out.push(']');
}

/// Writes a text in quotes.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        // Writing into a text does not fail.
        let _ = match byte {
            b'"' => out.write_str("\\\""),
            b'\\' => out.write_str("\\\\"),
            b'\n' => out.write_str("\\n"),
            _ => write!(out, "\\u{byte:04x}"),
        };
    }
    out.push_str(&text[plain..]);
    out.push('"');
}
