//! What a client writes and a server reads, in every protocol, bit by bit.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use arrow::array::*;
use proptest::prelude::*;
use trueline_table::{DataType, Digest, Field, Schema, frame};
use trueline_wire::csv::Header;
use trueline_wire::native::Shape;
use trueline_wire::{csv, invocations, native, oip};

fn schema() -> Schema {
    use DataType::*;
    let types = [
        ("flag", Boolean),
        ("small", Int32),
        ("count", Int64),
        ("narrow", Float32),
        ("wide", Float64),
        ("text", Utf8),
        ("bytes", Binary),
        ("time", Timestamp),
        ("day", Date),
        ("pair", Float32List(2)),
        ("triple", Float64List(3)),
    ];
    Schema::new(types.map(|(name, data_type)| Field::new(name, data_type)))
}

/// A row; a value that is none is null.
type Row = (
    (
        Option<bool>,
        Option<i32>,
        Option<i64>,
        Option<f32>,
        Option<f64>,
    ),
    (Option<String>, Option<Vec<u8>>, Option<i64>, Option<i32>),
    (Option<[f32; 2]>, Option<[f64; 3]>),
);

fn any_row() -> impl Strategy<Value = Row> {
    use proptest::option::of;
    // Of texts those that CSV can hold: an empty cell is null there.
    let text = proptest::string::string_regex("[ -~\\n\\té😀\"]{1,9}").unwrap();
    let bytes = proptest::collection::vec(any::<u8>(), 1..9);
    let float = any::<u32>().prop_map(f32::from_bits);
    let double = any::<u64>().prop_map(f64::from_bits);
    let time = -62_135_596_800_000_000i64..253_402_207_200_000_000;
    (
        (
            of(any::<bool>()),
            of(any::<i32>()),
            of(any::<i64>()),
            of(float.clone()),
            of(double.clone()),
        ),
        (of(text), of(bytes), of(time), of(-700_000i32..2_900_000)),
        (
            of([float.clone(), float]),
            of([double.clone(), double.clone(), double]),
        ),
    )
}

fn batch(rows: &[Row]) -> RecordBatch {
    let schema = schema().to_arrow();
    let mut pair = FixedSizeListBuilder::new(Float32Builder::new(), 2);
    let mut triple = FixedSizeListBuilder::new(Float64Builder::new(), 3);
    for (_, _, (two, three)) in rows {
        pair.values().append_slice(&two.unwrap_or_default());
        pair.append(two.is_some());
        triple.values().append_slice(&three.unwrap_or_default());
        triple.append(three.is_some());
    }
    // The element of a vector is never null.
    let strict = |list: FixedSizeListArray, index: usize| {
        let data = list.to_data().into_builder();
        let data = data.data_type(schema.field(index).data_type().clone());
        make_array(data.build().unwrap())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0.0).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.0.1).collect::<Int32Array>()),
        Arc::new(rows.iter().map(|row| row.0.2).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.0.3).collect::<Float32Array>()),
        Arc::new(rows.iter().map(|row| row.0.4).collect::<Float64Array>()),
        Arc::new(
            rows.iter()
                .map(|row| row.1.0.clone())
                .collect::<StringArray>(),
        ),
        Arc::new(
            rows.iter()
                .map(|row| row.1.1.clone())
                .collect::<BinaryArray>(),
        ),
        Arc::new(
            rows.iter()
                .map(|row| row.1.2)
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        Arc::new(rows.iter().map(|row| row.1.3).collect::<Date32Array>()),
        strict(pair.finish(), 9),
        strict(triple.finish(), 10),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Rows as the bytes that cross into a stage: equal rows, equal bytes.
fn frame(rows: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&schema(), rows, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn every_protocol_gives_back_the_bits(rows in proptest::collection::vec(any_row(), 0..6)) {
        let (schema, rows) = (schema(), batch(&rows));
        let expected = frame(&rows);
        let check = |what: &str, read: trueline_wire::Result<RecordBatch>| {
            let read = read.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(frame(&read), expected, "{what}");
        };
        for shape in [Shape::Records, Shape::Columns] {
            let body = native::write_request(shape, &schema, &rows).unwrap();
            check("a native request", native::read(&schema, body.as_bytes()).map(|(_, rows)| rows));
            let body = native::write(shape, Digest::of(b""), &schema, &rows).unwrap();
            check("a native answer", native::read_answer(&schema, body.as_bytes()));
        }
        for header in [Header::Present, Header::Absent] {
            let body = csv::write(&schema, &rows, header).unwrap();
            check("CSV", csv::read(&schema, body.as_bytes(), header));
        }
        for binary in [true, false] {
            let body = oip::write_request(&schema, &rows, binary).unwrap();
            let request = oip::read(&schema, body.json_bytes, &body.bytes).unwrap();
            let answer = oip::write("m", "1", Digest::of(b""), &request, &schema, &rows).unwrap();
            check("a request of tensors", Ok(request.rows));
            check("an answer of tensors", oip::read_answer(&schema, answer.json_bytes, &answer.bytes));
        }
        let lines = invocations::write_lines(&schema, &rows).unwrap();
        check("JSON Lines", invocations::read_lines(&schema, lines.as_bytes()));
        for flavour in [invocations::Flavour::SageMaker, invocations::Flavour::Mlflow] {
            let answer = invocations::write(flavour, &schema, &rows).unwrap();
            let request = answer.replacen("predictions", "instances", 1);
            check("instances", invocations::read(&schema, request.as_bytes()));
        }
    }

    #[test]
    fn any_bytes_are_rows_or_an_error(body in proptest::collection::vec(any::<u8>(), 0..80), json_bytes in proptest::option::of(0usize..100)) {
        let schema = schema();
        let _ = native::read(&schema, &body);
        let _ = invocations::read(&schema, &body);
        let _ = invocations::read_lines(&schema, &body);
        let _ = oip::read(&schema, json_bytes, &body);
        let _ = csv::read(&schema, &body, Header::Absent);
        let _ = csv::read(&schema, &body, Header::Present);
    }

    /// Bytes of a good request changed here and there end up deeper in the parsers.
    #[test]
    fn a_changed_byte_is_rows_or_an_error(row in any_row(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let (schema, rows) = (schema(), batch(&[row]));
        let tensors = oip::write_request(&schema, &rows, true).unwrap();
        let mut body = tensors.bytes;
        let place = at.index(body.len());
        body[place] = byte;
        let _ = oip::read(&schema, tensors.json_bytes, &body);
        body.truncate(cut.index(body.len()));
        let _ = oip::read(&schema, tensors.json_bytes, &body);
        let mut body = native::write_request(Shape::Records, &schema, &rows).unwrap().into_bytes();
        let place = at.index(body.len());
        body[place] = byte;
        let _ = native::read(&schema, &body);
    }
}
