//! How much each feature matters to a model: XGBoost's five importances.

use serde::Serialize;

use crate::{Model, NodeKind};

/// A feature that at least one split looks at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Importance {
    /// Its name, or `f` and its number.
    pub feature: String,
    /// How many splits look at it.
    pub weight: u32,
    /// What the loss fell by, in the mean of its splits.
    pub gain: f64,
    /// The sum of second derivatives that arrived, in the mean of its splits.
    pub cover: f64,
    /// What the loss fell by, in all.
    pub total_gain: f64,
    /// The sum of second derivatives that arrived, in all.
    pub total_cover: f64,
}

impl Model {
    /// The importance of every feature that a split looks at, by feature number. The names are those
    /// of XGBoost's `get_score`.
    pub fn importances(&self) -> Vec<Importance> {
        let mut sums = vec![(0u32, 0.0, 0.0); self.feature_count];
        for node in self.trees.iter().flat_map(|tree| &tree.nodes) {
            if let NodeKind::Split {
                feature,
                loss_change,
                ..
            } = &node.kind
            {
                let (weight, gain, cover) = &mut sums[*feature as usize];
                *weight += 1;
                *gain += f64::from(*loss_change);
                *cover += f64::from(node.sum_hessian);
            }
        }
        let of_feature = |(feature, (weight, gain, cover)): (usize, (u32, f64, f64))| Importance {
            feature: match self.feature_names.get(feature) {
                Some(name) => name.clone(),
                None => format!("f{feature}"),
            },
            weight,
            gain: gain / f64::from(weight),
            cover: cover / f64::from(weight),
            total_gain: gain,
            total_cover: cover,
        };
        sums.into_iter()
            .enumerate()
            .filter(|(_, (weight, ..))| *weight > 0)
            .map(of_feature)
            .collect()
    }
}
