//! How good predictions are, as XGBoost measures it.

use std::fmt;

use serde::Deserialize;
use trueline_sdk::math::logf;

/// A measure, under XGBoost's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Negative log likelihood.
    LogLoss,
    /// Area under the ROC curve.
    Auc,
    /// Share of rows on the wrong side of 0.5.
    Error,
    /// Root of the mean squared error.
    Rmse,
    /// Mean absolute error.
    Mae,
}

impl Metric {
    /// XGBoost's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLoss => "logloss",
            Self::Auc => "auc",
            Self::Error => "error",
            Self::Rmse => "rmse",
            Self::Mae => "mae",
        }
    }

    /// Whether it measures probabilities of label 1.
    pub fn is_for_classes(self) -> bool {
        matches!(self, Self::LogLoss | Self::Auc | Self::Error)
    }

    /// Whether `value` is better than `best`.
    pub fn is_better(self, value: f64, best: f64) -> bool {
        if self == Self::Auc {
            value > best
        } else {
            value < best
        }
    }

    /// The measure over rows of these predictions, labels and weights (all 1 if `None`). The parts of
    /// the sum are float32 and the sum float64, in row order, as in XGBoost. NaN if the weights add up
    /// to 0; the area under the curve is NaN unless both classes are there.
    pub fn measure(self, predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
        if self == Self::Auc {
            return area_under_curve(predictions, labels, weights);
        }
        let parts = predictions
            .iter()
            .zip(labels)
            .map(|(&prediction, &label)| match self {
                Self::LogLoss => log_loss(prediction, label),
                Self::Error if prediction > 0.5 => 1.0 - label,
                Self::Error => label,
                Self::Rmse => (label - prediction) * (label - prediction),
                Self::Mae | Self::Auc => (label - prediction).abs(),
            });
        let (sum, total) = match weights {
            None => (parts.map(f64::from).sum(), predictions.len() as f64),
            Some(weights) => {
                parts
                    .zip(weights)
                    .fold((0.0, 0.0), |(sum, total), (part, &weight)| {
                        (sum + f64::from(part * weight), total + f64::from(weight))
                    })
            }
        };
        let mean: f64 = sum / total;
        if self == Self::Rmse {
            mean.sqrt()
        } else {
            mean
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A probability of exactly 0 counts as 1e-16, so that one sure mistake does not make all infinite.
fn log_loss(prediction: f32, label: f32) -> f32 {
    let log = |probability: f32| logf(probability.max(1e-16));
    let cost = |share: f32, probability: f32| {
        if share > 0.0 {
            -share * log(probability)
        } else {
            0.0
        }
    };
    cost(label, prediction) + cost(1.0 - label, 1.0 - prediction)
}

fn area_under_curve(predictions: &[f32], labels: &[f32], weights: Option<&[f32]>) -> f64 {
    let weight_of = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    let mut order: Vec<usize> = (0..predictions.len()).collect();
    order.sort_by(|&a, &b| predictions[b].total_cmp(&predictions[a]));
    let (mut negatives, mut positives, mut area) = (0.0, 0.0, 0.0);
    for ties in order.chunk_by(|&a, &b| predictions[a].total_cmp(&predictions[b]).is_eq()) {
        let (negatives_before, positives_before) = (negatives, positives);
        for &row in ties {
            let label = f64::from(labels[row]);
            positives += label * weight_of(row);
            negatives += (1.0 - label) * weight_of(row);
        }
        area += (negatives - negatives_before) * (positives + positives_before) / 2.0;
    }
    area / (negatives * positives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        metric: Metric,
        predictions: &[f32],
        labels: &[f32],
        weights: Option<&[f32]>,
        expected: f64,
    ) {
        let value = metric.measure(predictions, labels, weights);
        assert!(
            (value - expected).abs() < 1e-6,
            "{metric}: {value} instead of {expected}"
        );
    }

    #[test]
    fn textbook_values() {
        let (predictions, labels) = ([0.1, 0.4, 0.35, 0.8], [0.0, 0.0, 1.0, 1.0]);
        check(Metric::Auc, &predictions, &labels, None, 0.75);
        check(Metric::Error, &predictions, &labels, None, 0.25);
        check(Metric::LogLoss, &predictions, &labels, None, 0.472_287_95);
        check(Metric::Rmse, &predictions, &labels, None, 0.397_649_33);
        check(Metric::Mae, &predictions, &labels, None, 0.337_5);
    }

    #[test]
    fn weights_repeat_rows_and_ties_count_half() {
        check(
            Metric::Mae,
            &[1.0, 2.0],
            &[0.0, 0.0],
            Some(&[3.0, 1.0]),
            1.25,
        );
        check(Metric::Auc, &[0.5, 0.5], &[0.0, 1.0], None, 0.5);
        check(
            Metric::Auc,
            &[0.3, 0.5, 0.4],
            &[1.0, 1.0, 0.0],
            Some(&[3.0, 1.0, 2.0]),
            0.25,
        );
    }

    #[test]
    fn edges() {
        check(Metric::LogLoss, &[0.0, 1.0], &[0.0, 1.0], None, 0.0);
        check(Metric::LogLoss, &[0.0], &[1.0], None, 36.841_362);
        assert!(Metric::Auc.measure(&[0.1, 0.2], &[1.0, 1.0], None).is_nan());
        assert!(Metric::Rmse.measure(&[], &[], None).is_nan());
        assert!(Metric::Auc.is_better(0.6, 0.5) && !Metric::Auc.is_better(f64::NAN, 0.5));
        assert!(Metric::LogLoss.is_better(0.5, 0.6) && !Metric::LogLoss.is_better(0.5, 0.5));
    }
}
