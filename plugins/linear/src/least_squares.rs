//! Linear, ridge, lasso and elastic-net models from sums of products.

use ndarray::Array1;

use crate::fitted::{Fit, Fitted};
use crate::gram::Moments;
use crate::params::{Model, Training};
use crate::solve::solve;

/// The coefficients that the sums lead to.
pub(crate) fn fit(training: &Training, moments: &Moments) -> Fit {
    let p = moments.with_label.len();
    let (coefficients, iterations, converged, rank) = match training.model {
        Model::Lasso | Model::ElasticNet => {
            let (coefficients, iterations, converged) = descend(training, moments);
            (coefficients, iterations, converged, p)
        }
        _ => {
            let mut gram = moments.gram.clone();
            gram.diag_mut()
                .mapv_inplace(|square| square + training.alpha);
            let (coefficients, rank) = solve(&gram, &moments.with_label);
            (coefficients, 1, true, rank)
        }
    };
    let (label, features) = moments
        .means
        .split_last()
        .map_or((0.0, &[][..]), |(l, f)| (*l, f));
    let explained: f64 = coefficients.iter().zip(features).map(|(a, b)| a * b).sum();
    let squared_error = (moments.of_label - 2.0 * coefficients.dot(&moments.with_label)
        + coefficients.dot(&moments.gram.dot(&coefficients)))
    .max(0.0);
    Fit {
        fitted: Fitted {
            classes: Vec::new(),
            coefficients: vec![coefficients.to_vec()],
            intercepts: vec![if training.intercept {
                label - explained
            } else {
                0.0
            }],
        },
        rows: moments.rows,
        iterations,
        converged,
        rank,
        metrics: vec![
            ("train_mse", squared_error / moments.weight),
            ("train_r2", 1.0 - squared_error / moments.of_label),
        ],
    }
}

/// Coordinate descent: each coefficient in turn is set to what is best given the others, which for a penalty
/// on sizes is a soft threshold.
///
/// Source: J. Friedman, T. Hastie, R. Tibshirani, *Regularization paths for generalized linear models via
/// coordinate descent* (2010), "covariance updates".
fn descend(training: &Training, moments: &Moments) -> (Array1<f64>, u32, bool) {
    let Moments {
        gram,
        with_label,
        weight,
        of_label,
        ..
    } = moments;
    let p = with_label.len();
    let (sizes, squares) = (training.sizes(), training.squares());
    // Steps are judged in units of the label's standard deviation.
    let smallest = training.tolerance * (of_label / weight).sqrt();
    let mut coefficients = Array1::<f64>::zeros(p);
    // What each feature could still explain.
    let mut gradient = with_label / *weight;
    for iteration in 1..=training.max_iterations {
        let mut largest: f64 = 0.0;
        for at in 0..p {
            let curvature = gram[[at, at]] / weight;
            if curvature <= 0.0 {
                continue;
            }
            let old = coefficients[at];
            let pull = gradient[at] + curvature * old;
            let new = soft_threshold(pull, sizes) / (curvature + squares);
            if new != old {
                coefficients[at] = new;
                gradient.scaled_add((old - new) / weight, &gram.column(at));
                largest = largest.max((new - old).abs() * curvature.sqrt());
            }
        }
        if largest <= smallest {
            return (coefficients, iteration, true);
        }
    }
    (coefficients, training.max_iterations, false)
}

/// `value` drawn towards 0 by `threshold`.
pub(crate) fn soft_threshold(value: f64, threshold: f64) -> f64 {
    if value > threshold {
        value - threshold
    } else if value < -threshold {
        value + threshold
    } else {
        0.0
    }
}
