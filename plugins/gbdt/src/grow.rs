//! Growing one tree.

use crate::{
    bins::{Bin, BinMatrix, Layout},
    cuts::Cuts,
    histogram::{self, Gradient, Histogram, Sum},
    params::TreeParams,
    split::{Evaluator, Split, gain, weight},
    tree::{Node, NodeKind, Tree, as_index},
};

/// Grows trees on the same rows, keeping its buffers from one to the next.
///
/// A node's split depends on its rows alone, so the order in which nodes are worked on is free: it
/// is depth first, always into the child with fewer rows. So at most log2(rows) + 1 histograms are
/// alive, however deep the tree; afterwards the nodes are numbered level by level, as XGBoost does.
pub(crate) struct Grower<'a, B> {
    evaluator: Evaluator<'a>,
    bins: &'a BinMatrix<B>,
    /// Row numbers; each node owns a range, in row order.
    rows: Vec<u32>,
    scratch: Vec<u32>,
    pool: Vec<Histogram>,
}

/// A node that may be split.
struct Pending {
    node: usize,
    depth: u32,
    rows: std::ops::Range<usize>,
    sum: Sum,
    gain: f32,
    histogram: Histogram,
}

impl<'a, B: Bin> Grower<'a, B> {
    /// Ready to grow trees on `row_count` rows.
    pub(crate) fn new(
        params: &'a TreeParams,
        cuts: &'a [Cuts],
        layout: &'a Layout,
        bins: &'a BinMatrix<B>,
        row_count: u32,
    ) -> Self {
        Self {
            evaluator: Evaluator {
                params,
                cuts,
                layout,
            },
            bins,
            rows: (0..row_count).collect(),
            scratch: vec![0; row_count as usize],
            pool: Vec::new(),
        }
    }

    /// Grows a tree on these gradients and adds its predictions to the margins of the rows.
    pub(crate) fn grow(&mut self, gradients: &[Gradient], margins: &mut [f32]) -> Tree {
        self.rows
            .iter_mut()
            .zip(0..)
            .for_each(|(row, number)| *row = number);
        let params = self.evaluator.params;
        let mut nodes = Vec::new();
        let mut pending = vec![self.root(gradients, &mut nodes)];
        while let Some(at) = pending.pop() {
            let split = self.evaluator.best_split(&at.histogram, at.sum, at.gain);
            let Some(split) = split.filter(|split| self.evaluator.is_worthwhile(split)) else {
                self.settle(&nodes[at.node], at.rows, margins);
                self.pool.push(at.histogram);
                continue;
            };
            let children = self.split_node(&mut nodes, at.node, &split);
            let middle = at.rows.start + self.partition(at.rows.clone(), &split);
            let ranges = [at.rows.start..middle, middle..at.rows.end];
            if params
                .max_depth
                .is_some_and(|max_depth| at.depth + 1 >= max_depth)
            {
                for (child, rows) in children.into_iter().zip(ranges) {
                    self.settle(&nodes[child], rows, margins);
                }
                self.pool.push(at.histogram);
                continue;
            }
            let histograms = self.child_histograms(at.histogram, &split, &ranges, gradients);
            let mut grown: Vec<Pending> = children
                .into_iter()
                .zip(ranges)
                .zip([split.left, split.right])
                .zip(histograms)
                .map(|(((node, rows), sum), histogram)| Pending {
                    node,
                    depth: at.depth + 1,
                    rows,
                    sum,
                    gain: gain(params, sum),
                    histogram,
                })
                .collect();
            // The child with fewer rows is taken from the stack first.
            grown.sort_by_key(|child| std::cmp::Reverse(child.rows.len()));
            pending.append(&mut grown);
        }
        Tree { nodes }.in_level_order()
    }

    fn root(&mut self, gradients: &[Gradient], nodes: &mut Vec<Node>) -> Pending {
        let rows = 0..self.rows.len();
        let histogram = self.build(rows.clone(), gradients);
        let params = self.evaluator.params;
        let layout = self.evaluator.layout;
        // XGBoost sums the first feature's bins if no value is missing: the same sum in another
        // order, so with other roundings.
        let sum = if layout.is_dense() && !self.evaluator.cuts.is_empty() {
            histogram[layout.bins(0)]
                .iter()
                .fold(Sum::default(), |sum, &bin| sum + bin)
        } else {
            Sum::of(&self.rows, gradients)
        };
        let weight = weight(params, sum);
        nodes.push(Node {
            parent: None,
            kind: NodeKind::Leaf {
                value: weight * params.eta,
            },
            base_weight: weight,
            sum_hessian: crate::num::to_f32(sum.hessian),
        });
        Pending {
            node: 0,
            depth: 0,
            rows,
            sum,
            gain: gain(params, sum),
            histogram,
        }
    }

    /// Makes a leaf a split with two new leaves, and returns their places.
    fn split_node(&self, nodes: &mut Vec<Node>, at: usize, split: &Split) -> [usize; 2] {
        let params = self.evaluator.params;
        let sum = split.left + split.right;
        let children = [nodes.len(), nodes.len() + 1];
        nodes[at].base_weight = weight(params, sum);
        nodes[at].sum_hessian = crate::num::to_f32(sum.hessian);
        nodes[at].kind = NodeKind::Split {
            feature: as_index(split.feature),
            threshold: split.threshold,
            default_left: split.default_left,
            left: as_index(children[0]),
            right: as_index(children[1]),
            loss_change: split.loss_change,
        };
        nodes.extend([split.left, split.right].map(|sum| {
            let value = weight(params, sum) * params.eta;
            Node {
                parent: Some(as_index(at)),
                kind: NodeKind::Leaf { value },
                base_weight: value,
                sum_hessian: crate::num::to_f32(sum.hessian),
            }
        }));
        children
    }

    /// The histograms of both children: the one with the smaller sum is added up, the other is what
    /// it leaves of their parent's.
    fn child_histograms(
        &mut self,
        mut parent: Histogram,
        split: &Split,
        ranges: &[std::ops::Range<usize>; 2],
        gradients: &[Gradient],
    ) -> [Histogram; 2] {
        let build_right = split.right.hessian < split.left.hessian;
        let built = self.build(ranges[usize::from(build_right)].clone(), gradients);
        histogram::subtract(&mut parent, &built);
        if build_right {
            [parent, built]
        } else {
            [built, parent]
        }
    }

    fn build(&mut self, rows: std::ops::Range<usize>, gradients: &[Gradient]) -> Histogram {
        let layout = self.evaluator.layout;
        let mut histogram = self.pool.pop().unwrap_or_default();
        histogram.clear();
        histogram.resize(layout.slot_count(), Sum::default());
        histogram::build(
            &mut histogram,
            layout,
            self.bins,
            &self.rows[rows],
            gradients,
        );
        histogram
    }

    /// Moves the rows that go left before those that go right, each in row order; returns how many
    /// go left.
    fn partition(&mut self, rows: std::ops::Range<usize>, split: &Split) -> usize {
        let bin_count = self.evaluator.layout.bins(split.feature).len();
        let bins = self.bins.feature(split.feature);
        let rows = &mut self.rows[rows];
        let (mut left, mut right) = (0, 0);
        for at in 0..rows.len() {
            let row = rows[at];
            let bin: usize = bins[row as usize].into();
            let goes_left = if bin == bin_count {
                split.default_left
            } else {
                bin < split.left_bins
            };
            // Both are written and one counted, so that nothing is left to predict.
            rows[left] = row;
            self.scratch[right] = row;
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        rows[left..].copy_from_slice(&self.scratch[..right]);
        left
    }

    fn settle(&self, leaf: &Node, rows: std::ops::Range<usize>, margins: &mut [f32]) {
        if let NodeKind::Leaf { value } = leaf.kind {
            for &row in &self.rows[rows] {
                margins[row as usize] += value;
            }
        }
    }
}
