//! Curves of a classification of two classes: calibration, and what each threshold would do.

use serde_json::{Value as Json, json};
use trueline_sdk::quantiles::OrderStatistics;

use crate::binary::{Confusion, Scored};
use crate::bootstrap::Unit;
use crate::params::{Calibration, Strategy};

/// Where each bin begins and ends, in rows and in predictions.
pub(crate) struct Bin {
    rows: std::ops::Range<usize>,
    from: f64,
    to: f64,
}

/// The bins that hold rows. A bin has the predictions above its lower edge up to its upper one; the first
/// also has its lower edge. That is what `calibration_curve` of scikit-learn does.
pub(crate) fn bins(rows: &[Scored], units: &[Unit], calibration: Calibration) -> Vec<Bin> {
    let count = calibration.bins;
    let edges: Vec<f64> = match calibration.strategy {
        Strategy::Uniform => (0..=count)
            .map(|edge| f64::from(edge) / f64::from(count))
            .collect(),
        Strategy::Quantile => quantiles(rows, units, count),
    };
    let mut bins = Vec::new();
    let mut start = 0;
    for (index, pair) in edges.windows(2).enumerate() {
        let is_last = index + 2 == edges.len();
        let end = match is_last {
            true => rows.len(),
            false => start + rows[start..].partition_point(|row| row.prediction <= pair[1]),
        };
        if start < end {
            bins.push(Bin {
                rows: start..end,
                from: pair[0],
                to: pair[1],
            });
        }
        start = end;
    }
    bins
}

/// Edges between equally many rows, interpolated as by `numpy.percentile`.
fn quantiles(rows: &[Scored], units: &[Unit], count: u32) -> Vec<f64> {
    let mut ends = Vec::new();
    let mut seen = 0;
    for unit in units {
        seen += unit.rows;
        ends.push(seen);
    }
    let value = |rank: usize| rows[ends.partition_point(|&end| end <= rank as u64)].prediction;
    let seen = usize::try_from(seen).unwrap_or(usize::MAX);
    (0..=count)
        .filter_map(|edge| OrderStatistics::at(f64::from(edge) / f64::from(count), seen, value))
        .map(|statistics| statistics.linear())
        .collect()
}

/// The weight of a bin, and the means of prediction and label in it.
fn means(bin: &Bin, rows: &[Scored], weights: &[f64]) -> (f64, f64, f64) {
    let (mut weight, mut predicted, mut positive) = (0.0, 0.0, 0.0);
    for at in bin.rows.clone() {
        weight += weights[at];
        predicted += weights[at] * rows[at].prediction;
        positive += weights[at] * f64::from(rows[at].is_positive);
    }
    (weight, predicted / weight, positive / weight)
}

/// The mean distance between what was predicted in a bin and what was there, by weight.
pub(crate) fn calibration_error(rows: &[Scored], weights: &[f64], bins: &[Bin]) -> f64 {
    let (mut distances, mut total) = (0.0, 0.0);
    for bin in bins {
        let (weight, predicted, positive) = means(bin, rows, weights);
        if weight > 0.0 {
            distances += weight * (predicted - positive).abs();
            total += weight;
        }
    }
    distances / total
}

/// The calibration curve.
pub(crate) fn calibration(rows: &[Scored], weights: &[f64], units: &[Unit], bins: &[Bin]) -> Json {
    let shown = bins.iter().map(|bin| {
        let (weight, predicted, positive) = means(bin, rows, weights);
        let count: u64 = units[bin.rows.clone()].iter().map(|unit| unit.rows).sum();
        json!({
            "from": bin.from, "to": bin.to, "rows": count, "weight": weight,
            "mean_prediction": predicted, "positive_share": positive,
        })
    });
    shown.collect()
}

/// What each threshold would do.
pub(crate) fn thresholds(rows: &[Scored], weights: &[f64], thresholds: &[f64]) -> Json {
    let shown = thresholds.iter().map(|&threshold| {
        let confusion = Confusion::new(rows, weights, threshold);
        json!({
            "threshold": threshold,
            "true_positive": confusion.true_positive, "false_positive": confusion.false_positive,
            "true_negative": confusion.true_negative, "false_negative": confusion.false_negative,
            "accuracy": confusion.accuracy(), "precision": confusion.precision(),
            "recall": confusion.recall(), "specificity": confusion.specificity(), "f1": confusion.f1(),
        })
    });
    shown.collect()
}
