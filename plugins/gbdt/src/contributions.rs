//! How much each feature adds to a row's margin: TreeSHAP.
//!
//! Lundberg, Erion and Lee, *Consistent Individualized Feature Attribution for Tree Ensembles* (2018),
//! algorithm 2, path dependent: what a feature's absence means follows from how the training rows, by
//! their second derivatives, went down the tree. It is what XGBoost's `pred_contribs` computes; there
//! in float32, here in float64, so the two agree to float32's precision.

use crate::{Model, Node, NodeKind, Tree};

/// Trees with what explaining needs to know of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Explainer {
    trees: Vec<Explained>,
    start: Vec<f32>,
    feature_count: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct Explained {
    tree: Tree,
    /// The mean value of the leaves below each node.
    means: Vec<f64>,
    /// Steps from the root to the deepest leaf.
    depth: usize,
}

/// A feature on the way from the root to a node. The names are the paper's.
#[derive(Clone, Copy, Debug)]
struct Step {
    feature: Option<u32>,
    /// Share of the ways to the node that are open without the feature.
    zero_fraction: f64,
    /// Whether the row's own value takes the way to the node.
    one_fraction: f64,
    /// Weight of the sets of features that have so many elements.
    weight: f64,
}

impl Explainer {
    /// Prepares a model's trees.
    pub fn new(model: &Model) -> Self {
        Self {
            trees: model.trees.iter().map(Explained::new).collect(),
            start: model.start(),
            feature_count: model.feature_count,
        }
    }

    /// Numbers per row: for each output one per feature, and the bias.
    pub fn width(&self) -> usize {
        self.start.len() * (self.feature_count + 1)
    }

    /// What each feature adds to a row's margins, and the bias last; `out` has
    /// [`width`](Self::width) numbers. Missing features are NaN. For each output they add up to the
    /// margin, to float32's precision.
    pub fn explain(&self, row: &[f32], out: &mut [f32]) {
        let width = self.feature_count + 1;
        let mut sums = vec![0.0; out.len()];
        for (sums, &start) in sums.chunks_exact_mut(width).zip(&self.start) {
            sums[self.feature_count] = f64::from(start);
        }
        for explained in &self.trees {
            let first = explained.tree.output as usize * width;
            explained.add(row, &mut sums[first..first + width]);
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = crate::num::to_f32(sum);
        }
    }
}

impl Explained {
    fn new(tree: &Tree) -> Self {
        // Children follow their parent, so going backwards meets them first.
        let tree = tree.in_level_order();
        let mut means = vec![0.0; tree.nodes.len()];
        let mut heights = vec![0; tree.nodes.len()];
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            (means[at], heights[at]) = match node.kind {
                NodeKind::Leaf { value } => (f64::from(value), 0),
                NodeKind::Split { left, right, .. } => {
                    let (left, right) = (left as usize, right as usize);
                    let share = share_of(&tree.nodes[left], node);
                    let other = share_of(&tree.nodes[right], node);
                    let mean = means[left] * share + means[right] * other;
                    (mean, 1 + heights[left].max(heights[right]))
                }
            };
        }
        Self {
            depth: heights.first().copied().unwrap_or(0),
            tree,
            means,
        }
    }

    fn add(&self, row: &[f32], out: &mut [f64]) {
        if let (Some(mean), Some(bias)) = (self.means.first(), out.last_mut()) {
            *bias += mean;
        }
        let root = Step {
            feature: None,
            zero_fraction: 1.0,
            one_fraction: 1.0,
            weight: 1.0,
        };
        self.walk(0, row, &[], root, out);
    }

    /// Goes down from a node; `above` is the path of its parent, `last` the step to it.
    fn walk(&self, at: u32, row: &[f32], above: &[Step], last: Step, out: &mut [f64]) {
        let node = &self.tree.nodes[at as usize];
        let mut path = Vec::with_capacity(self.depth + 2);
        path.extend_from_slice(above);
        extend(&mut path, last);
        let NodeKind::Split {
            feature,
            left,
            right,
            ..
        } = node.kind
        else {
            let at_leaf = at as usize;
            for at in 1..path.len() {
                let step = path[at];
                if let Some(feature) = step.feature {
                    let weight = unwound_sum(&path, at);
                    out[feature as usize] +=
                        weight * (step.one_fraction - step.zero_fraction) * self.means[at_leaf];
                }
            }
            return;
        };
        let hot = node.next(row).unwrap_or(left);
        // A feature that was met before stands on the path once: its two steps become one.
        let mut before = (1.0, 1.0);
        if let Some(met) = path.iter().position(|step| step.feature == Some(feature)) {
            before = (path[met].zero_fraction, path[met].one_fraction);
            unwind(&mut path, met);
        }
        for child in [left, right] {
            let share = share_of(&self.tree.nodes[child as usize], node);
            let step = Step {
                feature: Some(feature),
                zero_fraction: share * before.0,
                one_fraction: if child == hot { before.1 } else { 0.0 },
                weight: 0.0,
            };
            self.walk(child, row, &path, step, out);
        }
    }
}

/// The share of a node's training rows that went on to this child; half if none arrived.
fn share_of(child: &Node, node: &Node) -> f64 {
    if node.sum_hessian > 0.0 {
        f64::from(child.sum_hessian) / f64::from(node.sum_hessian)
    } else {
        0.5
    }
}

/// Adds a step to a path (the paper's EXTEND).
fn extend(path: &mut Vec<Step>, mut step: Step) {
    let depth = path.len();
    step.weight = if depth == 0 { 1.0 } else { 0.0 };
    path.push(step);
    let length = (depth + 1) as f64;
    for at in (0..depth).rev() {
        let weight = path[at].weight;
        path[at + 1].weight += step.one_fraction * weight * (at + 1) as f64 / length;
        path[at].weight = step.zero_fraction * weight * (depth - at) as f64 / length;
    }
}

/// Takes a step out of a path again (the paper's UNWIND).
fn unwind(path: &mut Vec<Step>, taken: usize) {
    let depth = path.len() - 1;
    let Step {
        zero_fraction,
        one_fraction,
        ..
    } = path[taken];
    let length = (depth + 1) as f64;
    let mut next = path[depth].weight;
    for at in (0..depth).rev() {
        if one_fraction == 0.0 {
            path[at].weight = if zero_fraction == 0.0 {
                0.0
            } else {
                path[at].weight * length / (zero_fraction * (depth - at) as f64)
            };
        } else {
            let weight = path[at].weight;
            path[at].weight = next * length / ((at + 1) as f64 * one_fraction);
            next = weight - path[at].weight * zero_fraction * (depth - at) as f64 / length;
        }
    }
    for at in taken..depth {
        path[at] = Step {
            weight: path[at].weight,
            ..path[at + 1]
        };
    }
    path.pop();
}

/// What the weights of a path would add up to without this step.
fn unwound_sum(path: &[Step], taken: usize) -> f64 {
    let depth = path.len() - 1;
    let Step {
        zero_fraction,
        one_fraction,
        ..
    } = path[taken];
    let length = (depth + 1) as f64;
    let mut next = path[depth].weight;
    let mut sum = 0.0;
    for at in (0..depth).rev() {
        if one_fraction == 0.0 {
            if zero_fraction != 0.0 {
                sum += path[at].weight * length / (zero_fraction * (depth - at) as f64);
            }
        } else {
            let weight = next * length / ((at + 1) as f64 * one_fraction);
            sum += weight;
            next = path[at].weight - weight * zero_fraction * (depth - at) as f64 / length;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{Loss, tree::Condition};

    /// Three features on three levels, one of them twice on a path, one of categories.
    fn model() -> Model {
        let split = |feature, condition, left, hessian: f32| Node {
            parent: None,
            kind: NodeKind::Split {
                feature,
                condition,
                default_left: true,
                left,
                right: left + 1,
                loss_change: 1.0,
            },
            base_weight: 0.0,
            sum_hessian: hessian,
        };
        let leaf = |value, hessian: f32| Node {
            parent: None,
            kind: NodeKind::Leaf { value },
            base_weight: value,
            sum_hessian: hessian,
        };
        let nodes = vec![
            split(0, Condition::Below(2.0), 1, 10.0),
            split(1, Condition::NotAmong(vec![1, 3]), 3, 6.0),
            split(2, Condition::Below(0.5), 5, 4.0),
            leaf(1.0, 2.0),
            split(0, Condition::Below(1.0), 7, 4.0),
            leaf(-2.0, 1.0),
            leaf(0.25, 3.0),
            leaf(8.0, 3.0),
            leaf(-1.5, 1.0),
        ];
        Model {
            loss: Loss::Squared {
                scale_pos_weight: 1.0,
            },
            base_scores: vec![0.5],
            feature_count: 3,
            feature_names: Vec::new(),
            feature_types: Vec::new(),
            attributes: BTreeMap::new(),
            parallel_trees: 1,
            trees: vec![Tree { output: 0, nodes }],
        }
    }

    /// The mean over the ways that are open if only these features are known.
    fn expected(tree: &Tree, at: u32, row: &[f32], known: &BTreeSet<u32>) -> f64 {
        let node = &tree.nodes[at as usize];
        let NodeKind::Split {
            feature,
            left,
            right,
            ..
        } = node.kind
        else {
            return Explained::new(tree).means[at as usize];
        };
        if known.contains(&feature) {
            return expected(tree, node.next(row).unwrap(), row, known);
        }
        [left, right]
            .into_iter()
            .map(|child| {
                share_of(&tree.nodes[child as usize], node) * expected(tree, child, row, known)
            })
            .sum()
    }

    /// Shapley's values by their definition: over every order in which features become known.
    #[test]
    fn contributions_are_shapley_values() {
        let model = model();
        let tree = &model.trees[0];
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        for row in [
            [0.0, 1.0, 0.0],
            [1.5, 3.0, 1.0],
            [5.0, 2.0, f32::NAN],
            [f32::NAN, f32::NAN, 0.0],
        ] {
            let mut shapley = [0.0; 3];
            for order in orders {
                let mut known = BTreeSet::new();
                let mut before = expected(tree, 0, &row, &known);
                for feature in order {
                    known.insert(feature);
                    let now = expected(tree, 0, &row, &known);
                    shapley[feature as usize] += (now - before) / 6.0;
                    before = now;
                }
            }
            let mut found = [0.0; 4];
            Explainer::new(&model).explain(&row, &mut found);
            for (found, expected) in found.iter().zip(shapley) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-5,
                    "{row:?}: {found} {expected}"
                );
            }
            let sum: f32 = found.iter().sum();
            let margin = 0.5 + tree.predict(&row);
            assert!((sum - margin).abs() < 1e-5, "{row:?}: {sum} {margin}");
        }
    }
}
