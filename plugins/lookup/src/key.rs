//! Keys as bytes: equal keys have equal bytes, so that they can be hashed, sorted and compared at once.

use serde_json::Value;
use trueline_sdk::prelude::*;

use crate::store::shown;

/// Checks that a column can be part of a key.
///
/// # Errors
/// [`Error::Schema`] with the types that can.
pub(crate) fn check(field: &Field) -> Result<()> {
    use DataType::{Boolean, Date, Int32, Int64, Timestamp, Utf8};
    match field.data_type {
        Boolean | Int32 | Int64 | Utf8 | Date | Timestamp => Ok(()),
        other => Err(Error::schema(format!(
            "column `{}` is {other} and cannot be a key; keys are boolean, int32, int64, utf8, date or timestamp",
            field.name
        ))),
    }
}

/// Whether keys of these types can be equal.
pub(crate) fn match_each_other(a: DataType, b: DataType) -> bool {
    let is_integer = |data_type| matches!(data_type, DataType::Int32 | DataType::Int64);
    a == b || is_integer(a) && is_integer(b)
}

/// Writes the key of a row over `bytes`; false if it has a null.
///
/// Numbers are 8 bytes, big-endian with the sign flipped, so bytes sort as numbers do. A text is its
/// bytes; all but the last column's have their length in front, so that `ab, c` differs from `a, bc`.
///
/// # Errors
/// If a column is of a type that [`check`] refuses.
pub(crate) fn write(columns: &[Column<'_>], row: usize, bytes: &mut Vec<u8>) -> Result<bool> {
    bytes.clear();
    for (index, column) in columns.iter().enumerate() {
        if !column.is_valid(row) {
            return Ok(false);
        }
        let number = match &column.values {
            Values::Utf8(texts) => {
                let text = texts.get(row).as_bytes();
                if index + 1 < columns.len() {
                    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                }
                bytes.extend_from_slice(text);
                continue;
            }
            Values::Boolean(_) => i64::from(column.boolean(row)?),
            Values::Int32(_) | Values::Date(_) => i64::from(column.int32()?[row]),
            _ => column.int64()?[row],
        };
        bytes.extend_from_slice(&(number as u64 ^ 1 << 63).to_be_bytes());
    }
    Ok(true)
}

/// The value of a key's column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    /// Also days of dates and microseconds of timestamps.
    Number(i64),
    Boolean(bool),
}

impl Part {
    /// As JSON, a date or time as text.
    pub(crate) fn show(self, field: &Field) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => shown(field.data_type, number),
            Self::Boolean(truth) => truth.into(),
        }
    }
}

/// A key as a person would write it: `origin = "JFK", hour = 7`.
pub(crate) fn show(fields: &[Field], bytes: &[u8]) -> String {
    let parts = read(fields, bytes).into_iter().zip(fields);
    let parts = parts.map(|(part, field)| match part {
        Part::Text(text) => format!("{} = {text:?}", field.name),
        Part::Number(number) => format!("{} = {number}", field.name),
        Part::Boolean(truth) => format!("{} = {truth}", field.name),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What [`write`] wrote, column by column.
pub(crate) fn read(fields: &[Field], mut bytes: &[u8]) -> Vec<Part> {
    let mut parts = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let number = |bytes: &mut &[u8]| {
            bytes.split_first_chunk().map(|(first, rest)| {
                *bytes = rest;
                u64::from_be_bytes(*first)
            })
        };
        parts.push(if field.data_type == DataType::Utf8 {
            let is_last = index + 1 == fields.len();
            let length = if is_last {
                None
            } else {
                number(&mut bytes).and_then(|length| length.try_into().ok())
            };
            let (text, rest) = bytes.split_at(length.unwrap_or(bytes.len()).min(bytes.len()));
            bytes = rest;
            Part::Text(String::from_utf8_lossy(text).into_owned())
        } else {
            let value = number(&mut bytes).unwrap_or(0) as i64 ^ i64::MIN;
            match field.data_type {
                DataType::Boolean => Part::Boolean(value == 1),
                _ => Part::Number(value),
            }
        });
    }
    parts
}
