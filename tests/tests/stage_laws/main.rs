//! The four laws, for every standard stage as the component that ships: on both back ends, loaded and
//! baked, on tables that hold whatever breaks stages. The stages' own tests check them natively, with
//! many more tables; here few are enough to meet what only a component can do wrong.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod laws;
mod models;
mod shuffle;
mod steps;

use std::cell::Cell as Counter;
use std::collections::BTreeSet;

use proptest::prelude::*;
use trueline_sdk::testing::{cells, every_type, tables, tables_of};
use trueline_sdk::{DataType, Field, Schema};

use laws::{Case, check};

/// Random tables that each law is tried with.
const CASES: u32 = 10;
/// How many of them are also mapped by a baked component, which takes a compilation each.
const BAKED_CASES: u32 = 2;

/// Random tables that each of many options is tried with.
const OPTION_CASES: u32 = 3;

/// Checks random cases of a stage.
fn laws<T: std::fmt::Debug>(
    stage: &str,
    random: impl Strategy<Value = T>,
    case: impl Fn(&T) -> Case<'_>,
) {
    check_cases(stage, [CASES, BAKED_CASES], random, case);
}

/// Checks a few random cases of one option among many.
fn laws_of_option<T: std::fmt::Debug>(
    stage: &str,
    random: impl Strategy<Value = T>,
    case: impl Fn(&T) -> Case<'_>,
) {
    check_cases(stage, [OPTION_CASES, 0], random, case);
}

fn check_cases<T: std::fmt::Debug>(
    stage: &str,
    [cases, baked_cases]: [u32; 2],
    random: impl Strategy<Value = T>,
    case: impl Fn(&T) -> Case<'_>,
) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..ProptestConfig::default()
    };
    let done = Counter::new(0);
    proptest!(config, |(tables in random, seed in any::<u64>())| {
        let is_baked = done.replace(done.get() + 1) < baked_cases;
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
fn expect_keeps_the_laws_where_it_looks_at_one_row_after_another() {
    const ORDERED: &str = r#"{
        "rows": {"previous": false, "max_change": 0.1},
        "row_sums": [{"columns": ["int32", "boolean", "float64"], "min": -1, "max": 1, "mostly": 0.5}],
        "unique": [{"columns": ["utf8"], "mostly": 0.5, "severity": "warn"}],
        "examples": 2,
        "severity": "warn",
        "columns": {
            "boolean": {"order": "increasing"},
            "float64": [{"order": "strictly-decreasing", "mostly": 0.5}, {"quantiles": [{"q": 0.3, "min": 0}]}],
            "utf8": {"order": "decreasing", "contains": ["a"], "forbidden": ["b"], "not_matches": "\\d"},
            "int64": {"distinct_share": {"min": 0.5}, "unique": true, "sum": {"max": 9}}
        }
    }"#;
    laws("expect", tables(&every_type(), 0..30), |table| Case {
        params: ORDERED,
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
    let table = table.boxed();
    for params in [
        r#"{"on": ["name", "day"], "take": ["x", "label"], "as": {"label": "text"}}"#,
        r#"{"on": ["name", "day"], "take": ["x"], "prefix": "their_", "unmatched": "error", "max_rows": 9}"#,
    ] {
        let random = (table.clone(), tables_of(any(&keys), 0..30));
        laws("lookup", random, |(table, rows)| Case {
            params,
            inputs: vec![("rows", table)],
            rows: Some(rows),
        });
    }
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
fn profile_keeps_the_laws() {
    laws("profile", tables(&every_type(), 0..25), |table| Case {
        params: r#"{"exact_distinct": 3, "bins": 4, "edges": {"float64": [-1, 0, 1]}, "top": 2,
            "quantiles": [0, 0.3, 1]}"#,
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
