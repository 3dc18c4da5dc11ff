//! The stages that learn models and those that measure them, with every objective, model, task and option.

#[path = "../../../plugins/gbdt/tests/every_option/mod.rs"]
mod every_option;

use every_option::{OPTIONS, RANKINGS, any_table, unweighted, with};
use proptest::prelude::*;
use trueline_sdk::testing::{Cell, Table, cells, tables_of};
use trueline_sdk::{DataType, Field};

use crate::laws::Case;
use crate::{laws, laws_of_option};

/// Parameters live as long as the tests.
fn kept(params: String) -> &'static str {
    Box::leak(params.into_boxed_str())
}

#[test]
fn gbdt_keeps_the_laws() {
    let params = kept(with(
        r#""objective": "binary:logistic", "max_bin": 8, "weight": "w", "categorical": ["e"]"#,
    ));
    laws(
        "gbdt",
        (any_table(), any_table()),
        |(training, validation)| Case {
            params,
            inputs: vec![("rows", training), ("validation", validation)],
            rows: Some(validation),
        },
    );
}

#[test]
fn gbdt_keeps_the_laws_with_every_option() {
    for options in OPTIONS {
        let params = kept(with(options));
        let random = (any_table(), any_table());
        laws_of_option("gbdt", random, |(training, validation)| Case {
            params,
            inputs: vec![("rows", training), ("validation", validation)],
            rows: Some(validation),
        });
    }
}

#[test]
fn gbdt_keeps_the_laws_where_it_ranks() {
    let random = || any_table().prop_map(|rows| unweighted(&rows));
    for params in RANKINGS {
        laws_of_option("gbdt", random(), |rows| Case {
            params,
            inputs: vec![("rows", rows)],
            rows: Some(rows),
        });
    }
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
            (
                Field::new("w", DataType::Int32),
                (0..3).prop_map(Cell::Int32).boxed(),
            ),
        ];
        tables_of(columns, 0..30)
    };
    for params in [
        r#"{"model": "linear", "features": ["a", "b"], "label": "y", "weight": "w"}"#,
        r#"{"model": "linear", "features": ["a", "b"], "label": "y", "intercept": false}"#,
        r#"{"model": "ridge", "features": ["a", "b"], "label": "y", "weight": "w", "alpha": 3}"#,
        r#"{"model": "lasso", "features": ["a", "b"], "label": "y", "alpha": 0.1}"#,
        r#"{"model": "elastic-net", "features": ["a", "b"], "label": "y", "l1_ratio": 0.3, "weight": "w",
            "max_iterations": 50, "tolerance": 1e-9}"#,
        r#"{"model": "logistic", "features": ["a", "b"], "label": "class", "positive": 2, "weight": "w",
            "max_iterations": 9, "into": "p"}"#,
        r#"{"model": "logistic", "features": ["a", "b"], "label": "class", "positive": 1, "l1_ratio": 1,
            "alpha": 0.1, "max_iterations": 9}"#,
        r#"{"model": "multinomial", "features": ["a", "b"], "label": "class", "max_iterations": 9}"#,
        r#"{"model": "multinomial", "features": ["a", "b"], "label": "class", "l1_ratio": 0.5, "weight": "w",
            "intercept": false, "max_iterations": 9}"#,
    ] {
        laws_of_option("linear", (table(), table()), |(training, rows)| Case {
            params,
            inputs: vec![("rows", training)],
            rows: Some(rows),
        });
    }
}

/// Labels and predictions of every kind, weights, and what to slice and group by.
fn measured() -> BoxedStrategy<Table> {
    let probability = prop_oneof![
        1 => Just(Cell::Null),
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.5, f64::from_bits(1)]).prop_map(Cell::from),
        3 => (0.0..=1.0).prop_map(Cell::from),
    ];
    let vector = (0..=4_u8, 0..=4_u8).prop_map(|(a, b)| {
        let [a, b] = [f64::from(a) / 8.0, f64::from(b) / 8.0];
        Cell::from([a, b, 1.0 - a - b])
    });
    let (label, slice) = (
        Field::new("late", DataType::Boolean),
        Field::new("s", DataType::Boolean),
    );
    let count = |name: &str| {
        let field = Field::new(name, DataType::Int32);
        (field, (0..3).prop_map(Cell::Int32).boxed())
    };
    let columns = vec![
        (label.clone(), cells(&label)),
        (Field::new("p", DataType::Float64), probability.boxed()),
        (Field::new("v", DataType::Float64List(3)), vector.boxed()),
        (slice.clone(), cells(&slice)),
        count("class"),
        count("other"),
        count("w"),
        count("g"),
    ];
    tables_of(columns, 0..40).boxed()
}

#[test]
fn metrics_keep_the_laws() {
    for params in [
        r#"{"label": "late", "prediction": "p", "nulls": "skip", "weight": "w", "by": "s", "threshold": 0.3,
            "bootstrap": {"samples": 3}, "seed": 5}"#,
        r#"{"label": "class", "prediction": "p", "nulls": "skip", "positive": 2, "task": "classification",
            "thresholds": [0.2, 0.7], "calibration": {"bins": 3, "strategy": "quantile"}}"#,
        r#"{"label": "late", "prediction": "p"}"#,
        r#"{"label": "class", "prediction": "v", "at": [2], "weight": "w", "by": ["s", "g"], "nulls": "skip"}"#,
        r#"{"label": "class", "prediction": "other", "task": "multi-class", "bootstrap": {"samples": 2}, "seed": 1}"#,
        r#"{"label": "p", "prediction": "class", "task": "regression", "nulls": "skip", "weight": "w", "by": "g"}"#,
        r#"{"label": "class", "prediction": "p", "task": "ranking", "group": "g", "nulls": "skip", "at": [1, 2],
            "gain": "exponential", "by": "s", "bootstrap": {"samples": 2, "confidence": 0.5}, "seed": 2}"#,
    ] {
        laws_of_option("metrics", measured(), |table| Case {
            params,
            inputs: vec![("rows", table)],
            rows: None,
        });
    }
}
