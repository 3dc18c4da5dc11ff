//! A row of features as bytes, for stores that keep one value an entity.
//!
//! First the validity of all features, one bit each, least significant first; then the values of those that
//! are not null, in order: numbers little-endian in their own width, booleans as a byte, texts and bytes
//! behind their length (4 bytes), vectors element by element. Bits are kept as they are, NaNs' among them.
//! The bytes are stored: the encoding must not change.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, FixedSizeListArray, PrimitiveBuilder,
    RecordBatch, RecordBatchOptions, StringBuilder,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as Arrow, Date32Type, Float32Type, Float64Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use trueline_table::{DataType, Schema};

use crate::Result;

/// Encodes rows whose columns are exactly the features of a view.
#[derive(Debug)]
pub(crate) struct RowEncoder<'b> {
    columns: &'b [ArrayRef],
}

impl<'b> RowEncoder<'b> {
    pub(crate) fn new(rows: &'b RecordBatch) -> Self {
        Self {
            columns: rows.columns(),
        }
    }

    pub(crate) fn encode(&self, row: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.columns.len().div_ceil(8)];
        for (index, column) in self.columns.iter().enumerate() {
            if column.is_valid(row) {
                bytes[index / 8] |= 1 << (index % 8);
                put(column, row, &mut bytes);
            }
        }
        bytes
    }
}

fn put(column: &ArrayRef, row: usize, bytes: &mut Vec<u8>) {
    let mut put_sized = |value: &[u8]| {
        // Arrow's arrays hold less than 2³¹ bytes.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(value);
    };
    match column.data_type() {
        Arrow::Utf8 => put_sized(column.as_string::<i32>().value(row).as_bytes()),
        Arrow::Binary => put_sized(column.as_binary::<i32>().value(row)),
        Arrow::Boolean => bytes.push(u8::from(column.as_boolean().value(row))),
        Arrow::Int32 => put_number::<Int32Type>(column, row, bytes),
        Arrow::Int64 => put_number::<Int64Type>(column, row, bytes),
        Arrow::Float32 => put_number::<Float32Type>(column, row, bytes),
        Arrow::Float64 => put_number::<Float64Type>(column, row, bytes),
        Arrow::Date32 => put_number::<Date32Type>(column, row, bytes),
        Arrow::Timestamp(..) => put_number::<TimestampMicrosecondType>(column, row, bytes),
        Arrow::FixedSizeList(..) => {
            let elements = column.as_fixed_size_list().value(row);
            for element in 0..elements.len() {
                put(&elements, element, bytes);
            }
        }
        // A view's features are of the contract's types.
        _ => {}
    }
}

fn put_number<T: ArrowPrimitiveType>(column: &ArrayRef, row: usize, bytes: &mut Vec<u8>) {
    use arrow::datatypes::ToByteSlice as _;
    // Arrow's buffers are little-endian on every machine that the store is built for.
    bytes.extend_from_slice(column.as_primitive::<T>().value(row).to_byte_slice());
}

/// Builds columns from encoded rows.
#[derive(Debug)]
pub(crate) struct RowDecoder {
    schema: Schema,
    columns: Vec<Values>,
    rows: usize,
}

#[derive(Debug)]
enum Values {
    Boolean(BooleanBuilder),
    Int32(PrimitiveBuilder<Int32Type>),
    Int64(PrimitiveBuilder<Int64Type>),
    Float32(PrimitiveBuilder<Float32Type>),
    Float64(PrimitiveBuilder<Float64Type>),
    Date(PrimitiveBuilder<Date32Type>),
    Timestamp(PrimitiveBuilder<TimestampMicrosecondType>),
    Utf8(StringBuilder),
    Binary(BinaryBuilder),
    Vector(Box<Values>, usize, Vec<bool>),
}

/// Bytes that are no row of the view.
#[derive(Debug)]
pub(crate) struct NotARow;

impl RowDecoder {
    /// A decoder of rows with these features.
    pub(crate) fn new(schema: &Schema, capacity: usize) -> Self {
        let values = |field: &trueline_table::Field| Values::new(field.data_type, capacity);
        Self {
            schema: schema.clone(),
            columns: schema.fields.iter().map(values).collect(),
            rows: 0,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the bytes are none; the decoder has no use then.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), NotARow> {
        let (validity, mut rest) = bytes
            .split_at_checked(self.columns.len().div_ceil(8))
            .ok_or(NotARow)?;
        for (index, column) in self.columns.iter_mut().enumerate() {
            if validity[index / 8] & (1 << (index % 8)) == 0 {
                column.push_null();
            } else {
                rest = column.push(rest).ok_or(NotARow)?;
            }
        }
        self.rows += 1;
        rest.is_empty().then_some(()).ok_or(NotARow)
    }

    /// Adds a row of nulls.
    pub(crate) fn push_nulls(&mut self) {
        self.columns.iter_mut().for_each(Values::push_null);
        self.rows += 1;
    }

    /// The rows.
    ///
    /// # Errors
    /// If Arrow refuses them.
    pub(crate) fn finish(mut self) -> Result<RecordBatch> {
        let fields = self.columns.iter_mut().zip(&self.schema.fields);
        let columns = fields
            .map(|(values, field)| values.finish(field.data_type))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        Ok(RecordBatch::try_new_with_options(
            self.schema.to_arrow(),
            columns,
            &options,
        )?)
    }
}

impl Values {
    fn new(data_type: DataType, capacity: usize) -> Self {
        let vector = |element, width: u32| {
            let width = width as usize;
            let elements = Self::new(element, capacity.saturating_mul(width));
            Self::Vector(Box::new(elements), width, Vec::with_capacity(capacity))
        };
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(capacity)),
            DataType::Int32 => Self::Int32(PrimitiveBuilder::with_capacity(capacity)),
            DataType::Int64 => Self::Int64(PrimitiveBuilder::with_capacity(capacity)),
            DataType::Float32 => Self::Float32(PrimitiveBuilder::with_capacity(capacity)),
            DataType::Float64 => Self::Float64(PrimitiveBuilder::with_capacity(capacity)),
            DataType::Date => Self::Date(PrimitiveBuilder::with_capacity(capacity)),
            DataType::Timestamp => {
                let values = PrimitiveBuilder::with_capacity(capacity);
                Self::Timestamp(values.with_data_type(data_type.to_arrow()))
            }
            DataType::Utf8 => Self::Utf8(StringBuilder::with_capacity(capacity, 0)),
            DataType::Binary => Self::Binary(BinaryBuilder::with_capacity(capacity, 0)),
            DataType::Float32List(width) => vector(DataType::Float32, width),
            DataType::Float64List(width) => vector(DataType::Float64, width),
        }
    }

    fn push_null(&mut self) {
        match self {
            Self::Boolean(values) => values.append_null(),
            Self::Int32(values) => values.append_null(),
            Self::Int64(values) => values.append_null(),
            Self::Float32(values) => values.append_null(),
            Self::Float64(values) => values.append_null(),
            Self::Date(values) => values.append_null(),
            Self::Timestamp(values) => values.append_null(),
            Self::Utf8(values) => values.append_null(),
            Self::Binary(values) => values.append_null(),
            Self::Vector(elements, width, valid) => {
                // A null vector has elements below it, which are zeros as in a frame.
                for _ in 0..*width {
                    let _ = elements.push(&[0; 8][..elements.width()]);
                }
                valid.push(false);
            }
        }
    }

    /// The bytes of an element of a vector.
    fn width(&self) -> usize {
        if matches!(self, Self::Float32(_)) {
            4
        } else {
            8
        }
    }

    /// Takes a value from the front of `bytes` and answers the rest.
    fn push<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        fn number<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
            let (number, rest) = bytes.split_first_chunk::<N>()?;
            Some((*number, rest))
        }
        fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
            let (length, rest) = number::<4>(bytes)?;
            rest.split_at_checked(u32::from_le_bytes(length) as usize)
        }
        macro_rules! push_number {
            ($values:expr, $type:ty) => {{
                let (number, rest) = number(bytes)?;
                $values.append_value(<$type>::from_le_bytes(number));
                rest
            }};
        }
        Some(match self {
            Self::Boolean(values) => {
                let (byte, rest) = bytes.split_first()?;
                values.append_value(*byte != 0);
                rest
            }
            Self::Int32(values) => push_number!(values, i32),
            Self::Int64(values) => push_number!(values, i64),
            Self::Float32(values) => push_number!(values, f32),
            Self::Float64(values) => push_number!(values, f64),
            Self::Date(values) => push_number!(values, i32),
            Self::Timestamp(values) => push_number!(values, i64),
            Self::Utf8(values) => {
                let (text, rest) = sized(bytes)?;
                values.append_value(std::str::from_utf8(text).ok()?);
                rest
            }
            Self::Binary(values) => {
                let (value, rest) = sized(bytes)?;
                values.append_value(value);
                rest
            }
            Self::Vector(elements, width, valid) => {
                let mut rest = bytes;
                for _ in 0..*width {
                    rest = elements.push(rest)?;
                }
                valid.push(true);
                rest
            }
        })
    }

    fn finish(&mut self, data_type: DataType) -> Result<ArrayRef> {
        Ok(match self {
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::Int32(values) => Arc::new(values.finish()),
            Self::Int64(values) => Arc::new(values.finish()),
            Self::Float32(values) => Arc::new(values.finish()),
            Self::Float64(values) => Arc::new(values.finish()),
            Self::Date(values) => Arc::new(values.finish()),
            Self::Timestamp(values) => Arc::new(values.finish()),
            Self::Utf8(values) => Arc::new(values.finish()),
            Self::Binary(values) => Arc::new(values.finish()),
            Self::Vector(elements, _, valid) => {
                let Arrow::FixedSizeList(item, width) = data_type.to_arrow() else {
                    return Ok(arrow::array::new_empty_array(&data_type.to_arrow()));
                };
                // The type of the elements is their builder's own.
                let elements = elements.finish(DataType::Float64)?;
                let nulls = arrow::buffer::NullBuffer::from(std::mem::take(valid));
                let list = FixedSizeListArray::try_new(item, width, elements, Some(nulls))?;
                Arc::new(list)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int32Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn rows() -> RecordBatch {
        let nan = f64::from_bits(0x7ff8_0000_0000_0001);
        let vector = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
            [
                Some(vec![Some(1.5), Some(-0.0)]),
                None,
                Some(vec![Some(0.0), Some(2.0)]),
            ],
            2,
        );
        let Arrow::FixedSizeList(item, _) = DataType::Float32List(2).to_arrow() else {
            unreachable!()
        };
        let (_, _, _, nulls) = vector.clone().into_parts();
        let elements: ArrayRef = Arc::new(arrow::array::Float32Array::from(vec![
            1.5, -0.0, 0.0, 0.0, 0.0, 2.0,
        ]));
        let vector = FixedSizeListArray::try_new(item, 2, elements, nulls).unwrap();
        let times = TimestampMicrosecondArray::from(vec![Some(i64::MIN), None, Some(7)]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "flag",
                Arc::new(arrow::array::BooleanArray::from(vec![
                    Some(true),
                    None,
                    Some(false),
                ])),
            ),
            (
                "count",
                Arc::new(Int32Array::from(vec![None, Some(i32::MIN), Some(3)])),
            ),
            (
                "mean",
                Arc::new(Float64Array::from(vec![Some(nan), Some(-0.0), None])),
            ),
            (
                "name",
                Arc::new(StringArray::from(vec![Some("ä"), Some(""), None])),
            ),
            ("vector", Arc::new(vector)),
            ("at", Arc::new(times.with_timezone("UTC"))),
        ];
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    #[test]
    fn rows_come_back_bit_by_bit() {
        let rows = rows();
        let schema = Schema::from_arrow(&rows.schema()).unwrap();
        let encoder = RowEncoder::new(&rows);
        let mut decoder = RowDecoder::new(&schema, 3);
        for row in 0..3 {
            decoder.push(&encoder.encode(row)).unwrap();
        }
        let back = decoder.finish().unwrap();
        assert_eq!(
            back.column(2).to_data(),
            rows.column(2).to_data(),
            "NaN's bits"
        );
        for row in 0..3 {
            assert_eq!(RowEncoder::new(&back).encode(row), encoder.encode(row));
        }
    }

    #[test]
    fn nothing_else_is_a_row() {
        let rows = rows();
        let schema = Schema::from_arrow(&rows.schema()).unwrap();
        let bytes = RowEncoder::new(&rows).encode(0);
        for length in 0..bytes.len() {
            let mut decoder = RowDecoder::new(&schema, 1);
            assert!(decoder.push(&bytes[..length]).is_err(), "{length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(RowDecoder::new(&schema, 1).push(&longer).is_err());
    }

    #[test]
    fn a_row_of_nulls_has_every_feature() {
        let rows = rows();
        let schema = Schema::from_arrow(&rows.schema()).unwrap();
        let mut decoder = RowDecoder::new(&schema, 1);
        decoder.push_nulls();
        let nulls = decoder.finish().unwrap();
        assert!(nulls.num_rows() == 1 && nulls.columns().iter().all(|column| column.is_null(0)));
    }
}
