//! Where a number lies among the quantiles of a column.

use std::rc::Rc;

use trueline_sdk::math::normal_quantile;

/// So close to a bound a number counts as there, where ranks become normal.
const AT_BOUND: f64 = 1e-7;

/// Numbers to their ranks, from 0 to 1, or to the normal distribution's quantiles of these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranks {
    /// Ascending, at least one.
    quantiles: Vec<f64>,
    /// Negated, ascending: the other direction of the interpolation.
    negated: Vec<f64>,
    ranks: Vec<f64>,
    negated_ranks: Vec<f64>,
    is_normal: bool,
    /// What no normal result is below, and the opposite of what none is above.
    bounds: [f64; 2],
}

/// So many numbers from 0 to 1 at equal distances, as `numpy.linspace` makes them.
pub(crate) fn evenly(count: usize) -> Vec<f64> {
    let step = 1.0 / (count.max(2) - 1) as f64;
    let inner = (0..count.saturating_sub(1)).map(|index| index as f64 * step);
    match count {
        0 | 1 => vec![0.0; count],
        _ => inner.chain([1.0]).collect(),
    }
}

impl Ranks {
    pub(crate) fn new(mut quantiles: Vec<f64>, is_normal: bool) -> Rc<Self> {
        // Interpolation may round two equal ones apart.
        for index in 1..quantiles.len() {
            quantiles[index] = quantiles[index].max(quantiles[index - 1]);
        }
        let ranks = evenly(quantiles.len());
        let negated = |numbers: &[f64]| numbers.iter().rev().map(|x| -x).collect();
        let least = AT_BOUND - f64::EPSILON;
        Rc::new(Self {
            negated: negated(&quantiles),
            negated_ranks: negated(&ranks),
            quantiles,
            ranks,
            is_normal,
            bounds: [normal_quantile(least), normal_quantile(1.0 - least)],
        })
    }

    /// The rank of a number; of repeated quantiles the mean. NaN for NaN.
    pub(crate) fn of(&self, x: f64) -> f64 {
        if x.is_nan() {
            return x;
        }
        let (Some(first), Some(last)) = (self.quantiles.first(), self.quantiles.last()) else {
            return f64::NAN;
        };
        let margin = if self.is_normal { AT_BOUND } else { 0.0 };
        let is_lowest = x - margin < *first || x == *first;
        let is_highest = x + margin > *last || x == *last;
        let rank = match (is_lowest, is_highest) {
            (true, _) => 0.0,
            (_, true) => 1.0,
            _ => {
                let forward = interpolated(x, &self.quantiles, &self.ranks);
                let backward = interpolated(-x, &self.negated, &self.negated_ranks);
                0.5 * (forward - backward)
            }
        };
        if !self.is_normal {
            return rank;
        }
        let [low, high] = self.bounds;
        let normal = normal_quantile(rank);
        let normal = if normal < low { low } else { normal };
        if normal > high { high } else { normal }
    }
}

/// Linear interpolation in the operations of `numpy.interp`; `x` is finite, or all of it is NaN.
fn interpolated(x: f64, places: &[f64], values: &[f64]) -> f64 {
    let above = places.partition_point(|place| *place <= x);
    if above == 0 {
        return values[0];
    }
    let below = above - 1;
    if above == places.len() || places[below] == x {
        return values[below];
    }
    let slope = (values[above] - values[below]) / (places[above] - places[below]);
    slope * (x - places[below]) + values[below]
}
