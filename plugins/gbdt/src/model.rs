//! A trained model, and XGBoost's model file.

mod json;
mod read;
mod sink;
mod source;
mod ubj;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Node, NodeKind, Tree, loss::Loss, num::to_index, tree::Condition};

/// What XGBoost's model file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The loss it was trained on, which says what its margins mean.
    pub loss: Loss,
    /// The prediction before any tree, of each output.
    pub base_scores: Vec<f32>,
    /// Features per row, at least 1.
    pub feature_count: usize,
    /// Their names, or none.
    pub feature_names: Vec<String>,
    /// XGBoost's words for their types, `c` for categories, or none.
    pub feature_types: Vec<String>,
    /// Free text by name, such as `best_iteration`.
    pub attributes: BTreeMap<String, String>,
    /// How many trees of each output a round grew: more than 1 in a random forest.
    pub parallel_trees: usize,
    /// In the order in which they were grown, and in which their values are added.
    pub trees: Vec<Tree>,
}

/// How a model file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text, which XGBoost 1.0 and later read.
    Json,
    /// Binary, a third of the size, which XGBoost 1.6 and later read.
    Ubj,
}

impl Model {
    /// The margins of a row before any tree.
    pub fn start(&self) -> Vec<f32> {
        let margin = |&base_score: &f32| self.loss.margin(base_score);
        self.base_scores.iter().map(margin).collect()
    }

    /// Rounds of boosting.
    pub fn round_count(&self) -> usize {
        let a_round = self.base_scores.len() * self.parallel_trees;
        self.trees.len().div_ceil(a_round.max(1))
    }

    /// The features that some split takes for categories, ascending.
    pub fn categorical_features(&self) -> Vec<usize> {
        let nodes = self.trees.iter().flat_map(|tree| &tree.nodes);
        let features: BTreeSet<usize> = nodes
            .filter_map(|node| match &node.kind {
                NodeKind::Split {
                    feature,
                    condition: Condition::NotAmong(_),
                    ..
                } => Some(*feature as usize),
                _ => None,
            })
            .collect();
        features.into_iter().collect()
    }

    /// The same predictions, to the bit, from a file that every version from 1.7 on reads.
    ///
    /// Versions before 3.1 know one `base_score` for all outputs, and take a list for 0.5 without a
    /// word. If the outputs have several, they go into a first round of trees that are but a leaf,
    /// and all margins start from 0.
    #[must_use]
    pub fn portable(mut self) -> Self {
        let first = self.base_scores.first().copied().unwrap_or_default();
        if self
            .base_scores
            .iter()
            .all(|score| score.total_cmp(&first).is_eq())
        {
            return self;
        }
        let start = self.start();
        let leaf = |value: f32| Node {
            parent: None,
            kind: NodeKind::Leaf { value },
            base_weight: value,
            sum_hessian: 0.0,
        };
        let of_output = |(output, &value): (usize, &f32)| {
            let values = std::iter::once(value).chain(std::iter::repeat(0.0));
            values.take(self.parallel_trees).map(move |value| Tree {
                output: to_index(output),
                nodes: vec![leaf(value)],
            })
        };
        let first_round: Vec<Tree> = start.iter().enumerate().flat_map(of_output).collect();
        self.trees.splice(0..0, first_round);
        self.base_scores.fill(0.0);
        if let Some(best) = self.attributes.get_mut("best_iteration") {
            if let Ok(round) = best.parse::<u64>() {
                *best = (round + 1).to_string();
            }
        }
        self
    }
}
