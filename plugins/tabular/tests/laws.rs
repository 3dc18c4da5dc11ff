//! The four laws, for every op and for pipelines of several, on tables that hold whatever breaks stages.

use proptest::prelude::*;
use tabular::Tabular;
use trueline_sdk::testing::{Cell, Table, cells, check_laws, describe, tables, tables_of};
use trueline_sdk::{DataType, Field, Role, Schema};

fn fields() -> [Field; 10] {
    [
        Field::new("x", DataType::Float64),
        Field::new("narrow", DataType::Float32),
        Field::new("integer", DataType::Int64),
        Field::new("small", DataType::Int32),
        Field::new("flag", DataType::Boolean),
        Field::new("text", DataType::Utf8),
        Field::new("at", DataType::Timestamp),
        Field::new("day", DataType::Date),
        Field::new("vector", DataType::Float32List(2)),
        Field::new("late", DataType::Boolean).with_role(Role::Label),
    ]
}

/// Tables without infinities and extremes, on which every fit succeeds if it has a row.
fn tame_tables(rows: std::ops::Range<usize>) -> BoxedStrategy<Table> {
    let number = || (-8..=8_i16).prop_map(|eighths| f64::from(eighths) / 8.0);
    let column = |field: Field| {
        let cell = match field.data_type {
            DataType::Float64 => prop_oneof![
                1 => prop::sample::select(vec![Cell::Null, Cell::Float64(f64::NAN), Cell::Float64(-0.0)]),
                4 => number().prop_map(Cell::Float64),
                4 => (-1e6..1e6).prop_map(Cell::Float64),
            ]
            .boxed(),
            DataType::Float32 => prop_oneof![
                1 => prop::sample::select(vec![Cell::Null, Cell::Float32(f32::NAN), Cell::Float32(-0.0)]),
                4 => (-1e6_f32..1e6).prop_map(Cell::Float32),
            ]
            .boxed(),
            _ => cells(&field),
        };
        (field, cell)
    };
    tables_of(fields().map(column).to_vec(), rows)
}

/// Checks the laws on wild and on tame tables: what is learned from one half is applied to the other.
#[track_caller]
fn check(steps: &str) {
    let params = format!(r#"{{"steps": [{steps}]}}"#);
    let config = ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let run = |training: &Table, rows: &Table| {
        let learns = describe::<Tabular>(&params, &[], Some(rows))
            .is_ok_and(|signature| signature.reduction.is_some());
        let inputs = [("rows", training)];
        check_laws::<Tabular>(&params, if learns { &inputs } else { &[] }, Some(rows));
    };
    let schema = Schema::new(fields());
    proptest!(config.clone(), |(training in tables(&schema, 0..30), rows in tables(&schema, 0..30))| {
        run(&training, &rows);
    });
    proptest!(config, |(training in tame_tables(1..30), rows in tame_tables(0..30))| run(&training, &rows));
}

macro_rules! laws {
    ($($name:ident: $steps:expr,)*) => {
        $(
            #[test]
            fn $name() {
                check($steps);
            }
        )*
    };
}

laws! {
    impute_mean: r#"{"op": "impute", "columns": ["x", "narrow", "flag", "small"], "with": "mean", "indicator": true}"#,
    impute_median: r#"{"op": "impute", "columns": ["x", "integer"], "with": "median"}"#,
    impute_most_frequent: r#"{"op": "impute", "columns": ["x", "small", "flag", "text"], "with": "most-frequent"}"#,
    impute_constant: r#"{"op": "impute", "columns": "text", "with": "constant", "value": "none", "indicator": true},
                        {"op": "impute", "columns": ["x", "flag"], "with": "constant", "value": -0.0}"#,
    standard_scale: r#"{"op": "standard-scale", "columns": ["x", "integer"]},
                       {"op": "standard-scale", "columns": "small", "with_mean": false}"#,
    min_max_scale: r#"{"op": "min-max-scale", "columns": ["x", "integer"], "feature_range": [-1, 1]},
                      {"op": "min-max-scale", "columns": "small", "clip": true}"#,
    clip_and_log1p: r#"{"op": "clip", "columns": ["x", "narrow"], "min": -0.0, "max": 1e300},
                       {"op": "log1p", "columns": ["x", "integer"]}"#,
    one_hot: r#"{"op": "one-hot", "columns": ["x", "text", "flag"], "unknown": "ignore", "nulls": "category"},
                {"op": "one-hot", "columns": ["small", "integer"], "unknown": "other", "max_categories": 3}"#,
    one_hot_that_refuses: r#"{"op": "one-hot", "columns": "flag", "nulls": "error"},
                             {"op": "one-hot", "columns": "text"}"#,
    ordinal: r#"{"op": "ordinal", "columns": ["x", "text", "integer"], "unknown": -1},
                {"op": "ordinal", "columns": ["narrow", "flag"], "unknown": "null"}"#,
    date_parts: r#"{"op": "date-parts", "columns": "at", "parts": ["year", "quarter", "day-of-year", "minute"],
                    "offset": "-05:00"},
                   {"op": "date-parts", "columns": "day", "parts": ["weekday", "day"], "keep": false}"#,
    assemble: r#"{"op": "assemble", "columns": ["x", "flag", "vector", "integer"], "into": "features"},
                 {"op": "assemble", "columns": ["features", "narrow"], "into": "wide", "type": "float64"}"#,
    what_is_learned_from_what_was_learned: r#"
        {"op": "clip", "columns": ["x", "narrow"], "min": -1e100, "max": 1e100},
        {"op": "impute", "columns": "x", "with": "median", "indicator": true},
        {"op": "standard-scale", "columns": ["x", "small"]},
        {"op": "impute", "columns": "small", "with": "mean"},
        {"op": "min-max-scale", "columns": ["x", "small"]},
        {"op": "one-hot", "columns": "x", "unknown": "ignore"}"#,
    a_whole_pipeline: r#"
        {"op": "impute", "columns": ["small", "flag"], "with": "median"},
        {"op": "impute", "columns": "text", "with": "most-frequent", "indicator": true},
        {"op": "one-hot", "columns": ["text"], "unknown": "ignore"},
        {"op": "date-parts", "columns": "at", "parts": ["month", "hour"]},
        {"op": "ordinal", "columns": "at_month", "unknown": -1},
        {"op": "standard-scale", "columns": ["small", "at_hour"]},
        {"op": "assemble", "columns": "*", "into": "features"}"#,
}
