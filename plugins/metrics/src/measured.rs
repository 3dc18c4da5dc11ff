//! What all tasks have in common: distinct rows that weights are put on, and numbers that come of them.

use serde_json::{Map, Value as Json};
use trueline_sdk::prelude::*;

use crate::Params;
use crate::binary::Binary;
use crate::bootstrap::Unit;
use crate::classes::Classes;
use crate::multi_class::MultiClass;
use crate::params::Task;
use crate::ranking::Ranking;
use crate::records::Records;
use crate::regression::Regression;

/// A metric's name and value.
pub(crate) type Named = (String, f64);

/// Distinct rows of a task, ready to be measured.
pub(crate) trait Measured {
    /// What weights are put on: a distinct row each, or a group each.
    fn units(&self) -> &[Unit];

    /// The metrics, given the total weight of each unit; always the same ones in the same order. What is
    /// not defined is NaN.
    fn metrics(&self, weights: &[f64]) -> Vec<Named>;

    /// What else the report holds.
    fn details(&self, weights: &[f64]) -> Map<String, Json>;
}

/// Reads the records of the parameters' task.
pub(crate) fn measured(
    params: &Params,
    task: Task,
    prediction: DataType,
    classes: &Classes,
    records: &mut Records,
) -> Box<dyn Measured> {
    match task {
        Task::Classification => Box::new(Binary::new(params, prediction, records)),
        Task::MultiClass => Box::new(MultiClass::new(params, prediction, classes, records)),
        Task::Regression => Box::new(Regression::new(records)),
        Task::Ranking => Box::new(Ranking::new(params, records)),
    }
}

/// Metrics under their names.
pub(crate) fn named(metrics: &[(&str, f64)]) -> Vec<Named> {
    metrics
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// The smallest and largest probability that `log_loss` believes in are this far from 0 and 1: the
/// epsilon of the predictions' type, as in scikit-learn.
pub(crate) fn epsilon(prediction: DataType) -> f64 {
    match prediction {
        DataType::Float32 | DataType::Float32List(_) => f64::from(f32::EPSILON),
        _ => f64::EPSILON,
    }
}

/// The sum of what `term` gives for each row.
pub(crate) fn sum<T>(rows: &[T], weights: &[f64], term: impl Fn(&T, f64) -> f64) -> f64 {
    rows.iter()
        .zip(weights)
        .map(|(row, &weight)| term(row, weight))
        .sum()
}
