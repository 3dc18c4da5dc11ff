//! Random tables that hold what breaks stages.

use proptest::collection::{SizeRange, vec};
use proptest::prelude::*;

use crate::{DataType, Field, Schema};

use super::{Cell, Table};

/// A column of every type, called by its type; the vectors have two elements and one.
pub fn every_type() -> Schema {
    use DataType::*;
    let types = [
        Boolean,
        Int32,
        Int64,
        Float32,
        Float64,
        Utf8,
        Binary,
        Timestamp,
        Date,
        Float32List(2),
        Float64List(1),
    ];
    Schema::new(types.map(|data_type| Field::new(data_type.to_string(), data_type)))
}

/// Random tables of a schema with a number of rows in this range: nulls where the field allows
/// them, NaN, infinities, -0.0, denormals, extremes, empty and repeated texts.
pub fn tables(schema: &Schema, rows: impl Into<SizeRange>) -> BoxedStrategy<Table> {
    let columns = schema
        .fields
        .iter()
        .map(|field| (field.clone(), cells(field)))
        .collect();
    tables_of(columns, rows)
}

/// Random tables whose columns are made by strategies of one's own.
pub fn tables_of(
    columns: Vec<(Field, BoxedStrategy<Cell>)>,
    rows: impl Into<SizeRange>,
) -> BoxedStrategy<Table> {
    let (fields, cells): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let build = move |rows: Vec<Vec<Cell>>| {
        fields
            .iter()
            .enumerate()
            .fold(Table::new(), |table, (index, field)| {
                table.with_field(field.clone(), rows.iter().map(|row| row[index].clone()))
            })
    };
    // Row by row, so that shrinking takes out whole rows.
    vec(cells, rows).prop_map(build).boxed()
}

/// Random cells of a field; about one in six is null if it is nullable. Small values are common, so
/// that some repeat.
pub fn cells(field: &Field) -> BoxedStrategy<Cell> {
    let values = values(field.data_type);
    if field.nullable {
        prop_oneof![1 => Just(Cell::Null), 5 => values].boxed()
    } else {
        values
    }
}

fn values(data_type: DataType) -> BoxedStrategy<Cell> {
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Cell::Boolean).boxed(),
        DataType::Int32 | DataType::Date => prop_oneof![
            4 => -3..=3_i32,
            1 => Just(i32::MIN),
            1 => Just(i32::MAX),
            2 => any::<i32>(),
        ]
        .prop_map(Cell::Int32)
        .boxed(),
        DataType::Int64 | DataType::Timestamp => prop_oneof![
            4 => -3..=3_i64,
            1 => Just(i64::MIN),
            1 => Just(i64::MAX),
            2 => any::<i64>(),
        ]
        .prop_map(Cell::Int64)
        .boxed(),
        DataType::Float32 => float32().prop_map(Cell::Float32).boxed(),
        DataType::Float64 => float64().prop_map(Cell::Float64).boxed(),
        DataType::Utf8 => prop_oneof![
            5 => prop::sample::select(vec!["", "a", "b", "B", " ", "NA", "é", "日本", "\0"]).prop_map(Cell::from),
            1 => any::<String>().prop_map(Cell::Text),
        ]
        .boxed(),
        DataType::Binary => vec(any::<u8>(), 0..4).prop_map(Cell::Bytes).boxed(),
        DataType::Float32List(width) => vec(float32(), width as usize).prop_map(Cell::Vector32).boxed(),
        DataType::Float64List(width) => vec(float64(), width as usize).prop_map(Cell::Vector64).boxed(),
    }
}

fn float32() -> impl Strategy<Value = f32> {
    let special = [
        0.0,
        -0.0,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        -f32::from_bits(1),
        f32::MAX,
        f32::MIN,
    ];
    prop_oneof![
        2 => prop::sample::select(special.to_vec()),
        3 => (-4..=4_i16).prop_map(|quarters| f32::from(quarters) / 4.0),
        3 => any::<f32>(),
    ]
}

fn float64() -> impl Strategy<Value = f64> {
    let special = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        -f64::from_bits(1),
        f64::MAX,
        f64::MIN,
    ];
    prop_oneof![
        2 => prop::sample::select(special.to_vec()),
        3 => (-4..=4_i16).prop_map(|quarters| f64::from(quarters) / 4.0),
        3 => any::<f64>(),
    ]
}
