//! The four laws, for every standard stage as the component that ships: on both back ends, loaded and
//! baked, on tables that hold whatever breaks stages. The stages' own tests check them natively, with
//! many more tables; here few are enough to meet what only a component can do wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod laws;
mod shuffle;

use std::cell::Cell as Counter;
use std::collections::BTreeSet;

use proptest::prelude::*;
use trueline_sdk::testing::{Cell, cells, every_type, tables, tables_of};
use trueline_sdk::{DataType, Field, Role, Schema};

use laws::{Case, check};

/// Random tables that each law is tried with.
const CASES: u32 = 10;
/// How many of them are also mapped by a baked component, which takes a compilation each.
const BAKED_CASES: u32 = 2;

/// Checks random cases of a stage.
fn laws<T: std::fmt::Debug>(
    stage: &str,
    random: impl Strategy<Value = T>,
    case: impl Fn(&T) -> Case<'_>,
) {
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..ProptestConfig::default()
    };
    let done = Counter::new(0);
    proptest!(config, |(tables in random, seed in any::<u64>())| {
        let is_baked = done.replace(done.get() + 1) < BAKED_CASES;
        check(stage, &case(&tables), seed, is_baked);
    });
}

#[test]
fn expect_keeps_the_laws() {
    const EVERYTHING: &str = r#"{
        "rows": {"min": 3, "max": 12},
        "unique": ["utf8", "int32", "binary"],
        "key": ["utf8"],
        "as_of": "1970-01-02",
        "compare": [{"column": "int32", "op": "<", "with": "float64"}],
        "columns": {
            "boolean": {"allowed": [true], "max_null_share": 0.2, "most_common": [true]},
            "int32": {"min": -2, "max": 2, "allowed": [1, 2, 3], "mean": {"min": 0}, "median": {"max": 0}},
            "int64": {"min": -2, "max": 2, "severity": "warn", "distinct": {"max": 3}},
            "float64": {"min": -0.0, "max": 1e300, "finite": true, "std": {"max": 0}},
            "utf8": {"allowed": ["", "a", "é"], "matches": "^\\p{Ll}?$", "max_length": 1},
            "timestamp": {"min": "1970-01-01", "max": "1970-01-02", "max_age": "2d"},
            "binary": {"max_null_share": 0.1},
            "missing": {"severity": "warn"}
        }
    }"#;
    laws("expect", tables(&every_type(), 0..30), |table| Case {
        params: EVERYTHING,
        inputs: vec![("rows", table)],
        rows: None,
    });
}

#[test]
fn lookup_keeps_the_laws() {
    let keys = [
        Field::new("name", DataType::Utf8),
        Field::new("day", DataType::Date),
    ];
    let taken = [
        Field::new("x", DataType::Float64),
        Field::new("label", DataType::Utf8),
    ];
    let any = |fields: &[Field]| {
        let columns = fields.iter().map(|field| (field.clone(), cells(field)));
        columns.collect::<Vec<_>>()
    };
    // No key twice, so that the table is learned.
    let table = tables_of([any(&keys), any(&taken)].concat(), 0..12).prop_map(|table| {
        let mut seen = BTreeSet::new();
        let key = |row: usize| {
            format!(
                "{:?}",
                (&table.column("name")[row], &table.column("day")[row])
            )
        };
        let rows: Vec<usize> = (0..table.rows())
            .filter(|&row| seen.insert(key(row)))
            .collect();
        table.take(&rows)
    });
    laws(
        "lookup",
        (table, tables_of(any(&keys), 0..30)),
        |(table, rows)| Case {
            params: r#"{"on": ["name", "day"], "take": ["x", "label"], "as": {"label": "text"}}"#,
            inputs: vec![("rows", table)],
            rows: Some(rows),
        },
    );
}

#[test]
fn tabular_keeps_the_laws() {
    const STEPS: &str = r#"{"steps": [
        {"op": "clip", "columns": ["float64", "float32"], "min": -1e6, "max": 1e6},
        {"op": "impute", "columns": ["int32", "boolean", "float64"], "with": "median", "indicator": true},
        {"op": "impute", "columns": "utf8", "with": "most-frequent"},
        {"op": "impute", "columns": "float32", "with": "mean"},
        {"op": "log1p", "columns": "float32"},
        {"op": "one-hot", "columns": "utf8", "unknown": "ignore"},
        {"op": "ordinal", "columns": "int64", "unknown": -1},
        {"op": "date-parts", "columns": "timestamp", "parts": ["month", "hour"]},
        {"op": "standard-scale", "columns": ["int32", "float64"]},
        {"op": "min-max-scale", "columns": "timestamp_hour"},
        {"op": "assemble", "columns": "*", "into": "features"}
    ]}"#;
    let schema = Schema::new(
        every_type()
            .fields
            .into_iter()
            .filter(|field| !matches!(field.data_type, DataType::Binary | DataType::Date)),
    );
    let random = (tables(&schema, 1..40), tables(&schema, 0..40));
    laws("tabular", random, |(training, rows)| Case {
        params: STEPS,
        inputs: vec![("rows", training)],
        rows: Some(rows),
    });
}

#[test]
fn tabular_keeps_the_laws_where_it_encodes_and_computes() {
    const STEPS: &str = r#"{"steps": [
        {"op": "drop", "columns": ["float32", "*list*"]},
        {"op": "clip", "columns": "float64", "min": -1e6, "max": 1e6},
        {"op": "compute", "into": "sum", "value": "coalesce(float64, 0) + if(boolean and int32 > 0, 2, ln(3))"},
        {"op": "power", "columns": "sum"},
        {"op": "quantile-scale", "columns": "float64", "distribution": "normal", "quantiles": 9},
        {"op": "robust-scale", "columns": {"type": "int32"}},
        {"op": "cross", "columns": ["utf8", "boolean"], "into": "pair"},
        {"op": "trim", "columns": "utf8"},
        {"op": "regex-extract", "columns": "utf8", "pattern": "(?i)[a-z]", "into": "letter"},
        {"op": "text-length", "columns": "utf8"},
        {"op": "target", "columns": ["pair", "letter"], "target": "sum"},
        {"op": "frequency", "columns": "int64"},
        {"op": "hash", "columns": "utf8", "width": 5},
        {"op": "cyclic", "columns": "timestamp", "parts": ["hour", "month"]},
        {"op": "time-difference", "from": "timestamp", "to": "2013-01-01", "unit": "days", "into": "age"},
        {"op": "bucketize", "columns": "age", "strategy": "quantile", "bins": 3},
        {"op": "polynomial", "columns": ["sum", "float64"], "into": "products"},
        {"op": "cast", "columns": "utf8_length", "to": "utf8"},
        {"op": "rename", "columns": {"timestamp": "at", "utf8_length": "length"}}
    ]}"#;
    let schema = Schema::new(
        every_type()
            .fields
            .into_iter()
            .filter(|field| !matches!(field.data_type, DataType::Binary | DataType::Date)),
    );
    let random = (tables(&schema, 1..40), tables(&schema, 0..40));
    laws("tabular", random, |(training, rows)| Case {
        params: STEPS,
        inputs: vec![("rows", training)],
        rows: Some(rows),
    });
}

#[test]
fn gbdt_keeps_the_laws() {
    const PARAMS: &str = r#"{
        "features": ["a", "b", "c", "d"], "num_boost_round": 4, "min_child_weight": 0.1,
        "objective": "binary:logistic", "max_bin": 8, "early_stopping_rounds": 2, "margin_into": "margin"
    }"#;
    let features = [
        Field::new("a", DataType::Float64),
        Field::new("b", DataType::Int64),
        Field::new("c", DataType::Boolean),
        Field::new("d", DataType::Float32List(2)),
    ];
    let label = Field::new("y", DataType::Int32)
        .required()
        .with_role(Role::Label);
    let weight = Field::new("w", DataType::Float32)
        .required()
        .with_role(Role::Weight);
    let table = || {
        let any = features.clone().map(|field| (field.clone(), cells(&field)));
        let learnable = [
            (label.clone(), (0..2).prop_map(Cell::Int32).boxed()),
            (
                weight.clone(),
                (0..5_u8)
                    .prop_map(|halves| Cell::Float32(f32::from(halves) / 2.0))
                    .boxed(),
            ),
        ];
        tables_of(any.into_iter().chain(learnable).collect(), 0..60)
    };
    laws("gbdt", (table(), table()), |(training, validation)| Case {
        params: PARAMS,
        inputs: vec![("rows", training), ("validation", validation)],
        rows: Some(validation),
    });
}

#[test]
fn linear_keeps_the_laws() {
    let small = || (-8..=8_i8).prop_map(|value| Cell::from(f64::from(value) / 4.0));
    let table = || {
        let columns = vec![
            (Field::new("a", DataType::Float64), small().boxed()),
            (Field::new("b", DataType::Float64), small().boxed()),
            (Field::new("y", DataType::Float64), small().boxed()),
            (
                Field::new("class", DataType::Int32),
                (0..3).prop_map(Cell::Int32).boxed(),
            ),
        ];
        tables_of(columns, 0..30)
    };
    for params in [
        r#"{"model": "ridge", "features": ["a", "b"], "label": "y"}"#,
        r#"{"model": "lasso", "features": ["a", "b"], "label": "y", "alpha": 0.1}"#,
        r#"{"model": "multinomial", "features": ["a", "b"], "label": "class"}"#,
    ] {
        laws("linear", (table(), table()), |(training, rows)| Case {
            params,
            inputs: vec![("rows", training)],
            rows: Some(rows),
        });
    }
}

#[test]
fn metrics_keep_the_laws() {
    let probability = prop_oneof![
        1 => Just(Cell::Null),
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.5, f64::from_bits(1)]).prop_map(Cell::from),
        3 => (0.0..=1.0).prop_map(Cell::from),
    ];
    let label = Field::new("y", DataType::Boolean);
    let table = tables_of(
        vec![
            (label.clone(), cells(&label)),
            (
                Field::new("prediction", DataType::Float64),
                probability.boxed(),
            ),
            (
                Field::new("w", DataType::Int32),
                (0..3).prop_map(Cell::Int32).boxed(),
            ),
            (
                Field::new("s", DataType::Boolean),
                cells(&Field::new("s", DataType::Boolean)),
            ),
        ],
        0..40,
    );
    laws("metrics", table, |table| Case {
        params: r#"{"label": "y", "nulls": "skip", "weight": "w", "by": "s", "bootstrap": {"samples": 3}, "seed": 5}"#,
        inputs: vec![("rows", table)],
        rows: None,
    });
}

#[test]
fn profile_keeps_the_laws() {
    laws("profile", tables(&every_type(), 0..25), |table| Case {
        params: r#"{"exact_distinct": 3, "bins": 4, "edges": {"float64": [-1, 0, 1]}}"#,
        inputs: vec![("rows", table)],
        rows: None,
    });
}

#[test]
fn no_standard_stage_is_left_out() {
    let names: Vec<_> = trueline_stages::standard()
        .iter()
        .map(|stage| stage.name)
        .collect();
    assert_eq!(
        names,
        [
            "expect", "gbdt", "linear", "lookup", "metrics", "profile", "tabular"
        ]
    );
}
