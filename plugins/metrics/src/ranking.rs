//! The metrics of a ranking: means over groups of how well each is ordered.

use std::ops::Range;

use serde_json::{Map, Value as Json, json};
use trueline_sdk::hash::mix;
use trueline_sdk::math;

use crate::Params;
use crate::binary::Scored;
use crate::bootstrap::Unit;
use crate::measured::{Measured, Named};
use crate::order::{Order, average_precision};
use crate::params::{Gain, Task};
use crate::records::Records;

/// Groups in the order of their hashes.
pub(crate) struct Ranking {
    units: Vec<Unit>,
    /// Of each group, its metrics in the order of `names`.
    groups: Vec<Vec<f64>>,
    names: Vec<String>,
}

/// A row of a group.
#[derive(Clone, Copy)]
struct Ranked {
    prediction: f64,
    label: f64,
    gain: f64,
}

impl Ranking {
    pub(crate) fn new(params: &Params, records: &mut Records) -> Self {
        let at = params.at(Task::Ranking);
        let gain = |label: f64| match params.gain {
            Gain::Linear => label,
            Gain::Exponential => math::exp(label * std::f64::consts::LN_2) - 1.0,
        };
        let mut units = Vec::new();
        let mut groups = Vec::new();
        let records: Vec<(&[u64], u64)> = records.iter().collect();
        for group in records.chunk_by(|(a, _), (b, _)| a[..2] == b[..2]) {
            let mut rows = Vec::new();
            let mut weight = 0.0;
            for (words, count) in group {
                let (prediction, label) = (f64::from_bits(words[2]), f64::from_bits(words[3]));
                let row = Ranked {
                    prediction,
                    label,
                    gain: gain(label),
                };
                for _ in 0..*count {
                    rows.push(row);
                    weight += f64::from_bits(words[4]);
                }
            }
            units.push(Unit {
                hash: mix(group[0].0[0] ^ group[0].0[1]),
                rows: 1,
                weight: weight / rows.len() as f64,
            });
            groups.push(measure(rows, &at));
        }
        let mut names = ["ndcg", "map", "mrr"].map(str::to_owned).to_vec();
        names.extend(
            at.iter().flat_map(|at| {
                ["ndcg", "precision", "recall"].map(|metric| format!("{metric}_{at}"))
            }),
        );
        Self {
            units,
            groups,
            names,
        }
    }
}

impl Measured for Ranking {
    fn units(&self) -> &[Unit] {
        &self.units
    }

    fn metrics(&self, weights: &[f64]) -> Vec<Named> {
        let total: f64 = weights.iter().sum();
        let mean = |metric: usize| {
            let values = self.groups.iter().zip(weights);
            values
                .map(|(group, weight)| weight * group[metric])
                .sum::<f64>()
                / total
        };
        self.names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), mean(at)))
            .collect()
    }

    fn details(&self, _weights: &[f64]) -> Map<String, Json> {
        [("groups".to_owned(), json!(self.groups.len()))]
            .into_iter()
            .collect()
    }
}

/// The metrics of one group.
fn measure(mut rows: Vec<Ranked>, at: &[u32]) -> Vec<f64> {
    rows.sort_by(|a, b| b.prediction.total_cmp(&a.prediction));
    let ties = ties(&rows);
    let mut best: Vec<f64> = rows.iter().map(|row| row.gain).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let ndcg = |k: usize| {
        let ideal: f64 = (0..)
            .zip(&best)
            .map(|(rank, gain)| gain * discount(rank, k))
            .sum();
        // A group in which nothing is worth anything cannot be ordered well.
        if ideal > 0.0 {
            gained(&rows, &ties, k) / ideal
        } else {
            0.0
        }
    };
    let relevant = rows.iter().filter(|row| row.label > 0.0).count() as f64;
    let mut metrics = vec![
        ndcg(rows.len()),
        if relevant > 0.0 {
            mean_precision(&rows)
        } else {
            0.0
        },
        reciprocal_rank(&rows, &ties),
    ];
    for &k in at {
        let hits = hits(&rows, &ties, f64::from(k));
        let recall = if relevant > 0.0 { hits / relevant } else { 0.0 };
        metrics.extend([ndcg(k as usize), hits / f64::from(k), recall]);
    }
    metrics
}

/// The rows of each prediction, the highest first.
fn ties(rows: &[Ranked]) -> Vec<Range<usize>> {
    let mut start = 0;
    rows.chunk_by(|a, b| a.prediction == b.prediction)
        .map(|tied| {
            let range = start..start + tied.len();
            start = range.end;
            range
        })
        .collect()
}

/// What a gain on this rank, from 0, is worth among the first `k`.
fn discount(rank: usize, k: usize) -> f64 {
    if rank < k {
        std::f64::consts::LN_2 / math::ln(rank as f64 + 2.0)
    } else {
        0.0
    }
}

/// The discounted gain of the first `k` rows, the mean over all orders of tied ones.
fn gained(rows: &[Ranked], ties: &[Range<usize>], k: usize) -> f64 {
    ties.iter()
        .map(|tied| {
            let gains: f64 = rows[tied.clone()].iter().map(|row| row.gain).sum();
            let discounts: f64 = tied.clone().map(|rank| discount(rank, k)).sum();
            gains / tied.len() as f64 * discounts
        })
        .sum()
}

/// Relevant rows among the first `k`, the mean over all orders of tied ones.
fn hits(rows: &[Ranked], ties: &[Range<usize>], k: f64) -> f64 {
    ties.iter()
        .map(|tied| {
            let relevant = rows[tied.clone()]
                .iter()
                .filter(|row| row.label > 0.0)
                .count();
            let taken = (k - tied.start as f64).clamp(0.0, tied.len() as f64);
            relevant as f64 * (taken / tied.len() as f64)
        })
        .sum()
}

/// 1 by the rank of the first relevant row, from 1, which is the last of those that it ties with.
fn reciprocal_rank(rows: &[Ranked], ties: &[Range<usize>]) -> f64 {
    let has_relevant =
        |tied: &&Range<usize>| rows[(*tied).clone()].iter().any(|row| row.label > 0.0);
    ties.iter().find(has_relevant).map_or(0.0, |tied| {
        let irrelevant = rows[tied.clone()]
            .iter()
            .filter(|row| row.label <= 0.0)
            .count();
        1.0 / (tied.start + irrelevant + 1) as f64
    })
}

/// The average precision of the relevant rows.
fn mean_precision(rows: &[Ranked]) -> f64 {
    let rising: Vec<Scored> = rows
        .iter()
        .rev()
        .map(|row| Scored {
            prediction: row.prediction,
            is_positive: row.label > 0.0,
        })
        .collect();
    let order = Order::new(rising);
    average_precision(&order.tied(&vec![1.0; rows.len()]))
}
