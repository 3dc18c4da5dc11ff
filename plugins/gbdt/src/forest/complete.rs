//! Shallow trees, filled up so that every leaf is as deep as the deepest.
//!
//! The nodes of a level lie side by side, the children of node i at 2i and 2i + 1. So a step is two
//! loads, a comparison and an addition, and no index needs a check. The compiler writes out all steps of
//! a tree, so few instructions that the processor is at several rows at the same time.
//!
//! That is for few rows. Many go through the same trees by the [ranks](Ranked) of their values.

use super::ranked::{self, Asked, LANES, Ranked};
use crate::tree::{Condition, NodeKind, Tree};

/// Rows that go through all trees before the next ones do: few enough that they stay in the first
/// cache level together with a tree.
const BLOCK_ROWS: usize = 64;
/// The deepest tree that is filled up: each level more doubles what all trees take.
const MAX_DEPTH: u32 = 8;
/// Values that are within reach of a row's first one; a row with more of them is not for here.
const WINDOW: usize = 1024;

/// Trees without splits of categories, none of them deep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Complete {
    trees: Vec<CompleteTree>,
    /// 2^depth for each tree, the first of which is not used.
    splits: Vec<Split>,
    /// As many: the values of the leaves.
    leaves: Vec<f32>,
    output_count: usize,
    /// The same splits for many rows.
    ranked: Option<Ranked>,
}

#[derive(Clone, Debug, PartialEq)]
struct CompleteTree {
    /// Where its nodes and its leaves begin.
    place: usize,
    depth: u32,
    output: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Split {
    threshold: f32,
    /// The place in a row whose values were [doubled](double).
    place: u16,
}

/// Where both ways lead to the same leaf, any feature may be asked; there is a first.
const NO_SPLIT: Split = Split {
    threshold: 0.0,
    place: 0,
};

impl Complete {
    /// Lays trees out for rows of so many margins, if all are shallow and without categories.
    pub(super) fn new(trees: &[Tree], output_count: usize) -> Option<Self> {
        let mut complete = Self {
            trees: Vec::with_capacity(trees.len()),
            splits: Vec::new(),
            leaves: Vec::new(),
            output_count,
            ranked: None,
        };
        let mut asked = Vec::new();
        for tree in trees {
            // A leaf alone gets a split, so that there is always a step to take.
            let depth = tree.depth().max(1);
            if depth > MAX_DEPTH {
                return None;
            }
            complete.push(tree, depth, &mut asked)?;
        }
        complete.ranked = Ranked::new(&asked);
        Some(complete)
    }

    fn push(&mut self, tree: &Tree, depth: u32, asked: &mut Vec<Option<Asked>>) -> Option<()> {
        let (place, size) = (self.splits.len(), 1 << depth);
        self.splits.resize(place + size, NO_SPLIT);
        self.leaves.resize(place + size, 0.0);
        asked.resize(place + size, None);
        self.trees.push(CompleteTree {
            place,
            depth,
            output: tree.output as usize,
        });
        let mut open = vec![(0, 1)];
        while let Some((node, at)) = open.pop() {
            match &tree.nodes.get(node)?.kind {
                NodeKind::Leaf { value } if at >= size => self.leaves[place + at - size] = *value,
                NodeKind::Leaf { .. } => open.extend([(node, 2 * at), (node, 2 * at + 1)]),
                NodeKind::Split {
                    feature,
                    condition: Condition::Below(threshold),
                    default_left,
                    left,
                    right,
                    ..
                } => {
                    let doubled = 2 * *feature as usize + usize::from(!default_left);
                    // Where missing goes is not known from a comparison with NaN.
                    if doubled >= WINDOW || threshold.is_nan() {
                        return None;
                    }
                    self.splits[place + at] = Split {
                        threshold: *threshold,
                        place: u16::try_from(doubled).ok()?,
                    };
                    asked[place + at] = Some(Asked {
                        feature: u16::try_from(*feature).ok()?,
                        threshold: *threshold,
                        default_left: *default_left,
                    });
                    open.extend([(*left as usize, 2 * at), (*right as usize, 2 * at + 1)]);
                }
                NodeKind::Split {
                    condition: Condition::NotAmong(_),
                    ..
                } => return None,
            }
        }
        Some(())
    }

    /// Adds the leaves' values to the rows' margins.
    pub(super) fn add_rows(&self, mut rows: &[f32], feature_count: usize, mut margins: &mut [f32]) {
        while !margins.is_empty() {
            let count = margins.len() / self.output_count;
            let ranked = self.ranked.as_ref().filter(|_| count >= ranked::ROWS_MIN);
            let block = count.min(match ranked {
                Some(_) => ranked::BLOCK_ROWS,
                None => BLOCK_ROWS,
            });
            let (now, later) = rows.split_at(block * feature_count);
            let (margins_now, margins_later) = margins.split_at_mut(block * self.output_count);
            match ranked {
                Some(ranked) => self.add_many(ranked, now, feature_count, margins_now),
                None => self.add_few(now, feature_count, margins_now),
            }
            (rows, margins) = (later, margins_later);
        }
    }

    /// A block of rows by their ranks.
    fn add_many(&self, ranked: &Ranked, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        let ranks = ranked.ranks(rows, feature_count);
        let outputs = self.output_count;
        // For each output the margins of all rows, sixteen at a time.
        let mut sums: Vec<Vec<[f32; LANES]>> = (0..outputs)
            .map(|output| {
                let margins = margins.chunks(LANES * outputs);
                let sixteen = |margins: &[f32]| {
                    std::array::from_fn(|lane| {
                        margins.get(lane * outputs + output).copied().unwrap_or(0.0)
                    })
                };
                margins.map(sixteen).collect()
            })
            .collect();
        for tree in &self.trees {
            let leaves = &self.leaves[tree.place..];
            let sums = sums[tree.output].iter_mut();
            ranked.add_tree(tree.place, tree.depth, &ranks, leaves, sums);
        }
        for (output, sums) in sums.iter().enumerate() {
            let margins = margins[output..].iter_mut().step_by(outputs);
            for (margin, sum) in margins.zip(sums.iter().flatten()) {
                *margin = *sum;
            }
        }
    }

    /// A few rows one by one.
    fn add_few(&self, rows: &[f32], feature_count: usize, margins: &mut [f32]) {
        let stride = 2 * feature_count;
        let mut doubled = Vec::with_capacity(2 * rows.len() + WINDOW);
        doubled.extend(rows.iter().flat_map(|&value| double(value)));
        // The last row has a whole window as well; what is beyond a row is never looked at.
        doubled.resize(2 * rows.len() + WINDOW, 0.0);
        for tree in &self.trees {
            let margins = &mut margins[tree.output..];
            match tree.depth {
                1 => self.add_tree::<1>(tree.place, &doubled, stride, margins),
                2 => self.add_tree::<2>(tree.place, &doubled, stride, margins),
                3 => self.add_tree::<3>(tree.place, &doubled, stride, margins),
                4 => self.add_tree::<4>(tree.place, &doubled, stride, margins),
                5 => self.add_tree::<5>(tree.place, &doubled, stride, margins),
                6 => self.add_tree::<6>(tree.place, &doubled, stride, margins),
                7 => self.add_tree::<7>(tree.place, &doubled, stride, margins),
                _ => self.add_tree::<8>(tree.place, &doubled, stride, margins),
            }
        }
    }

    /// `margins` begin at the tree's output.
    fn add_tree<const DEPTH: u32>(
        &self,
        place: usize,
        rows: &[f32],
        stride: usize,
        margins: &mut [f32],
    ) {
        // The masks below change nothing: all indices are less than these lengths. They spare checks.
        let size = 1 << DEPTH;
        let (splits, leaves) = (&self.splits[place..][..size], &self.leaves[place..][..size]);
        let margins = margins.iter_mut().step_by(self.output_count);
        for (margin, start) in margins.zip((0..).step_by(stride)) {
            let row = &rows[start..][..WINDOW];
            let mut at = 1;
            for _ in 0..DEPTH {
                let split = splits[at & (size - 1)];
                let value = row[split.place as usize & (WINDOW - 1)];
                at = 2 * at + usize::from(value >= split.threshold);
            }
            *margin += leaves[at & (size - 1)];
        }
    }
}

/// A value twice, so that one comparison with a threshold says where a row goes on: at the first
/// place a missing value is NaN and less than any, at the second it is infinite and not less.
fn double(value: f32) -> [f32; 2] {
    [value, if value.is_nan() { f32::INFINITY } else { value }]
}
