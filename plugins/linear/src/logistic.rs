//! Logistic models of two classes or several, by Newton's method.

use ndarray::{Array1, Array2, ArrayView2, linalg::general_mat_mul, s};
use trueline_sdk::prelude::*;
use trueline_sdk::{math, progress};

use crate::fitted::{Fit, Fitted};
use crate::params::Training;
use crate::proximal;
use crate::solve::solve;

/// Rows whose products are computed at a time: few enough to stay in a core's cache.
const BLOCK: usize = 256;
/// A step is halved so often before it is given up.
const MOST_HALVINGS: u32 = 40;

/// Every row, in the order in which they came.
pub(crate) struct Rows {
    /// Row after row, each with a 1 at its end for the intercept, or a 0 if there is to be none.
    features: Array2<f64>,
    classes: Vec<u32>,
    weights: Vec<f64>,
}

impl Rows {
    /// # Errors
    /// [`Error::Data`] if no row counts.
    pub(crate) fn new(
        columns: usize,
        features: Vec<f64>,
        classes: Vec<u32>,
        weights: Vec<f64>,
    ) -> Result<Self> {
        if weights.iter().all(|&weight| weight == 0.0) {
            return Err(Error::data(if weights.is_empty() {
                "there is no row to learn from"
            } else {
                "no row has a weight above 0"
            }));
        }
        let features = Array2::from_shape_vec((classes.len(), columns), features)
            .map_err(|error| Error::other(format!("features are not a table: {error}")))?;
        Ok(Self {
            features,
            classes,
            weights,
        })
    }
}

/// The loss that is minimized, at one point.
struct Point {
    /// One row of coefficients a score; the last of each is the intercept.
    coefficients: Array2<f64>,
    loss: f64,
    /// The probability of each score's class in each row.
    probabilities: Array2<f64>,
}

/// Minimizes Σ weight × -ln p(label) + alpha × (l1_ratio Σ |coefficient| + (1 - l1_ratio) / 2 Σ coefficient²).
/// Of two classes there is one score, that of class 1; of more there is one each.
pub(crate) fn fit(training: &Training, rows: &Rows, classes: Vec<String>) -> Fit {
    let scores = if classes.len() > 2 || classes.is_empty() {
        classes.len().max(1)
    } else {
        1
    };
    let columns = rows.features.ncols();
    let mut point = rows.point(training, Array2::zeros((scores, columns)));
    let (mut iterations, mut converged) = (0, false);
    while iterations < training.max_iterations {
        let gradient = rows.gradient(training, &point);
        let curvature = rows.curvature(training, &point);
        // What the step promises to gain; quadratic, so half of it is what is left.
        let (step, promised) = if training.sizes() > 0.0 {
            proximal::step(
                training,
                &point.coefficients,
                &curvature,
                &gradient,
                point.loss,
            )
        } else {
            let (step, _) = solve(&curvature, &gradient);
            let promised = gradient.dot(&step);
            (step, promised)
        };
        if promised.is_nan() {
            break;
        }
        iterations += 1;
        let (next, gained) = rows.search(training, point, &step);
        point = next;
        converged = promised <= training.tolerance * (1.0 + point.loss.abs()) || !gained;
        let told = [Metric::new("train_loss", point.loss)];
        if converged || progress::step(iterations - 1, &told) == progress::Decision::Stop {
            break;
        }
    }
    let total: f64 = rows.weights.iter().sum();
    let penalty = penalty(training, &point.coefficients);
    let coefficients = point.coefficients.slice(s![.., ..columns - 1]);
    Fit {
        fitted: Fitted {
            coefficients: coefficients.outer_iter().map(|row| row.to_vec()).collect(),
            intercepts: point.coefficients.column(columns - 1).to_vec(),
            classes,
        },
        rows: rows.classes.len() as u64,
        iterations,
        converged,
        rank: columns - 1,
        metrics: vec![("train_log_loss", (point.loss - penalty) / total)],
    }
}

/// What the coefficients cost, all but the intercepts.
fn penalty(training: &Training, coefficients: &Array2<f64>) -> f64 {
    let penalized = coefficients.slice(s![.., ..coefficients.ncols() - 1]);
    let (squares, sizes) = penalized
        .iter()
        .fold((0.0, 0.0), |(squares, sizes), coefficient| {
            (
                squares + coefficient * coefficient,
                sizes + coefficient.abs(),
            )
        });
    training.squares() / 2.0 * squares + training.sizes() * sizes
}

impl Rows {
    /// Whether there are rows of class 1, and of class 0.
    pub(crate) fn has_both(&self) -> [bool; 2] {
        [1, 0].map(|class| self.classes.contains(&class))
    }

    /// Loss and probabilities at these coefficients.
    fn point(&self, training: &Training, coefficients: Array2<f64>) -> Point {
        let mut probabilities = self.features.dot(&coefficients.t());
        let mut loss = 0.0;
        let each = probabilities
            .outer_iter_mut()
            .zip(&self.classes)
            .zip(&self.weights);
        for ((mut scores, &class), &weight) in each {
            let row_loss = match scores.as_slice_mut() {
                Some([score]) => {
                    let own = if class == 1 { *score } else { -*score };
                    *score = probability(*score);
                    softplus(-own)
                }
                Some(scores) => softmax(scores, class as usize),
                None => f64::NAN,
            };
            loss += weight * row_loss;
        }
        loss += penalty(training, &coefficients);
        Point {
            coefficients,
            loss,
            probabilities,
        }
    }

    /// Downhill but for the cost of sizes, coefficients of one score after those of another.
    fn gradient(&self, training: &Training, point: &Point) -> Array1<f64> {
        let (scores, columns) = point.coefficients.dim();
        let mut residuals = Array2::zeros((self.classes.len(), scores));
        for (row, (&class, &weight)) in self.classes.iter().zip(&self.weights).enumerate() {
            for score in 0..scores {
                let of_score = if scores == 1 { 1 } else { score };
                let label = f64::from(class as usize == of_score);
                residuals[[row, score]] = weight * (label - point.probabilities[[row, score]]);
            }
        }
        let mut gradient = residuals.t().dot(&self.features);
        let mut penalized = gradient.slice_mut(s![.., ..columns - 1]);
        penalized.scaled_add(
            -training.squares(),
            &point.coefficients.slice(s![.., ..columns - 1]),
        );
        Array1::from_iter(gradient.iter().copied())
    }

    /// The matrix of second derivatives but for the cost of sizes, which has none, block by block of two scores.
    fn curvature(&self, training: &Training, point: &Point) -> Array2<f64> {
        let (scores, columns) = point.coefficients.dim();
        let mut curvature = Array2::<f64>::zeros((scores * columns, scores * columns));
        for a in 0..scores {
            for b in 0..=a {
                let block = self.products(|row| {
                    let (p, q) = (point.probabilities[[row, a]], point.probabilities[[row, b]]);
                    self.weights[row] * if a == b { p * (1.0 - p) } else { -p * q }
                });
                let (rows, others) = (
                    a * columns..(a + 1) * columns,
                    b * columns..(b + 1) * columns,
                );
                curvature
                    .slice_mut(s![rows.clone(), others.clone()])
                    .assign(&block);
                curvature.slice_mut(s![others, rows]).assign(&block.t());
            }
            for column in 0..columns - 1 {
                curvature[[a * columns + column, a * columns + column]] += training.squares();
            }
        }
        curvature
    }

    /// The sum over rows of `weight` times the products of each two features. Blocks are cut by the number of
    /// the row, so that batches mean nothing.
    fn products(&self, weight: impl Fn(usize) -> f64) -> Array2<f64> {
        let columns = self.features.ncols();
        let mut products = Array2::zeros((columns, columns));
        let mut weighted = Array2::zeros((BLOCK, columns));
        for start in (0..self.classes.len()).step_by(BLOCK) {
            let end = self.classes.len().min(start + BLOCK);
            let block: ArrayView2<'_, f64> = self.features.slice(s![start..end, ..]);
            let mut scaled = weighted.slice_mut(s![..end - start, ..]);
            scaled.assign(&block);
            for (row, mut values) in (start..end).zip(scaled.outer_iter_mut()) {
                let weight = weight(row);
                values.mapv_inplace(|value| value * weight);
            }
            general_mat_mul(1.0, &scaled.t(), &block, 1.0, &mut products);
        }
        products
    }

    /// Goes along a step as far as it gains; tells whether it did.
    fn search(&self, training: &Training, from: Point, step: &Array1<f64>) -> (Point, bool) {
        let mut length = 1.0;
        for _ in 0..MOST_HALVINGS {
            let mut coefficients = from.coefficients.clone();
            for (coefficient, step) in coefficients.iter_mut().zip(step) {
                *coefficient += length * step;
            }
            let point = self.point(training, coefficients);
            if point.loss < from.loss {
                return (point, true);
            }
            length /= 2.0;
        }
        (from, false)
    }
}

/// 1 / (1 + exp(-score)), without overflow.
pub(crate) fn probability(score: f64) -> f64 {
    if score >= 0.0 {
        1.0 / (1.0 + math::exp(-score))
    } else {
        let odds = math::exp(score);
        odds / (1.0 + odds)
    }
}

/// ln(1 + exp(score)), without overflow.
fn softplus(score: f64) -> f64 {
    score.max(0.0) + math::log1p(math::exp(-score.abs()))
}

/// Turns scores into probabilities; answers with -ln of that of `class`.
pub(crate) fn softmax(scores: &mut [f64], class: usize) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = scores.get(class).map_or(0.0, |score| score - largest);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = math::exp(*score - largest);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
    math::ln(sum) - own
}
