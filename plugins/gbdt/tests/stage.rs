//! The stage as the host runs it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod every_option;

use every_option::{OPTIONS, RANKINGS, any_table, unweighted, with};
use gbdt::{Gbdt, Model, Objective};
use proptest::prelude::*;
use trueline_sdk::{
    DataType, Field, Role,
    testing::{Table, check_laws, describe, fit, map},
};

/// A label that is true where `x` is above 10, with a few missing values.
fn threshold(rows: i32) -> Table {
    let x = (0..rows).map(|row| (row % 7 != 3).then_some(row % 21));
    let late = Field::new("late", DataType::Boolean).with_role(Role::Label);
    Table::new()
        .with_column("x", x)
        .with_column("noise", (0..rows).map(|row| f64::from(row * 7919 % 101)))
        .with_field(late, (0..rows).map(|row| row % 21 > 10))
}

const PARAMS: &str =
    r#"{"features": ["x", "noise"], "num_boost_round": 5, "margin_into": "margin"}"#;

#[test]
fn learns_a_threshold_and_predicts_it() {
    let table = threshold(400);
    let outcome = fit::<Gbdt>(PARAMS, &[("rows", &table)]).unwrap();
    let model = Model::read(&outcome.state).unwrap();
    assert_eq!(model.feature_names, ["x", "noise"]);
    assert_eq!(model.loss.objective(), Objective::BinaryLogistic);
    assert_eq!(outcome.metrics[0].name, "train_logloss");
    assert!(outcome.metrics[0].value < 0.2, "{:?}", outcome.metrics);

    let rows = Table::new()
        .with_column("x", [Some(0), Some(20)])
        .with_column("noise", [Some(1.0), None]);
    let predicted = map::<Gbdt>(PARAMS, &[], &outcome.state, &rows).unwrap();
    let schema = predicted.schema();
    assert_eq!(
        schema
            .fields
            .iter()
            .map(|field| &field.name)
            .collect::<Vec<_>>(),
        ["prediction", "margin"]
    );
    assert!(
        schema
            .fields
            .iter()
            .all(|field| field.role == Role::Prediction && !field.nullable)
    );
    let number = |column: &str, row: usize| match predicted.column(column)[row] {
        trueline_sdk::testing::Cell::Float32(value) => value,
        ref other => panic!("{other:?}"),
    };
    assert!(
        number("prediction", 0) < 0.2 && number("prediction", 1) > 0.8,
        "{predicted:?}"
    );
    for row in 0..2 {
        let mut margin = [number("margin", row)];
        model.loss.predict(&mut margin);
        assert_eq!([number("prediction", row)], margin);
    }
}

#[test]
fn a_vector_and_its_elements_are_the_same_features() {
    let columns = threshold(200);
    let late = columns.schema().find("late").unwrap().clone();
    let vector = Field::new("features", DataType::Float32List(2))
        .with_elements(vec!["x".into(), "noise".into()]);
    let rows = (0..200i32).map(|row| {
        let x = if row % 7 == 3 {
            f32::NAN
        } else {
            (row % 21) as f32
        };
        [x, (row * 7919 % 101) as f32]
    });
    let vectors = Table::new()
        .with_field(vector, rows)
        .with_field(late, columns.column("late").iter().cloned());
    let params = r#"{"num_boost_round": 3}"#;
    let named = r#"{"num_boost_round": 3, "features": ["x", "noise"]}"#;
    let from_vector = fit::<Gbdt>(params, &[("rows", &vectors)]).unwrap();
    let from_columns = fit::<Gbdt>(named, &[("rows", &columns)]).unwrap();
    assert_eq!(from_vector, from_columns);
    assert_eq!(
        map::<Gbdt>(params, &[], &from_vector.state, &vectors).unwrap(),
        map::<Gbdt>(named, &[], &from_vector.state, &columns).unwrap()
    );
}

#[test]
fn stops_early_and_keeps_the_best_round() {
    // The labels of the validation rows are turned around, so every round makes them worse.
    let train = threshold(400);
    let wrong = threshold(100);
    let late = wrong.schema().find("late").unwrap().clone();
    let validation = Table::new()
        .with_column("x", (0..100).map(|row| row % 21))
        .with_column("noise", [0.0; 100])
        .with_field(late, (0..100).map(|row| row % 21 <= 10));
    let params = r#"{"features": ["x", "noise"], "early_stopping_rounds": 2}"#;
    let outcome = fit::<Gbdt>(params, &[("rows", &train), ("validation", &validation)]).unwrap();
    let model = Model::read(&outcome.state).unwrap();
    assert_eq!(model.trees.len(), 1);
    assert_eq!(model.attributes["best_iteration"], "0");
    assert_eq!(outcome.metrics[0].name, "validation_logloss");
    assert_eq!(
        model.attributes["best_score"],
        outcome.metrics[0].value.to_string()
    );
}

#[test]
fn signature_says_what_is_read_and_kept() {
    let table = threshold(3);
    let signature = describe::<Gbdt>(
        PARAMS,
        &[("rows", &table), ("validation", &table)],
        Some(&table),
    )
    .unwrap();
    let reduction = signature.reduction.unwrap();
    assert_eq!(
        reduction.reads,
        [["x", "noise", "late"], ["x", "noise", "late"]]
    );
    assert!(!reduction.mergeable);
    assert_eq!(reduction.bytes_per_row, 4 * 3 + 2 * 2);
    assert_eq!(signature.mapping.unwrap().reads, ["x", "noise"]);
}

#[test]
fn wrong_plans_are_refused() {
    let table = threshold(10);
    let no_label = Table::new()
        .with_column("x", [1.0])
        .with_column("text", ["a"]);
    for (params, inputs, expected) in [
        (
            r#"{"features": ["y"]}"#,
            vec![("rows", &table)],
            "there is no column `y`; the columns are x, noise, late",
        ),
        (
            "{}",
            vec![("rows", &table)],
            "there is no column `features`",
        ),
        (
            r#"{"features": []}"#,
            vec![("rows", &table)],
            "`features` is empty",
        ),
        (
            r#"{"features": ["x"]}"#,
            vec![("rows", &no_label)],
            "no column has the role label",
        ),
        (
            r#"{"features": ["text"], "label": "x"}"#,
            vec![("rows", &no_label)],
            r#"with the step { op = "ordinal", columns = "text", unknown = "null" } of `tabular`, and name it in"#,
        ),
        (
            r#"{"features": ["x"], "label": "text"}"#,
            vec![("rows", &no_label)],
            "must be a number",
        ),
        (
            r#"{"features": ["x", "late"]}"#,
            vec![("rows", &table)],
            "`late` is among `features`",
        ),
        (
            r#"{"features": ["x", "x"]}"#,
            vec![("rows", &table)],
            "`x` is there more than once",
        ),
        (
            r#"{"features": ["x"]}"#,
            vec![("rows", &table), ("test", &table)],
            "there is no input `test`",
        ),
        (
            r#"{"features": ["x"], "early_stopping_rounds": 3}"#,
            vec![("rows", &table)],
            "add a `validation` input",
        ),
        (
            r#"{"features": ["x"], "label": "late", "objective": "rank:ndcg"}"#,
            vec![("rows", &table)],
            "no column has the role group",
        ),
        (
            r#"{"features": ["x"], "categorical": ["noise"]}"#,
            vec![("rows", &table)],
            "`categorical` names `noise`, which is none of the features x",
        ),
    ] {
        let error = describe::<Gbdt>(params, &inputs, None).unwrap_err();
        assert!(
            error.message().contains(expected),
            "{params}: {}",
            error.message()
        );
    }
}

#[test]
fn wrong_rows_and_models_are_refused() {
    let table = threshold(60);
    let state = fit::<Gbdt>(PARAMS, &[("rows", &table)]).unwrap().state;
    let swapped = r#"{"features": ["noise", "x"]}"#;
    for (params, state, expected) in [
        (
            r#"{"features": ["x", "noise"], "objective": "count:poisson"}"#,
            &state[..],
            "`objective` is `count:poisson`, but the model was trained for `binary:logistic`",
        ),
        (
            swapped,
            &state[..],
            "feature 0 is `noise`, but the model was trained with `x`",
        ),
        (
            r#"{"features": ["x"]}"#,
            &state,
            "trained on 2 features, but the rows have 1",
        ),
        (PARAMS, b"", "must be fitted before it predicts"),
        (PARAMS, b"[]", "`{` must stand here"),
        (
            r#"{"features": ["x", "noise"], "margin_into": "prediction"}"#,
            &state,
            "two of `into`, `margin_into` and `contributions_into` are `prediction`",
        ),
    ] {
        let error = map::<Gbdt>(params, &[], state, &table).unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
    }
    let label = Field::new("y", DataType::Float64).with_role(Role::Label);
    for (labels, params, expected) in [
        (
            [Some(1.0), None],
            r#"{"features": ["x"]}"#,
            "column `y`, row 1: the label is missing (null or NaN)",
        ),
        (
            [Some(1.0), Some(2.0)],
            r#"{"features": ["x"], "objective": "binary:logistic"}"#,
            "column `y`, row 1: `binary:logistic` learns labels from 0 to 1, not 2",
        ),
        (
            [Some(3e38), Some(-3e38)],
            r#"{"features": ["x"]}"#,
            "too large",
        ),
    ] {
        let table = Table::new()
            .with_column("x", [1.0, 2.0])
            .with_field(label.clone(), labels);
        let error = fit::<Gbdt>(params, &[("rows", &table)]).unwrap_err();
        assert!(error.message().contains(expected), "{}", error.message());
    }
    let empty = table.take(&[]);
    let error = fit::<Gbdt>(PARAMS, &[("rows", &empty)]).unwrap_err();
    assert_eq!(error.message(), "there are no training rows");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn keeps_the_laws(
        rows in any_table(),
        validation in any_table(),
        options in prop::sample::select(OPTIONS.to_vec()),
    ) {
        check_laws::<Gbdt>(&with(options), &[("rows", &rows), ("validation", &validation)], Some(&rows));
    }

    #[test]
    fn ranking_keeps_the_laws(rows in any_table()) {
        for params in RANKINGS {
            check_laws::<Gbdt>(params, &[("rows", &unweighted(&rows))], None);
        }
    }
}
