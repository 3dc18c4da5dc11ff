//! An objective with its numbers: the derivatives it is learned by, and what a margin means.

mod ranking;

use trueline_sdk::{
    Error, Result,
    math::{expf, logf},
};

pub use self::ranking::{PairMethod, Ranking};
pub(crate) use self::ranking::{Queries, discount, sum_gains};
use crate::{
    Objective,
    histogram::{Gradient, Sum},
    num::{to_f32, to_whole},
    rows::Rows,
};

/// An objective with the numbers that belong to it. All arithmetic is float32 where XGBoost's is.
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// `binary:logistic`. Weights of rows with label 1 are multiplied.
    Logistic { scale_pos_weight: f32 },
    /// `reg:squarederror`.
    Squared { scale_pos_weight: f32 },
    /// `reg:gamma`, its margin the logarithm of the mean.
    Gamma { scale_pos_weight: f32 },
    /// `count:poisson`, its margin the logarithm of the mean; second derivatives are those of a
    /// margin that is higher by this step.
    Poisson { max_delta_step: f32 },
    /// `reg:tweedie`, its margin the logarithm of the mean, of this variance power in [1, 2).
    Tweedie { variance_power: f32 },
    /// `multi:softprob`, one margin a class.
    Softmax { class_count: usize },
    /// `rank:ndcg`.
    Ndcg(Ranking),
}

impl Loss {
    /// Its objective.
    pub fn objective(&self) -> Objective {
        match self {
            Self::Logistic { .. } => Objective::BinaryLogistic,
            Self::Squared { .. } => Objective::SquaredError,
            Self::Gamma { .. } => Objective::Gamma,
            Self::Poisson { .. } => Objective::Poisson,
            Self::Tweedie { .. } => Objective::Tweedie,
            Self::Softmax { .. } => Objective::MultiSoftprob,
            Self::Ndcg(_) => Objective::RankNdcg,
        }
    }

    /// Margins, and predictions, per row.
    pub fn output_count(&self) -> usize {
        match self {
            Self::Softmax { class_count } => *class_count,
            _ => 1,
        }
    }

    /// The margin that means this prediction.
    pub fn margin(&self, base_score: f32) -> f32 {
        match self {
            Self::Logistic { .. } => -logf(1.0 / clamp_probability(base_score) - 1.0),
            Self::Gamma { .. } | Self::Poisson { .. } | Self::Tweedie { .. } => logf(base_score),
            Self::Squared { .. } | Self::Softmax { .. } | Self::Ndcg(_) => base_score,
        }
    }

    /// Turns margins, row-major, into the predictions that they mean.
    pub fn predict(&self, margins: &mut [f32]) {
        match self {
            Self::Logistic { .. } => margins
                .iter_mut()
                .for_each(|margin| *margin = sigmoid(*margin)),
            Self::Gamma { .. } | Self::Poisson { .. } | Self::Tweedie { .. } => margins
                .iter_mut()
                .for_each(|margin| *margin = expf(*margin)),
            Self::Softmax { class_count } => {
                margins.chunks_exact_mut(*class_count).for_each(softmax);
            }
            Self::Squared { .. } | Self::Ndcg(_) => {}
        }
    }

    /// The predictions to start from, one per output, as XGBoost estimates them: the weighted mean
    /// label; for classes the logarithms of their shares, less their mean; for rankings, and with
    /// `scale_pos_weight`, where one Newton step from margin 0 leads.
    ///
    /// # Errors
    /// [`Error::Data`] if all weights are 0, or no label is above 0 where the margin is a logarithm.
    pub(crate) fn estimate_base_scores(
        &self,
        rows: &Rows,
        queries: Option<&Queries>,
    ) -> Result<Vec<f32>> {
        let total = match rows.weights() {
            None => rows.len() as f64,
            Some(weights) => weights.iter().copied().map(f64::from).sum(),
        };
        if total <= 0.0 {
            return Err(Error::data(
                "all rows have weight 0: there is nothing to learn from",
            ));
        }
        let one = match self {
            Self::Softmax { class_count } => return Ok(class_scores(rows, *class_count, total)),
            Self::Ndcg(_) => self.newton_step(rows, queries),
            // Exact comparisons, as XGBoost's.
            Self::Logistic { scale_pos_weight }
            | Self::Squared { scale_pos_weight }
            | Self::Gamma { scale_pos_weight }
                if scale_pos_weight.total_cmp(&1.0).is_ne() =>
            {
                let mut one = [self.newton_step(rows, queries)];
                self.predict(&mut one);
                one[0]
            }
            _ => to_f32(mean(rows, total)),
        };
        let one = match self {
            Self::Logistic { .. } => clamp_probability(one),
            Self::Poisson { .. } | Self::Tweedie { .. } if one <= 0.0 => {
                return Err(Error::data(format!(
                    "every label is 0: `{}` cannot learn a mean of 0",
                    self.objective()
                )));
            }
            _ => one,
        };
        Ok(vec![one])
    }

    fn newton_step(&self, rows: &Rows, queries: Option<&Queries>) -> f32 {
        let mut gradients = vec![Vec::new()];
        let margins = vec![0.0; rows.len()];
        self.gradients(&margins, None, rows, queries, 0, &mut gradients);
        let sum = gradients
            .concat()
            .into_iter()
            .fold(Sum::default(), |sum, one| sum + one.into());
        to_f32(-sum.gradient / sum.hessian.max(1e-6))
    }

    /// The derivatives of the loss for every row, one list per output; `margins` is row-major, and so is
    /// what they [predict](Self::predict), if that is known already. In another round other pairs of a
    /// ranking may be drawn.
    pub(crate) fn gradients(
        &self,
        margins: &[f32],
        predictions: Option<&[f32]>,
        rows: &Rows,
        queries: Option<&Queries>,
        round: u32,
        out: &mut [Vec<Gradient>],
    ) {
        out.iter_mut().for_each(Vec::clear);
        match self {
            Self::Softmax { class_count } => softmax_gradients(margins, rows, *class_count, out),
            Self::Ndcg(ranking) => {
                if let (Some(queries), [out]) = (queries, out) {
                    ranking.gradients(margins, rows, queries, round, out);
                }
            }
            Self::Logistic { scale_pos_weight } => {
                let derive = |prediction: f32, label| Gradient {
                    gradient: prediction - label,
                    hessian: at_least(prediction * (1.0 - prediction), 1e-16),
                };
                match predictions {
                    Some(predictions) => {
                        pointwise(predictions, rows, *scale_pos_weight, out, derive);
                    }
                    None => pointwise(margins, rows, *scale_pos_weight, out, |margin, label| {
                        derive(sigmoid(margin), label)
                    }),
                }
            }
            Self::Squared { scale_pos_weight } => {
                pointwise(margins, rows, *scale_pos_weight, out, |margin, label| {
                    Gradient {
                        gradient: margin - label,
                        hessian: 1.0,
                    }
                });
            }
            Self::Gamma { scale_pos_weight } => {
                pointwise(margins, rows, *scale_pos_weight, out, |margin, label| {
                    let share = label / expf(margin);
                    Gradient {
                        gradient: 1.0 - share,
                        hessian: share,
                    }
                });
            }
            Self::Poisson { max_delta_step } => {
                pointwise(margins, rows, 1.0, out, |margin, label| Gradient {
                    gradient: expf(margin) - label,
                    hessian: expf(margin + max_delta_step),
                });
            }
            Self::Tweedie {
                variance_power: power,
            } => {
                pointwise(margins, rows, 1.0, out, |margin, label| {
                    let (low, high) = (expf((1.0 - power) * margin), expf((2.0 - power) * margin));
                    Gradient {
                        gradient: -label * low + high,
                        hessian: -label * (1.0 - power) * low + (2.0 - power) * high,
                    }
                });
            }
        }
    }
}

/// The derivatives of a loss that looks at one row and its margin, or its prediction.
fn pointwise(
    numbers: &[f32],
    rows: &Rows,
    scale_pos_weight: f32,
    out: &mut [Vec<Gradient>],
    derive: impl Fn(f32, f32) -> Gradient,
) {
    let [out] = out else { return };
    let labels = rows.labels().iter().copied();
    let derivatives = numbers.iter().zip(labels).map(|(&number, label)| {
        // An exact comparison, as XGBoost's: a soft label of 0.999 is not scaled.
        let scale = if label.total_cmp(&1.0).is_eq() {
            scale_pos_weight
        } else {
            1.0
        };
        (derive(number, label), scale)
    });
    match rows.weights() {
        None => out.extend(derivatives.map(|(one, scale)| one.times(scale))),
        Some(weights) => out.extend(
            derivatives
                .zip(weights)
                .map(|((one, scale), &weight)| one.times(weight * scale)),
        ),
    }
}

fn softmax_gradients(margins: &[f32], rows: &Rows, class_count: usize, out: &mut [Vec<Gradient>]) {
    let mut exponentials = vec![0.0; class_count];
    for (row, margins) in margins.chunks_exact(class_count).enumerate() {
        let weight = rows.weights().map_or(1.0, |weights| weights[row]);
        // XGBoost begins with the least positive number: margins that are all negative are not
        // moved up to 0.
        let highest = margins.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
        let mut sum = 0.0;
        for (exponential, &margin) in exponentials.iter_mut().zip(margins) {
            *exponential = expf(margin - highest);
            sum += f64::from(*exponential);
        }
        let sum = to_f32(sum);
        let label = to_whole(rows.labels()[row]);
        for (class, (out, &exponential)) in out.iter_mut().zip(&exponentials).enumerate() {
            let share = exponential / sum;
            let gradient = if class == label { share - 1.0 } else { share };
            out.push(Gradient {
                gradient: gradient * weight,
                hessian: (2.0 * share * (1.0 - share) * weight).max(1e-16),
            });
        }
    }
}

/// The logarithm of each class's share of the weight, less their mean, in float32. XGBoost's `kRtEps`
/// is added, so that a class without rows has a logarithm, too.
fn class_scores(rows: &Rows, class_count: usize, total: f64) -> Vec<f32> {
    let mut weights = vec![0f32; class_count];
    for (row, &label) in rows.labels().iter().enumerate() {
        weights[to_whole(label)] += rows.weights().map_or(1.0, |weights| weights[row]);
    }
    let logs: Vec<f32> = weights
        .iter()
        .map(|&weight| logf(to_f32(f64::from(weight) / total) + 1e-6))
        .collect();
    let mean = logs
        .iter()
        .fold(0.0, |mean, log| mean + log / class_count as f32);
    logs.into_iter().map(|log| log - mean).collect()
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

/// The bound keeps `expf` finite; the last term is XGBoost's guard of its denominator.
#[inline]
pub(crate) fn sigmoid(margin: f32) -> f32 {
    let bounded = if -margin < 88.7 { -margin } else { 88.7 };
    1.0 / (expf(bounded) + 1.0 + 1e-16)
}

/// The larger of the two; the bound if the number is NaN. `f32::max` is a function call in the sandbox.
#[inline(always)]
pub(crate) fn at_least(number: f32, bound: f32) -> f32 {
    if number > bound { number } else { bound }
}

fn softmax(margins: &mut [f32]) {
    let highest = margins.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for margin in margins.iter_mut() {
        *margin = expf(*margin - highest);
        sum += f64::from(*margin);
    }
    let sum = to_f32(sum);
    margins.iter_mut().for_each(|share| *share /= sum);
}

/// Keeps a probability where its margin is finite.
fn clamp_probability(probability: f32) -> f32 {
    probability.clamp(1e-6, 1.0 - 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGISTIC: Loss = Loss::Logistic {
        scale_pos_weight: 1.0,
    };

    fn predict(loss: &Loss, margin: f32) -> f32 {
        let mut one = [margin];
        loss.predict(&mut one);
        one[0]
    }

    #[test]
    fn margin_and_prediction_are_inverse() {
        let poisson = Loss::Poisson {
            max_delta_step: 0.7,
        };
        for (loss, prediction) in [
            (LOGISTIC, 1e-6),
            (LOGISTIC, 0.1),
            (LOGISTIC, 0.9),
            (poisson, 12.5),
        ] {
            let margin = loss.margin(prediction);
            let back = predict(&loss, margin);
            assert!(
                (back - prediction).abs() <= prediction * 1e-5,
                "{prediction} -> {margin} -> {back}"
            );
        }
        assert_eq!(
            predict(&LOGISTIC, f32::NEG_INFINITY),
            1.0 / (expf(88.7) + 1.0)
        );
        assert_eq!(predict(&LOGISTIC, f32::INFINITY), 1.0);
    }

    #[test]
    fn shares_add_up_to_one() {
        let mut margins = [1.0, 1.0, -1000.0, 500.0, 500.0, 500.0];
        Loss::Softmax { class_count: 3 }.predict(&mut margins);
        assert_eq!(margins[..3], [0.5, 0.5, 0.0]);
        assert_eq!(margins[3..], [1.0 / 3.0; 3]);
    }

    #[test]
    fn weights_and_scale_multiply_derivatives() {
        let mut rows = Rows::new(1).weighted();
        rows.extend(&[0.0; 2], &[1.0, 0.0], Some(&[2.0, 3.0]), None)
            .unwrap();
        let scaled = Loss::Logistic {
            scale_pos_weight: 10.0,
        };
        let mut gradients = [Vec::new()];
        scaled.gradients(&[0.0, 0.0], None, &rows, None, 0, &mut gradients);
        let pairs: Vec<_> = gradients[0]
            .iter()
            .map(|one| (one.gradient, one.hessian))
            .collect();
        assert_eq!(pairs, [(-10.0, 5.0), (1.5, 0.75)]);
        assert_eq!(LOGISTIC.estimate_base_scores(&rows, None).unwrap(), [0.4]);
    }

    /// First and second derivatives are those of the loss: compared with differences.
    #[test]
    fn derivatives_are_those_of_the_loss() {
        type Of = fn(f64, f64) -> f64;
        let losses: [(Loss, Of); 3] = [
            (LOGISTIC, |margin, label| {
                (1.0 + (-margin).exp()).ln() + (1.0 - label) * margin
            }),
            (
                Loss::Gamma {
                    scale_pos_weight: 1.0,
                },
                |margin, label| label / margin.exp() + margin,
            ),
            (
                Loss::Tweedie {
                    variance_power: 1.3,
                },
                |margin, label| -label * (-0.3 * margin).exp() / -0.3 + (0.7 * margin).exp() / 0.7,
            ),
        ];
        for (loss, of) in losses {
            for (margin, label) in [(0.3, 1.0), (-1.2, 0.5)] {
                let mut rows = Rows::new(1);
                rows.extend(&[0.0], &[to_f32(label)], None, None).unwrap();
                let mut gradients = [Vec::new()];
                loss.gradients(&[to_f32(margin)], None, &rows, None, 0, &mut gradients);
                let step = 1e-4;
                let (low, high) = (of(margin - step, label), of(margin + step, label));
                let first = (high - low) / (2.0 * step);
                let second = (high - 2.0 * of(margin, label) + low) / (step * step);
                let Gradient { gradient, hessian } = gradients[0][0];
                assert!(
                    (f64::from(gradient) - first).abs() < 1e-4,
                    "{loss:?}: {gradient} {first}"
                );
                assert!(
                    (f64::from(hessian) - second).abs() < 1e-3,
                    "{loss:?}: {hessian} {second}"
                );
            }
        }
    }
}
