//! The metrics of a regression.

use serde_json::{Map, Value as Json};
use trueline_sdk::math;

use crate::binary::unit;
use crate::bootstrap::Unit;
use crate::measured::{Measured, Named, named, sum};
use crate::records::Records;

/// A distinct row.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    prediction: f64,
    label: f64,
}

impl Pair {
    fn error(&self) -> f64 {
        self.prediction - self.label
    }
}

/// Rows in the order of their records.
pub(crate) struct Regression {
    rows: Vec<Pair>,
    units: Vec<Unit>,
    /// The rows by the size of their errors.
    by_error: Vec<usize>,
}

impl Regression {
    pub(crate) fn new(records: &mut Records) -> Self {
        let read = records.iter().map(|(words, count)| {
            let row = Pair {
                prediction: f64::from_bits(words[0]),
                label: f64::from_bits(words[1]),
            };
            (row, unit(words, words[2], count))
        });
        let (rows, units): (Vec<Pair>, Vec<Unit>) = read.unzip();
        let mut by_error: Vec<usize> = (0..rows.len()).collect();
        by_error.sort_by(|&a, &b| rows[a].error().abs().total_cmp(&rows[b].error().abs()));
        Self {
            rows,
            units,
            by_error,
        }
    }

    /// The weighted median of what is sorted already: where the cumulated weight reaches half of all, or
    /// the mean with the next where it is just half. Scikit-learn's, and `numpy.median` without weights.
    fn median_absolute_error(&self, weights: &[f64]) -> f64 {
        let half = weights.iter().sum::<f64>() / 2.0;
        let mut reached = 0.0;
        let mut counted = self.by_error.iter().filter(|&&at| weights[at] > 0.0);
        while let Some(&at) = counted.next() {
            reached += weights[at];
            let error = self.rows[at].error().abs();
            if reached > half {
                return error;
            }
            if reached == half {
                let next = counted.next().unwrap_or(&at);
                return (error + self.rows[*next].error().abs()) / 2.0;
            }
        }
        f64::NAN
    }

    /// The mean of a term of prediction and label, if both are where it is defined.
    fn deviance(
        &self,
        weights: &[f64],
        is_defined: impl Fn(&Pair) -> bool,
        term: impl Fn(&Pair) -> f64,
    ) -> f64 {
        if self.rows.iter().all(is_defined) {
            sum(&self.rows, weights, |row, weight| weight * term(row)) / weights.iter().sum::<f64>()
        } else {
            f64::NAN
        }
    }
}

impl Measured for Regression {
    fn units(&self) -> &[Unit] {
        &self.units
    }

    fn metrics(&self, weights: &[f64]) -> Vec<Named> {
        let rows = &self.rows;
        let total: f64 = weights.iter().sum();
        let mean = |term: &dyn Fn(&Pair) -> f64| {
            sum(rows, weights, |row, weight| weight * term(row)) / total
        };
        let mean_square = mean(&|row| row.error() * row.error());
        let bias = mean(&Pair::error);
        let label_mean = mean(&|row| row.label);
        let label_variance = mean(&|row| (row.label - label_mean) * (row.label - label_mean));
        let error_variance = mean(&|row| (row.error() - bias) * (row.error() - bias));
        // Where all labels are equal there is nothing to explain.
        let spread = Some(label_variance).filter(|variance| *variance > 0.0);
        let unexplained = |of: f64| 1.0 - of / spread.unwrap_or(f64::NAN);
        let largest = rows
            .iter()
            .zip(weights)
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(row, _)| row.error().abs())
            .max_by(f64::total_cmp);
        named(&[
            ("rmse", mean_square.sqrt()),
            ("mse", mean_square),
            ("mae", mean(&|row| row.error().abs())),
            ("median_absolute_error", self.median_absolute_error(weights)),
            ("max_error", largest.unwrap_or(f64::NAN)),
            (
                "mape",
                mean(&|row| row.error().abs() / row.label.abs().max(f64::EPSILON)),
            ),
            ("bias", bias),
            ("r2", unexplained(mean_square)),
            ("explained_variance", unexplained(error_variance)),
            (
                "rmsle",
                self.deviance(weights, above_minus_one, squared_log_error)
                    .sqrt(),
            ),
            ("poisson_deviance", self.deviance(weights, counts, poisson)),
            ("gamma_deviance", self.deviance(weights, positive, gamma)),
            ("tweedie_deviance", self.deviance(weights, counts, tweedie)),
        ])
    }

    fn details(&self, _weights: &[f64]) -> Map<String, Json> {
        Map::new()
    }
}

fn above_minus_one(row: &Pair) -> bool {
    row.label > -1.0 && row.prediction > -1.0
}

fn counts(row: &Pair) -> bool {
    row.label >= 0.0 && row.prediction > 0.0
}

fn positive(row: &Pair) -> bool {
    row.label > 0.0 && row.prediction > 0.0
}

fn squared_log_error(row: &Pair) -> f64 {
    let error = math::log1p(row.prediction) - math::log1p(row.label);
    error * error
}

fn poisson(row: &Pair) -> f64 {
    let logarithm = if row.label == 0.0 {
        0.0
    } else {
        row.label * math::ln(row.label / row.prediction)
    };
    2.0 * (logarithm + row.error())
}

fn gamma(row: &Pair) -> f64 {
    2.0 * (math::ln(row.prediction / row.label) + row.label / row.prediction - 1.0)
}

/// Of the power 1.5, so that square roots are all it takes.
fn tweedie(row: &Pair) -> f64 {
    let (label, prediction) = (row.label.sqrt(), row.prediction.sqrt());
    4.0 * (row.label / prediction - 2.0 * label + prediction)
}
