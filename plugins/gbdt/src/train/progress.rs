//! Metrics round by round, and the round to stop at.

use serde::Serialize;
use trueline_sdk::{Error, Result};

use crate::{
    Metric, Tree,
    forest::Forest,
    loss::{Loss, Queries},
    params::BoostParams,
    rows::Rows,
};

/// A metric, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What it was measured on, and which metric: `validation_auc`, `train_ndcg_10`.
    pub name: String,
    pub value: f64,
}

/// A metric after every round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// As in [`Measured`].
    pub name: String,
    pub values: Vec<f64>,
}

impl Curve {
    /// An empty curve for each metric.
    pub(super) fn all(params: &BoostParams, is_validated: bool) -> Vec<Self> {
        let which = if is_validated { "validation" } else { "train" };
        let curve = |metric: &Metric| Self {
            name: format!("{which}_{}", metric.word()),
            values: Vec::new(),
        };
        params.metrics.iter().map(curve).collect()
    }
}

/// What these margins mean.
pub(super) fn predictions(loss: &Loss, margins: &[f32]) -> Vec<f32> {
    let mut predictions = margins.to_vec();
    loss.predict(&mut predictions);
    predictions
}

/// Measures every metric over predictions.
pub(super) fn measure(
    params: &BoostParams,
    rows: &Rows,
    predictions: &[f32],
    queries: Option<&Queries>,
    which: &str,
) -> Result<Vec<Measured>> {
    let queries = queries.map(|queries| (queries, &params.ranking));
    let measure = |metric: &Metric| {
        let value = metric.measure(predictions, rows, queries);
        if value.is_finite() {
            let name = format!("{which}_{}", metric.word());
            return Ok(Measured { name, value });
        }
        let why = match metric {
            Metric::Auc => "it needs rows of both classes, with weights above 0",
            _ => "their weights are all 0, or their labels too large",
        };
        Err(Error::data(format!(
            "`{metric}` is {value} on the {which} rows: {why}"
        )))
    };
    params.metrics.iter().map(measure).collect()
}

/// Validation rows and their margins so far.
pub(super) struct Watched<'a> {
    loss: &'a Loss,
    rows: &'a Rows,
    queries: Option<Queries>,
    margins: Vec<f32>,
}

impl<'a> Watched<'a> {
    pub(super) fn new(loss: &'a Loss, rows: &'a Rows, start: &[f32]) -> Result<Self> {
        Ok(Self {
            loss,
            rows,
            // Nothing is drawn to measure.
            queries: super::queries_of(loss, rows, 0)?,
            margins: start.repeat(rows.len()),
        })
    }

    pub(super) fn add(&mut self, tree: &Tree) {
        let forest = Forest::new([tree], self.loss.output_count());
        let mut margins = self.margins.as_mut_slice();
        for block in self.rows.blocks() {
            let rows = block.len() / self.rows.feature_count();
            let (now, later) = margins.split_at_mut(rows * forest.output_count());
            forest.add_margins(block, self.rows.feature_count(), now);
            margins = later;
        }
    }

    pub(super) fn measure(&self, params: &BoostParams, which: &str) -> Result<Vec<Measured>> {
        let queries = self.queries.as_ref();
        let predictions = predictions(self.loss, &self.margins);
        measure(params, self.rows, &predictions, queries, which)
    }
}

/// The round with the best last metric so far.
pub(super) struct Best {
    pub(super) round: u32,
    pub(super) score: f64,
    pub(super) metrics: Vec<Measured>,
}

impl Best {
    /// Takes a round in and returns the best one.
    pub(super) fn update(
        best: &mut Option<Self>,
        round: u32,
        metrics: &[Measured],
        params: &BoostParams,
    ) -> u32 {
        if let (Some(metric), Some(last)) = (params.metrics.last(), metrics.last()) {
            if best
                .as_ref()
                .is_none_or(|best| metric.is_better(last.value, best.score))
            {
                *best = Some(Self {
                    round,
                    score: last.value,
                    metrics: metrics.to_vec(),
                });
            }
        }
        best.as_ref().map_or(round, |best| best.round)
    }
}
