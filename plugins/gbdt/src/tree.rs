//! A regression tree, with everything that XGBoost's model file keeps of it.

use crate::num::{to_index, to_whole};

/// A node. Children follow their parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The node that this one was split from; `None` for the root.
    pub parent: Option<u32>,
    /// What becomes of a row that arrives here.
    pub kind: NodeKind,
    /// The value it had, or would have had, as a leaf. A leaf's includes the learning rate.
    pub base_weight: f32,
    /// Sum of second derivatives over the training rows that arrived.
    pub sum_hessian: f32,
}

/// What becomes of a row that arrives at a node.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// It goes on: left if the condition holds, right if not.
    Split {
        feature: u32,
        condition: Condition,
        /// Whether it goes left if it misses the feature.
        default_left: bool,
        left: u32,
        right: u32,
        /// How much the training loss fell.
        loss_change: f32,
    },
    /// This is added to its margin.
    Leaf { value: f32 },
}

/// What sends a row left.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The feature's value is below this.
    Below(f32),
    /// The feature's value is a category that is none of these, which ascend.
    NotAmong(Vec<u32>),
}

/// Categories end before this: XGBoost takes a number that float32 cannot count to for no category,
/// and so never for one that was listed.
pub(crate) const END_OF_CATEGORIES: f32 = 16_777_216.0;

impl Condition {
    /// Whether a value that is not missing goes left.
    pub fn holds(&self, value: f32) -> bool {
        match self {
            Self::Below(threshold) => value < *threshold,
            Self::NotAmong(categories) => {
                !(0.0..END_OF_CATEGORIES).contains(&value)
                    || categories
                        .binary_search(&to_index(to_whole(value)))
                        .is_err()
            }
        }
    }
}

/// Nodes, the root first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Which of a row's margins it adds to: 0, or the class.
    pub output: u32,
    /// Children follow their parent.
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The value of the leaf that a row arrives at. Missing features are NaN.
    pub fn predict(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        loop {
            let node = &self.nodes[at as usize];
            match (&node.kind, node.next(row)) {
                (NodeKind::Leaf { value }, _) => return *value,
                (NodeKind::Split { .. }, next) => at = next.unwrap_or_default(),
            }
        }
    }

    /// Whether every leaf has a finite value.
    pub fn is_finite(&self) -> bool {
        self.nodes.iter().all(|node| match &node.kind {
            NodeKind::Leaf { value } => value.is_finite(),
            NodeKind::Split { .. } => true,
        })
    }

    /// The same tree with its nodes in XGBoost's order: level by level, both children of a node
    /// numbered when it is split.
    pub fn in_level_order(&self) -> Self {
        let mut order = vec![0u32];
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        let mut parents = vec![None];
        while let Some(&old) = order.get(nodes.len()) {
            let at = nodes.len();
            let mut node = self.nodes[old as usize].clone();
            node.parent = parents[at];
            if let NodeKind::Split { left, right, .. } = &mut node.kind {
                let next = to_index(order.len());
                order.extend([*left, *right]);
                parents.extend([Some(to_index(at)); 2]);
                (*left, *right) = (next, next + 1);
            }
            nodes.push(node);
        }
        Self {
            output: self.output,
            nodes,
        }
    }

    /// Steps from the root to the deepest leaf of a tree in level order.
    pub(crate) fn depth(&self) -> u32 {
        let mut depths: Vec<u32> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            depths.push(node.parent.map_or(0, |parent| depths[parent as usize] + 1));
        }
        depths.last().copied().unwrap_or(0)
    }
}

impl Node {
    /// The child that a row goes on to, unless this is a leaf.
    pub(crate) fn next(&self, row: &[f32]) -> Option<u32> {
        let NodeKind::Split {
            feature,
            condition,
            default_left,
            left,
            right,
            ..
        } = &self.kind
        else {
            return None;
        };
        let value = row[*feature as usize];
        let goes_left = if value.is_nan() {
            *default_left
        } else {
            condition.holds(value)
        };
        Some(if goes_left { *left } else { *right })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(value: f32, parent: u32) -> Node {
        Node {
            parent: Some(parent),
            kind: NodeKind::Leaf { value },
            base_weight: value,
            sum_hessian: 1.0,
        }
    }

    fn split(feature: u32, left: u32, right: u32, parent: Option<u32>) -> Node {
        let kind = NodeKind::Split {
            feature,
            condition: Condition::Below(1.0),
            default_left: true,
            left,
            right,
            loss_change: 1.0,
        };
        Node {
            parent,
            kind,
            base_weight: 0.0,
            sum_hessian: 2.0,
        }
    }

    #[test]
    fn categories_that_are_not_listed_go_left() {
        let condition = Condition::NotAmong(vec![1, 40]);
        for (value, expected) in [
            (1.0, false),
            (40.0, false),
            (40.9, false),
            (0.0, true),
            (41.0, true),
            (-1.0, true),
            (16_777_216.0, true),
        ] {
            assert_eq!(condition.holds(value), expected, "{value}");
        }
    }

    #[test]
    fn level_order_keeps_predictions() {
        // Depth first: 0 -> (1 -> (2, 3), 4 -> (5, 6)).
        let tree = Tree {
            output: 0,
            nodes: vec![
                split(0, 1, 4, None),
                split(1, 2, 3, Some(0)),
                leaf(1.0, 1),
                leaf(2.0, 1),
                split(1, 5, 6, Some(0)),
                leaf(3.0, 4),
                leaf(4.0, 4),
            ],
        };
        let level = tree.in_level_order();
        let parents: Vec<_> = level.nodes.iter().map(|node| node.parent).collect();
        assert_eq!(
            parents,
            [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]
        );
        for (row, expected) in [
            ([0.0, 0.0], 1.0),
            ([0.0, 1.0], 2.0),
            ([1.0, 0.0], 3.0),
            ([1.0, 1.0], 4.0),
            ([f32::NAN, f32::NAN], 1.0),
        ] {
            assert_eq!(
                (tree.predict(&row), level.predict(&row)),
                (expected, expected),
                "{row:?}"
            );
        }
    }
}
