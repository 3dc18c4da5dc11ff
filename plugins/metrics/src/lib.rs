//! `metrics` measures predictions against labels: of two classes, or of numbers.
//!
//! ```toml
//! [stage.score]
//! use = "metrics"
//! in = "flights.test | plane | features | model"
//! ```
//!
//! | parameter | | meaning |
//! |---|---|---|
//! | `label` | the column with the role `label` | what was true |
//! | `prediction` | the column with the role `prediction`, else the one called so | what the model answered |
//! | `weight` | the column with the role `weight`, if any | how much a row counts |
//! | `task` | by the label's type | `"classification"` (boolean, integer, text) or `"regression"` (float) |
//! | `positive` | `true` or `1` | the label that counts as positive; all others are negative. A text label needs it |
//! | `threshold` | `0.5` | a row is predicted positive if its prediction is above this |
//! | `nulls` | `"error"` | rows with a null in one of the columns: `"error"`, or `"skip"` to leave them out |
//!
//! **Classification.** The prediction is the probability of the positive label. `w` is a row's
//! weight (1 without weights); TP, FP, TN and FN are the weights of the four cells of the confusion
//! matrix, which is in the report.
//!
//! | metric | definition |
//! |---|---|
//! | `accuracy` | (TP + TN) / (TP + FP + TN + FN) |
//! | `auc` | area under the ROC curve: the weight of pairs of a positive and a negative row that the prediction puts in the right order, half of it if it ties, in all such pairs. Exact; `roc_auc_score` of scikit-learn |
//! | `log_loss` | mean of -ln p(label), predictions clipped to [ε, 1 - ε] with the ε of their type; `log_loss` of scikit-learn, in float64 |
//! | `brier` | mean of (p - label)² |
//! | `precision`, `recall`, `f1` | TP / (TP + FP), TP / (TP + FN), 2 TP / (2 TP + FP + FN) |
//! | `positive_share` | (TP + FN) / (TP + FP + TN + FN) |
//!
//! **Regression.** `e` is prediction - label.
//!
//! | metric | definition |
//! |---|---|
//! | `rmse`, `mae` | √(mean of e²), mean of \|e\| |
//! | `bias` | mean of e |
//! | `r2` | 1 - mean of e² / variance of the label; without weights only |
//!
//! Both have `rows`, the rows measured, and `skipped`. A metric that is not defined on these rows is
//! NaN (`auc` with one class, `precision` where nothing is predicted positive, all of them without
//! rows), so that no gate lets it pass.
//!
//! NaN in a label, prediction or weight is an error, as are weights below 0 and predictions of a
//! class outside [0, 1].
//!
//! **Order-free and mergeable.** Regression keeps exact sums. Classification keeps how often each
//! distinct pair of prediction and weight was seen with either label: up to 64 bytes a row if all
//! differ.

mod columns;
mod counts;
mod params;
mod reduce;
mod regression;
mod rows;
mod scores;

use trueline_sdk::prelude::*;

pub use params::Params;
pub use reduce::Measure;

/// The stage.
pub struct Metrics;

impl Stage for Metrics {
    type Params = Params;
    type Reduce = Measure;
    type Map = NoMap<Params>;

    fn describe(params: &Params, inputs: &[Input], _rows: Option<&Schema>) -> Result<Signature> {
        columns::describe(params, inputs)
    }
}

export_check!(Metrics);

#[cfg(test)]
mod tests;
