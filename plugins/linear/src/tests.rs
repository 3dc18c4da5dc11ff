use proptest::prelude::*;
use trueline_sdk::testing::{Cell, Table, check_laws, describe, fit, fit_map, tables_of};

use super::*;

fn metric(outcome: &Outcome, name: &str) -> f64 {
    let found = outcome.metrics.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("no metric {name}")).value
}

/// Two features and a label of each kind.
fn table() -> Table {
    Table::new()
        .with_column("a", [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
        .with_column("b", [1, 0, 1, 1, 0, 0])
        .with_column("y", [1.0, 1.0, 5.0, 7.0, 7.0, 9.0])
        .with_column("late", [false, true, false, true, false, true])
        .with_column("to", ["x", "x", "y", "y", "z", "z"])
        .with_column("w", [1.0, 0.0, 1.0, 2.0, 1.0, 1.0])
}

fn params(rest: &str) -> String {
    format!(r#"{{"features": ["a", "b"], {rest}}}"#)
}

#[track_caller]
fn check(params: &str, table: &Table, expected: &[(&str, f64)]) {
    let outcome = fit::<Linear>(params, &[("rows", table)]).unwrap();
    let report: serde_json::Value = serde_json::from_str(&outcome.report.unwrap()).unwrap();
    for (pointer, expected) in expected {
        let found = report.pointer(pointer).and_then(serde_json::Value::as_f64);
        let found = found.unwrap_or_else(|| panic!("no {pointer} in {report}"));
        assert!(
            (found - expected).abs() < 1e-12,
            "{params}: {pointer} is {found}, not {expected}"
        );
    }
}

#[test]
fn textbook_models() {
    let line = Table::new()
        .with_column("a", [0.0, 1.0, 2.0])
        .with_column("b", [0, 0, 0])
        .with_column("y", [1.0, 3.0, 5.0]);
    let a = "/coefficients/0/a";
    let cases = [
        (
            r#""label": "y", "model": "linear""#,
            vec![(a, 2.0), ("/intercepts/0", 1.0), ("/rank", 1.0)],
        ),
        (
            r#""label": "y", "model": "linear", "intercept": false"#,
            vec![(a, 13.0 / 5.0), ("/intercepts/0", 0.0)],
        ),
        // Σ (x - x̄)² = 2, Σ (x - x̄)(y - ȳ) = 4.
        (
            r#""label": "y", "model": "ridge", "alpha": 2"#,
            vec![(a, 1.0), ("/intercepts/0", 2.0)],
        ),
        (
            r#""label": "y", "model": "lasso", "alpha": 0.5"#,
            vec![(a, (4.0 / 3.0 - 0.5) / (2.0 / 3.0))],
        ),
        (
            r#""label": "y", "model": "elastic-net", "alpha": 1, "l1_ratio": 0.5"#,
            vec![(a, (4.0 / 3.0 - 0.5) / (2.0 / 3.0 + 0.5))],
        ),
        (
            r#""label": "y", "model": "lasso", "alpha": 9"#,
            vec![(a, 0.0), ("/intercepts/0", 3.0)],
        ),
    ];
    for (rest, expected) in cases {
        check(&params(rest), &line, &expected);
    }
    // Odds of 3 to 1 where a is 0, and the reverse where it is 1.
    let odds = Table::new()
        .with_column("a", [0, 0, 0, 0, 1, 1, 1, 1])
        .with_column("b", [0; 8])
        .with_column("late", [0, 0, 0, 1, 1, 1, 1, 0]);
    let expected = [(a, 2.0 * 3.0_f64.ln()), ("/intercepts/0", -3.0_f64.ln())];
    check(
        &params(r#""label": "late", "model": "logistic", "alpha": 0"#),
        &odds,
        &expected,
    );
}

#[test]
fn weights_count_as_repetitions() {
    let table = table();
    let repeated = table.take(&[0, 2, 3, 3, 4, 5]);
    for (model, label) in [
        ("linear", "y"),
        ("elastic-net", "y"),
        ("logistic", "late"),
        ("multinomial", "to"),
    ] {
        let of = |weight: &str| {
            params(&format!(
                r#"{weight}"label": "{label}", "model": "{model}""#
            ))
        };
        let weighted =
            fit_map::<Linear>(&of(r#""weight": "w", "#), &[("rows", &table)], &table).unwrap();
        let plain = fit_map::<Linear>(&of(""), &[("rows", &repeated)], &table).unwrap();
        let numbers = |table: &Table| -> Vec<f64> {
            let cells = table.column("prediction").iter();
            cells
                .flat_map(|cell| match cell {
                    Cell::Float64(value) => vec![*value],
                    Cell::Vector64(values) => values.clone(),
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        for (a, b) in numbers(&weighted).into_iter().zip(numbers(&plain)) {
            assert!((a - b).abs() < 1e-7, "{model}: {a} {b}");
        }
    }
}

#[test]
fn several_classes_have_a_probability_each() {
    let outcome = fit_map::<Linear>(
        &params(r#""label": "to", "model": "multinomial", "alpha": 0.1"#),
        &[("rows", &table())],
        &table(),
    )
    .unwrap();
    let field = &outcome.schema().fields[0];
    assert_eq!(field.data_type, DataType::Float64List(3));
    assert_eq!(field.elements, ["x", "y", "z"]);
    for (cell, best) in outcome.column("prediction").iter().zip([0, 0, 1, 1, 2, 2]) {
        let Cell::Vector64(probabilities) = cell else {
            panic!("{cell:?}");
        };
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!(
            probabilities.iter().all(|p| *p <= probabilities[best]),
            "{probabilities:?}"
        );
    }
}

#[test]
fn classes_that_are_told_apart_without_error_need_a_penalty() {
    let of = |alpha: f64| {
        let params = params(&format!(
            r#""label": "positive", "model": "logistic", "alpha": {alpha}, "max_iterations": 20"#
        ));
        let table = table().with_column("positive", [0, 0, 0, 1, 1, 1]);
        fit::<Linear>(&params, &[("rows", &table)]).unwrap()
    };
    assert_eq!(of(1.0).findings, []);
    assert!(
        of(0.0).findings[0]
            .message
            .contains("still changed after 20 iterations")
    );
    assert!(metric(&of(0.0), "train_log_loss") < 1e-3);
}

#[test]
fn features_that_say_too_little_are_given_up_where_sizes_cost() {
    let of = |options: &str| {
        let params = params(&format!(
            r#""label": "late", "model": "logistic", {options}"#
        ));
        let outcome = fit::<Linear>(&params, &[("rows", &table())]).unwrap();
        assert_eq!(outcome.findings, [], "{options}");
        let report: serde_json::Value = serde_json::from_str(&outcome.report.unwrap()).unwrap();
        ["a", "b"].map(|name| report["coefficients"][0][name].as_f64().unwrap())
    };
    let [a, b] = of(r#""alpha": 0.1"#);
    assert!(a > 0.0 && b != 0.0);
    assert_eq!(of(r#""alpha": 1, "l1_ratio": 1"#)[1], 0.0);
    assert_eq!(of(r#""alpha": 50, "l1_ratio": 0.5"#), [0.0, 0.0]);
}

#[test]
fn mistakes_are_named() {
    let table = table()
        .with_column("hole", [Some(1.0), None, Some(2.0), None, None, None])
        .with_column("nan", [1.0, f64::NAN, 1.0, 1.0, 1.0, 1.0])
        .with_column("minus", [-1.0; 6])
        .with_column("none", [0.0; 6])
        .with_column("huge", [1e300, 0.0, 1.0, -1e300, 1.0, 1.0])
        .with_column("one", [1; 6]);
    let cases = [
        (
            r#"{"model": "ols"}"#,
            "unknown variant `ols`, expected one of `linear`, `ridge`",
        ),
        (
            r#"{"model": "linear", "alhpa": 1}"#,
            "unknown field `alhpa`",
        ),
        (
            r#"{"model": "linear", "alpha": 1}"#,
            "`alpha` means nothing to a linear model",
        ),
        (
            r#"{"model": "ridge", "l1_ratio": 1}"#,
            "`l1_ratio` means nothing to a ridge model",
        ),
        (
            r#"{"model": "ridge", "tolerance": 1}"#,
            "`tolerance` means nothing to a ridge model",
        ),
        (
            r#"{"model": "ridge", "alpha": -1}"#,
            "`alpha` is -1, which must be 0 or more",
        ),
        (
            r#"{"model": "elastic-net", "l1_ratio": 2}"#,
            "`l1_ratio` is 2, which must be from 0 to 1",
        ),
        (
            r#"{"model": "lasso", "positive": 1}"#,
            "`positive` means nothing to a lasso model",
        ),
        (
            r#"{"model": "linear"}"#,
            "no column `features`; the columns are a, b",
        ),
        (
            r#"{"model": "linear", "features": []}"#,
            "`features` is empty",
        ),
        (
            r#"{"model": "linear", "features": ["a", "a"]}"#,
            "`features` names `a` twice",
        ),
        (
            r#"{"model": "linear", "features": ["to"]}"#,
            "feature `to` is utf8; features are numbers",
        ),
        (
            r#"{"model": "linear", "features": ["a"]}"#,
            "no column has the role label",
        ),
        (
            r#"{"model": "linear", "features": ["a"], "label": "a"}"#,
            "`a` is among `features`, but also",
        ),
        (
            r#"{"model": "linear", "features": ["a"], "label": "to"}"#,
            "label `to` is utf8, which a linear model",
        ),
        (
            r#"{"model": "logistic", "features": ["a"], "label": "to"}"#,
            "say with `positive`",
        ),
        (
            r#"{"model": "logistic", "features": ["a"], "label": "y"}"#,
            "label `y` has 5, but classes are 0 and 1",
        ),
        (
            r#"{"model": "linear", "features": ["hole"], "label": "y"}"#,
            "feature `hole` has a null",
        ),
        (
            r#"{"model": "linear", "features": ["nan"], "label": "y"}"#,
            "feature `nan` has NaN",
        ),
        (
            r#"{"model": "linear", "features": ["a"], "label": "nan"}"#,
            "label `nan` has NaN",
        ),
        (
            r#"{"model": "multinomial", "features": ["a"], "label": "nan"}"#,
            "label `nan` has NaN",
        ),
        (
            r#"{"model": "linear", "features": ["a"], "label": "hole"}"#,
            "label `hole` has a null",
        ),
        (
            r#"{"model": "linear", "features": ["a"], "label": "y", "weight": "minus"}"#,
            "weight `minus` has -1",
        ),
        (
            r#"{"model": "linear", "features": ["a"], "label": "y", "weight": "none"}"#,
            "no row has a weight above 0",
        ),
        (
            r#"{"model": "logistic", "features": ["a"], "label": "late", "weight": "none"}"#,
            "no row has a weight above 0",
        ),
        (
            r#"{"model": "linear", "features": ["huge"], "label": "y"}"#,
            "too large for float64",
        ),
        (
            r#"{"model": "multinomial", "features": ["a"], "label": "one"}"#,
            "all rows are of the class 1",
        ),
    ];
    for (params, expected) in cases {
        let error = fit::<Linear>(params, &[("rows", &table)]).expect_err(params);
        assert!(
            error.message().contains(expected),
            "{params}\n{}",
            error.message()
        );
    }
    let params = params(r#""label": "y", "model": "linear""#);
    let error = fit::<Linear>(&params, &[("rows", &table.take(&[]))]).unwrap_err();
    assert!(error.message().contains("no row to learn from"));
    let error = describe::<Linear>(&params, &[("rows", &table), ("validation", &table)], None);
    assert!(
        error
            .unwrap_err()
            .message()
            .contains("no use for the input `validation`")
    );
}

#[test]
fn rows_of_other_features_are_refused() {
    let of =
        |features: &str| format!(r#"{{"features": {features}, "label": "y", "model": "linear"}}"#);
    let state = fit::<Linear>(&of(r#"["a", "b"]"#), &[("rows", &table())])
        .unwrap()
        .state;
    let refused = |features: &str, state: &[u8]| {
        let rows = [("rows", &table())];
        let error = trueline_sdk::testing::map::<Linear>(&of(features), &rows, state, &table());
        error.unwrap_err().message().to_owned()
    };
    assert!(refused(r#"["a"]"#, &state).contains("trained on 2 features, but the rows have 1"));
    assert!(
        refused(r#"["b", "a"]"#, &state)
            .contains("feature 0 is `b`, but the model was trained with `a`")
    );
    assert!(refused(r#"["a", "b"]"#, &[]).contains("there is no model"));
    assert!(refused(r#"["a", "b"]"#, &state[..9]).contains("state"));
}

fn small() -> BoxedStrategy<Cell> {
    prop_oneof![
        3 => (-4..=4_i16).prop_map(|quarters| Cell::from(f64::from(quarters) / 4.0)),
        1 => (-1e6..1e6).prop_map(Cell::from),
        1 => (1e9..1.000_001e9).prop_map(Cell::from),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_laws_hold(table in tables_of(vec![
        (Field::new("a", DataType::Float64), small()),
        (Field::new("b", DataType::Float32List(2)), prop::collection::vec(-3..3_i8, 2)
            .prop_map(|pair| Cell::from([f32::from(pair[0]), f32::from(pair[1])])).boxed()),
        (Field::new("c", DataType::Boolean), any::<bool>().prop_map(Cell::from).boxed()),
        (Field::new("y", DataType::Float64), small()),
        (Field::new("class", DataType::Int32), (0..3).prop_map(Cell::Int32).boxed()),
        (Field::new("w", DataType::Int32), (0..3).prop_map(Cell::Int32).boxed()),
    ], 0..30)) {
        for rest in [
            r#""model": "linear", "label": "y""#,
            r#""model": "linear", "label": "y", "intercept": false, "weight": "w""#,
            r#""model": "ridge", "label": "y", "weight": "w""#,
            r#""model": "lasso", "label": "y", "alpha": 0.1, "max_iterations": 50"#,
            r#""model": "elastic-net", "label": "y", "weight": "w", "max_iterations": 50"#,
            r#""model": "logistic", "label": "c", "features": ["a", "b"], "max_iterations": 5"#,
            r#""model": "logistic", "label": "class", "positive": 2, "weight": "w", "alpha": 0, "max_iterations": 5"#,
            r#""model": "multinomial", "label": "class", "intercept": false, "max_iterations": 5"#,
            r#""model": "logistic", "label": "c", "features": ["a", "b"], "l1_ratio": 1, "max_iterations": 5"#,
            r#""model": "multinomial", "label": "class", "l1_ratio": 0.5, "weight": "w", "max_iterations": 5"#,
        ] {
            let features = if rest.contains("features") { "" } else { r#""features": ["a", "b", "c"], "# };
            let params = format!("{{{features}{rest}}}");
            check_laws::<Linear>(&params, &[("rows", &table)], Some(&table));
        }
    }
}
