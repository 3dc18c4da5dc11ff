//! What is learned: the loss, its derivatives, and what a margin means.

use std::fmt;

use serde::Deserialize;
use trueline_sdk::{
    Error, Result,
    math::{expf, logf},
};

use crate::{
    Metric,
    histogram::{Gradient, Sum},
    num::to_f32,
    rows::Rows,
};

/// A loss, under XGBoost's name. All arithmetic is float32, as XGBoost's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Objective {
    /// The probability of label 1.
    #[serde(rename = "binary:logistic")]
    BinaryLogistic,
    /// The mean.
    #[serde(rename = "reg:squarederror")]
    SquaredError,
}

impl Objective {
    /// Every objective there is.
    pub const ALL: [Self; 2] = [Self::BinaryLogistic, Self::SquaredError];

    /// XGBoost's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BinaryLogistic => "binary:logistic",
            Self::SquaredError => "reg:squarederror",
        }
    }

    /// What is watched if nothing else was asked for.
    pub fn default_metric(self) -> Metric {
        match self {
            Self::BinaryLogistic => Metric::LogLoss,
            Self::SquaredError => Metric::Rmse,
        }
    }

    /// Refuses a prediction that no margin gives.
    ///
    /// # Errors
    /// [`Error::Params`] with the range.
    pub fn check_base_score(self, base_score: f32) -> Result<()> {
        let in_range = match self {
            Self::BinaryLogistic => base_score > 0.0 && base_score < 1.0,
            Self::SquaredError => base_score.is_finite(),
        };
        if in_range {
            return Ok(());
        }
        let range = match self {
            Self::BinaryLogistic => "a probability between 0 and 1, both excluded",
            Self::SquaredError => "a finite number",
        };
        Err(Error::params(format!(
            "`base_score` is {base_score}; for `{self}` it must be {range}"
        )))
    }

    /// Refuses labels that this loss does not have.
    ///
    /// # Errors
    /// [`Error::Data`] with the row.
    pub fn check_labels(self, labels: &[f32]) -> Result<()> {
        match labels.iter().position(|label| !(0.0..=1.0).contains(label)) {
            Some(row) if self == Self::BinaryLogistic => Err(Error::data(format!(
                "row {row} has label {}, but `{self}` learns labels from 0 to 1; for other numbers set \
                 `objective` to `{}`",
                labels[row],
                Self::SquaredError
            ))),
            _ => Ok(()),
        }
    }

    /// The prediction to start from: the weighted mean label. With `scale_pos_weight` it is where one
    /// Newton step from margin 0 leads.
    ///
    /// # Errors
    /// [`Error::Data`] if all weights are 0.
    pub fn estimate_base_score(self, rows: &Rows, scale_pos_weight: f32) -> Result<f32> {
        let total = match rows.weights() {
            None => rows.len() as f64,
            Some(weights) => weights.iter().copied().map(f64::from).sum(),
        };
        if total <= 0.0 {
            return Err(Error::data(
                "all rows have weight 0: there is nothing to learn from",
            ));
        }
        // An exact comparison, as XGBoost's.
        let base_score = if scale_pos_weight.total_cmp(&1.0).is_eq() {
            to_f32(mean(rows, total))
        } else {
            self.predict(self.newton_step(rows, scale_pos_weight))
        };
        Ok(match self {
            Self::BinaryLogistic => clamp_probability(base_score),
            Self::SquaredError => base_score,
        })
    }

    fn newton_step(self, rows: &Rows, scale_pos_weight: f32) -> f32 {
        let mut gradients = Vec::new();
        self.gradients(
            &vec![0.0; rows.len()],
            rows,
            scale_pos_weight,
            &mut gradients,
        );
        let sum = gradients
            .into_iter()
            .fold(Sum::default(), |sum, one| sum + one.into());
        to_f32(-sum.gradient / sum.hessian.max(1e-6))
    }

    /// The margin that means this prediction.
    pub fn margin(self, base_score: f32) -> f32 {
        match self {
            Self::BinaryLogistic => -logf(1.0 / clamp_probability(base_score) - 1.0),
            Self::SquaredError => base_score,
        }
    }

    /// The prediction that a margin means.
    #[inline]
    pub fn predict(self, margin: f32) -> f32 {
        match self {
            // The bound keeps `expf` finite; the last term is XGBoost's guard of its denominator.
            Self::BinaryLogistic => 1.0 / (expf((-margin).min(88.7)) + 1.0 + 1e-16),
            Self::SquaredError => margin,
        }
    }

    /// The derivatives of the loss for every row.
    pub fn gradients(
        self,
        margins: &[f32],
        rows: &Rows,
        scale_pos_weight: f32,
        out: &mut Vec<Gradient>,
    ) {
        let labels = rows.labels().iter().copied();
        let derivatives = margins.iter().zip(labels).map(|(&margin, label)| {
            let prediction = self.predict(margin);
            let hessian = match self {
                Self::BinaryLogistic => (prediction * (1.0 - prediction)).max(1e-16),
                Self::SquaredError => 1.0,
            };
            // An exact comparison, as XGBoost's: a soft label of 0.999 is not scaled.
            let scale = if label.total_cmp(&1.0).is_eq() {
                scale_pos_weight
            } else {
                1.0
            };
            (
                Gradient {
                    gradient: prediction - label,
                    hessian,
                },
                scale,
            )
        });
        let weigh = |Gradient { gradient, hessian }: Gradient, weight: f32| Gradient {
            gradient: gradient * weight,
            hessian: hessian * weight,
        };
        out.clear();
        match rows.weights() {
            None => out.extend(derivatives.map(|(one, scale)| weigh(one, scale))),
            Some(weights) => out.extend(
                derivatives
                    .zip(weights)
                    .map(|((one, scale), &weight)| weigh(one, weight * scale)),
            ),
        }
    }
}

/// Each label is divided before it is added: the order of XGBoost's operations.
fn mean(rows: &Rows, total: f64) -> f64 {
    let labels = rows.labels().iter().map(|&label| f64::from(label) / total);
    match rows.weights() {
        None => labels.sum(),
        Some(weights) => labels
            .zip(weights)
            .map(|(share, &weight)| share * f64::from(weight))
            .sum(),
    }
}

/// Keeps a probability where its margin is finite.
fn clamp_probability(probability: f32) -> f32 {
    probability.clamp(1e-6, 1.0 - 1e-6)
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margin_and_prediction_are_inverse() {
        for probability in [1e-6, 0.1, 0.5, 0.9] {
            let margin = Objective::BinaryLogistic.margin(probability);
            let back = Objective::BinaryLogistic.predict(margin);
            assert!(
                (back - probability).abs() <= probability * 1e-5,
                "{probability} -> {margin} -> {back}"
            );
        }
        assert_eq!(
            Objective::BinaryLogistic.predict(f32::NEG_INFINITY),
            1.0 / (expf(88.7) + 1.0)
        );
        assert_eq!(Objective::BinaryLogistic.predict(f32::INFINITY), 1.0);
        assert_eq!(Objective::SquaredError.predict(-3.5), -3.5);
    }

    #[test]
    fn weights_and_scale_multiply_derivatives() {
        let mut rows = Rows::new(1, true);
        rows.extend(&[0.0; 2], &[1.0, 0.0], Some(&[2.0, 3.0]))
            .unwrap();
        let mut gradients = Vec::new();
        Objective::BinaryLogistic.gradients(&[0.0, 0.0], &rows, 10.0, &mut gradients);
        assert_eq!(
            gradients,
            [
                Gradient {
                    gradient: -10.0,
                    hessian: 5.0
                },
                Gradient {
                    gradient: 1.5,
                    hessian: 0.75
                }
            ]
        );
        assert_eq!(
            Objective::BinaryLogistic
                .estimate_base_score(&rows, 1.0)
                .unwrap(),
            0.4
        );
    }

    #[test]
    fn logistic_labels_are_probabilities() {
        let error = Objective::BinaryLogistic
            .check_labels(&[0.0, 2.0])
            .unwrap_err();
        assert!(
            error.message().starts_with("row 1 has label 2"),
            "{error:?}"
        );
        assert!(Objective::SquaredError.check_labels(&[0.0, 2.0]).is_ok());
    }
}
