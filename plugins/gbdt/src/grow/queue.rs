//! Which leaf is split next.

use std::{cmp::Ordering, collections::BinaryHeap, collections::VecDeque};

use super::{Open, Ready};
use crate::params::{GrowPolicy, TreeParams};

/// Leaves that are ready to be split.
///
/// A node's split depends on its rows alone. So if leaves are not counted, the order is free, and it
/// is depth first, always into the child with fewer rows: then at most log2(rows) + 1 histograms are
/// alive, however deep the tree. Nodes are numbered level by level afterwards, as XGBoost does.
pub(super) enum Queue {
    /// The last one first.
    DepthFirst(Vec<Ready>),
    /// Level by level, in the order in which nodes were made.
    LevelByLevel(VecDeque<Ready>),
    /// The one that the loss falls most by, of equal ones the older.
    BestFirst(BinaryHeap<ByLossChange>),
}

pub(super) struct ByLossChange(Ready);

impl Queue {
    pub(super) fn new(params: &TreeParams) -> Self {
        match (params.grow_policy, params.max_leaves) {
            (GrowPolicy::Lossguide, _) => Self::BestFirst(BinaryHeap::new()),
            (GrowPolicy::Depthwise, None) => Self::DepthFirst(Vec::new()),
            (GrowPolicy::Depthwise, Some(_)) => Self::LevelByLevel(VecDeque::new()),
        }
    }

    /// Brings children into the order in which they are best pushed.
    pub(super) fn arrange(&self, children: &mut [Open]) {
        if matches!(self, Self::DepthFirst(_)) {
            children.sort_by_key(|child| std::cmp::Reverse(child.rows.len()));
        }
    }

    pub(super) fn push(&mut self, ready: Ready) {
        match self {
            Self::DepthFirst(stack) => stack.push(ready),
            Self::LevelByLevel(queue) => queue.push_back(ready),
            Self::BestFirst(heap) => heap.push(ByLossChange(ready)),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Ready> {
        match self {
            Self::DepthFirst(stack) => stack.pop(),
            Self::LevelByLevel(queue) => queue.pop_front(),
            Self::BestFirst(heap) => heap.pop().map(|ByLossChange(ready)| ready),
        }
    }
}

impl Ord for ByLossChange {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_loss = self
            .0
            .split
            .loss_change
            .total_cmp(&other.0.split.loss_change);
        by_loss.then(other.0.open.node.cmp(&self.0.open.node))
    }
}

impl PartialOrd for ByLossChange {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByLossChange {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByLossChange {}
