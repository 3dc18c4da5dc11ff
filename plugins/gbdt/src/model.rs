//! A trained model, and XGBoost's JSON model file.

mod read;
mod write;

use std::collections::BTreeMap;

use crate::{Objective, Tree};

/// What XGBoost's model file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The loss it was trained on, which says what its margins mean.
    pub objective: Objective,
    /// The prediction before any tree.
    pub base_score: f32,
    /// What the weight of rows with label 1 was multiplied by.
    pub scale_pos_weight: f32,
    /// Features per row, at least 1.
    pub feature_count: usize,
    /// Their names, or none.
    pub feature_names: Vec<String>,
    /// Free text by name, such as `best_iteration`.
    pub attributes: BTreeMap<String, String>,
    /// In the order in which they were grown, and in which their values are added.
    pub trees: Vec<Tree>,
}
