//! A regression tree, with everything that XGBoost's model file keeps of it.

/// A node. Children follow their parent.
#[derive(Clone, Copy, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NodeKind {
    /// It goes on: left if the feature is below the threshold, right if not.
    Split {
        feature: u32,
        threshold: f32,
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

/// Nodes, the root first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The value of the leaf that a row arrives at. Missing features are NaN.
    pub fn predict(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at as usize].kind {
                NodeKind::Leaf { value } => return value,
                NodeKind::Split {
                    feature,
                    threshold,
                    default_left,
                    left,
                    right,
                    ..
                } => {
                    let value = row[feature as usize];
                    let goes_left = if value.is_nan() {
                        default_left
                    } else {
                        value < threshold
                    };
                    at = if goes_left { left } else { right };
                }
            }
        }
    }

    /// Whether every leaf has a finite value.
    pub fn is_finite(&self) -> bool {
        self.nodes.iter().all(|node| match node.kind {
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
            let mut node = self.nodes[old as usize];
            node.parent = parents[at];
            if let NodeKind::Split { left, right, .. } = &mut node.kind {
                let next = as_index(order.len());
                order.extend([*left, *right]);
                parents.extend([Some(as_index(at)); 2]);
                (*left, *right) = (next, next + 1);
            }
            nodes.push(node);
        }
        Self { nodes }
    }
}

/// A node's number as trees keep it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a tree has at most two nodes per row, of fewer than 2^31"
)]
pub(crate) fn as_index(index: usize) -> u32 {
    index as u32
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
            threshold: 1.0,
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
    fn level_order_keeps_predictions() {
        // Depth first: 0 -> (1 -> (2, 3), 4 -> (5, 6)).
        let tree = Tree {
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
