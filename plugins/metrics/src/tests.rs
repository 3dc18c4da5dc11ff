use proptest::prelude::*;
use trueline_sdk::testing::{Cell, Table, Value, cells, check_laws, describe, fit, tables_of};

use super::*;

mod classification;
mod laws;
mod mistakes;
mod multi_class;
mod ranking;
mod regression;
mod slices_and_intervals;

/// Labels in `y`, what a model answered in `prediction`.
fn predicted<L: Value, P: Value>(
    labels: impl IntoIterator<Item = L>,
    predictions: impl IntoIterator<Item = P>,
) -> Table {
    Table::new()
        .with_column("y", labels)
        .with_column("prediction", predictions)
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    let found = outcome.metrics.iter().find(|metric| metric.name == name);
    found
        .unwrap_or_else(|| panic!("no metric {name} in {:?}", outcome.metrics))
        .value
}

fn report(params: &str, table: &Table) -> serde_json::Value {
    let outcome = fit::<Metrics>(params, &[("rows", table)]).unwrap();
    serde_json::from_str(&outcome.report.unwrap()).unwrap()
}

/// The label is `y` unless the parameters name another.
fn with_label(params: &str) -> String {
    if params.contains(r#""label""#) {
        return params.to_owned();
    }
    let rest = params.strip_prefix('{').unwrap();
    let comma = if rest == "}" { "" } else { ", " };
    format!(r#"{{"label": "y"{comma}{rest}"#)
}

#[track_caller]
fn check(params: &str, table: &Table, tolerance: f64, expected: &[(&str, f64)]) {
    let outcome = fit::<Metrics>(&with_label(params), &[("rows", table)]).unwrap();
    for (name, expected) in expected {
        let value = metric(&outcome, name);
        let equal = (value - expected).abs() <= tolerance || value.is_nan() && expected.is_nan();
        assert!(equal, "{params}: {name} is {value}, not {expected}");
    }
}

#[track_caller]
fn check_refused(params: &str, table: &Table, expected: &str) {
    let error = fit::<Metrics>(params, &[("rows", table)]).expect_err(params);
    assert!(
        error.message().contains(expected),
        "{params}\n{}",
        error.message()
    );
}

/// Parameters, labels, predictions, and some metrics of them.
type Textbook<'t, L> = (&'t str, &'t [L], &'t [f64], &'t [(&'t str, f64)]);
