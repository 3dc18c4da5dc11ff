//! The codec against the test vectors of the contract, `wit/vectors.json`.

#![expect(
    clippy::unwrap_used,
    reason = "a vector that cannot be read fails the test"
)]
#![expect(clippy::cast_possible_truncation, reason = "JSON has float64 only")]

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use trueline_sdk::testing::{Cell, Table};
use trueline_sdk::{Batch, DataType, Field, Schema};

#[test]
fn frames_and_digests_are_those_of_the_vectors() {
    for vector in vectors("tables") {
        let name = vector["name"].as_str().unwrap();
        let schema = schema(&vector["schema"]);
        let columns = schema.fields.iter().zip(vector["rows"].as_array().unwrap());
        let table = columns.fold(Table::new(), |table, (field, cells)| {
            let cells = cells.as_array().unwrap();
            table.with_field(
                field.clone(),
                cells.iter().map(|json| cell(field.data_type, json)),
            )
        });
        let frame = bytes(&vector["frame"]);
        assert_eq!(hex(&table.frame()), hex(&frame), "{name}");
        assert_eq!(Table::decode(&schema, &frame).unwrap(), table, "{name}");
        assert_eq!(digest(&table), vector["digest"].as_str().unwrap(), "{name}");

        // At an address that is not a multiple of 8, buffers are copied.
        let mut shifted = vec![0; frame.len() + 1];
        shifted[1..].copy_from_slice(&frame);
        let offset = usize::from(shifted.as_ptr().addr() % 2 == 0);
        shifted.copy_within(1.., offset);
        let shifted = &shifted[offset..offset + frame.len()];
        assert_eq!(
            Table::decode(&schema, shifted).unwrap(),
            table,
            "{name}, misplaced"
        );
    }
}

#[test]
fn what_is_not_canonical_is_refused() {
    for vector in vectors("refused") {
        let decoded = Table::decode(&schema(&vector["schema"]), &bytes(&vector["frame"]));
        assert!(decoded.is_err(), "{}: {decoded:?}", vector["reason"]);
    }
}

#[test]
fn a_frame_of_garbage_is_an_error() {
    let schema = Schema::new([
        Field::new("s", DataType::Utf8),
        Field::new("y", DataType::Binary),
        Field::new("v", DataType::Float32List(u32::MAX)),
    ]);
    let mut garbage: Vec<u8> = (0..=255).chain(0..=255).collect();
    for length in 0..garbage.len() {
        assert!(Batch::decode(&schema, &garbage[..length]).is_err());
    }
    garbage[..8].copy_from_slice(&[255, 255, 255, 255, 3, 0, 0, 0]);
    assert!(Batch::decode(&schema, &garbage).is_err());
}

fn vectors(list: &str) -> Vec<Json> {
    let all: Json = serde_json::from_str(include_str!("../../../wit/vectors.json")).unwrap();
    let vectors = all[list].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

fn schema(json: &Json) -> Schema {
    Schema::new(json.as_array().unwrap().iter().map(|field| Field {
        nullable: field["nullable"].as_bool().unwrap(),
        ..Field::new(
            field["name"].as_str().unwrap(),
            field["type"].as_str().unwrap().parse().unwrap(),
        )
    }))
}

fn cell(data_type: DataType, json: &Json) -> Cell {
    if json.is_null() {
        return Cell::Null;
    }
    let integer = || {
        json.as_i64()
            .unwrap_or_else(|| json.as_str().unwrap().parse().unwrap())
    };
    let vector = || json.as_array().unwrap().iter();
    match data_type {
        DataType::Boolean => Cell::Boolean(json.as_bool().unwrap()),
        DataType::Int32 | DataType::Date => Cell::Int32(i32::try_from(integer()).unwrap()),
        DataType::Int64 | DataType::Timestamp => Cell::Int64(integer()),
        DataType::Float32 => Cell::Float32(float(json) as f32),
        DataType::Float64 => Cell::Float64(float(json)),
        DataType::Utf8 => Cell::Text(json.as_str().unwrap().to_owned()),
        DataType::Binary => Cell::Bytes(bytes(json)),
        DataType::Float32List(_) => {
            Cell::Vector32(vector().map(|json| float(json) as f32).collect())
        }
        DataType::Float64List(_) => Cell::Vector64(vector().map(float).collect()),
    }
}

fn float(json: &Json) -> f64 {
    // `NaN`, `Infinity`, `-Infinity` and `-0.0` are what Rust reads, too.
    json.as_f64()
        .unwrap_or_else(|| json.as_str().unwrap().parse().unwrap())
}

fn bytes(json: &Json) -> Vec<u8> {
    let digits = json.as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The table digest, as `wit/encoding.md` defines it.
fn digest(table: &Table) -> String {
    let fields = &table.schema().fields;
    let mut hash = Sha256::new_with_prefix(b"trueline-table-1\0");
    let put = |hash: &mut Sha256, number: u32| hash.update(number.to_le_bytes());
    put(&mut hash, u32::try_from(fields.len()).unwrap());
    for field in fields {
        let (code, width) = match field.data_type {
            DataType::Boolean => (0, 0),
            DataType::Int32 => (1, 0),
            DataType::Int64 => (2, 0),
            DataType::Float32 => (3, 0),
            DataType::Float64 => (4, 0),
            DataType::Utf8 => (5, 0),
            DataType::Binary => (6, 0),
            DataType::Timestamp => (7, 0),
            DataType::Date => (8, 0),
            DataType::Float32List(width) => (9, width),
            DataType::Float64List(width) => (10, width),
        };
        put(&mut hash, u32::try_from(field.name.len()).unwrap());
        hash.update(&field.name);
        hash.update([code]);
        put(&mut hash, width);
    }
    let rows: Vec<usize> = (0..table.rows()).collect();
    for block in rows.chunks(65_536) {
        hash.update(table.take(block).frame());
    }
    hash.update((table.rows() as u64).to_le_bytes());
    format!("sha256:{}", hex(&hash.finalize()))
}
