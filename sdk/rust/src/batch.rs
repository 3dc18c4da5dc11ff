//! A batch of rows, read in place from the frame that the host passed.

use std::borrow::Cow;

use bytemuck::{AnyBitPattern, NoUninit};

use crate::{DataType, Error, Field, Result, Schema, Validity};

/// Rows of the columns of a schema, in its order.
#[derive(Debug)]
pub struct Batch<'a> {
    rows: usize,
    columns: Vec<Column<'a>>,
}

/// One column of a batch.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// Which rows hold a value.
    pub validity: Validity<'a>,
    /// The values; a null row's is zero or empty.
    pub values: Values<'a>,
}

/// The values of a column, by type.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// One bit a row, the least significant bit first.
    Boolean(&'a [u8]),
    /// One number a row.
    Int32(Cow<'a, [i32]>),
    /// One number a row.
    Int64(Cow<'a, [i64]>),
    /// One number a row.
    Float32(Cow<'a, [f32]>),
    /// One number a row.
    Float64(Cow<'a, [f64]>),
    /// One text a row.
    Utf8(Texts<'a>),
    /// One byte string a row.
    Binary(Blobs<'a>),
    /// Microseconds since the epoch, UTC.
    Timestamp(Cow<'a, [i64]>),
    /// Days since the epoch.
    Date(Cow<'a, [i32]>),
    /// `width` numbers a row, row after row.
    Float32List(usize, Cow<'a, [f32]>),
    /// `width` numbers a row, row after row.
    Float64List(usize, Cow<'a, [f64]>),
}

/// Texts of a column: offsets into one string.
#[derive(Clone, Debug)]
pub struct Texts<'a> {
    offsets: Cow<'a, [i32]>,
    data: &'a str,
}

/// Byte strings of a column: offsets into one.
#[derive(Clone, Debug)]
pub struct Blobs<'a> {
    offsets: Cow<'a, [i32]>,
    data: &'a [u8],
}

impl<'a> Texts<'a> {
    /// The text of this row; empty if it is null.
    #[inline]
    pub fn get(&self, row: usize) -> &'a str {
        &self.data[span(&self.offsets, row)]
    }
}

impl<'a> Blobs<'a> {
    /// The bytes of this row; empty if it is null.
    #[inline]
    pub fn get(&self, row: usize) -> &'a [u8] {
        &self.data[span(&self.offsets, row)]
    }
}

#[inline]
fn span(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    // Decoding made sure that offsets begin at 0 and never fall.
    offsets[row] as usize..offsets[row + 1] as usize
}

impl<'a> Batch<'a> {
    /// Reads a frame of this schema. Buffers are used in place where they are aligned.
    ///
    /// # Errors
    /// [`Error::Data`] if the frame is not one of this schema. What only makes a frame canonical
    /// (zeroed nulls, padding) is the host's to check and is relied upon here.
    pub fn decode(schema: &Schema, frame: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor { frame, at: 0 };
        let rows = cursor.u32()? as usize;
        let count = cursor.u32()? as usize;
        if count != schema.fields.len() {
            return Err(malformed(&format!(
                "{count} columns for {} fields",
                schema.fields.len()
            )));
        }
        let descriptors: Result<Vec<_>> = (0..count)
            .map(|_| Ok((cursor.u32()?, cursor.u32()?)))
            .collect();
        let columns: Result<Vec<_>> = schema
            .fields
            .iter()
            .zip(descriptors?)
            .map(|(field, (nulls, data))| cursor.column(field, rows, nulls as usize, data as usize))
            .collect();
        let columns = columns?;
        if cursor.at != frame.len() {
            return Err(malformed("bytes follow the last column"));
        }
        Ok(Self { rows, columns })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order that the signature reads them.
    pub fn columns(&self) -> &[Column<'a>] {
        &self.columns
    }

    /// The column at this place of the schema.
    pub fn column(&self, index: usize) -> &Column<'a> {
        &self.columns[index]
    }
}

impl<'a> Column<'a> {
    /// Whether this row holds a value.
    #[inline]
    pub fn is_valid(&self, row: usize) -> bool {
        self.validity.is_valid(row)
    }

    /// The values of a float64 column in place.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn float64(&self) -> Result<&[f64]> {
        match &self.values {
            Values::Float64(values) => Ok(values),
            _ => Err(self.not("float64")),
        }
    }

    /// The values of a float32 column in place.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn float32(&self) -> Result<&[f32]> {
        match &self.values {
            Values::Float32(values) => Ok(values),
            _ => Err(self.not("float32")),
        }
    }

    /// The texts of a utf8 column.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn utf8(&self) -> Result<&Texts<'a>> {
        match &self.values {
            Values::Utf8(texts) => Ok(texts),
            _ => Err(self.not("utf8")),
        }
    }

    /// The byte strings of a binary column.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn binary(&self) -> Result<&Blobs<'a>> {
        match &self.values {
            Values::Binary(blobs) => Ok(blobs),
            _ => Err(self.not("binary")),
        }
    }

    /// The values of an int64 or timestamp column in place.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn int64(&self) -> Result<&[i64]> {
        match &self.values {
            Values::Int64(values) | Values::Timestamp(values) => Ok(values),
            _ => Err(self.not("int64 or timestamp")),
        }
    }

    /// The values of an int32 or date column in place.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn int32(&self) -> Result<&[i32]> {
        match &self.values {
            Values::Int32(values) | Values::Date(values) => Ok(values),
            _ => Err(self.not("int32 or date")),
        }
    }

    /// The value of a boolean column's row; false if it is null.
    ///
    /// # Errors
    /// If it is a column of another type.
    pub fn boolean(&self, row: usize) -> Result<bool> {
        match &self.values {
            Values::Boolean(bits) => Ok(bits[row / 8] >> (row % 8) & 1 == 1),
            _ => Err(self.not("boolean")),
        }
    }

    /// Any number, boolean (0 or 1), timestamp or date column as float64, nulls as NaN. An int64
    /// beyond 2^53 rounds to the nearest float64.
    ///
    /// # Errors
    /// If it is a text, binary or vector column.
    pub fn numbers(&self, rows: usize) -> Result<Cow<'_, [f64]>> {
        let mut numbers: Vec<f64> = match &self.values {
            Values::Float64(values) if self.validity.null_count() == 0 => {
                return Ok(Cow::Borrowed(values));
            }
            Values::Float64(values) => values.to_vec(),
            Values::Float32(values) => values.iter().map(|&value| f64::from(value)).collect(),
            Values::Int32(values) | Values::Date(values) => {
                values.iter().map(|&value| f64::from(value)).collect()
            }
            Values::Int64(values) | Values::Timestamp(values) => {
                values.iter().map(|&value| value as f64).collect()
            }
            Values::Boolean(bits) => (0..rows)
                .map(|row| f64::from(bits[row / 8] >> (row % 8) & 1))
                .collect(),
            _ => return Err(self.not("numeric")),
        };
        if self.validity.null_count() > 0 {
            for (row, number) in numbers.iter_mut().enumerate() {
                if !self.validity.is_valid(row) {
                    *number = f64::NAN;
                }
            }
        }
        Ok(Cow::Owned(numbers))
    }

    /// What type its values are, with a width of its own for vectors.
    pub fn data_type(&self) -> DataType {
        match &self.values {
            Values::Boolean(_) => DataType::Boolean,
            Values::Int32(_) => DataType::Int32,
            Values::Int64(_) => DataType::Int64,
            Values::Float32(_) => DataType::Float32,
            Values::Float64(_) => DataType::Float64,
            Values::Utf8(_) => DataType::Utf8,
            Values::Binary(_) => DataType::Binary,
            Values::Timestamp(_) => DataType::Timestamp,
            Values::Date(_) => DataType::Date,
            Values::Float32List(width, _) => {
                DataType::Float32List(u32::try_from(*width).unwrap_or(u32::MAX))
            }
            Values::Float64List(width, _) => {
                DataType::Float64List(u32::try_from(*width).unwrap_or(u32::MAX))
            }
        }
    }

    fn not(&self, wanted: &str) -> Error {
        Error::schema(format!("the column is {}, not {wanted}", self.data_type()))
    }
}

/// Walks through a frame; every step checks that the bytes are there.
struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn u32(&mut self) -> Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length);
        let bytes = end.and_then(|end| self.frame.get(self.at..end));
        let bytes = bytes.ok_or_else(|| malformed("it is cut short"))?;
        self.at += length;
        Ok(bytes)
    }

    /// A buffer and the padding behind it.
    fn buffer(&mut self, length: usize) -> Result<&'a [u8]> {
        let bytes = self.take(length)?;
        self.take(length.next_multiple_of(8) - length)?;
        Ok(bytes)
    }

    fn slice<T: AnyBitPattern + NoUninit>(&mut self, length: usize) -> Result<Cow<'a, [T]>> {
        let size = length.checked_mul(size_of::<T>());
        let bytes = self.buffer(size.ok_or_else(|| malformed("it is too large"))?)?;
        Ok(match bytemuck::try_cast_slice(bytes) {
            Ok(slice) => Cow::Borrowed(slice),
            Err(_) => Cow::Owned(bytemuck::pod_collect_to_vec(bytes)),
        })
    }

    fn offsets(&mut self, rows: usize, data_length: usize) -> Result<Cow<'a, [i32]>> {
        let offsets: Cow<'a, [i32]> = self.slice(rows + 1)?;
        let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        let ends = offsets.first() == Some(&0)
            && offsets
                .last()
                .is_some_and(|&last| usize::try_from(last) == Ok(data_length));
        if rising && ends {
            Ok(offsets)
        } else {
            Err(malformed("its offsets are wrong"))
        }
    }

    fn column(
        &mut self,
        field: &Field,
        rows: usize,
        nulls: usize,
        data_length: usize,
    ) -> Result<Column<'a>> {
        let validity = if nulls > 0 {
            Validity::from_bits(Cow::Borrowed(self.buffer(rows.div_ceil(8))?), nulls)
        } else {
            Validity::ALL
        };
        let vector = |width: u32| {
            rows.checked_mul(width as usize)
                .ok_or_else(|| malformed("it is too large"))
        };
        let values = match field.data_type {
            DataType::Boolean => Values::Boolean(self.buffer(rows.div_ceil(8))?),
            DataType::Int32 => Values::Int32(self.slice(rows)?),
            DataType::Int64 => Values::Int64(self.slice(rows)?),
            DataType::Float32 => Values::Float32(self.slice(rows)?),
            DataType::Float64 => Values::Float64(self.slice(rows)?),
            DataType::Timestamp => Values::Timestamp(self.slice(rows)?),
            DataType::Date => Values::Date(self.slice(rows)?),
            DataType::Float32List(width) => {
                Values::Float32List(width as usize, self.slice(vector(width)?)?)
            }
            DataType::Float64List(width) => {
                Values::Float64List(width as usize, self.slice(vector(width)?)?)
            }
            DataType::Utf8 => {
                let offsets = self.offsets(rows, data_length)?;
                let data = std::str::from_utf8(self.buffer(data_length)?)
                    .map_err(|_| malformed("its text is not UTF-8"))?;
                if !offsets
                    .iter()
                    .all(|&offset| data.is_char_boundary(offset as usize))
                {
                    return Err(malformed("a text is cut within a character"));
                }
                Values::Utf8(Texts { offsets, data })
            }
            DataType::Binary => {
                let offsets = self.offsets(rows, data_length)?;
                Values::Binary(Blobs {
                    offsets,
                    data: self.buffer(data_length)?,
                })
            }
        };
        Ok(Column { validity, values })
    }
}

fn malformed(why: &str) -> Error {
    Error::data(format!(
        "the batch is not a frame of the agreed schema: {why}"
    ))
}
