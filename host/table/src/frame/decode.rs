//! From a frame to Arrow, trusting nothing.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};

use super::{DESCRIPTOR, HEADER, for_each_null, mend_nans};
use crate::{DataType, Error, Field, Result, Schema};

/// Reads a frame of this schema; the columns are slices of its bytes, not copies. NaNs are mended.
///
/// # Errors
/// [`Error::Frame`] with the column and the rule, if the bytes break any rule of the encoding.
pub fn decode(schema: &Schema, mut frame: Vec<u8>) -> Result<RecordBatch> {
    let layout = Layout::read(schema, &frame)?;
    mend(schema, &layout, &mut frame);
    let frame = aligned(frame);
    let columns = schema.fields.iter().zip(&layout.columns);
    let columns = columns.map(|(field, place)| array(field, place, layout.rows, &frame));
    batch(schema, columns.collect::<Result<_>>()?, layout.rows)
}

/// Makes all NaNs canonical.
pub(super) fn mend(schema: &Schema, layout: &Layout, frame: &mut [u8]) {
    for (field, place) in schema.fields.iter().zip(&layout.columns) {
        mend_nans(field.data_type, &mut frame[place.values.clone()]);
    }
}

/// The bytes where Arrow can read numbers in place. Vectors come from the allocator, which aligns them to 8
/// and more; should one not be, copy.
pub(super) fn aligned(frame: Vec<u8>) -> Buffer {
    if frame.as_ptr().align_offset(8) == 0 {
        Buffer::from_vec(frame)
    } else {
        Buffer::from_slice_ref(&frame)
    }
}

/// A column of a frame, in place.
pub(super) fn array(field: &Field, place: &Place, rows: usize, frame: &Buffer) -> Result<ArrayRef> {
    let slice = |range: &Range<usize>| frame.slice_with_length(range.start, range.len());
    let bits = || BooleanBuffer::new(slice(&place.validity), 0, rows);
    let buffers = Buffers {
        nulls: (place.nulls > 0).then(|| NullBuffer::new(bits())),
        values: slice(&place.values),
        data: slice(&place.data),
    };
    buffers.into_array(field, rows)
}

/// A batch of columns that were made for this schema.
pub(super) fn batch(schema: &Schema, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema.to_arrow(), columns, &options);
    Ok(batch?)
}

/// Where everything is, all of it checked to lie within the frame.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) rows: usize,
    pub(super) columns: Vec<Place>,
}

/// Where a column's buffers are.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) nulls: usize,
    pub(super) validity: Range<usize>,
    /// The values, or the offsets of texts.
    pub(super) values: Range<usize>,
    pub(super) data: Range<usize>,
}

impl Layout {
    pub(super) fn read(schema: &Schema, frame: &[u8]) -> Result<Self> {
        let whole = |rule| Error::Frame {
            column: String::new(),
            rule,
        };
        let rows = u32_at(frame, 0).ok_or_else(|| whole("it is cut short"))?;
        let count = u32_at(frame, 4).ok_or_else(|| whole("it is cut short"))?;
        if count != schema.fields.len() {
            return Err(whole("it has another number of columns than the schema"));
        }
        let mut at = HEADER + DESCRIPTOR * count;
        let mut columns = Vec::with_capacity(count);
        for (index, field) in schema.fields.iter().enumerate() {
            let wrong = |rule| Error::Frame {
                column: field.name.clone(),
                rule,
            };
            let descriptor = HEADER + DESCRIPTOR * index;
            let cut_short = || wrong("it is cut short");
            let nulls = u32_at(frame, descriptor).ok_or_else(cut_short)?;
            let data_length = u32_at(frame, descriptor + 4).ok_or_else(cut_short)?;
            let mut take = |length: Option<usize>| -> Result<Range<usize>> {
                let start = at;
                let end = length
                    .and_then(|length| start.checked_add(length))
                    .ok_or_else(cut_short)?;
                let padded = end.checked_next_multiple_of(8).ok_or_else(cut_short)?;
                let padding = frame.get(end..padded).ok_or_else(cut_short)?;
                if padding.iter().any(|&byte| byte != 0) {
                    return Err(wrong("its padding is not zero"));
                }
                at = padded;
                Ok(start..end)
            };
            let validity = take(Some(if nulls > 0 { rows.div_ceil(8) } else { 0 }))?;
            let is_text = matches!(field.data_type, DataType::Utf8 | DataType::Binary);
            let values = take(match field.data_type {
                DataType::Boolean => Some(rows.div_ceil(8)),
                DataType::Utf8 | DataType::Binary => (rows + 1).checked_mul(4),
                fixed => rows.checked_mul(fixed.byte_width().unwrap_or(0)),
            })?;
            let data = take(Some(if is_text { data_length } else { 0 }))?;
            if !is_text && data_length != 0 {
                return Err(wrong("it says how long its text is, but holds none"));
            }
            let place = Place {
                nulls,
                validity,
                values,
                data,
            };
            place.check_nulls(field, rows, frame)?;
            columns.push(place);
        }
        if at != frame.len() {
            return Err(whole("bytes follow the last column"));
        }
        Ok(Self { rows, columns })
    }
}

impl Place {
    /// The rules about bits and nulls: counts agree, nothing lies beyond the last row, nulls are zero.
    fn check_nulls(&self, field: &Field, rows: usize, frame: &[u8]) -> Result<()> {
        let wrong = |rule| {
            Err(Error::Frame {
                column: field.name.clone(),
                rule,
            })
        };
        let beyond = |bits: &[u8]| {
            !rows.is_multiple_of(8) && bits.last().is_some_and(|last| last >> (rows % 8) != 0)
        };
        let values = &frame[self.values.clone()];
        if field.data_type == DataType::Boolean && beyond(values) {
            return wrong("bits beyond the last row are set");
        }
        if self.nulls == 0 {
            return Ok(());
        }
        if !field.nullable {
            return wrong("it holds nulls, but is not nullable");
        }
        let validity = &frame[self.validity.clone()];
        if beyond(validity) {
            return wrong("bits beyond the last row are set");
        }
        let valid: usize = validity.iter().map(|byte| byte.count_ones() as usize).sum();
        if rows - valid != self.nulls {
            return wrong("its null count is not the number of nulls");
        }
        let mut zeroed = true;
        match (field.data_type, field.data_type.byte_width()) {
            (DataType::Boolean, _) => {
                zeroed = values
                    .iter()
                    .zip(validity)
                    .all(|(value, valid)| value & !valid == 0);
            }
            (_, Some(width)) => for_each_null(validity, rows, |row| {
                zeroed &= values[row * width..(row + 1) * width]
                    .iter()
                    .all(|&byte| byte == 0);
            }),
            (_, None) => for_each_null(validity, rows, |row| {
                zeroed &= u32_at(values, 4 * row) == u32_at(values, 4 * row + 4);
            }),
        }
        if zeroed {
            Ok(())
        } else {
            wrong("a null row is not zeroed")
        }
    }

    /// The rules about what texts hold, which making an array of them looks at as well.
    pub(super) fn check_texts(&self, field: &Field, frame: &[u8]) -> Result<()> {
        if !matches!(field.data_type, DataType::Utf8 | DataType::Binary) {
            return Ok(());
        }
        let wrong = |rule| Error::Frame {
            column: field.name.clone(),
            rule,
        };
        let (offsets, _) = frame[self.values.clone()].as_chunks();
        let mut ends = offsets.iter().map(|&bytes| i32::from_le_bytes(bytes));
        if ends.next() != Some(0) || !are_ends(ends.clone(), self.data.len()) {
            return Err(wrong(WRONG_OFFSETS));
        }
        if field.data_type == DataType::Utf8 {
            let text = std::str::from_utf8(&frame[self.data.clone()]);
            let is_whole = |text: &str| {
                ends.all(|end| usize::try_from(end).is_ok_and(|end| text.is_char_boundary(end)))
            };
            if !text.is_ok_and(is_whole) {
                return Err(wrong(WRONG_TEXTS));
            }
        }
        Ok(())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
}

/// A column's buffers, on their way to Arrow.
pub(super) struct Buffers {
    pub(super) nulls: Option<NullBuffer>,
    /// The values, or the offsets of texts.
    pub(super) values: Buffer,
    pub(super) data: Buffer,
}

impl Buffers {
    /// # Errors
    /// [`Error::Frame`] if offsets or texts break a rule; whatever else the frame has to keep was
    /// checked before.
    pub(super) fn into_array(self, field: &Field, rows: usize) -> Result<ArrayRef> {
        let Self {
            nulls,
            values,
            data,
        } = self;
        Ok(match field.data_type {
            DataType::Boolean => Arc::new(BooleanArray::new(
                BooleanBuffer::new(values, 0, rows),
                nulls,
            )),
            DataType::Int32 => primitive::<Int32Type>(values, rows, nulls)?,
            DataType::Int64 => primitive::<Int64Type>(values, rows, nulls)?,
            DataType::Float32 => primitive::<Float32Type>(values, rows, nulls)?,
            DataType::Float64 => primitive::<Float64Type>(values, rows, nulls)?,
            DataType::Date => primitive::<Date32Type>(values, rows, nulls)?,
            DataType::Timestamp => {
                let values = ScalarBuffer::new(values, 0, rows);
                let array = PrimitiveArray::<TimestampMicrosecondType>::try_new(values, nulls)?;
                Arc::new(array.with_timezone("UTC"))
            }
            DataType::Float32List(width) => vector(
                field,
                primitive::<Float32Type>(values, rows * width as usize, None)?,
                rows,
                nulls,
            )?,
            DataType::Float64List(width) => vector(
                field,
                primitive::<Float64Type>(values, rows * width as usize, None)?,
                rows,
                nulls,
            )?,
            DataType::Utf8 => {
                let offsets = offsets(field, values, rows, data.len())?;
                let array = StringArray::try_new(offsets, data, nulls);
                Arc::new(array.map_err(|_| Error::Frame {
                    column: field.name.clone(),
                    rule: WRONG_TEXTS,
                })?)
            }
            DataType::Binary => {
                let offsets = offsets(field, values, rows, data.len())?;
                Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
            }
        })
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: Buffer,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let values = ScalarBuffer::<T::Native>::new(values, 0, rows);
    Ok(Arc::new(PrimitiveArray::<T>::try_new(values, nulls)?))
}

fn vector(
    field: &Field,
    values: ArrayRef,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let arrow::datatypes::DataType::FixedSizeList(item, width) = field.data_type.to_arrow() else {
        return Err(Error::Frame {
            column: field.name.clone(),
            rule: "it is not a vector",
        });
    };
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(
        item, width, values, nulls, rows,
    )?))
}

/// The rule that a column of texts breaks if they are none.
const WRONG_TEXTS: &str = "its text is not UTF-8, or is cut within a character";

/// The rule that a column of texts breaks if they do not lie one behind the other.
pub(super) const WRONG_OFFSETS: &str = "its offsets are wrong";

/// Offsets that begin at 0, never fall and end where the data ends.
fn offsets(field: &Field, values: Buffer, rows: usize, length: usize) -> Result<OffsetBuffer<i32>> {
    let offsets = ScalarBuffer::<i32>::new(values, 0, rows + 1);
    match offsets.split_first() {
        Some((0, ends)) if are_ends(ends.iter().copied(), length) => Ok(OffsetBuffer::new(offsets)),
        _ => Err(Error::Frame {
            column: field.name.clone(),
            rule: WRONG_OFFSETS,
        }),
    }
}

/// Whether texts that begin at 0 and end here fill so many bytes.
pub(super) fn are_ends(ends: impl Iterator<Item = i32>, length: usize) -> bool {
    let mut last = 0;
    let rising = ends.fold(true, |rising, end| {
        let rises = last <= end;
        last = end;
        rising & rises
    });
    rising && usize::try_from(last) == Ok(length)
}
