//! Trees laid out for prediction.

mod complete;
mod lanes;
mod linked;
mod ranked;

use complete::Complete;
use linked::Linked;

use crate::tree::Tree;

/// More features than this a node cannot name.
pub(crate) const MAX_FEATURES: u32 = 1 << 30;

/// Trees as arrays of small nodes, made to be walked without branches.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    trees: Layout,
    /// Margins per row.
    output_count: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Layout {
    Complete(Complete),
    Linked(Linked),
}

impl Forest {
    /// Lays trees out for rows of so many margins. Every child index must be in range, with one
    /// parent, and every output below `output_count`, which is 1 or more.
    pub fn new<'a>(trees: impl IntoIterator<Item = &'a Tree>, output_count: usize) -> Self {
        let trees: Vec<Tree> = trees.into_iter().map(Tree::in_level_order).collect();
        let complete = Complete::new(&trees, output_count).map(Layout::Complete);
        Self {
            trees: complete.unwrap_or_else(|| Layout::Linked(Linked::new(&trees, output_count))),
            output_count,
        }
    }

    /// Margins per row.
    pub fn output_count(&self) -> usize {
        self.output_count
    }

    /// Adds to the rows' margins the values of the leaves that they arrive at, in float32 and in tree
    /// order. `rows` is row-major with `feature_count` (1 or more) values per row, NaN where missing;
    /// `margins` is row-major as well.
    pub fn add_margins(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        match &self.trees {
            Layout::Complete(trees) => trees.add_rows(rows, feature_count, margins),
            Layout::Linked(trees) => trees.add_rows(rows, feature_count, margins),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::num::to_index;
    use crate::tree::{Condition, Node, NodeKind};

    /// A tree whose shape and conditions follow the numbers, every node at most once a parent.
    fn tree_of(choices: &[(bool, u8, i8, bool)], output: u32, has_categories: bool) -> Tree {
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
            let left = to_index(nodes.len());
            let condition = match threshold {
                i8::MIN => Condition::Below(f32::NEG_INFINITY),
                -20..0 if has_categories => Condition::NotAmong(
                    (0..100)
                        .filter(|category| category % 7 == u32::from(threshold.unsigned_abs()) % 7)
                        .collect(),
                ),
                _ => Condition::Below(threshold.into()),
            };
            nodes[at].kind = NodeKind::Split {
                feature: u32::from(feature % 3),
                condition,
                default_left,
                left,
                right: left + 1,
                loss_change: 1.0,
            };
            nodes.extend([leaf(left as f32 * 0.1), leaf(left as f32 * -0.7)]);
            open.extend([left as usize, left as usize + 1]);
        }
        Tree { output, nodes }
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
                0..40,
            ),
            rows in prop::collection::vec([value(), value(), value()], 0..300),
            outputs in 1u32..4,
            has_categories: bool,
        ) {
            let trees: Vec<_> = trees.iter().zip((0..outputs).cycle())
                .map(|(choices, output)| tree_of(choices, output, has_categories)).collect();
            let flat: Vec<f32> = rows.iter().flatten().copied().collect();
            let width = outputs as usize;
            let in_order: Vec<Tree> = trees.iter().map(Tree::in_level_order).collect();
            let mut forests = vec![Forest::new(&trees, width)];
            forests.push(Forest { trees: Layout::Linked(Linked::new(&in_order, width)), output_count: width });
            for forest in forests {
                let mut margins = vec![0.3; rows.len() * width];
                forest.add_margins(&flat, 3, &mut margins);
                for (row, margins) in rows.iter().zip(margins.chunks(width)) {
                    for (margin, output) in margins.iter().zip(0..) {
                        let of_output = trees.iter().filter(|tree| tree.output == output);
                        let expected = of_output.fold(0.3, |sum: f32, tree| sum + tree.predict(row));
                        prop_assert_eq!(expected.to_bits(), margin.to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn shallow_trees_are_filled_up_and_others_are_linked() {
        let is_complete = |trees: &[Tree]| {
            let forest = Forest::new(trees, 1);
            matches!(forest.trees, Layout::Complete(_))
        };
        // The last leaf is split again and again.
        let chain = |depth: usize| tree_of(&vec![(true, 0, 5, false); depth], 0, false);
        assert!(is_complete(&[]) && is_complete(&[chain(0), chain(8)]));
        assert!(!is_complete(&[chain(0), chain(9)]));
        let with_categories = tree_of(&[(true, 0, -5, false)], 0, true);
        assert!(!is_complete(&[chain(2), with_categories]));
    }
}
