//! Trees of any depth, whose nodes say where their children are.

use crate::{
    num::{to_index, to_whole},
    tree::{Condition, END_OF_CATEGORIES, NodeKind, Tree},
};

use super::MAX_FEATURES;

/// Rows that go through all trees before the next ones do: few enough that they stay in the first
/// cache level together with a tree.
const BLOCK_ROWS: usize = 64;
/// Rows that go down a tree, or trees that a row goes down, at the same time, so that their memory
/// accesses overlap.
const LANES: usize = 8;
/// Set in [`FlatNode::feature`] if rows that miss the feature go left.
const DEFAULT_LEFT: u32 = 1 << 31;
/// Set in [`FlatNode::feature`] if the split is one of categories.
const CATEGORICAL: u32 = MAX_FEATURES;
/// The bits of [`FlatNode::feature`] that say which it is.
const FEATURE: u32 = CATEGORICAL - 1;

/// Trees as one array of 16-byte nodes, made to be walked without branches.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Linked {
    nodes: Vec<FlatNode>,
    trees: Vec<FlatTree>,
    /// Sets of categories: for each the number of words, then one bit per category.
    categories: Vec<u32>,
    /// Margins per row.
    output_count: usize,
}

#[derive(Clone, Debug, PartialEq)]
struct FlatTree {
    root: u32,
    /// Steps from the root to the deepest leaf.
    depth: u32,
    output: usize,
    has_categories: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct FlatNode {
    /// Threshold, or value of the leaf; for a split of categories the bits are the place of its set.
    value: f32,
    feature: u32,
    /// The left child, or the node itself if it is a leaf.
    left: u32,
    /// How far the right child is from the left one: 1, or 0 for a leaf. So a row that has arrived
    /// stays where it is.
    right: u32,
}

impl Linked {
    /// Lays out trees in level order for rows of so many margins.
    pub(super) fn new(trees: &[Tree], output_count: usize) -> Self {
        let mut linked = Self {
            nodes: Vec::new(),
            trees: Vec::new(),
            categories: Vec::new(),
            output_count,
        };
        trees.iter().for_each(|tree| linked.push(tree));
        linked
    }

    /// Adds a tree in level order, where the right child follows the left.
    fn push(&mut self, tree: &Tree) {
        let root = to_index(self.nodes.len());
        let mut has_categories = false;
        for (node, at) in tree.nodes.iter().zip(root..) {
            let flat = match &node.kind {
                NodeKind::Leaf { value } => FlatNode {
                    value: *value,
                    feature: 0,
                    left: at,
                    right: 0,
                },
                NodeKind::Split {
                    feature,
                    condition,
                    default_left,
                    left,
                    ..
                } => {
                    let mut feature = feature | if *default_left { DEFAULT_LEFT } else { 0 };
                    let value = match condition {
                        Condition::Below(threshold) => *threshold,
                        Condition::NotAmong(categories) => {
                            has_categories = true;
                            feature |= CATEGORICAL;
                            f32::from_bits(self.push_categories(categories))
                        }
                    };
                    FlatNode {
                        value,
                        feature,
                        left: root + left,
                        right: 1,
                    }
                }
            };
            self.nodes.push(flat);
        }
        self.trees.push(FlatTree {
            root,
            depth: tree.depth(),
            output: tree.output as usize,
            has_categories,
        });
    }

    fn push_categories(&mut self, categories: &[u32]) -> u32 {
        let place = self.categories.len();
        let words = categories.last().map_or(0, |&last| last / 32 + 1);
        self.categories.push(words);
        self.categories.resize(place + 1 + words as usize, 0);
        for category in categories {
            self.categories[place + 1 + (category / 32) as usize] |= 1 << (category % 32);
        }
        to_index(place)
    }

    /// Adds the leaves' values to the rows' margins.
    pub(super) fn add_rows(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        let blocks = rows
            .chunks(BLOCK_ROWS * feature_count)
            .zip(margins.chunks_mut(BLOCK_ROWS * self.output_count));
        for (rows, margins) in blocks {
            self.add_block(rows, feature_count, margins);
        }
    }

    fn add_block(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        let row_count = margins.len() / self.output_count;
        let in_lanes = row_count / LANES * LANES;
        let (rows, last_rows) = rows.split_at(in_lanes * feature_count);
        let (margins, last_margins) = margins.split_at_mut(in_lanes * self.output_count);
        self.add_lanes(rows, feature_count, margins);
        let rest = last_rows.chunks_exact(feature_count);
        for (row, margins) in rest.zip(last_margins.chunks_exact_mut(self.output_count)) {
            self.add_row(row, margins);
        }
    }

    /// Takes several rows down a tree at a time, then the next tree. The number of rows is a
    /// multiple of [`LANES`].
    fn add_lanes(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        for tree in &self.trees {
            let rows = rows.chunks_exact(LANES * feature_count);
            for (rows, margins) in rows.zip(margins.chunks_exact_mut(LANES * self.output_count)) {
                let roots = [tree.root; LANES];
                let leaves = if tree.has_categories {
                    self.walk::<LANES, true>(roots, tree.depth, rows, feature_count)
                } else {
                    self.walk::<LANES, false>(roots, tree.depth, rows, feature_count)
                };
                let margins = margins[tree.output..].iter_mut().step_by(self.output_count);
                for (margin, value) in margins.zip(leaves) {
                    *margin += value;
                }
            }
        }
    }

    /// Takes one row down several trees at a time: what a single request needs.
    fn add_row(&self, row: &[f32], margins: &mut [f32]) {
        let several = self.trees.chunks_exact(LANES);
        let rest = several.remainder();
        for trees in several {
            let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
            let roots = std::array::from_fn::<_, LANES, _>(|lane| trees[lane].root);
            let leaves = if trees.iter().any(|tree| tree.has_categories) {
                self.walk::<LANES, true>(roots, depth, row, 0)
            } else {
                self.walk::<LANES, false>(roots, depth, row, 0)
            };
            for (tree, value) in trees.iter().zip(leaves) {
                margins[tree.output] += value;
            }
        }
        for tree in rest {
            let [value] = self.walk::<1, true>([tree.root], tree.depth, row, 0);
            margins[tree.output] += value;
        }
    }

    /// Goes `depth` steps from each of these nodes and gives the values of the leaves reached. The
    /// row of lane i begins at `rows[i * stride]`. Trees with splits of categories need `CATEGORIES`.
    // A caller's constant lanes and stride make it up to a third faster than the shared function.
    #[inline(always)]
    fn walk<const N: usize, const CATEGORIES: bool>(
        &self,
        mut at: [u32; N],
        depth: u32,
        rows: &[f32],
        stride: usize,
    ) -> [f32; N] {
        for _ in 0..depth {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = &self.nodes[*at as usize];
                let value = rows[lane * stride + (node.feature & FEATURE) as usize];
                let missing_right = value.is_nan() & (node.feature & DEFAULT_LEFT == 0);
                let goes_right = if CATEGORIES && node.feature & CATEGORICAL != 0 {
                    self.is_among(node.value.to_bits(), value)
                } else {
                    value >= node.value
                };
                *at = node.left + (u32::from(goes_right | missing_right) & node.right);
            }
        }
        at.map(|at| self.nodes[at as usize].value)
    }

    /// Whether a category is in the set at this place.
    fn is_among(&self, place: u32, value: f32) -> bool {
        if !(0.0..END_OF_CATEGORIES).contains(&value) {
            return false;
        }
        let (place, category) = (place as usize, to_whole(value));
        let word = category / 32;
        word < self.categories[place] as usize
            && self.categories[place + 1 + word] >> (category % 32) & 1 == 1
    }
}
