//! From Arrow to a frame.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};

use super::{DESCRIPTOR, HEADER, for_each_null, mend_nans};
use crate::{DataType, Error, Field, Result, Schema};

/// Writes the rows of `batch` into `frame`, which is emptied first; a buffer that is used again spares
/// its allocation. The batch's columns are taken by position and must have the schema's types; their
/// names do not matter. NaNs become canonical and nulls zero on the way.
///
/// # Errors
/// [`Error::Mismatch`] or [`Error::ColumnCount`] if the batch is of another schema, [`Error::TooLarge`]
/// if a column has 2 GiB of text or more.
pub fn encode(schema: &Schema, batch: &RecordBatch, frame: &mut Vec<u8>) -> Result<()> {
    let (rows, count) = (batch.num_rows(), schema.fields.len());
    if batch.num_columns() != count {
        return Err(Error::ColumnCount {
            found: batch.num_columns(),
            expected: count,
        });
    }
    let too_large = |_| Error::TooLarge {
        column: String::new(),
        bytes: rows,
    };
    frame.clear();
    frame.extend(u32::try_from(rows).map_err(too_large)?.to_le_bytes());
    frame.extend(u32::try_from(count).map_err(too_large)?.to_le_bytes());
    frame.resize(HEADER + DESCRIPTOR * count, 0);
    for (index, (field, column)) in schema.fields.iter().zip(batch.columns()).enumerate() {
        let mut writer = Writer {
            frame,
            descriptor: HEADER + DESCRIPTOR * index,
        };
        writer.column(field, column)?;
    }
    Ok(())
}

/// Appends one column.
struct Writer<'f> {
    frame: &'f mut Vec<u8>,
    /// Where the column's descriptor is.
    descriptor: usize,
}

impl Writer<'_> {
    fn column(&mut self, field: &Field, column: &ArrayRef) -> Result<()> {
        let mismatch = || mismatch(field, column);
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        if let Some(nulls) = nulls {
            self.put_u32(self.descriptor, nulls.null_count(), field)?;
            self.bits(nulls.inner());
        }
        let at = self.frame.len();
        match field.data_type {
            DataType::Boolean => {
                let values = column.as_boolean_opt().ok_or_else(mismatch)?.values();
                match nulls {
                    Some(nulls) => self.bits(&(values & nulls.inner())),
                    None => self.bits(values),
                }
                return Ok(());
            }
            DataType::Int32 => self.numbers::<Int32Type>(field, column)?,
            DataType::Date => self.numbers::<Date32Type>(field, column)?,
            DataType::Int64 => self.numbers::<Int64Type>(field, column)?,
            DataType::Timestamp => self.numbers::<TimestampMicrosecondType>(field, column)?,
            DataType::Float32 => self.numbers::<Float32Type>(field, column)?,
            DataType::Float64 => self.numbers::<Float64Type>(field, column)?,
            DataType::Float32List(width) => {
                let values = vectors(column, width).ok_or_else(mismatch)?;
                self.numbers::<Float32Type>(field, &values)?;
            }
            DataType::Float64List(width) => {
                let values = vectors(column, width).ok_or_else(mismatch)?;
                self.numbers::<Float64Type>(field, &values)?;
            }
            DataType::Utf8 => {
                let texts = column.as_string_opt::<i32>().ok_or_else(mismatch)?;
                return self.blobs(field, column, texts.value_offsets(), texts.value_data());
            }
            DataType::Binary => {
                let blobs = column.as_binary_opt::<i32>().ok_or_else(mismatch)?;
                return self.blobs(field, column, blobs.value_offsets(), blobs.value_data());
            }
        }
        if let (Some(nulls), Some(width)) = (nulls, field.data_type.byte_width()) {
            let bits = nulls.inner().sliced();
            let values = &mut self.frame[at..];
            for_each_null(bits.as_slice(), column.len(), |row| {
                values[row * width..(row + 1) * width].fill(0);
            });
        }
        Ok(())
    }

    /// Appends numbers as they lie in memory, and then mends their NaNs. The copy comes first and in
    /// one go: alternating between the two block by block keeps the processor from fetching ahead,
    /// and took twice as long.
    fn numbers<T: ArrowPrimitiveType>(&mut self, field: &Field, column: &ArrayRef) -> Result<()> {
        let Some(numbers) = column.as_primitive_opt::<T>() else {
            return Err(mismatch(field, column));
        };
        let at = self.frame.len();
        self.frame
            .extend_from_slice(numbers.values().inner().as_slice());
        mend_nans(field.data_type, &mut self.frame[at..]);
        self.pad();
        Ok(())
    }

    fn bits(&mut self, bits: &BooleanBuffer) {
        let at = self.frame.len();
        let bytes = bits.sliced();
        self.frame
            .extend(&bytes.as_slice()[..bits.len().div_ceil(8)]);
        if !bits.len().is_multiple_of(8) {
            // What lies beyond the last row is whatever the buffer held.
            let last = self.frame.len() - 1;
            self.frame[last] &= (1 << (bits.len() % 8)) - 1;
        }
        debug_assert_eq!(self.frame.len() - at, bits.len().div_ceil(8));
        self.pad();
    }

    fn blobs(
        &mut self,
        field: &Field,
        column: &ArrayRef,
        offsets: &[i32],
        data: &[u8],
    ) -> Result<()> {
        let rows = column.len();
        let at = self.frame.len();
        self.frame
            .resize((at + 4 * (rows + 1)).next_multiple_of(8), 0);
        let start = self.frame.len();
        if column.null_count() == 0 {
            let first = offsets[0];
            for (bytes, &offset) in self.frame[at..].chunks_exact_mut(4).zip(offsets) {
                bytes.copy_from_slice(&(offset - first).to_le_bytes());
            }
            self.frame
                .extend(&data[first as usize..offsets[rows] as usize]);
        } else {
            for row in 0..rows {
                if column.is_valid(row) {
                    self.frame
                        .extend(&data[offsets[row] as usize..offsets[row + 1] as usize]);
                }
                let end = self.frame.len() - start;
                self.put_u32(at + 4 * (row + 1), end, field)?;
            }
        }
        let length = self.frame.len() - start;
        self.put_u32(self.descriptor + 4, length, field)?;
        self.pad();
        Ok(())
    }

    /// Arrow's own offsets are int32, so a column that exists has less than 2 GiB; the check keeps
    /// that from being an assumption.
    fn put_u32(&mut self, at: usize, value: usize, field: &Field) -> Result<()> {
        let number = i32::try_from(value);
        let number = number.map_err(|_| Error::TooLarge {
            column: field.name.clone(),
            bytes: value,
        })?;
        self.frame[at..at + 4].copy_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn pad(&mut self) {
        self.frame.resize(self.frame.len().next_multiple_of(8), 0);
    }
}

fn mismatch(field: &Field, column: &ArrayRef) -> Error {
    Error::Mismatch {
        column: field.name.clone(),
        found: column.data_type().to_string(),
        expected: field.data_type.to_string(),
    }
}

/// The elements of the rows of a vector column. An element may be null only where its whole row is:
/// Arrow's kernels leave such elements behind.
fn vectors(column: &ArrayRef, width: u32) -> Option<ArrayRef> {
    let list = column.as_fixed_size_list_opt()?;
    let width = width as usize;
    let start = list.value_offset_at(0);
    let fits = usize::try_from(list.value_length()) == Ok(width);
    let values = fits.then(|| list.values().slice(start, list.len() * width))?;
    let whole = values.null_count() == 0
        || (0..values.len())
            .all(|element| values.is_valid(element) || list.is_null(element / width));
    whole.then_some(values)
}
