//! Trees laid out for prediction.

use crate::tree::{NodeKind, Tree, as_index};

/// Rows that go through all trees before the next ones do: few enough that they stay in the first
/// cache level together with a tree.
const BLOCK_ROWS: usize = 64;
/// Rows that go down a tree, or trees that a row goes down, at the same time, so that their memory
/// accesses overlap.
const LANES: usize = 8;
/// Set in [`FlatNode::feature`] if rows that miss the feature go left.
const DEFAULT_LEFT: u32 = 1 << 31;

/// Trees as one array of 16-byte nodes, made to be walked without branches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forest {
    nodes: Vec<FlatNode>,
    trees: Vec<FlatTree>,
}

#[derive(Clone, Debug, PartialEq)]
struct FlatTree {
    root: u32,
    /// Steps from the root to the deepest leaf.
    depth: u32,
}

#[derive(Clone, Debug, PartialEq)]
struct FlatNode {
    /// Threshold, or value of the leaf.
    value: f32,
    feature: u32,
    /// The left child, or the node itself if it is a leaf.
    left: u32,
    /// How far the right child is from the left one: 1, or 0 for a leaf. So a row that has arrived
    /// stays where it is.
    right: u32,
}

impl Forest {
    /// Lays trees out. Every child index must be in range, with one parent.
    pub fn new<'a>(trees: impl IntoIterator<Item = &'a Tree>) -> Self {
        let mut forest = Self::default();
        for tree in trees {
            forest.push(&tree.in_level_order());
        }
        forest
    }

    /// Adds a tree in level order, where the right child follows the left.
    fn push(&mut self, tree: &Tree) {
        let root = as_index(self.nodes.len());
        let mut depths: Vec<u32> = Vec::with_capacity(tree.nodes.len());
        for (node, at) in tree.nodes.iter().zip(root..) {
            depths.push(node.parent.map_or(0, |parent| depths[parent as usize] + 1));
            self.nodes.push(match node.kind {
                NodeKind::Leaf { value } => FlatNode {
                    value,
                    feature: 0,
                    left: at,
                    right: 0,
                },
                NodeKind::Split {
                    feature,
                    threshold,
                    default_left,
                    left,
                    ..
                } => FlatNode {
                    value: threshold,
                    feature: feature | if default_left { DEFAULT_LEFT } else { 0 },
                    left: root + left,
                    right: 1,
                },
            });
        }
        self.trees.push(FlatTree {
            root,
            depth: depths.last().copied().unwrap_or(0),
        });
    }

    /// Adds to each row's margin the values of the leaves that it arrives at, in float32 and in tree
    /// order. `rows` is row-major with `feature_count` (1 or more) values per row, NaN where missing.
    pub fn add_margins(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        let blocks = rows
            .chunks(BLOCK_ROWS * feature_count)
            .zip(margins.chunks_mut(BLOCK_ROWS));
        for (rows, margins) in blocks {
            let in_lanes = margins.len() / LANES * LANES;
            let (rows, last_rows) = rows.split_at(in_lanes * feature_count);
            let (margins, last_margins) = margins.split_at_mut(in_lanes);
            self.add_rows(rows, feature_count, margins);
            let rest = last_rows.chunks_exact(feature_count);
            for (row, margin) in rest.zip(last_margins) {
                *margin = self.add_row(row, *margin);
            }
        }
    }

    /// Takes several rows down a tree at a time, then the next tree. The number of rows is a
    /// multiple of [`LANES`].
    fn add_rows(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        for tree in &self.trees {
            let rows = rows.chunks_exact(LANES * feature_count);
            for (rows, margins) in rows.zip(margins.chunks_exact_mut(LANES)) {
                let leaves = self.walk([tree.root; LANES], tree.depth, rows, feature_count);
                for (margin, value) in margins.iter_mut().zip(leaves) {
                    *margin += value;
                }
            }
        }
    }

    /// Takes one row down several trees at a time: what a single request needs.
    fn add_row(&self, row: &[f32], margin: f32) -> f32 {
        let trees = self.trees.chunks_exact(LANES);
        let rest = trees.remainder();
        let several = trees.flat_map(|trees| {
            let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
            self.walk(
                std::array::from_fn::<_, LANES, _>(|lane| trees[lane].root),
                depth,
                row,
                0,
            )
        });
        let single = rest
            .iter()
            .flat_map(|tree| self.walk([tree.root], tree.depth, row, 0));
        several
            .chain(single)
            .fold(margin, |margin, value| margin + value)
    }

    /// Goes `depth` steps from each of these nodes and gives the values of the leaves reached. The
    /// row of lane i begins at `rows[i * stride]`.
    // A caller's constant lanes and stride make it up to a third faster than the shared function.
    #[inline(always)]
    fn walk<const N: usize>(
        &self,
        mut at: [u32; N],
        depth: u32,
        rows: &[f32],
        stride: usize,
    ) -> [f32; N] {
        for _ in 0..depth {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = &self.nodes[*at as usize];
                let value = rows[lane * stride + (node.feature & !DEFAULT_LEFT) as usize];
                let missing_right = value.is_nan() & (node.feature & DEFAULT_LEFT == 0);
                *at = node.left + (u32::from((value >= node.value) | missing_right) & node.right);
            }
        }
        at.map(|at| self.nodes[at as usize].value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::Node;

    /// A tree whose shape and thresholds follow the numbers, every node at most once a parent.
    fn tree_of(choices: &[(bool, u8, i8, bool)]) -> Tree {
        let leaf = |value: f32| Node {
            parent: None,
            kind: NodeKind::Leaf { value },
            base_weight: value,
            sum_hessian: 0.0,
        };
        let mut nodes = vec![leaf(0.5)];
        let mut open = vec![0];
        for &(last, feature, threshold, default_left) in choices {
            let Some(at) = (if last {
                open.pop()
            } else {
                Some(open.remove(0))
            }) else {
                break;
            };
            let left = as_index(nodes.len());
            nodes[at].kind = NodeKind::Split {
                feature: u32::from(feature % 3),
                threshold: if threshold == i8::MIN {
                    f32::NEG_INFINITY
                } else {
                    threshold.into()
                },
                default_left,
                left,
                right: left + 1,
                loss_change: 1.0,
            };
            nodes.extend([leaf(left as f32 * 0.1), leaf(left as f32 * -0.7)]);
            open.extend([left as usize, left as usize + 1]);
        }
        Tree { nodes }
    }

    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![
            4 => (-128i16..128).prop_map(f32::from),
            1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-40]),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_walking_the_trees(
            trees in prop::collection::vec(
                prop::collection::vec((any::<bool>(), any::<u8>(), any::<i8>(), any::<bool>()), 0..20),
                0..20,
            ),
            rows in prop::collection::vec([value(), value(), value()], 0..150),
        ) {
            let trees: Vec<_> = trees.iter().map(|choices| tree_of(choices)).collect();
            let flat: Vec<f32> = rows.iter().flatten().copied().collect();
            let mut margins = vec![0.3; rows.len()];
            Forest::new(&trees).add_margins(&flat, 3, &mut margins);
            for (row, margin) in rows.iter().zip(margins) {
                let expected = trees.iter().fold(0.3, |sum: f32, tree| sum + tree.predict(row));
                prop_assert_eq!(expected.to_bits(), margin.to_bits());
            }
        }
    }
}
