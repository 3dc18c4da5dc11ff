//! The metrics of a classification of two classes.

use serde_json::{Map, Value as Json, json};
use trueline_sdk::hash::Hasher;
use trueline_sdk::math;
use trueline_sdk::prelude::*;

use crate::Params;
use crate::bootstrap::Unit;
use crate::curves;
use crate::measured::{Measured, Named, epsilon, named, sum};
use crate::params::Calibration;
use crate::records::Records;

/// A distinct row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scored {
    /// The probability of the positive class.
    pub(crate) prediction: f64,
    pub(crate) is_positive: bool,
}

/// The cells of the confusion matrix, in weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Confusion {
    pub(crate) true_positive: f64,
    pub(crate) false_positive: f64,
    pub(crate) true_negative: f64,
    pub(crate) false_negative: f64,
}

/// Rows by rising prediction.
pub(crate) struct Binary {
    rows: Vec<Scored>,
    units: Vec<Unit>,
    threshold: f64,
    thresholds: Vec<f64>,
    calibration: Calibration,
    epsilon: f64,
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
        let (rows, units) = read.unzip();
        Self {
            rows,
            units,
            threshold: params.threshold,
            thresholds: params.thresholds(),
            calibration: params.calibration,
            epsilon: epsilon(prediction),
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
        let rows = &self.rows;
        let total: f64 = weights.iter().sum();
        let mean = |sum: f64| sum / total;
        let confusion = Confusion::new(rows, weights, self.threshold);
        let Confusion {
            true_positive,
            false_positive,
            false_negative,
            ..
        } = confusion;
        let bins = curves::bins(rows, &self.units, self.calibration);
        named(&[
            ("accuracy", confusion.accuracy()),
            (
                "balanced_accuracy",
                (confusion.recall() + confusion.specificity()) / 2.0,
            ),
            ("auc", area_under_curve(rows, weights)),
            ("average_precision", average_precision(rows, weights)),
            ("log_loss", mean(log_loss(rows, weights, self.epsilon))),
            ("brier", mean(squared_errors(rows, weights))),
            (
                "calibration_error",
                curves::calibration_error(rows, weights, &bins),
            ),
            ("precision", confusion.precision()),
            ("recall", confusion.recall()),
            ("specificity", confusion.specificity()),
            ("f1", confusion.f1()),
            ("mcc", confusion.correlation()),
            ("ks", kolmogorov_smirnov(rows, weights)),
            ("positive_share", mean(true_positive + false_negative)),
            (
                "predicted_positive_share",
                mean(true_positive + false_positive),
            ),
        ])
    }

    fn details(&self, weights: &[f64]) -> Map<String, Json> {
        let bins = curves::bins(&self.rows, &self.units, self.calibration);
        let details = [
            ("threshold", json!(self.threshold)),
            (
                "confusion",
                json!(Confusion::new(&self.rows, weights, self.threshold)),
            ),
            (
                "calibration",
                curves::calibration(&self.rows, weights, &self.units, &bins),
            ),
            (
                "thresholds",
                curves::thresholds(&self.rows, weights, &self.thresholds),
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

/// The weights of positive and of negative rows.
fn totals(rows: &[Scored], weights: &[f64]) -> (f64, f64) {
    let of = |class| {
        sum(rows, weights, |row, weight| {
            if row.is_positive == class {
                weight
            } else {
                0.0
            }
        })
    };
    (of(true), of(false))
}

/// Rows of one prediction after another, ascending: the weights of their positives and negatives.
fn ties<'r>(
    rows: &'r [Scored],
    weights: &'r [f64],
) -> impl DoubleEndedIterator<Item = (f64, f64)> + 'r {
    let mut starts = vec![0];
    starts.extend((1..rows.len()).filter(|&at| rows[at].prediction != rows[at - 1].prediction));
    let ends: Vec<usize> = starts[1..].iter().copied().chain([rows.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| totals(&rows[start..end], &weights[start..end]))
}

/// The weight of the pairs in the right order, half of the ties, by the weight of all pairs: what the
/// trapezoids under the ROC curve add up to.
pub(crate) fn area_under_curve(rows: &[Scored], weights: &[f64]) -> f64 {
    let (mut right_order, mut below) = (0.0, 0.0);
    for (positive, negative) in ties(rows, weights) {
        right_order += positive * (below + 0.5 * negative);
        below += negative;
    }
    let (positives, negatives) = totals(rows, weights);
    right_order / (positives * negatives)
}

/// The area under the steps of precision over recall.
pub(crate) fn average_precision(rows: &[Scored], weights: &[f64]) -> f64 {
    let (mut hits, mut all, mut area) = (0.0, 0.0, 0.0);
    for (positive, negative) in ties(rows, weights).rev() {
        hits += positive;
        all += positive + negative;
        // Rows without weight say nothing, and could be the first.
        if positive > 0.0 {
            area += positive * (hits / all);
        }
    }
    area / hits
}

/// The largest distance between the shares of positives and of negatives up to a prediction.
fn kolmogorov_smirnov(rows: &[Scored], weights: &[f64]) -> f64 {
    let (positives, negatives) = totals(rows, weights);
    let (mut positive, mut negative) = (0.0, 0.0);
    let mut largest: f64 = if positives > 0.0 && negatives > 0.0 {
        0.0
    } else {
        f64::NAN
    };
    for (more_positive, more_negative) in ties(rows, weights) {
        positive += more_positive;
        negative += more_negative;
        let distance = (positive / positives - negative / negatives).abs();
        if distance > largest {
            largest = distance;
        }
    }
    largest
}

/// The sum of weight × -ln p(label), each p clipped to [epsilon, 1 - epsilon].
fn log_loss(rows: &[Scored], weights: &[f64], epsilon: f64) -> f64 {
    sum(rows, weights, |row, weight| {
        let p = row.prediction.clamp(epsilon, 1.0 - epsilon);
        -weight * math::ln(if row.is_positive { p } else { 1.0 - p })
    })
}

/// The sum of weight × (p - label)².
fn squared_errors(rows: &[Scored], weights: &[f64]) -> f64 {
    sum(rows, weights, |row, weight| {
        let error = row.prediction - f64::from(row.is_positive);
        weight * error * error
    })
}
