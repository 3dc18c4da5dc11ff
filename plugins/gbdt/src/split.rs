//! The best split of a node.
//!
//! Every rounding is XGBoost's: weights and gains are float32 made of float64 sums, in the order of
//! `src/tree/param.h` and `src/tree/hist/evaluate_splits.h` of version 3.4.

mod categorical;

use crate::{
    bins::Layout, constraints::Bounds, cuts::Cuts, histogram::Sum, num::to_f32, params::TreeParams,
};

/// A split of a node's rows in two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    /// How much the loss falls.
    pub loss_change: f32,
    /// The feature that is looked at.
    pub feature: usize,
    pub place: Place,
    /// Whether rows that miss the feature go left.
    pub default_left: bool,
    /// Sum over the rows that go left.
    pub left: Sum,
    /// Sum over the rows that go right.
    pub right: Sum,
}

/// Where a feature's values part.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// Rows below the threshold go left, which is to say those in so many of the lowest bins.
    Below { threshold: f32, left_bins: usize },
    /// These categories go right, ascending.
    Categories(Vec<u32>),
}

/// The value of a leaf with this sum, before the learning rate: 0 if nothing is in it.
#[inline]
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
#[inline]
pub(crate) fn gain_given_weight(params: &TreeParams, sum: Sum, weight: f32) -> f32 {
    if sum.hessian <= 0.0 {
        return 0.0;
    }
    let square = f64::from(weight * weight);
    let cost = 2.0 * sum.gradient * f64::from(weight)
        + (sum.hessian + f64::from(params.lambda)) * square
        + 2.0 * f64::from(params.alpha) * f64::from(weight.abs());
    to_f32(-cost)
}

#[inline]
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

/// A node as its splits are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub sum: Sum,
    /// What the loss falls by if it stays a leaf.
    pub gain: f32,
    pub bounds: Bounds,
}

impl Evaluator<'_> {
    /// The split on one of these features, which ascend, that the loss falls most by, if it falls at
    /// all. Of equal ones, the first: by feature, then values that are missing right before left,
    /// then in the order of the scan.
    pub(crate) fn best_split(
        &self,
        histogram: &[Sum],
        node: Judged,
        features: &[u32],
    ) -> Option<Split> {
        let mut best: Option<Split> = None;
        for &feature in features {
            let feature = feature as usize;
            let bins = &histogram[self.layout.bins(feature)];
            let mut scan = Scan {
                params: self.params,
                node,
                feature,
                best: None,
            };
            let place = if self.layout.is_categorical(feature) {
                scan.categories(bins)
            } else {
                scan.numbers(bins, &self.cuts[feature])
            };
            let to_beat = best.as_ref().map_or(0.0, |best| best.loss_change);
            if let (Some(place), Some(found)) = (place, scan.best) {
                if found.loss_change > to_beat {
                    best = Some(Split {
                        loss_change: found.loss_change,
                        feature,
                        place,
                        default_left: found.default_left,
                        left: found.left,
                        right: found.right,
                    });
                }
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

/// A scan over the bins of one feature.
struct Scan<'a> {
    params: &'a TreeParams,
    node: Judged,
    feature: usize,
    best: Option<Found>,
}

/// The best split of a scan so far.
#[derive(Clone, Copy)]
struct Found {
    loss_change: f32,
    /// What it means is the scan's matter.
    at: usize,
    default_left: bool,
    left: Sum,
    right: Sum,
}

impl Scan<'_> {
    /// The best threshold.
    fn numbers(&mut self, bins: &[Sum], cuts: &[f32]) -> Option<Place> {
        let present = self.forward(bins);
        // Only then are values missing here, as far as the sums can tell.
        if present != self.node.sum {
            self.backward(bins);
        }
        let left_bins = self.best?.at;
        Some(Place::Below {
            threshold: match left_bins.checked_sub(1) {
                None => f32::NEG_INFINITY,
                Some(last) => cuts[last],
            },
            left_bins,
        })
    }

    /// Ever more of the lowest bins go left; missing values go right. Returns the sum of all bins.
    fn forward(&mut self, bins: &[Sum]) -> Sum {
        let mut left = Sum::default();
        for (at, &bin) in bins.iter().enumerate() {
            // Nobody is in it: the same split as the one before.
            if bin != Sum::default() {
                left = left + bin;
                self.consider(left, self.node.sum - left, at + 1, false);
            }
        }
        left
    }

    /// Ever more of the highest bins go right; missing values go left.
    fn backward(&mut self, bins: &[Sum]) {
        let mut right = Sum::default();
        for (at, &bin) in bins.iter().enumerate().rev() {
            if bin != Sum::default() {
                right = right + bin;
                self.consider(self.node.sum - right, right, at, true);
            }
        }
    }

    #[inline]
    fn consider(&mut self, left: Sum, right: Sum, at: usize, default_left: bool) {
        let least = f64::from(self.params.min_child_weight);
        if left.hessian < least || right.hessian < least {
            return;
        }
        let bounds = self.node.bounds;
        let weights = [left, right].map(|side| bounds.weight(self.params, side));
        let loss_change = gain_given_weight(self.params, left, weights[0])
            + gain_given_weight(self.params, right, weights[1])
            - self.node.gain;
        let to_beat = self.best.map_or(0.0, |best| best.loss_change);
        if loss_change > to_beat
            && loss_change.is_finite()
            && self
                .params
                .constraints
                .allows(self.feature, weights[0], weights[1])
        {
            self.best = Some(Found {
                loss_change,
                at,
                default_left,
                left,
                right,
            });
        }
    }
}
