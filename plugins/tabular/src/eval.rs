//! Computing values, block by block of rows.

use trueline_sdk::{Batch, Column, Error, Result, Validity, Values};

use crate::{
    civil::Moment,
    convert,
    encoder::Encoder,
    kernel::{BLOCK, UNROLLED, copy},
    value::{Content, Scalar, Source, Value, Vector},
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
                input,
                part,
                offset_seconds,
            } => {
                let column = batch.column(*input);
                match &column.values {
                    Values::Timestamp(values) => copy(&values[start..], numbers, |timestamp| {
                        part.of(Moment::from_timestamp(timestamp, *offset_seconds))
                    }),
                    Values::Date(values) => copy(&values[start..], numbers, |day| {
                        part.of(Moment::from_date(day))
                    }),
                    _ => return Err(unexpected(column)),
                }
                erase_nulls(&column.validity, start, numbers);
            }
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
            Self::Vector(_) => return Err(Error::other("a vector is never missing")),
        }
        Ok(())
    }
}

/// The values of an integer or boolean column, exactly.
pub(crate) struct Integers<'a>(&'a Column<'a>);

impl<'a> Integers<'a> {
    pub(crate) fn of(batch: &'a Batch<'a>, input: usize) -> Result<Self> {
        let column = batch.column(input);
        match &column.values {
            Values::Boolean(_) | Values::Int32(_) | Values::Int64(_) => Ok(Self(column)),
            _ => Err(unexpected(column)),
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        if !self.0.is_valid(row) {
            return None;
        }
        match &self.0.values {
            Values::Int64(values) => Some(values[row]),
            Values::Int32(values) => Some(i64::from(values[row])),
            Values::Boolean(bits) => Some(i64::from(bit(bits, row))),
            _ => None,
        }
    }
}

/// A float type that vectors have.
pub(crate) trait Element: Copy {
    fn from_number(number: f64) -> Self;
}

impl Element for f64 {
    #[inline]
    fn from_number(number: f64) -> Self {
        number
    }
}

impl Element for f32 {
    #[inline]
    fn from_number(number: f64) -> Self {
        convert::to_float32(number)
    }
}

impl Vector {
    /// Writes every row's elements. `rows` is row-major and zero.
    ///
    /// # Errors
    /// [`Error::Data`] if an encoder refuses a row.
    pub(crate) fn write<T: Element>(&self, batch: &Batch<'_>, rows: &mut [T]) -> Result<()> {
        if self.width == 0 {
            return Ok(());
        }
        let mut numbers = [0.0; BLOCK];
        let mut codes = [0; BLOCK];
        for (block, rows) in rows.chunks_mut(BLOCK * self.width).enumerate() {
            let (start, count) = (block * BLOCK, rows.len() / self.width);
            for piece in &self.pieces {
                match &piece.content {
                    Content::Scalar(scalar) => {
                        let numbers = &mut numbers[..count];
                        scalar.eval(batch, start, numbers)?;
                        if piece.rounded {
                            numbers
                                .iter_mut()
                                .for_each(|x| *x = f64::from(convert::to_float32(*x)));
                        }
                        scatter(numbers, rows, self.width, piece.offset);
                    }
                    Content::OneHot { encoder, dropped } => {
                        let codes = &mut codes[..count];
                        encoder.encode(batch, start, codes)?;
                        for (row, code) in rows.chunks_exact_mut(self.width).zip(codes) {
                            if let Ok(place) = usize::try_from(code.saturating_sub(*dropped)) {
                                row[piece.offset + place] = T::from_number(1.0);
                            }
                        }
                    }
                    Content::Hashed(hashed) => {
                        hashed.write(batch, start, rows, self.width, piece.offset)?;
                    }
                    Content::Monomials(monomials) => {
                        monomials.each(batch, start, count, |element, numbers| {
                            if piece.rounded {
                                let round = |x: &mut f64| *x = f64::from(convert::to_float32(*x));
                                numbers.iter_mut().for_each(round);
                            }
                            scatter(numbers, rows, self.width, piece.offset + element);
                        })?;
                    }
                    Content::List { input } => {
                        let round = |x: f64| {
                            if piece.rounded {
                                f64::from(convert::to_float32(x))
                            } else {
                                x
                            }
                        };
                        copy_list(
                            batch.column(*input),
                            start,
                            rows,
                            self.width,
                            piece.offset,
                            round,
                        )?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes numbers below each other, into one element of every row.
fn scatter<T: Element>(numbers: &[f64], rows: &mut [T], width: usize, offset: usize) {
    let mut chunks = rows.chunks_exact_mut(UNROLLED * width);
    let mut number_chunks = numbers.chunks_exact(UNROLLED);
    for (rows, numbers) in (&mut chunks).zip(&mut number_chunks) {
        for index in 0..UNROLLED {
            rows[index * width + offset] = T::from_number(numbers[index]);
        }
    }
    let rest = chunks.into_remainder().chunks_exact_mut(width);
    for (row, number) in rest.zip(number_chunks.remainder()) {
        row[offset] = T::from_number(*number);
    }
}

/// Writes the vectors of a column into neighbouring elements of every row; NaN for a null.
fn copy_list<T: Element>(
    column: &Column<'_>,
    start: usize,
    rows: &mut [T],
    width: usize,
    offset: usize,
    round: impl Fn(f64) -> f64,
) -> Result<()> {
    for (index, row) in rows.chunks_exact_mut(width).enumerate() {
        let at = start + index;
        let valid = column.is_valid(at);
        let number = |x: f64| T::from_number(if valid { round(x) } else { f64::NAN });
        match &column.values {
            Values::Float64List(width, values) => {
                let values = &values[at * width..][..*width];
                row[offset..]
                    .iter_mut()
                    .zip(values)
                    .for_each(|(element, x)| *element = number(*x));
            }
            Values::Float32List(width, values) => {
                let values = &values[at * width..][..*width];
                row[offset..]
                    .iter_mut()
                    .zip(values)
                    .for_each(|(element, x)| *element = number(f64::from(*x)));
            }
            _ => return Err(unexpected(column)),
        }
    }
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
fn bit(bits: &[u8], row: usize) -> bool {
    bits[row / 8] >> (row % 8) & 1 == 1
}

pub(crate) fn unexpected(column: &Column<'_>) -> Error {
    Error::schema(format!(
        "a column is {}, which is not what it was planned as",
        column.data_type()
    ))
}
