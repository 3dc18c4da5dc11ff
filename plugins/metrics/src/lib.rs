//! `metrics` measures predictions against labels: of two classes, of several, of numbers, or of the order
//! of a list; of all rows and of each slice, with intervals if they are asked for.
//!
//! ```toml
//! [stage.score]
//! use = "metrics"
//! in = "flights.test | plane | features | model"
//! params.by = ["origin", "carrier"]
//! params.bootstrap = { samples = 200, confidence = 0.95 }
//! ```
//!
//! | parameter | | meaning |
//! |---|---|---|
//! | `label` | the column with the role `label` | what was true |
//! | `prediction` | the column with the role `prediction`, else the one called so | what the model answered |
//! | `weight` | the column with the role `weight`, if any | how much a row counts |
//! | `task` | by label and prediction | `"classification"` (of two classes), `"multi-class"`, `"regression"` or `"ranking"` |
//! | `positive` | `true` or `1` | the label that counts as positive; all others are negative. A text label needs it |
//! | `threshold` | `0.5` | a row is predicted positive if its prediction is above this |
//! | `thresholds` | 0.05, 0.1, … 0.95 | those of the threshold table |
//! | `calibration` | `{ bins = 10, strategy = "uniform" }` | the bins of the calibration curve: of equal width, or `"quantile"` of equally many rows |
//! | `classes` | the elements of the prediction, or 0, 1, … | several classes, in the order of the prediction's numbers. Elements that only count, as `prediction_0` does, name no classes |
//! | `group` | the column with the role `group` | the rows that a ranking orders |
//! | `at` | `[5, 10]` for a ranking, else none | ranks up to which lists are measured, and `top_K_accuracy` |
//! | `gain` | `"linear"` | what a row of a ranking is worth: its label, or with `"exponential"` 2^label - 1 |
//! | `by` | none | a column or several: rows with each value of it are measured apart. Booleans, integers, texts, dates, timestamps |
//! | `bootstrap` | none | `{ samples = 200, confidence = 0.95 }`: an interval for every metric |
//! | `seed` | the pipeline's | decides what the bootstrap draws |
//! | `nulls` | `"error"` | rows with a null in label, prediction, weight or group: `"error"`, or `"skip"` to leave them out |
//!
//! Without `task`, a prediction that is a vector or a text is of several classes; else a boolean, integer
//! or text label is of two, and a float label is a number.
//!
//! # Classification
//!
//! The prediction is the probability of the positive label. TP, FP, TN and FN are the weights of the four
//! cells of the confusion matrix.
//!
//! | metric | definition |
//! |---|---|
//! | `accuracy` | (TP + TN) / (TP + FP + TN + FN) |
//! | `precision`, `recall`, `specificity` | TP / (TP + FP), TP / (TP + FN), TN / (TN + FP) |
//! | `f1` | 2 TP / (2 TP + FP + FN) |
//! | `balanced_accuracy` | the mean of recall and specificity |
//! | `mcc` | Matthews' correlation: (TP TN - FP FN) / √((TP + FP)(TP + FN)(TN + FP)(TN + FN)) |
//! | `auc` | area under the ROC curve: the weight of pairs of a positive and a negative row that the prediction puts in the right order, half of it if it ties, in all such pairs |
//! | `average_precision` | Σ (recall - recall before) × precision, over the distinct predictions as thresholds, from the highest |
//! | `ks` | the largest distance between the shares of positives and of negatives up to a prediction |
//! | `log_loss` | mean of -ln p(label), predictions clipped to [ε, 1 - ε] with the ε of their type, in float64 |
//! | `brier` | mean of (p - label)² |
//! | `calibration_error` | mean over the calibration bins, by weight, of \|mean prediction - share of positives\| |
//! | `positive_share`, `predicted_positive_share` | (TP + FN) and (TP + FP) by the weight of all |
//!
//! The report has `confusion`; `calibration`, a bin each with `from`, `to`, `rows`, `weight`,
//! `mean_prediction` and `positive_share` (a bin has its upper edge but not its lower one; empty bins are
//! left out); `thresholds`, each with the confusion matrix and what follows from it.
//!
//! # Several classes
//!
//! The prediction is a vector with the probability of each class, or the class itself (a text, or a number
//! with `task = "multi-class"`). Labels are compared with `classes` as text, so the integer `2` and the
//! float `2.0` are the class `"2"`. A vector predicts its first highest class.
//!
//! | metric | definition |
//! |---|---|
//! | `accuracy`, `balanced_accuracy` | the share of rows that are right; the mean recall of the classes that are there |
//! | `precision_macro`, `recall_macro`, `f1_macro` | mean over the classes that are there or were predicted; what is not defined of one counts as 0 |
//! | `precision_weighted`, `recall_weighted`, `f1_weighted` | the same, by the weight of each class |
//! | `kappa`, `mcc` | Cohen's κ; Matthews' correlation of several classes (Gorodkin's) |
//! | `log_loss`, `brier` | mean of -ln p(label); mean of Σ (p - label)² over the classes. Of vectors only, as what follows |
//! | `auc_macro`, `auc_weighted` | the area of each class against all others: its mean, and its mean by weight of the class. NaN if a class is missing |
//! | `top_K_accuracy` | for each K of `at`: the share of rows whose label is among the K highest; of equal probabilities the later class is higher |
//!
//! The report has `classes`, each with precision, recall, F1, weight and AUC, and `confusion_matrix` with the
//! weights of labels (outer) and predictions (inner).
//!
//! # Regression
//!
//! `e` is prediction - label.
//!
//! | metric | definition |
//! |---|---|
//! | `rmse`, `mse`, `mae`, `max_error` | √(mean of e²), mean of e², mean of \|e\|, the largest \|e\| |
//! | `median_absolute_error` | the weighted median of \|e\| |
//! | `mape` | mean of \|e\| / max(ε, \|label\|), as a share: 0.1 is 10 % |
//! | `bias` | mean of e |
//! | `r2`, `explained_variance` | 1 - mean of e² / variance of the label, 1 - variance of e / variance of the label; NaN if all labels are equal |
//! | `rmsle` | √(mean of (ln(1 + prediction) - ln(1 + label))²); NaN if one is -1 or less |
//! | `poisson_deviance` | 2 mean of (label ln(label / prediction) + e); NaN if a label is below 0 or a prediction not above |
//! | `gamma_deviance` | 2 mean of (ln(prediction / label) + label / prediction - 1); NaN if one is not above 0 |
//! | `tweedie_deviance` | that of power 1.5: 4 mean of (label / √prediction - 2 √label + √prediction); NaN as for Poisson |
//!
//! # Ranking
//!
//! Means over groups of how well each is ordered by the prediction, the highest first. The label is the
//! relevance of a row, from 0 on; a row is relevant above 0. A group counts by the mean weight of its rows.
//!
//! | metric | definition |
//! |---|---|
//! | `ndcg`, `ndcg_K` | Σ gain / log₂(rank + 1), by that of the best order, of all rows and of the first K; the mean over all orders of tied rows; 0 for a group in which no row is worth anything |
//! | `map` | mean of the precisions at each relevant row, tied rows together; 0 for a group without one |
//! | `mrr` | 1 / rank of the first relevant row, which comes after those that it ties with; 0 without one |
//! | `precision_K`, `recall_K` | relevant rows among the first K, by K and by all relevant rows; the mean over all orders of tied rows |
//!
//! # Agreement with scikit-learn
//!
//! Every metric that it has too is compared in the tests, with and without weights, and equal within 1e-12
//! relative (1e-6 for float32 predictions, with which it computes in float32): `roc_auc_score`,
//! `average_precision_score`, `log_loss`, `brier_score_loss`, `calibration_curve`, `ndcg_score` and so on.
//! On purpose it is otherwise where a metric **is not defined**: scikit-learn answers 0 or 1 or raises, here it
//! is NaN, so that no gate lets it pass (`auc` with one class, `precision` where nothing is predicted
//! positive, `mcc` of constant predictions, `r2` of constant labels, all of them without rows). Only the means
//! over classes and groups count what is not defined of one of them as 0, as scikit-learn does.
//!
//! # Slices
//!
//! With `by`, the report has `slices`: column, value (null for nulls), rows and all metrics of each. For gates
//! there are `NAME_slice_min` and `NAME_slice_max`, the range of a metric over all slices in which it is
//! defined: `score.auc_slice_min >= 0.8`.
//!
//! # Intervals
//!
//! With `bootstrap`, each metric `NAME` comes with `NAME_low` and `NAME_high`, between which it lies with the
//! given confidence: quantiles of the metric in so many samples of the rows. It is the Poisson bootstrap: a
//! sample takes each row k times, and k is a Poisson number of mean 1 that follows from `seed`, the number of
//! the sample and what is in the row. Equal rows are drawn independently. So the intervals depend neither on
//! the order of rows nor on how the work was spread. In a ranking, groups are drawn. Slices have intervals of
//! their own in the report. Samples in which a metric is not defined are left out.
//!
//! # What holds for all
//!
//! There are also `rows`, the rows measured, and `skipped`. NaN in a label, prediction or weight is an error,
//! as are weights below 0 and probabilities outside [0, 1].
//!
//! **Order-free and mergeable.** What is kept is how often each distinct row was seen, and everything is
//! computed of these in their own order. `bytes_per_row` says how much that takes if all rows differ: 64 bytes
//! for numbers, 16 more for each further class of a vector.

mod binary;
mod bootstrap;
mod classes;
mod columns;
mod curves;
mod measured;
mod multi_class;
mod order;
mod params;
mod ranking;
mod reader;
mod records;
mod reduce;
mod regression;
mod slices;

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
