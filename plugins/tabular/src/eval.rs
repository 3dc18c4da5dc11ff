//! Computing values, block by block of rows.

use trueline_sdk::{Batch, Column, Error, Result, Validity, Values};

use crate::{
    civil::Moment,
    encoder::Encoder,
    kernel::{BLOCK, copy},
    ops::Part,
    time::Time,
    value::{Scalar, Source, Value},
};

impl Scalar {
    /// The numbers of the rows from `start` on, a multiple of 8; NaN where they are missing.
    ///
    /// # Errors
    /// [`Error::Data`] if an encoder refuses a row.
    pub(crate) fn eval(&self, batch: &Batch<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
        let mut kernels = self.kernels.iter();
        match &self.source {
            Source::Input(input) => {
                let column = batch.column(*input);
                match (&column.values, kernels.as_slice()) {
                    (Values::Float64(values), [first, ..]) if column.validity.null_count() == 0 => {
                        first.apply_to(&values[start..][..numbers.len()], numbers)?;
                        kernels.next();
                    }
                    _ => load(column, start, numbers)?,
                }
            }
            Source::Missing(value) => value.missing(batch, start, numbers)?,
            Source::DatePart {
                time,
                part,
                offset_seconds,
            } => date_part(time, *part, *offset_seconds, batch, start, numbers)?,
            Source::Code(encoder) => {
                // On the heap, since encoders may encode what encoders gave.
                let mut codes = vec![0; numbers.len()];
                encoder.encode(batch, start, &mut codes)?;
                copy(&codes, numbers, |code| {
                    if code == Encoder::NONE {
                        f64::NAN
                    } else {
                        f64::from(code)
                    }
                });
            }
            Source::Difference(difference) => difference.eval(batch, start, numbers)?,
            Source::Length(text) => {
                let texts = text.block(batch, start, numbers.len())?;
                for (index, number) in numbers.iter_mut().enumerate() {
                    let length = |text: &str| text.chars().count() as f64;
                    *number = texts.get(index).map_or(f64::NAN, length);
                }
            }
            Source::Parsed(parse) => parse.eval(batch, start, numbers)?,
            Source::Computed(expression) => expression.eval(batch, start, numbers)?,
        }
        for kernel in kernels {
            kernel.apply(numbers)?;
        }
        Ok(())
    }

    /// The numbers of all rows.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub(crate) fn eval_all(&self, batch: &Batch<'_>, numbers: &mut [f64]) -> Result<()> {
        self.eval_from(batch, 0, numbers)
    }

    /// The numbers of any number of rows from `start` on, a multiple of 8.
    ///
    /// # Errors
    /// As [`eval`](Self::eval).
    pub(crate) fn eval_from(
        &self,
        batch: &Batch<'_>,
        start: usize,
        numbers: &mut [f64],
    ) -> Result<()> {
        for (block, numbers) in numbers.chunks_mut(BLOCK).enumerate() {
            self.eval(batch, start + block * BLOCK, numbers)?;
        }
        Ok(())
    }
}

impl Value {
    /// 1 in every row from `start` on that has no value, else 0.
    pub(crate) fn missing(
        &self,
        batch: &Batch<'_>,
        start: usize,
        numbers: &mut [f64],
    ) -> Result<()> {
        let flag = |missing: bool| f64::from(u8::from(missing));
        match self {
            Self::Scalar(scalar) => {
                scalar.eval(batch, start, numbers)?;
                numbers.iter_mut().for_each(|x| *x = flag(x.is_nan()));
            }
            Self::Text(text) => {
                let texts = text.block(batch, start, numbers.len())?;
                for (index, number) in numbers.iter_mut().enumerate() {
                    *number = flag(texts.get(index).is_none());
                }
            }
            Self::Opaque(input) => {
                let column = batch.column(*input);
                for (row, number) in (start..).zip(numbers) {
                    *number = flag(!column.is_valid(row));
                }
            }
            Self::Time(time) => {
                let times = time.block(batch, start, numbers.len())?;
                let pairs = numbers.iter_mut().zip(times);
                pairs.for_each(|(number, time)| *number = flag(time.is_none()));
            }
            Self::Vector(_) => return Err(Error::other("a vector is never missing")),
        }
        Ok(())
    }
}

/// A part of each moment; of a column of the batch without looking at one row after another.
fn date_part(
    time: &Time,
    part: Part,
    offset_seconds: i32,
    batch: &Batch<'_>,
    start: usize,
    numbers: &mut [f64],
) -> Result<()> {
    let of_timestamp = |timestamp| part.of(Moment::from_timestamp(timestamp, offset_seconds));
    let of_date = |day| part.of(Moment::from_date(day));
    let Some(input) = time.untouched() else {
        let times = time.block(batch, start, numbers.len())?;
        for (number, value) in numbers.iter_mut().zip(times) {
            *number = match value {
                None => f64::NAN,
                Some(day) if time.is_date() => of_date(day),
                Some(timestamp) => of_timestamp(timestamp),
            };
        }
        return Ok(());
    };
    let column = batch.column(input);
    match &column.values {
        Values::Timestamp(values) => copy(&values[start..], numbers, of_timestamp),
        Values::Date(values) => copy(&values[start..], numbers, |day| of_date(i64::from(day))),
        _ => return Err(unexpected(column)),
    }
    erase_nulls(&column.validity, start, numbers);
    Ok(())
}

fn load(column: &Column<'_>, start: usize, numbers: &mut [f64]) -> Result<()> {
    match &column.values {
        Values::Float64(values) => numbers.copy_from_slice(&values[start..][..numbers.len()]),
        Values::Float32(values) => copy(&values[start..], numbers, f64::from),
        Values::Int32(values) => copy(&values[start..], numbers, f64::from),
        Values::Int64(values) => copy(&values[start..], numbers, |value| value as f64),
        Values::Boolean(bits) => {
            for (row, number) in (start..).zip(&mut *numbers) {
                *number = f64::from(u8::from(bit(bits, row)));
            }
        }
        _ => return Err(unexpected(column)),
    }
    erase_nulls(&column.validity, start, numbers);
    Ok(())
}

/// Puts NaN where the column has a null.
fn erase_nulls(validity: &Validity<'_>, start: usize, numbers: &mut [f64]) {
    let Some(bits) = validity.bits() else { return };
    for (byte, numbers) in bits[start / 8..].iter().zip(numbers.chunks_mut(8)) {
        if *byte != u8::MAX {
            for (bit, number) in numbers.iter_mut().enumerate() {
                if byte >> bit & 1 == 0 {
                    *number = f64::NAN;
                }
            }
        }
    }
}

#[inline]
pub(crate) fn bit(bits: &[u8], row: usize) -> bool {
    bits[row / 8] >> (row % 8) & 1 == 1
}

pub(crate) fn unexpected(column: &Column<'_>) -> Error {
    Error::schema(format!(
        "a column is {}, which is not what it was planned as",
        column.data_type()
    ))
}
