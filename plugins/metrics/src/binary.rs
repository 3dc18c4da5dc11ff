//! The metrics of a classification of two classes.

use serde_json::{Map, Value as Json, json};
use trueline_sdk::hash::Hasher;
use trueline_sdk::math;
use trueline_sdk::prelude::*;

use crate::Params;
use crate::bootstrap::Unit;
use crate::curves::{self, Bin};
use crate::measured::{Measured, Named, epsilon, named, sum};
use crate::order::{Order, area_under_curve, average_precision, kolmogorov_smirnov};
use crate::records::Records;

/// A distinct row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    /// The probability of the positive class.
    pub(crate) prediction: f64,
    pub(crate) is_positive: bool,
}

impl Scored {
    /// -ln p(label), p clipped to [epsilon, 1 - epsilon].
    fn log_loss(&self, epsilon: f64) -> f64 {
        let p = self.prediction.clamp(epsilon, 1.0 - epsilon);
        -math::ln(if self.is_positive { p } else { 1.0 - p })
    }

    fn squared_error(&self) -> f64 {
        let error = self.prediction - f64::from(self.is_positive);
        error * error
    }
}

/// The cells of the confusion matrix, in weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Confusion {
    pub(crate) true_positive: f64,
    pub(crate) false_positive: f64,
    pub(crate) true_negative: f64,
    pub(crate) false_negative: f64,
}

/// Rows by rising prediction, and what is the same of them whatever their weights.
pub(crate) struct Binary {
    order: Order,
    units: Vec<Unit>,
    threshold: f64,
    thresholds: Vec<f64>,
    bins: Vec<Bin>,
    /// -ln p(label) of each row, and (p - label)².
    log_losses: Vec<f64>,
    squared_errors: Vec<f64>,
}

impl Binary {
    pub(crate) fn new(params: &Params, prediction: DataType, records: &mut Records) -> Self {
        // Predictions are not negative, so their bits sort as they do.
        let read = records.iter().map(|(words, count)| {
            let row = Scored {
                prediction: f64::from_bits(words[0]),
                is_positive: f64::from_bits(words[1]) == 1.0,
            };
            (row, unit(words, words[2], count))
        });
        let (rows, units): (Vec<Scored>, Vec<Unit>) = read.unzip();
        let epsilon = epsilon(prediction);
        Self {
            bins: curves::bins(&rows, &units, params.calibration),
            log_losses: rows.iter().map(|row| row.log_loss(epsilon)).collect(),
            squared_errors: rows.iter().map(Scored::squared_error).collect(),
            order: Order::new(rows),
            units,
            threshold: params.threshold,
            thresholds: params.thresholds(),
        }
    }
}

/// The unit of a record that counts by itself.
pub(crate) fn unit(words: &[u64], weight: u64, count: u64) -> Unit {
    let mut hasher = Hasher::new();
    words.iter().for_each(|&word| hasher.word(word));
    Unit {
        hash: low(hasher.finish()),
        rows: count,
        weight: f64::from_bits(weight),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
fn low(hash: u128) -> u64 {
    hash as u64
}

impl Measured for Binary {
    fn units(&self) -> &[Unit] {
        &self.units
    }

    fn metrics(&self, weights: &[f64]) -> Vec<Named> {
        let rows = self.order.rows();
        let tied = self.order.tied(weights);
        let total: f64 = weights.iter().sum();
        let mean = |sum: f64| sum / total;
        let product = |value: &f64, weight: f64| value * weight;
        let confusion = Confusion::new(rows, weights, self.threshold);
        let Confusion {
            true_positive,
            false_positive,
            false_negative,
            ..
        } = confusion;
        named(&[
            ("accuracy", confusion.accuracy()),
            (
                "balanced_accuracy",
                (confusion.recall() + confusion.specificity()) / 2.0,
            ),
            ("auc", area_under_curve(&tied)),
            ("average_precision", average_precision(&tied)),
            ("log_loss", mean(sum(&self.log_losses, weights, product))),
            ("brier", mean(sum(&self.squared_errors, weights, product))),
            (
                "calibration_error",
                curves::calibration_error(rows, weights, &self.bins),
            ),
            ("precision", confusion.precision()),
            ("recall", confusion.recall()),
            ("specificity", confusion.specificity()),
            ("f1", confusion.f1()),
            ("mcc", confusion.correlation()),
            ("ks", kolmogorov_smirnov(&tied)),
            ("positive_share", mean(true_positive + false_negative)),
            (
                "predicted_positive_share",
                mean(true_positive + false_positive),
            ),
        ])
    }

    fn details(&self, weights: &[f64]) -> Map<String, Json> {
        let rows = self.order.rows();
        let details = [
            ("threshold", json!(self.threshold)),
            (
                "confusion",
                json!(Confusion::new(rows, weights, self.threshold)),
            ),
            (
                "calibration",
                curves::calibration(rows, weights, &self.units, &self.bins),
            ),
            (
                "thresholds",
                curves::thresholds(rows, weights, &self.thresholds),
            ),
        ];
        details
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

impl Confusion {
    /// Rows are predicted positive above the threshold.
    pub(crate) fn new(rows: &[Scored], weights: &[f64], threshold: f64) -> Self {
        let mut confusion = Self::default();
        for (row, weight) in rows.iter().zip(weights) {
            let cell = match (row.is_positive, row.prediction > threshold) {
                (true, true) => &mut confusion.true_positive,
                (false, true) => &mut confusion.false_positive,
                (false, false) => &mut confusion.true_negative,
                (true, false) => &mut confusion.false_negative,
            };
            *cell += weight;
        }
        confusion
    }

    pub(crate) fn accuracy(&self) -> f64 {
        let right = self.true_positive + self.true_negative;
        right / (right + self.false_positive + self.false_negative)
    }

    pub(crate) fn precision(&self) -> f64 {
        self.true_positive / (self.true_positive + self.false_positive)
    }

    pub(crate) fn recall(&self) -> f64 {
        self.true_positive / (self.true_positive + self.false_negative)
    }

    pub(crate) fn specificity(&self) -> f64 {
        self.true_negative / (self.true_negative + self.false_positive)
    }

    pub(crate) fn f1(&self) -> f64 {
        let twice = 2.0 * self.true_positive;
        twice / (twice + self.false_positive + self.false_negative)
    }

    /// Matthews' correlation coefficient.
    fn correlation(&self) -> f64 {
        let Self {
            true_positive: tp,
            false_positive: fp,
            true_negative: tn,
            false_negative: fn_,
        } = self;
        // Factor by factor: the product of the sums could overflow.
        let spread = (tp + fp).sqrt() * (tp + fn_).sqrt() * (tn + fp).sqrt() * (tn + fn_).sqrt();
        (tp * tn - fp * fn_) / spread
    }
}
