//! Trees as XGBoost keeps them: one array per property of a node.

use std::collections::BTreeMap;

use trueline_sdk::Result;

use super::strings;
use crate::{
    Node, NodeKind, Tree, cuts::MAX_BINS, model::source::Source, num::to_index, tree::Condition,
};

/// The arrays of a tree, before they are checked.
#[derive(Default)]
pub(super) struct TreeArrays {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<i64>,
    split_conditions: Vec<f32>,
    default_left: Vec<u8>,
    split_type: Vec<u8>,
    base_weights: Vec<f32>,
    loss_changes: Vec<f32>,
    sum_hessian: Vec<f32>,
    categories: Vec<i64>,
    categories_nodes: Vec<i64>,
    categories_segments: Vec<i64>,
    categories_sizes: Vec<i64>,
    tree_param: BTreeMap<String, String>,
}

impl TreeArrays {
    pub(super) fn read(source: &mut impl Source) -> Result<Self> {
        let mut tree = Self::default();
        source.object(|source, key| {
            match key {
                "left_children" => tree.left_children = source.numbers()?,
                "right_children" => tree.right_children = source.numbers()?,
                "split_indices" => tree.split_indices = source.numbers()?,
                "split_conditions" => tree.split_conditions = source.numbers()?,
                "default_left" => tree.default_left = source.numbers()?,
                "split_type" => tree.split_type = source.numbers()?,
                "base_weights" => tree.base_weights = source.numbers()?,
                "loss_changes" => tree.loss_changes = source.numbers()?,
                "sum_hessian" => tree.sum_hessian = source.numbers()?,
                "categories" => tree.categories = source.numbers()?,
                "categories_nodes" => tree.categories_nodes = source.numbers()?,
                "categories_segments" => tree.categories_segments = source.numbers()?,
                "categories_sizes" => tree.categories_sizes = source.numbers()?,
                "tree_param" => tree.tree_param = strings(source)?,
                _ => source.skip()?,
            }
            Ok(())
        })?;
        Ok(tree)
    }

    /// The tree, or what is wrong with it.
    pub(super) fn check(&self, output: u32, feature_count: u32) -> Result<Tree, String> {
        let count = self.left_children.len();
        let lengths = [
            ("right_children", self.right_children.len()),
            ("split_indices", self.split_indices.len()),
            ("split_conditions", self.split_conditions.len()),
            ("default_left", self.default_left.len()),
            ("base_weights", self.base_weights.len()),
            ("loss_changes", self.loss_changes.len()),
            ("sum_hessian", self.sum_hessian.len()),
        ];
        if count == 0 {
            return Err("it has no nodes".into());
        }
        if let Some((name, length)) = lengths.into_iter().find(|&(_, length)| length != count) {
            return Err(format!(
                "`left_children` has {count} nodes, `{name}` has {length}"
            ));
        }
        if let Some(width) = self.tree_param.get("size_leaf_vector") {
            if !matches!(width.as_str(), "0" | "1") {
                return Err(format!("its leaves have {width} values; one is supported"));
            }
        }
        let mut categories = self.categories()?;
        let mut nodes = Vec::with_capacity(count);
        for at in 0..count {
            nodes.push(Node {
                parent: None,
                kind: self.kind(at, feature_count, categories.remove(&at))?,
                base_weight: self.base_weights[at],
                sum_hessian: self.sum_hessian[at],
            });
        }
        link_parents(&mut nodes)?;
        Ok(Tree { output, nodes })
    }

    fn kind(
        &self,
        at: usize,
        feature_count: u32,
        categories: Option<Vec<u32>>,
    ) -> Result<NodeKind, String> {
        let value = self.split_conditions[at];
        let (left, right) = (self.left_children[at], self.right_children[at]);
        if left == -1 && right == -1 {
            if value.is_nan() {
                return Err(format!("node {at} has the value NaN"));
            }
            return Ok(NodeKind::Leaf { value });
        }
        let child = |child: i64| {
            let index = u32::try_from(child)
                .ok()
                .filter(|&index| (index as usize) < self.left_children.len());
            index.ok_or_else(|| {
                format!(
                    "node {at} has the child {child}, of {} nodes",
                    self.left_children.len()
                )
            })
        };
        let feature = u32::try_from(self.split_indices[at])
            .ok()
            .filter(|&feature| feature < feature_count)
            .ok_or_else(|| {
                format!(
                    "node {at} splits on feature {}, of {feature_count}",
                    self.split_indices[at]
                )
            })?;
        let condition = match (self.split_type.get(at).copied().unwrap_or(0), categories) {
            (0, _) if value.is_nan() => return Err(format!("node {at} has the value NaN")),
            (0, _) => Condition::Below(value),
            (1, Some(categories)) => Condition::NotAmong(categories),
            (1, None) => {
                return Err(format!("node {at} splits categories, but lists none"));
            }
            (other, _) => return Err(format!("node {at} has the split type {other}")),
        };
        Ok(NodeKind::Split {
            feature,
            condition,
            default_left: self.default_left[at] != 0,
            left: child(left)?,
            right: child(right)?,
            loss_change: self.loss_changes[at],
        })
    }

    /// The categories that go right, by node.
    fn categories(&self) -> Result<BTreeMap<usize, Vec<u32>>, String> {
        let count = self.categories_nodes.len();
        if count != self.categories_segments.len() || count != self.categories_sizes.len() {
            return Err(format!(
                "`categories_nodes` has {count} entries, `categories_segments` {} and `categories_sizes` {}",
                self.categories_segments.len(),
                self.categories_sizes.len()
            ));
        }
        let (mut by_node, mut total) = (BTreeMap::new(), 0);
        for entry in 0..count {
            let node = self.categories_nodes[entry];
            let (start, size) = (
                self.categories_segments[entry],
                self.categories_sizes[entry],
            );
            let listed = usize::try_from(start)
                .ok()
                .zip(usize::try_from(size).ok())
                .and_then(|(start, size)| self.categories.get(start..start.checked_add(size)?))
                .ok_or_else(|| {
                    format!(
                        "node {node} has {size} categories from place {start}, of {}",
                        self.categories.len()
                    )
                })?;
            // Places that overlap could make much of a small file.
            total += listed.len();
            if total > self.categories.len() {
                return Err("nodes share places of `categories`".into());
            }
            let mut categories = Vec::with_capacity(listed.len());
            for &category in listed {
                let known = u32::try_from(category).ok();
                let known = known.filter(|&category| (category as usize) < MAX_BINS);
                categories.push(known.ok_or_else(|| {
                    format!(
                        "node {node} has the category {category}; 0 to {} are supported",
                        MAX_BINS - 1
                    )
                })?);
            }
            categories.sort_unstable();
            categories.dedup();
            let node = usize::try_from(node)
                .ok()
                .filter(|&node| node < self.left_children.len())
                .ok_or_else(|| {
                    format!(
                        "`categories_nodes` names node {node}, of {}",
                        self.left_children.len()
                    )
                })?;
            by_node.insert(node, categories);
        }
        Ok(by_node)
    }
}

/// Tells each child its parent, and makes sure that it has but one and the root none: then following
/// children from the root ends.
fn link_parents(nodes: &mut [Node]) -> Result<(), String> {
    for at in 0..nodes.len() {
        let NodeKind::Split { left, right, .. } = nodes[at].kind else {
            continue;
        };
        for child in [left, right] {
            let node = &mut nodes[child as usize];
            if child == 0 || node.parent.is_some() {
                return Err(format!("node {child} is reached in two ways"));
            }
            node.parent = Some(to_index(at));
        }
    }
    Ok(())
}
