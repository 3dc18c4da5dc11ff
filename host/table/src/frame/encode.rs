//! From Arrow to a frame.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};

use super::{DESCRIPTOR, Frame, HEADER, copy_mended, for_each_null};
use crate::{DataType, Error, Field, Result, Schema};

/// Writes the rows of `batch` into `frame`, over whatever it held; a buffer that is used again spares
/// its allocation. See [`Encoder`].
///
/// # Errors
/// As [`Encoder::new`].
pub fn encode(schema: &Schema, batch: &RecordBatch, frame: &mut Vec<u8>) -> Result<()> {
    let encoder = Encoder::new(schema, batch)?;
    frame.resize(encoder.frame_bytes(), 0);
    encoder.write(frame);
    Ok(())
}

/// Rows that were found to fit a schema, and how long their frame is: so it can be written once, to
/// where it is needed.
#[derive(Debug)]
pub struct Encoder<'r> {
    rows: u32,
    columns: Vec<Column<'r>>,
    frame_bytes: usize,
}

/// Where a column of a frame comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'r> {
    /// From Arrow.
    Array(&'r ArrayRef),
    /// From the frame of another schema, at this place of that schema and of the same type.
    Frame(&'r Frame, usize),
}

impl Source<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Array(array) => array.len(),
            Self::Frame(frame, _) => frame.rows(),
        }
    }
}

#[derive(Debug)]
struct Column<'r> {
    data_type: DataType,
    /// Where rows are null, if any is.
    nulls: Option<&'r NullBuffer>,
    values: Values<'r>,
}

#[derive(Debug)]
enum Values<'r> {
    Bits(&'r BooleanBuffer),
    /// As they lie in memory.
    Numbers(&'r [u8]),
    Texts {
        offsets: &'r [i32],
        data: &'r [u8],
        /// Bytes of the rows that are not null.
        length: u32,
    },
    /// As they lie in another frame, the validity before them.
    Framed {
        null_count: u32,
        text_bytes: u32,
        body: &'r [u8],
    },
}

impl<'r> Encoder<'r> {
    /// Takes the batch's columns by position; they must have the schema's types, their names do not
    /// matter.
    ///
    /// # Errors
    /// [`Error::Mismatch`] or [`Error::ColumnCount`] if the batch is of another schema,
    /// [`Error::TooLarge`] if a column has 2 GiB of text or more.
    pub fn new(schema: &Schema, batch: &'r RecordBatch) -> Result<Self> {
        let columns = batch.columns().iter().map(Source::Array);
        Self::of(schema, batch.num_rows(), columns)
    }

    /// Takes columns from wherever they are, by position. Each must have so many rows and the schema's type.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of(
        schema: &Schema,
        rows: usize,
        sources: impl ExactSizeIterator<Item = Source<'r>>,
    ) -> Result<Self> {
        if sources.len() != schema.fields.len() {
            return Err(Error::ColumnCount {
                found: sources.len(),
                expected: schema.fields.len(),
            });
        }
        to_u32(schema.fields.len(), "")?;
        let fields = schema.fields.iter().zip(sources);
        let columns = fields.map(|(field, source)| {
            let found = source.rows();
            if found != rows {
                return Err(Error::Mismatch {
                    column: field.name.clone(),
                    found: format!("{found} rows long"),
                    expected: rows.to_string(),
                });
            }
            match source {
                Source::Array(array) => Column::new(field, array),
                Source::Frame(frame, place) => Ok(Column::framed(field, frame, place)),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let bodies = columns.iter().map(|column| column.frame_bytes(rows));
        let bodies: usize = bodies.sum();
        Ok(Self {
            rows: to_u32(rows, "")?,
            frame_bytes: HEADER + DESCRIPTOR * columns.len() + bodies,
            columns,
        })
    }

    /// How long the frame is.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Writes every byte of a frame. NaNs become canonical and nulls zero on the way.
    ///
    /// # Panics
    /// If `frame` is not [`frame_bytes`](Self::frame_bytes) long.
    pub fn write(&self, frame: &mut [u8]) {
        assert_eq!(
            frame.len(),
            self.frame_bytes,
            "the frame has another length"
        );
        let (header, rest) = frame.split_at_mut(HEADER + DESCRIPTOR * self.columns.len());
        let (counts, descriptors) = header.split_at_mut(HEADER);
        let count = u32::try_from(self.columns.len()).unwrap_or(u32::MAX);
        put_u32s(counts, [self.rows, count]);
        let mut space = Space(rest);
        for (column, descriptor) in self.columns.iter().zip(descriptors.chunks_mut(DESCRIPTOR)) {
            put_u32s(descriptor, [column.null_count(), column.text_bytes()]);
            column.write(self.rows as usize, &mut space);
        }
    }
}

impl<'r> Column<'r> {
    fn new(field: &Field, column: &'r ArrayRef) -> Result<Self> {
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        let values = match field.data_type {
            DataType::Boolean => column
                .as_boolean_opt()
                .map(|array| Values::Bits(array.values())),
            DataType::Int32 => numbers::<Int32Type>(column),
            DataType::Date => numbers::<Date32Type>(column),
            DataType::Int64 => numbers::<Int64Type>(column),
            DataType::Timestamp => numbers::<TimestampMicrosecondType>(column),
            DataType::Float32 => numbers::<Float32Type>(column),
            DataType::Float64 => numbers::<Float64Type>(column),
            DataType::Float32List(width) => vectors::<Float32Type>(column, width),
            DataType::Float64List(width) => vectors::<Float64Type>(column, width),
            DataType::Utf8 => match column.as_string_opt::<i32>() {
                Some(array) => Some(texts(
                    field,
                    nulls,
                    array.value_offsets(),
                    array.value_data(),
                )?),
                None => None,
            },
            DataType::Binary => match column.as_binary_opt::<i32>() {
                Some(array) => Some(texts(
                    field,
                    nulls,
                    array.value_offsets(),
                    array.value_data(),
                )?),
                None => None,
            },
        };
        let values = values.ok_or_else(|| Error::Mismatch {
            column: field.name.clone(),
            found: column.data_type().to_string(),
            expected: field.data_type.to_string(),
        })?;
        Ok(Self {
            data_type: field.data_type,
            nulls,
            values,
        })
    }

    fn framed(field: &Field, frame: &'r Frame, place: usize) -> Self {
        let (nulls, texts, body) = frame.column(place);
        // Both numbers were read from 32 bits.
        let [null_count, text_bytes] =
            [nulls, texts].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        Self {
            data_type: field.data_type,
            nulls: None,
            values: Values::Framed {
                null_count,
                text_bytes,
                body,
            },
        }
    }

    fn null_count(&self) -> u32 {
        if let Values::Framed { null_count, .. } = self.values {
            return null_count;
        }
        // A batch has no more rows than a u32 counts.
        let count = self.nulls.map_or(0, NullBuffer::null_count);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn text_bytes(&self) -> u32 {
        match self.values {
            Values::Texts { length, .. } => length,
            Values::Framed { text_bytes, .. } => text_bytes,
            Values::Bits(_) | Values::Numbers(_) => 0,
        }
    }

    /// The bytes of its buffers, padding included.
    fn frame_bytes(&self, rows: usize) -> usize {
        let bits = rows.div_ceil(8).next_multiple_of(8);
        let validity = if self.nulls.is_some() { bits } else { 0 };
        let values = match self.values {
            Values::Bits(_) => bits,
            Values::Numbers(bytes) => bytes.len().next_multiple_of(8),
            Values::Texts { length, .. } => {
                (4 * (rows + 1)).next_multiple_of(8) + (length as usize).next_multiple_of(8)
            }
            Values::Framed { body, .. } => body.len(),
        };
        validity + values
    }

    fn write(&self, rows: usize, space: &mut Space<'_>) {
        if let Some(nulls) = self.nulls {
            write_bits(nulls.inner(), space);
        }
        match &self.values {
            Values::Framed { body, .. } => space.buffer(body.len()).copy_from_slice(body),
            Values::Bits(bits) => match self.nulls {
                Some(nulls) => write_bits(&(*bits & nulls.inner()), space),
                None => write_bits(bits, space),
            },
            Values::Numbers(bytes) => {
                let values = space.buffer(bytes.len());
                copy_mended(self.data_type, bytes, values);
                if let (Some(nulls), Some(width)) = (self.nulls, self.data_type.byte_width()) {
                    let bits = nulls.inner().sliced();
                    for_each_null(bits.as_slice(), rows, |row| {
                        values[row * width..(row + 1) * width].fill(0);
                    });
                }
            }
            Values::Texts {
                offsets,
                data,
                length,
            } => {
                let ends = space.buffer(4 * (rows + 1));
                let target = space.buffer(*length as usize);
                write_texts(self.nulls, offsets, data, ends, target);
            }
        }
    }
}

/// What of a frame is not written yet.
struct Space<'f>(&'f mut [u8]);

impl<'f> Space<'f> {
    /// The next buffer, with its padding written.
    fn buffer(&mut self, length: usize) -> &'f mut [u8] {
        let rest = std::mem::take(&mut self.0);
        let (padded, rest) = rest.split_at_mut(length.next_multiple_of(8));
        self.0 = rest;
        let (bytes, padding) = padded.split_at_mut(length);
        padding.fill(0);
        bytes
    }
}

fn put_u32s(bytes: &mut [u8], numbers: [u32; 2]) {
    for (bytes, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
}

fn write_bits(bits: &BooleanBuffer, space: &mut Space<'_>) {
    let length = bits.len().div_ceil(8);
    let target = space.buffer(length);
    target.copy_from_slice(&bits.sliced().as_slice()[..length]);
    if let (Some(last), 1..) = (target.last_mut(), bits.len() % 8) {
        // What lies beyond the last row is whatever the buffer held.
        *last &= (1 << (bits.len() % 8)) - 1;
    }
}

/// Writes where each text ends, a zero before the first, and the texts.
fn write_texts(
    nulls: Option<&NullBuffer>,
    offsets: &[i32],
    data: &[u8],
    ends: &mut [u8],
    target: &mut [u8],
) {
    let Some(nulls) = nulls else {
        let first = offsets[0];
        for (bytes, &offset) in ends.chunks_exact_mut(4).zip(offsets) {
            bytes.copy_from_slice(&(offset - first).to_le_bytes());
        }
        target.copy_from_slice(&data[to_index(first)..][..target.len()]);
        return;
    };
    let (first, ends) = ends.split_at_mut(4);
    first.fill(0);
    let mut end = 0;
    let texts = offsets.windows(2).zip(nulls.iter());
    for (bytes, (offsets, is_valid)) in ends.chunks_exact_mut(4).zip(texts) {
        if is_valid {
            let text = &data[to_index(offsets[0])..to_index(offsets[1])];
            target[end..end + text.len()].copy_from_slice(text);
            end += text.len();
        }
        // The sum of all lengths was found to fit.
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        bytes.copy_from_slice(&end.to_le_bytes());
    }
}

fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Option<Values<'_>> {
    let numbers = column.as_primitive_opt::<T>()?;
    Some(Values::Numbers(numbers.values().inner().as_slice()))
}

/// The elements of the rows of a vector column. An element may be null only where its whole row is:
/// Arrow's kernels leave such elements behind.
fn vectors<T: ArrowPrimitiveType>(column: &ArrayRef, width: u32) -> Option<Values<'_>> {
    let list = column.as_fixed_size_list_opt()?;
    let width = width as usize;
    if usize::try_from(list.value_length()) != Ok(width) {
        return None;
    }
    let (start, count) = (list.value_offset_at(0), list.len() * width);
    let elements = list.values().as_primitive_opt::<T>()?;
    let whole = |nulls: &NullBuffer| {
        (0..count).all(|element| nulls.is_valid(start + element) || list.is_null(element / width))
    };
    if !elements.nulls().is_none_or(whole) {
        return None;
    }
    let size = size_of::<T::Native>();
    let bytes = elements.values().inner().as_slice();
    Some(Values::Numbers(&bytes[start * size..][..count * size]))
}

fn texts<'r>(
    field: &Field,
    nulls: Option<&NullBuffer>,
    offsets: &'r [i32],
    data: &'r [u8],
) -> Result<Values<'r>> {
    let length = match nulls {
        None => to_index(offsets[offsets.len() - 1] - offsets[0]),
        Some(nulls) => {
            let lengths = offsets.windows(2).map(|pair| to_index(pair[1] - pair[0]));
            let valid = lengths.zip(nulls.iter()).filter(|(_, is_valid)| *is_valid);
            valid.map(|(length, _)| length).sum()
        }
    };
    Ok(Values::Texts {
        offsets,
        data,
        length: to_u32(length, &field.name)?,
    })
}

/// An offset of Arrow's, which is never negative.
fn to_index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

/// Arrow's own offsets are int32, so a column that exists has less than 2 GiB; the check keeps that
/// from being an assumption.
fn to_u32(value: usize, column: &str) -> Result<u32> {
    let number = i32::try_from(value).map(i32::unsigned_abs);
    number.map_err(|_| Error::TooLarge {
        column: column.to_owned(),
        bytes: value,
    })
}
