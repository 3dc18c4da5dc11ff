//! The metrics of a classification.

use trueline_sdk::exact_sum::ExactSum;
use trueline_sdk::math;
use trueline_sdk::prelude::*;

use crate::counts::Entry;

/// The cells of the confusion matrix, in weights.
#[derive(Debug, Serialize)]
pub(crate) struct Confusion {
    pub(crate) true_positive: f64,
    pub(crate) false_positive: f64,
    pub(crate) true_negative: f64,
    pub(crate) false_negative: f64,
}

/// What is computed of a classification.
pub(crate) struct Scores {
    pub(crate) rows: u64,
    pub(crate) confusion: Confusion,
    pub(crate) metrics: Vec<Metric>,
}

/// Computes everything from the sorted entries. `epsilon` is that of the prediction's type.
pub(crate) fn scores(entries: &[Entry], threshold: f64, epsilon: f64) -> Scores {
    let confusion = confusion(entries, threshold);
    let Confusion {
        true_positive,
        false_positive,
        false_negative,
        ..
    } = confusion;
    let total = total(entries, |entry| entry.positives + entry.negatives);
    let mean = |sum: f64| sum / total;
    let metrics = [
        (
            "accuracy",
            mean(total_of(entries, |entry, positive| {
                (entry.prediction() > threshold) == positive
            })),
        ),
        ("auc", area_under_curve(entries)),
        ("log_loss", mean(log_loss(entries, epsilon))),
        ("brier", mean(squared_errors(entries))),
        (
            "precision",
            true_positive / (true_positive + false_positive),
        ),
        ("recall", true_positive / (true_positive + false_negative)),
        (
            "f1",
            2.0 * true_positive / (2.0 * true_positive + false_positive + false_negative),
        ),
        ("positive_share", mean(true_positive + false_negative)),
    ];
    Scores {
        rows: entries
            .iter()
            .map(|entry| entry.positives + entry.negatives)
            .sum(),
        confusion,
        metrics: metrics
            .map(|(name, value)| Metric::new(name, value))
            .to_vec(),
    }
}

/// The exact weight of so many rows of each entry, rounded once.
fn total(entries: &[Entry], rows: impl Fn(&Entry) -> u64) -> f64 {
    let mut sum = ExactSum::new();
    entries
        .iter()
        .for_each(|entry| sum.add_product(entry.weight(), rows(entry) as f64));
    sum.value()
}

/// The weight of the rows that are as `is` says, given whether their label is positive.
fn total_of(entries: &[Entry], is: impl Fn(&Entry, bool) -> bool) -> f64 {
    total(entries, |entry| {
        let rows = |positive, rows| if is(entry, positive) { rows } else { 0 };
        rows(true, entry.positives) + rows(false, entry.negatives)
    })
}

fn confusion(entries: &[Entry], threshold: f64) -> Confusion {
    let cell = |label, predicted| {
        total_of(entries, |entry, positive| {
            positive == label && (entry.prediction() > threshold) == predicted
        })
    };
    Confusion {
        true_positive: cell(true, true),
        false_positive: cell(false, true),
        true_negative: cell(false, false),
        false_negative: cell(true, false),
    }
}

/// The sum of weight × -ln p(label), each p clipped to [epsilon, 1 - epsilon].
fn log_loss(entries: &[Entry], epsilon: f64) -> f64 {
    let mut sum = ExactSum::new();
    for entry in entries {
        let p = entry.prediction().clamp(epsilon, 1.0 - epsilon);
        sum.add_product(-math::ln(p) * entry.weight(), entry.positives as f64);
        sum.add_product(-math::ln(1.0 - p) * entry.weight(), entry.negatives as f64);
    }
    sum.value()
}

/// The sum of weight × (p - label)².
fn squared_errors(entries: &[Entry]) -> f64 {
    let mut sum = ExactSum::new();
    for entry in entries {
        let p = entry.prediction();
        sum.add_product(
            entry.weight() * (1.0 - p) * (1.0 - p),
            entry.positives as f64,
        );
        sum.add_product(entry.weight() * p * p, entry.negatives as f64);
    }
    sum.value()
}

/// The weight of the pairs in the right order, half of the ties, by the weight of all pairs: what the
/// trapezoids under the ROC curve add up to. Exact without weights, but for three roundings.
fn area_under_curve(entries: &[Entry]) -> f64 {
    let mut right_order = ExactSum::new();
    let mut negatives_below = ExactSum::new();
    let mut below = 0.0;
    for tied in entries.chunk_by(|a, b| a.prediction().to_bits() == b.prediction().to_bits()) {
        for entry in tied {
            negatives_below.add_product(entry.weight(), entry.negatives as f64);
        }
        let up_to_here = negatives_below.value();
        // The mean of both counts the ties as half. Halving first: no overflow, and exact.
        right_order.add_product(
            total(tied, |entry| entry.positives),
            0.5 * below + 0.5 * up_to_here,
        );
        below = up_to_here;
    }
    let positives = total(entries, |entry| entry.positives);
    right_order.value() / (positives * below)
}
