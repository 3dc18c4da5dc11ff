//! Boosting: in each round one tree per output, on the gradients that the trees before it left.

mod progress;

use std::collections::BTreeMap;

use trueline_sdk::{Error, Result};

use self::progress::{Best, Watched};
pub use self::progress::{Curve, Measured};
use crate::{
    Model, Tree,
    bins::{Bin, BinMatrix, Layout, find_missing},
    cuts::{Cuts, find_cuts},
    grow::{Grower, Task},
    histogram::{Gradient, Narrow, Slots, Wide},
    loss::{Loss, Queries},
    num::{to_index, to_whole},
    params::BoostParams,
    rows::Rows,
    sample::Draw,
};

/// What training gives.
#[derive(Debug)]
pub struct Trained {
    /// The model, cut after its best round if it stopped early.
    pub model: Model,
    /// The metrics after its last round.
    pub metrics: Vec<Measured>,
    /// The metrics after every round that was grown.
    pub curves: Vec<Curve>,
}

/// Learns a model. After each round, `report` gets the round, counted from 0, and the metrics, on the
/// validation rows if there are any, else on the training rows; it says whether to go on.
///
/// The result depends on the parameters, and on the rows and their order, not on anything else.
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
    let loss = choose_loss(params, &rows, validation)?;
    let queries = queries_of(&loss, &rows, params.sampling.seed)?;
    let base_scores = match params.base_score {
        Some(base_score) => vec![base_score; loss.output_count()],
        None => loss.estimate_base_scores(&rows, queries.as_ref())?,
    };
    let cuts = find_cuts(&rows, params.max_bin, &params.categorical)?;
    let layout = Layout::new(&cuts, &find_missing(&rows), &params.categorical);
    let boosting = Boosting {
        params,
        loss: &loss,
        queries: queries.as_ref(),
        base_scores,
        cuts: &cuts,
        layout: &layout,
        row_count,
    };
    // A bin number and the one for missing values fit a byte up to 256 slots.
    let is_narrow = layout.widest() <= 1 << 8;
    if layout.slot_count() > 1 << 16 {
        let bins = BinMatrix::<u16>::new(&mut rows, &cuts, &layout);
        boosting.run::<_, Wide>(&bins, &rows, validation, report)
    } else if is_narrow {
        let bins = BinMatrix::<u8>::new(&mut rows, &cuts, &layout);
        boosting.run::<_, Narrow>(&bins, &rows, validation, report)
    } else {
        let bins = BinMatrix::<u16>::new(&mut rows, &cuts, &layout);
        boosting.run::<_, Narrow>(&bins, &rows, validation, report)
    }
}

fn check_rows(params: &BoostParams, rows: &Rows, which: &str) -> Result<()> {
    if rows.is_empty() {
        return Err(Error::data(format!("there are no {which} rows")));
    }
    let exponential = params.ranking.exponential_gain;
    let labels = params
        .objective
        .check_labels(&params.label, rows.labels(), exponential);
    labels.map_err(|error| error.within(&format!("{which} rows")))
}

/// The objective with its numbers, some of which the labels say.
fn choose_loss(params: &BoostParams, rows: &Rows, validation: Option<&Rows>) -> Result<Loss> {
    use crate::Objective;
    let scale_pos_weight = params.scale_pos_weight;
    Ok(match params.objective {
        Objective::BinaryLogistic => Loss::Logistic { scale_pos_weight },
        Objective::SquaredError => Loss::Squared { scale_pos_weight },
        Objective::Gamma => Loss::Gamma { scale_pos_weight },
        Objective::Poisson => Loss::Poisson {
            max_delta_step: params.tree.max_delta_step,
        },
        Objective::Tweedie => Loss::Tweedie {
            variance_power: params.tweedie_variance_power,
        },
        Objective::RankNdcg => Loss::Ndcg(params.ranking),
        Objective::MultiSoftprob => {
            let largest = |rows: &Rows| to_whole(rows.labels().iter().copied().fold(0.0, f32::max));
            let class_count = params.class_count.unwrap_or((largest(rows) + 1).max(2));
            for (which, rows) in [("training", Some(rows)), ("validation", validation)] {
                let found = rows.map_or(0, largest);
                if found >= class_count {
                    return Err(Error::data(format!(
                        "column `{}`: the {which} rows have the label {found}, but there are {class_count} \
                         classes, from 0 to {}",
                        params.label,
                        class_count - 1
                    )));
                }
            }
            Loss::Softmax { class_count }
        }
    })
}

/// The groups, prepared, where the loss has such.
fn queries_of(loss: &Loss, rows: &Rows, seed: u64) -> Result<Option<Queries>> {
    match loss {
        Loss::Ndcg(_) if rows.groups().is_none() => Err(Error::data(
            "`rank:ndcg` needs to know which rows belong together: give a column the role group, or \
             name one with `group`",
        )),
        Loss::Ndcg(ranking) => Queries::new(ranking, rows, seed).map(Some),
        _ => Ok(None),
    }
}

struct Boosting<'a> {
    params: &'a BoostParams,
    loss: &'a Loss,
    queries: Option<&'a Queries>,
    base_scores: Vec<f32>,
    cuts: &'a [Cuts],
    layout: &'a Layout,
    row_count: u32,
}

impl Boosting<'_> {
    fn run<B: Bin, S: Slots>(
        &self,
        bins: &BinMatrix<B>,
        rows: &Rows,
        validation: Option<&Rows>,
        report: &mut dyn FnMut(u32, &[Measured]) -> bool,
    ) -> Result<Trained> {
        let (params, loss) = (self.params, self.loss);
        let output_count = loss.output_count();
        let start: Vec<f32> = self
            .base_scores
            .iter()
            .map(|&base_score| loss.margin(base_score))
            .collect();
        let mut margins = start.repeat(rows.len());
        let mut validated = validation
            .map(|rows| Watched::new(loss, rows, &start))
            .transpose()?;
        let mut gradients: Vec<Vec<Gradient>> = vec![Vec::new(); output_count];
        let mut grower =
            Grower::<B, S>::new(&params.tree, self.cuts, self.layout, bins, self.row_count);
        let mut trees = Vec::new();
        // What the training rows' margins mean, where that was needed to measure.
        let mut predictions: Option<Vec<f32>> = None;
        let mut best: Option<Best> = None;
        let (mut metrics, mut curves) = (Vec::new(), Curve::all(params, validation.is_some()));
        for round in 0..params.rounds {
            let known = predictions.as_deref();
            loss.gradients(&margins, known, rows, self.queries, round, &mut gradients);
            for (gradients, output) in gradients.iter_mut().zip(0..) {
                let draw = Draw {
                    sampling: &params.sampling,
                    tree: to_index(trees.len()),
                };
                drop_rows(&draw, gradients);
                let task = Task {
                    gradients,
                    output,
                    output_count,
                    draw,
                };
                let tree = grower.grow(&task, &mut margins);
                check_tree(&tree, round)?;
                if let Some(validated) = &mut validated {
                    validated.add(&tree);
                }
                trees.push(tree);
            }
            metrics = match &validated {
                Some(validated) => validated.measure(params, "validation")?,
                None => {
                    let now = predictions.insert(progress::predictions(loss, &margins));
                    progress::measure(params, rows, now, self.queries, "train")?
                }
            };
            for (curve, measured) in curves.iter_mut().zip(&metrics) {
                curve.values.push(measured.value);
            }
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
            trees.truncate((best.round as usize + 1) * output_count);
            attributes.insert("best_iteration".to_owned(), best.round.to_string());
            attributes.insert("best_score".to_owned(), format!("{:?}", best.score));
            metrics = best.metrics;
        }
        let model = Model {
            loss: loss.clone(),
            base_scores: self.base_scores.clone(),
            feature_count: rows.feature_count(),
            feature_names: Vec::new(),
            feature_types: feature_types(&params.categorical),
            attributes,
            parallel_trees: 1,
            trees,
        };
        Ok(Trained {
            model,
            metrics,
            curves,
        })
    }
}

/// Rows that were not drawn add nothing to any sum; as in XGBoost, they still go down the tree.
fn drop_rows(draw: &Draw<'_>, gradients: &mut [Gradient]) {
    if draw.takes_all_rows() {
        return;
    }
    for (gradient, row) in gradients.iter_mut().zip(0..) {
        if !draw.takes_row(row) {
            *gradient = Gradient::default();
        }
    }
}

fn check_tree(tree: &Tree, round: u32) -> Result<()> {
    if tree.is_finite() {
        return Ok(());
    }
    Err(Error::data(format!(
        "in round {round} a leaf left the range of float32: labels or weights are too large, scale them"
    )))
}

/// XGBoost's words, only needed where categories are.
fn feature_types(categorical: &[bool]) -> Vec<String> {
    categorical
        .iter()
        .map(|&is_categorical| if is_categorical { "c" } else { "q" }.to_owned())
        .collect()
}
