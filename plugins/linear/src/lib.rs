//! `linear` learns linear, ridge, lasso, elastic-net and logistic models: the baseline of every other.
//!
//! ```toml
//! [stage.baseline]
//! use = "linear"
//! fit = "flights.train | plane | features"
//! params = { model = "logistic", alpha = 1.0 }
//! ```
//!
//! | parameter | | meaning |
//! |---|---|---|
//! | `model` | | `"linear"`, `"ridge"`, `"lasso"`, `"elastic-net"`; `"logistic"` for two classes, `"multinomial"` for more |
//! | `features` | `["features"]` | the columns to learn from: numbers, booleans or vectors |
//! | `label` | the column with the role `label` | what to learn |
//! | `weight` | the column with the role `weight`, if any | how much a row counts |
//! | `positive` | `true` or `1` | of a logistic model, the label of the positive class; all others are negative. A text label needs it |
//! | `intercept` | `true` | whether there is one; it is never penalized |
//! | `alpha` | `1` | how much large coefficients cost; 0 for nothing |
//! | `l1_ratio` | `0.5`, logistic `0` | of elastic nets and logistic models: how much of that is for their size rather than their square |
//! | `max_iterations` | `10000`, logistic `100` | of lasso, elastic net and logistic models |
//! | `tolerance` | `1e-12` | when they have converged |
//! | `into` | `"prediction"` | what the column of predictions is called |
//!
//! `w` are coefficients, `e` = label - prediction, and sums are over rows by their weight:
//!
//! | model | minimizes | scikit-learn |
//! |---|---|---|
//! | `linear` | Σ e² | `LinearRegression()` |
//! | `ridge` | Σ e² + alpha Σ w² | `Ridge(alpha)` |
//! | `lasso` | Σ e² / (2 × weight of all rows) + alpha Σ \|w\| | `Lasso(alpha)` |
//! | `elastic-net` | Σ e² / (2 × weight of all rows) + alpha (l1_ratio Σ \|w\| + (1 - l1_ratio) / 2 Σ w²) | `ElasticNet(alpha, l1_ratio)` |
//! | `logistic`, `multinomial` | Σ -ln p(label) + alpha (l1_ratio Σ \|w\| + (1 - l1_ratio) / 2 Σ w²) | `LogisticRegression(C = 1 / alpha, l1_ratio)` |
//!
//! **The prediction** has the role `prediction` and is float64: a number; of `logistic` the probability of the
//! positive class; of `multinomial` a vector with the probability of each class, whose elements have the
//! classes' names (whole numbers by value, then texts). `metrics` reads them as they are.
//!
//! **The solvers are deterministic** and go further than scikit-learn's defaults, which stop early. Tests compare
//! with scikit-learn at its tightest tolerance: coefficients and predictions of `linear` and `ridge` agree
//! within 1e-9 relative, of all others within 1e-6.
//!
//! - `linear` and `ridge` solve the normal equations, scaled, by Cholesky's method with pivots and a step of
//!   refinement. Where features are combinations of others (a part of less than 1e-12 of their variance is
//!   their own), the solution of least norm is taken, as by scikit-learn. The two differ in what is still told
//!   apart: `LinearRegression` compares features in their own units and gives up those of very small numbers
//!   beside very large ones, which are kept here.
//! - `lasso` and `elastic-net` go down coordinate by coordinate until no step moves a prediction by more than
//!   `tolerance` standard deviations of the label. Scikit-learn stops at a duality gap of 1e-4.
//! - logistic models take Newton's steps, found by coordinate descent where sizes cost, and halved where they
//!   would overshoot, until one promises to gain less than `tolerance` of the loss. Of `multinomial` models of two classes, one score is learned, that of the
//!   second class.
//!
//! If they have not converged, there is a finding of severity `warn`. Metrics are `train_mse` and `train_r2`, or
//! `train_log_loss`, and `iterations`; the report has the coefficients by name, intercepts, classes, rank,
//! iterations and whether it converged. Logistic models tell their loss step by step.
//!
//! **Memory and mergeability.** Least squares keeps exact sums in two passes, one for the means and one for the
//! products of each two features: order-free, mergeable, and 1 KiB for each pair, so 50 MB for 300 features.
//! Each pair of numbers that are not 0 costs some 20 ns a row, which for 300 dense features is most of a
//! millisecond; columns of zeros and ones cost little. A logistic model needs the rows again and again, so it keeps them, 16 bytes a feature
//! and row while memory doubles, in their order, and is not mergeable.
//!
//! Nulls, NaN and infinities in features or labels are errors that name the column: impute them before. So are
//! labels that are no class, weights below 0, and a table in which no row counts.

mod columns;
mod fitted;
mod gram;
mod least_squares;
mod logistic;
mod params;
mod predict;
mod proximal;
mod solve;
mod train;

use trueline_sdk::prelude::*;

pub use params::Params;
pub use predict::Predict;
pub use train::Train;

/// More classes than these are likely a mistake.
const MOST_CLASSES: usize = 100;

/// The stage.
pub struct Linear;

impl Stage for Linear {
    type Params = Params;
    type Reduce = Train;
    type Map = Predict;

    fn describe(params: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        params.check()?;
        let reduction = match inputs {
            [] => None,
            _ => Some(train::describe(params, inputs)?),
        };
        let mapping = rows
            .map(|rows| predict::describe(params, rows))
            .transpose()?;
        Ok(Signature { reduction, mapping })
    }
}

export_model!(Linear);

#[cfg(test)]
mod tests;
