//! Values as integers, as each measure needs them, and back.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Float64Type, Int64Type};
use trueline_sdk::{hash::Hasher, order};
use trueline_table::DataType;

use super::layout::Measure;
use super::{spread, total};
use crate::Result;
use crate::row::RowEncoder;

/// What a measure takes of each row; nothing of rows that have no value.
#[derive(Debug)]
pub(super) struct Words(Vec<Option<i64>>);

impl Words {
    /// Those of a measure for the values of its input; `rows` is their number.
    pub(super) fn of(measure: Measure, input: Option<&ArrayRef>, rows: usize) -> Result<Self> {
        let Some(input) = input else {
            return Ok(Self(vec![Some(0); rows]));
        };
        let valid = |row: usize| input.is_valid(row).then_some(0);
        let integers = || -> Result<Vec<Option<i64>>> {
            Ok(cast(&plain(input)?, &Arrow::Int64)?
                .as_primitive::<Int64Type>()
                .iter()
                .collect())
        };
        let floats = |word: fn(f64) -> Option<i64>| -> Result<Vec<Option<i64>>> {
            let wide = cast(input, &Arrow::Float64)?;
            let values = wide.as_primitive::<Float64Type>().iter();
            Ok(values.map(|value| word(value?)).collect())
        };
        let is_float = matches!(input.data_type(), Arrow::Float32 | Arrow::Float64);
        Ok(Self(match measure {
            Measure::Count | Measure::First | Measure::Last => (0..rows).map(valid).collect(),
            Measure::Total if is_float => floats(|value| Some(total::bits(value)))?,
            Measure::Extremes if is_float => floats(spread::key)?,
            Measure::Total | Measure::Extremes => integers()?,
            Measure::Spread => floats(spread::key)?,
            Measure::Distinct => hashes(input)?,
        }))
    }

    pub(super) fn get(&self, row: usize) -> Option<i64> {
        self.0[row]
    }

    /// Those of other rows: `places` of these, in that order.
    pub(super) fn take(&self, places: &[u32]) -> Self {
        Self(places.iter().map(|place| self.0[*place as usize]).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        self.0.iter().filter_map(|word| *word)
    }
}

/// Times and days as the numbers that they are.
fn plain(input: &ArrayRef) -> Result<ArrayRef> {
    Ok(match input.data_type() {
        // Through its own width: there is no cast from days to int64.
        Arrow::Date32 => cast(input, &Arrow::Int32)?,
        _ => input.clone(),
    })
}

/// Equal values have equal hashes, whatever the width of their column; both zeros are one value, and so are
/// all NaNs.
fn hashes(input: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let input = match input.data_type() {
        Arrow::Int32 => cast(input, &Arrow::Int64)?,
        Arrow::Float32 | Arrow::Float64 => {
            let wide = cast(input, &Arrow::Float64)?;
            let keys = wide.as_primitive::<Float64Type>();
            Arc::new(keys.unary::<_, Int64Type>(order::key))
        }
        _ => input.clone(),
    };
    let rows = RecordBatch::try_from_iter_with_nullable([("value", input, true)])?;
    let encoder = RowEncoder::new(&rows);
    let column = rows.column(0);
    let hash = |row| {
        let mut hasher = Hasher::new();
        hasher.bytes(&encoder.encode(row));
        // The upper half: 64 bits are enough to keep values apart.
        let hash = (hasher.finish() >> 64).to_le_bytes();
        let [a, b, c, d, e, f, g, h, ..] = hash;
        i64::from_le_bytes([a, b, c, d, e, f, g, h])
    };
    let hash = |row| column.is_valid(row).then(|| hash(row));
    Ok((0..column.len()).map(hash).collect())
}

/// Results as a column: integers as they are, floats by the bits of the float64.
#[expect(
    clippy::cast_possible_truncation,
    reason = "results of narrow types are values of narrow columns"
)]
pub(super) fn column(data_type: DataType, words: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let float = |word: i64| f64::from_bits(word.cast_unsigned());
    match data_type {
        DataType::Boolean => {
            let values = words.map(|word| word.map(|word| word != 0));
            Arc::new(values.collect::<BooleanArray>())
        }
        DataType::Int32 => {
            let values = words.map(|word| word.map(|word| word as i32));
            Arc::new(values.collect::<Int32Array>())
        }
        DataType::Date => {
            let values = words.map(|word| word.map(|word| word as i32));
            Arc::new(values.collect::<Date32Array>())
        }
        DataType::Float32 => {
            let values = words.map(|word| word.map(|word| float(word) as f32));
            Arc::new(values.collect::<Float32Array>())
        }
        DataType::Float64 => Arc::new(words.map(|word| word.map(float)).collect::<Float64Array>()),
        DataType::Timestamp => {
            let values = words.collect::<TimestampMicrosecondArray>();
            Arc::new(values.with_timezone("UTC"))
        }
        _ => Arc::new(words.collect::<Int64Array>()),
    }
}
