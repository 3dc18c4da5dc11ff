//! The host's codec against the test vectors of the contract, `wit/vectors.json`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a vector that cannot be read fails the test"
)]

use std::sync::Arc;

use serde_json::Value as Json;
use trueline_table::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, FixedSizeListArray, Float32Array,
    Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use trueline_table::arrow::datatypes::DataType as Arrow;
use trueline_table::{DataType, Field, Schema, TableDigest, frame};

#[test]
fn frames_and_digests_are_those_of_the_vectors() {
    for vector in vectors("tables") {
        let name = vector["name"].as_str().unwrap();
        let schema = schema(&vector["schema"]);
        let rows = rows(&schema, vector["rows"].as_array().unwrap());
        let expected = bytes(&vector["frame"]);
        assert_eq!(encoded(&schema, &rows), expected, "{name}");
        assert_eq!(digest(&schema, &rows), vector["digest"], "{name}");

        let decoded = frame::decode(&schema, expected.clone()).unwrap();
        assert_eq!(decoded.num_rows(), rows.num_rows(), "{name}");
        assert_eq!(encoded(&schema, &decoded), expected, "{name}, read back");
        for (column, expected) in decoded.columns().iter().zip(rows.columns()) {
            // NaN is not equal to itself, so columns that hold one are compared by their bytes above.
            let same = column == expected || format!("{expected:?}").contains("NaN");
            assert!(same, "{name}: {column:?} is not {expected:?}");
        }

        // A vector that begins at any address is read alike.
        let mut shifted = vec![0; expected.len() + 1];
        shifted[1..].copy_from_slice(&expected);
        let shifted = frame::decode(&schema, shifted.split_off(1)).unwrap();
        assert_eq!(encoded(&schema, &shifted), expected, "{name}, moved");
    }
}

#[test]
fn what_is_not_canonical_is_refused() {
    for vector in vectors("refused") {
        let reason = &vector["reason"];
        let error = frame::decode(&schema(&vector["schema"]), bytes(&vector["frame"]))
            .map(drop)
            .expect_err(reason.as_str().unwrap());
        let message = error.to_string();
        assert!(message.starts_with("not a frame: "), "{reason}: {message}");
    }
}

fn vectors(list: &str) -> Vec<Json> {
    let all: Json = serde_json::from_str(include_str!("../../../wit/vectors.json")).unwrap();
    let vectors = all[list].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

fn schema(json: &Json) -> Schema {
    Schema::new(json.as_array().unwrap().iter().map(|field| {
        let data_type = field["type"].as_str().unwrap().parse().unwrap();
        Field {
            nullable: field["nullable"].as_bool().unwrap(),
            ..Field::new(field["name"].as_str().unwrap(), data_type)
        }
    }))
}

fn rows(schema: &Schema, columns: &[Json]) -> RecordBatch {
    let cells: Vec<&Vec<Json>> = columns
        .iter()
        .map(|column| column.as_array().unwrap())
        .collect();
    let count = cells.first().map_or(0, |cells| cells.len());
    let columns = schema.fields.iter().zip(cells);
    let columns = columns.map(|(field, cells)| column(field.data_type, cells));
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(schema.to_arrow(), columns.collect(), &options).unwrap()
}

fn column(data_type: DataType, cells: &[Json]) -> ArrayRef {
    let integers = || cells.iter().map(integer);
    let int32s = || integers().map(|value| value.map(|value| i32::try_from(value).unwrap()));
    let texts = || cells.iter().map(Json::as_str);
    match data_type {
        DataType::Boolean => Arc::new(cells.iter().map(Json::as_bool).collect::<BooleanArray>()),
        DataType::Int32 => Arc::new(int32s().collect::<Int32Array>()),
        DataType::Date => Arc::new(int32s().collect::<Date32Array>()),
        DataType::Int64 => Arc::new(integers().collect::<Int64Array>()),
        DataType::Timestamp => {
            let instants = integers().collect::<TimestampMicrosecondArray>();
            Arc::new(instants.with_timezone("UTC"))
        }
        DataType::Float32 => {
            let narrow = |cell: &Json| float(cell).map(to_f32);
            Arc::new(cells.iter().map(narrow).collect::<Float32Array>())
        }
        DataType::Float64 => Arc::new(cells.iter().map(float).collect::<Float64Array>()),
        DataType::Utf8 => Arc::new(texts().collect::<StringArray>()),
        DataType::Binary => {
            let blobs = cells
                .iter()
                .map(|cell| (!cell.is_null()).then(|| bytes(cell)));
            Arc::new(blobs.collect::<BinaryArray>())
        }
        DataType::Float32List(width) => {
            let elements = elements(cells, width).into_iter().map(to_f32);
            let elements = Arc::new(Float32Array::from_iter_values(elements));
            vector(data_type, elements, cells)
        }
        DataType::Float64List(width) => {
            let elements = Arc::new(Float64Array::from_iter_values(elements(cells, width)));
            vector(data_type, elements, cells)
        }
    }
}

/// The elements of all rows. A null row's are not zero: the encoder has to make them so.
fn elements(cells: &[Json], width: u32) -> Vec<f64> {
    let row = |cell: &Json| match cell.as_array() {
        Some(elements) => elements.iter().map(|cell| float(cell).unwrap()).collect(),
        None => vec![7.5; width as usize],
    };
    cells.iter().flat_map(row).collect()
}

fn vector(data_type: DataType, elements: ArrayRef, cells: &[Json]) -> ArrayRef {
    let Arrow::FixedSizeList(item, width) = data_type.to_arrow() else {
        panic!("{data_type} is no vector");
    };
    let validity: Vec<bool> = cells.iter().map(|cell| !cell.is_null()).collect();
    let nulls = Some(validity.into());
    Arc::new(
        FixedSizeListArray::try_new_with_length(item, width, elements, nulls, cells.len()).unwrap(),
    )
}

fn integer(cell: &Json) -> Option<i64> {
    let text = |cell: &Json| cell.as_str().map(|text| text.parse().unwrap());
    cell.as_i64().or_else(|| text(cell))
}

/// `NaN`, `Infinity`, `-Infinity` and `-0.0` are what Rust reads, too.
fn float(cell: &Json) -> Option<f64> {
    let text = |cell: &Json| cell.as_str().map(|text| text.parse().unwrap());
    cell.as_f64().or_else(|| text(cell))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the vectors hold float32 values, and JSON has float64 only"
)]
fn to_f32(value: f64) -> f32 {
    value as f32
}

fn bytes(json: &Json) -> Vec<u8> {
    let digits = json.as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn encoded(schema: &Schema, rows: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(schema, rows, &mut bytes).unwrap();
    bytes
}

fn digest(schema: &Schema, rows: &RecordBatch) -> String {
    let mut digest = TableDigest::new(schema);
    digest.update(rows).unwrap();
    digest.finish().unwrap().to_string()
}
