//! Boosting: one tree per round, each on the gradients that the trees before it left.

use std::collections::BTreeMap;

use trueline_sdk::{Error, Result};

use crate::{
    Metric, Model, Tree,
    bins::{Bin, BinMatrix, Layout, find_missing},
    cuts::{Cuts, find_cuts},
    forest::Forest,
    grow::Grower,
    params::BoostParams,
    rows::Rows,
};

/// A measured metric: `validation_auc`, `train_rmse`.
pub(crate) type Measured = (String, f64);

/// What training gives.
#[derive(Debug)]
pub struct Trained {
    /// The model, cut after its best round if it stopped early.
    pub model: Model,
    /// The metrics after its last round.
    pub metrics: Vec<Measured>,
}

/// Learns a model. After each round, `report` gets the round, counted from 0, and the metrics, on the
/// validation rows if there are any, else on the training rows; it says whether to go on.
///
/// The result depends on the rows and their order, not on anything else.
///
/// # Errors
/// [`Error::Data`] if there are no rows, or labels that the objective or a metric cannot work with.
pub fn train(
    params: &BoostParams,
    mut rows: Rows,
    validation: Option<&Rows>,
    report: &mut dyn FnMut(u32, &[Measured]) -> bool,
) -> Result<Trained> {
    check_rows(params, &rows, "training")?;
    if let Some(validation) = validation {
        check_rows(params, validation, "validation")?;
    } else if params.early_stopping_rounds.is_some() {
        return Err(Error::params(
            "`early_stopping_rounds` needs validation rows: add a `validation` input",
        ));
    }
    let row_count = i32::try_from(rows.len())
        .ok()
        .and_then(|count| u32::try_from(count).ok());
    let row_count = row_count.ok_or_else(|| {
        Error::data(format!(
            "{} rows are more than a model can learn from",
            rows.len()
        ))
    })?;
    let base_score = match params.base_score {
        Some(base_score) => base_score,
        None => params
            .objective
            .estimate_base_score(&rows, params.scale_pos_weight)?,
    };
    let cuts = find_cuts(&rows, params.max_bin);
    let layout = Layout::new(&cuts, &find_missing(&rows));
    let boosting = Boosting {
        params,
        base_score,
        cuts: &cuts,
        layout: &layout,
        row_count,
    };
    // A bin number and the one for missing values fit a byte up to 256 slots.
    if layout.widest() <= 256 {
        let bins = BinMatrix::<u8>::new(&mut rows, &cuts);
        boosting.run(&bins, &rows, validation, report)
    } else {
        let bins = BinMatrix::<u16>::new(&mut rows, &cuts);
        boosting.run(&bins, &rows, validation, report)
    }
}

fn check_rows(params: &BoostParams, rows: &Rows, which: &str) -> Result<()> {
    if rows.is_empty() {
        return Err(Error::data(format!("there are no {which} rows")));
    }
    params.objective.check_labels(rows.labels())
}

struct Boosting<'a> {
    params: &'a BoostParams,
    base_score: f32,
    cuts: &'a [Cuts],
    layout: &'a Layout,
    row_count: u32,
}

impl Boosting<'_> {
    fn run<B: Bin>(
        &self,
        bins: &BinMatrix<B>,
        rows: &Rows,
        validation: Option<&Rows>,
        report: &mut dyn FnMut(u32, &[Measured]) -> bool,
    ) -> Result<Trained> {
        let params = self.params;
        let start = params.objective.margin(self.base_score);
        let mut margins = vec![start; rows.len()];
        let mut validated = validation.map(|rows| Validated {
            rows,
            margins: vec![start; rows.len()],
        });
        let mut gradients = Vec::with_capacity(rows.len());
        let mut grower = Grower::new(&params.tree, self.cuts, self.layout, bins, self.row_count);
        let mut trees = Vec::new();
        let mut best: Option<Best> = None;
        let mut metrics = Vec::new();
        for round in 0..params.rounds {
            params
                .objective
                .gradients(&margins, rows, params.scale_pos_weight, &mut gradients);
            let tree = grower.grow(&gradients, &mut margins);
            if !tree.is_finite() {
                return Err(Error::data(format!(
                    "in round {round} a leaf left the range of float32: labels or weights are too large, scale them"
                )));
            }
            if let Some(validated) = &mut validated {
                validated.add(&tree);
            }
            trees.push(tree);
            metrics = match &validated {
                Some(validated) => {
                    self.measure("validation", validated.rows, &validated.margins)?
                }
                None => self.measure("train", rows, &margins)?,
            };
            let go_on = report(round, &metrics);
            if let Some(patience) = params.early_stopping_rounds {
                let best_round = Best::update(&mut best, round, &metrics, params);
                if round - best_round >= patience {
                    break;
                }
            }
            if !go_on {
                break;
            }
        }
        let mut attributes = BTreeMap::new();
        if let Some(best) = best {
            trees.truncate(best.round as usize + 1);
            attributes.insert("best_iteration".to_owned(), best.round.to_string());
            attributes.insert("best_score".to_owned(), format!("{:?}", best.score));
            metrics = best.metrics;
        }
        let model = Model {
            objective: params.objective,
            base_score: self.base_score,
            scale_pos_weight: params.scale_pos_weight,
            feature_count: rows.feature_count(),
            feature_names: Vec::new(),
            attributes,
            trees,
        };
        Ok(Trained { model, metrics })
    }

    fn measure(&self, which: &str, rows: &Rows, margins: &[f32]) -> Result<Vec<Measured>> {
        let objective = self.params.objective;
        let predictions: Vec<f32> = margins
            .iter()
            .map(|&margin| objective.predict(margin))
            .collect();
        let measure = |metric: &Metric| {
            let value = metric.measure(&predictions, rows.labels(), rows.weights());
            if value.is_finite() {
                return Ok((format!("{which}_{metric}"), value));
            }
            let why = match metric {
                Metric::Auc => "it needs rows of both classes, with weights above 0",
                _ => "their weights are all 0, or their labels too large",
            };
            Err(Error::data(format!(
                "`{metric}` is {value} on the {which} rows: {why}"
            )))
        };
        self.params.metrics.iter().map(measure).collect()
    }
}

/// Validation rows and their margins so far.
struct Validated<'a> {
    rows: &'a Rows,
    margins: Vec<f32>,
}

impl Validated<'_> {
    fn add(&mut self, tree: &Tree) {
        let forest = Forest::new([tree]);
        let mut margins = self.margins.as_mut_slice();
        for block in self.rows.blocks() {
            let (now, later) = margins.split_at_mut(block.len() / self.rows.feature_count());
            forest.add_margins(block, self.rows.feature_count(), now);
            margins = later;
        }
    }
}

/// The round with the best last metric so far.
struct Best {
    round: u32,
    score: f64,
    metrics: Vec<Measured>,
}

impl Best {
    /// Takes a round in and returns the best one.
    fn update(
        best: &mut Option<Self>,
        round: u32,
        metrics: &[Measured],
        params: &BoostParams,
    ) -> u32 {
        if let (Some(metric), Some(&(_, score))) = (params.metrics.last(), metrics.last()) {
            if best
                .as_ref()
                .is_none_or(|best| metric.is_better(score, best.score))
            {
                *best = Some(Self {
                    round,
                    score,
                    metrics: metrics.to_vec(),
                });
            }
        }
        best.as_ref().map_or(round, |best| best.round)
    }
}
