//! The best split of a node.
//!
//! Every rounding is XGBoost's: weights and gains are float32 made of float64 sums, in the order of
//! `src/tree/param.h` and `src/tree/hist/evaluate_splits.h` of version 3.4.

use crate::{bins::Layout, cuts::Cuts, histogram::Sum, num::to_f32, params::TreeParams};

/// A split of a node's rows in two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Split {
    /// How much the loss falls.
    pub loss_change: f32,
    /// The feature that is compared.
    pub feature: usize,
    /// Rows below it go left.
    pub threshold: f32,
    /// The same as bins: those before this one go left.
    pub left_bins: usize,
    /// Whether rows that miss the feature go left.
    pub default_left: bool,
    /// Sum over the rows that go left.
    pub left: Sum,
    /// Sum over the rows that go right.
    pub right: Sum,
}

/// The value of a leaf with this sum, before the learning rate: 0 if nothing is in it.
pub(crate) fn weight(params: &TreeParams, sum: Sum) -> f32 {
    if sum.hessian <= 0.0 {
        return 0.0;
    }
    let weight = -soft_threshold(sum.gradient, params.alpha.into())
        / (sum.hessian + f64::from(params.lambda));
    let limit = f64::from(params.max_delta_step);
    to_f32(if limit != 0.0 && weight.abs() > limit {
        limit.copysign(weight)
    } else {
        weight
    })
}

/// How much the loss falls when a leaf with this sum gets this value.
fn gain_given_weight(params: &TreeParams, sum: Sum, weight: f32) -> f32 {
    if sum.hessian <= 0.0 {
        return 0.0;
    }
    let square = f64::from(weight * weight);
    let cost = 2.0 * sum.gradient * f64::from(weight)
        + (sum.hessian + f64::from(params.lambda)) * square
        + 2.0 * f64::from(params.alpha) * f64::from(weight.abs());
    to_f32(-cost)
}

/// How much the loss falls when a leaf with this sum gets the value that suits it.
pub(crate) fn gain(params: &TreeParams, sum: Sum) -> f32 {
    gain_given_weight(params, sum, weight(params, sum))
}

fn soft_threshold(gradient: f64, alpha: f64) -> f64 {
    if gradient > alpha {
        gradient - alpha
    } else if gradient < -alpha {
        gradient + alpha
    } else {
        0.0
    }
}

/// What is needed to judge the splits of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evaluator<'a> {
    pub params: &'a TreeParams,
    pub cuts: &'a [Cuts],
    pub layout: &'a Layout,
}

impl Evaluator<'_> {
    /// The split that the loss falls most by, if it falls at all. Of equal ones, the first: by
    /// feature, then values that are missing right before left, then in the order of the scan.
    pub(crate) fn best_split(&self, histogram: &[Sum], node: Sum, node_gain: f32) -> Option<Split> {
        let mut best = None;
        for (feature, cuts) in self.cuts.iter().enumerate() {
            let bins = &histogram[self.layout.bins(feature)];
            let mut scan = Scan {
                params: self.params,
                node,
                node_gain,
                feature,
                best: None,
            };
            let present = scan.forward(bins, cuts);
            replace_if_better(&mut best, scan.best.take());
            // Only then are values missing here, as far as the sums can tell.
            if present != node {
                scan.backward(bins, cuts);
                replace_if_better(&mut best, scan.best);
            }
        }
        best
    }

    /// Whether the split is worth making.
    pub(crate) fn is_worthwhile(&self, split: &Split) -> bool {
        /// XGBoost's `kRtEps`.
        const LEAST_LOSS_CHANGE: f32 = 1e-6;
        split.loss_change > LEAST_LOSS_CHANGE
            && split.loss_change >= self.params.gamma
            && split.left.hessian != 0.0
            && split.right.hessian != 0.0
    }
}

fn replace_if_better(best: &mut Option<Split>, other: Option<Split>) {
    if let Some(other) = other {
        if other.loss_change > best.map_or(0.0, |best| best.loss_change) {
            *best = Some(other);
        }
    }
}

/// A scan over the bins of one feature.
struct Scan<'a> {
    params: &'a TreeParams,
    node: Sum,
    node_gain: f32,
    feature: usize,
    best: Option<Split>,
}

impl Scan<'_> {
    /// Ever more of the lowest bins go left; missing values go right. Returns the sum of all bins.
    fn forward(&mut self, bins: &[Sum], cuts: &[f32]) -> Sum {
        let mut left = Sum::default();
        for (at, (&bin, &cut)) in bins.iter().zip(cuts).enumerate() {
            left = left + bin;
            let right = self.node - left;
            self.consider(left, right, |split| Split {
                threshold: cut,
                left_bins: at + 1,
                default_left: false,
                ..split
            });
        }
        left
    }

    /// Ever more of the highest bins go right; missing values go left.
    fn backward(&mut self, bins: &[Sum], cuts: &[f32]) {
        let mut right = Sum::default();
        for (at, &bin) in bins.iter().enumerate().rev() {
            right = right + bin;
            let left = self.node - right;
            self.consider(left, right, |split| Split {
                threshold: if at == 0 {
                    f32::NEG_INFINITY
                } else {
                    cuts[at - 1]
                },
                left_bins: at,
                default_left: true,
                ..split
            });
        }
    }

    #[inline]
    fn consider(&mut self, left: Sum, right: Sum, place: impl FnOnce(Split) -> Split) {
        let least = f64::from(self.params.min_child_weight);
        if left.hessian < least || right.hessian < least {
            return;
        }
        let loss_change = gain(self.params, left) + gain(self.params, right) - self.node_gain;
        let to_beat = self.best.map_or(0.0, |best| best.loss_change);
        if loss_change > to_beat && loss_change.is_finite() {
            self.best = Some(place(Split {
                loss_change,
                feature: self.feature,
                threshold: 0.0,
                left_bins: 0,
                default_left: false,
                left,
                right,
            }));
        }
    }
}
