//! Where things stand within their columns: as near as they can to the middle of their neighbours, in the order that
//! was found, without overlapping.
//!
//! With the order given, the best places of one column are those of an isotonic regression, which pooling adjacent
//! violators finds exactly: R. Barlow et al., "Statistical Inference under Order Restrictions", 1972.

use super::{Lattice, ROW_GAP};

/// So often the columns are gone through; places hardly move after that.
const SWEEPS: usize = 10;
/// How much more an arrow pulls at a bend than at a node, so that long arrows are straight.
const STRAIGHT: f64 = 8.0;
/// How much an arrow of a trunk pulls: nothing else moves what is on one by as much as a pixel.
const TRUNK: f64 = 1000.0;
/// Room between an arrow and its neighbour in a column.
const BEND_GAP: f64 = 10.0;

/// The middle of every vertex, the topmost node at the top.
pub(super) fn centres(lattice: &Lattice) -> Vec<f64> {
    let mut centres = vec![0.0; lattice.sizes.len()];
    for column in &lattice.columns {
        stack(lattice, column, &mut centres);
    }
    let count = lattice.columns.len();
    let trunk = Trunk::of(lattice);
    for sweep in 0..SWEEPS {
        let last = sweep + 1 == SWEEPS;
        for step in 0..count {
            let column = if sweep % 2 == 0 {
                step
            } else {
                count - 1 - step
            };
            // The last time, both sides count.
            let sides: &[&[Vec<usize>]] = match (last, sweep % 2 == 0) {
                (true, _) => &[&lattice.left, &lattice.right],
                (false, true) => &[&lattice.left],
                (false, false) => &[&lattice.right],
            };
            settle(
                lattice,
                &trunk,
                &lattice.columns[column],
                sides,
                &mut centres,
            );
        }
    }
    let top = (0..lattice.sizes.len())
        .map(|vertex| centres[vertex] - lattice.sizes[vertex].1 / 2.0)
        .fold(f64::INFINITY, f64::min);
    centres.iter().map(|centre| centre - top).collect()
}

/// The arrows that lead on furthest and come from furthest. Where just one does, it goes on straight and the others
/// branch off; else a graph with a long chain would wander away over the page.
struct Trunk {
    /// The one neighbour on the right, and on the left, with the longest way behind it.
    right: Vec<Option<usize>>,
    left: Vec<Option<usize>>,
}

impl Trunk {
    fn of(lattice: &Lattice) -> Self {
        let vertices = || lattice.columns.iter().flatten().copied();
        Self {
            right: furthest(&lattice.right, vertices().rev()),
            left: furthest(&lattice.left, vertices()),
        }
    }

    fn has(&self, one: usize, other: usize) -> bool {
        let leads =
            |from: usize, to: usize| self.right[from] == Some(to) && self.left[to] == Some(from);
        leads(one, other) || leads(other, one)
    }
}

/// For every vertex the one neighbour from which the longest way leads on. `order` has neighbours first.
fn furthest(neighbours: &[Vec<usize>], order: impl Iterator<Item = usize>) -> Vec<Option<usize>> {
    let mut depths = vec![0_usize; neighbours.len()];
    let mut found = vec![None; neighbours.len()];
    for vertex in order {
        let beside = &neighbours[vertex];
        let deepest = beside.iter().map(|other| depths[*other]).max();
        let mut best = beside
            .iter()
            .filter(|other| Some(depths[**other]) == deepest);
        found[vertex] = best.next().copied().filter(|_| best.next().is_none());
        depths[vertex] = deepest.map_or(0, |depth| depth + 1);
    }
    found
}

/// One below the other, from 0 on.
fn stack(lattice: &Lattice, column: &[usize], centres: &mut [f64]) {
    let mut y = 0.0;
    for (row, &vertex) in column.iter().enumerate() {
        if row > 0 {
            y += distance(lattice, column[row - 1], vertex);
        }
        centres[vertex] = y;
    }
}

/// How far the middles of two that follow each other are apart at least.
fn distance(lattice: &Lattice, upper: usize, lower: usize) -> f64 {
    let gap = match lattice.is_bend(upper) || lattice.is_bend(lower) {
        true => BEND_GAP,
        false => ROW_GAP,
    };
    f64::midpoint(lattice.sizes[upper].1, lattice.sizes[lower].1) + gap
}

/// A stretch of a column that moves as one.
struct Block {
    weight: f64,
    /// The mean of what its members wish, each less its place within the column when stacked.
    wish: f64,
    members: usize,
}

/// Moves the vertices of a column to the middle of their neighbours, as far as order and distances let them.
fn settle(
    lattice: &Lattice,
    trunk: &Trunk,
    column: &[usize],
    sides: &[&[Vec<usize>]],
    centres: &mut [f64],
) {
    let mut stacked = vec![0.0; lattice.sizes.len()];
    stack(lattice, column, &mut stacked);
    let mut blocks: Vec<Block> = Vec::new();
    for &vertex in column {
        let (mut weight, mut sum) = (0.0, 0.0);
        for &other in sides.iter().flat_map(|side| &side[vertex]) {
            let pull = match lattice.is_bend(vertex) && lattice.is_bend(other) {
                _ if trunk.has(vertex, other) => TRUNK,
                true => STRAIGHT,
                false => 1.0,
            };
            weight += pull;
            sum += pull * centres[other];
        }
        // What has no neighbours gives way to all others.
        let (weight, wish) = match weight > 0.0 {
            true => (weight, sum / weight),
            false => (0.01, centres[vertex]),
        };
        blocks.push(Block {
            weight,
            wish: wish - stacked[vertex],
            members: 1,
        });
        while let [.., upper, lower] = blocks.as_slice()
            && upper.wish > lower.wish
        {
            let weight = upper.weight + lower.weight;
            let joined = Block {
                weight,
                wish: (upper.weight * upper.wish + lower.weight * lower.wish) / weight,
                members: upper.members + lower.members,
            };
            blocks.truncate(blocks.len() - 2);
            blocks.push(joined);
        }
    }
    let wishes = blocks
        .iter()
        .flat_map(|block| std::iter::repeat_n(block.wish, block.members));
    for (&vertex, wish) in column.iter().zip(wishes) {
        centres[vertex] = wish + stacked[vertex];
    }
}
