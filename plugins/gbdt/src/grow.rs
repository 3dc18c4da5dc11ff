//! Growing one tree.

mod queue;

use std::{collections::BTreeSet, ops::Range};

use self::queue::Queue;
use crate::{
    bins::{Bin, BinMatrix, Layout},
    constraints::Bounds,
    cuts::Cuts,
    histogram::{self, Adder, BLOCK, Gradient, Histogram, RareAdder, RareSlots, Slots, Sum},
    num::{to_f32, to_index},
    params::{GrowPolicy, TreeParams},
    sample::{Draw, ROOT_PATH, child_path},
    split::{Evaluator, Judged, Place, Split},
    tree::{Condition, Node, NodeKind, Tree},
};

/// Grows trees on the same rows, keeping its buffers from one to the next.
pub(crate) struct Grower<'a, B, S: Slots> {
    evaluator: Evaluator<'a>,
    bins: &'a BinMatrix<B>,
    /// Row numbers; each node owns a range, in row order.
    rows: Vec<u32>,
    scratch: Vec<u32>,
    adder: Adder<S>,
    rare: Option<(RareAdder, &'a RareSlots)>,
    /// Whether the gradients of this tree may be added by rare slots.
    is_exact: bool,
    pool: Vec<Histogram>,
}

/// What one tree is grown on, and for.
pub(crate) struct Task<'a> {
    pub gradients: &'a [Gradient],
    /// Which of a row's margins it adds to, and how many a row has.
    pub output: u32,
    pub output_count: usize,
    pub draw: Draw<'a>,
}

/// A leaf that may become a split.
struct Open {
    node: usize,
    depth: u32,
    rows: Range<usize>,
    judged: Judged,
    histogram: Histogram,
    /// Tells nodes apart, in whatever order they are worked on.
    path: u64,
    /// Features that the nodes above split on, if some may not interact.
    used: BTreeSet<u32>,
}

/// A leaf that will become this split when its turn comes.
struct Ready {
    open: Open,
    split: Split,
}

/// A tree that grows.
struct Growing<'t> {
    task: &'t Task<'t>,
    margins: &'t mut [f32],
    /// Features that the tree may split on.
    features: Vec<u32>,
    nodes: Vec<Node>,
    queue: Queue,
    leaves: u32,
}

impl<'a, B: Bin, S: Slots> Grower<'a, B, S> {
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
            adder: Adder::new(layout),
            rare: bins.rare().map(|rare| (RareAdder::new(), rare)),
            is_exact: false,
            pool: Vec::new(),
        }
    }

    /// Grows a tree and adds its predictions to the margins of the rows, which are row-major.
    pub(crate) fn grow(&mut self, task: &Task<'_>, margins: &mut [f32]) -> Tree {
        self.rows
            .iter_mut()
            .zip(0..)
            .for_each(|(row, number)| *row = number);
        self.is_exact = match &mut self.rare {
            Some((adder, _)) => adder.prepare(task.gradients),
            None => false,
        };
        let params = self.evaluator.params;
        let mut growing = Growing {
            task,
            margins,
            features: task.draw.for_tree(self.evaluator.cuts.len()),
            nodes: Vec::new(),
            queue: Queue::new(params),
            leaves: 1,
        };
        let root = self.root(&mut growing);
        self.offer(&mut growing, root);
        while let Some(ready) = growing.queue.pop() {
            if params.max_leaves.is_some_and(|most| growing.leaves >= most) {
                self.settle(&mut growing, ready.open);
            } else {
                self.expand(&mut growing, ready);
            }
        }
        let tree = Tree {
            output: task.output,
            nodes: growing.nodes,
        };
        match params.grow_policy {
            GrowPolicy::Depthwise => tree.in_level_order(),
            GrowPolicy::Lossguide => tree,
        }
    }

    fn root(&mut self, growing: &mut Growing<'_>) -> Open {
        let rows = 0..self.rows.len();
        let gradients = growing.task.gradients;
        let mut histogram = self.empty();
        match &mut self.rare {
            Some((adder, rare)) if self.is_exact => {
                adder.add(rare, self.evaluator.layout, &self.rows);
                histogram::take(adder.drain(), &mut histogram);
            }
            _ => {
                self.adder.add(self.bins, &self.rows, gradients);
                histogram::take(self.adder.drain(), &mut histogram);
            }
        }
        let params = self.evaluator.params;
        let layout = self.evaluator.layout;
        // XGBoost sums the first feature's bins if no value is missing: the same sum in another
        // order, so with other roundings, unless there are none.
        let sum = if (layout.is_dense() || self.is_exact) && !self.evaluator.cuts.is_empty() {
            histogram[layout.slots(0)]
                .iter()
                .fold(Sum::default(), |sum, &bin| sum + bin)
        } else {
            Sum::of(&self.rows, gradients)
        };
        let weight = Bounds::NONE.weight(params, sum);
        growing.nodes.push(Node {
            parent: None,
            kind: NodeKind::Leaf {
                value: weight * params.eta,
            },
            base_weight: weight,
            sum_hessian: to_f32(sum.hessian),
        });
        Open {
            node: 0,
            depth: 0,
            rows,
            judged: Judged {
                sum,
                gain: Bounds::NONE.gain(params, sum),
                bounds: Bounds::NONE,
            },
            histogram,
            path: ROOT_PATH,
            used: BTreeSet::new(),
        }
    }

    /// Queues a leaf if a split of it is worth making, else leaves it as it is.
    fn offer(&mut self, growing: &mut Growing<'_>, open: Open) {
        let features = self.features(growing, &open);
        let split = self
            .evaluator
            .best_split(&open.histogram, open.judged, &features)
            .filter(|split| self.evaluator.is_worthwhile(split));
        match split {
            Some(split) => growing.queue.push(Ready { open, split }),
            None => self.settle(growing, open),
        }
    }

    /// The features that a node may split on.
    fn features(&self, growing: &Growing<'_>, open: &Open) -> Vec<u32> {
        let draw = &growing.task.draw;
        let mut features = draw.for_node(&growing.features, open.depth, open.path);
        if let Some(reachable) = self.evaluator.params.constraints.reachable(&open.used) {
            features.retain(|feature| reachable.contains(feature));
        }
        features
    }

    /// Makes a leaf the split that it is ready for.
    fn expand(&mut self, growing: &mut Growing<'_>, Ready { mut open, split }: Ready) {
        let params = self.evaluator.params;
        let (children, weights) = self.split_node(growing, &open, &split);
        growing.leaves += 1;
        let middle = open.rows.start + self.partition(open.rows.clone(), &split);
        let ranges = [open.rows.start..middle, middle..open.rows.end];
        let is_last_level = params
            .max_depth
            .is_some_and(|max_depth| open.depth + 1 >= max_depth);
        if is_last_level || params.max_leaves.is_some_and(|most| growing.leaves >= most) {
            for (child, rows) in children.into_iter().zip(ranges) {
                self.settle_rows(growing, child, rows);
            }
            self.pool.push(open.histogram);
            return;
        }
        if !params.constraints.interactions.is_empty() {
            open.used.insert(to_index(split.feature));
        }
        let bounds = open
            .judged
            .bounds
            .of_children(&params.constraints, split.feature, weights);
        let histograms =
            self.child_histograms(open.histogram, &split, &ranges, growing.task.gradients);
        let sums = [split.left, split.right];
        let mut grown: Vec<Open> = Vec::with_capacity(2);
        for (side, (rows, histogram)) in ranges.into_iter().zip(histograms).enumerate() {
            grown.push(Open {
                node: children[side],
                depth: open.depth + 1,
                rows,
                judged: Judged {
                    sum: sums[side],
                    // XGBoost judges by the parent's bounds.
                    gain: open.judged.bounds.gain(params, sums[side]),
                    bounds: bounds[side],
                },
                histogram,
                path: child_path(open.path, side == 1),
                used: open.used.clone(),
            });
        }
        growing.queue.arrange(&mut grown);
        for child in grown {
            self.offer(growing, child);
        }
    }

    /// Makes a leaf a split with two new leaves; returns their places and weights.
    fn split_node(
        &self,
        growing: &mut Growing<'_>,
        open: &Open,
        split: &Split,
    ) -> ([usize; 2], [f32; 2]) {
        let (params, bounds) = (self.evaluator.params, open.judged.bounds);
        let nodes = &mut growing.nodes;
        let sum = split.left + split.right;
        let children = [nodes.len(), nodes.len() + 1];
        let node = &mut nodes[open.node];
        node.base_weight = bounds.weight(params, sum);
        node.sum_hessian = to_f32(sum.hessian);
        node.kind = NodeKind::Split {
            feature: to_index(split.feature),
            condition: match &split.place {
                Place::Below { threshold, .. } => Condition::Below(*threshold),
                Place::Categories(categories) => Condition::NotAmong(categories.clone()),
            },
            default_left: split.default_left,
            left: to_index(children[0]),
            right: to_index(children[1]),
            loss_change: split.loss_change,
        };
        let sums = [split.left, split.right];
        let weights = sums.map(|sum| bounds.weight(params, sum));
        for (sum, weight) in sums.into_iter().zip(weights) {
            let value = weight * params.eta;
            nodes.push(Node {
                parent: Some(to_index(open.node)),
                kind: NodeKind::Leaf { value },
                base_weight: value,
                sum_hessian: to_f32(sum.hessian),
            });
        }
        (children, weights)
    }

    /// The histograms of both children: the one with the smaller sum is added up, the other is what
    /// it leaves of their parent's.
    fn child_histograms(
        &mut self,
        mut parent: Histogram,
        split: &Split,
        ranges: &[Range<usize>; 2],
        gradients: &[Gradient],
    ) -> [Histogram; 2] {
        let build_right = split.right.hessian < split.left.hessian;
        let mut built = self.empty();
        let rows = &self.rows[ranges[usize::from(build_right)].clone()];
        match &mut self.rare {
            Some((adder, rare)) if self.is_exact => {
                adder.add(rare, self.evaluator.layout, rows);
                histogram::take_from(adder.drain(), &mut parent, &mut built);
            }
            _ => {
                self.adder.add(self.bins, rows, gradients);
                histogram::take_from(self.adder.drain(), &mut parent, &mut built);
            }
        }
        if build_right {
            [parent, built]
        } else {
            [built, parent]
        }
    }

    /// A histogram to be written over.
    fn empty(&mut self) -> Histogram {
        let slot_count = self.evaluator.layout.slot_count();
        self.pool
            .pop()
            .unwrap_or_else(|| vec![Sum::default(); slot_count])
    }

    /// Moves the rows that go left before those that go right, each in row order; returns how many
    /// go left.
    fn partition(&mut self, rows: Range<usize>, split: &Split) -> usize {
        let bin_count = self.evaluator.layout.bins(split.feature).len();
        // The slot after the bins is that of missing values.
        let mut goes_left = vec![true; bin_count + 1];
        match &split.place {
            Place::Below { left_bins, .. } => goes_left[*left_bins..].fill(false),
            Place::Categories(categories) => categories
                .iter()
                .for_each(|&category| goes_left[category as usize] = false),
        }
        goes_left[bin_count] = split.default_left;
        let bins = self.bins.feature(split.feature);
        part(&mut self.rows[rows], &mut self.scratch, bins, &goes_left)
    }

    fn settle(&mut self, growing: &mut Growing<'_>, open: Open) {
        self.settle_rows(growing, open.node, open.rows);
        self.pool.push(open.histogram);
    }

    /// Adds a leaf's value to the margins of its rows.
    fn settle_rows(&self, growing: &mut Growing<'_>, leaf: usize, rows: Range<usize>) {
        let NodeKind::Leaf { value } = growing.nodes[leaf].kind else {
            return;
        };
        let Task {
            output,
            output_count,
            ..
        } = *growing.task;
        for &row in &self.rows[rows] {
            growing.margins[row as usize * output_count + output as usize] += value;
        }
    }
}

/// Moves the rows whose bin goes left before the others; returns how many they are.
// On its own, so that the compiler has registers for all of it.
#[inline(never)]
fn part<B: Bin>(rows: &mut [u32], scratch: &mut [u32], bins: &[B], goes_left: &[bool]) -> usize {
    let count = rows.len();
    let (mut left, mut right) = (0, 0);
    let mut place = |at: usize| {
        let row = rows[at];
        let bin: u16 = bins[row as usize].into();
        let goes_left = goes_left[usize::from(bin)];
        // Both are written and one counted, so that nothing is left to predict.
        rows[left] = row;
        scratch[right] = row;
        left += usize::from(goes_left);
        right += usize::from(!goes_left);
    };
    // Several at each turn of a loop, at which the sandbox checks the time.
    let whole = count / BLOCK * BLOCK;
    for start in (0..whole).step_by(BLOCK) {
        for at in start..start + BLOCK {
            place(at);
        }
    }
    for at in whole..count {
        place(at);
    }
    rows[left..].copy_from_slice(&scratch[..right]);
    left
}
