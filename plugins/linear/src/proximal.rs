//! Newton's step where large coefficients cost their size.

use ndarray::{Array1, Array2};

use crate::least_squares::soft_threshold;
use crate::params::Training;

/// Rounds over all coefficients, at most.
const MOST_ROUNDS: u32 = 10_000;
/// How much closer than the whole model the step is found.
const CLOSER: f64 = 1e-4;

/// The step that minimizes the loss as its derivatives tell it (`gradient` leads downhill, without the cost of
/// sizes) and the cost of sizes, by coordinate descent; and what it promises to gain. `loss` is that of
/// `coefficients`, one row a score with the intercept last, which costs nothing. A coefficient that is best at 0
/// comes to be exactly 0.
///
/// Source: J. Friedman, T. Hastie, R. Tibshirani, *Regularization paths for generalized linear models via
/// coordinate descent* (2010), section 3; J. Lee, Y. Sun, M. Saunders, *Proximal Newton-type methods* (2014).
pub(crate) fn step(
    training: &Training,
    coefficients: &Array2<f64>,
    curvature: &Array2<f64>,
    gradient: &Array1<f64>,
    loss: f64,
) -> (Array1<f64>, f64) {
    let columns = coefficients.ncols();
    let is_penalized = |at: usize| at % columns + 1 < columns;
    let start = Array1::from_iter(coefficients.iter().copied());
    let mut end = start.clone();
    // What is left to go downhill.
    let mut rest = gradient.clone();
    let close_enough = CLOSER * training.tolerance * (1.0 + loss.abs());
    for _ in 0..MOST_ROUNDS {
        let mut largest: f64 = 0.0;
        for at in 0..end.len() {
            let own = curvature[[at, at]];
            if own <= 0.0 {
                continue;
            }
            let old = end[at];
            let pull = rest[at] + own * old;
            let new = match is_penalized(at) {
                true => soft_threshold(pull, training.sizes()) / own,
                false => pull / own,
            };
            if new != old {
                end[at] = new;
                rest.scaled_add(old - new, &curvature.column(at));
                largest = largest.max((new - old) * (new - old) * own);
            }
        }
        if largest <= close_enough {
            break;
        }
    }
    let size = |coefficients: &Array1<f64>| -> f64 {
        let penalized = coefficients.iter().enumerate();
        let penalized = penalized.filter(|(at, _)| is_penalized(*at));
        penalized.map(|(_, coefficient)| coefficient.abs()).sum()
    };
    let step = &end - &start;
    let promised = gradient.dot(&step) - training.sizes() * (size(&end) - size(&start));
    (step, promised)
}
