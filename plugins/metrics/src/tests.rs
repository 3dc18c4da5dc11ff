#![expect(
    clippy::cast_possible_truncation,
    reason = "some predictions are float32"
)]

use proptest::prelude::*;
use trueline_sdk::testing::{Cell, Table, cells, check_laws, describe, fit, tables_of};

use super::*;

fn metric(outcome: &Outcome, name: &str) -> f64 {
    let found = outcome.metrics.iter().find(|metric| metric.name == name);
    found
        .unwrap_or_else(|| panic!("no metric {name} in {:?}", outcome.metrics))
        .value
}

#[track_caller]
fn check(params: &str, table: &Table, tolerance: f64, expected: &[(&str, f64)]) {
    let outcome = fit::<Metrics>(params, &[("rows", table)]).unwrap();
    for (name, expected) in expected {
        let value = metric(&outcome, name);
        let equal = (value - expected).abs() <= tolerance || value.is_nan() && expected.is_nan();
        assert!(equal, "{name} is {value}, not {expected}");
    }
}

/// A thousand rows with many ties; `sklearn.metrics` 1.9.1 gave the values below for them.
struct Sample {
    predictions: Vec<f64>,
    labels: Vec<bool>,
    weights: Vec<f64>,
}

fn sample() -> Sample {
    let predictions: Vec<f64> = (0..1000)
        .map(|i| f64::from(i * 7919 % 1009 * 100 / 1009) / 100.0)
        .collect();
    let is_late = |(i, p): (i32, &f64)| f64::from(i * 104_729 % 997) / 997.0 < 0.1 + 0.8 * p;
    let labels = (0..).zip(&predictions).map(is_late).collect();
    let weights = (0..1000).map(|i| 1.0 + f64::from(i % 3) * 0.25).collect();
    Sample {
        predictions,
        labels,
        weights,
    }
}

#[test]
fn a_classification_is_measured_as_by_scikit_learn() {
    let Sample {
        predictions,
        labels,
        ..
    } = sample();
    let table = Table::new()
        .with_column("late", labels)
        .with_column("prediction", predictions);
    check(
        r#"{"label": "late"}"#,
        &table,
        1e-14,
        &[
            ("rows", 1000.0),
            ("skipped", 0.0),
            ("auc", 0.765_216_243_459_895_4),
            ("log_loss", 0.699_585_605_585_526_3),
            ("accuracy", 0.701),
            ("brier", 0.200_733_6),
            ("precision", 0.702_647_657_841_140_6),
            ("recall", 0.692_771_084_337_349_4),
            ("f1", 0.697_674_418_604_651_2),
            ("positive_share", 0.498),
        ],
    );
}

#[test]
fn weights_count_as_in_scikit_learn() {
    let Sample {
        predictions,
        labels,
        weights,
    } = sample();
    let weight = Field::new("w", DataType::Float64).with_role(Role::Weight);
    let table = Table::new()
        .with_field(
            Field::new("late", DataType::Boolean).with_role(Role::Label),
            labels,
        )
        .with_field(
            Field::new("p", DataType::Float64).with_role(Role::Prediction),
            predictions,
        )
        .with_field(weight, weights);
    check(
        "{}",
        &table,
        1e-14,
        &[
            ("auc", 0.766_111_486_737_404),
            ("log_loss", 0.698_436_237_715_296_2),
            ("accuracy", 0.701_540_308_061_612_3),
            ("brier", 0.200_268_753_750_750_12),
            ("precision", 0.703_144_140_465_496_1),
            ("recall", 0.692_400_482_509_047_1),
            ("f1", 0.697_730_956_239_870_4),
        ],
    );
    let report = fit::<Metrics>("{}", &[("rows", &table)])
        .unwrap()
        .report
        .unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["task"], "classification");
    assert_eq!(
        (&report["label"], &report["prediction"], &report["weight"]),
        (&"late".into(), &"p".into(), &"w".into())
    );
    assert_eq!(
        report["confusion"],
        serde_json::json!({
            "true_positive": 430.5, "false_positive": 181.75, "true_negative": 446.25, "false_negative": 191.25,
        })
    );
    assert_eq!(report["metrics"]["rows"], 1000.0);
}

#[test]
fn float32_predictions_are_clipped_to_their_own_epsilon() {
    let Sample {
        predictions,
        labels,
        ..
    } = sample();
    let predictions: Vec<f32> = predictions.into_iter().map(|p| p as f32).collect();
    let table = Table::new()
        .with_column("late", labels)
        .with_column("prediction", predictions);
    // scikit-learn computes in float32 here, hence the tolerance.
    check(
        r#"{"label": "late"}"#,
        &table,
        1e-6,
        &[("log_loss", 0.639_281_809), ("auc", 0.765_216_243)],
    );
}

#[test]
fn a_regression_is_measured_as_by_scikit_learn() {
    let labels: Vec<f64> = (0..1000)
        .map(|i| f64::from(i * 104_729 % 997) / 100.0)
        .collect();
    let predictions: Vec<f64> = (0..)
        .zip(&labels)
        .map(|(i, label)| label + f64::from(i * 31 % 17 - 8) / 4.0)
        .collect();
    let table = Table::new()
        .with_column("y", labels)
        .with_column("prediction", predictions)
        .with_column("w", sample().weights);
    let plain = [
        ("rmse", 1.225_816_054_716_204_3),
        ("mae", 1.06),
        ("r2", 0.819_408_759_597_313_3),
        ("bias", 0.0015),
    ];
    check(r#"{"label": "y"}"#, &table, 1e-14, &plain);
    let weighted = [
        ("rmse", 1.225_902_960_112_880_6),
        ("mae", 1.059_961_992_398_479_8),
        ("bias", 0.000_850_170_034_006_799_2),
    ];
    check(r#"{"label": "y", "weight": "w"}"#, &table, 1e-14, &weighted);
}

#[test]
fn textbook_values() {
    let table = Table::new()
        .with_column("y", [0, 0, 1, 1])
        .with_column("prediction", [0.1, 0.4, 0.35, 0.8]);
    check(r#"{"label": "y"}"#, &table, 0.0, &[("auc", 0.75)]);
    let table = Table::new()
        .with_column("y", [0, 0, 1, 1])
        .with_column("prediction", [0.1, 0.2, 0.7, 0.99]);
    check(
        r#"{"label": "y"}"#,
        &table,
        1e-16,
        &[("log_loss", 0.173_807_336_691_067_5)],
    );
    // A prediction at the threshold is not above it.
    let table = Table::new()
        .with_column("y", [true, false])
        .with_column("prediction", [0.5, 0.5]);
    check(
        r#"{"label": "y"}"#,
        &table,
        0.0,
        &[("accuracy", 0.5), ("recall", 0.0), ("auc", 0.5)],
    );
    check(
        r#"{"label": "y", "threshold": 0.4}"#,
        &table,
        0.0,
        &[("recall", 1.0), ("precision", 0.5)],
    );
}

#[test]
fn what_is_not_defined_is_nan() {
    let one_class = Table::new()
        .with_column("y", [true, true])
        .with_column("prediction", [0.1, 0.2]);
    let nan = f64::NAN;
    check(
        r#"{"label": "y"}"#,
        &one_class,
        0.0,
        &[
            ("auc", nan),
            ("precision", nan),
            ("recall", 0.0),
            ("f1", 0.0),
        ],
    );
    let none = one_class.take(&[]);
    check(
        r#"{"label": "y"}"#,
        &none,
        0.0,
        &[
            ("rows", 0.0),
            ("accuracy", nan),
            ("log_loss", nan),
            ("auc", nan),
        ],
    );
    let constant = Table::new()
        .with_column("y", [2.0, 2.0])
        .with_column("prediction", [1.0, 3.0]);
    check(
        r#"{"label": "y"}"#,
        &constant,
        0.0,
        &[("rmse", 1.0), ("r2", nan)],
    );
    check(
        r#"{"label": "y"}"#,
        &constant.take(&[]),
        0.0,
        &[("rows", 0.0), ("rmse", nan), ("r2", nan)],
    );
}

#[test]
fn any_label_can_be_the_positive_one() {
    let texts = Table::new()
        .with_column("y", ["yes", "no", ""])
        .with_column("prediction", [0.9, 0.2, 0.1]);
    let expected = [("accuracy", 1.0), ("positive_share", 1.0 / 3.0)];
    check(
        r#"{"label": "y", "positive": "yes"}"#,
        &texts,
        0.0,
        &expected,
    );
    let integers = Table::new()
        .with_column("y", [7_i64, 1, -1])
        .with_column("prediction", [0.9, 0.2, 0.1]);
    check(
        r#"{"label": "y", "positive": 7}"#,
        &integers,
        0.0,
        &expected,
    );
    let floats = Table::new()
        .with_column("y", [7.0, 1.0, -1.0])
        .with_column("prediction", [0.9, 0.2, 0.1]);
    check(r#"{"label": "y", "positive": 7}"#, &floats, 0.0, &expected);
    let on_time = Table::new()
        .with_column("y", [false, true, true])
        .with_column("prediction", [0.9, 0.2, 0.1]);
    check(
        r#"{"label": "y", "positive": false}"#,
        &on_time,
        0.0,
        &expected,
    );
}

#[test]
fn rows_with_nulls_are_skipped_if_asked_for() {
    let table = Table::new()
        .with_column("y", [Some(true), None, Some(false)])
        .with_column("prediction", [Some(1.0), Some(0.5), None]);
    check(
        r#"{"label": "y", "nulls": "skip"}"#,
        &table,
        0.0,
        &[("rows", 1.0), ("skipped", 2.0), ("accuracy", 1.0)],
    );
}

#[test]
fn mistakes_are_named() {
    let table = Table::new()
        .with_column("y", [Some(true), None])
        .with_column("n", [2, 0])
        .with_column("s", ["a", "b"])
        .with_column("prediction", [1.5, 0.5])
        .with_column("nan", [f64::NAN, 1.0])
        .with_column("p", [0.5, 0.5])
        .with_column("w", [-1.0, 1.0]);
    let check = |params: &str, expected: &str| {
        let error = fit::<Metrics>(params, &[("rows", &table)]).expect_err(params);
        assert!(
            error.message().contains(expected),
            "{params}\n{}",
            error.message()
        );
    };
    check("{}", "no column has the role label");
    check(
        r#"{"label": "late"}"#,
        "no column `late`; the columns are y, n, s",
    );
    check(
        r#"{"label": "y", "lable": 1}"#,
        "unknown field `lable`, expected one of `label`, `prediction`",
    );
    check(
        r#"{"label": "y"}"#,
        "prediction `prediction` has 1.5, but a probability is between 0 and 1",
    );
    check(
        r#"{"label": "y", "prediction": "p"}"#,
        "column `y` has a null",
    );
    check(
        r#"{"label": "n", "prediction": "p"}"#,
        "label `n` has 2, but classes are 0 and 1",
    );
    check(
        r#"{"label": "n", "prediction": "n"}"#,
        "cannot be two of label, prediction and weight",
    );
    check(
        r#"{"label": "n", "prediction": "s"}"#,
        "column `s` is utf8, not a number",
    );
    check(
        r#"{"label": "s", "prediction": "p"}"#,
        "say with `positive`",
    );
    check(
        r#"{"label": "s", "prediction": "p", "task": "regression"}"#,
        "cannot be the label of a regression",
    );
    check(
        r#"{"label": "y", "prediction": "p", "positive": "a"}"#,
        "boolean, which cannot be the label",
    );
    check(
        r#"{"label": "p", "prediction": "nan"}"#,
        "column `nan` has a NaN",
    );
    check(r#"{"label": "p", "weight": "w"}"#, "weight `w` has -1");
    check(
        r#"{"label": "p", "positive": 1.5}"#,
        "`positive` must be true, false, an integer or a text",
    );
    let two = Table::new()
        .with_field(
            Field::new("a", DataType::Boolean).with_role(Role::Label),
            [true],
        )
        .with_field(
            Field::new("b", DataType::Boolean).with_role(Role::Label),
            [true],
        );
    let error = fit::<Metrics>("{}", &[("rows", &two)]).unwrap_err();
    assert!(
        error
            .message()
            .contains("columns `a` and `b` both have the role label")
    );
}

#[test]
fn memory_is_told() {
    let table = Table::new()
        .with_column("y", [1.0])
        .with_column("prediction", [1.0]);
    let bytes_per_row = |params| {
        describe::<Metrics>(params, &[("rows", &table)], None)
            .unwrap()
            .reduction
            .unwrap()
            .bytes_per_row
    };
    assert_eq!(bytes_per_row(r#"{"label": "y"}"#), 0);
    assert_eq!(
        bytes_per_row(r#"{"label": "y", "task": "classification"}"#),
        64
    );
}

/// The area under the curve by its definition: every pair of a positive and a negative row.
fn area_by_pairs(labels: &[bool], predictions: &[f64]) -> f64 {
    let of = |class| {
        labels
            .iter()
            .zip(predictions)
            .filter(move |(label, _)| **label == class)
            .map(|(_, p)| *p)
    };
    let score = |positive: f64, negative: f64| {
        f64::from(positive > negative) + 0.5 * f64::from(positive == negative)
    };
    let sum: f64 = of(true)
        .flat_map(|positive| of(false).map(move |negative| score(positive, negative)))
        .sum();
    sum / (of(true).count() * of(false).count()) as f64
}

proptest! {
    #[test]
    fn the_area_counts_pairs(rows in prop::collection::vec((any::<bool>(), 0..8_i32), 0..40)) {
        let (labels, eighths): (Vec<bool>, Vec<i32>) = rows.into_iter().unzip();
        let predictions: Vec<f64> = eighths.into_iter().map(|eighth| f64::from(eighth) / 8.0).collect();
        let expected = area_by_pairs(&labels, &predictions);
        let table = Table::new().with_column("y", labels).with_column("prediction", predictions);
        check(r#"{"label": "y"}"#, &table, 1e-15, &[("auc", expected)]);
    }

    #[test]
    fn the_laws_hold_for_classes(table in tables_of(vec![
        (Field::new("y", DataType::Boolean), cells(&Field::new("y", DataType::Boolean))),
        (Field::new("prediction", DataType::Float64), probabilities()),
        (Field::new("w", DataType::Int32), (0..3).prop_map(Cell::Int32).boxed()),
    ], 0..40)) {
        check_laws::<Metrics>(r#"{"label": "y", "nulls": "skip"}"#, &[("rows", &table)], None);
        check_laws::<Metrics>(r#"{"label": "y", "nulls": "skip", "weight": "w"}"#, &[("rows", &table)], None);
        check_laws::<Metrics>(r#"{"label": "y"}"#, &[("rows", &table)], None);
    }

    #[test]
    fn the_laws_hold_for_numbers(table in tables_of(vec![
        (Field::new("y", DataType::Float64), numbers()),
        (Field::new("prediction", DataType::Float64), numbers()),
    ], 0..40)) {
        check_laws::<Metrics>(r#"{"label": "y", "nulls": "skip"}"#, &[("rows", &table)], None);
    }

    #[test]
    fn the_laws_hold_for_what_is_refused(table in tables_of(vec![
        (Field::new("y", DataType::Float64), cells(&Field::new("y", DataType::Float64))),
        (Field::new("prediction", DataType::Float32), cells(&Field::new("prediction", DataType::Float32))),
    ], 0..6)) {
        check_laws::<Metrics>(r#"{"label": "y"}"#, &[("rows", &table)], None);
    }
}

fn probabilities() -> BoxedStrategy<Cell> {
    prop_oneof![
        1 => Just(Cell::Null),
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.5, f64::from_bits(1)]).prop_map(Cell::from),
        3 => (0.0..=1.0).prop_map(Cell::from),
    ]
    .boxed()
}

/// Everything but NaN, which is refused.
fn numbers() -> BoxedStrategy<Cell> {
    let any = cells(&Field::new("y", DataType::Float64));
    any.prop_map(|cell| {
        if cell == Cell::from(f64::NAN) {
            Cell::Null
        } else {
            cell
        }
    })
    .boxed()
}
