//! The metrics of a regression, from exact sums.

use trueline_sdk::exact_sum::{ExactMoments, ExactSum};
use trueline_sdk::prelude::*;

use crate::rows::Row;

/// Sums over the rows; `e` is prediction - label.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Errors {
    pub(crate) rows: u64,
    weights: ExactSum,
    errors: ExactSum,
    magnitudes: ExactSum,
    squares: ExactSum,
    /// Of the labels, for their variance; weights are not in it.
    labels: ExactMoments,
}

impl Errors {
    pub(crate) fn add(&mut self, row: Row) {
        let error = row.prediction - row.label;
        self.rows += 1;
        self.weights.add(row.weight);
        self.errors.add_product(row.weight, error);
        self.magnitudes.add_product(row.weight, error.abs());
        self.squares.add_product(row.weight * error, error);
        self.labels.add(row.label);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.weights.merge(&other.weights);
        self.errors.merge(&other.errors);
        self.magnitudes.merge(&other.magnitudes);
        self.squares.merge(&other.squares);
        self.labels.merge(&other.labels);
    }

    pub(crate) fn metrics(&self, is_weighted: bool) -> Vec<Metric> {
        let mean = |sum: &ExactSum| sum.value() / self.weights.value();
        let mean_square = mean(&self.squares);
        let mut metrics = vec![
            Metric::new("rmse", mean_square.sqrt()),
            Metric::new("mae", mean(&self.magnitudes)),
            Metric::new("bias", mean(&self.errors)),
        ];
        if !is_weighted {
            let variance = self.labels.variance().filter(|variance| *variance > 0.0);
            metrics.push(Metric::new(
                "r2",
                1.0 - mean_square / variance.unwrap_or(f64::NAN),
            ));
        }
        metrics
    }
}
