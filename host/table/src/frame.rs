//! Frames: how a batch of rows crosses the boundary. `wit/encoding.md` defines them.

mod assemble;
mod checked;
mod decode;
mod encode;

pub use assemble::Assembler;
pub use checked::Frame;
pub use decode::decode;
pub use encode::{Encoder, Source, encode};

use crate::DataType;

const CANONICAL_F32: u32 = 0x7fc0_0000;
const CANONICAL_F64: u64 = 0x7ff8_0000_0000_0000;

/// The bytes of a frame before its first column's descriptor.
const HEADER: usize = 8;
/// The bytes of a column's descriptor.
const DESCRIPTOR: usize = 8;

/// Bytes of numbers that are worked on at a time: few enough to stay in the fastest cache.
const BLOCK_BYTES: usize = 2048;

/// Walks over the rows whose bit is 0.
fn for_each_null(bits: &[u8], rows: usize, mut visit: impl FnMut(usize)) {
    for (index, &byte) in bits.iter().enumerate() {
        let mut nulls = !byte;
        while nulls != 0 {
            let row = index * 8 + nulls.trailing_zeros() as usize;
            if row >= rows {
                return;
            }
            visit(row);
            nulls &= nulls - 1;
        }
    }
}

/// Copies the values of a column and makes the NaNs among them canonical. Both slices are as long.
fn copy_mended(data_type: DataType, from: &[u8], to: &mut [u8]) {
    let found = match data_type {
        DataType::Float32 | DataType::Float32List(_) => {
            copy_and_look(from, to, |bytes| f32::from_le_bytes(bytes).is_nan())
        }
        DataType::Float64 | DataType::Float64List(_) => {
            copy_and_look(from, to, |bytes| f64::from_le_bytes(bytes).is_nan())
        }
        _ => {
            to.copy_from_slice(from);
            false
        }
    };
    if found {
        mend_nans(data_type, to);
    }
}

/// Copies numbers and tells whether a NaN is among them, in one pass: each is in a register anyway.
fn copy_and_look<const N: usize>(
    from: &[u8],
    to: &mut [u8],
    is_nan: impl Fn([u8; N]) -> bool,
) -> bool {
    let (sources, targets) = (from.as_chunks::<N>().0, to.as_chunks_mut::<N>().0);
    let mut found = false;
    for (target, &source) in targets.iter_mut().zip(sources) {
        *target = source;
        found |= is_nan(source);
    }
    found
}

/// Makes the NaNs among the numbers of a column canonical; other types have none.
fn mend_nans(data_type: DataType, values: &mut [u8]) {
    match data_type {
        DataType::Float32 | DataType::Float32List(_) => {
            let is_nan = |bytes| f32::from_le_bytes(bytes).is_nan();
            mend(values, is_nan, CANONICAL_F32.to_le_bytes());
        }
        DataType::Float64 | DataType::Float64List(_) => {
            let is_nan = |bytes| f64::from_le_bytes(bytes).is_nan();
            mend(values, is_nan, CANONICAL_F64.to_le_bytes());
        }
        _ => {}
    }
}

/// Looks first, writes only where there is a NaN at all: most blocks have none.
fn mend<const N: usize>(values: &mut [u8], is_nan: impl Fn([u8; N]) -> bool, canonical: [u8; N]) {
    for block in values.chunks_mut(BLOCK_BYTES) {
        let (numbers, _) = block.as_chunks_mut::<N>();
        let found = numbers
            .iter()
            .fold(false, |found, &bytes| found | is_nan(bytes));
        if found {
            for bytes in numbers.iter_mut().filter(|bytes| is_nan(**bytes)) {
                *bytes = canonical;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;
    use arrow::datatypes::Int32Type;
    use proptest::prelude::*;

    use super::*;
    use crate::{DataType, Field, Schema};

    fn mixed() -> (Schema, RecordBatch) {
        let schema = Schema::new([
            Field::new("flag", DataType::Boolean),
            Field::new("count", DataType::Int32),
            Field::new("price", DataType::Float64),
            Field::new("text", DataType::Utf8),
            Field::new("pair", DataType::Float32List(2)),
        ]);
        let item = Arc::new(arrow::datatypes::Field::new_list_field(
            arrow::datatypes::DataType::Float32,
            false,
        ));
        let pair = FixedSizeListArray::new(
            item,
            2,
            Arc::new(Float32Array::from(vec![1.0, 2.0, 9.0, 9.0, -0.0, f32::NAN])),
            Some(vec![true, false, true].into()),
        );
        let columns: Vec<ArrayRef> = vec![
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(Int32Array::from(vec![1, 2, 3])),
            Arc::new(Float64Array::from(vec![
                Some(0.5),
                Some(f64::from_bits(0xfff8_0000_0000_0001)),
                None,
            ])),
            Arc::new(StringArray::from(vec![Some("é"), Some(""), None])),
            Arc::new(pair),
        ];
        let batch = RecordBatch::try_new(schema.to_arrow(), columns).unwrap();
        (schema, batch)
    }

    fn frame(schema: &Schema, batch: &RecordBatch) -> Vec<u8> {
        let mut frame = Vec::new();
        encode(schema, batch, &mut frame).unwrap();
        frame
    }

    fn assemble<'f>(
        schema: &Schema,
        rows: usize,
        frames: impl IntoIterator<Item = &'f Vec<u8>>,
    ) -> crate::Result<RecordBatch> {
        let mut assembler = Assembler::new(schema, rows);
        for frame in frames {
            assembler.push(frame)?;
        }
        assembler.finish()
    }

    #[test]
    fn a_text_that_is_cut_within_a_character_is_refused_though_the_next_frame_goes_on() {
        let schema = Schema::new([Field::new("text", DataType::Utf8)]);
        let whole: ArrayRef = Arc::new(StringArray::from(vec!["é"]));
        let good = frame(
            &schema,
            &RecordBatch::try_from_iter([("text", whole)]).unwrap(),
        );
        let half = |at: usize| {
            let mut bytes = good.clone();
            // The data length, the end of the text, and its only byte.
            (bytes[12], bytes[20], bytes[24], bytes[25]) = (1, 1, good[at], 0);
            bytes
        };
        let error = assemble(&schema, 2, [&half(24), &half(25)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "not a frame: column `text`: its text is not UTF-8, or is cut within a character"
        );
    }

    #[test]
    fn what_was_encoded_decodes_to_equal_rows() {
        let (schema, batch) = mixed();
        let bytes = frame(&schema, &batch);
        let decoded = decode(&schema, bytes.clone()).unwrap();
        assert_eq!(frame(&schema, &decoded), bytes);
        assert_eq!(decoded.column(0), batch.column(0));
        assert_eq!(decoded.column(3), batch.column(3));
        let price = decoded
            .column(2)
            .as_any()
            .downcast_ref::<Float64Array>()
            .unwrap();
        assert_eq!(price.value(1).to_bits(), CANONICAL_F64);
    }

    #[test]
    fn columns_of_frames_go_into_others_as_they_are() {
        let (schema, batch) = mixed();
        for rows in [batch.slice(0, 0), batch.slice(0, 1), batch] {
            let bytes = frame(&schema, &rows);
            let checked = Frame::read(&schema, bytes.clone()).unwrap();
            assert_eq!(checked.rows(), rows.num_rows());
            let sources = (0..5).map(|place| match place {
                1 | 3 => Source::Array(rows.column(place)),
                _ => Source::Frame(&checked, place),
            });
            let encoder = Encoder::of(&schema, rows.num_rows(), sources).unwrap();
            let mut again = vec![7; encoder.frame_bytes()];
            encoder.write(&mut again);
            assert_eq!(again, bytes);
            for (place, field) in schema.fields.iter().enumerate() {
                let decoded = decode(&schema, bytes.clone()).unwrap();
                assert_eq!(
                    checked.array(field, place).unwrap().to_data(),
                    decoded.column(place).to_data()
                );
            }
        }
    }

    #[test]
    fn a_column_of_other_rows_is_refused() {
        let (schema, batch) = mixed();
        let checked = Frame::read(&schema, frame(&schema, &batch.slice(0, 2))).unwrap();
        let sources = (0..5).map(|place| match place {
            4 => Source::Frame(&checked, place),
            _ => Source::Array(batch.column(place)),
        });
        let error = Encoder::of(&schema, 3, sources).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rows do not fit: column `pair` is 2 rows long, expected 3"
        );
    }

    #[test]
    fn a_slice_encodes_like_a_copy_of_its_rows() {
        let (schema, batch) = mixed();
        for offset in 0..=3 {
            for length in 0..=3 - offset {
                let slice = batch.slice(offset, length);
                let rows = UInt64Array::from_iter_values(offset as u64..(offset + length) as u64);
                let copy = arrow::compute::take_record_batch(&batch, &rows).unwrap();
                assert_eq!(frame(&schema, &slice), frame(&schema, &copy));
            }
        }
    }

    #[test]
    fn a_dictionary_is_not_a_frame_column() {
        let keys: DictionaryArray<Int32Type> = vec!["a"].into_iter().collect();
        let batch = RecordBatch::try_from_iter([("text", Arc::new(keys) as ArrayRef)]).unwrap();
        let schema = Schema::new([Field::new("text", DataType::Utf8)]);
        let error = encode(&schema, &batch, &mut Vec::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rows do not fit: column `text` is Dictionary(Int32, Utf8), expected utf8"
        );
    }

    #[test]
    fn frames_that_break_a_rule_are_refused() {
        let (schema, batch) = mixed();
        let good = frame(&schema, &batch);
        let break_at = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            decode(&schema, bytes).unwrap_err().to_string()
        };
        assert_eq!(
            break_at(4, 6),
            "not a frame: it has another number of columns than the schema"
        );
        assert_eq!(
            break_at(8, 2),
            "not a frame: column `flag`: its null count is not the number of nulls"
        );
        // Validity of `flag` is at 48, its values at 56.
        assert_eq!(
            break_at(48, 0b1101),
            "not a frame: column `flag`: bits beyond the last row are set"
        );
        assert_eq!(
            break_at(56, 0b011),
            "not a frame: column `flag`: a null row is not zeroed"
        );
        assert_eq!(
            break_at(49, 1),
            "not a frame: column `flag`: its padding is not zero"
        );
        let mut longer = good.clone();
        longer.extend([0; 8]);
        assert_eq!(
            decode(&schema, longer).unwrap_err().to_string(),
            "not a frame: bytes follow the last column"
        );
    }

    proptest! {
        /// Whatever bytes a guest answers with, decoding ends with rows or an error.
        #[test]
        fn any_bytes_are_rows_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0usize..200, cut in 0usize..300) {
            let (schema, batch) = mixed();
            let _ = decode(&schema, bytes.clone());
            let mut good = frame(&schema, &batch);
            for (index, byte) in bytes.drain(..).take(4).enumerate() {
                let length = good.len();
                good[(at + index) % length] = byte;
            }
            good.truncate(cut.max(8));
            let assembled = assemble(&schema, 3, [&good]);
            let checked = Frame::read(&schema, good.clone()).map(|checked| checked.rows());
            match decode(&schema, good.clone()) {
                Ok(rows) => {
                    let again = frame(&schema, &rows);
                    prop_assert!(again.len() == good.len());
                    prop_assert_eq!(frame(&schema, &assembled.unwrap()), again);
                    prop_assert_eq!(checked.unwrap(), rows.num_rows());
                }
                Err(error) => {
                    prop_assert_eq!(checked.unwrap_err().to_string(), error.to_string());
                    prop_assert_eq!(assembled.unwrap_err().to_string(), error.to_string());
                }
            }
        }

        /// However rows are cut, their frames assemble to the same bytes.
        #[test]
        fn pieces_assemble_to_the_whole(rows in proptest::collection::vec(0u64..3, 0..60), cuts in proptest::collection::vec(0usize..60, 0..6), expected in 0usize..70) {
            let (schema, batch) = mixed();
            let whole = arrow::compute::take_record_batch(&batch, &UInt64Array::from(rows.clone())).unwrap();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
            cuts.extend([0, rows.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| frame(&schema, &whole.slice(cut[0], cut[1] - cut[0])));
            let pieces: Vec<_> = pieces.collect();
            let assembled = assemble(&schema, expected, &pieces).unwrap();
            prop_assert_eq!(frame(&schema, &assembled), frame(&schema, &whole));
            prop_assert_eq!(assembled.num_rows(), rows.len());
        }
    }
}
