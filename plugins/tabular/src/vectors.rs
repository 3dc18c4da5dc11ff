//! Writing vectors, block by block of rows.

use trueline_sdk::{Batch, Column, Result, Values};

use crate::{
    convert,
    elements::round,
    eval::unexpected,
    kernel::{BLOCK, UNROLLED},
    value::{Content, Vector},
};

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
        let (mut numbers, mut codes) = ([0.0; BLOCK], [0; BLOCK]);
        for (block, rows) in rows.chunks_mut(BLOCK * self.width).enumerate() {
            self.write_block(batch, block * BLOCK, rows, (&mut numbers, &mut codes))?;
        }
        Ok(())
    }

    /// Writes the elements of the rows from `start` on, at most [`BLOCK`] of them. `numbers` and `codes` are space to
    /// work in, for as many rows.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn write_block<T: Element>(
        &self,
        batch: &Batch<'_>,
        start: usize,
        rows: &mut [T],
        (numbers, codes): (&mut [f64], &mut [i32]),
    ) -> Result<()> {
        let count = rows.len() / self.width;
        for piece in &self.pieces {
            match &piece.content {
                Content::Scalar(scalar) => {
                    let numbers = &mut numbers[..count];
                    scalar.eval(batch, start, numbers)?;
                    round(numbers, piece.rounded);
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
                        round(numbers, piece.rounded);
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
                Content::Elements(elements) => {
                    elements.each(batch, start, count, |element, numbers| {
                        round(numbers, piece.rounded);
                        scatter(numbers, rows, self.width, piece.offset + element);
                        Ok(())
                    })?;
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
