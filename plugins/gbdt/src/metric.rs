//! How good predictions are, as XGBoost measures it.

mod gamma;
mod ranks;

use std::fmt;

use serde::Deserialize;
use trueline_sdk::{
    Error, Result,
    math::{expf, logf},
};

use self::gamma::ln_gamma;
use crate::{
    Objective,
    loss::{Queries, Ranking, at_least},
    num::{to_f32, to_whole},
    rows::Rows,
};

/// A measure, under XGBoost's name.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub enum Metric {
    /// `rmse`: root of the mean squared error.
    Rmse,
    /// `mae`: mean absolute error.
    Mae,
    /// `logloss`: negative log likelihood.
    LogLoss,
    /// `error`: share of rows on the wrong side of 0.5.
    Error,
    /// `auc`: area under the ROC curve.
    Auc,
    /// `mlogloss`: negative log likelihood of several classes.
    MultiLogLoss,
    /// `merror`: share of rows whose most probable class is not theirs.
    MultiError,
    /// `poisson-nloglik`: negative log likelihood of counts.
    PoissonLogLoss,
    /// `gamma-nloglik`: negative log likelihood of positive amounts.
    GammaLogLoss,
    /// `gamma-deviance`: residual deviance of positive amounts.
    GammaDeviance,
    /// `tweedie-nloglik@p`: negative log likelihood, of this variance power.
    TweedieLogLoss { power: f32 },
    /// `ndcg`, `ndcg@k`: normalized discounted cumulative gain, of the first k rows of a group.
    Ndcg { top: Option<u32> },
}

/// The names without what may follow an `@`.
const NAMES: &str = "rmse, mae, logloss, error, auc, mlogloss, merror, poisson-nloglik, gamma-nloglik, \
                     gamma-deviance, tweedie-nloglik@1.5 and ndcg@10";

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = [
            Self::Rmse,
            Self::Mae,
            Self::LogLoss,
            Self::Error,
            Self::Auc,
            Self::MultiLogLoss,
            Self::MultiError,
            Self::PoissonLogLoss,
            Self::GammaLogLoss,
            Self::GammaDeviance,
            Self::Ndcg { top: None },
        ];
        if let Some(metric) = plain.into_iter().find(|metric| metric.to_string() == name) {
            return Ok(metric);
        }
        let of_name = |(name, number): (&str, &str)| match name {
            "ndcg" => match number.parse() {
                Ok(0) | Err(_) => None,
                top => Some(Self::Ndcg { top: top.ok() }),
            },
            "tweedie-nloglik" => {
                let power = number.parse().ok()?;
                (1.0..2.0)
                    .contains(&power)
                    .then_some(Self::TweedieLogLoss { power })
            }
            _ => None,
        };
        let found = name.split_once('@').and_then(of_name);
        found.ok_or_else(|| format!("there is no metric `{name}`; the metrics are {NAMES}"))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::LogLoss => "logloss",
            Self::Error => "error",
            Self::Auc => "auc",
            Self::MultiLogLoss => "mlogloss",
            Self::MultiError => "merror",
            Self::PoissonLogLoss => "poisson-nloglik",
            Self::GammaLogLoss => "gamma-nloglik",
            Self::GammaDeviance => "gamma-deviance",
            Self::TweedieLogLoss { power } => return write!(f, "tweedie-nloglik@{power}"),
            Self::Ndcg { top: None } => "ndcg",
            Self::Ndcg { top: Some(top) } => return write!(f, "ndcg@{top}"),
        })
    }
}

impl Objective {
    /// What is watched if nothing else was asked for.
    pub fn default_metric(self, ranking: &Ranking, tweedie_variance_power: f32) -> Metric {
        match self {
            Self::BinaryLogistic => Metric::LogLoss,
            Self::MultiSoftprob => Metric::MultiLogLoss,
            Self::SquaredError => Metric::Rmse,
            Self::Poisson => Metric::PoissonLogLoss,
            Self::Gamma => Metric::GammaDeviance,
            Self::Tweedie => Metric::TweedieLogLoss {
                power: tweedie_variance_power,
            },
            Self::RankNdcg => Metric::Ndcg {
                top: ranking.truncation(),
            },
        }
    }
}

impl Metric {
    /// Refuses to measure what the objective does not predict.
    ///
    /// # Errors
    /// [`Error::Params`] with what it could be.
    pub fn check(self, objective: Objective) -> Result<()> {
        let (is_fit, instead) = match objective {
            Objective::BinaryLogistic => (
                !self.is_for_classes() && !matches!(self, Self::Ndcg { .. }),
                "`logloss`, `auc` or `error`",
            ),
            Objective::MultiSoftprob => (self.is_for_classes(), "`mlogloss` or `merror`"),
            Objective::RankNdcg => (matches!(self, Self::Ndcg { .. }), "`ndcg`"),
            _ => (
                !self.is_for_classes()
                    && !matches!(
                        self,
                        Self::LogLoss | Self::Error | Self::Auc | Self::Ndcg { .. }
                    ),
                "`rmse` or `mae`",
            ),
        };
        if is_fit {
            return Ok(());
        }
        Err(Error::params(format!(
            "`eval_metric` is `{self}`, which does not measure what `{objective}` predicts; take {instead}"
        )))
    }

    fn is_for_classes(self) -> bool {
        matches!(self, Self::MultiLogLoss | Self::MultiError)
    }

    /// The name as a word that a condition of a gate can say: `poisson_nloglik`, `ndcg_10`.
    pub fn word(self) -> String {
        self.to_string().replace(['-', '@', '.'], "_")
    }

    /// Whether `value` is better than `best`.
    pub fn is_better(self, value: f64, best: f64) -> bool {
        if matches!(self, Self::Auc | Self::Ndcg { .. }) {
            value > best
        } else {
            value < best
        }
    }

    /// The measure over the predictions of these rows, row-major. The parts of the sum are float32
    /// and the sum float64, in row order, as in XGBoost. NaN if the weights add up to 0; the area
    /// under the curve is NaN unless both classes are there.
    pub(crate) fn measure(
        self,
        predictions: &[f32],
        rows: &Rows,
        queries: Option<(&Queries, &Ranking)>,
    ) -> f64 {
        let (labels, weights) = (rows.labels(), rows.weights());
        match self {
            Self::Auc => return ranks::area_under_curve(predictions, labels, weights),
            Self::Ndcg { top } => {
                return queries.map_or(f64::NAN, |(queries, ranking)| {
                    ranks::ndcg(predictions, labels, queries, ranking, top)
                });
            }
            _ => {}
        }
        let width = predictions.len() / labels.len().max(1);
        let parts = predictions
            .chunks(width.max(1))
            .zip(labels)
            .map(|(predictions, &label)| self.part(predictions, label));
        let (sum, total) = match weights {
            None => (parts.map(f64::from).sum(), labels.len() as f64),
            Some(weights) => {
                parts
                    .zip(weights)
                    .fold((0.0, 0.0), |(sum, total), (part, &weight)| {
                        (sum + f64::from(part * weight), total + f64::from(weight))
                    })
            }
        };
        let mean: f64 = sum / total;
        match self {
            Self::Rmse => mean.sqrt(),
            Self::GammaDeviance => 2.0 * mean,
            _ => mean,
        }
    }

    /// What one row adds.
    fn part(self, predictions: &[f32], label: f32) -> f32 {
        let prediction = predictions[0];
        match self {
            Self::Rmse => (label - prediction) * (label - prediction),
            Self::Mae => (label - prediction).abs(),
            Self::LogLoss => log_loss(prediction, label),
            Self::Error if prediction > 0.5 => 1.0 - label,
            Self::Error => label,
            Self::MultiLogLoss => {
                let of_label = predictions.get(to_whole(label)).copied().unwrap_or(0.0);
                -logf(of_label.max(1e-16))
            }
            Self::MultiError => {
                let best = predictions.iter().enumerate().fold(
                    (0, f32::NEG_INFINITY),
                    |best, (class, &share)| {
                        if share > best.1 { (class, share) } else { best }
                    },
                );
                f32::from(u8::from(best.0 != to_whole(label)))
            }
            Self::PoissonLogLoss => {
                let prediction = prediction.max(1e-16);
                to_f32(ln_gamma(f64::from(label) + 1.0)) + prediction - logf(prediction) * label
            }
            Self::GammaLogLoss => {
                let prediction = prediction.max(1e-6);
                label / prediction + logf(prediction)
            }
            Self::GammaDeviance => {
                let (prediction, label) = (prediction + 1e-6, label + 1e-6);
                logf(prediction / label) + label / prediction - 1.0
            }
            Self::TweedieLogLoss { power } => {
                let log = logf(prediction.max(1e-16));
                let low = label * expf((1.0 - power) * log) / (1.0 - power);
                let high = expf((2.0 - power) * log) / (2.0 - power);
                high - low
            }
            // Not sums over rows.
            Self::Auc | Self::Ndcg { .. } => f32::NAN,
        }
    }
}

/// A probability of exactly 0 counts as 1e-16, so that one sure mistake does not make all infinite.
fn log_loss(prediction: f32, label: f32) -> f32 {
    let log = |probability: f32| logf(at_least(probability, 1e-16));
    let cost = |share: f32, probability: f32| {
        if share > 0.0 {
            -share * log(probability)
        } else {
            0.0
        }
    };
    cost(label, prediction) + cost(1.0 - label, 1.0 - prediction)
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
        let mut rows = Rows::new(1);
        if weights.is_some() {
            rows = rows.weighted();
        }
        rows.extend(&vec![0.0; labels.len()], labels, weights, None)
            .unwrap();
        let value = metric.measure(predictions, &rows, None);
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
    fn classes_and_positive_amounts() {
        let shares = [0.7, 0.2, 0.1, 0.3, 0.3, 0.4];
        check(Metric::MultiError, &shares, &[0.0, 1.0], None, 0.5);
        check(
            Metric::MultiLogLoss,
            &shares,
            &[0.0, 2.0],
            None,
            0.636_482_83,
        );
        // ln(3!) + 2 - 3 ln 2
        check(Metric::PoissonLogLoss, &[2.0], &[3.0], None, 1.712_317_9);
        check(Metric::GammaLogLoss, &[2.0], &[3.0], None, 2.193_147_2);
        check(Metric::GammaDeviance, &[2.0], &[2.0], None, 0.0);
        let tweedie = Metric::TweedieLogLoss { power: 1.5 };
        // -3 * 2^-0.5 / -0.5 + 2^0.5 / 0.5
        check(tweedie, &[2.0], &[3.0], None, 7.071_067_8);
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
        let measure = |metric: Metric, predictions: &[f32], labels: &[f32]| {
            let mut rows = Rows::new(1);
            rows.extend(&vec![0.0; labels.len()], labels, None, None)
                .unwrap();
            metric.measure(predictions, &rows, None)
        };
        assert!(measure(Metric::Auc, &[0.1, 0.2], &[1.0, 1.0]).is_nan());
        assert!(measure(Metric::Rmse, &[], &[]).is_nan());
        assert!(Metric::Auc.is_better(0.6, 0.5) && !Metric::Auc.is_better(f64::NAN, 0.5));
        assert!(Metric::LogLoss.is_better(0.5, 0.6) && !Metric::LogLoss.is_better(0.5, 0.5));
    }

    #[test]
    fn names_come_back() {
        for name in [
            "rmse",
            "poisson-nloglik",
            "tweedie-nloglik@1.3",
            "ndcg",
            "ndcg@5",
        ] {
            assert_eq!(Metric::try_from(name.to_owned()).unwrap().to_string(), name);
        }
        for name in [
            "ndcg@0",
            "ndcg@x",
            "tweedie-nloglik@2",
            "tweedie-nloglik",
            "rmse@1",
        ] {
            assert!(Metric::try_from(name.to_owned()).is_err(), "{name}");
        }
        let metric = Metric::TweedieLogLoss { power: 1.5 };
        assert_eq!(metric.word(), "tweedie_nloglik_1_5");
    }
}
